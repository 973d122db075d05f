//! A server behind a proxy, so that it can have any name: it shows a certificate and writes down what it hears.

use crate::certs::Identity;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::{ServerConfig, ServerConnection};
use sockeye::client::{ConnectError, Connector, Proxy};
use sockeye::tls;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// What a server heard.
#[derive(Debug, Default)]
pub struct Heard {
    /// All bytes, as they came.
    pub raw: Vec<u8>,
    /// What was in them.
    pub plain: Vec<u8>,
    /// The host that the client asked for in TLS.
    pub name: Option<String>,
}

/// A server's configuration that shows this.
pub fn showing(identity: &Identity) -> ServerConfig {
    showing_to(identity, None)
}

/// One that wants to see the client's as well.
pub fn showing_to(
    identity: &Identity,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
) -> ServerConfig {
    let chain = CertificateDer::pem_slice_iter(identity.chain.as_bytes());
    let chain = chain.collect::<Result<_, _>>().expect("PEM");
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("PEM");
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("known versions");
    match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    }
    .with_single_cert(chain, key)
    .expect("they belong together")
}

/// Connects to a host by its name, wherever the server is.
pub fn attempt(url: &str, config: ServerConfig, trust: &tls::Client) -> (ConnectError, Heard) {
    attempt_with(url, trust, |stream| speak_tls(stream, config))
}

/// The same with a server that does what it likes.
pub fn attempt_with(
    url: &str,
    trust: &tls::Client,
    serve: impl FnOnce(&mut TcpStream) -> Heard + Send + 'static,
) -> (ConnectError, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("bound");
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
        open_tunnel(&mut stream);
        serve(&mut stream)
    });
    let proxy = Proxy::parse(&format!("http://{addr}")).expect("a URL");
    let connector = Connector::new(url).expect("a URL").proxy(proxy);
    let error = connector.tls(trust.clone()).open();
    let heard = server.join().expect("it serves");
    (error.expect_err("nobody answers 101"), heard)
}

fn open_tunnel(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a request");
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"CONNECT "));
    stream
        .write_all(b"HTTP/1.1 200 OK\r\n\r\n")
        .expect("it reads");
}

/// Hears a request through TLS, and answers 418 to it.
fn speak_tls(stream: &mut TcpStream, config: ServerConfig) -> Heard {
    let mut layer = ServerConnection::new(Arc::new(config)).expect("a configuration");
    let mut heard = Heard::default();
    let mut buffer = [0; 4096];
    loop {
        while layer.wants_write() {
            if layer.write_tls(stream).is_err() {
                return heard;
            }
        }
        if heard.plain.ends_with(b"\r\n\r\n") {
            let answer = b"HTTP/1.1 418 I am a teapot\r\nContent-Length: 0\r\n\r\n";
            layer.writer().write_all(answer).expect("room");
            let _ = layer.write_tls(stream);
            return heard;
        }
        let Ok(bytes @ 1..) = stream.read(&mut buffer) else {
            return heard;
        };
        heard.raw.extend(&buffer[..bytes]);
        let mut records = &buffer[..bytes];
        while !records.is_empty() {
            layer.read_tls(&mut records).expect("room");
            if layer.process_new_packets().is_err() {
                let _ = layer.write_tls(stream);
                return heard;
            }
            let _ = layer.reader().read_to_end(&mut heard.plain);
        }
        heard.name = layer.server_name().map(ToOwned::to_owned);
    }
}
