//! A server's certificates: [`Server`].
//!
//! Not here: when to read them again; a loop does so when the kernel reports SIGHUP.

use super::error::FileError;
use super::{alpn, provider};
use alloc::borrow::ToOwned as _;
use alloc::string::ToString as _;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use rustls::ServerConfig;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

/// Certificates and keys of a server, from PEM files. Clones share them: what one reads again, all use.
///
/// ```no_run
/// use sockeye::tls;
///
/// # fn main() -> Result<(), tls::FileError> {
/// let tls = tls::Server::from_files("fullchain.pem", "key.pem")?;
/// // … and when the files have changed, for connections from here on:
/// tls.reload()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Server {
    shared: Arc<Shared>,
}

struct Shared {
    chain: PathBuf,
    key: PathBuf,
    config: RwLock<Arc<ServerConfig>>,
}

impl Server {
    /// The certificate, with those between it and its authority behind it, and its private key (PKCS #8, PKCS #1 or
    /// SEC 1).
    ///
    /// # Errors
    ///
    /// When a file cannot be read or holds something else, or the two do not belong together.
    pub fn from_files(
        chain: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, FileError> {
        let (chain, key) = (chain.into(), key.into());
        let config = RwLock::new(load(&chain, &key)?);
        Ok(Self {
            shared: Arc::new(Shared { chain, key, config }),
        })
    }

    /// Reads the files again. Connections that are there keep what they have; new ones get the new certificate.
    ///
    /// # Errors
    ///
    /// As for [`from_files`](Self::from_files); then the old certificate stays in use.
    pub fn reload(&self) -> Result<(), FileError> {
        let config = load(&self.shared.chain, &self.shared.key)?;
        let mut place = self.shared.config.write();
        // Nobody panics while he holds it.
        *place
            .as_mut()
            .map_or_else(|poisoned| &mut **poisoned.get_mut(), |place| &mut **place) = config;
        Ok(())
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        let place = self.shared.config.read();
        Arc::clone(&place.unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("chain", &self.shared.chain)
            .field("key", &self.shared.key)
            .finish_non_exhaustive()
    }
}

fn load(chain: &Path, key: &Path) -> Result<Arc<ServerConfig>, FileError> {
    let chain = certificates(chain)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| match error {
        PemError::NoItemsFound => FileError::NoKey(key.to_owned()),
        error => pem_error(key, error),
    })?;
    let unusable = |error: rustls::Error| FileError::Unusable(error.to_string());
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    config.alpn_protocols = alpn();
    // Early data could be a request that somebody recorded (RFC 8446 section 8).
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

/// All certificates of a PEM file, of which there must be one at least.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .map_err(|error| pem_error(path, error))?
        .collect();
    let found = found.map_err(|error| pem_error(path, error))?;
    if found.is_empty() {
        return Err(FileError::NoCertificate(path.to_owned()));
    }
    Ok(found)
}

fn pem_error(path: &Path, error: PemError) -> FileError {
    match error {
        PemError::Io(error) => FileError::Read(path.to_owned(), error),
        error => FileError::Pem(path.to_owned(), error.to_string()),
    }
}
