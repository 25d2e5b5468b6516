//! Where people reach the relay, as a browser names it: `https://name[:port]`, and nothing after it.

use std::net::{IpAddr, Ipv6Addr};

/// An origin that a browser could send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin<'a> {
    pub(crate) https: bool,
    /// Host and, where it is not the scheme's own, port: what `Host` says.
    pub(crate) authority: &'a str,
    pub(crate) host: Host<'a>,
}

/// A name or an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host<'a> {
    Name(&'a str),
    Address(IpAddr),
}

impl<'a> Origin<'a> {
    /// Reads what was normalised to lower case. `None`: no browser would name a page's origin so.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (https, authority) = match text.split_once("://")? {
            ("https", authority) => (true, authority),
            ("http", authority) => (false, authority),
            _ => return None,
        };
        let (host, rest) = match authority.strip_prefix('[') {
            Some(bracketed) => {
                let (inner, rest) = bracketed.split_once(']')?;
                let address: Ipv6Addr = inner.parse().ok()?;
                (Host::Address(address.into()), rest)
            }
            None => {
                let end = authority.find(':').unwrap_or(authority.len());
                let (host, rest) = authority.split_at_checked(end)?;
                (Host::parse(host)?, rest)
            }
        };
        let port_is_good = match rest.strip_prefix(':') {
            Some(port) => port.parse::<u16>().is_ok_and(|port| port != 0),
            None => rest.is_empty(),
        };
        port_is_good.then_some(Self {
            https,
            authority,
            host,
        })
    }
}

impl Origin<'_> {
    /// The port, the scheme's own where none is named.
    pub(crate) fn port(&self) -> u16 {
        let own = if self.https { 443 } else { 80 };
        let after_host = self.authority.rsplit(']').next().unwrap_or_default();
        after_host
            .rsplit_once(':')
            .map_or(own, |(_, port)| port.parse().unwrap_or(own))
    }
}

impl<'a> Host<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Self::Address(address));
        }
        // A last label of digits would be an address that was mistyped.
        let last = text.rsplit('.').next()?;
        let named =
            text.len() <= 253 && text.split('.').all(label) && last.bytes().any(|b| !b.is_ascii_digit());
        named.then_some(Self::Name(text))
    }

    /// Nobody but this machine itself reaches this machine so.
    pub(crate) fn is_loopback(&self) -> bool {
        match self {
            Self::Name(name) => *name == "localhost" || name.ends_with(".localhost"),
            Self::Address(address) => address.to_canonical().is_loopback(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_what_browsers_send() {
        let parsed = Origin::parse("https://chat.example.org:8443").unwrap();
        assert!(parsed.https);
        assert_eq!(parsed.authority, "chat.example.org:8443");
        assert_eq!(parsed.host, Host::Name("chat.example.org"));
        let parsed = Origin::parse("http://[2001:db8::1]:8080").unwrap();
        assert_eq!(parsed.host, Host::Address("2001:db8::1".parse().unwrap()));
        for good in [
            "https://localhost",
            "https://192.168.1.5:8443",
            "https://[::1]",
            "https://xn--80aqecdr1a.uz",
            "http://relay",
        ] {
            assert!(Origin::parse(good).is_some(), "{good}");
        }
        for bad in [
            "chat.example.org",
            "ftp://chat.example.org",
            "https://",
            "https://chat.example.org/path",
            "https://chat.example.org:",
            "https://chat.example.org:0",
            "https://chat.example.org:99999",
            "https://user@chat.example.org",
            "https://chat..example.org",
            "https://-chat.example.org",
            "https://192.168.1",
            "https://[2001:db8::1",
            "https://*.example.org",
            "https://почта.uz",
            "null",
        ] {
            assert_eq!(Origin::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        let loopback = |text| Origin::parse(text).unwrap().host.is_loopback();
        for here in [
            "http://localhost:8080",
            "https://127.0.0.1",
            "https://[::1]:1",
            "http://a.localhost",
        ] {
            assert!(loopback(here), "{here}");
        }
        for away in [
            "https://localhost.example.org",
            "https://10.0.0.1",
            "https://chat",
        ] {
            assert!(!loopback(away), "{away}");
        }
    }
}
