//! Reasons of refusals that a failing test can print: the wire's own enum has no `Debug`, lest logs show frames.

use std::fmt;

use chopar_wire::proto::relay::{self, Refused};

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Reason(i32);

impl Reason {
    pub fn of(refused: &Refused) -> Self {
        Self(refused.reason)
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(relay::Reason::try_from(self.0).map_or("?", |reason| reason.as_str_name()))
    }
}

macro_rules! reasons {
    ($($name:ident),* $(,)?) => {
        #[allow(non_upper_case_globals)]
        impl Reason {
            $(pub const $name: Self = Self(relay::Reason::$name as i32);)*
        }
    };
}

reasons!(
    Malformed,
    UnknownKind,
    TooLarge,
    SignInFirst,
    SignInFailed,
    SignInExpired,
    DeviceRevoked,
    NotAllowed,
    RateLimited,
    Storage,
    ShuttingDown,
    QueueFull,
    InviteUnknown,
    InviteExpired,
    InviteUsed,
    HandleInvalid,
    HandleTaken,
    NameInvalid,
    NoSuchAccount,
    NoSuchDevice,
    LogInvalid,
    BundleInvalid,
    PoolFull,
    AccountExists,
    DeviceExists,
    LastOwner,
    NoSuchLog,
    NoSuchFile,
    FilesFull,
    FileExists,
);
