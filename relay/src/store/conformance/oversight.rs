//! Acts of administrators and the audit log, as every store must do them.

use chopar_wire::GroupRecipient;
use chopar_wire::ids::GroupSubmissionId;
use chopar_wire::proto::audit::{Kind, Record};
use prost::Message;

use super::*;
use crate::audit::chain::{CHECKPOINT_EVERY_MS, SIGN_INS_KEPT_MS};
use crate::audit::node::{NodeId, NodeKey};
use crate::audit::record;
use crate::audit::verify::{Report, Verifier};
use crate::store::administration::{Act, ListedDevice, Outcome};
use crate::store::{GroupSubmission, GroupSubmitted};

/// What administrators do, as an owner's account.
const BY: Actor = Actor::Account(AccountId::new([77; 32]));

impl Bench {
    fn node(&self) -> NodeId {
        NodeKey::of_folder(self.folder.path()).unwrap().id()
    }

    async fn act(&self, act: Act) -> Outcome {
        self.store.administer(act, BY).await.unwrap()
    }

    /// The kinds of all records, by name.
    async fn kinds(&self) -> Vec<&'static str> {
        let rows = self.store.audit_page(self.node(), 0, 1000).await.unwrap();
        let records = rows.iter().map(|row| Record::decode(row.record.clone()).unwrap());
        records.map(|record| record.kind().as_str_name()).collect()
    }

    async fn verified(&self) -> Report {
        let rows = self.store.audit_page(self.node(), 0, 10_000).await.unwrap();
        let chains = self.store.audit_chains().await.unwrap();
        let mut verifier = Verifier::new(self.node());
        rows.iter().for_each(|row| verifier.look_for_checkpoints(row));
        rows.iter().for_each(|row| verifier.take(row));
        verifier.finish(Some(chains[0].1))
    }

    /// A second device, numbered `device`, in the log of an account.
    async fn second_device(&self, number: u8, device: u8) -> Head {
        let head = Head {
            length: 3,
            hash: [device ^ 0x40; 32],
        };
        let append = Append {
            account: account(number),
            parent: head_of(number),
            entry: LogEntry {
                encoded: Bytes::from_static(b"entry"),
                hash: head.hash,
            },
            added: vec![new_device(device)],
            removed: Vec::new(),
        };
        assert_eq!(self.store.append_log(append).await.unwrap(), Appended::Done);
        head
    }
}

/// P-220, P-221.
async fn nothing_is_stored_for_a_suspended_device(open: Open) {
    let bench = Bench::new(open);
    bench.account(1).await;
    let head = bench.second_device(1, 2).await;
    let send = async |id: u8| {
        let mut both = submission(1, id, b"x", DAY);
        both.head = Some(head);
        let mut other = both.parcels[0].clone();
        other.device = device(2);
        both.parcels.push(other);
        bench.store.submit(both).await.unwrap()
    };
    assert!(accepted(&send(1).await));
    let suspend = Act::Suspend {
        account: account(1),
        device: device(2),
    };
    assert_eq!(bench.act(suspend.clone()).await, Outcome::Done);
    assert_eq!(bench.act(suspend).await, Outcome::AsItWas);
    assert!(bench.queue(2).await.is_empty(), "what waited is gone");
    assert!(
        accepted(&send(2).await),
        "contacts still name every device of the log"
    );
    assert!(bench.queue(2).await.is_empty());
    assert_eq!(bench.queue(1).await.len(), 2, "the other device gets everything");
    let facts = bench.store.sign_in(account(1), device(2)).await.unwrap().unwrap();
    assert!(facts.suspended && facts.any_suspended && facts.active && !facts.disabled);
    let facts = bench.store.sign_in(account(1), device(1)).await.unwrap().unwrap();
    assert!(!facts.suspended && facts.any_suspended);
    let listed = |suspended| {
        vec![
            ListedDevice {
                device: device(1),
                suspended: false,
            },
            ListedDevice {
                device: device(2),
                suspended,
            },
        ]
    };
    assert_eq!(bench.store.devices(account(1)).await.unwrap(), Some(listed(true)));

    let bench = bench.reopen().await;
    let resume = Act::Resume {
        account: account(1),
        device: device(2),
    };
    assert_eq!(bench.act(resume).await, Outcome::Done);
    assert_eq!(
        bench.store.devices(account(1)).await.unwrap(),
        Some(listed(false))
    );
    let mut both = submission(1, 3, b"x", DAY);
    both.head = Some(head);
    let mut other = both.parcels[0].clone();
    other.device = device(2);
    both.parcels.push(other);
    assert!(accepted(&bench.store.submit(both).await.unwrap()));
    assert_eq!(bench.queue(2).await.len(), 1);
    for unknown in [device(9), device(3)] {
        let act = Act::Suspend {
            account: account(1),
            device: unknown,
        };
        assert_eq!(bench.act(act).await, Outcome::NoSuchDevice);
    }
}

