//! How large a picture is, read from its first bytes: before anything decodes it, so that a few bytes that claim to be a picture as
//! large as a field cannot take all memory.

/// Kinds of pictures whose size is read. AVIF says its size in several places, so a picture of that kind is not shown as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PictureKind {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// GIF, moving or not.
    Gif,
    /// WebP.
    Webp,
}

/// Bytes from the beginning within which a size is looked for: cameras write previews and comments in front of it.
pub(crate) const HEAD: u64 = 512 * 1024;

/// Kind, width and height in pixels; `None` for what is no picture of these kinds, or says neither or nothing of a side.
pub(crate) fn picture_size(head: &[u8]) -> Option<(PictureKind, u32, u32)> {
    let (kind, (width, height)) = if head.starts_with(&[0xff, 0xd8, 0xff]) {
        (PictureKind::Jpeg, jpeg(head.get(2..)?)?)
    } else if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        (PictureKind::Png, png(head.get(8..)?)?)
    } else if head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a") {
        (PictureKind::Gif, gif(head.get(6..)?)?)
    } else if head.starts_with(b"RIFF") && head.get(8..12)? == b"WEBP" {
        (PictureKind::Webp, webp(head.get(12..)?)?)
    } else {
        return None;
    };
    (width > 0 && height > 0).then_some((kind, width, height))
}

/// Markers up to the frame's header.
fn jpeg(mut rest: &[u8]) -> Option<(u32, u32)> {
    loop {
        rest = rest.strip_prefix(&[0xff])?;
        // Any number of fill bytes may stand before a marker.
        while let Some(after) = rest.strip_prefix(&[0xff]) {
            rest = after;
        }
        let (&marker, after) = rest.split_first()?;
        rest = after;
        match marker {
            0x01 | 0xd0..=0xd7 => {}
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                // Length 2, precision 1, height 2, width 2.
                let header = rest.first_chunk::<7>()?;
                return Some((u32::from(be16(&header[5..])), u32::from(be16(&header[3..5]))));
            }
            // The picture itself, or its end, and no frame before.
            0xd8..=0xda => return None,
            _ => {
                let length = be16(rest.get(..2)?);
                rest = rest.get(usize::from(length.max(2))..)?;
            }
        }
    }
}

fn png(rest: &[u8]) -> Option<(u32, u32)> {
    let header = rest.first_chunk::<16>()?;
    (header[4..8] == *b"IHDR").then(|| (be32(&header[8..12]), be32(&header[12..16])))
}

/// The screen. Decoders make room for the first frame where that is larger, so one that is makes this no picture.
fn gif(rest: &[u8]) -> Option<(u32, u32)> {
    let screen = rest.first_chunk::<7>()?;
    let (width, height) = (le16(&screen[..2]), le16(&screen[2..4]));
    let mut rest = rest.get(7 + table(screen[4])..)?;
    loop {
        let (&block, after) = rest.split_first()?;
        match block {
            b'!' => {
                rest = after.get(1..)?;
                loop {
                    let (&length, after) = rest.split_first()?;
                    rest = after.get(usize::from(length)..)?;
                    if length == 0 {
                        break;
                    }
                }
            }
            b',' => {
                let frame = after.first_chunk::<8>()?;
                let side =
                    |at: usize, size: usize| u32::from(le16(&frame[at..])) + u32::from(le16(&frame[size..]));
                let fits = side(0, 4) <= u32::from(width) && side(2, 6) <= u32::from(height);
                return fits.then_some((u32::from(width), u32::from(height)));
            }
            _ => return None,
        }
    }
}

/// Bytes of a table of colours.
fn table(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        0
    } else {
        3 << ((flags & 7) + 1)
    }
}

