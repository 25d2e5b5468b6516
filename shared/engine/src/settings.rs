//! How a conversation is kept by this account: muted, pinned, archived, blocked. The own devices tell each other; nobody else
//! hears of it.
//!
//! Blocking: nothing that a blocked person says is shown, now or later, and nothing at all is sent to them: to them it looks as if
//! nobody had opened the conversation.

use chopar_wire::AccountId;
use chopar_wire::proto::content::{self, Copy, copy, setting};

use crate::context::Context;
use crate::engine::Engine;
use crate::event::{Answer, Failure};
use crate::records::contact::SettingRecord;
use crate::view::Setting;

/// All settings of a conversation. Of two values of one, the one with the higher number counts, then "on".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings([(u32, bool); 4]);

const ALL: [Setting; 4] = [
    Setting::Muted,
    Setting::Pinned,
    Setting::Archived,
    Setting::Blocked,
];

impl Settings {
    pub(crate) fn is(&self, setting: Setting) -> bool {
        self.0[place(setting)].1
    }

    /// The number that a change made now has.
    fn next(&self, setting: Setting) -> u32 {
        self.0[place(setting)].0.saturating_add(1)
    }

    /// Takes a value, if it counts more than the one there is; whether that was so.
    fn join(&mut self, setting: Setting, number: u32, on: bool) -> bool {
        let known = &mut self.0[place(setting)];
        let counts = (number, on) > *known;
        if counts {
            *known = (number, on);
        }
        counts
    }

    /// Takes of each what counts more.
    pub(crate) fn merge(&mut self, others: Self) {
        for (known, other) in self.0.iter_mut().zip(others.0) {
            *known = (*known).max(other);
        }
    }

    pub(crate) fn records(&self) -> Vec<SettingRecord> {
        ALL.into_iter()
            .map(|setting| (setting, self.0[place(setting)]))
            .filter(|(_, (number, _))| *number > 0)
            .map(|(setting, (number, on))| SettingRecord {
                kind: kind(setting).into(),
                on,
                number,
            })
            .collect()
    }

    pub(crate) fn from_records(records: &[SettingRecord]) -> Self {
        let mut settings = Self::default();
        for record in records {
            if let Some(setting) = setting_of(record.kind) {
                settings.join(setting, record.number, record.on);
            }
        }
        settings
    }
}

impl Engine {
    /// Whether nothing of this person is shown.
    pub(crate) fn is_blocked(&self, account: &AccountId) -> bool {
        self.contacts
            .get(account)
            .is_some_and(|c| c.settings.is(Setting::Blocked))
    }

    pub(crate) fn keep_so(
        &mut self,
        asked: u64,
        conversation: AccountId,
        setting: Setting,
        on: bool,
        cx: &mut Context<'_>,
    ) {
        if self.contacts.get(&conversation).is_none_or(|c| c.next_line == 0) {
            return cx.fail(asked, Failure::NotFound);
        }
        // People are blocked; a group is left.
        if setting == Setting::Blocked && self.groups.of(&conversation).is_some() {
            return cx.fail(asked, Failure::NotAllowed);
        }
        self.set(conversation, setting, on, cx);
        cx.answer(asked, Answer::Done);
    }

    /// A message came: the conversation is taken out of the archive, unless nobody wants to hear of it. Each own device does
    /// so by itself, with the same number, so they agree whatever came first.
    pub(crate) fn unarchive(&mut self, conversation: AccountId, cx: &mut Context<'_>) {
        let wanted = self
            .contacts
            .get(&conversation)
            .is_some_and(|c| c.settings.is(Setting::Archived) && !c.settings.is(Setting::Muted));
        if wanted {
            self.set(conversation, Setting::Archived, false, cx);
        }
    }

    fn set(&mut self, conversation: AccountId, setting: Setting, on: bool, cx: &mut Context<'_>) {
        let Some(contact) = self.contacts.get(&conversation) else {
            return;
        };
        if contact.settings.is(setting) == on {
            return;
        }
        let number = contact.settings.next(setting);
        self.take_setting(conversation, setting, number, on, cx);
        let content = content::Setting {
            kind: kind(setting).into(),
            value: on.into(),
            number,
        };
        let copied = Copy {
            peer: conversation.into(),
            content: Some(copy::Content::Setting(content)),
        };
        self.tell_own_devices(copied, cx);
    }

    /// Another own device changed a setting.
    pub(crate) fn on_setting(
        &mut self,
        conversation: AccountId,
        said: content::Setting,
        cx: &mut Context<'_>,
    ) {
        if let Some(setting) = setting_of(said.kind) {
            self.take_setting(conversation, setting, said.number, said.value != 0, cx);
        }
    }

    fn take_setting(
        &mut self,
        conversation: AccountId,
        setting: Setting,
        number: u32,
        on: bool,
        cx: &mut Context<'_>,
    ) {
        let Some(contact) = self.contacts.get_mut(&conversation) else {
            return;
        };
        if !contact.settings.join(setting, number, on) {
            return;
        }
        cx.touch(conversation);
        if setting == Setting::Blocked {
            if on {
                self.typing_over(conversation, cx);
                self.pending.drop_of(conversation, &conversation, cx);
            }
            self.schedule_owed(conversation, cx);
        }
    }
}

const fn place(setting: Setting) -> usize {
    match setting {
        Setting::Muted => 0,
        Setting::Pinned => 1,
        Setting::Archived => 2,
        Setting::Blocked => 3,
    }
}

const fn kind(setting: Setting) -> setting::Kind {
    match setting {
        Setting::Muted => setting::Kind::Muted,
        Setting::Pinned => setting::Kind::Pinned,
        Setting::Archived => setting::Kind::Archived,
        Setting::Blocked => setting::Kind::Blocked,
    }
}

fn setting_of(number: i32) -> Option<Setting> {
    Some(match setting::Kind::try_from(number).ok()? {
        setting::Kind::Muted => Setting::Muted,
        setting::Kind::Pinned => Setting::Pinned,
        setting::Kind::Archived => Setting::Archived,
        setting::Kind::Blocked => Setting::Blocked,
        setting::Kind::Unspecified => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P-169.
    #[test]
    fn settings_agree_whatever_came_first_and_come_back_from_records() {
        let (mut one, mut other) = (Settings::default(), Settings::default());
        let said = [(1, true), (2, false), (2, true), (1, false)];
        for (number, on) in said {
            one.join(Setting::Pinned, number, on);
        }
        for (number, on) in said.into_iter().rev() {
            other.join(Setting::Pinned, number, on);
            other.join(Setting::Pinned, number, on);
        }
        assert_eq!(one, other);
        assert!(one.is(Setting::Pinned) && !one.is(Setting::Blocked));
        assert_eq!(Settings::from_records(&one.records()), one);
        for setting in ALL {
            assert_eq!(setting_of(kind(setting).into()), Some(setting));
        }
    }
}
