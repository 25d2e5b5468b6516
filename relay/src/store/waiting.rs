//! What waits for the writer of a store: bounded in jobs and in bytes, each answered once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::oneshot;

use super::{Answer, StoreError};

/// Jobs that may wait: several full batches. More is refused as busy.
pub(super) const WAITING_MAX: usize = 8192;
/// Bytes of bodies that may wait: bounds the memory of the queue to the writer.
const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes that wait; clones count together.
#[derive(Clone, Default)]
pub(super) struct WaitingBytes(Arc<AtomicUsize>);

impl WaitingBytes {
    /// Takes room for `bytes` and has `send` queue them; where it cannot, the room is free again.
    pub(super) fn queue(
        &self,
        bytes: usize,
        send: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let held = self.0.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let sent = match held > WAITING_BYTES_MAX {
            true => Err(StoreError::Busy),
            false => send(),
        };
        if sent.is_err() {
            self.release(bytes);
        }
        sent
    }

    /// They were written, or refused.
    pub(super) fn release(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Where a job's result waits for its transaction to be durable.
pub(super) struct Reply<T> {
    result: Option<T>,
    to: oneshot::Sender<Result<T, StoreError>>,
}

impl<T> Reply<T> {
    /// A reply, and where it arrives.
    pub(super) fn new() -> (Self, oneshot::Receiver<Result<T, StoreError>>) {
        let (to, answer) = oneshot::channel();
        (Self { result: None, to }, answer)
    }

    /// Keeps what the job came to. A job that is run again comes to something else.
    pub(super) fn keep(&mut self, result: T) {
        self.result = Some(result);
    }

    /// Says what became of it: the result, if its transaction is durable.
    pub(super) fn send(self, outcome: Result<(), StoreError>) {
        let result = match (outcome, self.result) {
            (Ok(()), Some(result)) => Ok(result),
            (Ok(()), None) => Err(StoreError::Closed),
            (Err(fault), _) => Err(fault),
        };
        // Whoever asked may be gone; what was done stays done.
        let _gone = self.to.send(result);
    }
}

/// The answer to a job: that it could not be queued, or what its reply says.
pub(super) fn answered<T: Send + 'static>(
    queued: Result<(), StoreError>,
    answer: oneshot::Receiver<Result<T, StoreError>>,
) -> Answer<T> {
    Box::pin(async move {
        queued?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_queued_leaves_its_room_to_others() {
        let waiting = WaitingBytes::default();
        let half = WAITING_BYTES_MAX / 2;
        assert!(waiting.queue(half, || Ok(())).is_ok());
        assert_eq!(
            waiting.queue(half, || Err(StoreError::Closed)),
            Err(StoreError::Closed)
        );
        assert_eq!(waiting.queue(half + 1, || Ok(())), Err(StoreError::Busy));
        assert!(waiting.queue(half, || Ok(())).is_ok());
        assert_eq!(waiting.queue(1, || Ok(())), Err(StoreError::Busy));
        waiting.release(half);
        assert!(waiting.queue(1, || Ok(())).is_ok());
    }

    #[tokio::test]
    async fn a_result_is_told_once_its_transaction_is_durable() {
        let told = |kept: Option<u8>, outcome| {
            let (mut reply, answer) = Reply::new();
            if let Some(kept) = kept {
                reply.keep(kept);
            }
            reply.send(outcome);
            answered(Ok(()), answer)
        };
        assert_eq!(told(Some(7), Ok(())).await, Ok(7));
        assert_eq!(told(Some(7), Err(StoreError::Full)).await, Err(StoreError::Full));
        assert_eq!(told(None, Ok(())).await, Err(StoreError::Closed));
        let (reply, answer) = Reply::<u8>::new();
        drop(reply);
        assert_eq!(answered(Ok(()), answer).await, Err(StoreError::Closed));
    }
}
