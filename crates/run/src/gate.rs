//! A sandbox without a network from which some hosts can be reached all the
//! same, each on one port, and nothing else.
//!
//! Inside, every such host has an address on the loopback device, which
//! `/etc/hosts` knows it by; the first process accepts what connects there and
//! hands it out over a socket of its own ([`inside`]). Outside, the supervisor
//! connects to the host and copies both ways ([`keeper`]). What is said stays
//! between the two ends: encryption is not touched, and nothing inside has to
//! know of it. Names are only resolved outside.

#![cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux has namespaces"))]

#[cfg(target_os = "linux")]
pub(crate) mod inside;
pub(crate) mod keeper;
pub(crate) mod proxy;

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};

/// Hosts at most: each is a listening socket of the first process.
const MOST: usize = 100;
/// Names that are known in any case.
const OF_THIS_MACHINE: &str = "127.0.0.1 localhost\n::1 localhost\n";

/// A host and a port on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Where inside what is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// A listener's place, and where it leads.
    pub(crate) doors: Vec<(SocketAddr, Target)>,
    /// What `/etc/hosts` says there.
    pub(crate) names: String,
}

/// What the first process needs of a layout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Doors(pub(crate) Vec<SocketAddr>);

impl Layout {
    /// For hosts as `api.example.com:443`; without a port, that one.
    ///
    /// # Errors
    /// Which is none, and what one looks like.
    pub(crate) fn of(hosts: &[String]) -> Result<Layout, String> {
        let mut layout = Layout { doors: Vec::new(), names: OF_THIS_MACHINE.to_owned() };
        if hosts.len() > MOST {
            return Err(format!("it names {} hosts; name {MOST} at most", hosts.len()));
        }
        for text in hosts {
            let target = parsed(text).ok_or_else(|| {
                format!("`{text}` is no host; write it as `api.example.com:443`, without a scheme")
            })?;
            let place = match target.host.parse::<IpAddr>() {
                Ok(IpAddr::V6(address)) if !address.is_loopback() => {
                    return Err(format!("`{text}` is an address of IPv6; give its name instead"));
                }
                Ok(address) => address,
                Err(_) if target.host == "localhost" => {
                    layout.add(Ipv6Addr::LOCALHOST.into(), &target);
                    Ipv4Addr::LOCALHOST.into()
                }
                Err(_) => layout.address_of(&target.host).into(),
            };
            layout.add(place, &target);
        }
        Ok(layout)
    }

    /// The address that stands for a name, the same for all of its ports.
    fn address_of(&mut self, name: &str) -> Ipv4Addr {
        let known = self.names.lines().find_map(|line| line.strip_suffix(name)?.strip_suffix(' '));
        if let Some(address) = known.and_then(|address| address.parse().ok()) {
            return address;
        }
        let number = self.names.lines().count() - OF_THIS_MACHINE.lines().count() + 1;
        let address = Ipv4Addr::new(127, 1, 0, u8::try_from(number).unwrap_or(u8::MAX));
        let _ = writeln!(self.names, "{address} {name}");
        address
    }

    fn add(&mut self, place: IpAddr, target: &Target) {
        let door = (SocketAddr::new(place, target.port), target.clone());
        if !self.doors.iter().any(|(place, _)| *place == door.0) {
            self.doors.push(door);
        }
    }

    pub(crate) fn places(&self) -> Doors {
        Doors(self.doors.iter().map(|(place, _)| *place).collect())
    }
}

fn parsed(text: &str) -> Option<Target> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, port.strip_prefix(':').unwrap_or("443"))
        }
        None => text.split_once(':').unwrap_or((text, "443")),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_host = host.parse::<Ipv6Addr>().is_ok()
        || (!host.is_empty() && host.len() <= 253 && host.chars().all(is_name));
    let port = port.parse().ok().filter(|port| *port > 0)?;
    is_host.then(|| Target { host: host.to_ascii_lowercase(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(hosts: &[&str]) -> Result<Layout, String> {
        Layout::of(&hosts.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn each_name_has_an_address_and_each_port_a_door() {
        let layout = layout(&[
            "api.example.com:443",
            "API.example.com:8443",
            "auth.example.com",
            "localhost:8123",
            "127.0.0.1:8123",
            "10.0.0.7:80",
            "[::1]:90",
        ])
        .unwrap();
        let doors: Vec<String> = layout
            .doors
            .iter()
            .map(|(place, Target { host, port })| format!("{place} {host}:{port}"))
            .collect();
        let expected = [
            "127.1.0.1:443 api.example.com:443",
            "127.1.0.1:8443 api.example.com:8443",
            "127.1.0.2:443 auth.example.com:443",
            "[::1]:8123 localhost:8123",
            "127.0.0.1:8123 localhost:8123",
            "10.0.0.7:80 10.0.0.7:80",
            "[::1]:90 ::1:90",
        ];
        assert_eq!(doors, expected);
        assert!(layout.names.ends_with("127.1.0.1 api.example.com\n127.1.0.2 auth.example.com\n"));
    }

    #[test]
    fn what_is_no_host_is_refused_with_what_one_looks_like() {
        for text in [
            "https://a.com",
            "a.com:",
            "a.com:0",
            "a.com:99999",
            "*.a.com",
            "",
            "a b:1",
            "a\n1.1.1.1 b",
        ] {
            assert!(layout(&[text]).unwrap_err().contains("api.example.com:443"), "{text}");
        }
        assert!(layout(&["[2001:db8::1]:443"]).unwrap_err().contains("name"));
        assert!(Layout::of(&vec!["a.com".to_owned(); 101]).is_err());
    }
}
