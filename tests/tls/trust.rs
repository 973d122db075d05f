//! Whom a client believes, and what it says of others: it is told in a sentence, and the server hears no HTTP.

use crate::certs::{Authority, Dir, Identity, make_authority, self_signed, trusting};
use crate::harness::{HANDSHAKE, record};
use crate::recorder::{Heard, attempt, attempt_with, showing, showing_to};
use rcgen::{
    CertificateParams, ExtendedKeyUsagePurpose, GeneralSubtree, NameConstraints, date_time_ymd,
};
use rustls::server::WebPkiClientVerifier;
use sockeye::client::{ConnectError, Stage};
use sockeye::tls::{self, TlsError};
use std::io::{Read as _, Write as _};
use std::sync::Arc;

/// An authority, and clients that trust nobody else.
struct World {
    authority: Authority,
    trust: tls::Client,
    _dir: Dir,
}

fn world() -> World {
    world_of(Authority::new("the trusted one"))
}

fn world_of(authority: Authority) -> World {
    let dir = Dir::new();
    let trust = trusting(dir.file("ca.pem", &authority.pem));
    World {
        authority,
        trust,
        _dir: dir,
    }
}

/// A certificate that is believed: the answer behind it has come.
#[track_caller]
fn assert_believed(host: &str, identity: &Identity, trust: &tls::Client) -> Heard {
    let (error, heard) = attempt(&format!("wss://{host}/"), showing(identity), trust);
    assert!(
        matches!(&error, ConnectError::Refused(refused) if refused.status == 418),
        "{host}: {error}"
    );
    heard
}

/// One that is not, and why.
#[track_caller]
fn refusal(host: &str, identity: &Identity, trust: &tls::Client) -> TlsError {
    let (error, heard) = attempt(&format!("wss://{host}/"), showing(identity), trust);
    assert_eq!(heard.plain, b"", "not a byte of HTTP");
    let ConnectError::Tls(error) = error else {
        panic!("{host}: {error}");
    };
    assert!(error.to_string().contains("certificate"), "{error}");
    error
}

/// Shows 6455-4.1-17.
#[test]
fn k16_certificates_and_hosts() {
    let world = world();
    let rows: [(&[&str], &str, bool); 16] = [
        (&["example.test"], "example.test", true),
        (&["example.test"], "EXAMPLE.test", true),
        (&["other.test", "example.test"], "example.test", true),
        (&["other.test"], "example.test", false),
        (&["example.test"], "www.example.test", false),
        (&["example.test"], "example.test.evil.test", false),
        (&["*.example.test"], "a.example.test", true),
        (&["*.example.test"], "a.b.example.test", false),
        (&["*.example.test"], "example.test", false),
        (&["a.*.test"], "a.b.test", false),
        (&["*"], "example.test", false),
        (&["192.0.2.7"], "192.0.2.7", true),
        (&["192.0.2.7"], "192.0.2.8", false),
        (&["2001:db8::7"], "[2001:db8::7]", true),
        (&["example.test"], "192.0.2.7", false),
        (&["192.0.2.7"], "example.test", false),
    ];
    for (names, host, good) in rows {
        let identity = world.authority.sign(names);
        if good {
            assert_believed(host, &identity, &world.trust);
        } else {
            let error = refusal(host, &identity, &world.trust);
            let broken = matches!(error, TlsError::BadCertificate(_)) && names[0].contains('*');
            assert!(broken || error == TlsError::WrongHost, "{host}: {error:?}");
        }
    }
}

#[test]
fn k16_certificates_and_time() {
    let world = world();
    let with = |change: fn(&mut CertificateParams)| {
        let identity = world.authority.sign_with(&["example.test"], change);
        refusal("example.test", &identity, &world.trust)
    };
    let expired = with(|params| params.not_after = date_time_ymd(2020, 1, 1));
    assert_eq!(expired, TlsError::Expired);
    let early = with(|params| params.not_before = date_time_ymd(2999, 1, 1));
    assert_eq!(early, TlsError::NotValidYet);
}

