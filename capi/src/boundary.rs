//! Pointers to borrows, and panics to codes.
//!
//! What is asked of the caller stands in the header: pointers are NULL or good, a handle is used by one thread at a time,
//! and what is lent is not used longer than it is. Everything that is `unsafe` here relies on that and on nothing else.
//!
//! A lent payload lies in the caller's buffer, behind a connection's receiver, or behind the inflater, and may be handed
//! to a sending call. So those borrow what they need of a handle, field by field, and never a handle as a whole.
//!
//! Not here: which call does what.

use crate::error::Error;
use crate::request::HeaderField;
use crate::session::{Kit, Sending, Session};
use core::cell::Cell;
use core::ffi::{CStr, c_char, c_void};
use core::mem::MaybeUninit;
use core::slice;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Set when a call has panicked: what it left behind is not to be trusted.
#[derive(Debug, Default)]
pub(crate) struct Poison(Cell<bool>);

impl Poison {
    pub(crate) const fn is_set(&self) -> bool {
        self.0.get()
    }
}

/// What the connections of one thread share: limits, the inflater and the compressor.
#[derive(Debug)]
pub struct Tools {
    pub(crate) poison: Poison,
    pub(crate) kit: Kit,
}

/// A connection, from its handshake to its end.
#[derive(Debug)]
pub struct Conn {
    pub(crate) poison: Poison,
    pub(crate) session: Session,
}

/// Does what a call does. A panic becomes a code, and the handles that it may have left half done are dead.
pub(crate) fn guard(handles: &[&Poison], call: impl FnOnce() -> Result<(), Error>) -> Error {
    if handles.iter().any(|poison| poison.is_set()) {
        return Error::Panic;
    }
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(())) => Error::None,
        Ok(Err(error)) => error,
        Err(_) => {
            handles.iter().for_each(|poison| poison.0.set(true));
            Error::Panic
        }
    }
}

/// A new handle, which the caller owns.
pub(crate) fn own<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

/// Ends a handle, if it is one.
///
/// # Safety
///
/// NULL, or from [`own`] and never used again.
pub(crate) unsafe fn disown<T>(handle: *mut T) {
    if handle.is_null() {
        return;
    }
    // SAFETY: it is from `own`, and the caller's last use of it is this one.
    let handle = unsafe { Box::from_raw(handle) };
    guard(&[], || {
        drop(handle);
        Ok(())
    });
}

/// A whole handle, alone.
///
/// # Safety
///
/// NULL or a handle in use by nobody else, of which nothing is lent.
pub(crate) unsafe fn whole<'a, T>(handle: *mut T) -> Result<&'a mut T, Error> {
    // SAFETY: what the caller promises.
    unsafe { handle.as_mut() }.ok_or(Error::Null)
}

/// A whole handle, to look at.
///
/// # Safety
///
/// NULL or a handle in use by nobody else.
pub(crate) unsafe fn look<'a, T>(handle: *const T) -> Result<&'a T, Error> {
    // SAFETY: what the caller promises.
    unsafe { handle.as_ref() }.ok_or(Error::Null)
}

/// What sending needs of both, and whether they may be used.
///
/// # Safety
///
/// Each is NULL or a handle in use by nobody else; the receiver and the inflater may have lent something.
pub(crate) unsafe fn sending<'a>(
    conn: *mut Conn,
    tools: *mut Tools,
) -> Result<(Sending<'a>, [&'a Poison; 2]), Error> {
    if conn.is_null() {
        return Err(Error::Null);
    }
    // SAFETY: the connection is there and nobody else's. Of its fields only those named here are borrowed, each once:
    // what is lent lies behind `core.rx`.
    let poison = unsafe { &(*conn).poison };
    // SAFETY: as above.
    let stage = unsafe { &(*conn).session.stage };
    // SAFETY: as above.
    let tx = unsafe { &mut (*conn).session.core.tx };
    // SAFETY: as above.
    let out = unsafe { &mut (*conn).session.out };
    let (mut compressor, mut of_tools) = (None, poison);
    if !tools.is_null() {
        // SAFETY: the tools are there and nobody else's; what is lent lies behind `kit.inbound`.
        compressor = Some(unsafe { &mut (*tools).kit.compressor });
        // SAFETY: as above.
        of_tools = unsafe { &(*tools).poison };
    }
    let sending = Sending {
        stage,
        tx,
        out,
        compressor,
    };
    Ok((sending, [poison, of_tools]))
}

