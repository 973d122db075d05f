//! One side of a conversation, as a program in C would have it.
//!
//! Not here: sockets; what goes from side to side is a `Vec`.
#![allow(
    dead_code,
    clippy::indexing_slicing,
    clippy::undocumented_unsafe_blocks,
    clippy::unwrap_used
)]

use sockeye::abi::handles::*;
use sockeye::abi::opening::*;
use sockeye::abi::receive::sockeye_next;
use sockeye::abi::send::*;
use sockeye::abi::{Bytes, Conn, Tools};
use sockeye::config::Config;
use sockeye::error::Error;
use sockeye::event::{Event, State, Step};
use sockeye::request::Request;
use std::ffi::CString;
use std::fmt::Write as _;
use std::ptr::null;

/// A key that changes nothing, so that a client's frames can be read.
pub(crate) const KEY: [u8; 4] = [0; 4];

pub(crate) struct Side {
    pub(crate) tools: *mut Tools,
    pub(crate) conn: *mut Conn,
    received: Vec<u8>,
    /// What happened, a line each; parts are joined.
    pub(crate) log: String,
    /// What it wrote.
    pub(crate) written: Vec<u8>,
    /// Subprotocols to accept with.
    pub(crate) protocols: CString,
}

impl Side {
    pub(crate) fn server(config: &Config) -> Self {
        Self::of(config, |tools, conn| unsafe {
            sockeye_server_new(tools, conn)
        })
    }

    pub(crate) fn client(config: &Config, request: &Request) -> Self {
        Self::of(config, |tools, conn| unsafe {
            sockeye_client_new(tools, request, conn)
        })
    }

    fn of(config: &Config, make: impl FnOnce(*mut Tools, *mut *mut Conn) -> Error) -> Self {
        let (mut tools, mut conn) = (null::<Tools>().cast_mut(), null::<Conn>().cast_mut());
        assert_eq!(
            unsafe { sockeye_tools_new(config, &mut tools) },
            Error::None
        );
        assert_eq!(make(tools, &mut conn), Error::None);
        Self {
            tools,
            conn,
            received: Vec::new(),
            log: String::new(),
            written: Vec::new(),
            protocols: CString::default(),
        }
    }

    /// Takes these bytes, answers requests and echoes messages, and writes what there is to write.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
        let mut at = 0;
        loop {
            let rest = &mut self.received[at..];
            let mut step = blank();
            let error = unsafe {
                sockeye_next(
                    self.conn,
                    self.tools,
                    rest.as_mut_ptr(),
                    rest.len(),
                    &mut step,
                )
            };
            assert_eq!(error, Error::None);
            at += step.consumed;
            self.on(&step);
            if step.event == Event::NeedMore || self.is_over() {
                break;
            }
        }
        self.received.drain(..at);
        self.write();
    }

    /// Writes some now and some later.
    pub(crate) fn write(&mut self) {
        loop {
            let output = slice(unsafe { sockeye_output(self.conn) }).unwrap();
            if output.is_empty() {
                break;
            }
            let some = output.len().div_ceil(2);
            self.written.extend_from_slice(&output[..some]);
            assert_eq!(unsafe { sockeye_written(self.conn, some) }, Error::None);
        }
    }

    fn on(&mut self, step: &Step) {
        let data = slice(Bytes {
            data: step.data,
            len: step.len,
        })
        .unwrap_or_default();
        let (conn, tools) = (self.conn, self.tools);
        let error = match step.event {
            Event::NeedMore => return,
            Event::Part => return self.on_part(step, data),
            Event::Request => unsafe { sockeye_accept(conn, self.protocols.as_ptr(), null(), 0) },
            Event::Text => unsafe { sockeye_send_text(conn, tools, step.data.cast(), step.len) },
            Event::Binary => unsafe {
                sockeye_send_binary(conn, tools, step.data.cast(), step.len)
            },
            _ => Error::None,
        };
        assert_eq!(error, Error::None);
        let data = String::from_utf8_lossy(data);
        writeln!(self.log, "{:?} {} {data}", step.event, step.code).unwrap();
    }

    /// As one line, however it was cut.
    fn on_part(&mut self, step: &Step, data: &[u8]) {
        use sockeye::event::{SOCKEYE_ENDS_MESSAGE, SOCKEYE_STARTS_MESSAGE};
        if step.part & SOCKEYE_STARTS_MESSAGE != 0 {
            write!(
                self.log,
                "Parts of {:?} of {}: ",
                step.message, step.frame_len
            )
            .unwrap();
        }
        self.log.push_str(&String::from_utf8_lossy(data));
        if step.part & SOCKEYE_ENDS_MESSAGE != 0 {
            self.log.push('\n');
        }
    }

    pub(crate) fn state(&self) -> State {
        unsafe { sockeye_conn_state(self.conn) }
    }

    pub(crate) fn is_over(&self) -> bool {
        unsafe { sockeye_is_over(self.conn) }
    }

    pub(crate) fn header(&self, name: &str, index: usize) -> Option<String> {
        let name = CString::new(name).unwrap();
        text(unsafe { sockeye_header(self.conn, name.as_ptr(), index) })
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        unsafe { sockeye_conn_free(self.conn) };
        unsafe { sockeye_tools_free(self.tools) };
    }
}

/// The defaults.
pub(crate) fn config() -> Config {
    // SAFETY: all its fields are numbers.
    let config: Config = unsafe { std::mem::zeroed() };
    Config {
        size: size_of::<Config>(),
        ..config
    }
}

pub(crate) fn blank() -> Step {
    // SAFETY: numbers, a pointer, and enumerations that have a 0.
    unsafe { std::mem::zeroed() }
}

pub(crate) fn slice<'a>(bytes: Bytes) -> Option<&'a [u8]> {
    (!bytes.data.is_null()).then(|| unsafe { std::slice::from_raw_parts(bytes.data, bytes.len) })
}

pub(crate) fn text(bytes: Bytes) -> Option<String> {
    slice(bytes).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
}

/// The least that a client asks for.
pub(crate) fn asked() -> Request {
    let text = c"/".as_ptr();
    Request {
        size: size_of::<Request>(),
        host: c"a".as_ptr(),
        target: text,
        origin: null(),
        protocols: null(),
        headers: null(),
        header_count: 0,
        nonce: null(),
    }
}

/// A request with these lines beside the usual.
pub(crate) fn request(lines: &str) -> Vec<u8> {
    format!(
        "GET /chat?room=1 HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{lines}\r\n"
    )
    .into_bytes()
}

/// A client's frame, short or with two bytes of length.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).unwrap();
    let mut frame = vec![first];
    match u8::try_from(len) {
        Ok(len @ ..=125) => frame.push(0x80 | len),
        _ => {
            frame.push(0x80 | 126);
            frame.extend(len.to_be_bytes());
        }
    }
    frame.extend(KEY);
    frame.extend_from_slice(payload);
    frame
}
