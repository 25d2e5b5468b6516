//! Account logs that are not so.

use core::fmt;

use chopar_identity::{DeviceName, EntryDraft, Signer};
use chopar_wire::proto::identity::Entry;

use super::cast::Who;
use super::stage::Stage;
use crate::simulator::SoftwareKeys;

/// What is shown in place of a log.
#[derive(Clone, Copy)]
pub enum LogLie {
    /// As it is now, for ever.
    Frozen,
    /// Its first entries only.
    First(u32),
    /// With a device more that the relay made and signed itself.
    ForgedDevice,
    /// With a device more, let in with the stolen recovery key.
    DeviceByStolenKey,
    /// The second history that was signed.
    OtherHistory,
    /// Somebody else's log.
    Of(Who),
}

impl fmt::Display for LogLie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frozen => f.write_str("as it is now, for ever"),
            Self::First(length) => write!(f, "cut to {length} entries"),
            Self::ForgedDevice => f.write_str("with a device of the relay's making"),
            Self::DeviceByStolenKey => f.write_str("with a device let in by the stolen recovery key"),
            Self::OtherHistory => f.write_str("in its other history"),
            Self::Of(who) => write!(f, "replaced by {who}'s"),
        }
    }
}

impl LogLie {
    pub(super) fn entries(self, whose: Who, stage: &Stage) -> Vec<Entry> {
        let mut entries = stage.log(whose).entries(0).to_vec();
        match self {
            Self::Frozen => {}
            Self::First(length) => entries.truncate(length as usize),
            Self::ForgedDevice => entries.push(ghost(whose, stage, false)),
            Self::DeviceByStolenKey => entries.push(ghost(whose, stage, true)),
            Self::OtherHistory => entries.clone_from(&stage.other_history[&whose]),
            Self::Of(other) => entries = stage.log(other).entries(0).to_vec(),
        }
        entries
    }
}

/// An entry that lets a device of the relay in.
fn ghost(whose: Who, stage: &Stage, key_stolen: bool) -> Entry {
    let log = stage.log(whose);
    let keys = SoftwareKeys::random(&mut stage.lies.borrow_mut().rng);
    let name = DeviceName::parse("Ghost").expect("a name");
    let by = Signer::AccountKey(*log.account_key());
    let draft = EntryDraft::add_device(&log, &keys.identity(), &name, by, stage.world.now().0);
    let input = draft.signing_input();
    let own = keys.sign(std::slice::from_ref(&input))[0];
    let by = if key_stolen {
        stage.account_secrets(whose).sign(&input)
    } else {
        own
    };
    draft.finish(&[by, own]).expect("two signatures")
}
