//! An MPEG-4 file of sound without what is said beside it (ISO/IEC 14496-12). Nothing of it moves, as its tables say where everything lies:
//! times become zero, and boxes that do not play become free room.

/// Boxes that hold boxes.
const HOLDS: [&[u8; 4]; 9] = [
    b"moov", b"trak", b"edts", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf",
];
/// Boxes that play: what they hold is tables and sound.
const PLAYS: [&[u8; 4]; 23] = [
    b"ftyp", b"styp", b"mdat", b"sidx", b"elst", b"smhd", b"dinf", b"stsd", b"stts", b"ctts", b"stsc",
    b"stsz", b"stz2", b"stco", b"co64", b"mehd", b"trex", b"mfhd", b"tfhd", b"tfdt", b"trun", b"sgpd",
    b"sbgp",
];
/// Boxes begin with when something was made and changed.
const TIMES: [&[u8; 4]; 3] = [b"mvhd", b"tkhd", b"mdhd"];
/// How deep boxes of sound lie in one another: a table in a list in a description in a medium in a track in the film.
const DEPTH: u8 = 8;

/// The same sound; `None` where it is no whole MPEG-4.
pub(super) fn only_sound(mut mp4: Vec<u8>) -> Option<Vec<u8>> {
    clear(&mut mp4, DEPTH)?;
    Some(mp4)
}

fn clear(mut rest: &mut [u8], depth: u8) -> Option<()> {
    while !rest.is_empty() {
        let (head, length) = extent(rest)?;
        let (one, after) = rest.split_at_mut_checked(length)?;
        rest = after;
        let kind: [u8; 4] = one.get(4..8)?.try_into().ok()?;
        let among = |kinds: &[&[u8; 4]]| kinds.iter().any(|one| **one == kind);
        let body = one.get_mut(head..)?;
        if among(&HOLDS) {
            clear(body, depth.checked_sub(1)?)?;
        } else if among(&TIMES) {
            // A version, three flags, two times of four or eight bytes.
            let width = if *body.first()? == 0 { 4 } else { 8 };
            body.get_mut(4..4 + 2 * width)?.fill(0);
        } else if kind == *b"hdlr" {
            // Behind the kind of the track: who made what reads it, and a name.
            body.get_mut(12..)?.fill(0);
        } else if !among(&PLAYS) {
            body.fill(0);
            one.get_mut(4..8)?.copy_from_slice(b"free");
        }
    }
    Some(())
}

/// How many bytes come before what the first box holds, and how many it has with them.
fn extent(boxes: &[u8]) -> Option<(usize, usize)> {
    let length = u32::from_be_bytes(boxes.get(..4)?.try_into().ok()?);
    let (head, length) = match length {
        // Up to the end.
        0 => (8, boxes.len()),
        1 => (
            16,
            usize::try_from(u64::from_be_bytes(boxes.get(8..16)?.try_into().ok()?)).ok()?,
        ),
        length => (8, usize::try_from(length).ok()?),
    };
    (length >= head).then_some((head, length))
}

#[cfg(test)]
mod tests {
    use super::super::altered::altered;
    use super::*;

    fn made(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
        let body = parts.concat();
        let length = u32::try_from(8 + body.len()).unwrap();
        [length.to_be_bytes().as_slice(), kind, &body].concat()
    }

    fn recording(time: &[u8; 4], name: &[u8; 8], remark: &[u8; 6], aside: &[u8; 4]) -> Vec<u8> {
        let times = [*b"\0\0\0\0", *time, *time, *b"rest"].concat();
        let long = [*b"\x01\0\0\0", *time, *time, *time, *time, *b"rest"].concat();
        let handler = made(b"hdlr", &[&[0; 8], b"soun", &[0; 4], name]);
        let medium = made(
            b"mdia",
            &[
                &made(b"mdhd", &[&long]),
                &handler,
                &made(b"minf", &[&made(b"stbl", &[&made(b"stts", &[b"table"])])]),
            ],
        );
        let track = made(b"trak", &[&made(b"tkhd", &[&times]), &medium]);
        let film = made(
            b"moov",
            &[&made(b"mvhd", &[&times]), &track, &made(aside, &[remark])],
        );
        let mut sound = made(b"mdat", &[b"sound"]);
        sound[..4].fill(0);
        [made(b"ftyp", &[b"isom"]), made(aside, &[remark]), film, sound].concat()
    }

    /// P-380.
    #[test]
    fn sound_stays_where_it_lies_and_what_is_said_beside_it_goes() {
        let said = recording(b"Thur", b"Recorder", b"at Bek", b"udta");
        let bare = recording(&[0; 4], &[0; 8], &[0; 6], b"free");
        assert_eq!(only_sound(said), Some(bare));
    }

    #[test]
    fn what_is_no_whole_file_is_none() {
        let mut whole = recording(b"Thur", b"Recorder", b"at Bek", b"udta");
        let end = whole.len() - b"sound".len() - 8;
        for cut in 1..end {
            let boxes = [12, 26].contains(&cut);
            assert_eq!(only_sound(whole[..cut].to_vec()).is_some(), boxes, "cut at {cut}");
        }
        whole[3] = 7;
        assert_eq!(only_sound(whole), None, "shorter than its own beginning");
        let mut deep = made(b"moov", &[]);
        for _ in 0..DEPTH {
            deep = made(b"moov", &[&deep]);
        }
        assert_eq!(only_sound(deep), None);
    }

    /// T-140.
    #[test]
    fn no_bytes_break_the_reader() {
        let whole = recording(b"Thur", b"Recorder", b"at Bek", b"udta");
        let mut kept = 0;
        for bytes in altered(&whole, 13) {
            if let Some(out) = only_sound(bytes) {
                kept += 1;
                assert_eq!(out.len(), whole.len());
            }
        }
        assert!(
            (5_000..19_000).contains(&kept),
            "{kept}: not much was altered, or all of it"
        );
    }
}
