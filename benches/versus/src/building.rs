//! Building the contestants, each in two flavours, with one set of flags for all.

use crate::Result;
use crate::contestants::{Contestant, Name, Source};
use crate::{npm, tools};
use serde_json::Value;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the code is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// This processor, with all it has.
    Timed,
    /// The newest level that valgrind knows whole: it has no AVX-512.
    Counted,
}

impl Flavour {
    pub(crate) const fn cpu(self) -> &'static str {
        match self {
            Self::Timed => "native",
            Self::Counted => "x86-64-v3",
        }
    }

    /// A directory of its own, so that the flavours do not rebuild one another.
    fn target(self) -> PathBuf {
        here().join("target/contestants").join(self.cpu())
    }
}

/// A server that can be started.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// The contestant's, unless it takes part more than once.
    pub(crate) name: &'static str,
    pub(crate) contestant: &'static Contestant,
    pub(crate) path: PathBuf,
    pub(crate) args: &'static [&'static str],
}

/// Builds what is not built yet.
pub(crate) fn build(contestants: &[&'static Contestant], flavour: Flavour) -> Result<Vec<Program>> {
    eprintln!("building for {} …", flavour.cpu());
    contestants
        .iter()
        .map(|contestant| program(contestant, flavour))
        .collect()
}

fn program(contestant: &'static Contestant, flavour: Flavour) -> Result<Program> {
    let (path, args): (_, &[&str]) = match contestant.source {
        Source::Sockeye => {
            return Ok(Program::sockeye(contestant.name, sockeye(flavour)?));
        }
        Source::Here(name, args) => {
            let manifest = here().join("Cargo.toml");
            (
                cargo_build(&manifest, name, Some("contestants"), flavour)?,
                args,
            )
        }
        Source::Apart(name, feature) => {
            let manifest = here().join("Cargo.toml");
            (cargo_build(&manifest, name, Some(feature), flavour)?, &[])
        }
        Source::UWebSockets => (uwebsockets(flavour)?, &[]),
        Source::Bun => (npm::bun()?, npm::SERVER),
    };
    Ok(Program {
        name: contestant.name,
        contestant,
        path,
        args,
    })
}

impl Program {
    /// A build of this repository's program.
    pub(crate) fn sockeye(name: &'static str, path: PathBuf) -> Self {
        Self {
            name,
            contestant: Name::Sockeye.contestant(),
            path,
            args: &["echo", "--listen", "127.0.0.1:0"],
        }
    }
}

/// Builds this repository's program.
pub(crate) fn sockeye(flavour: Flavour) -> Result<PathBuf> {
    cargo_build(&root().join("Cargo.toml"), "sockeye", None, flavour)
}

/// Builds the program of a crate that lies beside this one, for what is measured in memory.
pub(crate) fn beside(dir: &str, program: &str) -> Result<PathBuf> {
    let manifest = here().join(dir).join("Cargo.toml");
    cargo_build(&manifest, program, None, Flavour::Timed)
}

/// Where this crate is.
pub(crate) fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where Sockeye is.
fn root() -> PathBuf {
    here().join("../..")
}

fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn cargo_build(
    manifest: &Path,
    program: &str,
    features: Option<&str>,
    flavour: Flavour,
) -> Result<PathBuf> {
    let target = flavour.target();
    let mut cargo = cargo();
    cargo
        .args([
            "build",
            "--release",
            "--locked",
            "--quiet",
            "--bin",
            program,
        ])
        .arg("--manifest-path")
        .arg(manifest)
        .arg("--target-dir")
        .arg(&target)
        .args(
            features
                .iter()
                .flat_map(|features| ["--features", features]),
        )
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", format!("-C target-cpu={}", flavour.cpu()));
    succeed(&mut cargo)?;
    Ok(target.join("release").join(program))
}

/// Compiles uWebSockets as its own Makefile does, without TLS and compression, which nobody here has.
fn uwebsockets(flavour: Flavour) -> Result<PathBuf> {
    let dir = flavour.target().join("uwebsockets");
    let program = dir.join("uwebsockets");
    let echo = here().join("contestants/uwebsockets.cpp");
    if is_newer(&program, &echo) && is_newer(&program, &here().join("Cargo.lock")) {
        return Ok(program);
    }
    tools::need("g++", "g++")?;
    let sources = uwebsockets_sources()?;
    let sockets = sources.join("uSockets/src");
    fs::create_dir_all(&dir)?;
    let flags = [
        "-O3".to_owned(),
        "-flto=auto".to_owned(),
        format!("-march={}", flavour.cpu()),
        "-DLIBUS_NO_SSL".to_owned(),
        // The warnings are not ours to heed.
        "-w".to_owned(),
    ];
    let include = format!("-I{}", sockets.display());
    let mut objects = Vec::new();
    for source in c_files(&sockets)? {
        let object = dir.join(source.with_extension("o").file_name().unwrap_or_default());
        let mut gcc = Command::new("gcc");
        gcc.args(["-std=c11", "-c", &include]).args(&flags);
        succeed(gcc.arg(&source).arg("-o").arg(&object))?;
        objects.push(object);
    }
    let mut gcc = Command::new("g++");
    gcc.args(["-std=c++20", "-DUWS_NO_ZLIB", &include])
        .args(&flags);
    gcc.arg(format!("-I{}", sources.join("src").display()));
    gcc.arg(&echo).args(&objects).arg("-o").arg(&program);
    succeed(&mut gcc)?;
    Ok(program)
}

fn is_newer(program: &Path, source: &Path) -> bool {
    let modified = |path| fs::metadata(path).and_then(|data| data.modified()).ok();
    modified(program) > modified(source)
}

fn c_files(sockets: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for dir in ["", "eventing", "crypto"] {
        for entry in fs::read_dir(sockets.join(dir))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "c") {
                files.push(path);
            }
        }
    }
    Ok(files)
}

/// Lets cargo fetch and check the package that the sources lie in; it is never built.
fn uwebsockets_sources() -> Result<PathBuf> {
    let manifest = here().join("Cargo.toml");
    let mut cargo = cargo();
    cargo
        .args(["metadata", "--format-version=1", "--locked", "--quiet"])
        .args(["--features", "uwebsockets-sources"])
        .arg("--manifest-path")
        .arg(manifest);
    let metadata: Value = serde_json::from_slice(&output(&mut cargo)?)?;
    let packages = metadata["packages"].as_array();
    let package = packages
        .into_iter()
        .flatten()
        .find(|package| package["name"] == "libuwebsockets-sys")
        .and_then(|package| package["manifest_path"].as_str())
        .ok_or("cargo metadata does not name libuwebsockets-sys")?;
    let dir = Path::new(package)
        .parent()
        .ok_or("a manifest in no directory")?;
    Ok(dir.join("uWebSockets"))
}

/// Runs a command whose messages are for the user.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("{status} from {command:?}").into())
}

fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output = command
        .output()
        .map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} from {command:?}\n{said}", output.status).into())
}
