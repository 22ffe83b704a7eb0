//! Where this machine reaches others only through a proxy, so does the gate:
//! it asks the proxy for a tunnel to the host (`CONNECT`, RFC 9110 § 9.3.6).
//! A command could ask the proxy for any host; it is not let through to it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, TcpStream};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use percent_encoding::percent_decode_str;

use super::Target;

/// The variables that name proxies, which mean nothing inside.
pub(crate) const VARIABLES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
/// An answer longer than this is none of a proxy's.
const LONGEST_ANSWER: usize = 16 * 1024;

/// A proxy that is spoken to without encryption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    /// User and password.
    login: Option<String>,
}

/// Which proxy leads where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proxies {
    proxy: Option<Proxy>,
    /// Names and ends of names that are reached without.
    exempt: Vec<String>,
}

impl Proxies {
    /// As an environment names them. One for HTTPS comes before others; one that
    /// speaks anything but HTTP is passed over.
    pub(crate) fn of(environment: &BTreeMap<OsString, OsString>) -> Proxies {
        let value = |name: &str| environment.get(OsStr::new(name))?.to_str();
        let exempt = value("NO_PROXY").or_else(|| value("no_proxy")).unwrap_or_default();
        Proxies {
            proxy: [
                "HTTPS_PROXY",
                "https_proxy",
                "ALL_PROXY",
                "all_proxy",
                "HTTP_PROXY",
                "http_proxy",
            ]
            .into_iter()
            .find_map(|name| parsed(value(name)?)),
            exempt: exempt
                .split([',', ' '])
                .map(|name| name.trim_start_matches('*').trim_start_matches('.').to_lowercase())
                .filter(|name| !name.is_empty())
                .chain(exempt.split(',').any(|name| name.trim() == "*").then(String::new))
                .collect(),
        }
    }

    /// The proxy on the way to a host. This machine itself needs none.
    pub(super) fn way_to(&self, target: &Target) -> Option<&Proxy> {
        let host = target.host.as_str();
        let is_here = host == "localhost"
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let is_exempt = self.exempt.iter().any(|name| {
            name.is_empty()
                || host == name
                || host.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with('.'))
        });
        self.proxy.as_ref().filter(|_| !is_here && !is_exempt)
    }
}

impl Proxy {
    /// Asks for a tunnel.
    ///
    /// # Errors
    /// What the proxy said instead.
    pub(super) fn tunnel(
        &self,
        stream: &mut TcpStream,
        target: &Target,
        patience: Duration,
    ) -> io::Result<()> {
        let place = format!("{}:{}", target.host, target.port);
        let login = self.login.as_ref().map_or_else(String::new, |login| {
            format!("Proxy-Authorization: Basic {}\r\n", BASE64_STANDARD.encode(login))
        });
        stream.set_read_timeout(Some(patience))?;
        stream.write_all(
            format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{login}\r\n").as_bytes(),
        )?;
        // A byte at a time: what comes after the answer is the host's.
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") && answer.len() < LONGEST_ANSWER {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            answer.push(byte[0]);
        }
        stream.set_read_timeout(None)?;
        let text = String::from_utf8_lossy(&answer);
        let first = text.lines().next().unwrap_or_default();
        if first.split(' ').nth(1).is_some_and(|status| status.starts_with('2')) {
            Ok(())
        } else {
            let said = format!("the proxy `{}:{}` says `{first}`", self.host, self.port);
            Err(io::Error::other(said))
        }
    }
}

/// A proxy's address, as `http://user:password@host:port`.
fn parsed(text: &str) -> Option<Proxy> {
    let rest = match text.trim().split_once("://") {
        Some((scheme, rest)) => scheme.eq_ignore_ascii_case("http").then_some(rest)?,
        None => text.trim(),
    };
    let place = rest.split('/').next()?;
    let (login, place) = match place.rsplit_once('@') {
        Some((login, place)) => {
            (Some(percent_decode_str(login).decode_utf8_lossy().into_owned()), place)
        }
        None => (None, place),
    };
    let target =
        super::parsed(&if place.rsplit_once(':').is_some_and(|(_, p)| !p.contains(']')) {
            place.to_owned()
        } else {
            format!("{place}:80")
        })?;
    Some(Proxy { host: target.host, port: target.port, login })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(set: &[(&str, &str)]) -> Proxies {
        Proxies::of(&set.iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    fn way<'a>(proxies: &'a Proxies, host: &str) -> Option<&'a str> {
        let target = Target { host: host.to_owned(), port: 443 };
        proxies.way_to(&target).map(|proxy| proxy.host.as_str())
    }

    #[test]
    fn a_host_is_reached_through_the_proxy_unless_it_is_here_or_exempt() {
        let proxies = proxies(&[
            ("HTTP_PROXY", "http://other:1"),
            ("https_proxy", "http://proxy.lan:3128/"),
            ("NO_PROXY", "internal.org, *.corp"),
        ]);
        assert_eq!(way(&proxies, "api.example.com"), Some("proxy.lan"));
        for host in ["localhost", "127.0.0.1", "internal.org", "a.internal.org", "x.corp"] {
            assert_eq!(way(&proxies, host), None, "{host}");
        }
        assert_eq!(way(&proxies, "notinternal.org"), Some("proxy.lan"));
        let none = self::proxies(&[("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", "*")]);
        assert_eq!(way(&none, "api.example.com"), None);
        assert_eq!(self::proxies(&[("ALL_PROXY", "socks5://p:1080")]).proxy, None);
    }

    #[test]
    fn a_proxys_address_may_have_a_login_and_need_no_port() {
        let proxy = parsed("http://me:p%40ss@proxy.lan").unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.lan", 80));
        assert_eq!(proxy.login.as_deref(), Some("me:p@ss"));
        assert_eq!(parsed("proxy.lan:8080").unwrap().port, 8080);
    }
}
