//! Reading ahead: one system call takes all that a socket has, up to a bound, however small the reader's own buffer is.
//!
//! A WebSocket keeps its read buffer for as long as it lives, so that is small; a busy one would ask the system again for
//! each message. Here the thread's own buffer is lent for the call, and what the reader did not take is held until it
//! does, which is at once: an idle connection holds nothing.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that are taken at once: a dozen messages.
const AHEAD: usize = 16 * 1024;

thread_local! {
    static LENT: RefCell<Box<[u8]>> = RefCell::new(vec![0; AHEAD].into());
}

/// A stream that is read ahead of its reader.
pub(crate) struct ReadAhead<S> {
    stream: S,
    ahead: Vec<u8>,
    taken: usize,
}

impl<S> ReadAhead<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            ahead: Vec::new(),
            taken: 0,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadAhead<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.taken < this.ahead.len() {
            let held = &this.ahead[this.taken..];
            let taken = held.len().min(buf.remaining());
            buf.put_slice(&held[..taken]);
            this.taken += taken;
            if this.taken == this.ahead.len() {
                (this.ahead, this.taken) = (Vec::new(), 0);
            }
            return Poll::Ready(Ok(()));
        }
        if buf.remaining() >= AHEAD {
            return Pin::new(&mut this.stream).poll_read(cx, buf);
        }
        LENT.with_borrow_mut(|lent| {
            let mut lent = ReadBuf::new(lent);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut lent))?;
            let (now, later) = lent.filled().split_at(lent.filled().len().min(buf.remaining()));
            buf.put_slice(now);
            this.ahead = later.to_vec();
            Poll::Ready(Ok(()))
        })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ReadAhead<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn every_byte_comes_once_and_in_order() {
        let bytes: Vec<u8> = (0..100_000u32).flat_map(u32::to_be_bytes).collect();
        let mut stream = ReadAhead::new(&bytes[..]);
        let (mut read, mut size) = (Vec::new(), 1);
        loop {
            // Small and large buffers in turn.
            size = size * 7 % 40_009;
            let mut part = vec![0; size];
            match stream.read(&mut part).await.unwrap() {
                0 => break,
                count => read.extend_from_slice(&part[..count]),
            }
        }
        assert!(read == bytes);
        assert_eq!(stream.ahead.capacity(), 0, "an idle one holds nothing");
    }
}
