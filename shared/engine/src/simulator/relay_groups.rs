//! The relay model's part in groups: one body for many mailboxes, logs it cannot read.

use chopar_identity::{OpaqueAppend, OpaqueError, group_envelope_id};
use chopar_wire::prost::Message;
use chopar_wire::proto::identity::Signed;
use chopar_wire::proto::relay::relay_frame::Body as Say;
use chopar_wire::proto::relay::{
    AppendOpaque, Deliver, FetchOpaque, GroupAccepted, GroupMismatch, OpaqueLog, Reason, SubmitGroup,
};
use chopar_wire::{AccountId, DeviceId, GroupRecipient, GroupSubmissionId, OpaqueLogId};

use super::relay::{Out, Relay, refused};

/// Appends in one answer: few, so that answers come in parts.
const PAGE: usize = 3;

impl Relay {
    /// Every opaque log, by id: how many appends it has.
    pub fn opaque_logs(&self) -> Vec<(OpaqueLogId, usize)> {
        self.opaque
            .iter()
            .map(|(id, appends)| (*id, appends.len()))
            .collect()
    }

    /// Puts something of the relay's own making at the end of every opaque log. Nobody who follows it takes it.
    pub fn append_noise(&mut self) {
        for appends in self.opaque.values_mut() {
            let mut noise = appends.last().cloned().expect("a log has an append");
            noise.body = [&noise.body[..], &[0x08, 0x01]].concat().into();
            appends.push(noise);
        }
    }

    /// Loses everything that waits for devices, after having said that it has it.
    pub fn lose_waiting(&mut self) {
        self.queues.values_mut().for_each(|queue| queue.waiting.clear());
    }

    /// From now on an account is shown every opaque log as it is this moment.
    pub fn freeze_opaque(&mut self, viewer: AccountId) {
        for (id, appends) in &self.opaque {
            self.opaque_views.insert((viewer, *id), appends.clone());
        }
    }

    /// From now on an account is shown the truth.
    pub fn thaw_opaque(&mut self, viewer: &AccountId) {
        self.opaque_views.retain(|(who, _), _| who != viewer);
    }

    pub(super) fn submit_group(
        &mut self,
        from: &DeviceId,
        submit: &SubmitGroup,
        now: u64,
        out: &mut Vec<Out>,
    ) -> Say {
        let submission = GroupSubmissionId::try_from(submit.id.as_ref()).expect("16 bytes");
        let named = GroupRecipient::parse(&submit.recipients).expect("recipients");
        let mut mismatch = GroupMismatch::default();
        let mut devices = Vec::new();
        for recipient in &named {
            match self.accounts.get(&recipient.account) {
                None => mismatch.gone.push(recipient.account.into()),
                Some(known) if known.log.head().hash[..GroupRecipient::HEAD] != recipient.head => {
                    mismatch.behind.push(recipient.account.into());
                }
                Some(known) => {
                    let active = known.log.active_devices().iter().map(|device| device.id);
                    devices.extend(active.filter(|device| device != from));
                }
            }
        }
        if !mismatch.gone.is_empty() || !mismatch.behind.is_empty() {
            return Say::GroupMismatch(mismatch);
        }
        self.group_bodies += 1;
        for device in devices {
            let id = group_envelope_id(&submission, &device);
            let Some(seq) = self.put(device, id, submit.body.clone()) else {
                continue;
            };
            if let Some(to) = self.connection_of(&device) {
                self.handed_over();
                let deliver = Deliver {
                    seq,
                    id: id.into(),
                    body: submit.body.clone(),
                    accepted: now,
                };
                out.push((to, 0, Say::Deliver(deliver)));
            }
        }
        Say::GroupAccepted(GroupAccepted {
            time: now,
            full: Vec::new(),
        })
    }

    pub(super) fn append_opaque(&mut self, viewer: &AccountId, ask: AppendOpaque) -> Say {
        let Ok(id) = OpaqueLogId::try_from(ask.log.as_ref()) else {
            return refused(Reason::Malformed);
        };
        let signed = ask.append.expect("an append");
        let append = OpaqueAppend::parse(&signed).expect("engines append what is one");
        let known = self.opaque.get(&id).map(Vec::as_slice).unwrap_or_default();
        let head = known.iter().fold(None, |head, signed| {
            let append = OpaqueAppend::parse(signed).expect("it was appended");
            Some(append.follow(signed, head.as_ref()).expect("it was appended"))
        });
        match append.follow(&signed, head.as_ref()) {
            Ok(_) => {
                self.opaque.entry(id).or_default().push(signed);
                Say::OpaqueLog(OpaqueLog {
                    log: id.into(),
                    from: 0,
                    appends: Vec::new(),
                    length: self.shown_opaque(viewer, &id).len() as u32,
                    appended: true,
                })
            }
            Err(OpaqueError::NotNext) => {
                let parent = append.parent;
                let known = self.opaque.get(&id).map(Vec::as_slice).unwrap_or_default();
                let at = known
                    .iter()
                    .position(|signed| parent == Some(chopar_identity::append_hash(&signed.body)));
                self.opaque_log(viewer, &id, at.map_or(0, |at| at + 1))
            }
            Err(_) => refused(Reason::NotAllowed),
        }
    }

    pub(super) fn fetch_opaque(&self, viewer: &AccountId, fetch: &FetchOpaque) -> Say {
        match OpaqueLogId::try_from(fetch.log.as_ref()) {
            Ok(id) if self.opaque.contains_key(&id) => self.opaque_log(viewer, &id, fetch.from as usize),
            _ => refused(Reason::NoSuchLog),
        }
    }

    fn opaque_log(&self, viewer: &AccountId, id: &OpaqueLogId, from: usize) -> Say {
        let shown = self.shown_opaque(viewer, id);
        let appends = shown.get(from..).unwrap_or_default().iter().take(PAGE);
        Say::OpaqueLog(OpaqueLog {
            log: (*id).into(),
            from: from as u32,
            appends: appends.map(|signed| signed.encode_to_vec().into()).collect(),
            length: shown.len() as u32,
            appended: false,
        })
    }

    /// A log as somebody is shown it.
    fn shown_opaque(&self, viewer: &AccountId, id: &OpaqueLogId) -> &[Signed] {
        let lie = self.opaque_views.get(&(*viewer, *id));
        lie.or_else(|| self.opaque.get(id))
            .map(Vec::as_slice)
            .unwrap_or_default()
    }
}
