//! What came of it: as a table with what was not exact, and as JSON.
//!
//! Not here: finding it out.

use super::catalogue::{AREAS, Why};
use super::grade::{GRADES, Grade, Verdict};
use super::modes::Mode;
use core::fmt::Write as _;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// One row in one mode.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) row: String,
    pub(crate) area: &'static str,
    pub(crate) ids: Vec<String>,
    pub(crate) mode: Mode,
    pub(crate) expected: String,
    pub(crate) verdict: Verdict,
    pub(crate) millis: u128,
}

/// Everything there is to tell.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) url: String,
    pub(crate) server: Option<String>,
    pub(crate) compression: bool,
    pub(crate) modes: Vec<Mode>,
    pub(crate) seed: u64,
    pub(crate) timeout: f64,
    pub(crate) seconds: f64,
    pub(crate) left_out: BTreeMap<Why, usize>,
    pub(crate) runs: Vec<Run>,
}

/// How many runs came to which grade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Score([usize; GRADES.len()]);

impl Score {
    fn of<'r>(runs: impl Iterator<Item = &'r Run>) -> Self {
        let mut score = Self::default();
        for run in runs {
            score.0[run.verdict.grade as usize] += 1;
        }
        score
    }

    const fn count(self, grade: Grade) -> usize {
        self.0[grade as usize]
    }

    fn total(self) -> usize {
        self.0.iter().sum()
    }

    /// Exact or closed: at least nothing worse came of it.
    const fn refused(self) -> usize {
        self.count(Grade::Exact) + self.count(Grade::Closed)
    }

    fn json(self) -> Map<String, Value> {
        let grades = GRADES.map(|grade| (grade.name().to_owned(), json!(self.count(grade))));
        let mut map: Map<String, Value> = grades.into_iter().collect();
        map.insert("total".to_owned(), json!(self.total()));
        map.insert("refused".to_owned(), json!(self.refused()));
        map
    }

    fn line(self, name: &str) -> String {
        let [exact, closed, lax, wrong] = self.0;
        let total = self.total();
        let [good, held] = [exact, self.refused()].map(|part| percent(part, total));
        format!("{name:<11}{exact:>7}{closed:>8}{lax:>6}{wrong:>7}{total:>8}{good:>9}{held:>9}\n")
    }
}

impl Report {
    pub(crate) fn is_exact(&self) -> bool {
        self.runs
            .iter()
            .all(|run| run.verdict.grade == Grade::Exact)
    }

    /// The scores of all areas that there are.
    fn areas(&self) -> impl Iterator<Item = (&'static str, Score)> {
        let of = |area| Score::of(self.runs.iter().filter(move |run| run.area == area));
        AREAS
            .into_iter()
            .map(move |area| (area, of(area)))
            .filter(|(_, score)| score.total() > 0)
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut table = format!(
            "{:<11}{:>7}{:>8}{:>6}{:>7}{:>8}{:>9}{:>9}\n",
            "", "exact", "closed", "lax", "wrong", "total", "exact", "refused"
        );
        for (area, score) in self.areas() {
            table += &score.line(area);
        }
        table += &Score::of(self.runs.iter()).line("all");
        let left_out = self.left_out.iter();
        let left_out: Vec<_> = left_out
            .map(|(why, rows)| format!("{rows} ({})", why.name()))
            .collect();
        // A `String` takes everything.
        let _ = writeln!(table, "\nrows left out: {}", left_out.join(", "));
        if self.is_exact() {
            table + "all exact"
        } else {
            table + &self.not_exact()
        }
    }

    /// What was not exact: rows that came to the same in several modes in one entry.
    fn not_exact(&self) -> String {
        let mut groups: BTreeMap<_, Vec<&Run>> = BTreeMap::new();
        let runs = self.runs.iter();
        for run in runs.filter(|run| run.verdict.grade != Grade::Exact) {
            let area = AREAS.iter().position(|area| *area == run.area);
            let key = (run.verdict.grade, area, &run.row, &run.verdict.got);
            groups.entry(key).or_default().push(run);
        }
        let mut text = String::from("\nnot exact:\n");
        for runs in groups.values() {
            let modes: Vec<_> = runs.iter().map(|run| run.mode.name()).collect();
            let Some(run) = runs.first() else { continue };
            let (grade, ids) = (run.verdict.grade.name(), run.ids.join(" "));
            let _ = writeln!(text, "{grade:<7}{} [{ids}]", run.row);
            let _ = writeln!(
                text,
                "       {} in {}: expected {}; got {}",
                run.area,
                modes.join(", "),
                run.expected,
                run.verdict.got
            );
        }
        text.trim_end().to_owned()
    }

