//! What the numbers are of: without it they say nothing.

use std::fs;
use std::process::Command;

/// One sentence about the machine and its compilers.
pub(crate) fn describe() -> String {
    format!("{}; commit {}", without_commit(), commit(&[]))
}

/// The same for all that is measured on one machine.
pub(crate) fn without_commit() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{}; Linux {}; {}; {}",
        processors(),
        kernel.trim(),
        first_line("rustc", &["--version"]),
        first_line("g++", &["--version"]),
    )
}

/// The day, as in 2026-11-22.
pub(crate) fn date() -> String {
    first_line("date", &["-u", "+%Y-%m-%d"])
}

fn processors() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let values = info.lines().filter_map(|line| line.split_once(": "));
    let models: Vec<_> = values
        .filter(|(key, _)| key.trim() == "model name")
        .map(|(_, model)| model)
        .collect();
    let model = models.first().unwrap_or(&"an unknown processor");
    format!("{} × {model}", models.len())
}

/// The last commit that changed what is measured, or what it is measured beside, which may be `also` these; with a plus
/// if the work tree differs from it.
pub(crate) fn commit(also: &[&str]) -> String {
    let paths = [
        "../../src",
        "../../Cargo.toml",
        "../../Cargo.lock",
        "Cargo.lock",
        "contestants",
    ];
    let git = |args: &[&str]| first_line("git", &[args, &["--"], &paths[..], also].concat());
    let commit = git(&["log", "-1", "--format=%h", "--abbrev=7"]);
    let differs = git(&["status", "--porcelain", "--untracked-files=no"]);
    let differs = if differs.is_empty() { "" } else { "+" };
    format!("{commit}{differs}")
}

/// Nothing if the program is not there.
fn first_line(program: &str, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().next().unwrap_or_default().to_owned()
}
