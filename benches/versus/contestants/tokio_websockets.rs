//! tokio-websockets as its own echo example uses it. `--feed` takes all messages that are ready, answers them
//! and flushes once, which is the most that the library offers to those who are pipelined to.

use futures_util::{FutureExt, SinkExt, StreamExt};
use std::env;
use std::io;
use tokio::net::{TcpListener, TcpStream};
use tokio_websockets::{Config, Error, Limits, Message, ServerBuilder, WebSocketStream};

fn main() -> io::Result<()> {
    let feeds = env::args().any(|arg| arg == "--feed");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("listening on ws://{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(tokio::task::unconstrained(serve(stream, feeds)));
        }
    })
}

async fn accept(stream: TcpStream) -> Result<WebSocketStream<TcpStream>, Error> {
    let builder = ServerBuilder::new()
        // A message is answered in one frame, however large.
        .config(Config::default().frame_size(usize::MAX))
        .limits(Limits::default());
    Ok(builder.accept(stream).await?.1)
}

async fn serve(stream: TcpStream, feeds: bool) {
    let Ok(mut socket) = accept(stream).await else {
        return;
    };
    let result = if feeds {
        echo_feeding(&mut socket).await
    } else {
        echo(&mut socket).await
    };
    if result.is_err() {
        // The close frame for a fault is queued by then; a lost connection takes none.
        let _ = socket.flush().await;
    }
}

async fn echo(socket: &mut WebSocketStream<TcpStream>) -> Result<(), Error> {
    while let Some(message) = socket.next().await {
        let message = message?;
        if is_data(&message) {
            socket.send(message).await?;
        }
    }
    Ok(())
}

async fn echo_feeding(socket: &mut WebSocketStream<TcpStream>) -> Result<(), Error> {
    let mut ready = Vec::new();
    while let Some(message) = socket.next().await {
        // All of them first: to ask for a message flushes what was fed.
        let mut next = Some(message);
        while let Some(message) = next {
            ready.push(message?);
            next = socket.next().now_or_never().flatten();
        }
        for message in ready.drain(..).filter(is_data) {
            socket.feed(message).await?;
        }
        socket.flush().await?;
    }
    Ok(())
}

fn is_data(message: &Message) -> bool {
    message.is_text() || message.is_binary()
}
