//! Token buckets, in memory only: who sent how much is never written down. What exceeds a bucket is refused with the time
//! to wait; acknowledgements are not refused but wait (`ws::dispatch`).
//!
//! Fail mode of all of them: **open towards honest accounts, closed towards addresses.** The table of accounts is
//! bounded; when it is full the accounts that were idle longest are forgotten (their buckets were full again or
//! nearly so). The table of addresses guards what needs no sign-in; when it is full, unknown addresses wait.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use chopar_wire::AccountId;

/// Rate and burst of one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Tokens that come back in a second.
    pub per_second: u32,
    /// Tokens of a full bucket.
    pub burst: u32,
}

/// The rates of everything that is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// `Submit` frames of an account: a person's burst of catching up, far below what hurts the writer.
    pub submits: Rate,
    /// KiB submitted by an account: lets a 3 MB rekey of a thousand members through at once.
    pub submit_kib: Rate,
    /// Envelopes an account acknowledges; an empty acknowledgement counts as one. Each is a delete on the one writer,
    /// which does some fifty thousand a second: one account, with all its devices, gets a few per cent of it.
    pub acks: Rate,
    /// Pings of an account: a client asks once in half a minute.
    pub pings: Rate,
    /// Signals of an account: typing in a few conversations.
    pub signals: Rate,
    /// Prekey claims of an account: opening a group of a thousand devices within a few minutes.
    pub claims: Rate,
    /// Directory look-ups of an account: one per key stroke.
    pub finds: Rate,
    /// Everything else of an account: log, prekey uploads, administration, profile.
    pub others: Rate,
    /// Acts of an address before sign-in: invite checks, pings, registrations, sign-ins (a whole office may share one).
    pub address: Rate,
}

impl Rates {
    /// Rates that nothing reaches, for benchmarks.
    pub const fn unlimited() -> Self {
        let rate = Rate {
            per_second: u32::MAX,
            burst: u32::MAX,
        };
        Self {
            submits: rate,
            submit_kib: rate,
            acks: rate,
            pings: rate,
            signals: rate,
            claims: rate,
            finds: rate,
            others: rate,
            address: rate,
        }
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            submits: Rate {
                per_second: 50,
                burst: 500,
            },
            submit_kib: Rate {
                per_second: 4 * 1024,
                burst: 32 * 1024,
            },
            acks: Rate {
                per_second: 2_000,
                burst: 20_000,
            },
            pings: Rate {
                per_second: 5,
                burst: 50,
            },
            signals: Rate {
                per_second: 20,
                burst: 100,
            },
            claims: Rate {
                per_second: 5,
                burst: 300,
            },
            finds: Rate {
                per_second: 10,
                burst: 60,
            },
            others: Rate {
                per_second: 20,
                burst: 200,
            },
            address: Rate {
                per_second: 100,
                burst: 1000,
            },
        }
    }
}

/// What an account asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Submit { bytes: usize },
    Ack { count: usize },
    Ping,
    Signal,
    Claim,
    Find,
    Other,
}

/// Come back after so many milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait(pub(crate) u64);

/// The buckets of everybody.
pub(crate) struct Limiter {
    rates: Rates,
    // Short critical sections without await: a plain mutex.
    accounts: Mutex<HashMap<AccountId, [Bucket; 8]>>,
    addresses: Mutex<HashMap<IpAddr, [Bucket; 1]>>,
}

/// Accounts whose buckets are held at once: about 200 bytes each.
const ACCOUNTS_MAX: usize = 50_000;
/// Addresses whose buckets are held at once.
const ADDRESSES_MAX: usize = 50_000;
/// A bucket untouched for so long (milliseconds) is full again for every default rate.
const FORGET_AFTER_MS: u64 = 120_000;

impl Limiter {
    pub(crate) fn new(rates: Rates) -> Self {
        Self {
            rates,
            accounts: Mutex::default(),
            addresses: Mutex::default(),
        }
    }

    /// Takes what `act` costs, or says how long to wait; nothing is taken then.
    pub(crate) fn account(&self, account: &AccountId, act: Act, now: u64) -> Result<(), Wait> {
        let rates = &self.rates;
        let mut table = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= ACCOUNTS_MAX && !table.contains_key(account) {
            make_room(&mut table, now);
            if table.len() >= ACCOUNTS_MAX {
                table.clear(); // open: nobody honest waits because others are many
            }
        }
        let buckets = table.entry(*account).or_insert_with(|| {
            [
                rates.submits,
                rates.submit_kib,
                rates.signals,
                rates.claims,
                rates.finds,
                rates.others,
                rates.acks,
                rates.pings,
            ]
            .map(|rate| Bucket::full(rate, now))
        });
        match act {
            Act::Submit { bytes } => {
                let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
                let [submits, submit_kib, ..] = buckets;
                submit_kib.look(rates.submit_kib, kib, now)?;
                submits.take(rates.submits, 1, now)?;
                submit_kib.take(rates.submit_kib, kib, now)
            }
            Act::Signal => buckets[2].take(rates.signals, 1, now),
            Act::Claim => buckets[3].take(rates.claims, 1, now),
            Act::Find => buckets[4].take(rates.finds, 1, now),
            Act::Other => buckets[5].take(rates.others, 1, now),
            Act::Ack { count } => {
                // At most the whole bucket: what can never be paid would wait for ever.
                let count = u32::try_from(count).unwrap_or(u32::MAX);
                buckets[6].take(rates.acks, count.clamp(1, rates.acks.burst.max(1)), now)
            }
            Act::Ping => buckets[7].take(rates.pings, 1, now),
        }
    }

