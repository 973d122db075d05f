//! One file with all of its mutants in it.
//!
//! ```text
//! fn f() { … }      fn f() { if on(1) { return REPLACEMENT; } … }
//! a < b             (if on(2) { a == b } else if on(3) { a > b } else { a < b })
//! !a                (if on(4) { a } else { !a })
//! P => …            P if !on(5) => …
//! P if a => …       P if (if on(6) { true } else if on(7) { false } else { a }) => …
//! S { a, ..b }      (if on(8) { S { ..b } } else { S { a, ..b } })
//! ```
//!
//! What stands in a mutant's own branch is the code as it was; the last branch holds the mutants of its parts. Operators
//! are changed in the tree, not in the text: `a && b && c` becomes `(a || b) && c`, where the text would make it
//! `a || (b && c)`.
//!
//! Not here: constants and patterns, which the compiler evaluates. They get no place.

use crate::list::{Mutant, Mutants, Place};
use proc_macro2::Span;
use std::collections::BTreeSet;
use syn::punctuated::Pair;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Block, Expr, Stmt, parse_quote};

/// The code with the mutants, and the numbers of those that it holds.
pub fn fold(code: &str, mutants: Mutants) -> syn::Result<(String, BTreeSet<u32>)> {
    let mut file = syn::parse_file(code)?;
    let mut fold = Fold {
        mutants,
        placed: BTreeSet::new(),
        caught: false,
    };
    fold.visit_file_mut(&mut file);
    Ok((prettyplease::unparse(&file), fold.placed))
}

struct Fold {
    mutants: Mutants,
    placed: BTreeSet<u32>,
    /// Whether another arm takes what an arm of this match does not, as it may come to do.
    caught: bool,
}

impl Fold {
    fn take(&mut self, genre: &str, place: Place) -> Vec<Mutant> {
        let key = (genre.to_owned(), place);
        self.mutants.remove(&key).unwrap_or_default()
    }

