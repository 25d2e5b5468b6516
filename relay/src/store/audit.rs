//! The audit log's part of a store. The store keeps rows and where each chain ends; what stands in them is `crate::audit`'s.

use crate::audit::chain::{Row, Tip};
use crate::audit::node::NodeId;
use chopar_wire::proto::audit::Record;

use super::Answer;

/// What a store keeps of audit logs. Acts of an administrator, registrations and invites are recorded by the store in their
/// own transaction; everything else by [`AuditLog::record`].
pub(crate) trait AuditLog {
    /// Adds a record to this node's chain; its links are the store's to make. Begins the chain where there is none.
    fn record(&self, record: Record) -> Answer<()>;
    /// Records of a chain with numbers above `after`, in order, at most `count`.
    fn audit_page(&self, node: NodeId, after: u64, count: usize) -> Answer<Vec<Row>>;
    /// All chains with their ends, in the order of names.
    fn audit_chains(&self) -> Answer<Vec<(NodeId, Tip)>>;
    /// Deletes a bounded part of this node's sign-ins that are older than they are kept, behind a checkpoint; `true`: there
    /// is more.
    fn prune_audit(&self) -> Answer<bool>;
}
