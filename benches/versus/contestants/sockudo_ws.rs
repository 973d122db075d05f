//! sockudo-ws on tokio, as its own example of an echo has it: `send` for each message.

use futures_util::{SinkExt, StreamExt};
use sockudo_ws::handshake::server_handshake;
use sockudo_ws::{Config, Error, Message, WebSocketStream};
use std::io;
use tokio::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("listening on ws://{}", listener.local_addr()?);
        let config = Config::builder().max_payload_length(64 << 20).build();
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let config = config.clone();
            tokio::spawn(tokio::task::unconstrained(async move {
                let _ = echo(stream, config).await;
            }));
        }
    })
}

/// A lost connection is the end of its task, and nothing else.
async fn echo(mut stream: TcpStream, config: Config) -> Result<(), Error> {
    server_handshake(&mut stream).await?;
    let mut socket = WebSocketStream::server(stream, config);
    while let Some(message) = socket.next().await {
        match message? {
            message @ (Message::Text(_) | Message::Binary(_)) => socket.send(message).await?,
            Message::Close(_) => break,
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }
    Ok(())
}
