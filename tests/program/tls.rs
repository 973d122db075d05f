//! `wss://`: whom the program trusts.

use crate::running::{Serving, run};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::fs;
use std::path::Path;

#[test]
fn a_server_is_trusted_only_for_a_reason() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (cert, key) = (dir.join("program-cert.pem"), dir.join("program-key.pem"));
    let CertifiedKey {
        cert: made,
        signing_key,
    } = generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])
        .expect("it can be made");
    fs::write(&cert, made.pem()).expect("a directory for that");
    fs::write(&key, signing_key.serialize_pem()).expect("a directory for that");
    let (cert, key) = (cert.to_str().expect("text"), key.to_str().expect("text"));
    let echo = Serving::start(&["echo", "--tls-cert", cert, "--tls-key", key]);
    let url = format!("wss://{}", echo.addr());
    for trust in [&["--ca", cert][..], &["--danger-accept-any-certificate"]] {
        let said = run(
            &[&["connect", &url, "--wait", "3"], trust].concat(),
            "hello\n",
        );
        assert_eq!(
            (said.stdout.as_str(), said.code),
            ("hello\n", Some(0)),
            "{}",
            said.stderr
        );
    }
    let said = run(&["connect", &url], "hello\n");
    assert_eq!((said.stdout.as_str(), said.code), ("", Some(1)));
    assert!(
        said.stderr
            .contains("failed: the server's certificate is signed by nobody that is trusted"),
        "{}",
        said.stderr
    );
    let args = [
        "bench",
        &url,
        "--ca",
        cert,
        "--connections",
        "2",
        "--warmup",
        "0",
        "--seconds",
        "0.2",
    ];
    let said = run(&args, "");
    assert_eq!(said.code, Some(0), "{said:?}");
}
