//! What carries the bytes: [`Io`], and what makes one of the streams that there are.
//!
//! Not here: TLS, which is such a stream; frames.

#[cfg(any(feature = "tokio", feature = "futures-io"))]
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::task::{Context, Poll};
use core::time::Duration;
#[cfg(any(feature = "tokio", feature = "futures-io"))]
use core::{fmt, future::Future, pin::Pin};
use std::io;

/// A stream of bytes in both directions, with one timer.
///
/// [`Tokio`] makes one of what tokio reads and writes, [`Futures`] of what `futures-io` does. Write another for a stream
/// that is neither.
///
/// ```
/// use core::task::{Context, Poll};
/// use core::time::Duration;
/// use sockeye::aio::Io;
/// use std::io;
///
/// /// Counts what is read.
/// struct Counted<T> {
///     inner: T,
///     bytes: u64,
/// }
///
/// impl<T: Io> Io for Counted<T> {
///     fn poll_read(&mut self, cx: &mut Context<'_>, input: &mut Vec<u8>) -> Poll<io::Result<usize>> {
///         let read = self.inner.poll_read(cx, input);
///         if let Poll::Ready(Ok(count)) = read {
///             self.bytes += count as u64;
///         }
///         read
///     }
///
///     fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
///         self.inner.poll_write(cx, bytes)
///     }
///
///     fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
///         self.inner.poll_flush(cx)
///     }
///
///     fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
///         self.inner.poll_shutdown(cx)
///     }
///
///     fn arm(&mut self, after: Duration) {
///         self.inner.arm(after);
///     }
///
///     fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
///         self.inner.poll_timer(cx)
///     }
/// }
/// # #[cfg(feature = "tokio")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sockeye::aio::Error> {
/// #     use sockeye::aio::{self, Client, Tokio};
/// #     let (ours, theirs) = tokio::io::duplex(4096);
/// #     let server = tokio::spawn(async { aio::accept(theirs).await?.send("hello").await });
/// #     let io = Counted { inner: Tokio::new(ours), bytes: 0 };
/// #     let mut socket = Client::new("localhost", "/").connect(io).await?;
/// #     let head = socket.get_ref().bytes;
/// #     socket.next().await.transpose()?;
/// #     assert!(socket.get_ref().bytes - head <= 7);
/// #     server.await.unwrap()
/// # }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
pub trait Io: Unpin {
    /// Appends what has arrived, as much as fits into the capacity that `input` has, which is never nothing. 0 is the end.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn poll_read(&mut self, cx: &mut Context<'_>, input: &mut Vec<u8>) -> Poll<io::Result<usize>>;

    /// Takes some of these bytes, which are never none.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Waits until nothing of what was written is held back.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends our direction. The other one goes on.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Sets the timer anew.
    fn arm(&mut self, after: Duration);

    /// Waits for the timer, which was set. One that does not exist is never over.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// A stream of tokio's: TCP, a Unix socket, TLS, a pipe of a test.
///
/// Deadlines need a runtime whose timer is enabled, as it is by `#[tokio::main]`: without one, waiting panics.
#[cfg(feature = "tokio")]
pub struct Tokio<T> {
    stream: T,
    // Pinned so that it can be set again. Until the first wait there is none.
    timer: Option<Pin<Box<tokio::time::Sleep>>>,
}

#[cfg(feature = "tokio")]
impl<T> Tokio<T> {
    /// Over this stream.
    pub const fn new(stream: T) -> Self {
        Self {
            stream,
            timer: None,
        }
    }

    /// The stream.
    pub const fn get_ref(&self) -> &T {
        &self.stream
    }

    /// The stream, to set something of it.
    pub const fn get_mut(&mut self) -> &mut T {
        &mut self.stream
    }

    /// The stream alone.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.stream
    }
}

