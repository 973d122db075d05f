//! What is written to stderr, and what becomes of the server when nobody reads that.

use crate::world::{Program, sockeye};

#[test]
fn b0_13_b0_14_b1_10_b4_25_who_comes_speaks_and_goes_is_written_down_and_not_what_they_say() {
    let mut program = Program::start(&["--log", "debug"]);
    let mut client = program.open("/echo?token=secret");
    let opened = program.log("opened");
    assert!(
        opened.contains(" INFO ") && opened.contains("path=/echo"),
        "{opened}"
    );
    let id = opened.split("id=").nth(1).expect("an id");
    let id = format!("id={} ", id.split(' ').next().unwrap_or_default());
    assert!(opened.contains("addr=127.0.0.1:"), "{opened}");
    client.say("secret");
    assert_eq!(client.hear(), "secret");
    let message = program.log("message");
    assert!(
        message.contains(&id) && message.contains("bytes=6"),
        "{message}"
    );
    client.send(&crate::frames::frame(0x88, b"\x03\xe8bye\r\nWARN forged"));
    let closed = program.log("closed");
    assert!(
        closed.contains(&id) && closed.contains("code=1000"),
        "{closed}"
    );
    assert!(closed.contains(r"reason=bye\r\nWARN forged"), "{closed}");
    drop(program.open("/echo"));
    assert!(program.log("closed").contains("code=1006"));
    program.terminate();
    assert_eq!(program.wait().code(), Some(0));
    let rest = program.rest_of_log();
    let all = [opened, message, closed].into_iter().chain(rest);
    for line in all {
        assert!(!line.contains("secret"), "{line}");
    }
}

#[test]
fn as_much_is_written_as_was_asked_for() {
    for (level, lines) in [("off", 0..1), ("warn", 0..1), ("info", 2..10)] {
        let mut program = Program::start(&["--log", level]);
        let mut client = program.open("/echo");
        client.say("x");
        assert_eq!(client.hear(), "x");
        client.leave();
        program.terminate();
        assert_eq!(program.wait().code(), Some(0));
        let log = program.rest_of_log();
        assert!(lines.contains(&log.len()), "{level}: {log:?}");
        assert!(log.iter().all(|line| !line.contains("message")));
    }
}

#[test]
fn a07_who_does_not_read_the_log_stops_nobody() {
    let command = {
        let mut command = sockeye(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(["--log", "debug"]);
        command
    };
    // Its pipe takes 64 KiB, its queue some thousand lines: together less than this is.
    let mut program = Program::spawn(command);
    let mut client = program.open("/echo");
    for _ in 0..20 {
        let many: Vec<u8> = (0..1000).flat_map(|_| crate::frames::text("x")).collect();
        client.send(&many);
        for _ in 0..1000 {
            assert_eq!(client.hear(), "x");
        }
    }
    client.leave();
    program.terminate();
    assert_eq!(program.wait().code(), Some(0));
}
