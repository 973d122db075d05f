//! The codecs. Each reads a tape to its end and counts the payload bytes of the messages it was given.
//!
//! Each is used as its authors do for speed, without sockets, handshakes or tasks.

use crate::tape::{READ, Tape};
use bytes::BytesMut;
use fastwebsockets::{FragmentCollector, OpCode};
use futures_util::Stream;
use sockeye::proto::{Config, Connection, Event, Inbound, Outbound};
use std::future::Future;
use std::io::Read;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// What stays in the first-level cache, as the buffers of most others do. It grows with larger messages.
const OUR_READ: usize = 16 << 10;
/// Larger than any message here.
const MOST: usize = 64 << 20;

pub(crate) trait Codec {
    /// Decodes all that the tape holds.
    fn play(&mut self) -> usize;
}

/// A codec, and what it leaves out of what a server has to check.
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    pub(crate) skips: &'static str,
    pub(crate) make: fn(Tape) -> Box<dyn Codec>,
}

/// Ours first; the last is ours again, which shows what a run cannot tell.
pub(crate) const ALL: [Contestant; 7] = [
    Contestant {
        name: "sockeye",
        skips: "nothing known",
        make: |tape| Box::new(Ours::new(tape)),
    },
    Contestant {
        name: "tungstenite",
        skips: "minimal lengths",
        make: |tape| Box::new(Tungstenite::new(tape)),
    },
    Contestant {
        name: "tokio-websockets",
        skips: "nothing of frames",
        make: |tape| Box::new(TokioWebsockets::new(tape)),
    },
    Contestant {
        name: "fastwebsockets",
        skips: "MASK bit, minimal lengths, some of the order of fragments, early UTF-8",
        make: |tape| Box::new(Fastwebsockets::new(tape)),
    },
    Contestant {
        name: "sockudo-ws",
        skips: "not asked; its text is bytes that were judged",
        make: |tape| Box::new(Sockudo::new(tape)),
    },
    Contestant {
        name: "the tape alone",
        skips: "all: it reads, into the same buffer again and again",
        make: |tape| Box::new(TapeAlone::new(tape)),
    },
    Contestant {
        name: "sockeye again",
        skips: "",
        make: |tape| Box::new(Ours::new(tape)),
    },
];

pub(crate) fn config() -> Arc<Config> {
    let mut config = Config::default();
    config.limits.max_frame = MOST as u64;
    config.limits.max_message = MOST as u64;
    Arc::new(config)
}

struct Ours {
    tape: Tape,
    conn: Connection,
    inbound: Inbound,
    buffer: Vec<u8>,
}

impl Ours {
    fn new(tape: Tape) -> Self {
        Self {
            tape,
            conn: Connection::server(config()),
            inbound: Inbound::new(),
            buffer: vec![0; OUR_READ],
        }
    }
}

impl Codec for Ours {
    fn play(&mut self) -> usize {
        self.tape.rewind();
        let (mut heard, mut filled, mut need) = (0, 0, OUR_READ);
        let mut out = Outbound::server(Vec::new());
        loop {
            // Where a message is in progress, not beyond it: then nothing has to be moved.
            let end = filled + need;
            if self.buffer.len() < end {
                self.buffer.resize(end, 0);
            }
            let Ok(bytes) = self.tape.read(&mut self.buffer[filled..end]) else {
                return heard;
            };
            filled += bytes;
            let mut at = 0;
            loop {
                let input = &mut self.buffer[at..filled];
                let step = self
                    .conn
                    .rx
                    .next(input, &mut self.inbound, &mut self.conn.tx, &mut out);
                let step = step.expect("frames that are right");
                at += step.consumed;
                match step.event {
                    Some(Event::Text(text)) => heard += text.len(),
                    Some(Event::Binary(data)) => heard += data.len(),
                    Some(_) => {}
                    None => {
                        need = step.need;
                        break;
                    }
                }
            }
            self.buffer.copy_within(at..filled, 0);
            filled -= at;
            if filled == 0 {
                need = OUR_READ;
            }
        }
    }
}

