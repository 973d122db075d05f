//! Which mutants the compiler does not take: those in whose branch, or else around which, it found an error.
//!
//! Not here: errors that are of no mutant. They are printed as they are, to the error output.

use crate::list::Place;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::io::BufRead;
use std::path::Path;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Expr, Lit};

pub fn blame(tree: &Path, messages: impl BufRead) -> Result<BTreeSet<u32>, Box<dyn Error>> {
    let mut files = BTreeMap::new();
    let mut found = BTreeSet::new();
    for line in messages.lines() {
        let Ok(entry) = serde_json::from_str::<Value>(&line?) else {
            continue;
        };
        let message = &entry["message"];
        if entry["reason"] != "compiler-message" || message["level"] != "error" {
            continue;
        }
        let mut blamed = None;
        for span in message["spans"].as_array().into_iter().flatten() {
            let (Some(file), Some(at)) = (span["file_name"].as_str(), position(span)) else {
                continue;
            };
            if !files.contains_key(file) {
                files.insert(file.to_owned(), branches(&tree.join(file))?);
            }
            let here = innermost(&files[file], at);
            blamed = blamed.max(here.map(|(inside, id)| (inside, span["is_primary"] == true, id)));
        }
        match blamed {
            Some((_, _, id)) => _ = found.insert(id),
            None => eprintln!("{}", message["rendered"].as_str().unwrap_or_default()),
        }
    }
    Ok(found)
}

fn position(span: &Value) -> Option<(usize, usize)> {
    let number = |name: &str| usize::try_from(span[name].as_u64()?).ok();
    Some((number("line_start")?, number("column_start")?))
}

/// A mutant's own branch, or what it is a branch of.
struct Branch {
    id: u32,
    own: bool,
    place: Place,
}

/// The one that begins last among those around `at`; a mutant's own branch before what holds it.
fn innermost(branches: &[Branch], at: (usize, usize)) -> Option<(bool, u32)> {
    let around = branches.iter().filter(|branch| branch.place.holds(at));
    let best = around.max_by_key(|branch| (branch.own, branch.place.begin))?;
    Some((best.own, best.id))
}

fn branches(path: &Path) -> Result<Vec<Branch>, Box<dyn Error>> {
    let file = syn::parse_file(&fs::read_to_string(path)?)?;
    let mut look = Look(Vec::new());
    look.visit_file(&file);
    Ok(look.0)
}

struct Look(Vec<Branch>);

impl Look {
    fn push(&mut self, id: u32, own: bool, span: proc_macro2::Span) {
        let place = Place::of(span);
        self.0.push(Branch { id, own, place });
    }
}

impl Visit<'_> for Look {
    fn visit_expr_if(&mut self, node: &syn::ExprIf) {
        if let Some(id) = asked(&node.cond) {
            self.push(id, true, node.then_branch.span());
            self.push(id, false, node.span());
        }
        visit::visit_expr_if(self, node);
    }

    fn visit_arm(&mut self, node: &syn::Arm) {
        if let Some((_, guard)) = &node.guard
            && let Expr::Unary(not) = &**guard
            && let Some(id) = asked(&not.expr)
        {
            self.push(id, false, node.span());
        }
        visit::visit_arm(self, node);
    }
}

/// The number in `crate::mutant::on(…)`.
fn asked(expr: &Expr) -> Option<u32> {
    let Expr::Call(call) = expr else { return None };
    let Expr::Path(path) = &*call.func else {
        return None;
    };
    let segments = &path.path.segments;
    if segments.len() != 3 || segments[1].ident != "mutant" || segments[2].ident != "on" {
        return None;
    }
    match call.args.first()? {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(id) => id.base10_parse().ok(),
            _ => None,
        },
        _ => None,
    }
}