#[test]
fn k16_who_signed_it() {
    let world = world();
    let host = "example.test";
    let refused = |identity: &Identity| refusal(host, identity, &world.trust);
    let another = Authority::new("another");
    assert_eq!(refused(&another.sign(&[host])), TlsError::UnknownIssuer);
    let namesake = Authority::new("the trusted one");
    assert_eq!(
        refused(&namesake.sign(&[host])).to_string(),
        "the server's certificate is not valid: it is not signed by the authority that it names"
    );
    assert_eq!(
        refused(&self_signed(&[host], |_| {})),
        TlsError::UnknownIssuer
    );

    // A certificate in between belongs to what the server shows.
    let between = world.authority.authority("between", |_| {});
    let mut identity = between.sign(&[host]);
    assert_eq!(refused(&identity), TlsError::UnknownIssuer);
    identity.chain += &between.pem;
    assert_believed(host, &identity, &world.trust);

    // Who may not sign has signed.
    let no_authority = world.authority.authority("no authority", |params| {
        params.is_ca = rcgen::IsCa::ExplicitNoCa;
        params.key_usages.clear();
    });
    let mut identity = no_authority.sign(&[host]);
    identity.chain += &no_authority.pem;
    let error = refused(&identity);
    assert!(
        matches!(error, TlsError::BadCertificate(_) | TlsError::UnknownIssuer),
        "{error:?}"
    );
}

#[test]
fn k16_what_it_is_for() {
    let world = world();
    let host = "example.test";
    let words = |identity: &Identity, trust: &tls::Client| match refusal(host, identity, trust) {
        TlsError::BadCertificate(words) => words,
        error => panic!("{error:?}"),
    };
    let authoritys = world.authority.sign_with(&[host], make_authority);
    let said = words(&authoritys, &world.trust);
    assert!(said.contains("CA:FALSE"), "{said}");
    // As `openssl req -x509` makes it; to trust it does not help.
    let own = self_signed(&[host], make_authority);
    let dir = Dir::new();
    let itself = trusting(dir.file("own.pem", &own.chain));
    assert_eq!(words(&own, &itself), said);

    let clients = world.authority.sign_with(&[host], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let said = words(&clients, &world.trust);
    assert_eq!(said, "it is not one for servers (extended key usage)");
}

#[test]
fn k16_name_constraints() {
    let only = |names: &[&str], not: &[&str]| {
        let trees = |names: &[&str]| -> Vec<_> {
            let tree = |&name: &&str| GeneralSubtree::DnsName(name.to_owned());
            names.iter().map(tree).collect()
        };
        let constraints = NameConstraints {
            permitted_subtrees: trees(names),
            excluded_subtrees: trees(not),
        };
        world_of(Authority::with("a narrow one", |params| {
            params.name_constraints = Some(constraints);
        }))
    };
    for (world, host, good) in [
        (only(&["allowed.test"], &[]), "www.allowed.test", true),
        (only(&["allowed.test"], &[]), "example.test", false),
        (only(&[], &["example.test"]), "www.example.test", false),
        (only(&[], &["example.test"]), "other.test", true),
    ] {
        let identity = world.authority.sign(&[host]);
        if good {
            assert_believed(host, &identity, &world.trust);
        } else {
            let error = refusal(host, &identity, &world.trust);
            assert!(error.to_string().contains("name constraints"), "{error}");
        }
    }
}

#[test]
fn everybody_may_be_believed_on_purpose() {
    let anybody = tls::Client::danger_accept_any_certificate();
    let world = world();
    for identity in [
        self_signed(&["other.test"], |_| {}),
        self_signed(&["example.test"], make_authority),
        world.authority.sign_with(&["example.test"], |params| {
            params.not_after = date_time_ymd(2020, 1, 1);
        }),
    ] {
        assert_believed("example.test", &identity, &anybody);
    }
    // The platform's do not know this one.
    if let Ok(platform) = tls::Client::platform() {
        let identity = world.authority.sign(&["example.test"]);
        let error = refusal("example.test", &identity, &platform);
        assert_eq!(error, TlsError::UnknownIssuer);
    }
}

#[test]
fn a_refusal_by_the_server_is_told() {
    let world = world();
    let identity = world.authority.sign(&["example.test"]);
    let attempt = |config| attempt("wss://example.test/", config, &world.trust);

    let roots = Arc::new(world.authority.roots());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
    let config = showing_to(&identity, Some(verifier.expect("roots")));
    let (error, heard) = attempt(config);
    assert_eq!(heard.plain, b"");
    let ConnectError::Tls(TlsError::Alert(what)) = &error else {
        panic!("{error}");
    };
    assert_eq!(what, "CertificateRequired");

    let mut config = showing(&identity);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let (error, _) = attempt(config);
    let ConnectError::Tls(TlsError::NothingInCommon(what)) = &error else {
        panic!("{error}");
    };
    assert_eq!(what, "NoApplicationProtocol");
}

#[test]
fn who_speaks_something_else_is_told_apart() {
    let world = world();
    let plain = |answer: &'static [u8]| {
        let (error, _) = attempt_with("wss://example.test/", &world.trust, move |stream| {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer);
            Heard::default()
        });
        error
    };
    for answer in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"220 mail.example.test ESMTP\r\n",
    ] {
        let error = plain(answer);
        assert!(
            matches!(error, ConnectError::Tls(TlsError::NotTls)),
            "{error}"
        );
    }
    let error = plain(b"");
    assert!(
        matches!(
            error,
            ConnectError::Tls(TlsError::Truncated) | ConnectError::Ended(Stage::Tls)
        ),
        "{error}"
    );
    // TLS where a plain server was expected.
    let identity = world.authority.sign(&["example.test"]);
    let (error, heard) = attempt("ws://example.test/", showing(&identity), &world.trust);
    assert_eq!(heard.plain, b"");
    assert!(matches!(error, ConnectError::Response(_)), "{error:?}");
    assert!(error.to_string().contains("not HTTP/1.1"), "{error}");
}

