//! Everything below a directory that may be served.
//!
//! Not here: what is changed while this looks. Who may write to the directory decides what is served, then as always.

use super::{FolderError, FolderLimits, Skipped, SkippedBecause};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use std::fs::{self, DirEntry, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Paths that begin with `/` and are parted by it, and what is there.
    pub(super) files: Vec<(String, Vec<u8>)>,
    pub(super) skipped: Vec<Skipped>,
}

/// Reads what is below `root`.
pub(super) fn files(root: &Path, limits: FolderLimits) -> Result<Found, FolderError> {
    let root = said(root, root.canonicalize())?;
    let mut walk = Walk {
        open: vec![(root.clone(), String::from("/"))],
        root,
        left: limits.max_bytes,
        entries: limits.max_entries,
        found: Found::default(),
    };
    while let Some((directory, path)) = walk.open.pop() {
        for entry in said(&directory, fs::read_dir(&directory))? {
            walk.look(&said(&directory, entry)?, &path)?;
        }
    }
    walk.found
        .skipped
        .sort_by(|one, two| one.path.cmp(&two.path));
    Ok(walk.found)
}

struct Walk {
    root: PathBuf,
    /// Directories to be read, and their paths; these end in `/`.
    open: Vec<(PathBuf, String)>,
    /// How many bytes and entries there may still be.
    left: usize,
    entries: usize,
    found: Found,
}

impl Walk {
    fn look(&mut self, entry: &DirEntry, directory: &str) -> Result<(), FolderError> {
        self.entries = self.entries.checked_sub(1).ok_or(FolderError::TooMany)?;
        let at = entry.path();
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            self.skip(&at, SkippedBecause::Name);
            return Ok(());
        };
        let path = format!("{directory}{name}");
        let kind = said(&at, entry.file_type())?;
        if name.starts_with('.') {
            self.skip(&at, SkippedBecause::Hidden);
        } else if kind.is_symlink() {
            self.follow(&at, path)?;
        } else if kind.is_dir() {
            self.open.push((at, format!("{path}/")));
        } else if kind.is_file() {
            self.read(&at, path)?;
        } else {
            // To open a pipe would wait for who writes to it.
            self.skip(&at, SkippedBecause::NotAFile);
        }
        Ok(())
    }

    /// A link to a file below the root is as good as the file, hidden or not: that is how some deployments mount
    /// directories.
    fn follow(&mut self, link: &Path, path: String) -> Result<(), FolderError> {
        let target = match link.canonicalize() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.skip(link, SkippedBecause::LinkToNothing);
                return Ok(());
            }
            target => said(link, target)?,
        };
        let kind = said(link, fs::metadata(&target))?;
        if !target.starts_with(&self.root) {
            self.skip(link, SkippedBecause::Outside);
        } else if kind.is_dir() {
            self.skip(link, SkippedBecause::LinkToDirectory);
        } else if kind.is_file() {
            self.read(&target, path)?;
        } else {
            self.skip(link, SkippedBecause::NotAFile);
        }
        Ok(())
    }

    fn read(&mut self, file: &Path, path: String) -> Result<(), FolderError> {
        // One byte more than there is room for tells that it is too much, however large the file says it is.
        let most = u64::try_from(self.left)
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        let mut bytes = Vec::new();
        let opened = said(file, File::open(file))?;
        said(file, opened.take(most).read_to_end(&mut bytes))?;
        self.left = self
            .left
            .checked_sub(bytes.len())
            .ok_or(FolderError::TooLarge)?;
        self.found.files.push((path, bytes));
        Ok(())
    }

    fn skip(&mut self, at: &Path, because: SkippedBecause) {
        let path = at.strip_prefix(&self.root).unwrap_or(at).to_path_buf();
        self.found.skipped.push(Skipped { path, because });
    }
}

/// A result of the system, with what it was about.
fn said<T>(path: &Path, result: io::Result<T>) -> Result<T, FolderError> {
    result.map_err(|error| FolderError::Read {
        path: path.to_path_buf(),
        error,
    })
}