    /// One act of an address that is not signed in.
    pub(crate) fn address(&self, address: IpAddr, now: u64) -> Result<(), Wait> {
        let mut table = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= ADDRESSES_MAX && !table.contains_key(&address) {
            make_room(&mut table, now);
            if table.len() >= ADDRESSES_MAX {
                return Err(Wait(1000));
            }
        }
        let rate = self.rates.address;
        table.entry(address).or_insert_with(|| [Bucket::full(rate, now)])[0].take(rate, 1, now)
    }
}

/// Tokens in thousandths, so that a millisecond at one token a second counts.
struct Bucket {
    milli: u64,
    at: u64,
}

impl Bucket {
    fn full(rate: Rate, now: u64) -> Self {
        Self {
            milli: u64::from(rate.burst) * 1000,
            at: now,
        }
    }

    fn look(&mut self, rate: Rate, cost: u32, now: u64) -> Result<(), Wait> {
        let passed = now.saturating_sub(self.at);
        self.at = self.at.max(now);
        let refill = passed.saturating_mul(u64::from(rate.per_second));
        self.milli = self
            .milli
            .saturating_add(refill)
            .min(u64::from(rate.burst) * 1000);
        let cost = u64::from(cost) * 1000;
        if self.milli >= cost {
            Ok(())
        } else {
            Err(Wait(
                (cost - self.milli).div_ceil(u64::from(rate.per_second.max(1))),
            ))
        }
    }

    fn take(&mut self, rate: Rate, cost: u32, now: u64) -> Result<(), Wait> {
        self.look(rate, cost, now)?;
        self.milli -= u64::from(cost) * 1000;
        Ok(())
    }
}

fn make_room<K: Eq + Hash, const N: usize>(table: &mut HashMap<K, [Bucket; N]>, now: u64) {
    table.retain(|_, buckets| {
        buckets
            .iter()
            .any(|bucket| now.saturating_sub(bucket.at) < FORGET_AFTER_MS)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_rate_rules() {
        let rates = Rates {
            finds: Rate {
                per_second: 2,
                burst: 3,
            },
            ..Rates::default()
        };
        let limiter = Limiter::new(rates);
        let me = AccountId::new([1; 32]);
        for _ in 0..3 {
            assert_eq!(limiter.account(&me, Act::Find, 1000), Ok(()));
        }
        assert_eq!(limiter.account(&me, Act::Find, 1000), Err(Wait(500)));
        assert_eq!(
            limiter.account(&AccountId::new([2; 32]), Act::Find, 1000),
            Ok(()),
            "another account is free"
        );
        assert_eq!(
            limiter.account(&me, Act::Signal, 1000),
            Ok(()),
            "another act is free"
        );
        assert_eq!(limiter.account(&me, Act::Find, 1499), Err(Wait(1)));
        assert_eq!(limiter.account(&me, Act::Find, 1500), Ok(()));
        assert_eq!(
            limiter.account(&me, Act::Find, 900),
            Err(Wait(500)),
            "a clock set back gives nothing"
        );
    }

    #[test]
    fn bytes_count_beside_frames() {
        let rates = Rates {
            submit_kib: Rate {
                per_second: 1,
                burst: 10,
            },
            ..Rates::default()
        };
        let limiter = Limiter::new(rates);
        let me = AccountId::new([1; 32]);
        assert_eq!(limiter.account(&me, Act::Submit { bytes: 9 * 1024 }, 0), Ok(()));
        assert_eq!(
            limiter.account(&me, Act::Submit { bytes: 2 * 1024 }, 0),
            Err(Wait(1000))
        );
        assert_eq!(limiter.account(&me, Act::Submit { bytes: 1 }, 0), Ok(()));
    }

    #[test]
    fn addresses_wait_too() {
        let rates = Rates {
            address: Rate {
                per_second: 1,
                burst: 1,
            },
            ..Rates::default()
        };
        let limiter = Limiter::new(rates);
        let here = IpAddr::from([127, 0, 0, 1]);
        assert_eq!(limiter.address(here, 0), Ok(()));
        assert_eq!(limiter.address(here, 0), Err(Wait(1000)));
    }
}
