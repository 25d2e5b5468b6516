//! What the relay is called, as certificates say it.

use rcgen::{CidrSubnet, GeneralSubtree, NameConstraints, SanType};

use crate::origin::{Host, Origin};

/// What the relay is called: hosts of its origins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names(Vec<SanType>);

/// A host that browsers take and certificates do not.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} cannot stand in a certificate")]
pub(crate) struct NotAName(String);

impl Names {
    pub(super) fn of(origins: &[String]) -> Result<Self, NotAName> {
        let mut names = Vec::new();
        for origin in origins.iter().filter_map(|origin| Origin::parse(origin)) {
            let name = match origin.host {
                Host::Address(address) => SanType::IpAddress(address),
                Host::Name(name) => SanType::DnsName(
                    name.to_owned()
                        .try_into()
                        .map_err(|_| NotAName(name.to_owned()))?,
                ),
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(Self(names))
    }

    /// As a certificate lists them.
    pub(super) fn alternatives(&self) -> Vec<SanType> {
        self.0.clone()
    }

    pub(super) fn hosts(&self) -> impl Iterator<Item = Host<'_>> {
        self.0.iter().filter_map(|name| match name {
            SanType::DnsName(name) => Some(Host::Name(name.as_str())),
            SanType::IpAddress(address) => Some(Host::Address(*address)),
            _ => None,
        })
    }

    /// As people read them.
    pub(super) fn text(&self) -> String {
        let names: Vec<String> = self
            .hosts()
            .map(|host| match host {
                Host::Name(name) => name.to_owned(),
                Host::Address(address) => address.to_string(),
            })
            .collect();
        names.join(", ")
    }

    /// These names and nothing else. A kind of which nothing is permitted would be free, so that each has something: a
    /// name that nobody can own, an address that leads nowhere but home.
    pub(super) fn constraints(&self) -> NameConstraints {
        let mut permitted = vec![
            GeneralSubtree::DnsName("chopar.invalid".to_owned()),
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix([127, 0, 0, 1].into(), 32)),
        ];
        permitted.extend(self.hosts().map(|host| match host {
            Host::Name(name) => GeneralSubtree::DnsName(name.to_owned()),
            Host::Address(address) => {
                let whole = if address.is_ipv4() { 32 } else { 128 };
                GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, whole))
            }
        }));
        NameConstraints {
            permitted_subtrees: permitted,
            excluded_subtrees: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(origins: &[&str]) -> Names {
        let origins: Vec<String> = origins.iter().map(ToString::to_string).collect();
        Names::of(&origins).unwrap()
    }

    #[test]
    fn hosts_of_origins_are_names_once() {
        let names = names(&[
            "https://chat.example.org",
            "https://chat.example.org:8443",
            "https://[::1]:8443",
        ]);
        assert_eq!(names.text(), "chat.example.org, ::1");
        assert_eq!(names.alternatives().len(), 2);
    }

    #[test]
    fn of_each_kind_of_name_something_is_permitted() {
        for origin in [
            "https://chat.example.org",
            "https://203.0.113.5",
            "https://[2001:db8::1]",
        ] {
            let permitted = names(&[origin]).constraints().permitted_subtrees;
            let kind = |wanted: fn(&GeneralSubtree) -> bool| permitted.iter().any(wanted);
            assert!(kind(|one| matches!(one, GeneralSubtree::DnsName(_))), "{origin}");
            assert!(
                kind(|one| matches!(one, GeneralSubtree::IpAddress(_))),
                "{origin}"
            );
        }
    }
}
