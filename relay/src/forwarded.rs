//! Whose connection it is, where a proxy stands in front: the word of a proxy counts, anybody else's does not.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};

use crate::config::Config;

/// What proxies write the client's address into, each at the end of what it was given.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Peers whose `X-Forwarded-For` is believed. Behind a proxy these are this machine's own addresses and the declared
/// ones; otherwise there are none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies {
    on_this_machine: bool,
    declared: Vec<IpAddr>,
}

impl Proxies {
    pub(crate) fn of(config: &Config) -> Self {
        if !config.behind_proxy {
            return Self::default();
        }
        Self {
            on_this_machine: true,
            declared: config.proxies.iter().map(IpAddr::to_canonical).collect(),
        }
    }

    pub(crate) fn include(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        (self.on_this_machine && address.is_loopback()) || self.declared.contains(&address)
    }

    /// The client that a proxy passes on: the last address of the header that is no proxy's. What stands before it was
    /// written by the client itself. `None`: the proxy says nothing that can be read.
    pub(crate) fn client(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let lines = headers.get_all(FORWARDED_FOR).iter();
        let mut last = None;
        for line in lines.collect::<Vec<_>>().into_iter().rev() {
            for part in line.to_str().ok()?.rsplit(',') {
                let address = address(part.trim())?;
                if !self.include(address) {
                    return Some(address);
                }
                last = Some(address);
            }
        }
        // All of it on this machine: a test, or a monitor beside the proxy.
        last
    }
}

/// An address as proxies write it, some with the port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse().ok();
    address
        .or_else(|| text.parse().ok().map(|at: SocketAddr| at.ip()))
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(proxies: &[&str]) -> Proxies {
        let mut config = Config::new("data");
        config.behind_proxy = true;
        config.proxies = proxies.iter().map(|proxy| proxy.parse().unwrap()).collect();
        Proxies::of(&config)
    }

    fn client(proxies: &Proxies, lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        proxies.client(&headers).map(|address| address.to_string())
    }

    #[test]
    fn only_proxies_are_believed() {
        let here = IpAddr::from([127, 0, 0, 1]);
        let mut config = Config::new("data");
        config.proxies = vec![[10, 0, 0, 9].into()];
        assert!(
            !Proxies::of(&config).include(here),
            "without a proxy nobody speaks for others"
        );
        let proxies = behind(&["10.0.0.9"]);
        for (address, included) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.9", true),
            ("::ffff:10.0.0.9", true),
            ("10.0.0.8", false),
            ("203.0.113.5", false),
        ] {
            assert_eq!(proxies.include(address.parse().unwrap()), included, "{address}");
        }
    }

    #[test]
    fn the_last_address_that_is_no_proxys_is_the_client() {
        let proxies = behind(&["10.0.0.9"]);
        for (lines, expected) in [
            (&["203.0.113.5"][..], Some("203.0.113.5")),
            // The first one is the client's own invention.
            (&["198.51.100.1, 203.0.113.5"], Some("203.0.113.5")),
            (&["198.51.100.1", "203.0.113.5"], Some("203.0.113.5")),
            (&["203.0.113.5, 10.0.0.9"], Some("203.0.113.5")),
            (&["203.0.113.5:4711"], Some("203.0.113.5")),
            (&["[2001:db8::1]:4711"], Some("2001:db8::1")),
            (&["[2001:db8::1]"], Some("2001:db8::1")),
            (&["::ffff:203.0.113.5"], Some("203.0.113.5")),
            (&["127.0.0.1"], Some("127.0.0.1")),
            (&["203.0.113.5, unknown"], None),
            (&["203.0.113.5,"], None),
            (&[""], None),
            (&[], None),
        ] {
            assert_eq!(client(&proxies, lines).as_deref(), expected, "{lines:?}");
        }
    }
}
