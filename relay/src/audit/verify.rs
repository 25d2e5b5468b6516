//! What is wrong with a chain, by the numbers of its records.
//!
//! A chain is read twice: first for the latest checkpoint, then link by link. What a chain cannot show by itself is that
//! its end was cut off together with the note of where it ended: whoever wants that shown keeps a number and a hash
//! elsewhere ([`Verifier::must_hold`]).

use std::fmt;

use chopar_identity::{Ed25519Public, verify};
use chopar_wire::labels::AUDIT_CHECKPOINT;
use chopar_wire::proto::audit::{CheckpointBody, Kind, Record};
use prost::Message;

use super::chain::{Row, Tip, hash};
use super::node::NodeId;
use super::record::is_kept;

/// Faults that are named; more say nothing new.
const NAMED_MAX: usize = 20;

/// One thing that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The bytes are not what they were when they were written.
    Altered(u64),
    /// These are not there, and no checkpoint says that they may be gone.
    Missing(u64, u64),
    /// Another record stands in its place.
    OutOfPlace(u64),
    /// Its link to the record before leads elsewhere: one of the two was replaced.
    NotLinked(u64),
    /// A record that is kept for good is not there, somewhere before this one.
    KeptMissing(u64),
    /// Its checkpoint is not signed with the chain's key, or names another record.
    Checkpoint(u64),
    /// The chain ends here, and ended later once.
    CutOff(u64),
    /// The hash that was kept elsewhere is not this record's.
    NotAsNoted(u64),
    /// The first record does not say whose chain it is.
    NoBeginning,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered(number) => write!(f, "record {number} was altered"),
            Self::Missing(from, to) if from == to => write!(f, "record {from} is missing"),
            Self::Missing(from, to) => write!(f, "records {from} to {to} are missing"),
            Self::OutOfPlace(number) => write!(f, "another record stands in the place of record {number}"),
            Self::NotLinked(number) => {
                write!(
                    f,
                    "record {number} does not follow the one before it: one of the two was replaced"
                )
            }
            Self::KeptMissing(number) => {
                write!(
                    f,
                    "a record that is kept for good is missing before record {number}"
                )
            }
            Self::Checkpoint(number) => write!(f, "the checkpoint in record {number} is not right"),
            Self::CutOff(number) => write!(f, "the records after record {number} are missing"),
            Self::NotAsNoted(number) => write!(f, "record {number} is not the one whose hash was noted"),
            Self::NoBeginning => f.write_str("record 1 does not begin this chain"),
        }
    }
}

/// Looks at one chain.
pub(crate) struct Verifier {
    node: NodeId,
    key: Option<Ed25519Public>,
    /// The latest right checkpoint: its number and hash.
    checkpoint: Option<(u64, [u8; 32])>,
    last: Option<Tip>,
    noted: Option<(u64, [u8; 32])>,
    faults: Vec<Fault>,
    records: u64,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) records: u64,
    /// Number and hash of the last one, to be noted elsewhere.
    pub(crate) end: Option<(u64, [u8; 32])>,
    pub(crate) faults: Vec<Fault>,
}

impl Verifier {
    pub(crate) fn new(node: NodeId) -> Self {
        Self {
            node,
            key: None,
            checkpoint: None,
            last: None,
            noted: None,
            faults: Vec::new(),
            records: 0,
        }
    }

    /// A number and a hash that somebody kept elsewhere: the chain must still hold them.
    pub(crate) fn must_hold(&mut self, number: u64, hash: [u8; 32]) {
        self.noted = Some((number, hash));
    }

    /// First reading, in order.
    pub(crate) fn look_for_checkpoints(&mut self, row: &Row) {
        let Ok(record) = Record::decode(row.record.clone()) else {
            return;
        };
        if row.number == 1 && record.kind == i32::from(Kind::ChainBegun) {
            let key: Option<[u8; 32]> = record.key.as_ref().try_into().ok();
            self.key = key
                .filter(|key| NodeId::of(key) == self.node)
                .and_then(|key| Ed25519Public::parse(&key).ok());
        }
        if record.kind == i32::from(Kind::Checkpoint) {
            match self.checkpoint_of(&record) {
                Some(found) => self.checkpoint = Some(found),
                None => self.wrong(Fault::Checkpoint(row.number)),
            }
        }
    }

    fn checkpoint_of(&self, record: &Record) -> Option<(u64, [u8; 32])> {
        let signed = record.checkpoint.as_ref()?;
        verify(
            AUDIT_CHECKPOINT,
            &signed.body,
            &signed.signature,
            self.key.as_ref()?,
        )
        .ok()?;
        let body = CheckpointBody::decode(signed.body.clone()).ok()?;
        let whole = body.node.as_ref() == self.node.0 && body.number < record.number;
        Some((body.number, body.hash.as_ref().try_into().ok()?)).filter(|_| whole)
    }