struct TapeAlone {
    tape: Tape,
    buffer: Vec<u8>,
}

impl TapeAlone {
    fn new(tape: Tape) -> Self {
        Self {
            tape,
            buffer: vec![0; OUR_READ],
        }
    }
}

impl Codec for TapeAlone {
    fn play(&mut self) -> usize {
        self.tape.rewind();
        while self.tape.read(&mut self.buffer).is_ok() {
            std::hint::black_box(&mut self.buffer);
        }
        0
    }
}

struct Tungstenite {
    tape: Tape,
    socket: tungstenite::WebSocket<Tape>,
}

impl Tungstenite {
    fn new(tape: Tape) -> Self {
        use tungstenite::protocol::{Role, WebSocketConfig};
        let config = WebSocketConfig::default()
            .max_frame_size(Some(MOST))
            .max_message_size(Some(MOST));
        let socket =
            tungstenite::WebSocket::from_raw_socket(tape.clone(), Role::Server, Some(config));
        Self { tape, socket }
    }
}

impl Codec for Tungstenite {
    fn play(&mut self) -> usize {
        self.tape.rewind();
        let mut heard = 0;
        while let Ok(message) = self.socket.read() {
            heard += message.len();
        }
        heard
    }
}

struct TokioWebsockets {
    tape: Tape,
    socket: tokio_websockets::WebSocketStream<Tape>,
}

impl TokioWebsockets {
    fn new(tape: Tape) -> Self {
        let socket = tokio_websockets::ServerBuilder::new().serve(tape.clone());
        Self { tape, socket }
    }
}

impl Codec for TokioWebsockets {
    fn play(&mut self) -> usize {
        self.tape.rewind();
        let mut heard = 0;
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(Ok(message))) =
            Pin::new(&mut self.socket).poll_next(&mut context)
        {
            heard += message.as_payload().len();
        }
        heard
    }
}

struct Fastwebsockets {
    tape: Tape,
    socket: FragmentCollector<Tape>,
}

impl Fastwebsockets {
    fn new(tape: Tape) -> Self {
        use fastwebsockets::{Role, WebSocket};
        let socket = WebSocket::after_handshake(tape.clone(), Role::Server);
        let socket = FragmentCollector::new(socket);
        Self { tape, socket }
    }
}

impl Codec for Fastwebsockets {
    fn play(&mut self) -> usize {
        self.tape.rewind();
        let mut heard = 0;
        let mut context = Context::from_waker(Waker::noop());
        loop {
            let frame = pin!(self.socket.read_frame());
            let Poll::Ready(Ok(frame)) = frame.poll(&mut context) else {
                return heard;
            };
            if matches!(frame.opcode, OpCode::Text | OpCode::Binary) {
                heard += frame.payload.len();
            }
        }
    }
}

struct Sockudo {
    tape: Tape,
    protocol: sockudo_ws::protocol::Protocol,
    buffer: BytesMut,
    messages: Vec<sockudo_ws::protocol::Message>,
}

impl Sockudo {
    fn new(tape: Tape) -> Self {
        use sockudo_ws::protocol::{Protocol, Role};
        Self {
            tape,
            protocol: Protocol::new(Role::Server, MOST, MOST),
            buffer: BytesMut::with_capacity(READ),
            messages: Vec::new(),
        }
    }
}

impl Codec for Sockudo {
    fn play(&mut self) -> usize {
        self.tape.rewind();
        let mut heard = 0;
        loop {
            // No zeroes are written first: what a read brings is appended.
            let before = self.buffer.len();
            self.tape.append_to(&mut self.buffer);
            if self.buffer.len() == before {
                return heard;
            }
            let done = self
                .protocol
                .process_into(&mut self.buffer, &mut self.messages);
            done.expect("frames that are right");
            heard += self
                .messages
                .iter()
                .map(|message| message.as_bytes().len())
                .sum::<usize>();
        }
    }
}
