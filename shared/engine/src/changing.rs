//! Changing messages: what a person asks for, and what another device says, on the line and in what is sent.

use chopar_wire::proto::content::{self, Copy, Deletion, Edit, Hidden, Reaction, copy, payload};
use chopar_wire::{AccountId, EnvelopeId, FileId, FileMark, MessageId, Timestamp};

use crate::change::{self, Change, Deed, MAX_EDITS, apply, is_text, may_edit, reaction_of};
use crate::context::Context;
use crate::emoji::is_emoji;
use crate::engine::Engine;
use crate::event::{Answer, Failure};
use crate::files::sealed_ids;
use crate::line;
use crate::places::Spot;
use crate::records::line::{LineContent, LineRecord, TextRecord};
use crate::refusals::Refusal;
use crate::seeking::Wish;
use crate::seen::SeenId;
use crate::tokens::Waiting;
use crate::view::Reference;

/// What a person does with a message.
pub(crate) enum Act {
    Edit(String),
    Delete,
    React(String),
    Hide,
}

impl Engine {
    pub(crate) fn edit_message(
        &mut self,
        asked: u64,
        conversation: AccountId,
        id: MessageId,
        text: String,
        cx: &mut Context<'_>,
    ) {
        let Some(author) = self.own.as_ref().map(|own| own.account) else {
            return cx.fail(asked, Failure::NotNow);
        };
        if !is_text(&text) {
            return cx.fail(asked, Failure::TextLength);
        }
        let about = Reference { author, id };
        self.wish_act(asked, conversation, about, Act::Edit(text), cx);
    }

    pub(crate) fn delete_message(
        &mut self,
        asked: u64,
        conversation: AccountId,
        about: Reference,
        everyone: bool,
        cx: &mut Context<'_>,
    ) {
        if everyone && !self.is_own(&about.author) {
            return cx.fail(asked, Failure::NotAllowed);
        }
        let act = if everyone { Act::Delete } else { Act::Hide };
        self.wish_act(asked, conversation, about, act, cx);
    }

    pub(crate) fn react(
        &mut self,
        asked: u64,
        conversation: AccountId,
        about: Reference,
        emoji: String,
        cx: &mut Context<'_>,
    ) {
        if !emoji.is_empty() && !is_emoji(&emoji) {
            return cx.fail(asked, Failure::NotAnEmoji);
        }
        self.wish_act(asked, conversation, about, Act::React(emoji), cx);
    }

    pub(crate) fn find_message(
        &mut self,
        asked: u64,
        conversation: AccountId,
        about: Reference,
        cx: &mut Context<'_>,
    ) {
        self.seek(Spot { conversation, about }, Some(Wish::Show { asked }), cx);
    }

    /// A person wants a file of a message.
    pub(crate) fn fetch_file_of(
        &mut self,
        asked: u64,
        conversation: AccountId,
        about: Reference,
        file: FileMark,
        cx: &mut Context<'_>,
    ) {
        let wish = Wish::Fetch { asked, file };
        self.seek(Spot { conversation, about }, Some(wish), cx);
    }

    fn wish_act(
        &mut self,
        asked: u64,
        conversation: AccountId,
        about: Reference,
        act: Act,
        cx: &mut Context<'_>,
    ) {
        if self.is_blocked(&conversation) && !matches!(act, Act::Hide) {
            return cx.fail(asked, Failure::Blocked);
        }
        let may = match &act {
            // What is deleted for this account alone is said to nobody.
            Act::Hide => true,
            Act::Delete => self.may_take_back(&conversation),
            Act::Edit(_) | Act::React(_) => self.may_say(&conversation),
        };
        if !may {
            return cx.fail(asked, Failure::NotAllowed);
        }
        let wish = Wish::Act { asked, act };
        self.seek(Spot { conversation, about }, Some(wish), cx);
    }