/// P-221.
async fn nothing_is_taken_for_a_disabled_member(open: Open) {
    let bench = Bench::new(open);
    bench.account(1).await;
    assert!(accepted(&bench.submit(1, 1, b"x", DAY).await));
    assert_eq!(bench.act(Act::Disable(account(1))).await, Outcome::Done);
    assert!(bench.queue(1).await.is_empty());
    assert_eq!(bench.submit(1, 2, b"x", DAY).await, Submitted::NoAccount);
    assert!(
        bench
            .store
            .sign_in(account(1), device(1))
            .await
            .unwrap()
            .unwrap()
            .disabled
    );
    assert!(
        bench
            .store
            .find(vec!["handle1".to_owned()], 9)
            .await
            .unwrap()
            .is_empty()
    );
    let member = bench
        .store
        .member_named("handle1".to_owned())
        .await
        .unwrap()
        .unwrap();
    assert!(member.disabled && member.account == account(1));
    assert_eq!(bench.act(Act::Enable(account(1))).await, Outcome::Done);
    assert!(accepted(&bench.submit(1, 2, b"x", DAY).await));
    assert_eq!(bench.act(Act::Enable(account(1))).await, Outcome::AsItWas);
    assert_eq!(bench.act(Act::Disable(account(9))).await, Outcome::NoSuchAccount);
    assert_eq!(bench.store.member_named("nobody".to_owned()).await.unwrap(), None);
}

/// P-221, P-240, P-242.
async fn a_group_leaves_out_who_is_suspended_and_names_who_is_disabled(open: Open) {
    let bench = Bench::new(open);
    for number in 1..=3 {
        bench.account(number).await;
    }
    let head = bench.second_device(2, 4).await;
    let send = async |id: u8| {
        let group = GroupSubmission {
            id: GroupSubmissionId::new([id; 16]),
            body: Bytes::from_static(b"all"),
            lifetime: DAY,
            recipients: vec![
                GroupRecipient::new(account(2), &head.hash),
                GroupRecipient::new(account(3), &head_of(3).hash),
            ],
            except: device(1),
        };
        bench.store.submit_group(group).await.unwrap()
    };
    let is_taken =
        |answer: &GroupSubmitted| matches!(answer, GroupSubmitted::Accepted { full, .. } if full.is_empty());
    let waiting = async || {
        [
            bench.queue(2).await.len(),
            bench.queue(4).await.len(),
            bench.queue(3).await.len(),
        ]
    };
    let (account_2, device_4) = (account(2), device(4));
    assert!(is_taken(&send(1).await));
    assert_eq!(waiting().await, [1, 1, 1]);

    let suspend = Act::Suspend {
        account: account_2,
        device: device_4,
    };
    assert_eq!(bench.act(suspend).await, Outcome::Done);
    assert!(is_taken(&send(2).await));
    assert_eq!(
        waiting().await,
        [2, 0, 2],
        "the others keep the body and get the next"
    );

    assert_eq!(bench.act(Act::Disable(account(3))).await, Outcome::Done);
    let gone = GroupSubmitted::Mismatch {
        behind: vec![],
        gone: vec![account(3)],
    };
    assert_eq!(send(3).await, gone);
    assert_eq!(waiting().await, [2, 0, 0], "nothing is stored for anybody");
    let page = bench.store.queue(device(2), 0, 10, 1000).await.unwrap();
    assert!(page.envelopes.iter().all(|stored| &stored.body[..] == b"all"));

    let resume = Act::Resume {
        account: account_2,
        device: device_4,
    };
    assert_eq!(bench.act(resume).await, Outcome::Done);
    assert_eq!(bench.act(Act::Enable(account(3))).await, Outcome::Done);
    assert!(is_taken(&send(2).await));
    assert_eq!(waiting().await, [2, 1, 1], "the same again reaches who got none");
    let remove = Act::Remove {
        account: account(3),
        free_handle: false,
    };
    assert_eq!(bench.act(remove).await, Outcome::Done);
    assert_eq!(send(4).await, gone);
}

