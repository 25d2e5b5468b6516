//! Elements of EBML (RFC 8794), of which WebM is made: an id, a length, and so many bytes.

/// The next element's id, with the mark of its own length, and its length in bytes; that is `None` for one that says none, and lasts until
/// something follows that cannot be in it.
pub(super) fn head(rest: &mut &[u8]) -> Option<(u64, Option<u64>)> {
    let (id, width) = number(rest)?;
    let id = id | mark(width);
    let (length, width) = number(rest)?;
    // All ones.
    Some((id, (length != mark(width) - 1).then_some(length)))
}

/// The next element: its id and its bytes.
pub(super) fn element<'a>(rest: &mut &'a [u8]) -> Option<(u64, &'a [u8])> {
    let (id, length) = head(rest)?;
    Some((id, take(rest, length?)?))
}

/// Writes an element, its length in as few bytes as it fits in.
pub(super) fn put(out: &mut Vec<u8>, id: u64, body: &[u8]) {
    let id_width = 8 - id.leading_zeros() as usize / 8;
    out.extend(&id.to_be_bytes()[8 - id_width..]);
    let length = body.len() as u64;
    let width = (1..8).find(|width| length < mark(*width) - 1).unwrap_or(8);
    out.extend(&(mark(width) | length).to_be_bytes()[8 - width..]);
    out.extend(body);
}

/// An unsigned number that is the whole of an element.
pub(super) fn unsigned(body: &[u8]) -> Option<u64> {
    (body.len() <= 8).then(|| body.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
}

/// A number of as many bytes, one to eight, as its first says, and how many those are.
pub(super) fn number(rest: &mut &[u8]) -> Option<(u64, usize)> {
    let width = rest.first()?.leading_zeros() as usize + 1;
    let value = unsigned(take(rest, width as u64)?)?;
    Some((value & (mark(width) - 1), width))
}

/// So many bytes.
pub(super) fn take<'a>(rest: &mut &'a [u8], count: u64) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(usize::try_from(count).ok()?)?;
    *rest = after;
    Some(taken)
}

/// The bit that says how many bytes a number has.
const fn mark(width: usize) -> u64 {
    1 << (7 * width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 1, 126, 127, 128, 16_382, 16_383, 70_000] {
            for id in [0xa3, 0x4286, 0x2a_d7b1, 0x1f43_b675] {
                let body = vec![7; length];
                let mut out = Vec::new();
                put(&mut out, id, &body);
                let mut rest = out.as_slice();
                assert_eq!(element(&mut rest), Some((id, body.as_slice())));
                assert!(rest.is_empty());
            }
        }
    }

    #[test]
    fn lengths_may_be_left_open_and_numbers_end() {
        assert_eq!(head(&mut [0xa3, 0xff].as_slice()), Some((0xa3, None)));
        let long = [0x18, 0x53, 0x80, 0x67, 1, 255, 255, 255, 255, 255, 255, 255];
        assert_eq!(head(&mut long.as_slice()), Some((0x1853_8067, None)));
        assert_eq!(element(&mut [0xa3, 0xff].as_slice()), None);
        assert_eq!(element(&mut [0xa3, 0x82, 1].as_slice()), None);
        assert_eq!(head(&mut [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].as_slice()), None);
        assert_eq!(unsigned(&[1, 2]), Some(258));
        assert_eq!(unsigned(&[0; 9]), None);
    }
}
