//! Everything that can happen to a worker, in the order in which it happened.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use chopar_engine::{Failure, Input};
use chopar_wire::FileMark;
use web_sys::Blob;

use super::link::Heard;
use crate::platform::Exception;
use crate::platform::locks::Held;
use crate::platform::socket::SocketEvent;
use crate::port::ToWorker;

/// Bytes of the relay's messages that may wait here: what a slow disk lets pile up during some seconds of a drained
/// queue. Beyond it the socket is closed; the relay keeps what was not acknowledged.
const MAX_WAITING: usize = 16 * 1024 * 1024;

/// One thing that happened.
pub(super) enum Happening {
    /// The own tab said something.
    Tab(ToWorker),
    /// The own tab said something that is not of this build.
    Broken,
    /// Another tab's worker said something.
    Link(Heard),
    /// The lock was granted, or cannot be.
    Lock(Result<Held, Exception>),
    /// Another tab took the lock by force: this worker did not answer in time.
    Stolen,
    /// It is time to knock at the owner again.
    Knock,
    /// Something happened to the socket with this number.
    Socket(u64, SocketEvent),
    /// The alarm rang.
    Alarm,
    /// So many rows of a page did not open.
    Damaged(u32),
    /// It is time to go on building the index of lines.
    Index,
    /// Nobody may have used any tab for as long as the lock waits.
    Idle,
    /// What the browser says about keeping the storage.
    Persisted(bool),
    /// The network came or went.
    Network(bool),
    /// An effect of the engine's life with this number is done.
    Done(u64, Input),
    /// In that life, what was asked with this id cannot be asked of the engine, for this reason.
    Failed(u64, u64, Failure),
    /// In that life, the file that was asked for with this id was looked for.
    FileTaken(u64, u64, Option<Blob>),
    /// An owner has handed out the file that some tab asked for with this id.
    FileHanded(u64, Option<Blob>),
    /// Bytes of a file have moved: up to where, and of how many.
    FileMoved(FileMark, u64, u64),
}

/// The queue. Clones are handles of the same one.
#[derive(Clone, Default)]
pub(super) struct Inbox {
    inner: Rc<RefCell<Inner>>,
}

#[derive(Default)]
struct Inner {
    waiting: VecDeque<Happening>,
    bytes: usize,
    waker: Option<Waker>,
}

impl Inbox {
    pub(super) fn put(&self, happening: Happening) {
        let mut inner = self.inner.borrow_mut();
        inner.bytes += weight(&happening);
        inner.waiting.push_back(happening);
        if let Some(waker) = inner.waker.take() {
            waker.wake();
        }
    }

    /// Puts something back to the head.
    pub(super) fn put_back(&self, happening: Happening) {
        let mut inner = self.inner.borrow_mut();
        inner.bytes += weight(&happening);
        inner.waiting.push_front(happening);
    }

    /// Whether more of the relay's messages wait than the disk keeps up with.
    pub(super) fn overflows(&self) -> bool {
        self.inner.borrow().bytes > MAX_WAITING
    }

    /// The next thing, as soon as there is one.
    pub(super) async fn next(&self) -> Happening {
        poll_fn(|context| match self.take() {
            Some(happening) => Poll::Ready(happening),
            None => {
                self.inner.borrow_mut().waker = Some(context.waker().clone());
                Poll::Pending
            }
        })
        .await
    }

    /// The next thing, if there is one.
    pub(super) fn take(&self) -> Option<Happening> {
        let mut inner = self.inner.borrow_mut();
        let happening = inner.waiting.pop_front()?;
        inner.bytes -= weight(&happening);
        Some(happening)
    }
}

fn weight(happening: &Happening) -> usize {
    match happening {
        Happening::Socket(_, SocketEvent::Message(bytes)) => bytes.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake};

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn whoever_waits_is_woken_once_something_comes() {
        let inbox = Inbox::default();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut context = Context::from_waker(&waker);
        let mut next = pin!(inbox.next());
        assert!(next.as_mut().poll(&mut context).is_pending());
        inbox.put(Happening::Alarm);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert!(matches!(
            next.as_mut().poll(&mut context),
            Poll::Ready(Happening::Alarm)
        ));
    }

    #[test]
    fn order_is_kept_and_what_is_put_back_comes_first() {
        let inbox = Inbox::default();
        inbox.put(Happening::Network(true));
        inbox.put(Happening::Network(false));
        let first = inbox.take().unwrap();
        assert!(matches!(first, Happening::Network(true)));
        inbox.put_back(first);
        assert!(matches!(inbox.take(), Some(Happening::Network(true))));
        assert!(matches!(inbox.take(), Some(Happening::Network(false))));
        assert!(inbox.take().is_none());
    }

    #[test]
    fn waiting_bytes_are_counted_until_they_are_taken() {
        let inbox = Inbox::default();
        let message = || Happening::Socket(1, SocketEvent::Message(vec![0; MAX_WAITING / 2]));
        inbox.put(message());
        inbox.put(message());
        assert!(!inbox.overflows());
        inbox.put(Happening::Socket(1, SocketEvent::Message(vec![0])));
        assert!(inbox.overflows());
        inbox.take();
        assert!(!inbox.overflows());
    }
}
