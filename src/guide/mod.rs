//! The guide: how the parts go together, and what to do when something is not as it should be.
//!
//! | chapter | for whoever wants to know |
//! |---|---|
//! | [`questions`] | whether others had the same question: one line and one link each |
//! | [`doors`] | which part of the crate to use, and what is left to them with it |
//! | [`driver`] | how to drive the core: the loop that every embedding is |
//! | [`buffers`] | whose bytes are whose, and for how long |
//! | [`backpressure`] | what happens when somebody does not read |
//! | [`closing`] | how connections end, and who waits for whom |
//! | [`limits`] | what peers may take, and what they see when they take more |
//! | [`compression`] | what permessage-deflate brings, and what it costs |
//! | [`proxies`] | how to put it behind nginx, HAProxy or Caddy |
//! | [`nodes`] | how to make several servers one |
//! | [`sizing`] | how many servers a load needs, on paper |
//! | [`restarts`] | how to replace a running server |
//! | [`migration`] | where things are for whoever comes from tokio-tungstenite or tungstenite |
//! | [`machine`] | what to tell the kernel for very many connections |
//! | [`trouble`] | what a close code, a status or a symptom means |
//!
//! The README has five minutes of everything; `docs/applications.md` goes from nothing to a chat with the application layer.
//! This guide is about what lies below. Its code is compiled and run with the documentation tests.
//!
//! Not here: what a name does exactly, which stands with that name; how the source is laid out, which is
//! `CONTRIBUTING.md`; how fast it is, which is `benches/README.md`; how it compares and when not to use it, which is
//! `docs/comparison.md`.
//!
//! There is no code in this module. It is built for the documentation alone.
#![cfg_attr(
    not(all(
        feature = "admin",
        feature = "client",
        feature = "hyper",
        feature = "metrics",
        feature = "tls",
        feature = "tokio"
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

pub mod questions {
    #![doc = include_str!("questions.md")]
}

pub mod doors {
    #![doc = include_str!("doors.md")]
}

pub mod driver {
    #![doc = include_str!("driver.md")]
}

pub mod buffers {
    #![doc = include_str!("buffers.md")]
}

#[cfg(any(not(doctest), feature = "server"))]
pub mod backpressure {
    #![doc = include_str!("backpressure.md")]
}

#[cfg(any(not(doctest), feature = "server"))]
pub mod closing {
    #![doc = include_str!("closing.md")]
}

#[cfg(any(not(doctest), feature = "app"))]
pub mod limits {
    #![doc = include_str!("limits.md")]
}

#[cfg(any(not(doctest), feature = "deflate"))]
pub mod compression {
    #![doc = include_str!("compression.md")]
}

pub mod proxies {
    #![doc = include_str!("../../docs/proxies.md")]
}

pub mod nodes {
    #![doc = include_str!("../../docs/nodes.md")]
}

pub mod sizing {
    #![doc = include_str!("../../docs/sizing.md")]
}

pub mod restarts {
    #![doc = include_str!("../../docs/restarts.md")]
}

#[cfg(any(not(doctest), feature = "tokio"))]
pub mod migration {
    #![doc = include_str!("../../docs/migration.md")]
}

pub mod machine {
    #![doc = include_str!("machine.md")]
}

#[cfg(any(not(doctest), feature = "server"))]
pub mod trouble {
    #![doc = include_str!("trouble.md")]
}
