//! The safety number as people compare it: twelve groups of five digits, and a QR code.

use qrcodegen::{QrCode, QrCodeEcc};

/// Modules of white around a QR code; four is what the standard asks for.
const QUIET: i32 = 4;

/// Sixty digits as twelve groups; `None` for anything else.
pub(crate) fn digit_groups(digits: &str) -> Option<Vec<String>> {
    const GROUPS: usize = 12;
    const GROUP: usize = 5;
    if digits.len() != GROUPS * GROUP || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(
        digits
            .as_bytes()
            .chunks(GROUP)
            .map(|group| group.iter().map(|&byte| char::from(byte)).collect())
            .collect(),
    )
}

/// A QR code as the side of its square view box and the path of its dark modules; `None` if the payload is too long.
pub(crate) fn qr_path(payload: &[u8]) -> Option<(i32, String)> {
    let code = QrCode::encode_binary(payload, QrCodeEcc::Medium).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let start = x;
            while x < code.size() && code.get_module(x, y) {
                x += 1;
            }
            if x > start {
                let run = x - start;
                path.push('M');
                path.push_str(&(start + QUIET).to_string());
                path.push(' ');
                path.push_str(&(y + QUIET).to_string());
                path.push('h');
                path.push_str(&run.to_string());
                path.push_str("v1h-");
                path.push_str(&run.to_string());
                path.push('z');
            }
            x += 1;
        }
    }
    Some((code.size() + 2 * QUIET, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_digits_make_twelve_groups() {
        let digits: String = (0..60).map(|i| char::from(b'0' + i % 10)).collect();
        let groups = digit_groups(&digits).unwrap();
        assert_eq!(groups.len(), 12);
        assert_eq!(groups[0], "01234");
        assert_eq!(groups.concat(), digits);
        assert_eq!(digit_groups(""), None);
        assert_eq!(digit_groups(&"٣".repeat(30)), None);
    }

    #[test]
    fn the_path_has_the_dark_modules_and_no_more() {
        let payload = [0xC5; 66];
        let (side, path) = qr_path(&payload).unwrap();
        let code = QrCode::encode_binary(&payload, QrCodeEcc::Medium).unwrap();
        let dark = (0..code.size())
            .flat_map(|y| (0..code.size()).map(move |x| (x, y)))
            .filter(|&(x, y)| code.get_module(x, y));
        let drawn: usize = path
            .split('h')
            .skip(1)
            .step_by(2)
            .map(|run| run.split_once('v').unwrap().0.parse::<usize>().unwrap())
            .sum();
        assert_eq!(drawn, dark.count());
        assert_eq!(side, code.size() + 8);
        assert!(
            path.starts_with("M4 4h7v1h-7z"),
            "the finder pattern begins behind the quiet zone"
        );
        assert!(qr_path(&[0; 4000]).is_none());
    }
}
