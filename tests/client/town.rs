//! Servers that do as they should, any number of them.

use crate::frames;
use crate::harness::{Server, Sim, frame};

/// All servers there are, which do as they should.
#[derive(Default)]
pub struct Town {
    pub servers: Vec<Server>,
    /// Those whose request was answered, as numbers.
    answered: Vec<usize>,
    /// What each sends behind its answer.
    pub greeting: Vec<u8>,
    /// The text messages that came, in order.
    pub heard: Vec<String>,
}

impl Town {
    /// Answers what has come: requests with 101, pings, and a Close with another, and the end.
    pub fn serve(&mut self, sim: &mut Sim) {
        let dialed = sim.dialed_from(0);
        let conns = dialed.into_iter().filter_map(|dialed| dialed.conn);
        self.servers
            .extend(conns.skip(self.servers.len()).map(Server::new));
        for (number, server) in self.servers.iter_mut().enumerate() {
            if server.conn.is_closed() {
                continue;
            }
            if self.answered.contains(&number) {
                self.heard.extend(heard_by(server));
            } else if server.conn.untaken() > 0 {
                server.accept();
                server.push(&self.greeting);
                self.answered.push(number);
            }
        }
        sim.settle();
    }
}

/// The text messages that came. A Close is answered.
fn heard_by(server: &mut Server) -> Vec<String> {
    let mut heard = Vec::new();
    for received in server.frames() {
        match received.opcode {
            frames::TEXT => heard.push(String::from_utf8(received.payload).expect("text")),
            frames::PING => server.push(&frame(0x8A, &received.payload)),
            frames::CLOSE => {
                server.push(&frame(0x88, &received.payload));
                server.conn.end();
            }
            _ => {}
        }
    }
    heard
}
