//! Token buckets, in memory only: who sent how much is never written down. What exceeds a bucket is refused with the time
//! to wait; acknowledgements are not refused but wait (`ws::dispatch`).
//!
//! Fail mode, where a table of buckets is full although those that are whole again were forgotten:
//! - accounts, and pairs of claimant and device: **open**. Those that were idle longest are forgotten, which gives them
//!   whole buckets; nobody honest waits because others are many.
//! - addresses: **closed**. They guard what needs no sign-in; unknown addresses wait.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use chopar_wire::{AccountId, DeviceId};

use super::bucket::Bucket;
pub use super::bucket::Rate;
pub(crate) use super::bucket::Wait;

/// The rates of everything that is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// `Submit` and `SubmitGroup` frames of an account: a person's burst of catching up, far below what hurts the writer.
    pub submits: Rate,
    /// KiB that an account submits or appends: lets a 3 MB rekey of a thousand members through at once.
    pub submit_kib: Rate,
    /// Mailboxes that group submissions of an account name: each is a row for the one writer. Twenty messages to a
    /// thousand people at once, then two a second.
    pub group_recipients: Rate,
    /// Opaque logs that an account begins: groups that somebody makes.
    pub opaque_logs: Rate,
    /// Envelopes an account acknowledges; an empty acknowledgement counts as one. Each is a delete on the one writer,
    /// which does some fifty thousand a second: one account, with all its devices, gets a few per cent of it.
    pub acks: Rate,
    /// Pings of an account: a client asks once in half a minute.
    pub pings: Rate,
    /// Signals of an account: typing in a few conversations.
    pub signals: Rate,
    /// Prekey claims of an account: opening a group of a thousand devices within a few minutes.
    pub claims: Rate,
    /// Prekey claims of one account for one device: a handshake, and repairs of it. A pool of a hundred pairs, refilled
    /// whenever its owner is there, is not drained by one member.
    pub claims_of_device: Rate,
    /// Directory look-ups of an account: one per key stroke.
    pub finds: Rate,
    /// Requests of an account for bytes of files, each of which brings or fetches megabytes.
    pub files: Rate,
    /// Everything else of an account: log, prekey uploads, administration, profile.
    pub others: Rate,
    /// Acts of an address before sign-in: invite checks, pings, registrations, sign-ins (a whole office may share one).
    pub address: Rate,
}

impl Rates {
    /// Rates that nothing reaches, for benchmarks.
    pub const fn unlimited() -> Self {
        let rate = Rate::per_second(u32::MAX, u32::MAX);
        Self {
            submits: rate,
            submit_kib: rate,
            group_recipients: rate,
            opaque_logs: rate,
            acks: rate,
            pings: rate,
            signals: rate,
            claims: rate,
            claims_of_device: rate,
            finds: rate,
            files: rate,
            others: rate,
            address: rate,
        }
    }

    /// In the order of [`Kind`].
    const fn of_accounts(&self) -> [Rate; Kind::COUNT] {
        [
            self.submits,
            self.submit_kib,
            self.group_recipients,
            self.opaque_logs,
            self.acks,
            self.pings,
            self.signals,
            self.claims,
            self.finds,
            self.files,
            self.others,
        ]
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            submits: Rate::per_second(50, 500),
            submit_kib: Rate::per_second(4 * 1024, 32 * 1024),
            group_recipients: Rate::per_second(2_000, 20_000),
            opaque_logs: Rate::every(DAY_MS / 50, 50),
            acks: Rate::per_second(2_000, 20_000),
            pings: Rate::per_second(5, 50),
            signals: Rate::per_second(20, 100),
            claims: Rate::per_second(5, 300),
            claims_of_device: Rate::every(10 * 60 * 1000, 6),
            finds: Rate::per_second(10, 60),
            files: Rate::per_second(50, 500),
            others: Rate::per_second(20, 200),
            address: Rate::per_second(100, 1000),
        }
    }
}

const DAY_MS: u32 = 24 * 3600 * 1000;

/// What an account asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Submit { bytes: usize },
    SubmitGroup { bytes: usize, recipients: usize },
    AppendOpaque { bytes: usize, begins: bool },
    Ack { count: usize },
    Ping,
    Signal,
    Find,
    File,
    Other,
}

