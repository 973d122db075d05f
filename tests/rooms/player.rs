//! A peer: what it reads goes to its judge.
//!
//! Not here: what it does otherwise; that is `episode`.

use super::actor::{OURS, World};
use super::deflating::{Member, request};
use super::frames::{BINARY, CLOSE, Frame, PING, REQUEST, TEXT};
use super::harness::Client;
use super::model::serial_of;
use super::sim::Net;

/// What some peers offer: each kind of compression there is.
pub const OFFERS: [&str; 4] = [
    "permessage-deflate; server_max_window_bits=9",
    "permessage-deflate; server_max_window_bits=11; server_no_context_takeover",
    "permessage-deflate; server_max_window_bits=15",
    "permessage-deflate; client_max_window_bits",
];

pub struct Player {
    /// By this it is known to the model.
    pub number: usize,
    reads: Reads,
    /// The code with which it was closed.
    pub closed: Option<u16>,
    /// It has said that it closes, or ended its side, or broken the connection.
    pub ended: bool,
    /// All is said about it.
    pub settled: bool,
}

enum Reads {
    /// The answer to its request.
    Head(Option<Client>),
    Frames(Box<Member>),
}

impl Player {
    /// A peer that has sent its request.
    pub fn connect(net: &Net, number: usize, offer: Option<&str>) -> Self {
        let client = Client {
            conn: net.connect(),
            bytes: Vec::new(),
        };
        let request = offer.map_or_else(|| REQUEST.to_vec(), request);
        let request = request.strip_suffix(b"\r\n").expect("it ends so");
        client.push(request);
        client.push(format!("X-Number: {number}\r\n\r\n").as_bytes());
        Self {
            number,
            reads: Reads::Head(Some(client)),
            closed: None,
            ended: false,
            settled: false,
        }
    }

    pub fn client(&self) -> &Client {
        match &self.reads {
            Reads::Head(client) => client.as_ref().expect("it is there"),
            Reads::Frames(member) => &member.client,
        }
    }

    /// Reads what has come, and has it judged.
    pub fn read(&mut self, world: &mut World) -> Result<(), String> {
        if let Reads::Head(client) = &mut self.reads {
            let mut here = client.take().expect("it is there");
            let head = here.head();
            if head.is_empty() {
                *client = Some(here);
                return Ok(());
            }
            self.reads = Reads::Frames(Box::new(Member::answered(here, &head)));
        }
        let Reads::Frames(member) = &mut self.reads else {
            return Ok(());
        };
        for (compressed, frame) in member.heard() {
            world.tally.compressed += u64::from(compressed);
            if let Some(code) = self.closed {
                return Err(format!("{frame:?} came behind a Close of {code}"));
            }
            match frame.opcode {
                TEXT | BINARY => world.hear(self.number, &frame)?,
                CLOSE => self.closed = Some(frame.close_code().unwrap_or(1005)),
                PING => {}
                other => return Err(format!("a frame of {other:x}")),
            }
        }
        Ok(())
    }

    /// Whether it was closed as a handler wanted, behind all that it had been told.
    pub fn is_closed_in_order(&self) -> bool {
        self.closed == Some(OURS)
    }
}

impl World {
    /// A peer was told something.
    fn hear(&mut self, number: usize, frame: &Frame) -> Result<(), String> {
        self.tally.told += 1;
        let serial = match frame.payload.as_slice() {
            [] => self.empty,
            payload => serial_of(payload),
        };
        let said = |serial: &u32| (*serial as usize) < self.model.said.len();
        let Some(serial) = serial.filter(said) else {
            return Err(format!("{number} was told what nobody said: {frame:?}"));
        };
        let is_text = self.model.said[serial as usize].is_text;
        let payload = self.model.payload(serial).into_bytes();
        let opcode = if is_text { TEXT } else { BINARY };
        if *frame != (Frame { opcode, payload }) {
            return Err(format!("{number} was told #{serial} wrongly: {frame:?}"));
        }
        let told = &mut self.model.told[number];
        told.receive(serial)
            .map_err(|what| format!("peer {number} {what}"))
    }
}
