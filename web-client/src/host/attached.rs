//! The files that came with what a tab asks, until that is answered.

use chopar_engine::Map;
use std::cell::RefCell;
use std::rc::Rc;

use web_sys::Blob;

/// By the id that was asked with. Clones are handles of the same.
#[derive(Clone, Default)]
pub(super) struct Attached(Rc<RefCell<Map<u64, Vec<Blob>>>>);

impl Attached {
    /// Keeps what came with an id; nothing is kept of what came without files.
    pub(super) fn put(&self, id: u64, blobs: Vec<Blob>) {
        if !blobs.is_empty() {
            self.0.borrow_mut().insert(id, blobs);
        }
    }

    /// What came with an id.
    pub(super) fn of(&self, id: u64) -> Vec<Blob> {
        self.0.borrow().get(&id).cloned().unwrap_or_default()
    }

    /// It is answered, or not for this worker to answer any more.
    pub(super) fn forget(&self, id: u64) {
        self.0.borrow_mut().remove(&id);
    }
}
