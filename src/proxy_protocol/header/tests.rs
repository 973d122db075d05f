//! Each row at every split, and byte by byte.

use super::{FIXED, Header, MAX_BLOCK, MAX_HEADER, MAX_TEXT, Malformed, SIGNATURE, parse};
use crate::kernel::PeerAddr;
use alloc::borrow::ToOwned as _;
use alloc::string::ToString as _;
use alloc::vec::Vec;

/// What a row gives: where the header comes from in full, or `-` for the connection's own end.
fn ok(source: &str) -> Result<&str, Malformed> {
    Ok(source)
}

fn said(header: Header) -> alloc::string::String {
    header
        .source
        .map_or_else(|| "-".to_owned(), |source| source.to_string())
}

/// Whole and in two pieces, and with something behind it, which is never looked at.
#[track_caller]
fn check(row: &[u8], expected: Result<&str, Malformed>) {
    for tail in [&b""[..], b"GET / HTTP/1.1\r\n", b"\r\n", b"\0"] {
        let all = [row, tail].concat();
        let result = parse(&all);
        match expected {
            Ok(source) => {
                let header = result.expect("right").expect("whole");
                assert_eq!((said(header).as_str(), header.len), (source, row.len()));
            }
            Err(error) => assert_eq!(result, Err(error), "{}", row.escape_ascii()),
        }
    }
    // Every beginning is incomplete, or wrong already as all of it is.
    let mut wrong = false;
    for split in 0..row.len() {
        match parse(&row[..split]) {
            Ok(None) => assert!(!wrong, "wrong, and then not any more"),
            Ok(Some(header)) => panic!("{header:?} at {split} of {}", row.escape_ascii()),
            Err(error) => {
                wrong = true;
                assert_eq!(Err(error), expected, "{split} of {}", row.escape_ascii());
            }
        }
    }
}

fn binary(command: u8, kind: u8, block: &[u8]) -> Vec<u8> {
    let len = u16::try_from(block.len()).expect("short").to_be_bytes();
    [&SIGNATURE[..], &[command, kind], &len, block].concat()
}

#[test]
fn headers_of_version_1() {
    let longest = "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff \
                   ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
    assert_eq!(longest.len(), MAX_TEXT);
    for (row, source) in [
        (
            "PROXY TCP4 203.0.113.7 192.0.2.1 51000 443\r\n",
            "203.0.113.7:51000",
        ),
        (
            "PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\n",
            "255.255.255.255:65535",
        ),
        (
            "PROXY TCP6 2001:db8::7 ::1 51000 443\r\n",
            "[2001:db8::7]:51000",
        ),
        ("PROXY TCP6 ::ffff:203.0.113.7 ::1 1 2\r\n", "203.0.113.7:1"),
        ("PROXY UNKNOWN\r\n", "-"),
        ("PROXY UNKNOWN what ever\0 stands here\r\n", "-"),
        (longest, "-"),
    ] {
        check(row.as_bytes(), ok(source));
    }
}

#[test]
fn wrong_headers_of_version_1() {
    use Malformed::{Address, Kind, Line, Start};
    let unknown = "PROXY UNKNOWN ".to_owned();
    let too_long = unknown.clone() + &"x".repeat(MAX_TEXT - unknown.len() - 1) + "\r\n";
    assert_eq!(too_long.len(), MAX_TEXT + 1);
    for (row, error) in [
        ("PROXY TCP4 203.0.113.7 192.0.2.1 51000\r\n", Address),
        ("PROXY TCP4 203.0.113.7 192.0.2.1 51000 443 \r\n", Address),
        ("PROXY TCP4 203.0.113.7 192.0.2.1 51000 443 1\r\n", Address),
        ("PROXY TCP4  203.0.113.7 192.0.2.1 51000 443\r\n", Address),
        ("PROXY TCP4 203.0.113.07 192.0.2.1 51000 443\r\n", Address),
        ("PROXY TCP4 203.0.113.256 192.0.2.1 51000 443\r\n", Address),
        ("PROXY TCP4 203.0.113.7 192.0.2 51000 443\r\n", Address),
        ("PROXY TCP4 203.0.113.7 192.0.2.1 51000 65536\r\n", Address),
        ("PROXY TCP4 203.0.113.7 192.0.2.1 +5100 443\r\n", Address),
        ("PROXY TCP4 203.0.113.7 192.0.2.1 05100 443\r\n", Address),
        ("PROXY TCP4 203.0.113.7 192.0.2.1 5100 \r\n", Address),
        ("PROXY TCP4 2001:db8::7 ::1 51000 443\r\n", Address),
        ("PROXY TCP6 203.0.113.7 192.0.2.1 51000 443\r\n", Address),
        ("PROXY TCP6 [2001:db8::7] ::1 51000 443\r\n", Address),
        ("PROXY TCP6 fe80::1%eth0 ::1 51000 443\r\n", Address),
        ("PROXY TCP4 \u{e9} 192.0.2.1 51000 443\r\n", Address),
        ("PROXY TCP4 203.0.113.7 192.0.2.1 51000 443\n", Line),
        ("PROXY TCP4 203.0.113.7 192.0.2.1 51000 443\rx", Line),
        ("PROXY UNKNOWN\n", Line),
        ("PROXY UNKNOWN\r\r", Line),
        (&too_long, Line),
        ("PROXY UNKNOWNS\r\n", Kind),
        ("PROXY TCP5 203.0.113.7 192.0.2.1 51000 443\r\n", Kind),
        ("PROXY UDP4 203.0.113.7 192.0.2.1 51000 443\r\n", Kind),
        ("PROXY TCP4\r\n", Kind),
        ("PROXY \r\n", Kind),
        ("PROXY\r\n", Start),
        ("PROXY\tUNKNOWN\r\n", Start),
        ("POST / HTTP/1.1\r\n", Start),
        ("proxy UNKNOWN\r\n", Start),
        ("GET / HTTP/1.1\r\n", Start),
    ] {
        check(row.as_bytes(), Err(error));
    }
}

