//! Tokens that this server signs itself: a name, until when it holds, and an HMAC-SHA256 of both.
//!
//! `cargo run --example auth_token -- --issue Ada` prints a token that holds for an hour. Then
//! `cargo run --example auth_token`, and `cargo run -- connect 'ws://127.0.0.1:9001/?token=TOKEN'`. In a page the token
//! had better be a subprotocol or a cookie, which stay out of logs: see docs/applications.md.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use sockeye::app::{App, Conn, Route, Service, Upgrade};
use sockeye::server::Message;
use std::time::{SystemTime, UNIX_EPOCH};

/// Yours is 32 random bytes, and is in no source.
const KEY: &[u8] = b"an example's key, known to everybody";

/// `NAME.SECONDS.SIGNATURE`: what is signed is the text before the last dot.
pub(crate) fn issue(name: &str, expires: u64) -> String {
    let claim = format!("{name}.{expires}");
    let signature = mac(&claim).finalize().into_bytes();
    let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{claim}.{hex}")
}

/// Who it is for, if it is ours and its time is not over.
pub(crate) fn verify(token: &str, now: u64) -> Option<&str> {
    let (claim, signature) = token.rsplit_once('.')?;
    let pairs = signature.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    let signature: Vec<u8> = pairs.map(byte).collect::<Option<_>>()?;
    // In a time that does not tell how much of it is right. Nothing of the claim is believed before.
    mac(claim).verify_slice(&signature).ok()?;
    let (name, expires) = claim.rsplit_once('.')?;
    (now < expires.parse().ok()?).then_some(name)
}

fn mac(claim: &str) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(KEY).expect("any length will do");
    mac.chain_update(claim)
}

pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

struct Greeter;

impl Service for Greeter {
    /// The name in the token.
    type User = String;

    fn open(&mut self, conn: &mut Conn<'_, String>, name: &mut String, _: &Upgrade<'_>) {
        let _ = conn.identify(name);
        let _ = conn.send(&format!("hello, {name}"));
    }

    fn message(&mut self, conn: &mut Conn<'_, String>, name: &mut String, message: Message<'_>) {
        if let Message::Text(text) = message {
            conn.publish(conn.all(), &format!("{name}: {text}"));
        }
    }
}

pub(crate) fn app() -> App {
    let route = Route::parse("+SOCKET / @text <4kB").expect("a route");
    let gate = route.admit(|upgrade| {
        let token = upgrade.token()?;
        verify(&token, now()).map(String::from)
    });
    App::new().route(gate, |_| Greeter)
}

fn main() -> std::io::Result<()> {
    let mut words = std::env::args().skip_while(|word| word != "--issue");
    if let Some(name) = words.nth(1) {
        println!("{}", issue(&name, now() + 3600));
        return Ok(());
    }
    println!("listening on ws://127.0.0.1:9001");
    app().bind("127.0.0.1:9001")?.run()
}