/// Bytes to read. NULL is none, where `len` is 0.
///
/// # Safety
///
/// NULL, or good for `len` bytes that nobody writes meanwhile.
pub(crate) unsafe fn bytes<'a>(data: *const c_void, len: usize) -> Result<&'a [u8], Error> {
    match (data.is_null(), len) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(Error::Null),
        // SAFETY: it is not NULL, so it is good for `len` bytes.
        (false, _) => Ok(unsafe { slice::from_raw_parts(data.cast(), len) }),
    }
}

/// Bytes to read and write. NULL is none, where `len` is 0.
///
/// # Safety
///
/// NULL, or good for `len` bytes that nobody else uses meanwhile.
pub(crate) unsafe fn buffer<'a>(data: *mut u8, len: usize) -> Result<&'a mut [u8], Error> {
    match (data.is_null(), len) {
        (_, 0) => Ok(&mut []),
        (true, _) => Err(Error::Null),
        // SAFETY: it is not NULL, so it is good for `len` bytes.
        (false, _) => Ok(unsafe { slice::from_raw_parts_mut(data, len) }),
    }
}

/// A NUL-terminated string, or `None` for NULL.
///
/// # Safety
///
/// NULL, or a string with a NUL at its end.
pub(crate) unsafe fn string<'a>(text: *const c_char) -> Result<Option<&'a str>, Error> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: it is not NULL, so it is a string.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map(Some).map_err(|_| Error::Utf8)
}

/// So many headers. NULL is none, where `count` is 0.
///
/// # Safety
///
/// NULL, or good for `count` headers of strings.
pub(crate) unsafe fn headers<'a>(
    headers: *const HeaderField,
    count: usize,
) -> Result<Vec<(&'a str, &'a str)>, Error> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if headers.is_null() {
        return Err(Error::Null);
    }
    // SAFETY: it is not NULL, so it is good for `count` of them.
    let headers: &[HeaderField] = unsafe { slice::from_raw_parts(headers, count) };
    let pairs = headers.iter().map(|header| {
        // SAFETY: NULL or a string.
        let name = unsafe { string(header.name) }?;
        // SAFETY: NULL or a string.
        let value = unsafe { string(header.value) }?;
        name.zip(value).ok_or(Error::Null)
    });
    pairs.collect()
}

/// Tells the caller something.
///
/// # Safety
///
/// NULL, or good for writing one `T`.
pub(crate) unsafe fn put<T>(to: *mut T, value: T) -> Result<(), Error> {
    if to.is_null() {
        return Err(Error::Null);
    }
    // SAFETY: it is not NULL, so it is good for one.
    unsafe { to.write(value) };
    Ok(())
}

/// A structure that begins with its size in bytes as a `usize`, and to whose end later versions may add.
///
/// # Safety
///
/// That is so, and all its fields may be 0.
pub(crate) unsafe trait Growing: Copy {}

/// Reads as much of it as the caller knows; the rest is 0. A caller that knows more than we do is refused: it may have
/// asked for what we cannot do.
///
/// # Safety
///
/// NULL, or good for as many bytes as it says in front.
pub(crate) unsafe fn grown<T: Growing>(from: *const T) -> Result<T, Error> {
    if from.is_null() {
        return Err(Error::Null);
    }
    // SAFETY: it is not NULL, and begins with its size.
    let size = unsafe { from.cast::<usize>().read() };
    if !(size_of::<usize>()..=size_of::<T>()).contains(&size) {
        return Err(Error::Size);
    }
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: both are good for `size` bytes, and one of them is ours alone.
    unsafe {
        from.cast::<u8>()
            .copy_to_nonoverlapping(value.as_mut_ptr().cast(), size)
    };
    // SAFETY: all its fields are 0 or the caller's.
    Ok(unsafe { value.assume_init() })
}

#[cfg(test)]
mod tests {
    use super::{Error, Poison, guard};

    #[test]
    fn a_panic_is_a_code_and_kills_the_handles_of_its_call() {
        let (mine, other) = (Poison::default(), Poison::default());
        assert_eq!(guard(&[&mine], || Err(Error::Closed)), Error::Closed);
        assert_eq!(guard(&[&mine, &other], || Ok(())), Error::None);
        assert_eq!(guard(&[&mine], || panic!("a bug")), Error::Panic);
        assert_eq!(guard(&[&mine], || Ok(())), Error::Panic);
        assert_eq!(guard(&[&other, &mine], || Ok(())), Error::Panic);
        assert_eq!(guard(&[&other], || Ok(())), Error::None);
    }
}
