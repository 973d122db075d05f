//! A file in the temporary directory that does not outlive its use.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;

pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// The path only; another program writes the file.
    pub(crate) fn new(name: &str) -> Self {
        Self(env::temp_dir().join(format!("versus-{name}-{}", process::id())))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It is not there if nobody wrote it.
        let _ = fs::remove_file(&self.0);
    }
}
