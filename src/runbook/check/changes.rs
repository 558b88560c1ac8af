//! Commands that change something, and how it is taken back.

use std::sync::LazyLock;

use regex::Regex;

use crate::incident::Kind;
use crate::text::Span;

use super::{Checked, Finding, Name};

/// What changes something, what it does, and how that is taken back.
struct Change {
    pattern: Regex,
    undo: &'static str,
}

static CHANGES: LazyLock<Vec<Change>> = LazyLock::new(|| {
    const RESTART: &str = "a restart cannot be taken back: say what it costs, and that nothing is lost";
    // Options may come before the verb.
    const KUBECTL: &str = r"\b(?:kubectl|oc)(?:\s+--?[\w-]+(?:[=\s]\S+)?)*\s+";
    let patterns = [
        (format!("{KUBECTL}rollout\\s+restart\\b"), RESTART),
        (format!("{KUBECTL}delete\\s+(?:pods?|po)\\b"), RESTART),
        (format!("{KUBECTL}delete\\b"), "keep what is deleted: kubectl get NAME -o yaml > before.yaml"),
        (
            format!("{KUBECTL}(?:edit|apply|patch|replace|set|label|annotate|create|expose|autoscale)\\b"),
            "say what to set it back to, or: kubectl rollout undo",
        ),
        (format!("{KUBECTL}scale\\b"), "say how many replicas there were: kubectl scale --replicas=BEFORE"),
        (
            format!("{KUBECTL}(?:drain|cordon|taint)\\b"),
            "kubectl uncordon NODE, or take the taint away with a `-` behind it",
        ),
        (r"\bhelm\s+(?:[^|;&]*\s)?(?:upgrade|install|uninstall|delete)\b".to_owned(), "helm rollback RELEASE"),
        (
            r"\bsysctl\s+(?:-\w+\s+)*(?:-w|--write)\b|\bsysctl\s+(?:-\w+\s+)*[a-z0-9_.]+=".to_owned(),
            "say what it was before: sysctl NAME prints it",
        ),
        (
            r"\bip6?tables\s+(?:[^|;&]*\s)?-(?:A|I|D|F|P|R|X)\b".to_owned(),
            "the same rule with -D for -A and -I, or iptables-restore",
        ),
        (r"\bnft\s+(?:add|insert|delete|flush)\b".to_owned(), "nft delete, or nft -f with what was saved before"),
        (r"\bsystemctl\s+(?:[^|;&]*\s)?(?:stop|disable|mask)\b".to_owned(), "systemctl start, enable or unmask"),
        (r"\bsystemctl\s+(?:[^|;&]*\s)?(?:restart|reload-or-restart|try-restart)\b".to_owned(), RESTART),
        (
            r"\bip\s+(?:-\w+\s+)*(?:link\s+set|route\s+(?:add|del|replace)|addr(?:ess)?\s+(?:add|del))\b".to_owned(),
            "the opposite command, with what was there before",
        ),
        (
            r"\btc\s+qdisc\s+(?:add|del|replace|change)\b".to_owned(),
            "tc qdisc del, or the discipline that was there before",
        ),
        (
            r"\bethtool\s+-(?:K|G|L|C|A|s)\b".to_owned(),
            "the values of before: ethtool prints them with the lower-case option",
        ),
        (r"\b(?:docker|podman)\s+(?:[^|;&]*\s)?(?:restart|kill|stop)\b".to_owned(), RESTART),
        (r"\b(?:docker|podman)\s+(?:[^|;&]*\s)?(?:rm|rmi|prune)\b".to_owned(), "say how it is made anew"),
        (r"\bterraform\s+(?:apply|destroy)\b".to_owned(), "the state of before: apply the commit before this one"),
        (
            r"\betcdctl\s+(?:[^|;&]*\s)?(?:put|del|member\s+(?:remove|add)|snapshot\s+restore)\b".to_owned(),
            "say how the member or the key comes back",
        ),
        (r"(?:^|[\s;|&(])rm\s+(?:-\w+\s+)+".to_owned(), "move it away instead, or say where a copy is"),
        (r"(?:^|\bsudo\s+|[|;&]\s*)(?:kill|pkill|killall)\s".to_owned(), RESTART),
    ];
    let compiled = patterns.into_iter().map(|(pattern, undo)| Change {
        pattern: Regex::new(&pattern).expect("the patterns are constants, and a test compiles them"),
        undo,
    });
    compiled.collect()
});

