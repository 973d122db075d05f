//! Authorities, certificates and keys, made for one test and gone behind it.
#![allow(dead_code, reason = "each test target uses what it needs")]

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use sockeye::tls;
use std::env::temp_dir;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A directory that goes with its owner.
pub struct Dir(PathBuf);

impl Dir {
    pub fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = temp_dir().join(format!("sockeye-tls-{}-{number}", process::id()));
        fs::create_dir_all(&path).expect("a directory for certificates");
        Self(path)
    }

    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).expect("room for a certificate");
        path
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A certificate with those behind it, and its key, in PEM.
#[derive(Clone)]
pub struct Identity {
    pub chain: String,
    pub key: String,
}

/// Who signs.
pub struct Authority {
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        Self::with(name, |_| {})
    }

    /// One with something unusual.
    pub fn with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = new_key();
        let mut params = authority_params(name);
        change(&mut params);
        let pem = params.self_signed(&key).expect("it can be signed").pem();
        let issuer = Issuer::new(params, key);
        Self { pem, issuer }
    }

    /// Another authority, signed by this one.
    pub fn authority(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = new_key();
        let mut params = authority_params(name);
        change(&mut params);
        let signed = params.signed_by(&key, &self.issuer);
        let pem = signed.expect("it can be signed").pem();
        let issuer = Issuer::new(params, key);
        Self { pem, issuer }
    }

    /// A certificate for hosts.
    pub fn sign(&self, hosts: &[&str]) -> Identity {
        self.sign_with(hosts, |_| {})
    }

    /// One with something unusual.
    pub fn sign_with(
        &self,
        hosts: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let key = new_key();
        let mut params = server_params(hosts);
        change(&mut params);
        let signed = params.signed_by(&key, &self.issuer);
        Identity {
            chain: signed.expect("it can be signed").pem(),
            key: key.serialize_pem(),
        }
    }

    /// The roots of one who trusts it alone.
    pub fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        let der = CertificateDer::from_pem_slice(self.pem.as_bytes()).expect("PEM");
        roots.add(der).expect("a certificate");
        roots
    }
}

/// A certificate that nobody else has signed.
pub fn self_signed(hosts: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Identity {
    let key = new_key();
    let mut params = server_params(hosts);
    change(&mut params);
    Identity {
        chain: params.self_signed(&key).expect("it can be signed").pem(),
        key: key.serialize_pem(),
    }
}

/// An authority's properties.
pub fn make_authority(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.extended_key_usages.clear();
}

impl Identity {
    /// A server that has it.
    pub fn server(&self, dir: &Dir) -> tls::Server {
        let (chain, key) = self.write(dir);
        tls::Server::from_files(chain, key).expect("they belong together")
    }

    /// Puts it where a server that reads its files again finds it.
    pub fn write(&self, dir: &Dir) -> (PathBuf, PathBuf) {
        (
            dir.file("chain.pem", &self.chain),
            dir.file("key.pem", &self.key),
        )
    }

    /// The first certificate, as it is sent.
    pub fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.chain.as_bytes()).expect("PEM")
    }
}

/// Whom a client trusts who trusts one file.
pub fn trusting(file: impl AsRef<Path>) -> tls::Client {
    tls::Client::from_ca_file(file).expect("it is readable")
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("random bytes")
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    make_authority(&mut params);
    params
}

fn server_params(hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
    let mut params = CertificateParams::new(hosts).expect("names");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}
