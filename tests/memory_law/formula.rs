//! The formula of `docs/memory.md`, term by term.
//!
//! Not here: who does what the terms are for.

const PAGE: &str = include_str!("../../docs/memory.md");

/// The longest message that is a short one for what compresses.
const SHORT: usize = 4 << 10;

/// Those that the page has numbers for, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Constants {
    /// A loop with no connection.
    pub own: usize,
    /// What inflates, once in a loop.
    pub inflater: usize,
    /// Into what it inflates, also once.
    pub inflated: usize,
    /// Into what it compresses, also once.
    pub deflated: usize,
    /// A connection.
    pub session: usize,
    /// What it takes to hold more than that for it.
    pub share: usize,
    /// Its being in a room.
    pub member: usize,
    /// Output that waits, beside its bytes.
    pub outbox: usize,
    /// A piece of it.
    pub piece: usize,
    /// A message of a room, beside its bytes, held once.
    pub said: usize,
    /// What compresses short messages, once in a loop.
    pub quick: usize,
    /// What compresses others, once in a loop, and once more for each connection that keeps a memory of earlier messages.
    pub compressor: usize,
}

impl Constants {
    /// As the page has them.
    pub fn documented() -> Self {
        Self {
            own: constant("L"),
            inflater: constant("I"),
            inflated: constant("B"),
            deflated: constant("W"),
            session: constant("S"),
            share: constant("F"),
            member: constant("R"),
            outbox: constant("O"),
            piece: constant("E"),
            said: constant("G"),
            quick: constant("Q"),
            compressor: constant("C"),
        }
    }
}

/// The number in the page's line about it: `` | `S` | 300 | … | ``.
fn constant(name: &str) -> usize {
    let line = format!("| `{name}` | ");
    let rest = PAGE.split_once(&line).expect("the page has it").1;
    let digits: String = rest
        .chars()
        .take_while(|char| *char != '|')
        .filter(char::is_ascii_digit)
        .collect();
    digits.parse().expect("a number of bytes")
}

/// What is held, as it adds up.
#[derive(Clone, Copy, Debug)]
pub struct Formula {
    pub constants: Constants,
    sessions: usize,
    bytes: usize,
    inflates: bool,
    compresses_short: bool,
    compresses: bool,
    deflates: bool,
}

impl Formula {
    pub const fn new(constants: Constants) -> Self {
        Self {
            constants,
            sessions: 0,
            bytes: constants.own,
            inflates: false,
            compresses_short: false,
            compresses: false,
            deflates: false,
        }
    }

    /// All of it. The lists that connections are in double.
    pub const fn bytes(&self) -> usize {
        let places = match self.sessions {
            0 => 0,
            sessions => sessions.next_power_of_two(),
        };
        self.bytes + places * self.constants.session
    }

    /// So many connections.
    pub const fn sessions(&mut self, count: usize) {
        self.sessions += count;
    }

    /// So many of them are in a room.
    pub const fn members(&mut self, count: usize) {
        self.bytes += count * self.constants.member;
    }

    /// A frame of `len` bytes, header included, that has begun, and of which so many bytes have come.
    pub fn buffer(&mut self, arrived: usize, len: usize) {
        self.bytes += self.constants.share + buffer(arrived, len);
    }

    /// Fragments of a size that were collected, so many.
    pub fn fragments(&mut self, count: usize, size: usize) {
        self.bytes += self.constants.share + collected(count, size);
    }

    /// Output that waits in pieces that are its own, of so many bytes.
    pub fn outbox(&mut self, owned: &[usize]) {
        let entries = owned.len().next_power_of_two().max(4);
        self.bytes += self.constants.share + self.constants.outbox;
        self.bytes += entries * self.constants.piece;
        self.bytes += owned.iter().sum::<usize>();
    }

    /// Output that waits in so many pieces that others have as well.
    pub fn shared(&mut self, pieces: usize) {
        let entries = pieces.next_power_of_two().max(4);
        self.bytes += self.constants.share + self.constants.outbox;
        self.bytes += entries * self.constants.piece;
    }

    /// So many messages of a room of a size, encoded, that somebody has not read.
    pub const fn said(&mut self, messages: usize, size: usize) {
        self.bytes += messages * (self.constants.said + size);
    }

    /// The same in pieces that are too small to be shared: each has them by itself, one behind the other.
    pub fn gathered(&mut self, count: usize, size: usize) {
        let list = collected(count, size) - size_of::<Vec<u8>>();
        self.outbox(&[list]);
    }

    /// Something compressed has come.
    pub const fn inflater(&mut self) {
        if !self.inflates {
            self.bytes += self.constants.inflater;
            self.inflates = true;
        }
    }

    /// A compressed message was read to its end.
    pub const fn inflated(&mut self) {
        self.bytes += self.constants.inflated;
    }

    /// Something of a size was sent compressed, without a memory of earlier messages.
    pub const fn compressor(&mut self, size: usize) {
        if size <= SHORT {
            if !self.compresses_short {
                self.bytes += self.constants.quick;
                self.compresses_short = true;
            }
        } else if !self.compresses {
            self.bytes += self.constants.compressor;
            self.compresses = true;
        }
        self.deflated();
    }

    /// So many connections were sent something with a memory of earlier messages.
    pub const fn takeover(&mut self, count: usize) {
        self.bytes += count * self.constants.compressor;
        self.deflated();
    }

    const fn deflated(&mut self) {
        if !self.deflates {
            self.bytes += self.constants.deflated;
            self.deflates = true;
        }
    }
}

/// What is held of `arrived` bytes of a frame of `len`: the next power of two, or 64; from 256 KiB on, twice as much each
/// time it is full, and never more than the frame.
pub fn buffer(arrived: usize, len: usize) -> usize {
    const DOUBLES_UP_TO: usize = 256 << 10;
    let mut room = (arrived + 1).next_power_of_two().clamp(64, DOUBLES_UP_TO);
    while room < arrived {
        room = (2 * room).min(len);
    }
    room
}

/// What is held of so many fragments of a size: a list that doubles.
pub fn collected(count: usize, size: usize) -> usize {
    let mut room = 0;
    for fragment in 1..=count {
        if room < fragment * size {
            room = (fragment * size).max(2 * room).max(8);
        }
    }
    room + size_of::<Vec<u8>>()
}
