//! What the connection knows of compression where it is not built: types of which there are no values, or whose values do
//! nothing, so that what handles them is compiled to nothing.
//!
//! Not here: anything that happens. Without an agreement RSV1 is refused by the rules.
#![expect(
    clippy::needless_pass_by_ref_mut,
    reason = "the signatures are those of what is not built"
)]

use crate::proto::Violation;
use crate::proto::frame::MessageKind;
use alloc::boxed::Box;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {}

#[derive(Debug)]
pub(crate) enum Compressor {}

#[derive(Debug)]
pub(crate) enum Own {}

#[derive(Debug)]
pub(crate) enum Kept {}

#[derive(Debug, Default)]
pub(crate) struct Shared(());

#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) consumed: usize,
    pub(crate) more: bool,
}

impl Compressor {
    pub(crate) const fn is_worth(&self, _: Direction, _: usize) -> bool {
        match *self {}
    }

    pub(crate) const fn message(
        &mut self,
        _: Direction,
        _: &mut Option<Box<Own>>,
        _: &[u8],
    ) -> Option<&[u8]> {
        match *self {}
    }

    pub(crate) const fn fragment(
        &mut self,
        _: Direction,
        _: &mut Option<Box<Own>>,
        _: &[u8],
        _: bool,
    ) -> Option<&[u8]> {
        match *self {}
    }
}

impl Own {
    pub(crate) const fn heap_bytes(&self) -> usize {
        match *self {}
    }

    pub(crate) const fn forget(&mut self) {
        match *self {}
    }
}

impl Kept {
    pub(crate) const fn heap_bytes(&self) -> usize {
        match *self {}
    }

    pub(crate) const fn fault(&mut self, _: Violation) {
        match *self {}
    }

    pub(crate) const fn frame_len(&mut self, _: u64) -> Option<u64> {
        match *self {}
    }

    pub(crate) const fn forget_frame_len(&mut self) {
        match *self {}
    }
}

impl Shared {
    pub(crate) const fn bytes(&self) -> &[u8] {
        &[]
    }

    pub(crate) const fn message(
        &mut self,
        _: [&[u8]; 2],
        _: &mut Option<Box<Kept>>,
        direction: Direction,
        _: MessageKind,
        _: u64,
    ) -> Result<(), Violation> {
        match direction {}
    }

    pub(crate) const fn frame(
        &mut self,
        _: &[u8],
        _: &mut Option<Box<Kept>>,
        _: u64,
        _: u64,
    ) -> Result<(), Violation> {
        Ok(())
    }

    pub(crate) const fn part(
        &mut self,
        _: &[u8],
        _: &mut Option<Box<Kept>>,
        _: u64,
    ) -> Result<Piece, Violation> {
        Err(Violation::ReservedBits)
    }

    pub(crate) const fn may_end(_: &mut Option<Box<Kept>>) -> Result<(), Violation> {
        Ok(())
    }

    pub(crate) const fn end(&mut self, _: &mut Option<Box<Kept>>, direction: Direction) {
        match direction {}
    }

    pub(crate) const fn release(&mut self) {}
}
