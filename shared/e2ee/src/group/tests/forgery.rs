//! What was altered, cut, or made by a member that breaks the rules.

use super::*;
use crate::ratchet::OpenError;

/// P-134, T-010: every single bit, every length, every appended byte; the state stays as it was.
#[test]
fn no_bit_of_a_message_may_change() {
    let ((mut ours, theirs), mut rng) = (pair(20), rng(21));
    let message = ours.encrypt(&[7; 64], &mut rng).unwrap();
    assert_eq!(message.len(), 16 + 16 + 20 + 64 + 16 + 80);
    let before = theirs.to_record();
    for bit in 0..message.len() * 8 {
        let mut altered = message.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let expected = match bit / 8 {
            0..16 => OpenError::UnknownTag,
            _ => OpenError::Authentication,
        };
        assert_eq!(theirs.open(&altered, NOW).err(), Some(expected), "bit {bit}");
    }
    for len in 0..message.len() {
        assert!(theirs.open(&message[..len], NOW).is_err(), "cut to {len}");
    }
    assert!(theirs.open(&[&message[..], &[0]].concat(), NOW).is_err());
    assert_eq!(theirs.to_record(), before);
    assert!(theirs.open(&message, NOW).is_ok());
}

/// P-131, T-034: a member has all keys of an epoch but the signing key, and cannot write in its sender's name.
#[test]
fn a_member_cannot_speak_for_another() {
    let ((ours, theirs), mut rng) = (pair(22), rng(23));
    let distribution = ours.distribution(None);
    let mut forger = SendingEpoch::begin(*ours.id(), NOW, &mut rng);
    forger.chain = crate::ratchet::chain::ChainKey(distribution.chain.duplicate());
    forger.header_key = super::super::header_key::HeaderKey::new(distribution.header_key.duplicate());
    let forged = forger.encrypt(b"I resign", &mut rng).unwrap();
    assert_eq!(theirs.open(&forged, NOW).err(), Some(OpenError::Authentication));
}

/// P-131, T-035: the same keys under another group, account, device, roster or generation open nothing.
#[test]
fn a_message_is_bound_to_everything_its_epoch_is() {
    let ((mut ours, _), mut rng) = (pair(24), rng(25));
    let distribution = ours.distribution(None);
    let message = ours.encrypt(b"bound", &mut rng).unwrap();
    let id = *ours.id();
    let mut other_head = id.head;
    other_head.hash[31] ^= 1;
    let mut longer = id.head;
    longer.length += 1;
    let others = [
        EpochId {
            group: GroupId::new([1; 32]),
            ..id
        },
        EpochId {
            account: AccountId::new([1; 32]),
            ..id
        },
        EpochId {
            device: DeviceId::new([1; 16]),
            ..id
        },
        EpochId {
            head: other_head,
            ..id
        },
        EpochId { head: longer, ..id },
        EpochId { generation: 1, ..id },
    ];
    for other in others {
        let epoch = ReceivingEpoch::begin(other, &distribution);
        assert_eq!(epoch.open(&message, NOW).err(), Some(OpenError::Authentication));
    }
    assert!(
        ReceivingEpoch::begin(id, &distribution)
            .open(&message, NOW)
            .is_ok()
    );
}

/// P-131: the signature does not open without the header key, so nobody outside can tell whose it is.
#[test]
fn nothing_outside_names_the_sender() {
    let ((mut ours, _), mut rng) = (pair(26), rng(27));
    let message = ours.encrypt(&[0; 256], &mut rng).unwrap();
    let id = ours.id();
    for part in [
        &id.group.as_bytes()[..],
        id.account.as_bytes(),
        id.device.as_bytes(),
        &id.head.hash,
    ] {
        assert!(!message.windows(8).any(|window| window == &part[..8]));
    }
}

/// P-130: what a distribution must be.
#[test]
fn a_distribution_that_is_none_is_refused_by_name() {
    use super::super::Distribution;
    use chopar_wire::proto::group as proto;
    let (ours, _) = pair(28);
    let access = || proto::Access {
        head: Some((&ours.id().head).into()),
        ..proto::Access::default()
    };
    let whole = ours.distribution(Some(ours.closed())).to_proto(access());
    let back = Distribution::try_from(&whole).unwrap();
    assert_eq!((back.head, back.before), (ours.id().head, Some(ours.closed())));
    let refused = |change: &dyn Fn(&mut proto::Distribution)| {
        let mut altered = whole.clone();
        change(&mut altered);
        Distribution::try_from(&altered).unwrap_err().0
    };
    assert_eq!(refused(&|d| d.access = None), "head");
    assert_eq!(refused(&|d| d.chain_key.truncate(31)), "chain key");
    assert_eq!(refused(&|d| d.header_key.clear()), "header key");
    assert_eq!(refused(&|d| d.signing_key = vec![0; 32].into()), "signing key");
    assert_eq!(refused(&|d| d.first = u32::MAX), "first message");
    let long = |d: &mut proto::Distribution| d.before.as_mut().unwrap().length = u32::MAX;
    assert_eq!(refused(&long), "length of the epoch before");
    assert!(!format!("{back:?}").contains(&hex::encode(&whole.chain_key[..4])));
}
