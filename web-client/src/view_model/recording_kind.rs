//! What kind a recording is, read from its first bytes: before a browser is given it to decode.

use super::{ebml, mp4, webm};

/// Kinds of recordings that are made and played here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordingKind {
    /// WebM, as Chromium and Firefox write it.
    Webm,
    /// MPEG-4, as Safari writes it.
    Mp4,
}

/// Bytes from the beginning within which the kind is looked for.
pub(crate) const RECORDING_HEAD: u64 = 512;
/// Most bytes that a recording has: eight times what the longest should have, as a browser may write it finer than it was asked to.
pub(crate) const MAX_RECORDING: u64 = 32 * 1024 * 1024;

/// Brands of MPEG-4 files (ISO/IEC 14496-12) that hold sound.
const BRANDS: [&[u8; 4]; 10] = [
    b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"M4A ", b"M4B ", b"dash",
];

impl RecordingKind {
    /// In the order in which a browser is asked for them.
    pub(crate) const ALL: [Self; 2] = [Self::Webm, Self::Mp4];

    /// Its media type, as messages say it.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Webm => "audio/webm",
            Self::Mp4 => "audio/mp4",
        }
    }

    /// The kind of this media type.
    pub(crate) fn named(media_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.media_type() == media_type)
    }

    /// What a browser is asked to record.
    pub(crate) const fn wanted(self) -> &'static str {
        match self {
            Self::Webm => "audio/webm;codecs=opus",
            Self::Mp4 => "audio/mp4",
        }
    }

    /// What a file of it is called. It says nothing of whoever spoke, nor when.
    pub(crate) const fn file_name(self) -> &'static str {
        match self {
            Self::Webm => "voice-message.webm",
            Self::Mp4 => "voice-message.m4a",
        }
    }

    /// The same sound without what the browser wrote beside it; `None` for what is no whole recording of this kind, or holds no sound.
    pub(crate) fn only_sound(self, recording: Vec<u8>) -> Option<Vec<u8>> {
        match self {
            Self::Webm => webm::only_sound(&recording),
            Self::Mp4 => mp4::only_sound(recording),
        }
    }
}

/// The kind; `None` for what is none of them.
pub(crate) fn recording_kind(head: &[u8]) -> Option<RecordingKind> {
    if head.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) {
        is_webm(head.get(4..)?)?.then_some(RecordingKind::Webm)
    } else if head.get(4..8)? == b"ftyp" {
        let brand = head.get(8..12)?;
        BRANDS
            .iter()
            .any(|known| known.as_slice() == brand)
            .then_some(RecordingKind::Mp4)
    } else {
        None
    }
}

/// Whether the header of an EBML file (RFC 8794), behind its id, says that a WebM follows.
fn is_webm(mut rest: &[u8]) -> Option<bool> {
    const DOC_TYPE: u64 = 0x4282;
    let (length, _) = ebml::number(&mut rest)?;
    let length = usize::try_from(length).ok()?.min(rest.len());
    let mut header = &rest[..length];
    loop {
        let (id, value) = ebml::element(&mut header)?;
        if id == DOC_TYPE {
            return Some(value == b"webm");
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha12Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    /// As Chromium begins: the header's length in eight bytes, version and read version first.
    fn webm_of(doc_type: &[u8; 4]) -> Vec<u8> {
        let mut out = vec![0x1a, 0x45, 0xdf, 0xa3, 0x01, 0, 0, 0, 0, 0, 0, 0x1f];
        out.extend([
            0x42, 0x86, 0x81, 1, 0x42, 0xf7, 0x81, 1, 0x42, 0xf2, 0x81, 4, 0x42, 0xf3, 0x81, 8,
        ]);
        out.extend([0x42, 0x82, 0x84]);
        out.extend(doc_type);
        out.extend([0x42, 0x87, 0x81, 4, 0x42, 0x85, 0x81, 2]);
        out.extend([
            0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        ]);
        out
    }

    fn mp4_of(brand: &[u8; 4]) -> Vec<u8> {
        [b"\0\0\0\x18ftyp", brand.as_slice(), b"\0\0\0\0isommp42"].concat()
    }

    /// P-383.
    #[test]
    fn kinds_are_read_from_the_first_bytes() {
        use RecordingKind::{Mp4, Webm};
        assert_eq!(recording_kind(&webm_of(b"webm")), Some(Webm));
        assert_eq!(recording_kind(&mp4_of(b"iso5")), Some(Mp4));
        assert_eq!(recording_kind(&mp4_of(b"M4A ")), Some(Mp4));
        for kind in RecordingKind::ALL {
            assert_eq!(RecordingKind::named(kind.media_type()), Some(kind));
            assert!(kind.wanted().starts_with(kind.media_type()));
        }
        for other in [
            "audio/mpeg",
            "audio/webm;codecs=opus",
            "video/webm",
            "",
            "audio/ogg",
        ] {
            assert_eq!(RecordingKind::named(other), None, "{other:?}");
        }
    }

    /// P-383, T-140.
    #[test]
    fn what_is_no_recording_has_no_kind() {
        for none in [
            &b""[..],
            b"MZ\x90\0\x03\0\0\0\x04\0\0\0",
            b"<!doctype html><script>",
            b"RIFF\0\0\0\0WAVEfmt ",
            b"ID3\x04\0\0\0\0\0\0",
            &webm_of(b"mkv\0"),
            b"OggS\0\x02\0\0\0\0",
            &mp4_of(b"qt  "),
            &mp4_of(b"heic"),
        ] {
            assert_eq!(recording_kind(none), None, "{none:?}");
        }
        for (whole, needed) in [(webm_of(b"webm"), 35), (mp4_of(b"isom"), 12)] {
            for end in 0..whole.len() {
                assert_eq!(
                    recording_kind(&whole[..end]).is_some(),
                    end >= needed,
                    "cut at {end}"
                );
            }
        }
    }

    /// T-140. Lengths that lead out of the header, numbers without an end: whatever stands there is read to an answer.
    #[test]
    fn no_beginning_breaks_the_reader() {
        let mut random = ChaCha12Rng::seed_from_u64(11);
        let mut known = 0;
        for round in 0..20_000_u32 {
            let mut head = match round % 2 {
                0 => webm_of(b"webm"),
                _ => mp4_of(b"mp42"),
            };
            for _ in 0..random.next_u32() % 4 {
                let at = random.next_u32() as usize % head.len();
                head[at] = (random.next_u32() & 0xff) as u8;
            }
            head.truncate(random.next_u32() as usize % (2 * head.len()));
            known += usize::from(recording_kind(&head).is_some());
        }
        assert!(
            (4_000..16_000).contains(&known),
            "{known}: not much was altered, or all of it"
        );
    }
}