/// What says how a change is taken back, or that it need not be.
static UNDO: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)
          \bundo | \bundone\b | \brevert | \broll(?:s|ed|ing)?[\ -]?back | \brollback | \bback\ out\b | \buncordon
        | \b(?:set|put|switch|turn|scale|bring|go)\w*\b[^.\n]{0,30}\bback\b | \bcomes?\ back\b | \bre-?creates?d?\b
        | \b(?:cannot|can't|need\ not)\ be\ (?:taken\ back|undone|reverted) | \btake\w*\ (?:it\ |that\ )?back\b | \bharmless\b
        | \bnothing\ (?:is|gets|will\ be)\ lost\b | \bno\ data\ (?:is|are|loss|gets) | \bas\ (?:it\ was|they\ were)\ before\b | \bafterwards\b
        | \bkeeps?\ running\b
        | \brestor(?:e|es|ed|ing)\b[^.\n]{0,30}\b(?:with|by|to)\b | \breset(?:s|ting)?\ (?:it\ |them\ )?to\b
        ",
    )
    .expect("the pattern is a constant, and a test compiles it")
});

/// What gives the value of before, in the line of a command: `(it was 3)`, `from 3 to 9`, `the default is 3`.
static BEFORE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)
          \b(?:was|were|before|previously|normally)[\s:*`(]+[\w.-]*\d | \bfrom[\s*`]+\d[\w.-]*[\s*`]+to[\s*`]+\d
        | \bdefaults?\b(?:\ value)?(?:\ (?:is|are|of)\b|\s*[:=])
        ",
    )
    .expect("the pattern is a constant, and a test compiles it")
});

/// What says right before a command that it is not to be run; other such commands may stand between.
static NEGATED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)
          \b(?:do[\s*_]+not|don['’]t|never|must[\s*_]+not|should[\s*_]+not|avoid)\b[\s*_]*
          (?:(?:ever|just|simply|run|running|use|using|call|type|execute|executing|try|a|any|the)[\s*_]+)*
          (?:`[^`\n]*`\s*(?:,\s*)?(?:(?:or|nor|and)\s+)?)*
          `+$
        ",
    )
    .expect("the pattern is a constant, and a test compiles it")
});

/// Changes with no way back in their section, in a heading of the page, or in the section behind.
pub fn find(page: &Checked) -> Vec<Finding> {
    let commands = page.document.findings.iter().filter(|found| matches!(found.kind, Kind::Command));
    let undo_section = page.page.headings.iter().any(|heading| UNDO.is_match(&heading.text));
    let mut findings: Vec<Finding> = Vec::new();
    for command in commands.filter(|command| !page.is_generated(command.place().start)) {
        let Some((span, undo)) = change(&command.text) else { continue };
        let place = command.text.file_span(span);
        if is_negated(page, command.place().start) || BEFORE.is_match(sentence(page, place.start)) {
            continue;
        }
        if undo_section || UNDO.is_match(page.page.text(page.page.section(place.start))) {
            continue;
        }
        // Inline code of a line that is a command is found twice.
        if findings.iter().any(|found| found.problem.place.as_ref().is_some_and(|(_, other)| *other == place)) {
            continue;
        }
        let words = command.text.get(span.start..span.end).unwrap_or_default();
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = format!("`{words}` changes something, and this section does not say how it is taken back");
        findings.push(Finding::new(Name::NoUndo, &page.page.source, place, message).help(undo));
    }
    findings
}

