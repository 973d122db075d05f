//! Options, from the command line and from files; starting and ending.

use crate::world::{Program, run, sockeye};
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

const TOKEN: &str = "correct-horse-battery";

/// A file that goes with the test.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sockeye-{}-{name}", std::process::id()));
        fs::write(&path, text).expect("it can be written");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("text")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn what_is_wrong_is_told_in_one_sentence_with_its_place() {
    let unknown = File::new("unknown.toml", "workers = 2\nlisten-to = \"x\"\n");
    let route = File::new(
        "route.toml",
        "route = [\n  \"SOCKET /a\",\n  \"SOCKET /b @jsno\",\n]\n",
    );
    let twice = File::new("twice.toml", "route = [\"SOCKET /echo\"]\n");
    let nobody = File::new("nobody.toml", "route = [\"+SOCKET /mine\"]\n");
    let half = File::new("half.toml", "tls-cert = \"/x\"\n");
    for (args, words) in [
        (
            &["--config", unknown.path()][..],
            "unknown.toml, line 2, column 1: unknown field `listen-to`",
        ),
        (
            &["--config", route.path()],
            "route.toml, line 3, column 3: route \"SOCKET /b @jsno\", byte 10",
        ),
        (&["--config", twice.path()], "/echo"),
        (&["--config", nobody.path()], "Route::admit"),
        (&["--config", half.path()], "tls-key"),
        (
            &["--config", "/nowhere/at/all"],
            "/nowhere/at/all: No such file",
        ),
        (&["--route", "SOCKET chat"], "byte 7"),
        (&["--route", "SOCKET /a", "--route", "SOCKET /a"], "/a"),
        (&["--origin", "example.com"], "https://example.com"),
        (&["--burst", "5"], "burst needs a rate"),
        (&["--rate", "0"], "a number from 1"),
        (&["--log", "loud"], "loud"),
        (&["--admin-token", "correct horse battery"], "letters"),
        (&["--admin-token", "short"], "16"),
        (&["--admin-listen", "127.0.0.1:0"], "needs an admin-token"),
        (&["--listen", "localhost:8000"], "an address and a port"),
        (&["--max-message", "1MB"], "KiB"),
    ] {
        // With and without, so that nothing is found out only by trying.
        for check in [&["--check-config"][..], &[]] {
            // Nobody has this address (RFC 5737): what would be served after all ends in another way.
            let elsewhere: &[&str] = if args.contains(&"--listen") {
                &[]
            } else {
                &["--listen", "192.0.2.1:1"]
            };
            let args = [&["serve"], elsewhere, args, check].concat();
            let (code, stdout, stderr) = run(&args);
            assert_eq!((code, stdout.as_str()), (Some(2), ""), "{args:?}: {stderr}");
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
            assert!(
                stderr.starts_with("sockeye: ") && stderr.contains(words),
                "{stderr}"
            );
        }
    }
}

#[test]
fn checking_says_what_would_be_served() {
    let file = File::new(
        "good.toml",
        "listen = \"0.0.0.0:80\"\nroute = [\"SOCKET /mine @text <1MB\"]\n",
    );
    let (code, stdout, stderr) = run(&["serve", "--check-config", "--config", file.path()]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    for line in [
        "listen 0.0.0.0:80",
        "SOCKET /chat/{room} @json <64kB",
        "SOCKET /mine @text <1MB",
        "GET /",
        "GET /healthz",
    ] {
        assert!(
            stdout.lines().any(|other| other == line),
            "{line} is not in {stdout}"
        );
    }
    // Not to everybody; and flags go before the file.
    assert!(!stdout.contains("/metrics") && !stdout.contains("/admin"));
    let (_, stdout, _) = run(&[
        "serve",
        "--check-config",
        "--config",
        file.path(),
        "--listen",
        "127.0.0.1:9",
        "--admin-token",
        TOKEN,
    ]);
    for line in ["listen 127.0.0.1:9", "GET /metrics", "GET /admin"] {
        assert!(
            stdout.lines().any(|other| other == line),
            "{line} is not in {stdout}"
        );
    }
}

#[test]
fn a_secret_may_be_in_a_file_or_in_the_environment() {
    let file = File::new("token", "correct-horse-battery\nand nothing else\n");
    let listed = |args: &[&str], variable: Option<&str>| {
        let mut command = sockeye(&["serve", "--check-config"]);
        command.args(args);
        if let Some(variable) = variable {
            command.env("SOCKEYE_ADMIN_TOKEN", variable);
        }
        let output = command.output().expect("it runs");
        String::from_utf8_lossy(&output.stdout).contains("GET /admin\n")
    };
    assert!(!listed(&[], None));
    assert!(listed(&["--admin-token-file", file.path()], None));
    assert!(listed(&[], Some(TOKEN)));
}

#[test]
fn alone_it_serves_where_one_expects_it() {
    let mut child = sockeye(&[])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let stdout = child.stdout.take().expect("piped");
    let mut line = String::new();
    let _ = std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line);
    let _ = child.kill();
    let output = child.wait_with_output().expect("it ends");
    if line.is_empty() {
        // Somebody else is there, and it says so.
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            stderr.contains("cannot listen on 127.0.0.1:8000: "),
            "{stderr}"
        );
    } else {
        assert_eq!(line, "listening on ws://127.0.0.1:8000\n");
    }
}

#[test]
fn a_signal_says_goodbye_to_everybody() {
    let mut program = Program::start(&["--workers", "2"]);
    let mut clients: Vec<_> = (0..4).map(|_| program.open("/echo")).collect();
    program.terminate();
    for client in &mut clients {
        let goodbye = client.frame();
        assert_eq!(goodbye.close_code(), Some(1001));
        client.send(&crate::frames::close(1001));
    }
    assert_eq!(program.wait().code(), Some(0));
}

#[test]
fn help_names_every_option_and_shows_examples() {
    let (code, stdout, _) = run(&["serve", "--help"]);
    assert_eq!(code, Some(0));
    for words in [
        "Examples:\n  sockeye serve",
        "--check-config",
        "--admin-token-file",
        "--forwarded-from",
        "SOCKEYE_ADMIN_TOKEN",
    ] {
        assert!(stdout.contains(words), "{words}");
    }
    let (code, stdout, _) = run(&["--help"]);
    assert_eq!(code, Some(0));
    assert!(
        stdout.contains("\n  serve ") && stdout.contains("Examples:\n  sockeye "),
        "{stdout}"
    );
}