    /// The line is found: it is changed here, and told to the others.
    pub(crate) fn act_on(&mut self, spot: Spot, sequence: u64, asked: u64, act: Act, cx: &mut Context<'_>) {
        let deed = match self.deed(spot, sequence, act, cx.now) {
            Ok(Some(deed)) => deed,
            Ok(None) => return cx.answer(asked, Answer::Done),
            Err(failure) => return cx.fail(asked, failure),
        };
        let Some(by) = self.own.as_ref().map(|own| own.account) else {
            return cx.fail(asked, Failure::NotNow);
        };
        let time = cx.now;
        let change = Change { by, time, deed };
        let ending = match change.deed {
            Deed::Delete => self.files_of(spot.conversation, sequence),
            _ => Vec::new(),
        };
        // What waits for its files was said to nobody yet.
        let unsaid = self.upload_of(&spot.conversation, &spot.about.id).is_some();
        if self.make_change(spot, sequence, &change, cx).is_err() {
            return cx.fail(asked, Failure::NotNow);
        }
        for file in ending {
            self.end_file(file, cx);
        }
        if !unsaid {
            self.tell_change(spot, change.deed, cx);
        }
        cx.answer(asked, Answer::Done);
    }

    /// Under which ids files of a line are at the relay.
    fn files_of(&self, conversation: AccountId, sequence: u64) -> Vec<FileId> {
        let line = self.lines.get(&(conversation, sequence));
        let message = line.and_then(message_of);
        message.map_or_else(Vec::new, |message| sealed_ids(&message.files))
    }

    /// What is to be done; `None` where it is so already.
    fn deed(&self, spot: Spot, sequence: u64, act: Act, now: Timestamp) -> Result<Option<Deed>, Failure> {
        let line = self.lines.get(&(spot.conversation, sequence));
        let (Some(own), Some(line)) = (&self.own, line) else {
            return Err(Failure::NotFound);
        };
        let Some(message) = message_of(line) else {
            return Err(Failure::NotFound);
        };
        let deed = match act {
            Act::Hide => Deed::Hide,
            Act::Delete if message.deleted => return Ok(None),
            Act::Delete => Deed::Delete,
            _ if message.deleted => return Err(Failure::NotFound),
            Act::Edit(text) if text == message.text => return Ok(None),
            Act::Edit(_) if !may_edit(sent(line, message), now) => return Err(Failure::EditTooLate),
            Act::Edit(_) if message.edit >= MAX_EDITS => return Err(Failure::TooManyEdits),
            Act::Edit(text) => Deed::Edit {
                number: message.edit + 1,
                text,
            },
            Act::React(emoji) => {
                let (number, known) = reaction_of(message, &own.account);
                if emoji == known {
                    return Ok(None);
                }
                let number = number.checked_add(1).ok_or(Failure::NotNow)?;
                Deed::React { number, emoji }
            }
        };
        Ok(Some(deed))
    }

    /// Says an own change to whom the conversation is with, and to the own other devices.
    fn tell_change(&mut self, spot: Spot, deed: Deed, cx: &mut Context<'_>) {
        let to = Some(wire(spot.about));
        let id = spot.about.id.into();
        let content = match deed {
            Deed::Edit { number, text } => payload::Content::Edit(Edit { id, text, number }),
            Deed::Delete => payload::Content::Deletion(Deletion { id }),
            Deed::React { number, emoji } => payload::Content::Reaction(Reaction { to, emoji, number }),
            Deed::Hide => {
                let content = Some(copy::Content::Hidden(Hidden { message: to }));
                let peer = spot.conversation.into();
                return self.tell_own_devices(Copy { peer, content }, cx);
            }
            Deed::Read => return,
        };
        self.say(spot.conversation, content, None, cx);
    }

    /// Another device says that something was done.
    pub(crate) fn on_deed(
        &mut self,
        conversation: AccountId,
        by: AccountId,
        envelope: Option<EnvelopeId>,
        parsed: Result<(Reference, Deed), Refusal>,
        time: Timestamp,
        cx: &mut Context<'_>,
    ) {
        match parsed {
            Ok((about, deed)) => {
                if let Some(envelope) = &envelope {
                    self.seen.insert(SeenId::envelope(envelope));
                }
                let change = Change { by, time, deed };
                self.on_change(Spot { conversation, about }, change, envelope, cx);
            }
            Err(refusal) => self.refusals.note(refusal),
        }
    }