    /// `(if on(1) { A } else if on(2) { B } else { otherwise })`, of the mutants that can be written down.
    fn choose(&mut self, mutants: Vec<(u32, Expr)>, otherwise: Expr) -> Expr {
        let mut choice = otherwise;
        for (id, mutated) in mutants.into_iter().rev() {
            self.placed.insert(id);
            choice = match choice {
                Expr::If(_) => parse_quote! { if crate::mutant::on(#id) { #mutated } else #choice },
                _ => parse_quote! { if crate::mutant::on(#id) { #mutated } else { #choice } },
            };
        }
        match choice {
            Expr::If(_) => parse_quote! { (#choice) },
            _ => choice,
        }
    }

    fn function(&mut self, block: &mut Block) {
        let Some((first, last)) = block.stmts.first().zip(block.stmts.last()) else {
            return;
        };
        let place = Place::between(first.span(), last.span());
        let mutants = self.take("FnValue", place);
        visit_mut::visit_block_mut(self, block);
        for Mutant { id, replacement } in mutants.into_iter().rev() {
            let Ok(value) = syn::parse_str::<Expr>(&replacement) else {
                continue;
            };
            self.placed.insert(id);
            let early: Stmt = parse_quote! { if crate::mutant::on(#id) { return #value; } };
            block.stmts.insert(0, early);
        }
    }

    fn binary(&mut self, expr: &mut Expr) {
        let Expr::Binary(binary) = &*expr else { return };
        let place = Place::of(binary.op.span());
        let before = binary.clone();
        visit_mut::visit_expr_mut(self, expr);
        if HasLet::anywhere(&before) {
            // A chain of conditions: only `&&` may join them.
            return;
        }
        let mut choices = Vec::new();
        for Mutant { id, replacement } in self.take("BinaryOperator", place) {
            if let Ok(op) = syn::parse_str::<BinOp>(&replacement) {
                let mut mutated = before.clone();
                mutated.op = op;
                choices.push((id, Expr::Binary(in_parentheses(mutated))));
            }
        }
        *expr = self.choose(choices, expr.clone());
    }

    fn unary(&mut self, expr: &mut Expr) {
        let Expr::Unary(unary) = &*expr else { return };
        let mutants = self.take("UnaryOperator", Place::of(unary.op.span()));
        let without = (*unary.expr).clone();
        visit_mut::visit_expr_mut(self, expr);
        let choices = mutants.into_iter().map(|it| (it.id, without.clone()));
        *expr = self.choose(choices.collect(), expr.clone());
    }

    fn arm(&mut self, arm: &mut syn::Arm) {
        let mut deleted = self.take("MatchArm", Place::of(arm.span()));
        if !self.caught {
            deleted.clear();
        }
        let guard = arm.guard.as_ref().map(|(_, guard)| guard.span());
        let replaced = guard.map(|span| self.take("MatchArmGuard", Place::of(span)));
        visit_mut::visit_arm_mut(self, arm);
        if let Some((_, guard)) = &mut arm.guard
            && !HasLet::anywhere_in(guard)
        {
            let mut choices = Vec::new();
            for it in replaced.unwrap_or_default() {
                if let Ok(value) = syn::parse_str(&it.replacement) {
                    choices.push((it.id, value));
                }
            }
            **guard = self.choose(choices, (**guard).clone());
        }
        for Mutant { id, .. } in deleted {
            self.placed.insert(id);
            arm.guard = Some(parse_quote_guard(id));
        }
    }

    fn literal(&mut self, expr: &mut Expr) {
        let Expr::Struct(whole) = &*expr else { return };
        let before = whole.clone();
        let places: Vec<Place> = whole
            .fields
            .pairs()
            .map(|pair| field_place(&pair))
            .collect();
        visit_mut::visit_expr_mut(self, expr);
        let mut choices = Vec::new();
        for (index, place) in places.into_iter().enumerate() {
            for Mutant { id, .. } in self.take("StructField", place) {
                let mut mutated = before.clone();
                let fields = mutated.fields.into_iter().enumerate();
                let kept = fields.filter(|(at, _)| *at != index);
                mutated.fields = kept.map(|(_, field)| field).collect();
                // What follows is the base.
                if !mutated.fields.empty_or_trailing() {
                    mutated.fields.push_punct(<syn::Token![,]>::default());
                }
                choices.push((id, Expr::Struct(mutated)));
            }
        }
        *expr = self.choose(choices, expr.clone());
    }
}

impl VisitMut for Fold {
    fn visit_item_fn_mut(&mut self, node: &mut syn::ItemFn) {
        self.function(&mut node.block);
    }

    fn visit_impl_item_fn_mut(&mut self, node: &mut syn::ImplItemFn) {
        self.function(&mut node.block);
    }

    fn visit_trait_item_fn_mut(&mut self, node: &mut syn::TraitItemFn) {
        if let Some(block) = &mut node.default {
            self.function(block);
        }
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Binary(_) => self.binary(expr),
            Expr::Unary(_) => self.unary(expr),
            Expr::Struct(_) => self.literal(expr),
            _ => visit_mut::visit_expr_mut(self, expr),
        }
    }

    fn visit_expr_match_mut(&mut self, node: &mut syn::ExprMatch) {
        let catches = |arm: &syn::Arm| matches!(arm.pat, syn::Pat::Wild(_)) && arm.guard.is_none();
        let caught = node.arms.iter().any(catches);
        self.visit_expr_mut(&mut node.expr);
        for arm in &mut node.arms {
            self.caught = caught;
            self.visit_arm_mut(arm);
        }
    }

    fn visit_arm_mut(&mut self, arm: &mut syn::Arm) {
        self.arm(arm);
    }

    // What only the compiler evaluates.
    fn visit_item_const_mut(&mut self, _: &mut syn::ItemConst) {}
    fn visit_impl_item_const_mut(&mut self, _: &mut syn::ImplItemConst) {}
    fn visit_trait_item_const_mut(&mut self, _: &mut syn::TraitItemConst) {}

    /// A table that the compiler makes by functions that have mutants is made when it is first looked at.
    fn visit_item_static_mut(&mut self, node: &mut syn::ItemStatic) {
        let (kind, table) = (&node.ty, &node.expr);
        node.expr = parse_quote! { crate::mutant::LazyLock::new(|| #table) };
        node.ty = parse_quote! { crate::mutant::LazyLock<#kind> };
    }

    fn visit_expr_const_mut(&mut self, _: &mut syn::ExprConst) {}
    fn visit_type_mut(&mut self, _: &mut syn::Type) {}
    fn visit_pat_mut(&mut self, _: &mut syn::Pat) {}
    fn visit_generic_argument_mut(&mut self, _: &mut syn::GenericArgument) {}
}

/// A branch of its own does not change which operand belongs to which operator.
fn in_parentheses(mut binary: syn::ExprBinary) -> syn::ExprBinary {
    for side in [&mut binary.left, &mut binary.right] {
        if matches!(**side, Expr::Binary(_) | Expr::Cast(_)) {
            let inner = &**side;
            **side = parse_quote! { (#inner) };
        }
    }
    binary
}

fn parse_quote_guard(id: u32) -> (syn::token::If, Box<Expr>) {
    let condition = parse_quote! { !crate::mutant::on(#id) };
    (syn::token::If(Span::call_site()), Box::new(condition))
}

/// A field and the comma behind it.
fn field_place(pair: &Pair<&syn::FieldValue, &syn::Token![,]>) -> Place {
    let field = pair.value().span();
    let end = pair.punct().map_or(field, |comma| comma.span());
    Place::between(field, end)
}

/// Looks for `let` in a condition.
#[derive(Default)]
struct HasLet(bool);

impl HasLet {
    fn anywhere(binary: &syn::ExprBinary) -> bool {
        let mut look = Self::default();
        look.visit_expr_binary(binary);
        look.0
    }

    fn anywhere_in(expr: &Expr) -> bool {
        let mut look = Self::default();
        look.visit_expr(expr);
        look.0
    }
}

impl Visit<'_> for HasLet {
    fn visit_expr_let(&mut self, _: &syn::ExprLet) {
        self.0 = true;
    }

    fn visit_expr_closure(&mut self, _: &syn::ExprClosure) {}
    fn visit_block(&mut self, _: &Block) {}

    fn visit_expr(&mut self, expr: &Expr) {
        visit::visit_expr(self, expr);
    }
}

#[cfg(test)]
mod tests {
    use super::fold;
    use crate::list::{Mutant, Mutants, Place};

    /// One line with one mutant at these columns, folded; without spaces, which are the printer's.
    fn folded(code: &str, genre: &str, columns: (usize, usize), replacement: &str) -> String {
        let place = Place {
            begin: (1, columns.0),
            end: (1, columns.1),
        };
        let replacement = replacement.to_owned();
        let one = vec![Mutant { id: 7, replacement }];
        let mutants = Mutants::from([((genre.to_owned(), place), one)]);
        let (text, _) = fold(code, mutants).unwrap();
        text.split_whitespace().collect()
    }

    #[test]
    fn each_kind_has_a_place() {
        let on = "crate::mutant::on(7u32)";
        let cases = [
            (
                "fn f()->u8{g()}",
                "FnValue",
                (12, 15),
                "0",
                "if ON{return0;}g()",
            ),
            (
                "fn f(){a<b;}",
                "BinaryOperator",
                (9, 10),
                "==",
                "(ifON{a==b}else{a<b});",
            ),
            (
                "fn f(){a+=b;}",
                "BinaryOperator",
                (9, 11),
                "-=",
                "(ifON{a-=b}else{a+=b});",
            ),
            (
                "fn f(){!a;}",
                "UnaryOperator",
                (8, 9),
                "",
                "(ifON{a}else{!a});",
            ),
            (
                "fn f(){match a{1=>b,_=>c}}",
                "MatchArm",
                (16, 21),
                "",
                "1if!ON=>b",
            ),
            (
                "fn f(){match a{1 if b=>c,_=>d}}",
                "MatchArmGuard",
                (21, 22),
                "true",
                "1if(ifON{true}else{b})=>c",
            ),
            (
                "fn f(){S{a:1,..b}}",
                "StructField",
                (10, 14),
                "",
                "(ifON{S{..b}}else{S{a:1,..b}})",
            ),
        ];
        for (code, genre, columns, replacement, expected) in cases {
            let text = folded(code, genre, columns, replacement);
            let expected: String = expected.replace("ON", on).split_whitespace().collect();
            assert!(text.contains(&expected), "{genre}: {text}");
        }
    }

    #[test]
    fn constants_and_chains_of_conditions_have_none() {
        for (code, columns) in [
            ("const A:u8=1<<2;", (13, 15)),
            ("fn f(){if let Some(a)=b&&a{}}", (24, 26)),
        ] {
            let text = folded(code, "BinaryOperator", columns, ">>");
            assert!(!text.contains("mutant"), "{text}");
        }
    }
}
