//! `ip("10.0.0.0/8")`: addresses in texts (Loki `log/ip.go`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::StageProblem;

/// The addresses that are looked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum IpSet {
    /// One address; one with a zone is in no text.
    One(IpAddr, bool),
    /// The bits of a network and how many of them count.
    Network(IpAddr, u8),
    Range(IpAddr, IpAddr),
}

impl IpSet {
    pub fn new(pattern: &str) -> Result<IpSet, StageProblem> {
        let found = if let Some((ip, zone)) = address(pattern) {
            Some(IpSet::One(ip, zone))
        } else if let Some((ip, bits)) = pattern.rsplit_once('/') {
            network(ip, bits)
        } else {
            pattern.split_once('-').and_then(|(from, to)| range(from, to))
        };
        found.ok_or_else(|| {
            let quoted = crate::syntax::strings::quoted(pattern);
            StageProblem(format!("ip: invalid pattern: {quoted}; write an address, a network such as 10.0.0.0/8, or a range such as 10.0.0.1-10.0.0.9"))
        })
    }

    /// Whether the text holds an address of the set. Addresses are looked for where something begins like one.
    pub fn is_in(&self, text: &[u8]) -> bool {
        let mut at = 0;
        while at < text.len() {
            let charset: fn(&u8) -> bool = match text.get(at..at + 4) {
                Some(start) if begins_ipv4(start) => |byte| byte.is_ascii_digit() || *byte == b'.',
                _ => match text.get(at..at + 5) {
                    Some(start) if begins_ipv6(start) => |byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'),
                    _ => {
                        at += 1;
                        continue;
                    }
                },
            };
            let length = text[at..].iter().position(|byte| !charset(byte)).unwrap_or(text.len() - at);
            let written = std::str::from_utf8(&text[at..at + length]).unwrap_or_default();
            if address(written).is_some_and(|(ip, _)| self.contains(ip)) {
                return true;
            }
            // What ends the address is passed over, too.
            at += length + 1;
        }
        false
    }

    fn contains(&self, ip: IpAddr) -> bool {
        match *self {
            IpSet::One(own, zone) => own == ip && !zone,
            IpSet::Network(network, bits) => match (network, ip) {
                (IpAddr::V4(a), IpAddr::V4(b)) => {
                    (a.to_bits() ^ b.to_bits()).checked_shr(32 - u32::from(bits)).unwrap_or(0) == 0
                }
                (IpAddr::V6(a), IpAddr::V6(b)) => {
                    (a.to_bits() ^ b.to_bits()).checked_shr(128 - u32::from(bits)).unwrap_or(0) == 0
                }
                _ => false,
            },
            IpSet::Range(from, to) => from.is_ipv4() == ip.is_ipv4() && from <= ip && ip <= to,
        }
    }
}

/// An address, and whether it has a zone.
fn address(text: &str) -> Option<(IpAddr, bool)> {
    if let Ok(ip) = text.parse::<Ipv4Addr>() {
        return Some((IpAddr::V4(ip), false));
    }
    let (text, zone) = match text.split_once('%') {
        Some((_, "")) => return None,
        Some((text, _)) => (text, true),
        None => (text, false),
    };
    text.parse::<Ipv6Addr>().ok().map(|ip| (IpAddr::V6(ip), zone))
}

fn network(ip: &str, bits: &str) -> Option<IpSet> {
    let (ip, zone) = address(ip)?;
    let plain = !bits.is_empty() && bits.len() <= 3 && bits.bytes().all(|byte| byte.is_ascii_digit());
    if zone || !plain || (bits.len() > 1 && bits.starts_with('0')) {
        return None;
    }
    let bits: u8 = bits.parse().ok()?;
    (bits <= if ip.is_ipv4() { 32 } else { 128 }).then_some(IpSet::Network(ip, bits))
}

fn range(from: &str, to: &str) -> Option<IpSet> {
    let ((from, _), (to, _)) = (address(from)?, address(to)?);
    (from.is_ipv4() == to.is_ipv4() && from <= to).then_some(IpSet::Range(from, to))
}

fn begins_ipv4(start: &[u8]) -> bool {
    start[0].is_ascii_digit() && start[1..4].contains(&b'.')
}

fn begins_ipv6(start: &[u8]) -> bool {
    let digits = start.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    match digits {
        0 => start[0] == b':' && start[1] == b':' && start[2].is_ascii_hexdigit(),
        _ => start.get(digits) == Some(&b':'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: Loki's `ip_test.go`.
    #[test]
    fn addresses_are_found_in_texts() {
        for (pattern, text, found) in [
            ("192.168.0.1", "x 192.168.0.1", true),
            ("192.168.0.1", "192.168.0.12", false),
            ("192.168.0.0/16", "from 192.168.4.5:80 to", true),
            ("192.168.0.1-192.168.0.9", "192.168.0.9", true),
            ("192.168.0.1-192.168.0.9", "192.168.0.10", false),
            ("::1", "::1", false),
            ("2001:db8::1", "at 2001:db8::1 now", true),
            ("2001:db8::/32", "2001:db8:1::5", true),
            ("10.0.0.0/8", "1.10.0.0.1", false),
            ("0.0.0.0/0", "x 8.8.8.8", true),
            ("::/0", "8.8.8.8", false),
            ("10.0.0.0/8", "999.10.0.0.1 10.1.1.1", true),
        ] {
            assert_eq!(IpSet::new(pattern).unwrap().is_in(text.as_bytes()), found, "{pattern} {text}");
        }
        for bad in [
            "",
            "x",
            "192.168.0",
            "192.168.0.1/33",
            "192.168.0.9-192.168.0.1",
            "1.2.3.4-::1",
            "1.2.3.4/08",
            "01.2.3.4",
            "1.2.3.4-",
        ] {
            assert!(IpSet::new(bad).is_err(), "{bad}");
        }
    }
}
