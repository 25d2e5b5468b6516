//! A WebM of sound made anew from what plays of it (RFC 9559). Browsers write their name into what they record, some the time, and an id of
//! the track that libraries draw from the clock; and some do not write how long it is, which they know only at its end.

use super::ebml::{element, head, number, put, take, unsigned};

const EBML: u64 = 0x1a45_dfa3;
const SEGMENT: u64 = 0x1853_8067;
const INFO: u64 = 0x1549_a966;
const TIMESTAMP_SCALE: u64 = 0x2a_d7b1;
const DURATION: u64 = 0x4489;
const MUXING_APP: u64 = 0x4d80;
const WRITING_APP: u64 = 0x5741;
const TRACKS: u64 = 0x1654_ae6b;
const TRACK: u64 = 0xae;
const TRACK_UID: u64 = 0x73c5;
const TRACK_TYPE: u64 = 0x83;
const CLUSTER: u64 = 0x1f43_b675;
const TIMESTAMP: u64 = 0xe7;
const SIMPLE_BLOCK: u64 = 0xa3;
const BLOCK_GROUP: u64 = 0xa0;
const BLOCK: u64 = 0xa1;
/// Of a track: number, kind, codec and what prepares it, how frames lie in blocks, what is skipped at the beginning, rate and channels.
const TRACK_KEEPS: [u64; 9] = [
    0xd7, TRACK_TYPE, 0x86, 0x63a2, 0x9c, 0x23_e383, 0x56aa, 0x56bb, 0xe1,
];
/// Of a group: the block, how long it lasts, what is skipped at its end.
const GROUP_KEEPS: [u64; 3] = [BLOCK, 0x9b, 0x75a2];
/// The kind of a track of sound.
const SOUND: u64 = 2;
/// Nanoseconds of a unit of time, where nothing else is said.
const MILLISECOND: u64 = 1_000_000;
/// Units that the last block lasts, where there is none before it: a usual frame of Opus.
const FRAME: u64 = 20;
/// What has to be said to have written it.
const APP: &[u8] = b"Chopar";

/// What is kept of it.
#[derive(Default)]
struct Kept {
    scale: Option<u64>,
    track: Option<Vec<u8>>,
    /// Finished ones and, once there is one, the one that is open.
    clusters: Vec<Cluster>,
    /// When the last two blocks begin.
    last: Option<u64>,
    before: Option<u64>,
}

#[derive(Default)]
struct Cluster {
    begins: u64,
    blocks: Vec<u8>,
}

/// The same sound, with its length; `None` where it is no whole WebM of one track of sound.
pub(super) fn only_sound(webm: &[u8]) -> Option<Vec<u8>> {
    let mut rest = webm;
    let mut kept = Kept::default();
    while !rest.is_empty() {
        let (id, length) = head(&mut rest)?;
        match id {
            // What is in them follows, however long they say they are.
            SEGMENT => {}
            CLUSTER => kept.clusters.push(Cluster::default()),
            _ => kept.note(id, take(&mut rest, length?)?)?,
        }
    }
    kept.write()
}

impl Kept {
    fn note(&mut self, id: u64, body: &[u8]) -> Option<()> {
        match id {
            INFO => {
                if let Some(scale) = find(body, TIMESTAMP_SCALE)? {
                    self.scale = Some(unsigned(scale)?);
                }
            }
            TRACKS if self.track.is_none() => self.track = Some(track(body)?),
            TRACKS => return None,
            TIMESTAMP => self.clusters.last_mut()?.begins = unsigned(body)?,
            SIMPLE_BLOCK => self.block(id, body, body)?,
            BLOCK_GROUP => self.block(id, find(body, BLOCK)??, &only(body, &GROUP_KEEPS)?)?,
            // Names, tags, an index, room that is left.
            _ => {}
        }
        Some(())
    }

    /// Keeps a block, and looks at when it begins.
    fn block(&mut self, id: u64, block: &[u8], body: &[u8]) -> Option<()> {
        let mut rest = block;
        number(&mut rest)?;
        let after = i16::from_be_bytes(take(&mut rest, 2)?.try_into().ok()?);
        let cluster = self.clusters.last_mut()?;
        let begins = cluster.begins.checked_add_signed(i64::from(after))?;
        self.before = self.last.replace(begins);
        put(&mut cluster.blocks, id, body);
        Some(())
    }