/// Whether the words before inline code at a place say not to run it.
fn is_negated(page: &Checked, at: usize) -> bool {
    const MOST_BYTES: usize = 300;
    let text = page.page.source.text();
    let from = (at.saturating_sub(MOST_BYTES)..=at).find(|from| text.is_char_boundary(*from)).unwrap_or(at);
    // Inline code may be found with its marks, or within them.
    let before = text[from..at].trim_end_matches('`');
    NEGATED.is_match(&format!("{before}`"))
}

/// What stands around a place on its line, up to where a sentence ends.
fn sentence(page: &Checked, at: usize) -> &str {
    let (before, after) = page.page.source.text().split_at(at);
    let start = [before.rfind('\n'), before.rfind(". ")].into_iter().flatten().max().map_or(0, |end| end + 1);
    let end = [after.find('\n'), after.find(". ")].into_iter().flatten().min().unwrap_or(after.len());
    page.page.text(Span::new(start, at + end))
}

/// The part of a command that changes something, and how that is taken back.
fn change(command: &str) -> Option<(Span, &'static str)> {
    const TRIED: [&str; 4] = ["--dry-run", "--help", "--check", "kubectl diff"];
    if TRIED.iter().any(|tried| command.contains(tried)) {
        return None;
    }
    let (found, change) = CHANGES.iter().find_map(|change| Some((change.pattern.find(command)?, change)))?;
    // What is a way back needs none.
    (!UNDO.is_match(command)).then(|| (Span::new(found.start(), found.end()), change.undo))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_change_something_are_told_from_those_that_look() {
        for command in [
            "kubectl -n x edit pvc y",
            "kubectl delete pod -l k8s-app=kube-proxy -n kube-system",
            "kubectl -n <my-namespace> delete pod `kubectl -n x get pod`",
            "kubectl rollout restart deploy/x",
            "sysctl -w net.ipv4.tcp_congestion_control=cubic",
            "sudo sysctl net.core.default_qdisc=fq",
            "helm -n x upgrade release chart",
            "sudo iptables -t nat -A PREROUTING -j ACCEPT",
            "systemctl restart kubelet",
            "ip link set eth0 down",
            "ethtool -K eth0 gro off",
            "sudo kill 123",
            "sudo rm -rf /var/lib/x",
        ] {
            assert!(change(command).is_some(), "{command}");
        }
        for command in [
            "kubectl get pods",
            "kubectl -n x rollout history deploy/x",
            "kubectl rollout undo deploy/x",
            "kubectl logs deploy/x | grep delete",
            "kubectl describe pod edit-1",
            "kubectl apply --dry-run=server -f x",
            "sysctl net.core.default_qdisc",
            "helm rollback x",
            "helm list",
            "iptables -L -n",
            "systemctl status x",
            "ip -s link",
            "ethtool -k eth0",
            "journalctl -u kill",
            "docker run --rm -it image",
        ] {
            assert!(change(command).is_none(), "{command}");
        }
    }

    #[test]
    fn ways_back_are_recognised() {
        for text in [
            "To undo it:",
            "helm rollback x",
            "set it back to 5",
            "Pods come back by themselves",
            "nothing is lost",
            "restore with `x`",
            "Reset to the default with",
        ] {
            assert!(UNDO.is_match(text), "{text}");
        }
        for text in ["back pressure", "look at the feedback", "then restart", "restore service", "reset the counter"] {
            assert!(!UNDO.is_match(text), "{text}");
        }
        for text in ["(it was 3)", "from 3 to 9", "the default is `cubic`", "before: `128`"] {
            assert!(BEFORE.is_match(text), "{text}");
        }
        for text in ["as before", "what was that", "from node 3", "before you go"] {
            assert!(!BEFORE.is_match(text), "{text}");
        }
    }

    #[test]
    fn commands_that_are_not_to_be_run_are_told_from_advice() {
        for text in ["Do **not** run `", "Never `", "don't use `a` or `", "You must not\nrun `"] {
            assert!(NEGATED.is_match(text), "{text}");
        }
        for text in
            ["Do not wait: run `", "Do not hesitate to run `", "Never mind. Run `", "Do not run `a`. Run `", "`"]
        {
            assert!(!NEGATED.is_match(text), "{text}");
        }
    }
}
