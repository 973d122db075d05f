//! Tells the linker where the firmware's memory is. Other targets know by themselves.

use std::{env, fs, io, path::Path};

/// A microcontroller's; each kind has its own.
const MEMORY: &str = "MEMORY
{
  FLASH : ORIGIN = 0x08000000, LENGTH = 256K
  RAM : ORIGIN = 0x20000000, LENGTH = 64K
}
";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let dir = env::var("OUT_DIR").map_err(io::Error::other)?;
        fs::write(Path::new(&dir).join("memory.x"), MEMORY)?;
        println!("cargo::rustc-link-search={dir}");
        println!("cargo::rustc-link-arg-bins=-Tlink.x");
    }
    Ok(())
}
