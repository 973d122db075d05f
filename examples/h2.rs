//! An echo server over HTTP/2 (RFC 8441), and over HTTP/1.1 for who does not speak it, with TLS and a page to try it with.
//!
//! `cargo run --example h2 --features http2`, then open `https://127.0.0.1:9001` in a browser, which will not know the
//! certificate: it is made anew each time. One connection then carries the page and its socket. Another address may be
//! given as an argument.

use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use sockeye::aio::{Error, Server, http};
use std::{convert::Infallible, sync::Arc};
use tokio_rustls::{TlsAcceptor, rustls};

const PAGE: &str = "<!doctype html><title>…</title><script>
    const say = (text) => console.log(document.title = text);
    const socket = new WebSocket(`wss://${location.host}/echo`);
    socket.onopen = () => socket.send('hello');
    socket.onmessage = (message) => { say(message.data); socket.close(1000); };
    socket.onclose = (event) => say(`closed with ${event.code}`);
</script>";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:9001");
    let tls = TlsAcceptor::from(Arc::new(certified()?));
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http2().enable_connect_protocol();
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on https://{}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        let (tls, http) = (tls.clone(), http.clone());
        tokio::spawn(async move {
            let io = TokioIo::new(tls.accept(stream).await?);
            let served = http.serve_connection_with_upgrades(io, service_fn(serve));
            eprintln!("{peer} ended: {:?}", served.await);
            Ok::<(), std::io::Error>(())
        });
    }
}

async fn serve(mut request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    if request.uri().path() == "/" {
        let page = Response::builder().header("content-type", "text/html; charset=utf-8");
        return Ok(page.body(PAGE.into()).unwrap_or_default());
    }
    eprintln!(
        "{} {} over {:?}",
        request.method(),
        request.uri(),
        request.version()
    );
    let ended = async |socket| eprintln!("ended: {:?}", echo(socket).await);
    Ok(Server::new().on_upgrade(&mut request, ended))
}

async fn echo(mut socket: http::Socket) -> Result<(), Error> {
    while let Some((event, mut answer)) = socket.receive_to_answer().await? {
        if event.is_data() {
            answer.feed(event).await?;
        }
    }
    Ok(())
}

/// TLS with a certificate of our own, and both protocols to choose from.
fn certified() -> Result<rustls::ServerConfig, Box<dyn std::error::Error>> {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names)?;
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let mut config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