    fn write(self) -> Option<Vec<u8>> {
        let (last, scale) = (self.last?, self.scale.unwrap_or(MILLISECOND));
        let lasts = self.before.map_or(FRAME, |before| last.saturating_sub(before));
        let mut info = Vec::new();
        put(&mut info, TIMESTAMP_SCALE, &scale.to_be_bytes());
        put(
            &mut info,
            DURATION,
            &(last.checked_add(lasts)? as f64).to_be_bytes(),
        );
        put(&mut info, MUXING_APP, APP);
        put(&mut info, WRITING_APP, APP);
        let mut segment = Vec::new();
        put(&mut segment, INFO, &info);
        put(&mut segment, TRACKS, &self.track?);
        for Cluster { begins, blocks } in self.clusters {
            let mut cluster = Vec::with_capacity(blocks.len() + 16);
            put(&mut cluster, TIMESTAMP, &begins.to_be_bytes());
            cluster.extend(blocks);
            put(&mut segment, CLUSTER, &cluster);
        }
        let mut out = Vec::with_capacity(segment.len() + 64);
        put(&mut out, EBML, &header());
        put(&mut out, SEGMENT, &segment);
        Some(out)
    }
}

/// What the file is: a WebM as it is read since 2010, whose ids have at most four bytes and whose lengths at most eight.
fn header() -> Vec<u8> {
    let mut header = Vec::new();
    for (id, number) in [(0x4286, 1), (0x42f7, 1), (0x42f2, 4), (0x42f3, 8)] {
        put(&mut header, id, &[number]);
    }
    put(&mut header, 0x4282, b"webm");
    for (id, number) in [(0x4287, 4), (0x4285, 2)] {
        put(&mut header, id, &[number]);
    }
    header
}

/// The one track, which has to be of sound.
fn track(tracks: &[u8]) -> Option<Vec<u8>> {
    let mut rest = tracks;
    let mut kept = Vec::new();
    while !rest.is_empty() {
        let (id, body) = element(&mut rest)?;
        if id != TRACK {
            continue;
        }
        let sounds = unsigned(find(body, TRACK_TYPE)??)? == SOUND;
        (sounds && kept.is_empty()).then_some(())?;
        let mut track = only(body, &TRACK_KEEPS)?;
        put(&mut track, TRACK_UID, &[1]);
        put(&mut kept, TRACK, &track);
    }
    (!kept.is_empty()).then_some(kept)
}

/// Those of the elements that have these ids.
fn only(mut rest: &[u8], ids: &[u64]) -> Option<Vec<u8>> {
    let mut kept = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let (id, body) = element(&mut rest)?;
        if ids.contains(&id) {
            put(&mut kept, id, body);
        }
    }
    Some(kept)
}

/// The first of the elements that has this id, if one has it; `None` where they are no elements.
fn find(mut rest: &[u8], id: u64) -> Option<Option<&[u8]>> {
    while !rest.is_empty() {
        let (one, body) = element(&mut rest)?;
        if one == id {
            return Some(Some(body));
        }
    }
    Some(None)
}

#[cfg(test)]
mod tests {
    use super::super::altered::altered;
    use super::*;

