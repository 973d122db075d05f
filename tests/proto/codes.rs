//! Every close code there is, received and offered.

use crate::STRIDE;
use crate::replay::replay;
use crate::rows::{Expected, With};
use crate::wire;
use sockeye::proto::{CloseCode, Role, State, Violation, local};

/// RFC 6455 section 7.4 and the IANA registry of close codes.
fn may_be_on_the_wire(code: u16) -> bool {
    match code {
        // Defined by the RFC.
        1000 | 1001 | 1002 | 1003 | 1007 | 1008 | 1009 | 1010 | 1011 => true,
        // Reserved without a meaning, or for local use only.
        1004 | 1005 | 1006 | 1015 => false,
        // Registered later: service restart, try again later, bad gateway.
        1012..=1014 => true,
        // Libraries and frameworks; private use.
        3000..=4999 => true,
        // Unused, undefined, beyond every range.
        _ => false,
    }
}

/// Shows 6455-11.7-01 6455-7.4.1-06 6455-7.4.1-07 6455-7.4.1-08 6455-7.4.1-15 6455-7.4.2-01 6455-7.4.2-02.
/// Shows 6455-7.4.2-05.
#[test]
fn all_codes_received() {
    for role in [Role::Server, Role::Client] {
        for code in (0..=u16::MAX).step_by(STRIDE * STRIDE) {
            let bytes = wire::frame(role, 0x88, &code.to_be_bytes());
            let (outcome, _) = replay(role, &With::default(), &bytes, []);
            let written = wire::read(&outcome.out, role);
            assert_eq!(written.len(), 1, "{code}");
            assert_eq!(written[0].opcode, wire::CLOSE);
            if may_be_on_the_wire(code) {
                assert_eq!(outcome.error, None, "{code}");
                assert_eq!(outcome.state, State::Closed);
                assert_eq!(
                    outcome.events,
                    [Expected::Close(Some(code), Vec::new())],
                    "{code}"
                );
                assert_eq!(written[0].payload, code.to_be_bytes(), "{code}");
            } else {
                assert_eq!(outcome.error, Some(Violation::CloseCodeForbidden), "{code}");
                assert_eq!(outcome.state, State::Failed);
                assert_eq!(outcome.events, [], "{code}");
                assert_eq!(written[0].payload[..2], 1002_u16.to_be_bytes(), "{code}");
            }
        }
    }
}

/// Shows 6455-11.7-01 6455-7.4.1-06 6455-7.4.1-07 6455-7.4.1-08 6455-7.4.1-15 6455-7.4.2-01 6455-7.4.2-02.
/// Shows 6455-7.4.2-05.
#[test]
#[cfg_attr(miri, ignore = "counts all of them")]
fn all_codes_offered() {
    let offered = |code: &u16| CloseCode::new(*code).is_some();
    for code in 0..=u16::MAX {
        assert_eq!(offered(&code), may_be_on_the_wire(code), "{code}");
        if let Some(value) = CloseCode::new(code) {
            assert_eq!(value.get(), code);
            assert_eq!(value.to_string(), code.to_string());
        }
    }
    assert_eq!((0..=u16::MAX).filter(offered).count(), 9 + 3 + 2000);
}

#[test]
fn the_named_codes_have_their_numbers() {
    let named = [
        (CloseCode::NORMAL, 1000),
        (CloseCode::GOING_AWAY, 1001),
        (CloseCode::PROTOCOL_ERROR, 1002),
        (CloseCode::UNSUPPORTED_DATA, 1003),
        (CloseCode::INVALID_PAYLOAD, 1007),
        (CloseCode::POLICY_VIOLATION, 1008),
        (CloseCode::MESSAGE_TOO_BIG, 1009),
        (CloseCode::EXTENSION_REQUIRED, 1010),
        (CloseCode::INTERNAL_ERROR, 1011),
        (CloseCode::SERVICE_RESTART, 1012),
        (CloseCode::TRY_AGAIN_LATER, 1013),
        (CloseCode::BAD_GATEWAY, 1014),
    ];
    for (code, number) in named {
        assert_eq!(code.get(), number);
    }
    let local = [local::NO_STATUS, local::ABNORMAL, local::TLS_FAILURE];
    assert_eq!(local, [1005, 1006, 1015]);
}
