//! What was left to be written, and names of things that are gone by the next incident.

use std::sync::LazyLock;

use regex::Regex;

use crate::incident::Kind;
use crate::text::Span;

use super::{Checked, Finding, Name};

/// Marks of what is to be written. Parameters such as `<namespace>` and `<value of the label instance>` are none: whoever reads
/// them knows what to fill in.
static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x)
          \b(?:TODO|FIXME|TBD|XXX)\b
        | \bxxx+\b
        | <\s*(?i:your|my|insert|replace|fill|change|enter|put|add|todo|describe|placeholder)\b[^<>\n]*>
        | (?i:\[(?:insert|your|todo|tbd|fill\ in)\b[^\]\n]*\](?:[^(\[]|$))
        | (?i:\b(?:replace|change)[_-]?me\b)
        | (?i:\blorem\ ipsum\b)
        ",
    )
});

/// Names with parts that are drawn by lot: `api-7d9c5b6f4-x2k9p` of a Deployment's pod, `proxy-x7k2p` of a DaemonSet's, ids of disks and
/// machines. Kubernetes draws from letters and digits that spell no words, and writes hashes of templates with few of them
/// (apimachinery `util/rand`: `String`, `SafeEncodeString`).
static IDENTIFIER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x)
          (?P<replica>\b[a-z][a-z0-9.-]*-
            (?P<hash>[bcdfghjklmnpqrstvwxz2456789]{9,10}|[bcdf4-9]{8})-(?P<pod>[bcdfghjklmnpqrstvwxz2456789]{5})\b)
        | (?P<daemon>\b[a-z][a-z0-9.-]*-(?P<drawn>[bcdfghjklmnpqrstvwxz2456789]{5})\b)
        | (?P<uuid>\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)
        | (?P<machine>\bi-[0-9a-f]{17}\b)
        | (?P<node>\bip-\d{1,3}-\d{1,3}-\d{1,3}-\d{1,3}\b)
        ",
    )
});

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns are constants, and a test compiles them")
}

/// Placeholders and dead identifiers of what people have written, at most one of each in a line, and each parameter once.
pub fn find(page: &Checked) -> Vec<Finding> {
    let text = page.page.source.text();
    let mut findings = Vec::new();
    let mut start = 0;
    let fenced = fenced_lines(page);
    let mut told: Vec<&str> = Vec::new();
    for line in text.split_inclusive('\n') {
        let at = start;
        start += line.len();
        if page.is_generated(at) {
            continue;
        }
        // In what a command has printed, a name is only an example, and one that was crossed out is left out on purpose.
        let output = fenced.is_output(at, line);
        let left = |found: &regex::Match<'_>| {
            let crossed_out = found.as_str().trim_matches('x').is_empty();
            !(page.page.is_comment(at + found.start()) || output && crossed_out || is_size(line, found))
        };
        if let Some(found) = PLACEHOLDER.find_iter(line).find(left) {
            let words = found.as_str().trim_end();
            let again = words.starts_with('<') && told.contains(&words);
            let help = match words.starts_with('<') {
                true => "say where its value comes from, such as a label of the alert",
                false => "write it, or take it away: nobody has time for it in an incident",
            };
            let span = Span::new(at + found.start(), at + found.start() + words.len());
            let message = format!("{words} is left to be written");
            if !again {
                told.push(words);
                findings.push(Finding::new(Name::Placeholder, &page.page.source, span, message).help(help));
            }
        }
        if output {
            continue;
        }
        if let Some((span, what)) = identifier(line) {
            let span = Span::new(at + span.start, at + span.end);
            // A pod's name tells itself by its shape. Others are often told of, and words may look like them: only in a command are they
            // to be used.
            if page.page.is_comment(span.start) || !(what == POD || fenced.is_command(span)) {
                continue;
            }
            let message = format!("{} is {what}: by the next incident it is gone", page.page.text(span));
            let help = "name what stays, such as `deploy/NAME`, or select it by a label: -l app=NAME";
            findings.push(Finding::new(Name::DeadIdentifier, &page.page.source, span, message).help(help));
        }
    }
    findings
}

/// Whether `XXX` is a part of a word with hyphens: `XXX-large`.
fn is_size(line: &str, found: &regex::Match<'_>) -> bool {
    let joined =
        |hyphen: Option<char>, next: Option<char>| hyphen == Some('-') && next.is_some_and(char::is_alphanumeric);
    let (mut before, mut after) = (line[..found.start()].chars().rev(), line[found.end()..].chars());
    found.as_str() == "XXX" && (joined(before.next(), before.next()) || joined(after.next(), after.next()))
}

/// Which lines of fences are commands.
struct Fenced {
    fences: Vec<Span>,
    commands: Vec<Span>,
}

fn fenced_lines(page: &Checked) -> Fenced {
    let fence = |span: &&Span| page.page.text(**span).contains('\n') || page.page.text(**span).starts_with("    ");
    let commands = page.document.findings.iter().filter(|found| matches!(found.kind, Kind::Command));
    Fenced {
        fences: page.page.code.iter().filter(fence).copied().collect(),
        commands: commands.map(crate::incident::Finding::place).collect(),
    }
}

impl Fenced {
    fn is_command(&self, span: Span) -> bool {
        self.commands.iter().any(|command| command.start < span.end && span.start < command.end)
    }