/// The buckets of an account.
#[derive(Clone, Copy)]
enum Kind {
    Submits,
    SubmitKib,
    GroupRecipients,
    OpaqueLogs,
    Acks,
    Pings,
    Signals,
    Claims,
    Finds,
    Files,
    Others,
}

impl Kind {
    const COUNT: usize = 11;
}

/// The buckets of everybody.
pub(crate) struct Limiter {
    rates: Rates,
    of_accounts: [Rate; Kind::COUNT],
    // Short critical sections without await: a plain mutex.
    accounts: Mutex<HashMap<AccountId, [Bucket; Kind::COUNT]>>,
    claims: Mutex<HashMap<(AccountId, DeviceId), [Bucket; 1]>>,
    addresses: Mutex<HashMap<IpAddr, [Bucket; 1]>>,
}

/// Accounts whose buckets are held at once: about 250 bytes each.
const ACCOUNTS_MAX: usize = 50_000;
/// Pairs of claimant and device whose buckets are held at once: about 100 bytes each.
const CLAIMS_MAX: usize = 100_000;
/// Addresses whose buckets are held at once.
const ADDRESSES_MAX: usize = 50_000;
/// What a step of a recovery costs an address: it verifies up to 256 entries, some ten milliseconds, where a sign-in verifies one
/// signature. Five a second of one address, after a burst of fifty.
const RECOVERY_COST: u32 = 20;

impl Limiter {
    pub(crate) fn new(rates: Rates) -> Self {
        Self {
            rates,
            of_accounts: rates.of_accounts(),
            accounts: Mutex::default(),
            claims: Mutex::default(),
            addresses: Mutex::default(),
        }
    }

    /// Takes what `act` costs, or says how long to wait; nothing is taken then.
    pub(crate) fn account(&self, account: &AccountId, act: Act, now: u64) -> Result<(), Wait> {
        let kib = |bytes: usize| (Kind::SubmitKib, count(bytes.div_ceil(1024)));
        match act {
            Act::Submit { bytes } => self.take(account, &[(Kind::Submits, 1), kib(bytes)], now),
            Act::SubmitGroup { bytes, recipients } => {
                let each = (Kind::GroupRecipients, count(recipients));
                self.take(account, &[(Kind::Submits, 1), kib(bytes), each], now)
            }
            Act::AppendOpaque { bytes, begins } => {
                let began = (Kind::OpaqueLogs, u32::from(begins));
                self.take(account, &[(Kind::Others, 1), kib(bytes), began], now)
            }
            Act::Ack { count: envelopes } => {
                // At most the whole bucket: what can never be paid would wait for ever.
                let most = self.rates.acks.burst.max(1);
                self.take(account, &[(Kind::Acks, count(envelopes).clamp(1, most))], now)
            }
            Act::Ping => self.take(account, &[(Kind::Pings, 1)], now),
            Act::Signal => self.take(account, &[(Kind::Signals, 1)], now),
            Act::Find => self.take(account, &[(Kind::Finds, 1)], now),
            Act::File => self.take(account, &[(Kind::Files, 1)], now),
            Act::Other => self.take(account, &[(Kind::Others, 1)], now),
        }
    }

    /// A claim of an account for a device's prekeys.
    pub(crate) fn claim(&self, account: &AccountId, device: &DeviceId, now: u64) -> Result<(), Wait> {
        let rate = self.rates.claims_of_device;
        let mut table = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        let pair = (*account, *device);
        if table.len() >= CLAIMS_MAX && !table.contains_key(&pair) {
            make_room(&mut table, &[rate], now);
            forget_idle(&mut table, CLAIMS_MAX);
        }
        let [bucket] = table.entry(pair).or_insert_with(|| [Bucket::full(rate, now)]);
        bucket.look(rate, 1, now)?;
        self.take(account, &[(Kind::Claims, 1)], now)?;
        bucket.take(rate, 1, now)
    }

    /// One act of an address that is not signed in.
    pub(crate) fn address(&self, address: IpAddr, now: u64) -> Result<(), Wait> {
        self.of_address(address, 1, now)
    }

