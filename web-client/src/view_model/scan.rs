//! The QR codes in a picture. Read from pixels here, and not by the browser's `BarcodeDetector`: that one gives a text, and a
//! safety number is bytes that are none.

use rqrr::PreparedImage;

/// Bytes of one RGBA pixel.
const PIXEL: usize = 4;

/// A picture as a canvas gives it: RGBA, row by row.
pub(crate) struct Picture {
    /// Pixels in a row.
    pub(crate) width: usize,
    /// Four bytes a pixel; what is no whole row is not looked at.
    pub(crate) rgba: Vec<u8>,
}

/// What every readable code in the picture says, as bytes.
pub(crate) fn codes(picture: &Picture) -> Vec<Vec<u8>> {
    let row = picture.width * PIXEL;
    let height = picture.rgba.len().checked_div(row).unwrap_or(0);
    if height == 0 {
        return Vec::new();
    }
    let grey = |x, y| luma(&picture.rgba[y * row + x * PIXEL..][..PIXEL]);
    let mut prepared = PreparedImage::prepare_from_greyscale(picture.width, height, grey);
    prepared
        .detect_grids()
        .into_iter()
        .filter_map(|grid| {
            let mut bytes = Vec::new();
            // A grid that does not decode is a blurred one: the next picture may be better.
            grid.decode_to(&mut bytes).ok().map(|_| bytes)
        })
        .collect()
}

/// Brightness as people see it, by the weights of BT.601 in 256ths.
fn luma(pixel: &[u8]) -> u8 {
    let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
    ((77 * red + 150 * green + 29 * blue) >> 8) as u8
}

#[cfg(test)]
mod tests {
    use qrcodegen::{QrCode, QrCodeEcc};
    use rand_chacha::ChaCha12Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    const WIDTH: usize = 640;
    const HEIGHT: usize = 480;
    /// Dark and light of a screen in a dim room, neither black nor white.
    const DARK: u8 = 50;
    const LIGHT: u8 = 190;

    /// A photograph of a code: `scale` pixels a module, turned by `angle`, on a grey wall.
    fn photograph(payload: &[u8], scale: f64, angle: f64) -> Picture {
        let code = QrCode::encode_binary(payload, QrCodeEcc::Medium).unwrap();
        let middle = f64::from(code.size()) / 2.0;
        let quiet = -4.0..f64::from(code.size()) + 4.0;
        let mut rgba = Vec::with_capacity(WIDTH * HEIGHT * PIXEL);
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                let (dx, dy) = (
                    (x as f64 - WIDTH as f64 / 2.0) / scale,
                    (y as f64 - HEIGHT as f64 / 2.0) / scale,
                );
                let (u, v) = (
                    dx * angle.cos() + dy * angle.sin() + middle,
                    dy * angle.cos() - dx * angle.sin() + middle,
                );
                let grey = if code.get_module(u.floor() as i32, v.floor() as i32) {
                    DARK
                } else if quiet.contains(&u) && quiet.contains(&v) {
                    LIGHT
                } else {
                    120
                };
                rgba.extend([grey, grey, grey, 255]);
            }
        }
        Picture { width: WIDTH, rgba }
    }

    /// As long as a safety number's, and not UTF-8.
    fn payload() -> Vec<u8> {
        (0..74).map(|i: u8| i.wrapping_mul(151) ^ 0x80).collect()
    }

    #[test]
    fn a_code_is_read_near_far_and_turned() {
        let payload = payload();
        assert!(std::str::from_utf8(&payload).is_err());
        for (scale, angle) in [(9.0, 0.0), (4.0, 0.0), (6.0, 0.3), (5.0, -1.1)] {
            let read = codes(&photograph(&payload, scale, angle));
            assert_eq!(read, [payload.as_slice()], "scale {scale}, angle {angle}");
        }
    }

    #[test]
    fn a_picture_without_a_code_says_nothing() {
        let wall = Picture {
            width: WIDTH,
            rgba: vec![120; WIDTH * HEIGHT * PIXEL],
        };
        assert!(codes(&wall).is_empty());
        for (width, bytes) in [(0, 0), (0, 400), (10, 0), (10, 39), (1, 4)] {
            let odd = Picture {
                width,
                rgba: vec![0; bytes],
            };
            assert!(codes(&odd).is_empty());
        }
    }

    /// Whoever holds something in front of the camera must not be able to stop the page: damaged codes, stains, noise.
    #[test]
    fn no_picture_breaks_the_reader() {
        let mut random = ChaCha12Rng::seed_from_u64(7);
        let mut read = 0;
        let rounds = if std::env::var_os("CHOPAR_FULL").is_some() {
            2_000
        } else {
            20
        };
        for round in 0..rounds {
            let mut payload = vec![0; 1 + random.next_u32() as usize % 300];
            random.fill_bytes(&mut payload);
            let scale = 2.0 + f64::from(random.next_u32() % 80) / 10.0;
            let mut picture = photograph(&payload, scale, f64::from(random.next_u32() % 628) / 100.0);
            // Stains of random size; in every third picture none, in some so many that nothing is left.
            for _ in 0..(round % 3) * 20 {
                let side = 1 + random.next_u32() as usize % 24;
                let (left, top) = (
                    random.next_u32() as usize % (WIDTH - side),
                    random.next_u32() as usize % (HEIGHT - side),
                );
                let shade = (random.next_u32() & 0xFF) as u8;
                for y in top..top + side {
                    let start = (y * WIDTH + left) * PIXEL;
                    picture.rgba[start..start + side * PIXEL].fill(shade);
                }
            }
            read += usize::from(codes(&picture).contains(&payload));
        }
        assert!(
            read > rounds as usize / 10,
            "{read} of {rounds} were read: nothing was exercised"
        );
    }
}
