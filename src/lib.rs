//! Sockeye: a low-level WebSocket (RFC 6455) with zero-copy framing.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod proto;
