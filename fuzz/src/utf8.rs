//! Text in pieces: the crate's validator beside the table of RFC 3629, and beside the standard library's.

use super::choices::{Choices, Pieces};
use super::reference::text::{first_fault, is_text};
use core::str::from_utf8;
use sockeye::proto::utf8::Validator;

/// In any pieces the fault is found in the piece that holds the first byte no text could go on with, and not before; a
/// text that ends in mid-character is refused at its end; the next text is judged as the first.
pub fn utf8(data: &[u8]) {
    let mut choices = Choices::new(data);
    let pieces = [Pieces::read(&mut choices), Pieces::Whole, Pieces::Every(1)];
    let text = choices.all();
    let fault = first_fault(text);
    let whole = from_utf8(text).is_ok();
    assert_eq!(is_text(text), whole, "{text:02x?}");
    // One for all of them: what one text leaves behind must not spoil the next.
    let mut validator = Validator::default();
    for pieces in pieces {
        let (mut from, mut found) = (0, None);
        for to in pieces.ends(text.len()) {
            if validator.check(&text[from..to]).is_err() {
                found = Some(from..to);
                break;
            }
            from = to;
        }
        match (found, fault) {
            (Some(piece), Some(fault)) => assert!(piece.contains(&fault), "{fault} in {piece:?}"),
            (None, None) => assert_eq!(validator.finish().is_ok(), whole),
            (found, fault) => panic!("found {found:?}, should find {fault:?} in {text:02x?}"),
        }
    }
}
