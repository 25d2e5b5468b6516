//! The way between nodes: `NOTIFY` and `LISTEN` over a connection of their own.
//!
//! ```text
//!  books, registry ──> tell ──> outbox (gathered) ──> pg_notify, many notes in one ──> every node's LISTEN ──> Here
//!                                       after a time away: LISTEN first, then look at every own queue, then ask who is there
//! ```
//! A notice is sent outside the transaction it speaks of: commits that carry one stand in line for the whole server. So it
//! may be lost with its node, and every node looks at its own devices' queues from time to time.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chopar_wire::close::CloseCode;
use chopar_wire::ids::DeviceId;
use prost::bytes::Bytes;
use tokio::sync::{Notify, mpsc};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Client};

use super::link::PATIENCE;
use super::queue;
use super::readers::Readers;
use super::target::{Target, TargetError};
use crate::nodes::{Here, Note, Others};

/// Bytes of notes in one message: in base64 they stay below PostgreSQL's 8,000 with what names the sender.
const MESSAGE_BYTES: usize = 5_800;
/// Devices that may be waiting to be named. Beyond it they are found by the others' own looks.
const WAITING_MAX: usize = 100_000;
/// Other notes that may wait. Signals beyond it are dropped, as they are for those who are not there.
const NOTES_MAX: usize = 4_096;
/// Signals that may wait: a second's worth of typing that crosses nodes.
const SIGNALS_MAX: usize = 512;
/// Messages that may wait to be heard: as much as several nodes say in a busy second.
const HEARD_MAX: usize = 1_024;
/// How often every node looks whether something waits for its devices: what a node that died could not say any more comes
/// with this delay.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// Devices in one look.
const LOOK_AT_ONCE: usize = 1_000;
/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(500);
/// Channel of this version's notes.
const CHANNEL: &str = "chopar_1";

/// Notes that wait for their way.
#[derive(Default)]
struct Outbox {
    waiting: HashSet<DeviceId>,
    notes: VecDeque<Note>,
    signals: usize,
}

/// This node's voice and ear.
pub(super) struct Bus {
    outbox: Mutex<Outbox>,
    filled: Notify,
    /// Tells this node's own messages from others'.
    name: String,
}

impl Others for Bus {
    fn tell(&self, note: Note) {
        let mut outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        let outbox = &mut *outbox;
        match note {
            Note::Waiting(device) => {
                if outbox.waiting.len() < WAITING_MAX {
                    outbox.waiting.insert(device);
                }
            }
            Note::Signal { .. } => {
                if outbox.signals < SIGNALS_MAX {
                    outbox.signals += 1;
                    outbox.notes.push_back(note);
                }
            }
            _ if outbox.notes.len() < NOTES_MAX => outbox.notes.push_back(note),
            // They find out by themselves: by their looks, and by asking who is there.
            _ => tracing::debug!("more is to be told to the other nodes than there is room for"),
        }
        self.filled.notify_one();
    }
}

impl Bus {
    pub(super) fn new(name: String) -> Self {
        Self {
            outbox: Mutex::default(),
            filled: Notify::new(),
            name,
        }
    }

    /// Starts listening and telling, until the task is ended.
    pub(super) fn start(
        self: &Arc<Self>,
        target: Target,
        here: Arc<dyn Here>,
        readers: Arc<Readers>,
    ) -> JoinHandle<()> {
        let desk = Desk {
            bus: Arc::clone(self),
            target,
            here,
            readers,
        };
        tokio::spawn(desk.work())
    }

    /// As many notes as fit one message, `None` where there are none.
    fn next_message(&self) -> Option<String> {
        let mut outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = Vec::new();
        let mut fits = |note: &Note| {
            let before = bytes.len();
            note.write(&mut bytes);
            if bytes.len() > MESSAGE_BYTES {
                bytes.truncate(before);
            }
            bytes.len() > before
        };
        while let Some(note) = outbox.notes.pop_front() {
            if !fits(&note) {
                outbox.notes.push_front(note);
                break;
            }
            outbox.signals -= usize::from(matches!(note, Note::Signal { .. }));
        }
        outbox.waiting.retain(|device| !fits(&Note::Waiting(*device)));
        (!bytes.is_empty()).then(|| format!("{} {}", self.name, STANDARD_NO_PAD.encode(bytes)))
    }
}

/// The bus's task.
struct Desk {
    bus: Arc<Bus>,
    target: Target,
    here: Arc<dyn Here>,
    readers: Arc<Readers>,
}

