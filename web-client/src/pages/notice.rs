//! Things that happened in a conversation, in words.

use chopar_engine::view::{GroupDeed, Notice};
use chopar_wire::AccountId;
use leptos::prelude::Get;

use crate::i18n::Texts;
use crate::state::Names;
use crate::ui::alarm_text;
use crate::view_model::span;

/// What happened.
pub(crate) fn notice_text(texts: Texts, notice: &Notice, names: Names) -> String {
    let name = &names.title().get();
    match notice {
        Notice::Began if names.is_group() => texts.notice_group_began().to_owned(),
        Notice::Began => texts.notice_began(name),
        Notice::DeviceAdded { name: device } => texts.notice_device_added(name, device),
        Notice::DeviceRevoked { name: device } => texts.notice_device_revoked(name, device),
        Notice::SafetyNumberChanged => texts.notice_safety_changed(name),
        Notice::Verified => texts.notice_verified(name),
        Notice::Unverified => texts.notice_unverified(name),
        Notice::HandleMoved { handle } => texts.notice_handle_moved(handle, name),
        Notice::AlarmRaised(alarm) => alarm_text(texts, *alarm, name),
        Notice::Repaired => texts.notice_repaired().to_owned(),
        Notice::Group { by, deed } => deed_text(texts, *by, deed, names),
        Notice::GroupWithheld => texts.notice_group_withheld().to_owned(),
        Notice::GroupForked { .. } => texts.notice_group_forked().to_owned(),
        Notice::TimerChanged { by, seconds } => timer_text(texts, *by, *seconds, names),
    }
}

fn timer_text(texts: Texts, by: AccountId, seconds: u32, names: Names) -> String {
    match (names.is_me(by), seconds) {
        (true, 0) => texts.notice_timer_off_own().to_owned(),
        (true, seconds) => texts.notice_timer_own(&span(texts, seconds)),
        (false, 0) => texts.notice_timer_off(&names.who(by)),
        (false, seconds) => texts.notice_timer(&names.who(by), &span(texts, seconds)),
    }
}

/// What somebody changed in a group. Languages conjugate: what one did oneself has words of its own.
fn deed_text(texts: Texts, by: AccountId, deed: &GroupDeed, names: Names) -> String {
    let own = names.is_me(by);
    let who = &names.who(by);
    match deed {
        GroupDeed::Added(people) if names.is_only_me(people) => texts.deed_added_you(who),
        GroupDeed::Removed(people) if names.is_only_me(people) => texts.deed_removed_you(who),
        GroupDeed::Added(people) => {
            let people = &names.all(people);
            if own {
                texts.deed_added_own(people)
            } else {
                texts.deed_added(who, people)
            }
        }
        GroupDeed::Removed(people) => {
            let people = &names.all(people);
            if own {
                texts.deed_removed_own(people)
            } else {
                texts.deed_removed(who, people)
            }
        }
        GroupDeed::Left if own => texts.deed_left_own().to_owned(),
        GroupDeed::Left => texts.deed_left(who),
        GroupDeed::Role { account, admin } => {
            let person = &names.who(*account);
            match (own, admin) {
                (true, true) => texts.deed_admin_own(person),
                (true, false) => texts.deed_no_admin_own(person),
                (false, true) => texts.deed_admin(who, person),
                (false, false) => texts.deed_no_admin(who, person),
            }
        }
        GroupDeed::Named(name) if own => texts.deed_named_own(name),
        GroupDeed::Named(name) => texts.deed_named(who, name),
        GroupDeed::Picture if own => texts.deed_picture_own().to_owned(),
        GroupDeed::Picture => texts.deed_picture(who),
        GroupDeed::AdminsOnly(on) => match (own, on) {
            (true, true) => texts.deed_admins_only_own().to_owned(),
            (true, false) => texts.deed_everybody_own().to_owned(),
            (false, true) => texts.deed_admins_only(who),
            (false, false) => texts.deed_everybody(who),
        },
        GroupDeed::Timer(seconds) => timer_text(texts, by, *seconds, names),
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
        Notice::Group { deed, .. } => (deed_icon(deed), false),
        Notice::GroupWithheld | Notice::GroupForked { .. } => ("shield-alert", true),
        Notice::TimerChanged { .. } => ("timer", false),
    }
}

const fn deed_icon(deed: &GroupDeed) -> &'static str {
    match deed {
        GroupDeed::Added(_) => "user-plus",
        GroupDeed::Removed(_) | GroupDeed::Left => "log-out",
        GroupDeed::Role { .. } => "key-round",
        GroupDeed::Named(_) => "pencil",
        GroupDeed::Picture => "users",
        GroupDeed::AdminsOnly(_) => "lock",
        GroupDeed::Timer(_) => "timer",
    }
}