/// P-221: what a writer knows by heart does not outlive an act of another program on the same data.
async fn another_programs_act_holds_at_once(open: Open) {
    let bench = Bench::new(open);
    bench.account(1).await;
    assert!(accepted(&bench.submit(1, 1, b"x", DAY).await));
    let beside = open(bench.folder.path(), bench.clock.clone(), listener(&bench.told));
    assert_eq!(
        beside.administer(Act::Disable(account(1)), BY).await.unwrap(),
        Outcome::Done
    );
    assert_eq!(bench.submit(1, 2, b"x", DAY).await, Submitted::NoAccount);
    assert_eq!(
        beside.administer(Act::Enable(account(1)), BY).await.unwrap(),
        Outcome::Done
    );
    assert!(accepted(&bench.submit(1, 2, b"x", DAY).await));
    beside.close().await.unwrap();
    assert_eq!(bench.verified().await.faults, []);
}

/// P-223, T-050.
async fn what_was_removed_is_not_taken_again(open: Open) {
    let bench = Bench::new(open);
    bench.account(1).await;
    bench
        .store
        .add_one_time(device(1), vec![(1, Bytes::from_static(b"pair"))])
        .await
        .unwrap();
    bench.submit(1, 1, b"x", DAY).await;
    let remove = |free_handle| Act::Remove {
        account: account(1),
        free_handle,
    };
    assert_eq!(bench.act(remove(false)).await, Outcome::Done);
    assert_eq!(bench.act(remove(false)).await, Outcome::NoSuchAccount);
    assert!(bench.queue(1).await.is_empty());
    assert_eq!(bench.submit(1, 2, b"x", DAY).await, Submitted::NoAccount);
    assert_eq!(bench.store.sign_in(account(1), device(1)).await.unwrap(), None);
    assert_eq!(bench.store.log(account(1), 0, 1000).await.unwrap(), None);
    assert_eq!(bench.store.devices(account(1)).await.unwrap(), None);
    assert_eq!(
        bench.store.claim(account(1), device(1)).await.unwrap(),
        Claim::NoDevice
    );
    assert!(bench.store.members(String::new(), 9).await.unwrap().is_empty());
    assert!(
        bench
            .store
            .find(vec!["handle1".to_owned()], 9)
            .await
            .unwrap()
            .is_empty()
    );

    let token = bench.invite(9, Role::Member, 9).await;
    let register = async |change: &dyn Fn(&mut NewAccount)| {
        let mut new = new_account(2, token);
        change(&mut new);
        bench.store.register(new).await.unwrap()
    };
    let same_handle = |new: &mut NewAccount| new.handle = "handle1".to_owned();
    assert_eq!(
        register(&|new| *new = new_account(1, token)).await,
        Registration::AccountExists
    );
    assert_eq!(register(&same_handle).await, Registration::HandleTaken);
    assert_eq!(
        register(&|new| new.devices = vec![new_device(1)]).await,
        Registration::DeviceExists
    );
    assert_eq!(
        bench.act(Act::FreeHandle("handle1".to_owned())).await,
        Outcome::Done
    );
    assert_eq!(
        bench.act(Act::FreeHandle("handle1".to_owned())).await,
        Outcome::NotHeld
    );
    assert_eq!(register(&same_handle).await, Registration::Done(Role::Member));

    let freed = Act::Remove {
        account: account(2),
        free_handle: true,
    };
    assert_eq!(bench.act(freed).await, Outcome::Done);
    let third = |new: &mut NewAccount| {
        *new = new_account(3, token);
        same_handle(new);
    };
    assert_eq!(register(&third).await, Registration::Done(Role::Member));
    assert_eq!(bench.verified().await.faults, []);
}

/// P-224.
async fn the_last_owner_stays(open: Open) {
    let bench = Bench::new(open);
    for number in [1, 2] {
        let token = bench.invite(number, Role::Owner, 1).await;
        bench.store.register(new_account(number, token)).await.unwrap();
    }
    assert_eq!(bench.act(Act::Disable(account(1))).await, Outcome::Done);
    let before = bench.kinds().await.len();
    assert_eq!(bench.act(Act::Disable(account(2))).await, Outcome::LastOwner);
    let remove = |number, free_handle| Act::Remove {
        account: account(number),
        free_handle,
    };
    assert_eq!(bench.act(remove(2, true)).await, Outcome::LastOwner);
    assert_eq!(
        bench.kinds().await.len(),
        before,
        "what was not done is not recorded"
    );
    assert_eq!(
        bench.act(remove(1, true)).await,
        Outcome::Done,
        "a disabled one may go"
    );
}

