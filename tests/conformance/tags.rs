//! Finds what each test and each row says that it shows, in their text.
//!
//! Not here: what else stands in rows, which those know who read them.

/// A test shows a requirement.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) id: String,
    /// From the root of the repository.
    pub(crate) file: String,
    /// The function, or the row.
    pub(crate) test: String,
}

/// All of one file.
///
/// # Errors
/// A line that says what is shown stands above nothing, or says it wrongly.
pub(crate) fn of(file: &str, text: &str) -> Result<Vec<Tag>, String> {
    let found = if file.ends_with(".rows") {
        of_rows(text)
    } else {
        of_rust(text).map_err(|(line, what)| format!("{file}:{line}: {what}"))?
    };
    let tags = found.into_iter().map(|(id, test)| Tag {
        id,
        file: file.to_owned(),
        test,
    });
    Ok(tags.collect())
}

/// Each word of the shape 6455-4.1-33.
pub(crate) fn ids(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let words = text.split(move |c| !is_part(c));
    words
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| is_id(word))
}

fn is_id(word: &str) -> bool {
    let parts: Vec<&str> = word.split('-').collect();
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let [rfc, section, number] = parts[..] else {
        return false;
    };
    // A day of this century is none.
    let is_date = rfc.starts_with("20");
    rfc.len() == 4 && !is_date && digits(rfc) && section.split('.').all(digits) && digits(number)
}

/// Rows have a name. The cases of `deflate.rows` have none: what stands there for all below it is told by the first.
fn of_rows(text: &str) -> Vec<(String, String)> {
    let (mut found, mut name, mut waiting) = (Vec::new(), None, Vec::new());
    for line in text.lines().map(str::trim) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "row" => name = Some(rest),
            "shows" | "ids" => {
                let ids = rest.split(' ').filter(|word| is_id(word));
                waiting = ids.map(str::to_owned).collect();
            }
            "" | "#" => continue,
            _ => {}
        }
        let test = match (name, word) {
            (Some(name), "shows" | "ids") => name,
            (None, "offer" | "answer" | "asks") => line,
            _ => continue,
        };
        found.extend(waiting.drain(..).map(|id| (id, test.to_owned())));
    }
    found
}

type Wrong = (usize, &'static str);

fn of_rust(text: &str) -> Result<Vec<(String, String)>, Wrong> {
    let (mut found, mut waiting, mut is_test) = (Vec::new(), Vec::new(), false);
    for (at, line) in text.lines().map(str::trim).enumerate() {
        let at = at + 1;
        if let Some(ids) = shown(line) {
            let ids = ids.strip_suffix('.').ok_or((at, "no full stop"))?;
            if is_test || !ids.split(' ').all(is_id) {
                return Err((at, "ids alone, above #[test]"));
            }
            waiting.extend(ids.split(' ').map(str::to_owned));
        } else if waiting.is_empty() {
            continue;
        } else if line == "#[test]" {
            is_test = true;
        } else if let Some(name) = function(line) {
            if !is_test {
                return Err((at, "what is shown stands above no test"));
            }
            found.extend(waiting.drain(..).map(|id| (id, name.to_owned())));
            is_test = false;
        } else if line.is_empty() || line.starts_with("#[ignore") || line.starts_with("///") {
            return Err((at, "what is shown stands above something else"));
        }
    }
    if waiting.is_empty() {
        Ok(found)
    } else {
        Err((text.lines().count(), "what is shown stands above nothing"))
    }
}

/// What follows "Shows", where an id does.
fn shown(line: &str) -> Option<&str> {
    let ids = line.strip_prefix("/// Shows ")?;
    ids.starts_with(|c: char| c.is_ascii_digit()).then_some(ids)
}

fn function(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("fn ")?;
    rest.split_once('(').map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::{ids, of};

    fn found(file: &str, text: &str) -> Result<String, String> {
        let tags = of(file, text)?.into_iter();
        let tags = tags.map(|tag| format!("{}:{}", tag.test, tag.id));
        Ok(tags.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn tests_in_rust_say_it_in_their_documentation() {
        let good = [
            (
                "/// Why.\n/// Shows 6455-1-01 7692-2.1-03.\n#[test]\nfn a() {}",
                "a:6455-1-01 a:7692-2.1-03",
            ),
            (
                "    /// Shows 6455-1-01.\n    /// Shows 6455-1-02.\n    #[cfg(unix)]\n    #[test]\n    fn a() {}",
                "a:6455-1-01 a:6455-1-02",
            ),
            (
                "/// Shows who is there.\nfn a() {}\n/// Shows 6455-1-01.\n#[test]\nfn b() {}",
                "b:6455-1-01",
            ),
        ];
        for (text, want) in good {
            assert_eq!(found("a.rs", text).as_deref(), Ok(want));
        }
        for text in [
            "/// Shows 6455-1-01.\nfn a() {}",
            "/// Shows 6455-1-01.\n\n#[test]\nfn a() {}",
            "/// Shows 6455-1-01.\n#[test]\n#[ignore]\nfn a() {}",
            "/// Shows 6455-1-01\n#[test]\nfn a() {}",
            "/// Shows 6455-1-01, 6455-1-02.\n#[test]\nfn a() {}",
            "/// Shows 6455-1-01 and more.\n#[test]\nfn a() {}",
            "#[test]\nfn a() {}\n/// Shows 6455-1-01.\n",
        ] {
            assert!(found("a.rs", text).is_err(), "{text}");
        }
    }

    #[test]
    fn rows_say_it_in_a_line_of_their_own() {
        let frames = "row a b\n  shows F09 6455-1-01 9110-9.3.1\n  in 81\nrow c\n  in 81\n";
        assert_eq!(found("x.rows", frames).as_deref(), Ok("a b:6455-1-01"));
        let lines = "policy x\nids Z11 7692-1-01 7692-1-02\n# why\noffer b => c\noffer c\n";
        assert_eq!(
            found("x.rows", lines).as_deref(),
            Ok("offer b => c:7692-1-01 offer b => c:7692-1-02")
        );
    }

    #[test]
    fn an_id_has_three_parts() {
        let text =
            "6455-4.1-33, (7692-5-01). 2026-11-22a 9110-9.3.1 CVE-2026-1526 64555-4-1 6455-4.1-x";
        assert_eq!(ids(text).collect::<Vec<_>>(), ["6455-4.1-33", "7692-5-01"]);
    }
}
