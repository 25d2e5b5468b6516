//! A GIF without what people, programs and cameras wrote into it. Its frames cannot be made anew as other pictures are: a canvas
//! would keep one of them. So its blocks are walked, and only those that draw are kept.

/// Largest GIF whose blocks are walked, in bytes: it is held in memory twice for a moment.
pub(crate) const MAX_GIF: u64 = 32 * 1024 * 1024;

/// What says how often it is played; every other extension of an application may hold anything.
const REPEATS: [&[u8]; 2] = [b"NETSCAPE2.0", b"ANIMEXTS1.0"];

/// Bytes of that: the name and three for how often, each with its length, and an end. Nothing else fits in.
const REPEAT_BYTES: usize = 17;

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2c;
const END: u8 = 0x3b;
/// How the next frame is drawn.
const CONTROL: u8 = 0xf9;
const APPLICATION: u8 = 0xff;

/// The same pictures, without comments, texts, and data of applications, and without what follows its end; `None` where it is no whole GIF.
pub(crate) fn without_remarks(gif: &[u8]) -> Option<Vec<u8>> {
    let mut rest = gif;
    let mut kept = Vec::with_capacity(gif.len());
    let head = take(&mut rest, 13)?;
    if !matches!(head.get(..6)?, b"GIF87a" | b"GIF89a") {
        return None;
    }
    kept.extend(head);
    kept.extend(take(&mut rest, table(*head.get(10)?))?);
    loop {
        match *take(&mut rest, 1)?.first()? {
            END => {
                kept.push(END);
                return Some(kept);
            }
            IMAGE => {
                let place = take(&mut rest, 9)?;
                kept.push(IMAGE);
                kept.extend(place);
                kept.extend(take(&mut rest, table(*place.get(8)?))?);
                // How many bits a first code has, and the codes.
                kept.extend(take(&mut rest, 1)?);
                kept.extend(blocks(&mut rest)?);
            }
            EXTENSION => {
                let kind = *take(&mut rest, 1)?.first()?;
                let said = blocks(&mut rest)?;
                let repeats = kind == APPLICATION
                    && said.len() == REPEAT_BYTES
                    && said
                        .split_first()
                        .is_some_and(|(_, said)| REPEATS.iter().any(|name| said.starts_with(name)));
                if kind == CONTROL || repeats {
                    kept.extend([EXTENSION, kind]);
                    kept.extend(said);
                }
            }
            _ => return None,
        }
    }
}

/// Bytes of the table of colours that these flags announce.
const fn table(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        return 0;
    }
    3 << ((flags & 7) + 1)
}

/// Blocks up to the empty one that ends them, with their lengths.
fn blocks<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let all = *rest;
    let mut length = 0;
    loop {
        let size = usize::from(*take(rest, 1)?.first()?);
        take(rest, size)?;
        length += 1 + size;
        if size == 0 {
            return all.get(..length);
        }
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(count)?;
    *rest = after;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two colours, played for ever, two frames of one pixel, the second with colours of its own.
    fn moving(remarks: &[&[u8]]) -> Vec<u8> {
        let mut gif = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff".to_vec();
        let repeat = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0";
        let frames: [&[u8]; 2] = [
            b"\x21\xf9\x04\0\x0a\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0",
            b"\x21\xf9\x04\0\x0a\0\0\0\x2c\0\0\0\0\x01\0\x01\0\x80\x01\x02\x03\x04\x05\x06\x02\x02\x44\x01\0",
        ];
        gif.extend(repeat);
        for frame in frames {
            for remark in remarks {
                gif.extend(*remark);
            }
            gif.extend(frame);
        }
        gif.push(END);
        gif
    }

    /// P-347.
    #[test]
    fn frames_stay_and_remarks_go() {
        let remarks: [&[u8]; 3] = [
            b"\x21\xfe\x05egasi\x03uyi\0",
            b"\x21\xff\x0bXMP DataXMP\x0441.3\0",
            b"\x21\x01\x0c\0\0\0\0\0\0\0\0\0\0\0\0\x02ha\0",
        ];
        let mut gif = moving(&remarks);
        gif.extend(b"and behind its end");
        assert_eq!(without_remarks(&gif), Some(moving(&[])));
        assert_eq!(without_remarks(&moving(&[])), Some(moving(&[])));
    }

    #[test]
    fn what_is_cut_off_or_no_gif_is_none() {
        let whole = moving(&[b"\x21\xfe\x01x\0"]);
        for length in 0..whole.len() {
            assert_eq!(without_remarks(&whole[..length]), None, "{length}");
        }
        let mut other = whole.clone();
        other[3] = b'9';
        assert_eq!(without_remarks(&other), None);
        let strange = whole.len() - 1;
        let mut other = whole;
        other[strange] = 0x77;
        assert_eq!(without_remarks(&other), None);
    }

    #[test]
    fn any_bytes_are_taken_without_a_panic() {
        use rand_core::{Rng, SeedableRng};
        let mut rng = rand_chacha::ChaCha12Rng::seed_from_u64(347);
        for _ in 0..20_000 {
            let mut bytes = moving(&[b"\x21\xfe\x01x\0"]);
            for _ in 0..=rng.next_u32() % 4 {
                let at = rng.next_u32() as usize % bytes.len();
                bytes[at] = rng.next_u32() as u8;
            }
            if let Some(kept) = without_remarks(&bytes) {
                assert!(kept.len() <= bytes.len());
                assert_eq!(without_remarks(&kept).as_ref(), Some(&kept), "once is enough");
            }
        }
    }
}