    /// Second reading, in order.
    pub(crate) fn take(&mut self, row: &Row) {
        self.records += 1;
        let computed = hash(&row.record);
        let record = Record::decode(row.record.clone()).ok();
        let Some(record) = record.filter(|_| computed == row.hash) else {
            self.wrong(Fault::Altered(row.number));
            return self.go_on(row, true);
        };
        if record.node.as_ref() != self.node.0 || record.number != row.number {
            self.wrong(Fault::OutOfPlace(row.number));
            return self.go_on(row, true);
        }
        if self
            .checkpoint
            .is_some_and(|(number, hash)| number == row.number && hash != row.hash)
            || self
                .noted
                .is_some_and(|(number, hash)| number == row.number && hash != row.hash)
        {
            self.wrong(Fault::NotAsNoted(row.number));
        }
        if self.noted.is_some_and(|(number, _)| number == row.number) {
            self.noted = None;
        }
        self.follow(row, &record);
        self.go_on(row, is_kept(record.kind));
    }

    /// Holds a record's links to what came before it.
    fn follow(&mut self, row: &Row, record: &Record) {
        let Some(last) = self.last else {
            if row.number > 1 {
                self.wrong(Fault::Missing(1, row.number - 1));
            } else if self.key.is_none() || !record.previous.is_empty() {
                self.wrong(Fault::NoBeginning);
            }
            return;
        };
        let expected = last.number + 1;
        let before = if row.number == expected {
            Some(last.hash)
        } else {
            let excused = self
                .checkpoint
                .is_some_and(|(number, _)| row.number - 1 <= number);
            if !excused {
                // Up to the checkpoint sign-ins may be gone, beyond it nothing.
                let from = self
                    .checkpoint
                    .map_or(expected, |(number, _)| expected.max(number + 1));
                self.wrong(Fault::Missing(from, row.number - 1));
                return;
            }
            self.checkpoint
                .and_then(|(number, hash)| (number == row.number - 1).then_some(hash))
        };
        if before.is_some_and(|before| record.previous.as_ref() != before) {
            self.wrong(Fault::NotLinked(row.number));
        } else if record.previous_kept.as_ref() != last.kept {
            self.wrong(Fault::KeptMissing(row.number));
        }
    }

    fn go_on(&mut self, row: &Row, kept: bool) {
        let kept_before = self.last.filter(|_| !kept).map(|last| last.kept);
        self.last = Some(Tip {
            number: row.number,
            hash: row.hash,
            kept: kept_before.unwrap_or(row.hash),
        });
    }

    fn wrong(&mut self, fault: Fault) {
        if self.faults.len() < NAMED_MAX {
            self.faults.push(fault);
        }
    }

