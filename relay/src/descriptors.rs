//! File descriptors: each connection is one, and a process that has none left can accept nobody and open nothing.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Those beside connections: the database with its log and its readers, the listener, the runtime, certificates, files of a
/// client that is served from a folder.
const RESERVE: u64 = 64;

/// Raises this process's own limit as far as it may, and as far as `connections` need it. How many of them fit.
pub(crate) fn make_room(connections: usize) -> usize {
    let wanted = (connections as u64).saturating_add(RESERVE);
    let limit = getrlimit(Resource::Nofile);
    // No limit is said by none.
    let most = limit.maximum.unwrap_or(u64::MAX).min(wanted);
    let mut have = limit.current.unwrap_or(u64::MAX);
    if have < most {
        let raised = Rlimit {
            current: Some(most),
            maximum: limit.maximum,
        };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => have = most,
            Err(fault) => tracing::warn!(%fault, "the limit of open files could not be raised"),
        }
    }
    let fit = fitting(connections, have);
    if fit < connections {
        tracing::warn!(
            wanted = connections,
            served = fit,
            open_files = have,
            "the limit of open files allows fewer connections: raise it (ulimit -n, LimitNOFILE)"
        );
    }
    fit
}

/// Of `connections`, those that `descriptors` are enough for; one at least.
fn fitting(connections: usize, descriptors: u64) -> usize {
    let room = usize::try_from(descriptors.saturating_sub(RESERVE)).unwrap_or(usize::MAX);
    connections.min(room).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_the_rest() {
        assert_eq!(fitting(10_000, 1024), 960);
        assert_eq!(fitting(10_000, u64::MAX), 10_000);
        assert_eq!(fitting(10_000, 20), 1);
    }
}
