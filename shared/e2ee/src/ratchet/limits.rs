//! Every bound of a session, with the reason for its value (protocol, section "Ratchet").

/// Message keys one message may skip. A relay keeps a device's queue in order, so a gap is what was lost or overtaken;
/// 1,000 is more than a month's queue of one chain loses, and deriving so many costs about a millisecond.
pub const MAX_SKIP: u32 = 1000;
/// Skipped message keys of one session. Two full gaps; at 60 bytes each they fit any record store.
pub const MAX_SKIPPED_KEYS: usize = 2000;
/// Receiving chains that are remembered, the current one included: header keys, skipped keys, replay memory.
pub const RECEIVING_CHAINS: usize = 5;
/// How long a skipped key or a superseded chain is kept, in milliseconds: as long as a relay keeps an envelope.
pub const KEY_LIFETIME_MS: u64 = chopar_wire::limits::MAX_QUEUE_AGE_MS;
/// Message numbers end here, hard: nobody sends so much in one chain, and a counter that wraps would repeat itself.
pub const COUNTER_STOP: u32 = 1 << 31;
/// Recognition tags expected beyond the highest number seen in the current receiving chain.
pub const TAGS_AHEAD: usize = 16;
/// Recognition tags expected of the chain the peer has not begun yet.
pub const NEXT_TAGS_AHEAD: usize = 8;
/// Signal tags expected beyond the highest counter seen under the current receiving header key.
pub const SIGNAL_TAGS_AHEAD: usize = 8;
/// Signal tags expected under the next receiving header key: a signal overtakes the first message of a chain rarely,
/// or comes from a responder that has not written yet.
pub const NEXT_SIGNAL_TAGS_AHEAD: usize = 2;
/// Messages, in both directions together, after which the next turn offers a KEM key. The price of a turn with a KEM is
/// 1.2 KB on each message of two chains.
pub const KEM_AFTER_MESSAGES: u32 = 16;
/// Milliseconds after which the next turn offers a KEM key, however few the messages.
pub const KEM_AFTER_MS: u64 = 3_600_000;
/// Numbers of one chain whose use is remembered singly, in bits. Covers every key that can still be stored; what lies
/// further back counts as used.
pub const SEEN_BITS: u32 = 2048;
/// Plaintext of one message or signal, in bytes. A padded payload has at most 16 KiB; this bounds memory, not policy.
pub const MAX_PLAINTEXT: usize = 1 << 20;
/// How far a restored sender's signal counter jumps ahead, and so how many signals are sent on one saving of it: a tag must
/// not be spent twice, however often a browser restarts.
pub const SIGNAL_RESTORE_JUMP: u32 = 256;
