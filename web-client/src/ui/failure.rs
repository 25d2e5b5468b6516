//! Reasons in plain words.

use chopar_engine::Failure;
use chopar_engine::view::{Alarm, Role};

use crate::i18n::Texts;
use crate::port::{FatalKind, LockAnswer};

/// Why something was not done.
pub(crate) fn failure_text(texts: Texts, failure: Failure) -> String {
    match failure {
        Failure::Offline => texts.failure_offline(),
        Failure::NotNow => texts.failure_not_now(),
        Failure::InviteUnknown => texts.failure_invite_unknown(),
        Failure::InviteExpired => texts.failure_invite_expired(),
        Failure::InviteUsed => texts.failure_invite_used(),
        Failure::HandleLength => texts.failure_handle_length(),
        Failure::HandleCharacter => texts.failure_handle_character(),
        Failure::HandleEdge => texts.failure_handle_edge(),
        Failure::HandleMixed => texts.failure_handle_mixed(),
        Failure::HandleTaken => texts.failure_handle_taken(),
        Failure::NameInvalid => texts.failure_name(),
        Failure::WrongGroups => texts.failure_wrong_groups(),
        Failure::RecoveryKeyMistyped => texts.failure_key_mistyped(),
        Failure::RecoveryKeyUnknown => texts.failure_key_unknown(),
        Failure::TooManyDevices => texts.failure_too_many_devices(),
        Failure::TextLength => texts.failure_text_length(),
        Failure::SafetyNumberChanged => texts.failure_safety_changed(),
        Failure::SafetyNumberMismatch => texts.failure_safety_mismatch(),
        Failure::NotASafetyNumber => texts.failure_not_a_code(),
        Failure::NotFound => texts.failure_not_found(),
        Failure::NotAllowed => texts.failure_not_allowed(),
        Failure::GroupTooLarge => texts.failure_group_too_large(),
        Failure::LastAdmin => texts.failure_last_admin(),
        Failure::RateLimited => texts.failure_rate_limited(),
        Failure::RelayStorage => texts.failure_relay_storage(),
        Failure::RelayMisbehaved => texts.failure_relay_misbehaved(),
        Failure::FileDamaged => texts.failure_file_damaged(),
        Failure::Stopped => texts.failure_stopped(),
        Failure::Browser => texts.failure_browser(),
        Failure::NotAnEmoji => texts.failure_not_an_emoji(),
        Failure::EditTooLate => texts.failure_edit_too_late(),
        Failure::TooManyEdits => texts.failure_too_many_edits(),
        Failure::TimerInvalid => texts.failure_timer(),
        Failure::Blocked => texts.failure_blocked(),
        Failure::Refused(code) => return texts.failure_refused(&code.to_string()),
        // A reason younger than this page still is a refusal.
        _ => return texts.failure_refused("?"),
    }
    .to_owned()
}

/// What the relay, or somebody through it, showed that does not verify.
pub(crate) fn alarm_text(texts: Texts, alarm: Alarm, name: &str) -> String {
    match alarm {
        Alarm::LogForked => texts.alarm_log_forked(name),
        Alarm::LogRolledBack => texts.alarm_log_rolled_back(name),
        Alarm::LogForged => texts.alarm_log_forged(name),
        Alarm::BundleForged => texts.alarm_bundle_forged(name),
        Alarm::BundleRolledBack => texts.alarm_bundle_rolled_back(name),
        Alarm::LogWithheld => texts.alarm_log_withheld(name),
        Alarm::LogDisputed => texts.own_log_disputed().to_owned(),
    }
}

/// The same about the own account.
pub(crate) fn own_alarm_text(texts: Texts, alarm: Alarm) -> &'static str {
    match alarm {
        Alarm::LogForked => texts.own_log_forked(),
        Alarm::LogRolledBack | Alarm::LogWithheld => texts.own_log_rolled_back(),
        Alarm::LogDisputed => texts.own_log_disputed(),
        Alarm::LogForged | Alarm::BundleForged | Alarm::BundleRolledBack => texts.own_log_forged(),
    }
}

/// Why nothing can go on.
pub(crate) fn fatal_text(texts: Texts, kind: FatalKind) -> &'static str {
    match kind {
        FatalKind::StorageRefused => texts.fatal_storage_refused(),
        FatalKind::StorageFull => texts.fatal_storage_full(),
        FatalKind::VaultNewer => texts.fatal_vault_newer(),
        FatalKind::VaultDamaged => texts.fatal_vault_damaged(),
        FatalKind::HalfEvicted => texts.fatal_half_evicted(),
        FatalKind::BrowserTooOld => texts.fatal_browser_old(),
        FatalKind::Unreachable => texts.fatal_unreachable(),
        FatalKind::Crashed => texts.fatal_crashed(),
    }
}

/// What came of a secret, or of a change of the lock; nothing where all is well.
pub(crate) fn lock_answer_text(texts: Texts, answer: LockAnswer) -> Option<&'static str> {
    match answer {
        LockAnswer::Done => None,
        LockAnswer::Wrong(_) => Some(texts.unlock_wrong()),
        LockAnswer::Wait(_) => Some(texts.unlock_not_tried()),
        LockAnswer::NotNow => Some(texts.failure_not_now()),
        LockAnswer::Failed => Some(texts.lock_failed()),
        LockAnswer::Interrupted => Some(texts.lock_interrupted()),
    }
}

/// The name of a role.
pub(crate) fn role_text(texts: Texts, role: Role) -> &'static str {
    match role {
        Role::Member => texts.role_member(),
        Role::Owner => texts.role_owner(),
        Role::Auditor => texts.role_auditor(),
    }
}
