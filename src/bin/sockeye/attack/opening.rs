//! The opening handshake as the server is to accept it, and what it agrees to.
//!
//! Not here: handshakes that are to be refused; those are rows.

use super::answers::{Head, Reader};
use super::link::{Link, Place};
use sockeye::client::Url;

/// The key of RFC 6455 section 1.3, and what answers it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// What a client offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    Nothing,
    /// Compression; messages may refer to earlier ones.
    Takeover,
    /// Compression; each message stands alone.
    Alone,
}

impl Offer {
    const fn line(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Takeover => "Sec-WebSocket-Extensions: permessage-deflate\r\n",
            Self::Alone => {
                "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
                 client_no_context_takeover\r\n"
            }
        }
    }
}

/// What came of an offer of compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Agreed {
    pub(crate) server_takeover: bool,
    pub(crate) client_takeover: bool,
}

/// Where the server is, and how it is asked.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) place: Place,
    pub(crate) target: String,
    pub(crate) authority: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Door {
    pub(crate) fn new(place: Place, url: &Url, headers: &[(String, String)]) -> Self {
        Self {
            place,
            target: url.target().to_owned(),
            authority: url.authority().to_owned(),
            headers: headers.to_vec(),
        }
    }

    /// The lines of a good request, without their ends.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            format!("GET {} HTTP/1.1", self.target),
            format!("Host: {}", self.authority),
            "Upgrade: websocket".to_owned(),
            "Connection: Upgrade".to_owned(),
            format!("Sec-WebSocket-Key: {KEY}"),
            "Sec-WebSocket-Version: 13".to_owned(),
        ];
        let further = self.headers.iter();
        lines.extend(further.map(|(name, value)| format!("{name}: {value}")));
        lines
    }

    /// A good request with further lines, each with its end.
    pub(crate) fn request(&self, further: &str) -> Vec<u8> {
        let mut text = self.lines().join("\r\n");
        text += "\r\n";
        text += further;
        text += "\r\n";
        text.into_bytes()
    }

    /// Opens a connection.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub(crate) fn open(&self, offer: Offer) -> Result<(Link, Head, Option<Agreed>), String> {
        let mut link = self.place.connect().map_err(|error| error.to_string())?;
        link.send(&self.request(offer.line()));
        let head = next_head(&mut link)?;
        check(&head)?;
        let agreed = agreed(&head, offer)?;
        Ok((link, head, agreed))
    }
}

impl Agreed {
    /// What reads the server's frames.
    pub(crate) fn reader(agreed: Option<Self>) -> Reader {
        agreed.map_or_else(Reader::default, |agreed| {
            Reader::inflating(agreed.server_takeover)
        })
    }
}

/// Waits for a head that is final.
pub(crate) fn next_head(link: &mut Link) -> Result<Head, String> {
    loop {
        match Head::take(&mut link.input)? {
            Some(head) if head.status == 101 || head.status >= 200 => return Ok(head),
            Some(_) => continue,
            None if link.end.is_some() => return Err("end of stream".to_owned()),
            None => {}
        }
        let left = link
            .deadline()
            .saturating_duration_since(std::time::Instant::now());
        if left.is_zero() {
            return Err("no answer".to_owned());
        }
        link.read(left);
    }
}

/// What makes an answer to the good request good (RFC 6455 section 4.1).
fn check(head: &Head) -> Result<(), String> {
    if head.status != 101 {
        return Err(format!("status {}", head.status));
    }
    upgraded(head, ACCEPT)?;
    match head.one("sec-websocket-protocol") {
        Some(protocol) => Err(format!("the subprotocol {protocol}, which nobody offered")),
        None => Ok(()),
    }
}

/// The same of any request's: the fields that every 101 has.
pub(crate) fn upgraded(head: &Head, accept: &str) -> Result<(), String> {
    let is = |name, value: &str| {
        let mut tokens = head.all(name).flat_map(|field| field.split(','));
        tokens.any(|token| token.trim().eq_ignore_ascii_case(value))
    };
    if !is("upgrade", "websocket") || !is("connection", "upgrade") {
        return Err("a 101 without Upgrade or Connection".to_owned());
    }
    match head.one("sec-websocket-accept") {
        Some(found) if found == accept => Ok(()),
        found => Err(format!(
            "a 101 with the accept {}",
            found.unwrap_or("of nothing")
        )),
    }
}

fn agreed(head: &Head, offer: Offer) -> Result<Option<Agreed>, String> {
    let Some(line) = head.one("sec-websocket-extensions") else {
        return Ok(None);
    };
    let mut agreed = Agreed {
        server_takeover: true,
        client_takeover: true,
    };
    for (index, part) in line.split(';').map(str::trim).enumerate() {
        match (index, part) {
            (0, "permessage-deflate") if offer != Offer::Nothing => {}
            (1.., "server_no_context_takeover") => agreed.server_takeover = false,
            (1.., "client_no_context_takeover") => agreed.client_takeover = false,
            // A smaller window of its own is always the server's to choose.
            (1.., part) if part.starts_with("server_max_window_bits=") => {}
            _ => return Err(format!("the extension {line}, which nobody offered")),
        }
    }
    Ok(Some(agreed))
}
