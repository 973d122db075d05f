//! What was measured, for people and for programs.

use crate::Result;
use crate::broker::Broker;
use clap::Args;
use serde_json::{Value, json};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

#[derive(Args, Clone, Debug)]
pub(crate) struct Out {
    /// A folder that gets the results, for people (.md) and for programs (.json)
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

pub(crate) struct Report<'r> {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) head: Vec<&'r str>,
    pub(crate) rows: Vec<Vec<String>>,
    /// How it was measured.
    pub(crate) notes: String,
    pub(crate) json: Value,
}

impl Report<'_> {
    /// Prints it, and keeps it where that was asked for.
    pub(crate) fn publish(&self, out: &Out) -> Result<()> {
        let machine = machine();
        let text = self.markdown(&machine)?;
        println!("{text}");
        if let Some(folder) = &out.out {
            fs::create_dir_all(folder)?;
            fs::write(folder.join(format!("{}.md", self.name)), text)?;
            let json = json!({ "machine": machine, "commit": commit(), "measurement": self.json });
            let json = serde_json::to_string_pretty(&json)? + "\n";
            fs::write(folder.join(format!("{}.json", self.name)), json)?;
        }
        Ok(())
    }

    fn markdown(&self, machine: &str) -> Result<String> {
        let mut text = format!("### {}\n\n", self.title);
        writeln!(text, "| {} |", self.head.join(" | "))?;
        writeln!(text, "|{}", "---:|".repeat(self.head.len()))?;
        for row in &self.rows {
            writeln!(text, "| {} |", row.join(" | "))?;
        }
        writeln!(text, "\n{} {machine}.", self.notes)?;
        Ok(text)
    }
}

fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let values = info.lines().filter_map(|line| line.split_once(": "));
    let mut models = values.filter(|(key, _)| key.trim() == "model name");
    let model = models
        .next()
        .map_or("an unknown processor", |model| model.1);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{} × {model}; Linux {}; {}; {}",
        models.count() + 1,
        kernel.trim(),
        first_line("rustc", &["--version"]),
        Broker::version(),
    )
}

/// The last one that changed what is measured; with a plus if the work tree differs from it.
fn commit() -> String {
    let paths = ["--", "../../src", "../../Cargo.lock", "../../Cargo.toml"];
    let git = |args: &[&str]| first_line("git", &[args, &paths].concat());
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
