//! What errors and values say about themselves, in logs and reports.

use sockeye::proto::{
    CloseCode, CloseReason, Connection, Inbound, Misuse, NoRandomness, Outbound, SendError, local,
};

#[test]
fn a_misuse_says_what_was_wrong_and_so_does_the_failure_to_send() {
    for (misuse, text) in [
        (
            Misuse::ControlTooLong,
            "ping or pong payload is over 125 bytes",
        ),
        (Misuse::ReasonTooLong, "close reason is over 123 bytes"),
        (
            Misuse::MessageInProgress,
            "another message is still being sent in fragments",
        ),
        (
            Misuse::InvalidUtf8,
            "fragment makes the text message invalid UTF-8",
        ),
        (Misuse::NoKeys, "a client needs a source of masking keys"),
    ] {
        assert_eq!(misuse.to_string(), text);
        assert_eq!(SendError::from(misuse).to_string(), text);
    }
    assert_eq!(
        SendError::Closed.to_string(),
        "the connection is closing or closed"
    );
    assert_eq!(
        SendError::from(NoRandomness).to_string(),
        "the operating system gives no random numbers"
    );
}

#[test]
fn a_close_has_a_number_for_reports() {
    let mut conn = Connection::client(Default::default());
    let mut keys = || [0; 4];
    let mut out = Outbound::client(Vec::new(), &mut keys);
    let mut inbound = Inbound::new();
    let mut empty = [0x88, 0];
    let step = conn
        .rx
        .next(&mut empty, &mut inbound, &mut conn.tx, &mut out)
        .unwrap();
    let Some(sockeye::proto::Event::Close(silent)) = step.event else {
        panic!("{step:?}");
    };
    assert_eq!(silent.number(), local::NO_STATUS);
    let spoken = CloseReason {
        code: Some(CloseCode::GOING_AWAY),
        reason: "",
    };
    assert_eq!(spoken.number(), 1001);
}

#[test]
fn values_show_their_numbers_and_never_their_keys() {
    assert_eq!(format!("{:?}", CloseCode::NORMAL), "CloseCode(1000)");
    let mut keys = || [1, 2, 3, 4];
    let out = Outbound::client(vec![9_u8], &mut keys);
    assert_eq!(format!("{out:?}"), "Outbound { sink: [9], .. }");
}
