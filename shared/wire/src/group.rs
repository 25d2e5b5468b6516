//! Whom a group submission goes to: accounts, each with as much of its log's head as tells two heads apart.

use prost::bytes::Bytes;

use crate::ids::AccountId;
use crate::limits::MAX_GROUP_RECIPIENTS;

/// An account in `SubmitGroup.recipients`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupRecipient {
    /// Who gets it, on every active device.
    pub account: AccountId,
    /// The first bytes of the hash of the log's last entry, as the sender knows it.
    pub head: [u8; Self::HEAD],
}

/// Bytes that should have been recipients are none. Who sent them is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipientsError {
    /// Not a whole number of recipients.
    #[error("recipients take {len} bytes each, {0} bytes came", len = GroupRecipient::LEN)]
    WrongLength(usize),
    /// Nobody.
    #[error("a group submission names nobody")]
    Nobody,
    /// More than a group has.
    #[error("a group submission names at most {MAX_GROUP_RECIPIENTS} accounts, {0} came")]
    TooMany(usize),
    /// One account twice.
    #[error("an account is named twice")]
    Twice,
}

impl GroupRecipient {
    /// Bytes of a head that travel: two heads of one log that are equal in them are not found by accident.
    pub const HEAD: usize = 8;
    /// Length of one recipient in bytes.
    pub const LEN: usize = AccountId::LEN + Self::HEAD;

    /// Names an account by the whole hash of its log's head.
    pub fn new(account: AccountId, head: &[u8; 32]) -> Self {
        let mut prefix = [0; Self::HEAD];
        prefix.copy_from_slice(&head[..Self::HEAD]);
        Self {
            account,
            head: prefix,
        }
    }

    /// All of them as they travel.
    pub fn encode(recipients: &[Self]) -> Bytes {
        let mut bytes = Vec::with_capacity(recipients.len() * Self::LEN);
        for recipient in recipients {
            bytes.extend_from_slice(recipient.account.as_bytes());
            bytes.extend_from_slice(&recipient.head);
        }
        bytes.into()
    }

    /// Reads what travelled, in the order of account ids.
    ///
    /// # Errors
    /// [`RecipientsError`]; nothing of it is to be used then.
    pub fn parse(bytes: &[u8]) -> Result<Vec<Self>, RecipientsError> {
        let (whole, rest) = bytes.as_chunks::<{ Self::LEN }>();
        if !rest.is_empty() {
            return Err(RecipientsError::WrongLength(bytes.len()));
        }
        match whole.len() {
            0 => return Err(RecipientsError::Nobody),
            count if count > MAX_GROUP_RECIPIENTS => return Err(RecipientsError::TooMany(count)),
            _ => {}
        }
        let mut recipients: Vec<Self> = whole.iter().map(Self::of).collect();
        recipients.sort_unstable();
        if recipients
            .windows(2)
            .any(|pair| pair[0].account == pair[1].account)
        {
            return Err(RecipientsError::Twice);
        }
        Ok(recipients)
    }

    fn of(bytes: &[u8; Self::LEN]) -> Self {
        let (mut account, mut head) = ([0; AccountId::LEN], [0; Self::HEAD]);
        account.copy_from_slice(&bytes[..AccountId::LEN]);
        head.copy_from_slice(&bytes[AccountId::LEN..]);
        Self {
            account: AccountId::new(account),
            head,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipient(number: u16) -> GroupRecipient {
        let mut account = [0; 32];
        account[..2].copy_from_slice(&number.to_be_bytes());
        GroupRecipient::new(AccountId::new(account), &[7; 32])
    }

    #[test]
    fn recipients_come_back_in_order() {
        let sent = [recipient(3), recipient(1), recipient(2)];
        let bytes = GroupRecipient::encode(&sent);
        assert_eq!(bytes.len(), 3 * GroupRecipient::LEN);
        assert_eq!(
            GroupRecipient::parse(&bytes),
            Ok(vec![recipient(1), recipient(2), recipient(3)])
        );
    }

    /// P-242.
    #[test]
    fn what_no_group_names_is_refused_by_name() {
        let parse =
            |recipients: &[GroupRecipient]| GroupRecipient::parse(&GroupRecipient::encode(recipients));
        let most: Vec<_> = (0..1001).map(recipient).collect();
        assert_eq!(parse(&most[..1000]).map(|read| read.len()), Ok(1000));
        assert_eq!(parse(&most), Err(RecipientsError::TooMany(1001)));
        assert_eq!(parse(&[]), Err(RecipientsError::Nobody));
        let other_head = GroupRecipient {
            head: [8; 8],
            ..recipient(1)
        };
        assert_eq!(
            parse(&[recipient(1), recipient(2), other_head]),
            Err(RecipientsError::Twice)
        );
        assert_eq!(
            GroupRecipient::parse(&[0; 41]),
            Err(RecipientsError::WrongLength(41))
        );
    }
}
