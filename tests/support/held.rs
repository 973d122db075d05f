//! A port for a server that dies and comes back, or for nobody.
//!
//! Not here: ports for programs that are not ours; those have to be free.

use socket2::{Domain, Socket, Type};
use std::net::SocketAddr;

/// Until it is dropped, the system gives the port to nobody who asks for any, whoever connects to it is refused, and
/// servers of ours can listen there, as they take over what is left of one that has died.
pub struct Held {
    _socket: Socket,
    pub addr: SocketAddr,
}

impl Held {
    pub fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_reuse_address(true).expect("a socket");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into()).expect("a free port");
        let addr = socket.local_addr().expect("it is bound").as_socket();
        Self {
            _socket: socket,
            addr: addr.expect("an address"),
        }
    }
}
