//! The own account log, and entries that are withheld: what is wrong is said on every page, and within one exchanged message.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must stop"
)]

mod common;

use chopar_engine::simulator::World;
use chopar_engine::view::{Alarm, OwnDevices};
use chopar_engine::{Answer, Event, Intent};
use chopar_identity::LogHead;
use chopar_wire::proto::identity::Entry;
use chopar_wire::proto::relay::SuspendedDevices;
use chopar_wire::proto::relay::relay_frame::Body;
use chopar_wire::{AccountId, DeviceId};

use crate::common::{four_devices, friends, open, people, send, shown};

/// From now on the relay shows these entries of one account's log to one person, at sign-in too, and swallows what it would
/// have to answer with others.
fn show_log(world: &mut World, to: usize, account: AccountId, entries: Vec<Entry>, head: LogHead, own: bool) {
    world.tamper = Some(Box::new(move |person, body| {
        match body {
            Body::Log(log) if person == to && log.account.as_ref() == account.as_bytes() => {
                log.entries = entries.get(log.from as usize..).unwrap_or_default().to_vec();
                log.head = Some((&head).into());
            }
            Body::DeviceMismatch(mismatch)
                if person == to && mismatch.account.as_ref() == account.as_bytes() =>
            {
                return false;
            }
            Body::SignedIn(signed_in) if person == to && own => signed_in.log_head = Some((&head).into()),
            _ => {}
        }
        true
    }));
}

fn own_devices(world: &mut World, person: usize) -> OwnDevices {
    match world.ask_now(person, Intent::Snapshot) {
        Answer::Snapshot(snapshot) => snapshot.own_devices,
        _ => panic!("a snapshot"),
    }
}

/// What was last told to the tabs.
fn told(world: &World, person: usize) -> Option<OwnDevices> {
    world.persons[person]
        .told
        .iter()
        .rev()
        .find_map(|event| match event {
            Event::OwnDevicesChanged(devices) => Some(devices.clone()),
            _ => None,
        })
}

fn alarm(world: &World, person: usize, peer: &AccountId) -> Option<Alarm> {
    world.persons[person].rows[peer].alarm
}

/// The head and the entries of a log before its last change.
fn before(world: &World, account: &AccountId) -> (Vec<Entry>, LogHead) {
    let log = world.relay.log(account);
    let entries = log.entries(0);
    let length = log.length() - 1;
    let hash = log.prefix_hash(length).unwrap();
    (entries[..length as usize].to_vec(), LogHead { length, hash })
}

/// P-024, T-003: the relay freezes what it shows of Bob's log; one message of his finds it out.
#[test]
fn withheld_entries_are_found_out_by_one_message() {
    let (mut world, accounts) = friends(91);
    let _ = world.fork(1);
    let (entries, head) = before(&world, &accounts[1]);
    show_log(&mut world, 0, accounts[1], entries, head, false);
    // The next sign-in tells Bob's browser of its own log's last entry.
    world.drop_connection(1);
    world.run_for(30_000);
    send(&mut world, 1, accounts[0], 1);
    world.run_for(70_000);
    assert_eq!(shown(&world, 0, &accounts[1]).len(), 2, "receiving goes on");
    assert_eq!(alarm(&world, 0, &accounts[1]), Some(Alarm::LogWithheld));
    world.crash(0);
    world.run_for(10_000);
    assert_eq!(alarm(&world, 0, &accounts[1]), Some(Alarm::LogWithheld), "kept");
    world.tamper = None;
    world.run_for(300_000);
    assert_eq!(
        alarm(&world, 0, &accounts[1]),
        None,
        "over as soon as it is shown"
    );
}

/// P-024, T-002: a device in the own log that nobody of the own let in.
#[test]
fn a_ghost_in_the_own_log_is_refused_and_said_everywhere() {
    use chopar_wire::prost::Message;
    let (mut world, accounts) = friends(92);
    let log = world.relay.log(&accounts[1]).clone();
    let mut entries = log.entries(0).to_vec();
    let mut ghost = entries[1].clone();
    let mut body = chopar_wire::proto::identity::EntryBody::decode(ghost.body.clone()).unwrap();
    body.position = 2;
    ghost.body = body.encode_to_vec().into();
    let head = LogHead {
        length: 3,
        hash: [7; 32],
    };
    entries.push(ghost);
    show_log(&mut world, 1, accounts[1], entries, head, true);
    assert_eq!(own_devices(&mut world, 1), OwnDevices::default());
    world.drop_connection(1);
    world.run_for(60_000);
    let said = OwnDevices {
        suspended: Vec::new(),
        alarm: Some(Alarm::LogForged),
        new: Vec::new(),
    };
    assert_eq!(own_devices(&mut world, 1), said);
    assert_eq!(told(&world, 1), Some(said));
    world.tamper = None;
    world.run_for(300_000);
    assert_eq!(told(&world, 1), Some(OwnDevices::default()), "and its end too");
}

