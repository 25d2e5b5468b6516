//! From the writer to the connections of this node. Those of other nodes are woken by `nodes`; the store stays the record.

use std::sync::Arc;

use crate::store::OnStored;
use crate::ws::registry::{Push, Registry};

/// Hands every durable envelope to its device if it is connected here.
pub(crate) fn to_connections(registry: Arc<Registry>) -> OnStored {
    Arc::new(move |stored| {
        let device = stored.device;
        registry.push(&device, Push::Stored(stored));
    })
}