#[test]
fn headers_of_version_2() {
    let v4 = [203, 0, 113, 7, 192, 0, 2, 1, 0xC7, 0x38, 1, 0xBB];
    let mut v6 = [0; 36];
    v6[..4].copy_from_slice(&[0x20, 0x01, 0x0D, 0xB8]);
    v6[15] = 7;
    v6[32..].copy_from_slice(&[0xC7, 0x38, 1, 0xBB]);
    let tlvs = [&v4[..], &[4, 0, 3, 1, 2, 3, 0xEE, 0xFF]].concat();
    let largest = [&v4[..], &[0; MAX_BLOCK - 12]].concat();
    assert_eq!(FIXED + largest.len(), MAX_HEADER);
    for (row, source) in [
        (binary(0x21, 0x11, &v4), "203.0.113.7:51000"),
        (binary(0x21, 0x11, &tlvs), "203.0.113.7:51000"),
        (binary(0x21, 0x11, &largest), "203.0.113.7:51000"),
        (binary(0x21, 0x21, &v6), "[2001:db8::7]:51000"),
        (binary(0x21, 0x31, &[b'/'; 216]), "a Unix socket"),
        (binary(0x21, 0x00, &[]), "-"),
        (binary(0x21, 0x00, &v4), "-"),
        // A health check: nothing is said, whatever stands there.
        (binary(0x20, 0x00, &[]), "-"),
        (binary(0x20, 0x11, &v4), "-"),
        (binary(0x20, 0x77, &[1]), "-"),
    ] {
        check(&row, ok(source));
    }
}

#[test]
fn wrong_headers_of_version_2() {
    use Malformed::{Kind, Length, Start};
    let block = [0; 300];
    for (row, error) in [
        (binary(0x11, 0x11, &block), Kind),
        (binary(0x22, 0x11, &block), Kind),
        (binary(0x2F, 0x11, &block), Kind),
        // Datagrams do not come out of a stream.
        (binary(0x21, 0x12, &block), Kind),
        (binary(0x21, 0x22, &block), Kind),
        (binary(0x21, 0x32, &block), Kind),
        (binary(0x21, 0x41, &block), Kind),
        (binary(0x21, 0x01, &block), Kind),
        (binary(0x21, 0x10, &block), Kind),
        (binary(0x21, 0x11, &block[..11]), Length),
        (binary(0x21, 0x21, &block[..35]), Length),
        (binary(0x21, 0x31, &block[..215]), Length),
        (b"\r\n\r\n\0\r\nQUIT\r".to_vec(), Start),
        (b"\r\n\r\nGET".to_vec(), Start),
        (b"\n".to_vec(), Start),
        (b"\x16\x03\x01".to_vec(), Start),
    ] {
        check(&row, Err(error));
    }
}

#[test]
fn what_is_announced_is_refused_before_it_comes() {
    for command in [0x20, 0x21] {
        let mut row = binary(command, 0x11, &[]);
        row[14..].copy_from_slice(&4097_u16.to_be_bytes());
        assert_eq!(parse(&row), Err(Malformed::Length));
    }
}

#[test]
fn an_address_of_a_header_is_canonical() {
    let row = b"PROXY TCP6 ::ffff:192.0.2.9 ::1 80 80\r\n";
    let header = parse(row).expect("right").expect("whole");
    let expected = "192.0.2.9:80".parse().expect("an address");
    assert_eq!(header.source, Some(PeerAddr::Ip(expected)));
}