    /// Makes a change to a line that is in memory.
    pub(crate) fn make_change(
        &mut self,
        spot: Spot,
        sequence: u64,
        change: &Change,
        cx: &mut Context<'_>,
    ) -> Result<(), Refusal> {
        let conversation = spot.conversation;
        match change.deed {
            Deed::Hide => {
                self.forget_said(spot, cx);
                self.remove_line(spot, sequence, cx);
            }
            Deed::Read => self.read_elsewhere(conversation, sequence, change.time, cx),
            _ => {
                let Some(mut line) = self.lines.get(&(conversation, sequence)).cloned() else {
                    return Ok(());
                };
                let time = Timestamp(line.time);
                let Some(message) = message_of_mut(&mut line) else {
                    return Ok(());
                };
                let sent = if message.sent == 0 {
                    time
                } else {
                    Timestamp(message.sent)
                };
                if !apply(message, sent, change)? {
                    return Ok(());
                }
                if change.deed == Deed::Delete {
                    self.forget_said(spot, cx);
                    self.forget_own_mark(spot, sequence, cx);
                    self.discard_opened(conversation, sequence, cx);
                }
                self.rewrite_line(conversation, sequence, line, cx);
            }
        }
        Ok(())
    }

    fn rewrite_line(
        &mut self,
        conversation: AccountId,
        sequence: u64,
        line: LineRecord,
        cx: &mut Context<'_>,
    ) {
        cx.put(conversation.as_bytes(), sequence, &line);
        let Some(contact) = self.contacts.get_mut(&conversation) else {
            return;
        };
        if let Some(last) = contact.last.as_mut().filter(|last| last.sequence == sequence) {
            last.line = line::preview(&line);
            cx.touch(conversation);
        }
        let own = matches!(line.content, Some(LineContent::Own(_)));
        let progress = contact.marks.progress(sequence);
        self.lines.insert((conversation, sequence), line);
        match progress {
            Some(progress) => self.tell_line(conversation, sequence, progress, cx),
            None if !own => self.tell_line(conversation, sequence, line::Progress::WAITING, cx),
            // How far it had come is on record only.
            None => self.load_line(conversation, sequence, Waiting::Line { conversation }, cx),
        }
    }
}

/// A message as it is named on the wire.
pub(crate) fn wire(about: Reference) -> content::Reference {
    content::Reference {
        author: about.author.into(),
        id: about.id.into(),
    }
}

/// What a copy for the own other devices repeats.
pub(crate) fn copied(content: &payload::Content) -> Option<copy::Content> {
    Some(match content {
        payload::Content::Text(text) => copy::Content::Text(text.clone()),
        payload::Content::Edit(edit) => copy::Content::Edit(edit.clone()),
        payload::Content::Deletion(deletion) => copy::Content::Deletion(deletion.clone()),
        payload::Content::Reaction(reaction) => copy::Content::Reaction(reaction.clone()),
        payload::Content::TimerChange(change) => copy::Content::TimerChange(change.clone()),
        _ => return None,
    })
}

fn message_of(line: &LineRecord) -> Option<&TextRecord> {
    match line.content.as_ref()? {
        LineContent::Own(text) | LineContent::Theirs(text) => Some(text),
        LineContent::Notice(_) => None,
    }
}

fn message_of_mut(line: &mut LineRecord) -> Option<&mut TextRecord> {
    match line.content.as_mut()? {
        LineContent::Own(text) | LineContent::Theirs(text) => Some(text),
        LineContent::Notice(_) => None,
    }
}

/// When a message was sent, by its author's clock; for one written before that was kept, as it is shown.
const fn sent(line: &LineRecord, message: &TextRecord) -> Timestamp {
    if message.sent == 0 {
        Timestamp(line.time)
    } else {
        Timestamp(message.sent)
    }
}

impl Engine {
    /// What another own device did with a message of this conversation.
    pub(crate) fn on_copied_deed(
        &mut self,
        own: AccountId,
        peer: AccountId,
        copied: copy::Content,
        time: Timestamp,
        cx: &mut Context<'_>,
    ) {
        let parsed = match copied {
            copy::Content::Edit(edit) => change::edit(own, edit),
            copy::Content::Deletion(deletion) => change::deletion(own, &deletion),
            copy::Content::Reaction(reaction) => change::reaction(reaction),
            copy::Content::Hidden(hidden) => change::hidden(&hidden),
            _ => return,
        };
        self.on_deed(peer, own, None, parsed, time, cx);
    }
}
