//! Charts: bars that say how many times Sockeye is ahead, as SVG that can be read on white and on black.

use super::cells::times;
use super::outcome::{AGAIN, CPU, FIRST, Outcome, RATE};
use super::scenarios::ALL;
use super::tables::Results;
use std::fmt::Write;

pub(crate) struct Chart {
    /// Also that of its file.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    metric: &'static str,
    scenarios: &'static [&'static str],
    /// What a whole bar means: longer ones are cut off, and say so.
    most: f64,
}

pub(crate) static CHARTS: [Chart; 3] = [
    Chart {
        name: "instructions",
        title: "Instructions in user space for a message: times those of Sockeye",
        metric: "instructions",
        scenarios: &[
            "instructions-20",
            "instructions-20x16",
            "instructions-1k-text",
            "instructions-16k-text",
        ],
        most: 12.0,
    },
    Chart {
        name: "cpu",
        title: "Server CPU time for a message, the kernel's part included: times that of Sockeye",
        metric: CPU,
        scenarios: &[
            "echo-20x64",
            "pipelined-64",
            "echo-1kx64",
            "echo-16k-mixed",
            "echo-1m",
        ],
        most: 4.0,
    },
    Chart {
        name: "rooms",
        title: "Deliveries per second: how many times those of the other Sockeye makes",
        metric: RATE,
        scenarios: &[
            "room-32",
            "room-128",
            "room-512",
            "room-one-1k",
            "room-one-64k",
        ],
        most: 4.0,
    },
];

const WIDTH: usize = 760;
const NAMES: usize = 190;
const BARS: f64 = 480.0;
const ROW: usize = 20;
const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#1f2328}.h{font-weight:600}.b{fill:#3b7dd8}.s{fill:#8a939d}\
    .l{stroke:#1f2328;stroke-width:1.5}.e{stroke:#1f2328;stroke-width:1.5;opacity:.55}\
    @media(prefers-color-scheme:dark){text{fill:#e6edf3}.b{fill:#5b9bf0}.s{fill:#7d8590}.l,.e{stroke:#e6edf3}}";

impl Chart {
    /// Nothing if nothing of it was measured.
    pub(crate) fn draw(&self, results: &Results) -> Option<String> {
        let found = self.scenarios.iter().filter_map(|name| results.of(name));
        let found: Vec<_> = found.filter(|outcome| outcome.is_enough()).collect();
        if found.is_empty() {
            return None;
        }
        let mut body = String::new();
        let mut y = 62;
        for outcome in found {
            y = self.group(outcome, y, &mut body);
        }
        let one = self.x(1.0);
        let _ = writeln!(body, "<text x=\"{:.1}\" y=\"42\">Sockeye</text>", one + 5.0);
        let _ = writeln!(
            body,
            "<line class=\"l\" x1=\"{one:.1}\" y1=\"32\" x2=\"{one:.1}\" y2=\"{y}\"/>"
        );
        let height = y + 12;
        Some(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
             height=\"{height}\" role=\"img\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
             <text class=\"h\" x=\"8\" y=\"20\">{title}</text>\n{body}</svg>\n",
            title = self.title
        ))
    }

    fn group(&self, outcome: &Outcome, y: usize, body: &mut String) -> usize {
        let scenario = ALL
            .iter()
            .find(|scenario| scenario.name == outcome.scenario);
        let label = scenario.map_or("", |scenario| scenario.label);
        let _ = writeln!(body, "<text class=\"h\" x=\"8\" y=\"{y}\">{label}</text>");
        let mut y = y + 8;
        for entry in &outcome.entries {
            let is_other = entry.name != FIRST && entry.name != AGAIN;
            let lead = outcome.lead(self.metric, &entry.name).filter(|_| is_other);
            let Some(lead) = lead else { continue };
            let class = if entry.name.starts_with("raw") {
                "s"
            } else {
                "b"
            };
            let shown = lead.median.min(self.most);
            let text = y + 14;
            let width = self.x(shown) - self.x(0.0);
            let cut = if lead.median > self.most { " →" } else { "" };
            let _ = writeln!(
                body,
                "<text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{}</text><rect class=\"{class}\" x=\"{NAMES}\" \
                 y=\"{}\" width=\"{width:.1}\" height=\"{}\" rx=\"2\"/><text x=\"{:.1}\" y=\"{text}\">{}{cut}</text>",
                NAMES - 8,
                entry.name,
                y + 3,
                ROW - 6,
                self.x(shown) + 10.0,
                times(lead.median),
            );
            let (low, high) = (lead.interval.low, lead.interval.high);
            if lead.interval.coverage > 0.0 && high <= self.most {
                let _ = writeln!(
                    body,
                    "<line class=\"e\" x1=\"{:.1}\" y1=\"{middle}\" x2=\"{:.1}\" y2=\"{middle}\"/>",
                    self.x(low),
                    self.x(high),
                    middle = y + ROW / 2
                );
            }
            y += ROW;
        }
        y + 26
    }

    fn x(&self, value: f64) -> f64 {
        NAMES as f64 + BARS * value / self.most
    }
}

#[cfg(test)]
mod tests {
    use super::CHARTS;
    use crate::plan::outcome::tests::outcome;
    use crate::plan::scenarios::ALL;
    use crate::plan::tables::Results;

    #[test]
    fn charts_are_of_scenarios_that_there_are() {
        for name in CHARTS.iter().flat_map(|chart| chart.scenarios) {
            assert!(ALL.iter().any(|scenario| scenario.name == *name), "{name}");
        }
    }

    #[test]
    fn a_bar_is_as_long_as_its_number_and_cut_off_at_the_end() {
        let cpu = [("sockeye", 100.0), ("raw-et", 50.0), ("bun", 900.0)];
        let chart = &CHARTS[1];
        let draw = |rounds| chart.draw(&Results(vec![outcome("echo-20x64", rounds, &cpu)]));
        let svg = draw(20).unwrap();
        assert!(
            svg.contains("width=\"60.0\"") && svg.contains(">0.50<"),
            "{svg}"
        );
        assert!(
            svg.contains("width=\"480.0\"") && svg.contains(">9.00 →<"),
            "{svg}"
        );
        assert!(draw(19).is_none(), "no result, no chart");
    }
}
