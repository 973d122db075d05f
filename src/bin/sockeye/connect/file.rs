//! Files that are sent as messages.
//!
//! Not here: sending them.

use sockeye::server::Message;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What is in a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Contents {
    Text(String),
    Binary(Vec<u8>),
}

impl Contents {
    pub(crate) fn message(&self) -> Message<'_> {
        match self {
            Self::Text(text) => text.into(),
            Self::Binary(data) => data.into(),
        }
    }
}

/// Reads a file of up to `most` bytes; no more of it is read, as devices have no end.
pub(crate) fn read(path: &Path, text: bool, most: u64) -> Result<Contents, String> {
    let name = path.display();
    let mut data = Vec::new();
    File::open(path)
        .and_then(|file| file.take(most.saturating_add(1)).read_to_end(&mut data))
        .map_err(|error| format!("cannot read {name}: {error}"))?;
    if data.len() as u64 > most {
        return Err(format!(
            "{name} has more than {most} bytes; --max-message allows more"
        ));
    }
    if !text {
        return Ok(Contents::Binary(data));
    }
    String::from_utf8(data)
        .map(Contents::Text)
        .map_err(|_| format!("{name} is not UTF-8; without --text it is sent as bytes"))
}

#[cfg(test)]
mod tests {
    use super::{Contents, read};
    use std::path::Path;

    #[test]
    fn files_are_read_to_a_limit() {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("clippy.toml");
        let len = std::fs::metadata(&own).expect("it is there").len();
        let text = read(&own, true, len).expect("it is text");
        assert!(matches!(&text, Contents::Text(text) if text.len() as u64 == len));
        let Ok(Contents::Binary(data)) = read(&own, false, len) else {
            panic!("any file is bytes");
        };
        assert_eq!(data, text.message().bytes());
        for (path, limit, says) in [
            (own.as_path(), len - 1, "--max-message"),
            (Path::new("/dev/zero"), 1000, "--max-message"),
            (Path::new("/no/such/file"), 1000, "/no/such/file"),
            (Path::new("/"), 1000, "cannot read /"),
        ] {
            let error = read(path, false, limit).expect_err("it cannot be");
            assert!(error.contains(says), "{error}");
        }
    }
}
