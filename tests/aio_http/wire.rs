//! Servers at one end of a pipe, and what they answer at the other.

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sockeye::aio::{Server, Tokio};
use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;

/// The clock stands still until everybody waits: then nothing more comes, and it is over at once.
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) async fn within_an_hour<F: Future>(what: F) -> F::Output {
    timeout(HOUR, what).await.unwrap()
}

/// A pipe that holds whatever a test says at once.
pub(crate) fn pipe() -> (DuplexStream, DuplexStream) {
    duplex(1 << 20)
}

/// An answer: its status, its fields in alphabetical order, and its body. None of them where there was none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// Without the date, which is hyper's alone.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::default();
        }
        let mut fields = [httparse::EMPTY_HEADER; 32];
        let mut head = httparse::Response::new(&mut fields);
        let len = head.parse(bytes).unwrap().unwrap();
        let mut fields: Vec<_> = head
            .headers
            .iter()
            .map(|field| (field.name.to_ascii_lowercase(), said(field.value)))
            .filter(|(name, _)| name != "date")
            .collect();
        fields.sort();
        Self {
            status: head.code.unwrap(),
            fields,
            body: said(&bytes[len..]),
        }
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        fields
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Says this, and hears an answer: to its end, or to the end of its head where frames would follow.
pub(crate) async fn ask(end: &mut DuplexStream, request: &[u8]) -> Answer {
    end.write_all(request).await.unwrap();
    let mut heard = Vec::new();
    let hearing = async {
        while !(heard.starts_with(b"HTTP/1.1 101") && heard.ends_with(b"\r\n\r\n")) {
            if end.read_buf(&mut heard).await.unwrap() == 0 {
                break;
            }
        }
    };
    let waited = timeout(HOUR, hearing).await;
    assert!(
        waited.is_ok() || heard.is_empty(),
        "no end after {}",
        said(&heard)
    );
    Answer::parse(&heard)
}

/// What a server answers that reads requests itself.
pub(crate) async fn raw_answer(server: &Server, request: &[u8]) -> Answer {
    let (mut end, io) = pipe();
    let server = server.clone();
    let accepting = tokio::spawn(async move { server.accept(Tokio::new(io)).await.map(drop) });
    let answer = ask(&mut end, request).await;
    drop(end);
    assert_eq!(accepting.await.unwrap().is_ok(), answer.status == 101);
    answer
}

/// Serves one connection of HTTP/1.1 with hyper.
pub(crate) fn serve<F, R, B>(io: DuplexStream, respond: F)
where
    F: Fn(Request<Incoming>) -> R + Send + 'static,
    R: Future<Output = Result<Response<B>, Infallible>> + Send,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let io = TokioIo::new(io);
    let http = http1::Builder::new().serve_connection(io, service_fn(respond));
    tokio::spawn(http.with_upgrades());
}