    /// For programs.
    pub(crate) fn json(&self) -> String {
        let named = |kind: &str, name: &str, score: Score| {
            let mut map = Map::new();
            map.insert(kind.to_owned(), json!(name));
            map.extend(score.json());
            Value::Object(map)
        };
        let areas = self.areas().map(|(name, score)| named("area", name, score));
        let by_mode = self.modes.iter().map(|mode| {
            let runs = self.runs.iter().filter(|run| run.mode == *mode);
            named("mode", mode.name(), Score::of(runs))
        });
        let left_out = self.left_out.iter();
        let left_out: Map<_, _> = left_out
            .map(|(why, rows)| (why.name().to_owned(), json!(rows)))
            .collect();
        json!({
            "url": self.url,
            "sockeye": env!("CARGO_PKG_VERSION"),
            "server": self.server,
            "modes": self.modes.iter().map(|mode| mode.name()).collect::<Vec<_>>(),
            "seed": self.seed,
            "timeout": self.timeout,
            "seconds": self.seconds,
            "compression": self.compression,
            "exact": self.is_exact(),
            "score": Score::of(self.runs.iter()).json(),
            "areas": areas.collect::<Vec<_>>(),
            "by_mode": by_mode.collect::<Vec<_>>(),
            "left_out": left_out,
            "results": self.runs.iter().map(Run::json).collect::<Vec<_>>(),
        })
        .to_string()
    }
}

impl Run {
    fn json(&self) -> Value {
        json!({
            "row": self.row,
            "area": self.area,
            "ids": self.ids,
            "mode": self.mode.name(),
            "grade": self.verdict.grade.name(),
            "expected": self.expected,
            "got": self.verdict.got,
            "ms": u64::try_from(self.millis).unwrap_or(u64::MAX),
        })
    }
}

/// A share with a digit behind the point; never 100 % for what is not all.
fn percent(part: usize, total: usize) -> String {
    let tenths = (part * 1000).checked_div(total).unwrap_or(0);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::{Report, Run, percent};
    use crate::attack::grade::Grade;
    use crate::attack::modes::Mode;
    use std::collections::BTreeMap;

    fn report(grades: &[Grade]) -> Report {
        let run = |(index, grade): (usize, &Grade)| Run {
            row: format!("row {}", index / 2),
            area: "frames",
            ids: vec!["F01".to_owned()],
            mode: [Mode::Whole, Mode::Bytes][index % 2],
            expected: "close 1002".to_owned(),
            verdict: grade.of("something"),
            millis: 1,
        };
        Report {
            url: "ws://h/".to_owned(),
            server: None,
            compression: false,
            modes: vec![Mode::Whole, Mode::Bytes],
            seed: 1,
            timeout: 5.0,
            seconds: 1.0,
            left_out: BTreeMap::new(),
            runs: grades.iter().enumerate().map(run).collect(),
        }
    }

    #[test]
    fn what_is_not_exact_is_told_once_for_all_modes() {
        let report = report(&[Grade::Exact, Grade::Closed, Grade::Lax, Grade::Lax]);
        let table = report.table();
        assert!(!report.is_exact());
        assert!(table.contains("frames in whole, bytes: expected close 1002; got something"));
        assert!(table.contains("frames in bytes: expected"));
        let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["score"]["refused"], 2);
        assert_eq!(json["areas"][0]["lax"], 2);
        assert_eq!(json["by_mode"][1]["closed"], 1);
        assert_eq!(json["results"].as_array().unwrap().len(), 4);
    }

    #[test]
    fn all_is_all() {
        assert!(report(&[Grade::Exact; 3]).table().ends_with("all exact"));
        assert_eq!(percent(999, 1000), "99.9 %");
        assert_eq!(percent(9999, 10_000), "99.9 %");
        assert_eq!(
            (percent(5, 5), percent(0, 0)),
            ("100.0 %".into(), "0.0 %".into())
        );
    }
}