/// P-024, P-280, T-003: the own log, shorter than it was.
#[test]
fn a_rolled_back_own_log_is_said_until_it_is_shown_again() {
    let (mut world, accounts) = friends(93);
    let (entries, head) = before(&world, &accounts[1]);
    show_log(&mut world, 1, accounts[1], entries, head, true);
    world.drop_connection(1);
    world.run_for(60_000);
    assert_eq!(own_devices(&mut world, 1).alarm, Some(Alarm::LogRolledBack));
    world.crash(1);
    world.run_for(300_000);
    assert_eq!(own_devices(&mut world, 1).alarm, Some(Alarm::LogRolledBack));
    world.tamper = None;
    world.crash(1);
    world.run_for(300_000);
    assert_eq!(own_devices(&mut world, 1).alarm, None);
    // Conversations go on: others are reached through their logs.
    send(&mut world, 1, accounts[0], 1);
    world.run_for(5_000);
    assert_eq!(shown(&world, 0, &accounts[1]).len(), 2);
}

/// T-004: somebody lets a device in with a stolen key, and the relay hides it from its owner; a contact's message says it.
#[test]
fn what_is_hidden_of_the_own_log_is_found_out_by_a_contact() {
    let (mut world, accounts) = friends(94);
    let _ = world.fork(1);
    let (entries, head) = before(&world, &accounts[1]);
    show_log(&mut world, 1, accounts[1], entries, head, true);
    // The first submission tells Alice of the entry, after it was encrypted; her next message tells Bob.
    send(&mut world, 0, accounts[1], 1);
    world.run_for(30_000);
    assert_eq!(own_devices(&mut world, 1).alarm, None);
    send(&mut world, 0, accounts[1], 2);
    world.run_for(30_000);
    assert_eq!(own_devices(&mut world, 1).alarm, Some(Alarm::LogDisputed));
    assert_eq!(shown(&world, 1, &accounts[0]).len(), 3);
    world.tamper = None;
    world.run_for(300_000);
    assert_eq!(own_devices(&mut world, 1), OwnDevices::default());
}

/// A device that is let in is said loudly on the others, across restarts, until it was looked at.
#[test]
fn a_new_own_device_is_said_until_it_is_looked_at() {
    let (mut world, accounts) = people(95, 3);
    open(&mut world, 0, 1, accounts[1]);
    world.reset(2);
    world.link(2, 1);
    world.drop_connection(1);
    world.run_for(30_000);
    let new = told(&world, 1).expect("told").new;
    assert_eq!((new.len(), new[0].name.as_str()), (1, "Second"));
    assert!(told(&world, 2).is_none(), "the new one knows of itself");
    world.crash(1);
    world.run_for(10_000);
    assert_eq!(own_devices(&mut world, 1).new, new);
    assert!(world.ask_now(1, Intent::DevicesSeen) == Answer::Done);
    assert_eq!(told(&world, 1), Some(OwnDevices::default()));
    world.crash(1);
    world.run_for(10_000);
    assert_eq!(own_devices(&mut world, 1), OwnDevices::default());
}

/// From the next connection on the relay says that these devices are suspended, instead of that the queue is empty.
fn suspend(world: &mut World, person: usize, devices: &[Vec<u8>]) {
    let devices: Vec<_> = devices.iter().cloned().map(Into::into).collect();
    world.tamper = Some(Box::new(move |to, body| {
        if to == person && matches!(body, Body::QueueEmpty(_)) {
            *body = Body::SuspendedDevices(SuspendedDevices {
                devices: devices.clone(),
            });
        }
        true
    }));
    world.drop_connection(person);
    world.run_for(60_000);
}

/// P-222: who is asked to revoke what an administrator suspended hears of it, and may do it.
#[test]
fn a_suspended_device_is_named_to_the_others_until_it_is_revoked() {
    let (mut world, [alice, _]) = four_devices(480);
    let Answer::Devices(own) = world.ask_now(0, Intent::Devices) else {
        panic!("the own devices")
    };
    let device = |this: bool| own.iter().find(|device| device.this == this).unwrap().device;
    let devices = [device(true), device(false)];
    let bytes = |id: &DeviceId| id.as_bytes().to_vec();
    // This device, one of nobody, and what is no id: none of them is somebody's to revoke.
    suspend(
        &mut world,
        0,
        &[bytes(&devices[0]), vec![9; 16], vec![1; 3], bytes(&devices[1])],
    );
    let named = |own: &OwnDevices| {
        own.suspended
            .iter()
            .map(|device| device.device)
            .collect::<Vec<_>>()
    };
    assert_eq!(named(&own_devices(&mut world, 0)), [devices[1]]);
    assert_eq!(
        told(&world, 0).map(|told| named(&told)),
        Some(vec![devices[1]]),
        "every tab hears of it"
    );
    assert!(
        own_devices(&mut world, 2).suspended.is_empty(),
        "the device itself was told nothing"
    );

    // A relay that says so no more: it is over.
    world.tamper = None;
    world.drop_connection(0);
    world.run_for(60_000);
    assert!(own_devices(&mut world, 0).suspended.is_empty());

    // Revoked: there is nothing left to do, whatever the relay says.
    suspend(&mut world, 0, &[bytes(&devices[1])]);
    assert!(world.ask_now(0, Intent::RevokeDevice { device: devices[1] }) == Answer::Done);
    world.run_for(60_000);
    assert!(own_devices(&mut world, 0).suspended.is_empty());
    assert_eq!(
        told(&world, 0).map(|told| told.suspended.len()),
        Some(0),
        "and every tab hears of that"
    );
    assert_eq!(world.relay.log(&alice).active_devices().len(), 1);
}
