//! What every connection shares.

use std::sync::Arc;

use tokio::sync::watch;

use crate::audit::node::NodeId;
use crate::config::Config;
use crate::files::Vault;
use crate::http::health::Readiness;
use crate::metrics::Metrics;
use crate::places::Places;
use crate::policy::limits::Limiter;
use crate::store::Store;
use crate::tls::Tls;
use crate::ws::registry::Registry;
use crate::ws::standing::Lookout;

pub(crate) struct Core {
    pub(crate) config: Config,
    /// `None`: plain HTTP.
    pub(crate) tls: Option<Tls>,
    /// Where clients are served from, normalised.
    pub(crate) origins: Vec<String>,
    /// What requests may call this relay.
    pub(crate) hosts: Vec<String>,
    pub(crate) store: Arc<dyn Store>,
    /// Files and who may get them.
    pub(crate) vault: Vault,
    pub(crate) registry: Arc<Registry>,
    pub(crate) limiter: Limiter,
    pub(crate) places: Places,
    pub(crate) readiness: Readiness,
    pub(crate) lookout: Lookout,
    pub(crate) metrics: Metrics,
    /// Names this node's audit log.
    pub(crate) node: NodeId,
    /// Becomes true once, when the relay stops.
    pub(crate) stopping: watch::Sender<bool>,
}

impl Core {
    pub(crate) fn now(&self) -> u64 {
        self.config.clock.now()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }
}

/// Waits until the relay stops; safe to drop and to call again.
pub(crate) async fn stop_of(stopping: &mut watch::Receiver<bool>) {
    // A sender that is gone is a relay that is gone.
    drop(stopping.wait_for(|stopping| *stopping).await);
}
