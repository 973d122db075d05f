//! The pages that show results, and the marks between which they are written: nothing there is written by hand.

use super::charts::CHARTS;
use super::outcome::Outcome;
use super::scenarios::ALL;
use super::tables::{Results, report, summary};
use crate::Result;
use crate::building::here;
use std::fs;
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- speed:begin -->";
const END: &str = "<!-- speed:end -->";

/// Where the committed results are.
pub(crate) fn results_dir() -> PathBuf {
    here().join("results")
}

/// All that is there, in the order of the plan.
pub(crate) fn read(dir: &Path) -> Result<Results> {
    let outcomes = ALL
        .iter()
        .filter_map(|scenario| Outcome::read(dir, scenario.name).transpose());
    Ok(Results(outcomes.collect::<Result<_>>()?))
}

/// Files and what must be in them.
pub(crate) fn render(dir: &Path) -> Result<Vec<(PathBuf, String)>> {
    let results = read(dir)?;
    let is_committed = dir == results_dir();
    let mut files = Vec::new();
    let mut charts = Vec::new();
    for chart in &CHARTS {
        let file = format!("{}.svg", chart.name);
        if let Some(svg) = chart.draw(&results) {
            let shown = if is_committed {
                format!("versus/results/{file}")
            } else {
                file.clone()
            };
            charts.push((shown, chart.title));
            files.push((dir.join(file), svg));
        }
    }
    let report = report(&results, &charts);
    if is_committed {
        let pages = [
            ("../README.md", report),
            ("../../README.md", summary(&results)),
        ];
        for (page, section) in pages {
            let path = here().join(page);
            let text = fs::read_to_string(&path)?;
            let text = replace(&text, &section);
            files.push((
                path,
                text.ok_or_else(|| format!("{page} has no marks for results"))?,
            ));
        }
    } else {
        files.push((dir.join("report.md"), report));
    }
    Ok(files)
}

/// The page with another section between its marks.
fn replace(page: &str, section: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{section}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::{render, replace, results_dir};
    use std::fs;

    /// A figure that was written by hand, or is of other results, ends here. `benches/versus/run all --render` mends it.
    #[test]
    fn the_pages_show_the_committed_results_and_nothing_else() {
        let files = render(&results_dir()).unwrap();
        assert!(files.len() >= 2);
        for (path, expected) in files {
            let found = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                found == expected,
                "{} is not what the results say",
                path.display()
            );
        }
    }

    /// What is left of a chart that is not drawn any more would be shown by nobody, and believed by somebody.
    #[test]
    fn no_chart_is_left_over() {
        let drawn = render(&results_dir()).unwrap();
        for file in fs::read_dir(results_dir()).unwrap() {
            let path = file.unwrap().path();
            let is_chart = path.extension().is_some_and(|extension| extension == "svg");
            assert!(
                !is_chart || drawn.iter().any(|(drawn, _)| *drawn == path),
                "{}",
                path.display()
            );
        }
    }

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let page = "a\n<!-- speed:begin -->\nold\n<!-- speed:end -->\nb\n";
        let new = "a\n<!-- speed:begin -->\n\nnew\n\n<!-- speed:end -->\nb\n";
        assert_eq!(replace(page, "new\n").as_deref(), Some(new));
        assert_eq!(replace(new, "new\n").as_deref(), Some(new));
        assert_eq!(replace("a", "new"), None);
    }
}
