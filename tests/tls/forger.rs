//! Records that no client makes, with the keys of one that was good.

use crate::harness::{Sim, Tls};
use rustls::crypto::cipher::{MessageEncrypter, OutboundChunks, OutboundPlainMessage};
use rustls::crypto::ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256;
use rustls::{ConnectionTrafficSecrets, ContentType, ProtocolVersion};

pub struct Forger {
    encrypter: Box<dyn MessageEncrypter>,
    sequence: u64,
}

impl Forger {
    /// Takes a good client's place.
    pub fn instead_of(sim: &mut Sim) -> (Self, Tls) {
        let mut config = sim.config();
        config.enable_secret_extraction = true;
        let mut peer = sim.open_with(config.clone());
        let name = rustls::pki_types::ServerName::try_from("taken.test").expect("a name");
        let other = rustls::ClientConnection::new(config.into(), name).expect("a configuration");
        let layer = std::mem::replace(&mut peer.layer, other);
        let suite = layer.negotiated_cipher_suite().expect("it is open");
        let aead = suite.tls13().expect("TLS 1.3").aead_alg;
        let secrets = layer.dangerous_extract_secrets().expect("as configured");
        let (sequence, secrets) = secrets.tx;
        let encrypter = match secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv }
            | ConnectionTrafficSecrets::Aes256Gcm { key, iv } => aead.encrypter(key, iv),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => {
                let suite = TLS13_CHACHA20_POLY1305_SHA256.tls13().expect("it is");
                suite.aead_alg.encrypter(key, iv)
            }
            _ => panic!("no suite of ours"),
        };
        let forger = Self {
            encrypter,
            sequence,
        };
        (forger, peer)
    }

    pub fn record(&mut self, typ: ContentType, payload: &[u8]) -> Vec<u8> {
        let message = OutboundPlainMessage {
            typ,
            version: ProtocolVersion::TLSv1_3,
            payload: OutboundChunks::Single(payload),
        };
        let record = self.encrypter.encrypt(message, self.sequence);
        self.sequence += 1;
        record.expect("a record").encode()
    }
}
