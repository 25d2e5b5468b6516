//! How many files are on their way at once: each holds a part in memory and a place among the connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chopar_wire::ids::AccountId;
use chopar_wire::limits::MAX_DEVICES;

/// Requests about files at once: with a part each, 64 MiB.
const IN_TOTAL: usize = 256;
/// Of one account: two for each of its devices.
const OF_ACCOUNT: usize = 2 * MAX_DEVICES;

/// All of them.
#[derive(Default)]
pub(super) struct Transfers(Arc<Mutex<Counts>>);

// Short critical sections without await: a plain mutex.
#[derive(Default)]
struct Counts {
    all: usize,
    accounts: HashMap<AccountId, usize>,
}

/// A place, given back when it is dropped.
pub(super) struct Transfer {
    account: AccountId,
    counts: Arc<Mutex<Counts>>,
}

impl Transfers {
    /// `None`: the account, or everybody together, has as many as there may be.
    pub(super) fn take(&self, account: AccountId) -> Option<Transfer> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = counts.accounts.get(&account).copied().unwrap_or(0);
        if counts.all >= IN_TOTAL || own >= OF_ACCOUNT {
            return None;
        }
        counts.all += 1;
        counts.accounts.insert(account, own + 1);
        Some(Transfer {
            account,
            counts: Arc::clone(&self.0),
        })
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all = counts.all.saturating_sub(1);
        match counts.accounts.get_mut(&self.account) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(counts.accounts.remove(&self.account)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P-336.
    #[test]
    fn one_account_takes_no_place_from_the_others() {
        let transfers = Transfers::default();
        let account = |number| AccountId::new([number; 32]);
        let mut held: Vec<_> = (0..OF_ACCOUNT)
            .map(|_| transfers.take(account(1)).unwrap())
            .collect();
        assert!(transfers.take(account(1)).is_none());
        let other = transfers.take(account(2));
        assert!(other.is_some());
        held.pop();
        held.push(transfers.take(account(1)).unwrap());
        for number in 3.. {
            match (0..OF_ACCOUNT)
                .map_while(|_| transfers.take(account(number)))
                .collect::<Vec<_>>()
            {
                more if more.len() == OF_ACCOUNT => held.extend(more),
                last => {
                    held.extend(last);
                    break;
                }
            }
        }
        assert_eq!(held.len() + 1, IN_TOTAL);
        assert!(transfers.take(account(99)).is_none(), "no place for anybody");
        drop((held, other));
        let counts = transfers.0.lock().unwrap();
        assert!(counts.all == 0 && counts.accounts.is_empty());
    }
}
