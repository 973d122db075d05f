//! What a peer sends: streams of frames for a receiver of either role.

use sockeye::proto::frame::{Header, Opcode, Role, Rules, mask};

/// No byte has its highest bit set, so that ASCII masked twice, or not at all, is ASCII too: a buffer that was unmasked
/// in place can be received again as it is, and nothing has to be copied while time is taken.
pub const KEY: [u8; 4] = [0x17, 0x2a, 0x41, 0x5d];

/// What a receiver of this role expects outside of a message.
pub const fn rules(role: Role) -> Rules {
    Rules {
        role,
        compression: false,
        in_message: false,
    }
}

pub struct Stream {
    pub role: Role,
    pub messages: u64,
    pub bytes: Vec<u8>,
}

impl Stream {
    /// Messages of one frame each, for a receiver of this role.
    pub fn of_messages(role: Role, opcode: Opcode, len: usize, count: u64) -> Self {
        let mut stream = Self::empty(role, count);
        for _ in 0..count {
            stream.frame(opcode, true, len);
        }
        stream
    }

    /// One message in fragments of this length, with a ping between each two.
    pub fn of_fragments(role: Role, opcode: Opcode, len: usize, count: usize) -> Self {
        let mut stream = Self::empty(role, 1);
        stream.frame(opcode, false, len);
        for _ in 1..count - 1 {
            stream.frame(Opcode::Ping, true, 8);
            stream.frame(Opcode::Continuation, false, len);
        }
        stream.frame(Opcode::Ping, true, 8);
        stream.frame(Opcode::Continuation, true, len);
        stream
    }

    const fn empty(role: Role, messages: u64) -> Self {
        Self {
            role,
            messages,
            bytes: Vec::new(),
        }
    }

    fn frame(&mut self, opcode: Opcode, fin: bool, len: usize) {
        let header = Header {
            fin,
            mask: (self.role == Role::Server).then_some(KEY),
            ..Header::new(opcode, len as u64)
        };
        self.bytes.extend_from_slice(header.encode().as_slice());
        let payload = vec![b'a'; len];
        match header.mask {
            Some(key) => mask::append(key, &payload, &mut self.bytes),
            None => self.bytes.extend_from_slice(&payload),
        }
    }
}
