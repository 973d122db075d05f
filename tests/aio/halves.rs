//! Two halves in two tasks.

use crate::pipe::Dice;
use futures_util::future::join;
use sockeye::aio::{Client, Message, Server, Tokio, WebSocket};
use sockeye::proto::{CloseCode, Event};
use std::sync::Arc;
use tokio::io::{DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};

async fn pair(
    room: usize,
) -> (
    WebSocket<Tokio<DuplexStream>>,
    WebSocket<Tokio<DuplexStream>>,
) {
    let (client, server) = duplex(room);
    let accepting = tokio::spawn(async { Server::new().accept(Tokio::new(server)).await });
    let client = Client::new("x", "/")
        .connect(Tokio::new(client))
        .await
        .unwrap();
    (client, accepting.await.unwrap().unwrap())
}

fn text(number: usize) -> String {
    format!("{number} {}", "x".repeat(number * 37 % 500))
}

/// Each half of each side in a task, on several threads, over real sockets: what is sent comes back, in order, while
/// pings go through it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_tasks_on_two_connections() {
    const MESSAGES: usize = 3000;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let echoing = tokio::spawn(async move {
        let stream = listener.accept().await.unwrap().0;
        let socket = Server::new().accept(Tokio::new(stream)).await.unwrap();
        let (mut reader, mut writer) = socket.split();
        let (tell, mut told) = tokio::sync::mpsc::channel(8);
        let writing = tokio::spawn(async move {
            while let Some(message) = told.recv().await {
                writer.send(&message).await.unwrap();
            }
            writer
        });
        while let Some(message) = reader.next().await {
            let message: Message = message.unwrap();
            if message.is_data() {
                tell.send(message).await.unwrap();
            }
        }
        drop(tell);
        assert!(reader.unsplit(writing.await.unwrap()).is_ok());
    });
    let stream = TcpStream::connect(address).await.unwrap();
    let socket = Client::new("x", "/")
        .connect(Tokio::new(stream))
        .await
        .unwrap();
    let (mut reader, mut writer) = socket.split();
    let writing = tokio::spawn(async move {
        for number in 0..MESSAGES {
            if number % 10 == 0 {
                writer
                    .feed(sockeye::aio::Outgoing::Ping(b"?"))
                    .await
                    .unwrap();
            }
            writer.send(&text(number)).await.unwrap();
        }
        writer
    });
    let (mut next, mut pongs) = (0, 0);
    while next < MESSAGES {
        match reader.receive().await.unwrap().unwrap() {
            Event::Text(found) => {
                assert_eq!(found, text(next));
                next += 1;
            }
            Event::Pong(data) => {
                assert_eq!(data, b"?");
                pongs += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(pongs, MESSAGES / 10);
    let mut writer = writing.await.unwrap();
    writer.close(CloseCode::NORMAL, "").await.unwrap();
    assert!(matches!(reader.receive().await, Ok(Some(Event::Close(_)))));
    assert!(matches!(reader.receive().await, Ok(None)));
    echoing.await.unwrap();
}

/// The half that receives answers by itself.
#[tokio::test]
async fn pings_and_goodbyes_are_answered_while_nobody_writes() {
    let (mut client, server) = pair(1024).await;
    let (mut reader, writer) = server.split();
    let serving = tokio::spawn(async move { while let Ok(Some(_)) = reader.receive().await {} });
    client
        .send(sockeye::aio::Outgoing::Ping(b"there?"))
        .await
        .unwrap();
    assert_eq!(
        client.receive().await.unwrap(),
        Some(Event::Pong(b"there?"))
    );
    let goodbye = client.close(CloseCode::GOING_AWAY, "enough").await.unwrap();
    assert_eq!(goodbye.unwrap().code, Some(CloseCode::GOING_AWAY));
    serving.await.unwrap();
    drop(writer);
}

/// A write that was begun by one half, and given up, is ended by the other.
#[tokio::test(start_paused = true)]
async fn what_was_begun_is_ended_by_whoever_is_left() {
    let (mut client, server) = pair(64).await;
    let (mut reader, mut writer) = server.split();
    let large = vec![7; 500_000];
    let given_up = tokio::time::timeout(std::time::Duration::from_millis(1), writer.send(&large));
    assert!(given_up.await.is_err(), "nobody reads yet");
    let serving = tokio::spawn(async move { while let Ok(Some(_)) = reader.receive().await {} });
    assert_eq!(client.receive().await.unwrap(), Some(Event::Binary(&large)));
    drop(client);
    serving.await.unwrap();
    drop(writer);
}

/// Both sides send more than is on the way at once, and both receive.
#[tokio::test]
async fn who_sends_and_receives_at_once_does_not_wait_for_ever() {
    let (client, server) = pair(100).await;
    // What could be compressed would not fill anything.
    let mut dice = Dice::new(1);
    #[expect(clippy::cast_possible_truncation, reason = "it is below 256")]
    let noise = core::iter::repeat_with(|| dice.below(256) as u8);
    let large: Arc<Vec<u8>> = Arc::new(noise.take(300_000).collect());
    let side = |socket: WebSocket<Tokio<DuplexStream>>| {
        let (mut reader, mut writer) = socket.split();
        let large = Arc::clone(&large);
        async move {
            let sending = tokio::spawn({
                let large = Arc::clone(&large);
                async move {
                    for _ in 0..3 {
                        writer.send(&*large).await.unwrap();
                    }
                    writer
                }
            });
            for _ in 0..3 {
                assert_eq!(reader.receive().await.unwrap(), Some(Event::Binary(&large)));
            }
            (reader, sending.await.unwrap())
        }
    };
    let (one, other) = join(side(client), side(server)).await;
    drop((one, other));
}

/// Halves of different connections do not make one.
#[tokio::test]
async fn strangers_are_not_joined() {
    let (client, server) = pair(1024).await;
    let (reader, _writer) = client.split();
    let (_reader, writer) = server.split();
    assert!(reader.unsplit(writer).is_err());
}