fn webp(rest: &[u8]) -> Option<(u32, u32)> {
    let (name, rest) = rest.split_first_chunk::<4>()?;
    let chunk = rest.get(4..)?;
    match name {
        b"VP8X" => {
            let sides = chunk.get(4..)?.first_chunk::<6>()?;
            Some((1 + le24(&sides[..3]), 1 + le24(&sides[3..])))
        }
        b"VP8 " => {
            let frame = chunk.first_chunk::<10>()?;
            let side = |at: usize| u32::from(le16(&frame[at..]) & 0x3fff);
            (frame[3..6] == [0x9d, 0x01, 0x2a]).then(|| (side(6), side(8)))
        }
        b"VP8L" => {
            let head = chunk.first_chunk::<5>()?;
            let bits = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
            (head[0] == 0x2f).then_some((1 + (bits & 0x3fff), 1 + ((bits >> 14) & 0x3fff)))
        }
        _ => None,
    }
}

fn be16(bytes: &[u8]) -> u16 {
    bytes.first_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes))
}

fn be32(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

fn le16(bytes: &[u8]) -> u16 {
    bytes.first_chunk().map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

fn le24(bytes: &[u8]) -> u32 {
    bytes
        .first_chunk::<3>()
        .map_or(0, |[a, b, c]| u32::from_le_bytes([*a, *b, *c, 0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jpeg_of(width: u16, height: u16) -> Vec<u8> {
        let mut out = vec![
            0xff, 0xd8, 0xff, 0xe1, 0, 6, 9, 9, 9, 9, 0xff, 0xff, 0xc0, 0, 17, 8,
        ];
        out.extend(height.to_be_bytes());
        out.extend(width.to_be_bytes());
        out
    }

    fn png_of(width: u32, height: u32) -> Vec<u8> {
        let mut out = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        out.extend(width.to_be_bytes());
        out.extend(height.to_be_bytes());
        out
    }

    fn gif_of(screen: (u16, u16), frame: (u16, u16)) -> Vec<u8> {
        let mut out = b"GIF89a".to_vec();
        out.extend(screen.0.to_le_bytes());
        out.extend(screen.1.to_le_bytes());
        out.extend([
            0x80, 0, 0, 1, 2, 3, 4, 5, 6, b'!', 0xf9, 2, 7, 7, 0, b',', 0, 0, 0, 0,
        ]);
        out.extend(frame.0.to_le_bytes());
        out.extend(frame.1.to_le_bytes());
        out
    }

    /// P-346.
    #[test]
    fn sizes_are_read_from_the_first_bytes() {
        use PictureKind::{Gif, Jpeg, Png, Webp};
        assert_eq!(picture_size(&jpeg_of(640, 480)), Some((Jpeg, 640, 480)));
        assert_eq!(picture_size(&png_of(70_000, 3)), Some((Png, 70_000, 3)));
        assert_eq!(picture_size(&gif_of((20, 10), (20, 10))), Some((Gif, 20, 10)));
        let lossy = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x80\x02\xe0\x01";
        assert_eq!(picture_size(lossy), Some((Webp, 640, 480)));
        let extended = b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\xff\xff\0\x01\0\0";
        assert_eq!(picture_size(extended), Some((Webp, 65_536, 2)));
        let lossless = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x09\x40\x01\x00";
        assert_eq!(picture_size(lossless), Some((Webp, 10, 6)));
    }

    /// P-346, T-127.
    #[test]
    fn what_is_no_picture_has_no_size() {
        for none in [
            &b""[..],
            b"MZ\x90\0",
            b"<svg xmlns=",
            b"\x89PNG\r\n\x1a\n\0\0\0\x0dIDAT\0\0\0\x01\0\0\0\x01",
            &[0xff, 0xd8, 0xff, 0xda, 0, 2],
        ] {
            assert_eq!(picture_size(none), None, "{none:?}");
        }
        assert_eq!(picture_size(&jpeg_of(0, 5)), None, "a side without length");
        assert_eq!(
            picture_size(&gif_of((20, 10), (21, 10))),
            None,
            "a frame beyond the screen"
        );
        let whole = [jpeg_of(640, 480), png_of(7, 3), gif_of((20, 10), (20, 10))];
        for picture in &whole {
            for end in 0..picture.len() {
                assert_eq!(picture_size(&picture[..end]), None, "cut at {end}");
            }
        }
    }
}