    /// An act that has a whole account log verified, before anybody is known.
    pub(crate) fn recovery_of_address(&self, address: IpAddr, now: u64) -> Result<(), Wait> {
        self.of_address(address, RECOVERY_COST, now)
    }

    fn of_address(&self, address: IpAddr, cost: u32, now: u64) -> Result<(), Wait> {
        let rate = self.rates.address;
        let mut table = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= ADDRESSES_MAX && !table.contains_key(&address) {
            make_room(&mut table, &[rate], now);
            if table.len() >= ADDRESSES_MAX {
                return Err(Wait(1000));
            }
        }
        let [bucket] = table.entry(address).or_insert_with(|| [Bucket::full(rate, now)]);
        bucket.take(rate, cost, now)
    }

    fn take(&self, account: &AccountId, costs: &[(Kind, u32)], now: u64) -> Result<(), Wait> {
        let rates = &self.of_accounts;
        let mut table = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= ACCOUNTS_MAX && !table.contains_key(account) {
            make_room(&mut table, rates, now);
            forget_idle(&mut table, ACCOUNTS_MAX);
        }
        let buckets = table
            .entry(*account)
            .or_insert_with(|| rates.map(|rate| Bucket::full(rate, now)));
        for (kind, cost) in costs {
            buckets[*kind as usize].look(rates[*kind as usize], *cost, now)?;
        }
        for (kind, cost) in costs {
            buckets[*kind as usize].take(rates[*kind as usize], *cost, now)?;
        }
        Ok(())
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Forgets who has whole buckets: they would be made as they are.
fn make_room<K: Eq + Hash, const N: usize>(table: &mut HashMap<K, [Bucket; N]>, rates: &[Rate; N], now: u64) {
    table.retain(|_, buckets| {
        let mut each = buckets.iter_mut().zip(rates);
        !each.all(|(bucket, rate)| bucket.is_full(*rate, now))
    });
}

/// Forgets the half of a full table that was idle longest.
fn forget_idle<K: Eq + Hash, const N: usize>(table: &mut HashMap<K, [Bucket; N]>, max: usize) {
    if table.len() < max {
        return;
    }
    let last_use = |buckets: &[Bucket; N]| buckets.iter().map(Bucket::last_use).max().unwrap_or(0);
    let mut uses: Vec<u64> = table.values().map(last_use).collect();
    let middle = uses.len() / 2;
    let (_, limit, _) = uses.select_nth_unstable(middle);
    let limit = *limit;
    table.retain(|_, buckets| last_use(buckets) > limit);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_rate_rules() {
        let rates = Rates {
            finds: Rate::per_second(2, 3),
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
    fn a_clock_set_back_by_a_day_gives_nothing_and_takes_nothing() {
        let rates = Rates {
            finds: Rate::per_second(2, 3),
            address: Rate::per_second(2, 3),
            ..Rates::default()
        };
        let limiter = Limiter::new(rates);
        let me = AccountId::new([1; 32]);
        let before = 3 * u64::from(DAY_MS);
        let address = IpAddr::from([203, 0, 113, 1]);
        for _ in 0..3 {
            assert_eq!(limiter.account(&me, Act::Find, before), Ok(()));
            assert_eq!(limiter.address(address, before), Ok(()));
        }
        let after = before - u64::from(DAY_MS);
        assert_eq!(limiter.account(&me, Act::Find, after), Err(Wait(500)));
        assert_eq!(limiter.address(address, after), Err(Wait(500)));
        assert_eq!(
            limiter.account(&me, Act::Find, after + 500),
            Ok(()),
            "in half a second, not in a day"
        );
        // Nor does a table that is full stay so.
        let mut table = HashMap::from([(1, [Bucket::full(rates.finds, before)])]);
        table.get_mut(&1).unwrap()[0]
            .take(rates.finds, 3, before)
            .unwrap();
        make_room(&mut table, &[rates.finds], after);
        assert_eq!(table.len(), 1, "it is empty");
        make_room(&mut table, &[rates.finds], after + 1500);
        assert!(table.is_empty(), "it is whole again");
    }

    #[test]
    fn bytes_count_beside_frames() {
        let rates = Rates {
            submit_kib: Rate::per_second(1, 10),
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
            address: Rate::per_second(1, 1),
            ..Rates::default()
        };
        let limiter = Limiter::new(rates);
        let here = IpAddr::from([127, 0, 0, 1]);
        assert_eq!(limiter.address(here, 0), Ok(()));
        assert_eq!(limiter.address(here, 0), Err(Wait(1000)));
    }

    #[test]
    fn what_does_not_fit_takes_nothing() {
        let limiter = Limiter::new(Rates {
            submits: Rate::per_second(1, 2),
            group_recipients: Rate::per_second(1, 10),
            ..Rates::default()
        });
        let me = AccountId::new([1; 32]);
        let group = |recipients| Act::SubmitGroup { bytes: 1, recipients };
        assert_eq!(limiter.account(&me, group(8), 0), Ok(()));
        assert_eq!(limiter.account(&me, group(8), 0), Err(Wait(6000)));
        assert_eq!(
            limiter.account(&me, group(2), 0),
            Ok(()),
            "the frame before cost nothing"
        );
        assert_eq!(limiter.account(&me, Act::Submit { bytes: 1 }, 0), Err(Wait(1000)));
    }

    /// P-247.
    #[test]
    fn a_rekey_of_a_thousand_members_passes_within_thirty_seconds() {
        let limiter = Limiter::new(Rates::default());
        let me = AccountId::new([1; 32]);
        let mut now = 0;
        for member in 0..1000 {
            while let Err(Wait(millis)) = limiter.account(&me, Act::Submit { bytes: 3 * 1024 }, now) {
                now += millis;
            }
            assert!(now < 30_000, "{member} members after {now} ms");
        }
        let group = Act::SubmitGroup {
            bytes: 40_000,
            recipients: 1000,
        };
        for _ in 0..20 {
            assert_eq!(
                limiter.account(&me, group, now + 1000),
                Ok(()),
                "and what is written with it"
            );
        }
    }

    /// P-247.
    #[test]
    fn logs_are_begun_fifty_a_day() {
        let limiter = Limiter::new(Rates::default());
        let me = AccountId::new([1; 32]);
        let append = |begins| Act::AppendOpaque { bytes: 100, begins };
        for second in 0..50 {
            assert_eq!(limiter.account(&me, append(true), second * 1000), Ok(()));
        }
        assert!(limiter.account(&me, append(true), 50_000).is_err());
        assert_eq!(
            limiter.account(&me, append(false), 50_000),
            Ok(()),
            "what was begun goes on"
        );
        assert_eq!(limiter.account(&me, append(true), u64::from(DAY_MS)), Ok(()));
    }

    /// P-246.
    #[test]
    fn nobody_drains_another_s_pool() {
        let limiter = Limiter::new(Rates::default());
        let (me, other) = (AccountId::new([1; 32]), AccountId::new([2; 32]));
        let (theirs, another) = (DeviceId::new([3; 16]), DeviceId::new([4; 16]));
        let mut claimed = 0;
        for second in 0..3600 {
            claimed += u32::from(limiter.claim(&me, &theirs, second * 1000).is_ok());
        }
        assert_eq!(claimed, 6 + 5, "six, and one each ten minutes of an hour");
        let now = 3_599_000;
        assert_eq!(
            limiter.claim(&me, &another, now),
            Ok(()),
            "another device is free"
        );
        assert_eq!(
            limiter.claim(&other, &theirs, now),
            Ok(()),
            "another account is free"
        );
    }

    #[test]
    fn a_full_table_forgets_who_was_idle_longest() {
        let rate = Rate::per_second(1, 10);
        let mut table = HashMap::new();
        for number in 0..8u64 {
            let mut bucket = Bucket::full(rate, 0);
            bucket.take(rate, 5, number).unwrap();
            table.insert(number, [bucket]);
        }
        make_room(&mut table, &[rate], 1000);
        assert_eq!(table.len(), 8, "nobody's bucket is whole");
        forget_idle(&mut table, 9);
        assert_eq!(table.len(), 8, "there is room");
        forget_idle(&mut table, 8);
        let mut left: Vec<_> = table.keys().copied().collect();
        left.sort_unstable();
        assert_eq!(left, [5, 6, 7]);
        make_room(&mut table, &[rate], 6000);
        assert!(table.is_empty(), "whole again");
    }
}
