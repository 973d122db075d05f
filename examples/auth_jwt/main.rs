//! JSON Web Tokens (RFC 7519) that another server has issued, by the crate `jsonwebtoken`: HS256, with `sub` and `exp`.
//!
//! `cargo run --example auth_jwt -- --issue Ada` prints a token that holds for an hour. Then
//! `cargo run --example auth_jwt`, and `cargo run -- connect -H 'Authorization: Bearer TOKEN' ws://127.0.0.1:9001/`.

mod hs256;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sockeye::app::{App, Conn, Route, Service, Upgrade};
use sockeye::server::Message;

/// Yours is 32 random bytes, or the issuer's public key, and is in no source.
const KEY: &[u8] = b"an example's key, known to everybody";

#[derive(Serialize, Deserialize)]
pub(crate) struct Claims {
    /// Whom the token is about.
    pub(crate) sub: String,
    /// Until when it holds, in seconds since 1970. `decode` wants one, and looks at it, with a minute of leeway.
    pub(crate) exp: u64,
}

/// What a token claims, if it is right. The algorithm is ours to choose, never the token's: it might choose `none`.
pub(crate) fn verify(token: &str) -> Option<Claims> {
    let key = DecodingKey::from_secret(KEY);
    let read = jsonwebtoken::decode(token, &key, &Validation::new(Algorithm::HS256));
    read.ok().map(|token| token.claims)
}

pub(crate) fn issue(claims: &Claims) -> Option<String> {
    let key = EncodingKey::from_secret(KEY);
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).ok()
}

struct Greeter;

impl Service for Greeter {
    type User = Claims;

    fn open(&mut self, conn: &mut Conn<'_, Claims>, user: &mut Claims, _: &Upgrade<'_>) {
        let _ = conn.identify(&user.sub);
        let _ = conn.send(&format!("hello, {}", user.sub));
    }

    fn message(&mut self, conn: &mut Conn<'_, Claims>, user: &mut Claims, message: Message<'_>) {
        if let Message::Text(text) = message {
            conn.publish(conn.all(), &format!("{}: {text}", user.sub));
        }
    }
}

pub(crate) fn app() -> App {
    hs256::install();
    let route = Route::parse("+SOCKET / @text <4kB").expect("a route");
    let gate = route.admit(|upgrade| verify(&upgrade.token()?));
    App::new().route(gate, |_| Greeter)
}

fn main() -> std::io::Result<()> {
    let mut words = std::env::args().skip_while(|word| word != "--issue");
    if let Some(name) = words.nth(1) {
        hs256::install();
        let (sub, exp) = (name, jsonwebtoken::get_current_timestamp() + 3600);
        println!("{}", issue(&Claims { sub, exp }).unwrap_or_default());
        return Ok(());
    }
    println!("listening on ws://127.0.0.1:9001");
    app().bind("127.0.0.1:9001")?.run()
}
