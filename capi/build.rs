//! Gives the shared library the name that programs which link it ask for: that of all versions it can stand in for.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let version = ["MAJOR", "MINOR"].map(|part| {
        let number = env::var(format!("CARGO_PKG_VERSION_{part}"));
        number.expect("cargo says which version it builds")
    });
    // By Semantic Versioning: before 1.0 a minor version may break what links it.
    let stands_in_for = match &version {
        [major, minor] if major == "0" => format!("0.{minor}"),
        [major, _] => major.clone(),
    };
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libsockeye.so.{stands_in_for}");
    }
}
