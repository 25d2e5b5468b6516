//! What was asked, answered and delivered, and whether it fits: every message that the relay acknowledged is delivered to
//! the client exactly once, or reported expired; nothing is delivered that nobody sent.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Mutex;

/// Messages by their number.
#[derive(Default)]
pub struct History(Mutex<HashMap<u32, Message>>);

#[derive(Clone, Debug, Default)]
struct Message {
    /// The relay said that it has it.
    acknowledged: bool,
    /// Handed to the client, with the queue's numbers. More than once only while the relay had not heard the thanks.
    delivered: Vec<u64>,
    /// The relay said that it heard the thanks.
    settled: bool,
    /// Delivered although the relay had heard the thanks.
    again: bool,
    /// Its sender was told, or can know by the clock, that it waited too long.
    expired: bool,
    sent: bool,
}

impl History {
    pub fn sent(&self, number: u32) {
        self.change(number, |message| message.sent = true);
    }

    pub fn acknowledged(&self, number: u32) {
        self.change(number, |message| message.acknowledged = true);
    }

    pub fn delivered(&self, number: u32, seq: u64) {
        self.change(number, |message| {
            message.again |= message.settled;
            message.delivered.push(seq);
        });
    }

    pub fn settled(&self, number: u32) {
        self.change(number, |message| message.settled = true);
    }

    /// What was acknowledged and is not delivered has expired by now.
    pub fn all_expired(&self) {
        let mut all = self.0.lock().unwrap();
        for message in all.values_mut().filter(|message| message.delivered.is_empty()) {
            message.expired = true;
        }
    }

    fn change(&self, number: u32, change: impl FnOnce(&mut Message)) {
        change(self.0.lock().unwrap().entry(number).or_default());
    }

    pub fn count_acknowledged(&self) -> usize {
        self.0
            .lock()
            .unwrap()
            .values()
            .filter(|message| message.acknowledged)
            .count()
    }

    /// Something was acknowledged that is neither delivered nor expired yet.
    pub fn is_open(&self) -> bool {
        let all = self.0.lock().unwrap();
        all.values()
            .any(|message| message.acknowledged && message.delivered.is_empty() && !message.expired)
    }

    /// Everything that does not fit, in words; empty where all fits.
    pub fn faults(&self) -> String {
        let all = self.0.lock().unwrap();
        let mut faults = String::new();
        for (number, message) in all.iter() {
            let lost = message.acknowledged && message.delivered.is_empty() && !message.expired;
            // One number is one envelope: handed over again it comes under the number it had.
            let renumbered = message.delivered.windows(2).any(|pair| pair[0] != pair[1]);
            let invented = !message.sent;
            let both = message.expired && !message.delivered.is_empty();
            for (wrong, what) in [
                (lost, "acknowledged and lost"),
                (message.again, "delivered after it was settled"),
                (renumbered, "stored twice"),
                (invented, "delivered, and never sent"),
                (both, "delivered, and expired"),
            ] {
                if wrong {
                    writeln!(faults, "{number}: {what}: {message:?}").unwrap();
                }
            }
        }
        faults
    }

    /// Fails the test where something does not fit, or too little happened to say so.
    pub fn check(&self, at_least: usize) {
        let faults = self.faults();
        assert!(faults.is_empty(), "{faults}");
        let count = self.count_acknowledged();
        assert!(count >= at_least, "only {count} were acknowledged");
    }
}
