//! Who is heard in a group as it is now, and with what: the same for what is sent and for what comes.

use chopar_wire::AccountId;
use chopar_wire::proto::content::payload::Content;

use super::rows::is_in;
use super::state::Group;
use crate::engine::Engine;

impl Group {
    /// Whether this account may write.
    pub(crate) fn may_write(&self, who: &AccountId) -> bool {
        let roster = self.roster.as_ref();
        !self.over && roster.is_some_and(|roster| roster.may_write(who))
    }

    /// Whether this account may take back what it said: words stay their author's where only admins write (P-350).
    pub(crate) fn may_take_back(&self, who: &AccountId) -> bool {
        !self.over && is_in(self.roster.as_ref(), who)
    }

    /// Whether this account may say this.
    pub(crate) fn hears(&self, who: &AccountId, content: Option<&Content>) -> bool {
        match content {
            Some(Content::Deletion(_)) => self.may_take_back(who),
            _ => self.may_write(who),
        }
    }

    /// The oldest message that the relay does not have and that may be said. Where none may it is the oldest, which says why.
    pub(crate) fn next_said(&self, own: &AccountId) -> Option<u64> {
        let oldest = self.front()?;
        if self.may_write(own) {
            return Some(oldest);
        }
        let waiting = self.waiting().find(|(_, row)| {
            let said = row.said();
            said.is_some_and(|said| self.hears(own, said.content.as_ref()))
        });
        Some(waiting.map_or(oldest, |(number, _)| *number))
    }
}

impl Engine {
    /// Whether the own person may write into a conversation: into a group while they are in it, and where only admins write as one.
    pub(crate) fn may_say(&self, conversation: &AccountId) -> bool {
        self.may(conversation, Group::may_write)
    }

    /// Whether the own person may take back what they said in a conversation.
    pub(crate) fn may_take_back(&self, conversation: &AccountId) -> bool {
        self.may(conversation, Group::may_take_back)
    }

    fn may(&self, conversation: &AccountId, in_group: fn(&Group, &AccountId) -> bool) -> bool {
        let Some(id) = self.groups.of(conversation) else {
            return true;
        };
        let group = self.groups.get(&id);
        let own = self.own.as_ref();
        group.is_some_and(|group| own.is_some_and(|own| in_group(group, &own.account)))
    }
}
