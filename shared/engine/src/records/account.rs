//! The own account. Its log lies with the contacts' logs, under the own account id.

use zeroize::Zeroize;

use super::stored;

/// One per vault. Written before the first `Register` leaves, so that an answer that is lost can be found out later.
#[derive(PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct AccountRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) account: Vec<u8>,
    #[prost(string, tag = "3")]
    pub(crate) handle: String,
    #[prost(string, tag = "4")]
    pub(crate) display_name: String,
    #[prost(int32, tag = "5")]
    pub(crate) role: i32,
    #[prost(enumeration = "Stage", tag = "7")]
    pub(crate) stage: i32,
    /// Whom the registration was meant to be redeemed by; empty afterwards.
    #[prost(string, tag = "8")]
    pub(crate) invite: String,
    /// The recovery key while it is not confirmed; it derives the account's secret keys, so it is wiped and then removed.
    #[prost(bytes = "vec", tag = "9")]
    pub(crate) recovery: Vec<u8>,
    /// The two groups asked for, from 1.
    #[prost(uint32, tag = "10")]
    pub(crate) confirm_first: u32,
    #[prost(uint32, tag = "11")]
    pub(crate) confirm_second: u32,
    #[prost(bool, tag = "12")]
    pub(crate) receipts_off: bool,
    #[prost(bool, tag = "13")]
    pub(crate) typing_off: bool,
    /// When the queue was last seen drained, in milliseconds.
    #[prost(uint64, tag = "14")]
    pub(crate) drained: u64,
    /// Name of the relay the account is at.
    #[prost(string, tag = "15")]
    pub(crate) relay: String,
    /// Ids of own devices that others added and the person has not looked at.
    #[prost(bytes = "vec", repeated, tag = "16")]
    pub(crate) new_devices: Vec<Vec<u8>>,
}
stored!(AccountRecord, Account);

impl Drop for AccountRecord {
    fn drop(&mut self) {
        self.recovery.zeroize();
    }
}

/// How far the account has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum Stage {
    /// Keys and log exist; no relay was asked yet, or it refused.
    Prepared = 0,
    /// A `Register` left, or is about to; whether it was accepted is not known.
    Asked = 1,
    /// The relay knows the account.
    Registered = 2,
    /// This device was revoked.
    Revoked = 3,
    /// An `AdmitDevice` left, or is about to; whether this device is in is not known.
    Recovering = 4,
}