/// P-224: also where two programs act at the same moment.
async fn two_programs_leave_an_owner(open: Open) {
    let bench = Bench::new(open);
    for number in [1, 2] {
        let token = bench.invite(number, Role::Owner, 1).await;
        bench.store.register(new_account(number, token)).await.unwrap();
    }
    let beside = open(bench.folder.path(), bench.clock.clone(), listener(&bench.told));
    for _ in 0..10 {
        let (one, other) = tokio::join!(
            bench.store.administer(Act::Disable(account(1)), BY),
            beside.administer(Act::Disable(account(2)), BY)
        );
        let disabled = match (one.unwrap(), other.unwrap()) {
            (Outcome::Done, Outcome::LastOwner) => 1,
            (Outcome::LastOwner, Outcome::Done) => 2,
            others => panic!("{others:?}"),
        };
        assert_eq!(bench.act(Act::Enable(account(disabled))).await, Outcome::Done);
    }
    beside.close().await.unwrap();
    assert_eq!(bench.verified().await.faults, []);
}

/// P-221: also what another program stores at that moment.
async fn what_is_on_its_way_is_deleted_too(open: Open) {
    let bench = Bench::new(open);
    bench.account(1).await;
    let beside = open(bench.folder.path(), bench.clock.clone(), listener(&bench.told));
    let suspend = Act::Suspend {
        account: account(1),
        device: device(1),
    };
    let before = (0..100).map(|id| bench.store.submit(submission(1, id, b"x", DAY)));
    let before: Vec<_> = before.collect();
    let suspended = beside.administer(suspend, BY);
    let after = (100..200).map(|id| bench.store.submit(submission(1, id, b"x", DAY)));
    let after: Vec<_> = after.collect();
    assert_eq!(suspended.await.unwrap(), Outcome::Done);
    for answer in before.into_iter().chain(after) {
        assert!(accepted(&answer.await.unwrap()));
    }
    assert!(accepted(&bench.submit(1, 200, b"x", DAY).await));
    assert!(bench.queue(1).await.is_empty());
    beside.close().await.unwrap();
}

/// P-226.
async fn every_act_is_in_the_chain(open: Open) {
    let bench = Bench::new(open);
    bench.account(1).await;
    let invite = Invite {
        id: InviteId::new([8; 16]),
        role: Role::Auditor,
        uses_left: 3,
        expires: 9,
        created: 1,
    };
    bench
        .store
        .create_invite(invite.clone(), [8; 32], BY)
        .await
        .unwrap();
    assert!(bench.store.revoke_invite(invite.id, BY).await.unwrap());
    assert!(!bench.store.revoke_invite(invite.id, BY).await.unwrap());
    let (account, device) = (account(1), device(1));
    for act in [
        Act::Suspend { account, device },
        Act::Resume { account, device },
        Act::Disable(account),
        Act::Enable(account),
        Act::Remove {
            account,
            free_handle: true,
        },
    ] {
        assert_eq!(bench.act(act).await, Outcome::Done);
    }
    let bench = bench.reopen().await;
    bench.store.record(record::started()).await.unwrap();
    assert_eq!(
        bench.kinds().await,
        [
            Kind::ChainBegun,
            Kind::InviteCreated,
            Kind::MemberRegistered,
            Kind::InviteCreated,
            Kind::InviteRevoked,
            Kind::DeviceSuspended,
            Kind::DeviceResumed,
            Kind::MemberDisabled,
            Kind::MemberEnabled,
            Kind::MemberRemoved,
            Kind::HandleFreed,
            Kind::RelayStarted,
        ]
        .map(|kind| kind.as_str_name())
    );
    let report = bench.verified().await;
    assert_eq!((report.records, &report.faults[..]), (12, &[][..]));
    let rows = bench.store.audit_page(bench.node(), 5, 1).await.unwrap();
    let record = Record::decode(rows[0].record.clone()).unwrap();
    assert_eq!(rows[0].number, 6);
    assert_eq!((&record.by[..], &record.handle[..]), (&[77; 32][..], "handle1"));
    assert_eq!(
        (&record.account[..], &record.device[..]),
        (&[1; 32][..], &[1; 16][..])
    );
}

