//! Things that happened in a conversation, in words.

use chopar_engine::view::Notice;
use chopar_wire::AccountId;

use crate::i18n::Texts;
use crate::ui::alarm_text;
use crate::view_model::span;

/// What happened, to `name`; `me` is the own account.
pub(crate) fn notice_text(texts: Texts, notice: &Notice, name: &str, me: Option<AccountId>) -> String {
    match notice {
        Notice::Began => texts.notice_began(name),
        Notice::DeviceAdded { name: device } => texts.notice_device_added(name, device),
        Notice::DeviceRevoked { name: device } => texts.notice_device_revoked(name, device),
        Notice::SafetyNumberChanged => texts.notice_safety_changed(name),
        Notice::Verified => texts.notice_verified(name),
        Notice::Unverified => texts.notice_unverified(name),
        Notice::HandleMoved { handle } => texts.notice_handle_moved(handle, name),
        Notice::AlarmRaised(alarm) => alarm_text(texts, *alarm, name),
        Notice::Repaired => texts.notice_repaired().to_owned(),
        Notice::Group { .. } => texts.notice_group().to_owned(),
        Notice::GroupWithheld => texts.notice_group_withheld().to_owned(),
        Notice::GroupForked { .. } => texts.notice_group_forked().to_owned(),
        Notice::TimerChanged { by, seconds } => {
            let who = if me == Some(*by) { None } else { Some(name) };
            match (who, *seconds) {
                (None, 0) => texts.notice_timer_off_own().to_owned(),
                (None, seconds) => texts.notice_timer_own(&span(texts, seconds)),
                (Some(who), 0) => texts.notice_timer_off(who),
                (Some(who), seconds) => texts.notice_timer(who, &span(texts, seconds)),
            }
        }
    }
}

/// Its icon, and whether it is a warning.
pub(crate) fn notice_look(notice: &Notice) -> (&'static str, bool) {
    match notice {
        Notice::Began => ("lock", false),
        Notice::DeviceAdded { .. } | Notice::DeviceRevoked { .. } => ("laptop", false),
        Notice::SafetyNumberChanged => ("shield-alert", true),
        Notice::Verified => ("shield-check", false),
        Notice::Unverified => ("shield", false),
        Notice::HandleMoved { .. } => ("triangle-alert", true),
        Notice::AlarmRaised(_) => ("shield-alert", true),
        Notice::Repaired => ("refresh-cw", false),
        Notice::Group { .. } => ("info", false),
        Notice::GroupWithheld | Notice::GroupForked { .. } => ("shield-alert", true),
        Notice::TimerChanged { .. } => ("timer", false),
    }
}