    /// Whether a line of a fence is what a command has printed; `line` is its text.
    fn is_output(&self, start: usize, line: &str) -> bool {
        let fenced = self.fences.iter().any(|span| (span.start..span.end).contains(&start));
        fenced && !(self.is_command(Span::new(start, start + line.len())) && is_typed(line))
    }
}

/// Whether a line of a fence may have been typed, and is no line of a log, of a table, or of `Name:  value`: fences of commands often go
/// on with what they print.
fn is_typed(line: &str) -> bool {
    let line = line.trim().trim_start_matches(['$', '#', '>']).trim_start();
    let word = line.split_whitespace().next().unwrap_or_default();
    // A variable may have a name in capitals.
    let set = word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'));
    let words = line.split(" #").next().unwrap_or_default().trim_end();
    (set || !word.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit())) && !words.contains("   ")
}

const POD: &str = "the name of one pod";

/// The first name in a line that is drawn by lot, and what it names.
fn identifier(line: &str) -> Option<(Span, &'static str)> {
    IDENTIFIER.captures_iter(line).find_map(|groups| {
        let whole = groups.get(0)?;
        let has =
            |name: &str, test: fn(char) -> bool| groups.name(name).is_some_and(|part| part.as_str().chars().any(test));
        let digit: fn(char) -> bool = |c| c.is_ascii_digit();
        let letter: fn(char) -> bool = |c| c.is_ascii_lowercase();
        let what = if groups.name("replica").is_some() {
            // Dates and words of consonants are no hashes.
            if !(has("hash", digit) && (has("hash", letter) || has("pod", digit))) {
                return None;
            }
            POD
        } else if let Some(drawn) = groups.name("drawn") {
            if !is_drawn(drawn.as_str()) {
                return None;
            }
            "the name of one pod of a set"
        } else if groups.name("uuid").is_some() {
            "an id that was made up once"
        } else {
            "the name of one machine"
        };
        // `https://host/x-abcde` names a page, not a pod.
        let before = &line[..whole.start()];
        let linked = before.rfind("://").is_some_and(|scheme| !before[scheme..].contains(char::is_whitespace));
        (!linked).then(|| (Span::new(whole.start(), whole.end()), what))
    })
}

/// Whether five characters look drawn: two letters at least, and a digit before one of them. `http2` and `k8svc` are words.
fn is_drawn(part: &str) -> bool {
    let letters = part.trim_end_matches(|c: char| c.is_ascii_digit());
    part.chars().filter(char::is_ascii_lowercase).count() >= 2
        && letters.chars().any(|c| c.is_ascii_digit())
        && !["k8s", "l7", "h2", "v2", "s2"].iter().any(|word| part.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_drawn_by_lot_are_told_from_lasting_ones() {
        for name in [
            "vmagent-7d9c5b6f4-x2k9p",
            "vmagent-victoria-metrics-k8s-stack-6c7fdd778-5hdkq",
            "coredns-558bd4d5db-zplds",
            "web-57d66f9689-pdltl",
            "api-65b97d8f-tkvhl",
            "kube-proxy-b9g24",
            "pvc-0f3ad1a2-98c1-4d2e-a0aa-111122223333",
            "i-0123456789abcdef0",
            "ip-10-0-1-2",
        ] {
            assert!(identifier(&format!("kubectl logs {name} -c x")).is_some(), "{name}");
        }
        for name in [
            "prometheus-k8s-0",
            "alertmanager-main-0",
            "kube-prometheus-stack",
            "node-exporter",
            "grpc-http2",
            "ingress-tls12",
            "centos-stream10-image",
            "linux-amd64",
            "cert-manager-webhook",
            "10.42.3.110",
            "2025-11-14",
            "my-longlonger-hello",
            "vmagent-7d9c5b6f4-abcde",
            "pods-NAME-abcde",
            "data-20251114-15320",
            "node-k8svc",
            "app-v2beta1-extra",
            "release-1234567890-build",
            "my-deployment-rollout",
            "https://example.com/x-b9g24",
            "https://example.com/api-6c7fdd778-5hdkq",
        ] {
            assert!(identifier(&format!("kubectl logs {name} -c x")).is_none(), "{name}");
        }
    }

    #[test]
    fn what_commands_print_is_told_from_commands() {
        for line in ["kubectl get pods -n x", "  $ oc rsh api-0", "POD=api-0 ./run.sh", "kubectl top pods     # of all"]
        {
            assert!(is_typed(line), "{line}");
        }
        for line in [
            "NAME        READY   STATUS",
            "api-leader   api-85f4486946-jx95r   32m",
            "Oct 18 19:39:36 ip-10-0-1-2 chronyd[2055318]: System clock wrong",
            "External ID:    7ca71103-f0d8-4e66-a586-35332eaa4b10",
            "2026-01-01T00:00:00Z api-85f4486946-jx95r started",
        ] {
            assert!(!is_typed(line), "{line}");
        }
    }

    #[test]
    fn placeholders_are_told_from_parameters() {
        for text in [
            "TODO",
            "# TODO: Command needed",
            "xxx",
            "<your-namespace>",
            "<Insert steps>",
            "[TBD]",
            "CHANGE_ME",
            "[insert link]",
        ] {
            assert!(PLACEHOLDER.is_match(text), "{text}");
        }
        for text in
            ["<namespace>", "<value of instance label from alert>", "todo-app", "<details>", "[your team](x.md)"]
        {
            assert!(!PLACEHOLDER.is_match(text), "{text}");
        }
    }
}