/// P-227.
async fn old_sign_ins_go_behind_a_checkpoint(open: Open) {
    let bench = Bench::new(open);
    bench.account(1).await;
    let sign_in = async || {
        let record = record::sign_in(account(1), device(1), true);
        bench.store.record(record).await.unwrap();
    };
    for _ in 0..700 {
        sign_in().await;
    }
    bench.act(Act::Disable(account(1))).await;
    assert!(!bench.store.prune_audit().await.unwrap(), "none is old");
    assert_eq!(bench.verified().await.records, 704);
    bench.clock.advance(SIGN_INS_KEPT_MS);
    sign_in().await;
    while bench.store.prune_audit().await.unwrap() {}
    let report = bench.verified().await;
    // The beginning, the invite, the registration, the act, the young sign-in, the checkpoint.
    assert_eq!((report.records, &report.faults[..]), (6, &[][..]));
    bench.clock.advance(CHECKPOINT_EVERY_MS - 1);
    bench.store.prune_audit().await.unwrap();
    assert_eq!(bench.verified().await.records, 6, "one checkpoint a day");
    let bench = bench.reopen().await;
    bench.clock.advance(SIGN_INS_KEPT_MS);
    bench.store.prune_audit().await.unwrap();
    let kinds = bench.kinds().await;
    assert_eq!(
        kinds
            .iter()
            .filter(|kind| **kind == Kind::Checkpoint.as_str_name())
            .count(),
        2
    );
    assert!(
        !kinds.contains(&Kind::SignedIn.as_str_name()) && kinds.contains(&Kind::MemberDisabled.as_str_name())
    );
    assert_eq!(bench.verified().await.faults, []);
}

async fn changes_of_standing_are_told_once(open: Open) {
    let bench = Bench::new(open);
    bench.account(1).await;
    bench.account(2).await;
    let begin = bench.store.standing(u64::MAX).await.unwrap();
    assert!(begin.changed.is_empty());
    bench.act(Act::Disable(account(1))).await;
    bench.act(Act::Enable(account(1))).await;
    let device = device(2);
    bench
        .act(Act::Suspend {
            account: account(2),
            device,
        })
        .await;
    let next = bench.store.standing(begin.latest).await.unwrap();
    let mut changed = next.changed;
    changed.sort();
    assert_eq!(changed, [account(1), account(2)]);
    let rest = bench.store.standing(next.latest).await.unwrap();
    assert!(rest.changed.is_empty() && rest.latest == next.latest);
}

/// P-229, P-093.
async fn a_restored_store_repeats_nothing(open: Open) {
    let bench = Bench::new(open);
    bench.account(1).await;
    let token = bench.invite(9, Role::Member, 9).await;
    bench
        .store
        .add_one_time(device(1), vec![(1, Bytes::from_static(b"pair"))])
        .await
        .unwrap();
    bench.submit(1, 1, b"x", DAY).await;
    let before = bench.queue(1).await[0].0;
    bench.store.after_restore().await.unwrap();
    match bench.store.claim(account(1), device(1)).await.unwrap() {
        Claim::Bundle { one_time, left, .. } => assert_eq!((one_time, left), (None, 0)),
        other => panic!("{other:?}"),
    }
    let late = bench.store.register(new_account(2, token)).await.unwrap();
    assert_eq!(late, Registration::InviteUnknown);
    bench.submit(1, 2, b"x", DAY).await;
    let queue = bench.queue(1).await;
    assert_eq!((queue.len(), queue[0].0), (2, before), "what waited still does");
    assert!(
        queue[1].0 - before > 1_000_000_000,
        "numbers that the lost relay may have used are jumped over"
    );
    assert_eq!(bench.kinds().await.last(), Some(&Kind::Restored.as_str_name()));
}

conformances!(
    sqlite: crate::store::conformance::open_sqlite,
    postgres: crate::store::conformance::open_postgres
    => [
        nothing_is_stored_for_a_suspended_device,
        nothing_is_taken_for_a_disabled_member,
        a_group_leaves_out_who_is_suspended_and_names_who_is_disabled,
        another_programs_act_holds_at_once,
        what_was_removed_is_not_taken_again,
        the_last_owner_stays,
        two_programs_leave_an_owner,
        what_is_on_its_way_is_deleted_too,
        every_act_is_in_the_chain,
        old_sign_ins_go_behind_a_checkpoint,
        changes_of_standing_are_told_once,
        a_restored_store_repeats_nothing,
    ]
);
