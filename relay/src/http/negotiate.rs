//! Which of the prepared encodings a client takes.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;

/// How a file is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Brotli,
    Gzip,
    Plain,
}

impl Encoding {
    /// As `Content-Encoding` says it.
    pub(crate) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Plain => None,
        }
    }
}

/// The encodings a request accepts, smallest result first, plain always last.
pub(crate) fn accepted(headers: &HeaderMap) -> impl Iterator<Item = Encoding> {
    let text: String = headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect::<Vec<_>>()
        .join(",");
    let takes = |name: &str| {
        text.split(',').any(|offer| {
            let mut parts = offer.split(';').map(str::trim);
            let named = parts
                .next()
                .is_some_and(|coding| coding.eq_ignore_ascii_case(name));
            named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        })
    };
    [
        (Encoding::Brotli, takes("br")),
        (Encoding::Gzip, takes("gzip")),
        (Encoding::Plain, true),
    ]
    .into_iter()
    .filter_map(|(encoding, taken)| taken.then_some(encoding))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_are_read() {
        let ask = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, text.parse().unwrap());
            accepted(&headers).next().unwrap()
        };
        assert_eq!(ask("gzip, deflate, br, zstd"), Encoding::Brotli);
        assert_eq!(ask("gzip;q=0.5"), Encoding::Gzip);
        assert_eq!(ask("br;q=0, GZIP"), Encoding::Gzip);
        assert_eq!(ask("identity"), Encoding::Plain);
        assert_eq!(accepted(&HeaderMap::new()).next(), Some(Encoding::Plain));
    }
}