#[cfg(feature = "tokio")]
impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Io for Tokio<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, input: &mut Vec<u8>) -> Poll<io::Result<usize>> {
        // This future has no state: dropping it loses nothing.
        let read = tokio::io::AsyncReadExt::read_buf(&mut self.stream, input);
        core::pin::pin!(read).poll(cx)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn arm(&mut self, after: Duration) {
        match &mut self.timer {
            // A deadline beyond what the clock can count is as good as none.
            Some(timer) => {
                let now = tokio::time::Instant::now();
                let far = Duration::from_secs(86_400 * 365);
                timer.as_mut().reset(now + after.min(far));
            }
            timer @ None => *timer = Some(Box::pin(tokio::time::sleep(after))),
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.timer {
            Some(timer) => timer.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

#[cfg(feature = "tokio")]
impl<T: fmt::Debug> fmt::Debug for Tokio<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tokio").field(&self.stream).finish()
    }
}

/// Bytes read at a time where the stream wants memory that holds something.
#[cfg(feature = "futures-io")]
const CHUNK: usize = 8 << 10;

#[cfg(feature = "futures-io")]
type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A stream of `futures-io`'s, as smol, async-std and many others have them.
///
/// Those traits know no timer: bring your runtime's with [`with_timer`](Self::with_timer), or deadlines are yours.
///
/// Closing the stream has to end our direction, as it does for those of `smol::net`. That of a bare
/// `async_io::Async<TcpStream>` does nothing: then each end waits for the peer's, or until
/// [`Terms::close_timeout`](super::Terms::close_timeout) is over.
///
/// ```
/// use sockeye::aio::{Error, Futures, Server};
///
/// async fn greet(stream: smol::net::TcpStream) -> Result<(), Error> {
///     let timed = Futures::new(stream).with_timer(async |span| _ = smol::Timer::after(span).await);
///     let mut socket = Server::new().accept(timed).await?;
///     socket.send("hello").await
/// }
/// # smol::block_on(async {
/// #     use smol::net::{TcpListener, TcpStream};
/// #     let listener = TcpListener::bind("127.0.0.1:0").await?;
/// #     let stream = TcpStream::connect(listener.local_addr()?).await?;
/// #     let greeting = smol::spawn(greet(listener.accept().await?.0));
/// #     let mut socket = sockeye::aio::Client::new("localhost", "/").connect(Futures::new(stream)).await?;
/// #     assert_eq!(socket.next().await.transpose()?, Some("hello".into()));
/// #     greeting.await?;
/// #     Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[cfg(feature = "futures-io")]
pub struct Futures<T> {
    stream: T,
    sleep: Option<Box<dyn FnMut(Duration) -> Sleep + Send>>,
    timer: Option<Sleep>,
}

#[cfg(feature = "futures-io")]
impl<T> Futures<T> {
    /// Over this stream, without deadlines.
    pub const fn new(stream: T) -> Self {
        Self {
            stream,
            sleep: None,
            timer: None,
        }
    }

    /// With a timer: `sleep` makes a future that is ready after so long.
    ///
    /// With smol: `Futures::new(stream).with_timer(|after| async move { smol::Timer::after(after).await; })`.
    #[must_use]
    pub fn with_timer<F>(mut self, mut sleep: impl FnMut(Duration) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.sleep = Some(Box::new(move |after| Box::pin(sleep(after))));
        self
    }

    /// The stream.
    pub const fn get_ref(&self) -> &T {
        &self.stream
    }

    /// The stream, to set something of it.
    pub const fn get_mut(&mut self) -> &mut T {
        &mut self.stream
    }

    /// The stream alone.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.stream
    }
}

#[cfg(feature = "futures-io")]
impl<T: futures_io::AsyncRead + futures_io::AsyncWrite + Unpin> Io for Futures<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, input: &mut Vec<u8>) -> Poll<io::Result<usize>> {
        let mut chunk = [0; CHUNK];
        let room = input.capacity().saturating_sub(input.len()).min(CHUNK);
        let chunk = chunk.get_mut(..room).unwrap_or_default();
        let read = Pin::new(&mut self.stream).poll_read(cx, chunk)?;
        read.map(|count| {
            input.extend_from_slice(chunk.get(..count).unwrap_or_default());
            Ok(count)
        })
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// These streams can only be closed, which of TCP ends our direction alone.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }

    fn arm(&mut self, after: Duration) {
        self.timer = self.sleep.as_mut().map(|sleep| sleep(after));
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.timer {
            Some(timer) => timer.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

#[cfg(feature = "futures-io")]
impl<T: fmt::Debug> fmt::Debug for Futures<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Futures").field(&self.stream).finish()
    }
}