    fn made(id: u64, parts: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, id, &parts.concat());
        out
    }

    /// With a length that is left open.
    fn open(id: u64, parts: &[&[u8]]) -> Vec<u8> {
        let mut out = id.to_be_bytes()[4..].to_vec();
        out.extend([1, 255, 255, 255, 255, 255, 255, 255]);
        out.extend(parts.concat());
        out
    }

    fn block(at: i16, sound: &[u8]) -> Vec<u8> {
        made(SIMPLE_BLOCK, &[&[0x81], &at.to_be_bytes(), &[0x80], sound])
    }

    fn entry(kind: u8) -> Vec<u8> {
        made(
            TRACK,
            &[
                &made(0xd7, &[&[1]]),
                &made(TRACK_UID, &[b"clock"]),
                &made(TRACK_TYPE, &[&[kind]]),
                &made(0x86, &[b"A_OPUS"]),
                &made(0x536e, &[b"Bek's microphone"]),
                &made(0x63a2, &[b"OpusHead"]),
                &made(0xe1, &[&made(0x9f, &[&[1]])]),
            ],
        )
    }

    /// As a browser writes it while it does not know how it goes on, with everything that may stand beside the sound.
    fn recording() -> Vec<u8> {
        let group = made(
            BLOCK_GROUP,
            &[
                &made(BLOCK, &[&[0x81, 0, 40, 0], b"third"]),
                &made(0x75a1, &[b"beside it"]),
                &made(0x75a2, &[&[9]]),
            ],
        );
        let info = made(
            INFO,
            &[
                &made(TIMESTAMP_SCALE, &[&MILLISECOND.to_be_bytes()]),
                &made(MUXING_APP, &[b"Chrome"]),
                &made(WRITING_APP, &[b"Chrome"]),
                &made(0x4461, &[b"the date"]),
                &made(0x7ba9, &[b"a title"]),
            ],
        );
        let segment = open(
            SEGMENT,
            &[
                &made(0xec, &[&[0; 40]]),
                &info,
                &made(TRACKS, &[&entry(2)]),
                &open(
                    CLUSTER,
                    &[
                        &made(TIMESTAMP, &[&[0]]),
                        &block(0, b"first"),
                        &block(20, b"second"),
                    ],
                ),
                &open(CLUSTER, &[&made(TIMESTAMP, &[&[3, 232]]), &group]),
                &made(0x1254_c367, &[b"tags: on a Thursday"]),
            ],
        );
        [made(EBML, &[&made(0x4282, &[b"webm"])]), segment].concat()
    }

    fn has(bytes: &[u8], part: &[u8]) -> bool {
        bytes.windows(part.len()).any(|window| window == part)
    }

    /// P-380.
    #[test]
    fn sound_stays_and_what_is_said_beside_it_goes() {
        let kept = only_sound(&recording()).unwrap();
        for part in ["first", "second", "third", "A_OPUS", "OpusHead"] {
            assert!(has(&kept, part.as_bytes()), "{part}");
        }
        for part in [
            "Chrome",
            "the date",
            "a title",
            "clock",
            "Bek's",
            "beside it",
            "Thursday",
        ] {
            assert!(
                has(&recording(), part.as_bytes()) && !has(&kept, part.as_bytes()),
                "{part}"
            );
        }
        // What was made is whole, and has nothing more to lose.
        assert_eq!(only_sound(&kept).unwrap(), kept);
    }

    /// P-380.
    #[test]
    fn its_length_is_that_of_its_blocks() {
        let kept = only_sound(&recording()).unwrap();
        let lasts = made(DURATION, &[&(1_040.0_f64 + 1_020.0).to_be_bytes()]);
        assert!(
            has(&kept, &lasts),
            "the last block counts as long as the one before it"
        );
    }

    #[test]
    fn what_is_no_whole_recording_of_sound_is_none() {
        let whole = recording();
        assert_eq!(only_sound(b""), None);
        assert_eq!(only_sound(&whole[..whole.len() - 1]), None);
        let cluster = open(CLUSTER, &[&made(TIMESTAMP, &[&[0]]), &block(0, b"first")]);
        let of = |tracks: &[&[u8]]| only_sound(&[made(TRACKS, tracks), cluster.clone()].concat());
        assert!(of(&[&entry(2)]).is_some());
        assert_eq!(of(&[&entry(1)]), None, "a film");
        assert_eq!(of(&[&entry(2), &entry(2)]), None, "two voices");
        assert_eq!(of(&[]), None);
        assert_eq!(only_sound(&made(TRACKS, &[&entry(2)])), None, "nothing was said");
        assert_eq!(only_sound(&cluster), None, "nothing says what it is");
    }

    /// T-140.
    #[test]
    fn no_bytes_break_the_reader() {
        let whole = recording();
        let mut kept = 0;
        for bytes in altered(&whole, 12) {
            if let Some(out) = only_sound(&bytes) {
                kept += 1;
                assert!(out.len() < 2 * whole.len());
            }
        }
        assert!(
            (5_000..19_000).contains(&kept),
            "{kept}: not much was altered, or all of it"
        );
    }
}
