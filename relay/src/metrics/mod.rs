//! Numbers for whoever watches the relay, in Prometheus' text form, on a listener of their own. They count; they name
//! nobody: no account, device, address or group is ever a label.
//!
//! | module | holds |
//! |---|---|
//! | `listener` | the listener: `GET /metrics` and nothing else |
//! | `page` | what is on that page |

pub(crate) mod listener;
mod page;

use std::sync::atomic::{AtomicU64, Ordering};

use chopar_wire::proto::relay::{Reason, relay_frame::Body};

use crate::ws::answers::Outcome;

/// What is counted from the start on. Everything else is looked at when the page is asked for.
#[derive(Default)]
pub(crate) struct Metrics {
    sign_ins: Counter,
    registrations: Counter,
    frames: Counter,
    refusals: Counter,
    rate_limited: Counter,
    storage_refusals: Counter,
    accepted: Counter,
    delivered: Counter,
    files_uploaded: Counter,
    file_bytes_received: Counter,
    file_bytes_sent: Counter,
}

#[derive(Default)]
struct Counter(AtomicU64);

impl Counter {
    fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Metrics {
    /// A device has signed in.
    pub(crate) fn signed_in(&self) {
        self.sign_ins.add(1);
    }

    /// A member has registered.
    pub(crate) fn registered(&self) {
        self.registrations.add(1);
    }

    /// A frame of a signed-in device was answered.
    pub(crate) fn answered(&self, outcome: &Outcome) {
        self.frames.add(1);
        match outcome {
            Ok(Body::Accepted(_) | Body::GroupAccepted(_)) => self.accepted.add(1),
            Ok(_) => {}
            Err(refusal) => {
                self.refusals.add(1);
                match refusal.reason {
                    Reason::RateLimited => self.rate_limited.add(1),
                    Reason::Storage => self.storage_refusals.add(1),
                    _ => {}
                }
            }
        }
    }

    /// A file has become whole.
    pub(crate) fn file_uploaded(&self) {
        self.files_uploaded.add(1);
    }

    /// So many bytes of an upload became durable.
    pub(crate) fn file_bytes_received(&self, bytes: u64) {
        self.file_bytes_received.add(bytes);
    }

    /// So many bytes of a file were sent.
    pub(crate) fn file_bytes_sent(&self, bytes: u64) {
        self.file_bytes_sent.add(bytes);
    }

    /// Frames went to a signed-in device.
    pub(crate) fn sent(&self, bodies: &[Body]) {
        let deliveries = bodies.iter().filter(|body| matches!(body, Body::Deliver(_)));
        self.delivered.add(deliveries.count() as u64);
    }
}
