//! Tells LogQL from PromQL.

use crate::logql::ast::{Expr, ExprKind};

/// Functions that only LogQL has.
const LOGQL_FUNCTIONS: &[&str] = &["bytes_rate", "bytes_over_time", "rate_counter", "unwrap"];

/// Whether an expression that PromQL refuses is LogQL: something follows a stream selector that PromQL knows nowhere (a
/// pipe, or a filter with a string), or it calls what only LogQL has.
pub(super) fn looks_like_logql(expr: &str) -> bool {
    let mut rest = expr;
    let mut braces = false;
    while let Some(next) = rest.chars().next() {
        match next {
            '"' | '\'' | '`' => {
                rest = behind_string(rest, next);
                continue;
            }
            '{' => braces = true,
            '}' => {
                let after = rest[1..].trim_start();
                let filter = ["!=", "!~", "!>"].into_iter().find_map(|operator| after.strip_prefix(operator));
                if after.starts_with('|') || filter.is_some_and(|text| text.trim_start().starts_with(['"', '`'])) {
                    return true;
                }
            }
            _ => {}
        }
        rest = &rest[next.len_utf8()..];
    }
    let word = |name: &&str| expr.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == *name);
    braces && LOGQL_FUNCTIONS.iter().any(word)
}

/// Whether an expression asks for log lines.
pub(super) fn reads_streams(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |part: &Expr| found |= matches!(part.kind, ExprKind::RangeAggregate(_)));
    found
}

/// Whether a text that is no rule file may be one that Helm makes rule files from. Templates of alerts stand inside of strings
/// and know no `.Values`.
pub fn looks_like_helm(text: &str) -> bool {
    let helms = [".Values", ".Release.", ".Chart.", ".Capabilities.", "include \"", "toYaml"];
    let action =
        |line: &str| line.split_once("{{").is_some_and(|(_, rest)| helms.iter().any(|word| rest.contains(word)));
    let block = |line: &str| {
        let inner = line.trim_start().strip_prefix("{{").map(|rest| rest.trim_start_matches('-').trim_start());
        inner.is_some_and(|inner| {
            ["if ", "range ", "with ", "end", "define ", "template ", "$"].iter().any(|word| inner.starts_with(word))
        })
    };
    text.lines().any(|line| action(line) || block(line))
}

/// What follows a string literal that `text` starts with.
fn behind_string(text: &str, quote: char) -> &str {
    let mut escaped = false;
    for (at, next) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if next == '\\' && quote != '`' {
            escaped = true;
        } else if next == quote {
            return &text[at + 1..];
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipes_and_filters_behind_a_stream_selector_are_logql() {
        for expr in [
            r#"sum(rate({app="x"} |= "error" [5m])) > 10"#,
            r#"{app="x"} | json | level="error""#,
            r#"count_over_time({a="b"}!~"x"[1m])"#,
            r#"sum by (ns) (bytes_rate({a="b"}[5m]))"#,
        ] {
            assert!(looks_like_logql(expr), "{expr}");
        }
    }

    #[test]
    fn templates_of_helm_are_told_from_those_of_alerts() {
        assert!(looks_like_helm("groups:\n- name: {{ .Values.name }}\n"));
        assert!(looks_like_helm("{{- if .Values.enabled }}\ngroups: []\n{{- end }}\n"));
        assert!(looks_like_helm("spec:\n  {{- range $rule := .rules }}\n"));
        assert!(!looks_like_helm("annotations: {summary: '{{ $labels.x }} is {{ if gt $value 1.0 }}high{{ end }}'}"));
        assert!(!looks_like_helm("groups: [\n"));
    }

    #[test]
    fn broken_promql_is_not_logql() {
        for expr in [r#"up{a="} | json"} >"#, "up{a='b'} != ", "rate(up[5m]", "{", "'", "bytes_rate", "a | b"] {
            assert!(!looks_like_logql(expr), "{expr}");
        }
    }
}
