//! Addresses and links: hosts with ports, escapes, links into Prometheus.

use std::net::IpAddr;

use super::escape;

/// Host and port of `host:port` or `[v6]:port`, as Go's `net.SplitHostPort` reads them.
fn split_host_port(text: &str) -> Option<(&str, &str)> {
    let colon = text.rfind(':')?;
    let port = &text[colon + 1..];
    let host = if let Some(inner) = text.strip_prefix('[') {
        let end = inner.find(']')?;
        // Only the port follows the bracket.
        if end + 2 != colon {
            return None;
        }
        let host = &inner[..end];
        if host.contains('[') || inner[end + 1..].contains(['[', ']']) {
            return None;
        }
        host
    } else {
        let host = &text[..colon];
        if host.contains([':', '[', ']']) {
            return None;
        }
        host
    };
    (!port.contains(['[', ']'])).then_some((host, port))
}

/// The host of `host:port`; anything else stays.
pub(super) fn strip_port(text: &str) -> String {
    split_host_port(text).map_or(text, |(host, _)| host).to_owned()
}

/// The first label of a host's name, with the port if there is one; addresses stay.
pub(super) fn strip_domain(text: &str) -> String {
    let (host, port) = split_host_port(text).unwrap_or((text, ""));
    if host.parse::<IpAddr>().is_ok() {
        return text.to_owned();
    }
    let host = host.split('.').next().unwrap_or_default();
    match (port, host.contains(':')) {
        ("", _) => host.to_owned(),
        (port, true) => format!("[{host}]:{port}"),
        (port, false) => format!("{host}:{port}"),
    }
}

/// A link to a graph (0) or a table (1) of an expression.
pub(super) fn expression_link(expr: &[u8], tab: u8) -> String {
    format!("/graph?g0.expr={}&g0.tab={tab}", escape::query(expr))
}

/// The path of a URL, without escapes.
pub(super) fn path(url: &str) -> String {
    let rest = url.split(['?', '#']).next().unwrap_or_default();
    let path = match rest.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
        None => rest,
    };
    unescape(path)
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'%').then(|| after.get(..2)).flatten();
        let code =
            code.and_then(|code| std::str::from_utf8(code).ok()).and_then(|code| u8::from_str_radix(code, 16).ok());
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_split_as_go_splits_them() {
        for (text, port, domain) in [
            ("host:80", "host", "host:80"),
            ("[::1]:80", "::1", "[::1]:80"),
            ("a.b.c:80", "a.b.c", "a:80"),
            ("10.0.0.1:9", "10.0.0.1", "10.0.0.1:9"),
            ("a.b", "a.b", "a"),
            ("a:b:c", "a:b:c", "a:b:c"),
            ("[a]b:c", "[a]b:c", "[a]b:c"),
            ("", "", ""),
        ] {
            assert_eq!((strip_port(text).as_str(), strip_domain(text).as_str()), (port, domain), "{text}");
        }
    }

    #[test]
    fn the_path_of_a_url_is_unescaped() {
        assert_eq!(path("http://prom.example:9090/a%20b/?x=1"), "/a b/");
        assert_eq!(path("http://prom"), "");
    }
}
