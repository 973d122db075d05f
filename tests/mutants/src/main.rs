//! Puts every mutant that `cargo mutants --list --json` names into one copy of the tree, each behind a question that
//! the environment answers at run time: one build instead of one for each.
//!
//! ```text
//! sockeye-mutants fold LIST TREE SKIP     rewrites the files of TREE; SKIP has the numbers of mutants to leave out.
//!                                         Prints the numbers of those that have a place now.
//! sockeye-mutants blame TREE < MESSAGES   reads what `cargo check --message-format=json` says of that tree, and prints
//!                                         the numbers of the mutants that do not compile
//! ```
//!
//! A mutant's number is its place in the list, from 1. Not here: running anything, which `.ci/mutants` does.

mod blame;
mod fold;
mod list;

use std::collections::BTreeSet;
use std::env;
use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let found = match args[..] {
        ["fold", list, tree, skip] => fold(list, Path::new(tree), skip)?,
        ["blame", tree] => blame::blame(Path::new(tree), io::stdin().lock())?,
        _ => return Err("usage: sockeye-mutants fold LIST TREE SKIP | blame TREE".into()),
    };
    for id in found {
        println!("{id}");
    }
    Ok(())
}

fn fold(list: &str, tree: &Path, skip: &str) -> Result<BTreeSet<u32>, Box<dyn Error>> {
    let skip = fs::read_to_string(skip)?;
    let skip: BTreeSet<u32> = skip.lines().map(str::parse).collect::<Result<_, _>>()?;
    let mut placed = BTreeSet::new();
    for (file, mutants) in list::read(list, &skip)? {
        let path = tree.join(&file);
        let code = fs::read_to_string(&path).map_err(|error| format!("{file}: {error}"))?;
        let (folded, here) = fold::fold(&code, mutants).map_err(|e| format!("{file}: {e}"))?;
        fs::write(&path, folded)?;
        placed.extend(here);
    }
    fs::write(tree.join("src/mutant.rs"), include_str!("../probe.rs"))?;
    let root = tree.join("src/lib.rs");
    let lib = fs::read_to_string(&root)?;
    let lib = lib.replacen(
        "#![no_std]",
        "#![no_std]\n#![feature(core_intrinsics, const_eval_select)]\n#![allow(internal_features)]",
        1,
    );
    fs::write(root, lib + "\nmod mutant;\n")?;
    Ok(placed)
}
