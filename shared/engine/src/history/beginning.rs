//! How a history file begins: who wrote it. Anybody can seal to a recovery key, whose public half is no secret; only a device of the
//! account signs.

use chopar_identity::{LogHead, signing_input, verify};
use chopar_wire::proto::identity::Signed;
use chopar_wire::{AccountId, DeviceId, Timestamp, labels};
use prost::Message;

use super::FIRST_LINE;
use super::records::{Beginning, HistoryRecord, Holds};
use crate::context::Context;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::{Answer, Failure};
use crate::tokens::Waiting;

impl Engine {
    /// What a file is sealed to, and about how many lines it will have.
    pub(crate) fn begin_history(&self, asked: u64, cx: &mut Context<'_>) {
        let Some(keys) = self.recovery_keys() else {
            return cx.fail(asked, Failure::NotNow);
        };
        // Those of before there was room below begin with 1.
        let lines = |next: u64, oldest: u64| match oldest {
            0 if next < FIRST_LINE => next.saturating_sub(1),
            0 => next - FIRST_LINE,
            oldest => next.saturating_sub(oldest),
        };
        let contacts = self.contacts.values();
        let answer = Answer::HistoryBegun {
            recovery: [&keys.x25519.as_bytes()[..], keys.kem.as_bytes()].concat(),
            lines: contacts.map(|c| lines(c.next_line, c.oldest_line)).sum(),
        };
        cx.answer(asked, answer);
    }

    /// Signs the beginning of a file.
    pub(crate) fn sign_history(&mut self, asked: u64, header: [u8; 32], cx: &mut Context<'_>) {
        let Some((own, log)) = self
            .own
            .as_ref()
            .and_then(|own| Some((own, self.log(&own.account)?)))
        else {
            return cx.fail(asked, Failure::NotNow);
        };
        let beginning = Beginning {
            header: header.to_vec(),
            account: own.account.as_bytes().to_vec(),
            device: own.device.as_bytes().to_vec(),
            log: Some((&log.head()).into()),
            time: cx.now.0,
        };
        let body = beginning.encode_to_vec();
        let inputs = vec![signing_input(labels::HISTORY_FILE, &body)];
        let token = self.tokens.wait(Waiting::History { asked, body });
        cx.effect(Effect::Sign { token, inputs });
    }

    pub(crate) fn on_history_signed(asked: u64, body: Vec<u8>, signature: [u8; 64], cx: &mut Context<'_>) {
        let signed = Signed {
            body: body.into(),
            signature: signature.to_vec().into(),
        };
        let record = HistoryRecord {
            holds: Some(Holds::Beginning(signed)),
        };
        cx.answer(asked, Answer::HistorySigned(record.encode_to_vec()));
    }

    /// Whether the first record of a file says that a device of this account wrote it; which, and when.
    pub(crate) fn read_history(&self, asked: u64, header: [u8; 32], first: &[u8], cx: &mut Context<'_>) {
        let answer = self.judge_beginning(header, first).unwrap_or_else(Answer::Failed);
        cx.answer(asked, answer);
    }

    fn judge_beginning(&self, header: [u8; 32], first: &[u8]) -> Result<Answer, Failure> {
        let forged = Failure::HistoryForged;
        let own = self.own.as_ref().ok_or(Failure::NotNow)?.account;
        let log = self.log(&own).ok_or(Failure::NotNow)?;
        let record = HistoryRecord::decode(first).map_err(|_| forged)?;
        let Some(Holds::Beginning(signed)) = record.holds else {
            return Err(forged);
        };
        let beginning = Beginning::decode(signed.body.as_ref()).map_err(|_| forged)?;
        if AccountId::try_from(beginning.account.as_slice()).map_err(|_| forged)? != own {
            return Err(Failure::HistoryOfOther);
        }
        let device = DeviceId::try_from(beginning.device.as_slice()).map_err(|_| forged)?;
        let head = beginning
            .log
            .as_ref()
            .and_then(|head| LogHead::try_from(head).ok());
        let head = head
            .filter(|head| log.prefix_hash(head.length) == Some(head.hash))
            .ok_or(forged)?;
        let known = log.device_at(head.length, &device).ok_or(forged)?;
        verify(
            labels::HISTORY_FILE,
            &signed.body,
            &signed.signature,
            &known.keys.signing,
        )
        .map_err(|_| forged)?;
        if beginning.header != header {
            return Err(forged);
        }
        Ok(Answer::HistoryOf {
            device: known.name.as_str().to_owned(),
            time: Timestamp(beginning.time),
            revoked: log.device(&device).is_none(),
        })
    }
}
