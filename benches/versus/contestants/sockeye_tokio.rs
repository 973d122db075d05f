//! Sockeye under tokio, as its own example of an echo: what is received is lent, and sent on while it is. The others get no
//! deadlines, so this has none either.

use sockeye::aio::{Error, Server, Terms, Tokio};
use sockeye::proto::{Config, Limits};
use std::io;
use tokio::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let server = Server::new().terms(terms());
    runtime.block_on(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("listening on ws://{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let server = server.clone();
            tokio::spawn(tokio::task::unconstrained(async move {
                // How a connection ends is nobody's concern here.
                let _ = echo(&server, stream).await;
            }));
        }
    })
}

fn terms() -> Terms {
    let mut config = Config::default();
    config.limits = Limits::with_max_message(64 << 20);
    config.deflate = None;
    let mut terms = Terms::default();
    terms.config = config.into();
    terms.handshake_timeout = None;
    terms.ping_every = None;
    terms.close_timeout = None;
    terms
}

async fn echo(server: &Server, stream: TcpStream) -> Result<(), Error> {
    let mut socket = server.accept(Tokio::new(stream)).await?;
    while let Some((event, mut answer)) = socket.receive_to_answer().await? {
        if event.is_data() {
            answer.feed(event).await?;
        }
    }
    Ok(())
}
