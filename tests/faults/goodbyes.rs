//! The program is told to end while many are connected: everybody is told, and it ends in time.

use crate::client::{Client, address};
use crate::frames::{Frame, close};
use crate::program::Program;
use crate::{allow_descriptors, alone};
use rustix::process::{Pid, Signal, kill_process};
use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

/// What the program gives those who are connected; to end takes some time, too.
const DRAIN: Duration = Duration::from_secs(10);

#[test]
fn everybody_is_told_goodbye_and_the_program_ends_in_time() {
    let _alone = alone();
    let long = env::var("SOCKEYE_FAULTS").is_ok_and(|mode| mode == "long");
    let count = if long { 10_000 } else { 300 };
    allow_descriptors(count + 200);
    let mut program = Program::start(
        Command::new(env!("CARGO_BIN_EXE_sockeye"))
            .args(["broadcast", "--listen", "127.0.0.1:0"])
            .args(["--workers", "2"]),
    );
    let mut clients: Vec<_> = (0..count)
        .map(|_| Client::ask(address(0, 101), program.addr))
        .collect();
    for client in &mut clients {
        client.enter();
    }
    let begin = Instant::now();
    let pid = Pid::from_child(&program.child);
    kill_process(pid, Signal::TERM).expect("it runs");
    for client in &mut clients {
        assert_eq!(client.frame(), Frame::close(1001, "server is stopping"));
        client.send(&close(1001));
    }
    let told = begin.elapsed();
    for client in &mut clients {
        client.assert_ended();
    }
    let status = program.child.wait().expect("it is ours");
    let ended = begin.elapsed();
    println!("{count} connections: all told after {told:?}, the program ended after {ended:?}");
    assert!(status.success(), "{status}");
    assert!(
        ended <= DRAIN + Duration::from_secs(10),
        "it ended after {ended:?}"
    );
}