/// A connection that listens.
struct Ear {
    client: Client,
    driver: AbortHandle,
    heard: mpsc::Receiver<String>,
    /// Messages were left out.
    missed: Arc<std::sync::atomic::AtomicBool>,
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Desk {
    async fn work(self) {
        loop {
            match self.listen().await {
                Ok(mut ear) => self.converse(&mut ear).await,
                Err(fault) => tracing::warn!(%fault, "no connection to the other nodes"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn listen(&self) -> Result<Ear, TargetError> {
        let (sender, heard) = mpsc::channel(HEARD_MAX);
        let missed = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let note_missed = Arc::clone(&missed);
        let (client, driver) = self
            .target
            .connect_and_hear(move |message| {
                if let AsyncMessage::Notification(notice) = message
                    && sender.try_send(notice.payload().to_owned()).is_err()
                {
                    note_missed.store(true, std::sync::atomic::Ordering::Release);
                }
            })
            .await?;
        let ear = Ear {
            client,
            driver,
            heard,
            missed,
        };
        // Notes are no records: nobody waits for a disk because of them.
        let begin = format!("SET synchronous_commit = off; LISTEN {CHANNEL}");
        tokio::time::timeout(PATIENCE, ear.client.batch_execute(&begin))
            .await
            .map_err(|_| TargetError::Silent)??;
        Ok(ear)
    }

    /// Hears and tells until the connection ends.
    async fn converse(&self, ear: &mut Ear) {
        // What was said while nobody listened: the queues are looked at, and the others name their devices.
        self.bus.tell(Note::WhoIsThere);
        let mut look = tokio::time::interval_at(Instant::now(), LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                heard = ear.heard.recv() => match heard {
                    Some(message) => self.hear(&message),
                    None => return,
                },
                () = self.bus.filled.notified() => {
                    if !self.tell(ear).await {
                        return;
                    }
                }
                _ = look.tick() => self.look().await,
            }
            if ear.missed.swap(false, std::sync::atomic::Ordering::AcqRel) {
                tracing::warn!("the other nodes say more than this one can hear; it looks for itself");
                self.look().await;
                self.bus.tell(Note::WhoIsThere);
            }
        }
    }

    /// Sends what waits. `false`: the connection is gone; what was not sent waits on.
    async fn tell(&self, ear: &Ear) -> bool {
        while let Some(message) = self.bus.next_message() {
            let values: [(&(dyn ToSql + Sync), Type); 2] = [(&CHANNEL, Type::TEXT), (&message, Type::TEXT)];
            let sending = ear.client.query_typed("SELECT pg_notify($1, $2)", &values);
            if !matches!(tokio::time::timeout(PATIENCE, sending).await, Ok(Ok(_))) {
                return false;
            }
        }
        true
    }

    fn hear(&self, message: &str) {
        let Some((name, text)) = message.split_once(' ') else {
            return;
        };
        if name == self.bus.name {
            return;
        }
        let Ok(bytes) = STANDARD_NO_PAD.decode(text) else {
            return;
        };
        let mut bytes = Bytes::from(bytes);
        while let Some(note) = Note::read(&mut bytes) {
            match note {
                Note::WhoIsThere => {
                    for (device, connection) in self.here.devices() {
                        self.bus.tell(Note::Entered { device, connection });
                    }
                }
                note => self.here.hear(note),
            }
        }
    }

    /// Wakes the devices here for which something waits, and ends those that were revoked.
    async fn look(&self) {
        let devices: Vec<DeviceId> = self
            .here
            .devices()
            .into_iter()
            .map(|(device, _)| device)
            .collect();
        for some in devices.chunks(LOOK_AT_ONCE) {
            let some = some.to_vec();
            let found = self
                .readers
                .run(move |link| Box::pin(async move { queue::look(link, &some).await }))
                .await;
            match found {
                Ok(found) => {
                    for (device, active) in found {
                        self.here.hear(match active {
                            true => Note::Waiting(device),
                            false => Note::Close {
                                device,
                                code: CloseCode::Revoked,
                            },
                        });
                    }
                }
                Err(fault) => {
                    tracing::warn!(%fault, "it is not known for whom something waits; it is looked for again");
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_gathered_and_bounded() {
        let bus = Bus::new("a".to_owned());
        let device = |n: u32| {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&n.to_be_bytes());
            DeviceId::new(bytes)
        };
        for n in 0..1000 {
            bus.tell(Note::Waiting(device(n)));
            bus.tell(Note::Waiting(device(n)));
        }
        for _ in 0..2 * SIGNALS_MAX {
            bus.tell(Note::Signal {
                account: chopar_wire::ids::AccountId::new([1; 32]),
                device: device(1),
                body: Bytes::from(vec![0; 1024]),
            });
        }
        let (mut waiting, mut signals) = (HashSet::new(), 0);
        while let Some(message) = bus.next_message() {
            assert!(message.len() < 8_000, "{}", message.len());
            let text = message.strip_prefix("a ").unwrap();
            let mut bytes = Bytes::from(STANDARD_NO_PAD.decode(text).unwrap());
            while let Some(note) = Note::read(&mut bytes) {
                match note {
                    Note::Waiting(device) => assert!(waiting.insert(device), "named once"),
                    Note::Signal { .. } => signals += 1,
                    other => panic!("{other:?}"),
                }
            }
        }
        assert_eq!((waiting.len(), signals), (1000, SIGNALS_MAX));
    }
}
