//! What npm has: Bun, in the version that the table of contestants names, installed below `target/`.
//!
//! Not here: how it is built. Its authors did that, for processors with AVX2 or without, and npm takes what fits.

use crate::building::{here, succeed};
use crate::{Result, tools};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const PACKAGE: &str = "bun@1.4.5";
/// Its arguments: the server's source.
pub(crate) const SERVER: &[&str] = &[concat!(env!("CARGO_MANIFEST_DIR"), "/contestants/bun.mjs")];

/// The program, installed if it is not there.
pub(crate) fn bun() -> Result<PathBuf> {
    let dir = here().join("target/npm").join(PACKAGE);
    let program = dir.join("node_modules/bun/bin/bun.exe");
    if program.exists() {
        return Ok(program);
    }
    tools::need("npm", "npm")?;
    eprintln!("installing {PACKAGE} from npm …");
    fs::create_dir_all(&dir)?;
    fs::write(dir.join("package.json"), "{ \"private\": true }\n")?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--silent", PACKAGE])
        .arg("--prefix")
        .arg(&dir);
    succeed(&mut npm)?;
    if program.exists() {
        return Ok(program);
    }
    Err(format!(
        "npm installed {PACKAGE}, but {} is not there",
        program.display()
    )
    .into())
}

#[cfg(test)]
mod tests {
    use super::PACKAGE;
    use crate::contestants::Name;

    #[test]
    fn the_version_is_that_of_the_table() {
        let version = PACKAGE.split_once('@').unwrap().1;
        assert!(
            Name::Bun
                .contestant()
                .about
                .contains(&format!("Bun {version},"))
        );
    }
}
