//! H40: the answer to a key is what the RFC says, whichever way SHA-1 is computed on this machine. Wrong digests with
//! some instructions have been shipped (RUSTSEC-2021-0100).
//!
//! The other side is SHA-1 and base64 written down as FIPS 180 and RFC 4648 describe them, as the fuzzers have it.

#[path = "../../fuzz/src/http.rs"]
#[allow(dead_code, reason = "the fuzzers use the rest")]
#[allow(
    clippy::cast_possible_truncation,
    reason = "the fuzzers make bytes of numbers on purpose"
)]
mod literal;

use sockeye::proto::handshake::{accept_of, key_of};

#[test]
fn known_answers() {
    for (key, accept) in [
        // RFC 6455 section 1.3.
        (
            "dGhlIHNhbXBsZSBub25jZQ==",
            &b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="[..],
        ),
        // By `openssl sha1 -binary | base64`.
        ("q1PZLMeDL4EwLkw4GGhADm==", b"XaXJHennVwCxXFzujm65rt7nvxQ="),
        ("AAAAAAAAAAAAAAAAAAAAAA==", b"ICX+Yqv66kxgM0FcWaLWlFLwTAI="),
        ("", b"Kfh9QIsMVZcl6xEPYxPHzW8SZ8w="),
    ] {
        assert_eq!(accept_of(key.as_bytes()), accept, "{key}");
        assert_eq!(literal::accept_for(key.as_bytes()).as_bytes(), accept);
    }
    assert_eq!(&key_of(*b"the sample nonce"), b"dGhlIHNhbXBsZSBub25jZQ==");
}

#[test]
fn a_hundred_thousand_keys() {
    let mut state = 0x5ec0_e7e5_u64;
    for _ in 0..if cfg!(miri) { 10 } else { 100_000 } {
        let mut nonce = [0; 16];
        for half in nonce.chunks_mut(8) {
            half.copy_from_slice(&next(&mut state).to_ne_bytes());
        }
        let key = key_of(nonce);
        assert_eq!(literal::nonce_of(&key), Some(nonce));
        let accept = accept_of(&key);
        assert_eq!(literal::accept_for(&key).as_bytes(), accept, "{nonce:?}");
    }
}

/// Lengths at which SHA-1 takes another block, though no key of a peer has them.
#[test]
fn keys_of_every_length() {
    for len in 0..300 {
        let key = vec![b'k'; len];
        assert_eq!(
            literal::accept_for(&key).as_bytes(),
            accept_of(&key),
            "{len}"
        );
    }
}

/// SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
