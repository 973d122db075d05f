//! What can be wrong with TLS, in words: [`FileError`] before anybody is spoken to, [`TlsError`] with a peer.
//!
//! Not here: which of it ends what; that is for the loop and for the program.

use alloc::string::{String, ToString as _};
use core::fmt;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};
use std::io;
use std::path::PathBuf;

/// Certificates or keys that cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// The file cannot be read.
    Read(PathBuf, io::Error),
    /// There is no certificate in it.
    NoCertificate(PathBuf),
    /// There is no private key in it.
    NoKey(PathBuf),
    /// It is no PEM.
    Pem(PathBuf, String),
    /// The key does not belong to the certificate, or one of them is of a kind that is not supported.
    Unusable(String),
    /// The platform has no certificate authorities to trust.
    NoRoots(String),
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::NoCertificate(path) => {
                write!(f, "{} holds no certificate in PEM", path.display())
            }
            Self::NoKey(path) => write!(f, "{} holds no private key in PEM", path.display()),
            Self::Pem(path, why) => write!(f, "{} is not PEM: {why}", path.display()),
            Self::Unusable(why) => write!(f, "the certificate and key cannot be used: {why}"),
            Self::NoRoots(why) => write!(
                f,
                "this system has no certificate authorities to trust{why}; name a file with some"
            ),
        }
    }
}

impl core::error::Error for FileError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Read(_, error) => Some(error),
            _ => None,
        }
    }
}

/// Why a TLS connection failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsError {
    /// The certificate's time is over.
    Expired,
    /// The certificate's time has not begun.
    NotValidYet,
    /// It is for another host.
    WrongHost,
    /// Nobody trusted has signed it: it is self-signed, or a certificate in between is missing.
    UnknownIssuer,
    /// It was revoked.
    Revoked,
    /// It is broken, or not one for a server.
    BadCertificate(String),
    /// There is no version, cipher or protocol that both sides speak.
    NothingInCommon(String),
    /// The other side refused, and says why.
    Alert(String),
    /// What came is not TLS: most often the other side speaks plain.
    NotTls,
    /// The stream ended without saying so, perhaps by a stranger's hand.
    Truncated,
    /// Anything else that is against the protocol.
    Protocol(String),
}

impl TlsError {
    /// What an I/O error from a TLS stream means; `None` where it is not TLS that failed.
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Some(Self::Truncated);
        }
        let inner = error.get_ref()?;
        let Some(inner) = inner.downcast_ref::<Error>() else {
            // Of a message that does not end the library says no more.
            let broken = error.kind() == io::ErrorKind::InvalidData;
            return broken.then(|| Self::Protocol(inner.to_string()));
        };
        Some(match inner {
            Error::InvalidCertificate(why) => Self::of_certificate(why),
            Error::PeerIncompatible(why) => Self::NothingInCommon(alloc::format!("{why:?}")),
            Error::NoApplicationProtocol => Self::NothingInCommon("application protocol".into()),
            Error::AlertReceived(alert) => Self::of_alert(*alert),
            Error::InvalidMessage(why) if is_no_record(why) => Self::NotTls,
            other => Self::Protocol(other.to_string()),
        })
    }

    fn of_certificate(error: &CertificateError) -> Self {
        match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotValidYet
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::WrongHost
            }
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::Revoked => Self::Revoked,
            other => Self::BadCertificate(in_words(other)),
        }
    }

    fn of_alert(alert: AlertDescription) -> Self {
        match alert {
            AlertDescription::HandshakeFailure
            | AlertDescription::ProtocolVersion
            | AlertDescription::NoApplicationProtocol => {
                Self::NothingInCommon(alloc::format!("{alert:?}"))
            }
            other => Self::Alert(alloc::format!("{other:?}")),
        }
    }
}

/// Whether not even the head of a record came.
const fn is_no_record(why: &InvalidMessage) -> bool {
    matches!(
        why,
        InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion
    )
}

/// What is wrong with a certificate. Some of it the library only names.
fn in_words(error: &CertificateError) -> String {
    match error {
        CertificateError::BadEncoding => "it cannot be read".into(),
        CertificateError::BadSignature => "it is not signed by the authority that it names".into(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not one for servers (extended key usage)".into()
        }
        other => {
            let name = other.to_string();
            let words = [
                // As most are that somebody made for himself; to trust it as an authority would not help.
                (
                    "CaUsedAsEndEntity",
                    "it is an authority's own; make one for the server, with CA:FALSE",
                ),
                (
                    "NameConstraintViolation",
                    "its authority may not sign for this host (name constraints)",
                ),
            ];
            let known = words.iter().find(|(word, _)| name.contains(word));
            known.map_or(name, |(_, words)| (*words).into())
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired => f.write_str("the server's certificate has expired"),
            Self::NotValidYet => f.write_str(
                "the server's certificate is not valid yet; is the clock of this machine right?",
            ),
            Self::WrongHost => f.write_str("the server's certificate is for another host"),
            Self::UnknownIssuer => f.write_str(
                "the server's certificate is signed by nobody that is trusted here; \
                 if it is your own, name its authority",
            ),
            Self::Revoked => f.write_str("the server's certificate was revoked"),
            Self::BadCertificate(why) => write!(f, "the server's certificate is not valid: {why}"),
            Self::NothingInCommon(what) => {
                write!(f, "nothing that both sides speak in TLS: {what}")
            }
            Self::Alert(what) => write!(f, "the other side refused the TLS connection: {what}"),
            Self::NotTls => {
                f.write_str("the other side does not speak TLS; is it ws rather than wss?")
            }
            Self::Truncated => f.write_str("the TLS stream was cut off"),
            Self::Protocol(what) => write!(f, "TLS failed: {what}"),
        }
    }
}

impl core::error::Error for TlsError {}
