//! The files of a directory, read whole at start.
//!
//! A request is looked up in a map of what was read. There is nothing else that a path could reach: no `..`, link or
//! strange encoding leads anywhere, because no path of a request ever gets to the file system.
//!
//! Not here: files that change while the server runs, lists of what is in a directory, and hard links, which look like
//! any file.

mod path;
#[cfg(test)]
mod tests;
mod walk;

use super::{Page, types};
use crate::proto::handshake::Response;
use crate::proto::handshake::server::PageRequest;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// How much a folder may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderLimits {
    /// Bytes of all files together. Default 64 MiB.
    pub max_bytes: usize,
    /// Entries that are looked at: files, directories, and what is skipped. Default 10 000.
    pub max_entries: usize,
}

impl FolderLimits {
    /// The defaults.
    pub const DEFAULT: Self = Self {
        max_bytes: 64 << 20,
        max_entries: 10_000,
    };
}

impl Default for FolderLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Something in the directory that is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skipped {
    /// Where it is, below the directory.
    pub path: PathBuf,
    /// Why.
    pub because: SkippedBecause,
}

/// Why something in a directory is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SkippedBecause {
    /// Its name begins with a dot.
    Hidden,
    /// It is a link to what is not below the directory.
    Outside,
    /// It is a link to a directory. Following these can go round in circles.
    LinkToDirectory,
    /// It is a link to nothing.
    LinkToNothing,
    /// It is a pipe, a socket or a device.
    NotAFile,
    /// Its name is not UTF-8.
    Name,
}

impl SkippedBecause {
    /// Every variant, for tables and tests.
    pub const ALL: &'static [Self] = &[
        Self::Hidden,
        Self::Outside,
        Self::LinkToDirectory,
        Self::LinkToNothing,
        Self::NotAFile,
        Self::Name,
    ];
}

impl fmt::Display for SkippedBecause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hidden => "hidden",
            Self::Outside => "a link that leaves the folder",
            Self::LinkToDirectory => "a link to a directory",
            Self::LinkToNothing => "a link to nothing",
            Self::NotAFile => "neither a file nor a directory",
            Self::Name => "a name that is not UTF-8",
        })
    }
}

/// Why a directory cannot be served.
#[derive(Debug)]
#[non_exhaustive]
pub enum FolderError {
    /// Something in it cannot be read.
    Read {
        /// What.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// More than [`FolderLimits::max_bytes`].
    TooLarge,
    /// More than [`FolderLimits::max_entries`].
    TooMany,
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, error } => write!(f, "{}: {error}", path.display()),
            Self::TooLarge => f.write_str("the folder's files are too large to be held in memory"),
            Self::TooMany => f.write_str("too many files in the folder"),
        }
    }
}

impl core::error::Error for FolderError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Read { error, .. } => Some(error),
            Self::TooLarge | Self::TooMany => None,
        }
    }
}

/// Pages from a directory, in memory.
///
/// A file is at its path below the directory; `index.html` is also at the path of its directory, which ends in `/`.
/// Its type is that of its extension. Hidden files, and links that leave the directory, are [skipped](Self::skipped).
///
/// ```no_run
/// use sockeye::app::{App, Folder};
///
/// # fn main() -> Result<(), sockeye::app::FolderError> {
/// let app = App::new().folder(Folder::read("public")?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Folder {
    pages: BTreeMap<String, Page>,
    skipped: Vec<Skipped>,
}

impl Folder {
    /// Reads all files of a directory, within [`FolderLimits::DEFAULT`].
    ///
    /// # Errors
    ///
    /// [`FolderError`] when something in it cannot be read, or when it holds too much. A part is never served.
    pub fn read(directory: impl AsRef<Path>) -> Result<Self, FolderError> {
        Self::read_within(directory, FolderLimits::DEFAULT)
    }

    /// Reads all files of a directory, within these limits.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read).
    pub fn read_within(
        directory: impl AsRef<Path>,
        limits: FolderLimits,
    ) -> Result<Self, FolderError> {
        let found = walk::files(directory.as_ref(), limits)?;
        let mut pages = BTreeMap::new();
        for (path, bytes) in found.files {
            let page = Page::bytes(types::of_file(&path), bytes);
            if let Some(directory) = path.strip_suffix("index.html")
                && directory.ends_with('/')
            {
                pages.insert(directory.into(), page.clone());
            }
            pages.insert(path, page);
        }
        Ok(Self {
            pages,
            skipped: found.skipped,
        })
    }

    /// What is in the directory and is not served.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// The page at this path, which begins with `/` and is still encoded, as [`PageRequest::path`] is. For a folder
    /// that is not at the root, what is left of that behind the folder's own path.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Page> {
        self.pages.get(path::decode(path)?.as_ref())
    }

    /// The answer to this request: as of [`Page::answer`], or 404.
    #[must_use]
    pub fn answer(&self, request: &PageRequest<'_>) -> Response {
        match self.find(request.path()) {
            Some(page) => page.answer(request),
            None => Response::not_found(),
        }
    }
}
