//! Text in pieces: the crate's validator beside the standard library's.

use super::choices::{Choices, Pieces};
use core::str::from_utf8;
use sockeye::proto::utf8::Validator;

/// In any pieces the fault is found in the piece that holds the first byte no text could go on with, and not before; a
/// text that ends in mid-character is refused at its end; the next text is judged as the first.
pub fn utf8(data: &[u8]) {
    let mut choices = Choices::new(data);
    let pieces = [
        Pieces::read(&mut choices),
        Pieces::Whole,
        Pieces::Every(1),
        Pieces::Every(3),
    ];
    let text = choices.all();
    let fault = first_fault(text);
    let whole = from_utf8(text).is_ok();
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

/// Where the first byte stands with which no text begins any more.
pub(crate) fn first_fault(text: &[u8]) -> Option<usize> {
    let error = from_utf8(text)
        .err()
        .filter(|error| error.error_len().is_some())?;
    let from = error.valid_up_to();
    (from..text.len()).find(|&last| {
        let character = from_utf8(&text[from..=last]);
        character.is_err_and(|error| error.error_len().is_some())
    })
}