    /// The end, compared with where the store says it is (`None`: nobody says).
    pub(crate) fn finish(mut self, tip: Option<Tip>) -> Report {
        let end = self.last.map(|last| (last.number, last.hash));
        let number = end.map_or(0, |(number, _)| number);
        if let Some(tip) = tip {
            if tip.number > number {
                self.wrong(Fault::CutOff(number));
            } else if end != Some((tip.number, tip.hash)) {
                self.wrong(Fault::NotLinked(number));
            }
        }
        match self.noted {
            Some((noted, _)) if noted > number => self.wrong(Fault::CutOff(number)),
            // A sign-in that was noted and has gone since: its checkpoint answers for it.
            Some((noted, _)) if self.checkpoint.is_none_or(|(until, _)| noted > until) => {
                self.wrong(Fault::Missing(noted, noted));
            }
            _ => {}
        }
        Report {
            records: self.records,
            end,
            faults: self.faults,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::chain::{checkpoint, links};
    use super::super::node::NodeKey;
    use super::super::record::{sign_in, started};
    use super::*;
    use chopar_wire::ids::{AccountId, DeviceId};

    struct Chain {
        key: NodeKey,
        rows: Vec<Row>,
        tip: Option<Tip>,
        _folder: tempfile::TempDir,
    }

    impl Chain {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let key = NodeKey::of_folder(folder.path()).unwrap();
            Self {
                key,
                rows: Vec::new(),
                tip: None,
                _folder: folder,
            }
        }

        fn add(&mut self, record: Record) {
            for link in links(&self.key, self.tip, 1_800_000_000_000, record) {
                self.tip = Some(link.tip);
                self.rows.push(link.row);
            }
        }

        /// The beginning and then, by turns, acts and sign-ins.
        fn of(records: usize) -> Self {
            let mut chain = Self::new();
            for at in 1..records {
                let (account, device) = (AccountId::new([1; 32]), DeviceId::new([1; 16]));
                chain.add(if at % 2 == 0 {
                    sign_in(account, device, true)
                } else {
                    started()
                });
            }
            chain
        }

        fn report(&self, rows: &[Row], noted: Option<(u64, [u8; 32])>) -> Vec<Fault> {
            let mut verifier = Verifier::new(self.key.id());
            if let Some((number, hash)) = noted {
                verifier.must_hold(number, hash);
            }
            rows.iter().for_each(|row| verifier.look_for_checkpoints(row));
            rows.iter().for_each(|row| verifier.take(row));
            verifier.finish(self.tip).faults
        }
    }

    /// P-225, T-051: every row in turn is altered, removed and exchanged with its neighbour, and named by its number.
    #[test]
    fn whatever_is_done_to_a_chain_is_found_by_number() {
        let chain = Chain::of(9);
        assert_eq!(chain.rows.len(), 9);
        assert_eq!(chain.report(&chain.rows, None), []);
        for at in 0..chain.rows.len() {
            let number = at as u64 + 1;
            for byte in 0..chain.rows[at].record.len() {
                let mut rows = chain.rows.clone();
                let mut record = rows[at].record.to_vec();
                record[byte] ^= 1;
                rows[at].record = record.clone().into();
                assert!(
                    chain.report(&rows, None).contains(&Fault::Altered(number)),
                    "{number} {byte}"
                );
                // With the hash made to fit, the record after it or the end gives it away.
                rows[at].hash = hash(&record);
                assert!(!chain.report(&rows, None).is_empty(), "{number} {byte}");
            }
            let mut rows = chain.rows.clone();
            rows.remove(at);
            let gone = if number == 9 {
                Fault::CutOff(8)
            } else {
                Fault::Missing(number, number)
            };
            assert!(chain.report(&rows, None).contains(&gone), "{number}");
            // Closed up, so that no number is missing.
            for (row, number) in rows.iter_mut().skip(at).zip(number..) {
                row.number = number;
            }
            if number < 9 {
                assert!(
                    chain.report(&rows, None).contains(&Fault::OutOfPlace(number)),
                    "{number}"
                );
            }
            if at > 0 {
                let mut rows = chain.rows.clone();
                rows.swap(at - 1, at);
                (rows[at - 1].number, rows[at].number) = (number - 1, number);
                assert!(
                    chain.report(&rows, None).contains(&Fault::OutOfPlace(number)),
                    "{number}"
                );
            }
        }
    }

    /// P-227: a checkpoint excuses sign-ins before it, and nothing else.
    #[test]
    fn a_checkpoint_excuses_sign_ins_and_nothing_else() {
        // Sign-ins are 3, 5, 7; acts 2, 4, 6, 8.
        let mut chain = Chain::of(8);
        let fifth = chain.rows[4].hash;
        chain.add(checkpoint(&chain.key, 5, fifth, 0));
        let without = |gone: &[u64]| -> Vec<Row> {
            let rows = chain.rows.iter().filter(|row| !gone.contains(&row.number));
            rows.cloned().collect()
        };
        assert_eq!(chain.report(&without(&[3, 5]), None), []);
        assert_eq!(chain.report(&without(&[5]), None), []);
        assert_eq!(chain.report(&without(&[3, 5, 7]), None), [Fault::Missing(7, 7)]);
        assert_eq!(chain.report(&without(&[3, 4, 5]), None), [Fault::KeptMissing(6)]);
        assert_eq!(chain.report(&without(&[2, 3]), None), [Fault::KeptMissing(4)]);
        // Somebody else's checkpoint excuses nothing.
        let mut forged = Chain::of(8);
        let stranger = Chain::new();
        let seventh = forged.rows[6].hash;
        forged.add(checkpoint(&stranger.key, 7, seventh, 0));
        let rows: Vec<Row> = forged
            .rows
            .iter()
            .filter(|row| row.number != 7)
            .cloned()
            .collect();
        assert_eq!(
            forged.report(&rows, None),
            [Fault::Checkpoint(9), Fault::Missing(7, 7)]
        );
    }

    /// P-225: a chain that was written anew, or cut with its own note of its end, is found by an end noted elsewhere.
    #[test]
    fn an_end_noted_elsewhere_must_still_be_there() {
        let mut chain = Chain::of(6);
        let noted = (chain.rows[4].number, chain.rows[4].hash);
        assert_eq!(chain.report(&chain.rows, Some(noted)), []);
        assert_eq!(
            chain.report(&chain.rows, Some((5, [0; 32]))),
            [Fault::NotAsNoted(5)]
        );
        chain.rows.truncate(4);
        chain.tip = Some(Tip {
            number: 4,
            hash: chain.rows[3].hash,
            kept: chain.rows[3].hash,
        });
        assert_eq!(chain.report(&chain.rows, None), [], "nothing inside says so");
        assert_eq!(chain.report(&chain.rows, Some(noted)), [Fault::CutOff(4)]);
        let other = Chain::of(6);
        let mut verifier = Verifier::new(chain.key.id());
        other
            .rows
            .iter()
            .for_each(|row| verifier.look_for_checkpoints(row));
        other.rows.iter().for_each(|row| verifier.take(row));
        assert!(
            verifier.finish(None).faults.contains(&Fault::OutOfPlace(1)),
            "another node's chain"
        );
    }
}
