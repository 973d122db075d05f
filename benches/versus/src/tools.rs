//! The programs that measurements need and a bare machine lacks.

use crate::Result;
use std::env;
use std::process::{Command, Stdio};

/// Installs a Debian package if its program is not there, or says what to do.
pub(crate) fn need(program: &str, package: &str) -> Result<()> {
    if is_there(program) {
        return Ok(());
    }
    if !rustix::process::geteuid().is_root() || !is_there("apt-get") {
        return Err(
            format!("{program} is not there; install it: sudo apt-get install {package}").into(),
        );
    }
    eprintln!("installing {package} …");
    apt_get(&["update"])?;
    apt_get(&["install", "-y", "--no-install-recommends", package])?;
    if is_there(program) {
        return Ok(());
    }
    Err(format!("{package} was installed, but {program} is not there").into())
}

fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

fn apt_get(args: &[&str]) -> Result<()> {
    let status = Command::new("apt-get")
        .args(["-qq"])
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(Stdio::null())
        .status()?;
    if status.success() {
        return Ok(());
    }
    Err(format!("apt-get {} failed: {status}", args.join(" ")).into())
}
