//! Tables, for people and for programs.

use crate::Result;
use crate::contestants::Contestant;
use crate::machine;
use crate::options::Common;
use serde_json::{Value, json};
use std::fmt::Write;
use std::fs;

/// One table and what must be known to read it.
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// All that a command found out.
pub(crate) struct Report {
    pub(crate) title: String,
    pub(crate) tables: Vec<Table>,
    /// How it was measured, sentence by sentence.
    pub(crate) notes: Vec<String>,
    pub(crate) json: Value,
}

impl Report {
    /// Prints it, and writes the files that were asked for.
    pub(crate) fn publish(&self, common: &Common, contestants: &[&Contestant]) -> Result<()> {
        let skips = skips(contestants);
        let machine = machine::describe();
        let tables = || self.tables.iter().chain([&skips]);
        println!("{}", self.title);
        for table in &self.tables {
            println!("\n{}\n{}", table.title, table.text());
        }
        print!("{}", who(contestants));
        println!("\n{}{machine}", bullets(&self.notes, ""));
        if let Some(path) = &common.markdown {
            let mut text = format!(
                "<!-- Written by benches/versus; of one machine, at one moment. Do not edit. -->\n\n# {}\n",
                self.title
            );
            for table in tables() {
                write!(text, "\n## {}\n\n{}", table.title, table.markdown())?;
            }
            let notes = bullets(&self.notes, "- ");
            write!(text, "\n## How\n\n{notes}- {machine}\n")?;
            fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        if let Some(path) = &common.json {
            let json = json!({ "machine": machine, "measurement": self.json });
            let json = serde_json::to_string_pretty(&json)? + "\n";
            fs::write(path, json).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }
}

/// As a list: sentences make no columns.
fn who(contestants: &[&Contestant]) -> String {
    contestants.iter().fold(String::new(), |text, contestant| {
        let Contestant {
            name, about, skips, ..
        } = contestant;
        text + &format!("{name}: {about}\n    leaves out: {skips}\n")
    })
}

fn bullets(lines: &[String], bullet: &str) -> String {
    lines
        .iter()
        .fold(String::new(), |text, line| text + bullet + line + "\n")
}

/// What stands beside each number: whoever checks less is faster.
fn skips(contestants: &[&Contestant]) -> Table {
    Table {
        title: "Who they are, and what each leaves out of a server's checks".to_owned(),
        head: ["contestant", "is", "leaves out"]
            .map(str::to_owned)
            .to_vec(),
        rows: contestants
            .iter()
            .map(|contestant| {
                [contestant.name, contestant.about, contestant.skips]
                    .map(str::to_owned)
                    .to_vec()
            })
            .collect(),
    }
}

impl Table {
    fn text(&self) -> String {
        let widths = self.widths();
        let mut text = String::new();
        for row in [&self.head].into_iter().chain(&self.rows) {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if self.is_words(column) {
                    line += &format!("  {cell:<width$}");
                } else {
                    line += &format!("  {cell:>width$}");
                }
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }

    fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule =
            (0..self.head.len()).map(|column| if self.is_words(column) { "---" } else { "---:" });
        let rule = format!("|{}|\n", rule.collect::<Vec<_>>().join("|"));
        let rows = self.rows.iter().map(|row| line(row));
        line(&self.head) + &rule + &rows.collect::<String>()
    }

    /// Words are aligned left, numbers right.
    fn is_words(&self, column: usize) -> bool {
        let is_number = |cell: &String| cell.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        !self.rows.iter().all(|row| is_number(&row[column]))
    }

    fn widths(&self) -> Vec<usize> {
        (0..self.head.len())
            .map(|column| {
                let cells = self.rows.iter().chain([&self.head]);
                cells
                    .map(|row| row[column].chars().count())
                    .max()
                    .unwrap_or_default()
            })
            .collect()
    }
}
