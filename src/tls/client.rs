//! Whom a client trusts: [`Client`].
//!
//! Not here: names; those are the URL's.

use super::error::FileError;
use super::server::certificates;
use super::{alpn, provider};
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use core::fmt;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::path::Path;
#[cfg(feature = "client")]
use std::sync::OnceLock;

/// How a client makes sure who it speaks to. Clones share sessions to resume.
///
/// Each certificate is checked against the host of the URL, its time and whoever signed it. Who has revoked it is not
/// asked for.
///
/// ```no_run
/// # #[cfg(feature = "client")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sockeye::client::Connector;
/// use sockeye::tls;
///
/// // A server of one's own, whose certificate nobody but us has signed.
/// let tls = tls::Client::from_ca_file("ca.pem")?;
/// let mut socket = Connector::new("wss://localhost:9001/")?.tls(tls).open()?;
/// socket.send("hello")?;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "client"))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Client {
    config: Arc<ClientConfig>,
}

impl Client {
    /// Trusts those whom the platform trusts.
    ///
    /// # Errors
    ///
    /// When the platform names nobody.
    pub fn platform() -> Result<Self, FileError> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        // Platforms have certificates that are too old to be read; the others are as good.
        let (added, _) = roots.add_parsable_certificates(found.certs);
        if added == 0 {
            let why = found.errors.first();
            let why = why.map_or_else(String::new, |error| alloc::format!(" ({error})"));
            return Err(FileError::NoRoots(why));
        }
        Ok(Self::trusting(roots))
    }

    /// The same, read once: it is some hundred files. Where they change, [`platform`](Self::platform) reads them again.
    #[cfg(feature = "client")]
    pub(crate) fn platform_once() -> Result<Self, FileError> {
        static PLATFORM: OnceLock<Client> = OnceLock::new();
        if let Some(found) = PLATFORM.get() {
            return Ok(found.clone());
        }
        let found = Self::platform()?;
        Ok(PLATFORM.get_or_init(|| found).clone())
    }

    /// Trusts the certificates in a PEM file, and nobody else.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or holds something else.
    pub fn from_ca_file(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(path.as_ref())? {
            roots
                .add(certificate)
                .map_err(|error| FileError::Unusable(error.to_string()))?;
        }
        Ok(Self::trusting(roots))
    }

    /// Trusts everybody: whoever stands between can read and change everything. For experiments on one's own machine.
    #[must_use]
    pub fn danger_accept_any_certificate() -> Self {
        let provider = provider();
        let anybody = Arc::new(Anybody(Arc::clone(&provider)));
        Self::new(
            builder(provider)
                .dangerous()
                .with_custom_certificate_verifier(anybody)
                .with_no_client_auth(),
        )
    }

    /// Leaves everything to a configuration of rustls, but for ALPN, which becomes `http/1.1`, and early data, of which
    /// there is none.
    #[must_use]
    pub fn from_config(config: ClientConfig) -> Self {
        Self::new(config)
    }

    fn trusting(roots: RootCertStore) -> Self {
        Self::new(
            builder(provider())
                .with_root_certificates(roots)
                .with_no_client_auth(),
        )
    }

    fn new(mut config: ClientConfig) -> Self {
        config.alpn_protocols = alpn();
        config.enable_early_data = false;
        Self {
            config: Arc::new(config),
        }
    }

    /// The configuration, for a program that drives rustls itself.
    #[must_use]
    pub const fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }
}

type Builder = rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>;

fn builder(provider: Arc<CryptoProvider>) -> Builder {
    let builder = ClientConfig::builder_with_provider(provider);
    #[expect(
        clippy::expect_used,
        reason = "ring has ciphers for the versions rustls speaks"
    )]
    builder
        .with_safe_default_protocol_versions()
        .expect("known versions")
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// Believes any certificate. Signatures are still checked: they show that the peer has the key to the one it sent.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> alloc::vec::Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