#[test]
fn l05_a_chain_of_a_mebibyte_is_refused() {
    let world = world();
    let mut identity = world.authority.sign(&["example.test"]);
    identity.chain += &world.authority.pem.repeat(2600);
    let (error, heard) = attempt("wss://example.test/", showing(&identity), &world.trust);
    assert_eq!(heard.plain, b"");
    let ConnectError::Tls(TlsError::Protocol(what)) = &error else {
        panic!("{error}");
    };
    assert!(what.contains("TooLarge"), "{what}");
}

#[test]
fn l05_a_message_without_end_is_refused() {
    let (error, _) = attempt_with("wss://example.test/", &world().trust, |stream| {
        let _ = stream.read(&mut [0; 4096]);
        // Of a length that is allowed; most of it comes, in small pieces.
        let _ = stream.write_all(&record(HANDSHAKE, &[2, 0, 0xFF, 0xFF]));
        while stream.write_all(&record(HANDSHAKE, &[7; 100])).is_ok() {}
        Heard::default()
    });
    let ConnectError::Tls(TlsError::Protocol(what)) = &error else {
        panic!("{error}");
    };
    assert!(!what.is_empty());
}

/// Shows 6455-4.1-16 6455-4.1-18 6455-4.1-19.
#[test]
fn all_goes_through_tls_and_the_host_is_named() {
    let world = world();
    for (host, name) in [
        ("example.test", Some("example.test")),
        ("WWW.Example.test", Some("www.example.test")),
        ("192.0.2.7", None),
        ("[2001:db8::7]", None),
    ] {
        let bare = host.trim_matches(['[', ']']);
        let identity = world.authority.sign(&[bare]);
        let heard = assert_believed(host, &identity, &world.trust);
        assert_eq!(heard.name.as_deref(), name);
        // A handshake's record, with a ClientHello in it.
        assert_eq!((heard.raw[0], heard.raw[1], heard.raw[5]), (22, 3, 1));
        assert!(heard.plain.starts_with(b"GET / HTTP/1.1\r\n"));
        for word in [&b"GET "[..], b"HTTP/1.1\r\n", b"websocket"] {
            let clear = heard.raw.windows(word.len()).any(|bytes| bytes == word);
            assert!(!clear, "in the clear");
        }
    }
}
