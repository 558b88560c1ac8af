//! What is found in documents, and what is not.

use super::{Confidence, Document, Kind};
use crate::text::Source;

/// Each finding as `kind line:column text`, but for the kinds that are left out.
fn found(text: &str, without: &[&str]) -> Vec<String> {
    let document = Document::read(&Source::new("d.md", text));
    let findings = document.findings.iter().filter(|finding| !without.contains(&finding.kind.name()));
    findings
        .map(|finding| {
            let place = document.source.place(finding.place().start);
            format!("{} {}:{} {}", finding.kind.name(), place.line, place.column, finding.text.value)
        })
        .collect()
}

#[test]
fn a_fence_holds_several_queries_with_comments_between_and_behind_them() {
    let text = "# A\n```promql\n# drops\nincrease(probe_drops_total[1h]) # per leg\nprobe_up\nsum by (leg) (\n  rate(probe_drops_total[5m])\n)\n/\n2\n```\n";
    assert_eq!(
        found(text, &[]),
        [
            "promql 4:1 increase(probe_drops_total[1h])",
            "promql 5:1 probe_up",
            "promql 6:1 sum by (leg) (\n  rate(probe_drops_total[5m])\n)\n/\n2",
        ]
    );
}

#[test]
fn a_fence_in_a_list_has_its_places_in_the_document() {
    let text = "1. Ask:\n\n   ```promql\n   sum(\n     rate(a_total[5m])\n   )\n   ```\n";
    assert_eq!(found(text, &[]), ["promql 4:4 sum(\n  rate(a_total[5m])\n)"]);
}

#[test]
fn a_fence_of_promql_that_does_not_parse_says_why() {
    let document = Document::read(&Source::new("d.md", "```promql\nrate(a_total[5m]) >\n\nup\n```\n"));
    let problems: Vec<bool> =
        document.findings.iter().map(|f| matches!(&f.kind, Kind::Query { problem: Some(_), .. })).collect();
    assert_eq!(problems, [true, false]);
    assert_eq!(document.findings[0].confidence, Confidence::Low);
    assert_eq!(document.queries().count(), 1);
}

#[test]
fn tables_write_pipes_with_a_backslash() {
    let text = "| layer | Loki stream |\n|---|---|\n| dispatch | `{job=\"j\"} \\|= \"closed\"` |\n";
    assert_eq!(found(text, &[]), ["logql 3:15 {job=\"j\"} |= \"closed\""]);
}

#[test]
fn words_code_of_programs_and_json_are_no_queries() {
    for text in [
        "The `up` of `errors` and `t3-probe`, `docker-debian`, `MemoryMax=16G` and `bpf.hostLegacyRouting: false`.",
        "We saw `foo_total` grow; `max(a, b)`, `round(total)` and `x > 5`.",
        "```json\n{\"expr\": \"rate(a_total[5m]) > 1\"}\n```\n",
        "```\n\"route\": {\n    \"cluster\": \"a\",\n    \"rate\": \"sum(b)\"\n}\n```\n",
        "```python\nx = f\"rate(http_requests_total{{code='500'}}[5m])\"\n```\n",
        "```yaml\nmatch:\n  - '{__name__=~\"up|down\"}'\nbbr: true\n```\n",
        "```ini\nnet.core.rmem_max = 16777216   # 212992\n```\n",
        "errors (see above) and {this} [5m] of prose\n",
        "| `increase(...{result=\"failed\"}[5m])` | `label_values(a_total, b)` |\n|---|---|\n",
    ] {
        assert_eq!(found(text, &["shell", "time"]), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn shell_code_yields_commands_and_only_the_queries_that_they_ask() {
    let text = "```bash\n# all of it\nfor i in $(ip link | grep -o \"veth[^:]*\"); do\n  echo \"ffff\" > /sys/$i\ndone\nd1=$(awk \"/RX:/{print \\$4}\") # x\nkubectl exec a -- \\\n  wget -qO- localhost | rg \"a_total\"\ncurl -G http://p/api/v1/query --data-urlencode 'query=sum(rate(a_total[5m])) > 1'\npromtool query instant http://p:9090 'a_status{lane=\"x\"}'\ncurl 'http://l/loki/api/v1/query?query={job=\"x\"}&limit=10'\n```\n";
    assert_eq!(
        found(text, &[]),
        [
            "shell 3:1 for i in $(ip link | grep -o \"veth[^:]*\"); do\n  echo \"ffff\" > /sys/$i\ndone",
            "shell 6:1 d1=$(awk \"/RX:/{print \\$4}\") # x",
            "shell 7:1 kubectl exec a -- \\\n  wget -qO- localhost | rg \"a_total\"",
            "shell 9:1 curl -G http://p/api/v1/query --data-urlencode 'query=sum(rate(a_total[5m])) > 1'",
            "promql 9:55 sum(rate(a_total[5m])) > 1",
            "shell 10:1 promtool query instant http://p:9090 'a_status{lane=\"x\"}'",
            "promql 10:39 a_status{lane=\"x\"}",
            "shell 11:1 curl 'http://l/loki/api/v1/query?query={job=\"x\"}&limit=10'",
            "logql 11:40 {job=\"x\"}",
        ]
    );
}

#[test]
fn behind_prompts_are_commands_and_the_rest_is_their_output() {
    let text = "```console\n$ kubectl get pods -o wide | rg \"10\\.42\"\napi-0 2/2 Running 0 42m\n```\n";
    assert_eq!(found(text, &[]), ["shell 2:3 kubectl get pods -o wide | rg \"10\\.42\""]);
}

#[test]
fn rules_are_found_as_files_groups_lists_single_ones_and_manifests() {
    let rule = |indent: &str, dash: &str| {
        format!(
            "{indent}{dash}alert: Gone\n{indent}  expr: up == 0\n{indent}  for: 5m\n{indent}  labels: {{severity: page}}\n"
        )
    };
    let single = "alert: Gone\nexpr: up == 0\nfor: 5m\nlabels: {severity: page}\n".to_owned();
    let manifest = format!(
        "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec:\n  groups:\n  - name: g\n    rules:\n{}",
        rule("    ", "- ")
    );
    for yaml in [
        format!("groups:\n- name: g\n  rules:\n{}", rule("  ", "- ")),
        format!("name: g\nrules:\n{}", rule("", "- ")),
        rule("", "- "),
        single,
        manifest,
    ] {
        for fence in ["yaml", "", "bash"] {
            let text = format!("```{fence}\n{yaml}```\n");
            let document = Document::read(&Source::new("d.md", text.clone()));
            let (finding, rule) = document.rules().next().unwrap_or_else(|| panic!("{text}"));
            assert_eq!((&*rule.name, &*rule.expr, rule.for_.unwrap().0), ("Gone", "up == 0", 300_000), "{text}");
            assert_eq!(rule.labels, [("severity".to_owned(), "page".to_owned())], "{text}");
            assert!(text[finding.place().start..].starts_with("alert: Gone"), "{text}");
            assert_eq!(document.queries().count(), 1, "{text}");
        }
    }
}

#[test]
fn a_rule_among_something_else_is_read_by_itself() {
    let text = "```bash\n--storage.retention=15d\n\n- alert: DiskFull\n  expr: |\n    disk_free_bytes\n      < 10\n  for: 5m\nls -la /\n```\n";
    let document = Document::read(&Source::new("d.md", text));
    let (_, rule) = document.rules().next().unwrap();
    assert_eq!(&*rule.expr, "disk_free_bytes\n  < 10\n");
    let query = document.queries().next().unwrap().0;
    assert_eq!(&text[query.place().start..query.place().end], "disk_free_bytes\n      < 10");
}

#[test]
fn an_expression_belongs_to_the_alert_that_is_named_near_it() {
    let rule = |text: &str| {
        let document = Document::read(&Source::new("d.md", text));
        let told = |(finding, rule): (&super::Finding, &super::FoundRule)| {
            let facts = (rule.for_.map(|d| d.to_string()), rule.labels.first().map(|(_, value)| value.clone()));
            (rule.name.value.clone(), rule.expr.value.clone(), finding.confidence, facts)
        };
        document.rules().map(told).collect::<Vec<_>>()
    };
    let wanted = |confidence, for_: Option<&str>, severity: Option<&str>| {
        let facts = (for_.map(str::to_owned), severity.map(str::to_owned));
        vec![("ApiErrors".to_owned(), "rate(errors_total[5m]) > 1".to_owned(), confidence, facts)]
    };
    assert_eq!(
        rule("- **Alert:** ApiErrors\n- **Expression:** `rate(errors_total[5m]) > 1`\n- For: 10m\n"),
        wanted(Confidence::High, Some("10m"), None)
    );
    assert_eq!(
        rule("`ApiErrors` fires at noon.\n\n## Details\n\nExpression: `rate(errors_total[5m]) > 1`\n"),
        wanted(Confidence::Medium, None, None)
    );
    assert_eq!(
        rule("| | |\n|---|---|\n| alert | `ApiErrors` |\n| expression | `rate(errors_total[5m]) > 1` |\n"),
        wanted(Confidence::High, None, None)
    );
    assert_eq!(
        rule(
            "| Alert | Expression | For | Severity |\n|---|---|---|---|\n| ApiErrors | `rate(errors_total[5m]) > 1` | 5m | page |\n"
        ),
        wanted(Confidence::High, Some("5m"), Some("page"))
    );
    assert!(rule("ApiErrors fires. The rate is `rate(errors_total[5m]) > 1`.\n").is_empty());
}

#[test]
fn names_of_alerts_need_words_around_them() {
    let text = "# EtcdIsSlow\n\nAlerts `ProbeDown` / `ProbeDrops` fire. PyArrow reads VictoriaMetrics; the WriteErrors alert too.\n\n## Related alerts\n\n- **TooManyWriteErrors:** counts\n";
    assert_eq!(
        found(text, &[]),
        [
            "alert_name 1:3 EtcdIsSlow",
            "alert_name 3:9 ProbeDown",
            "alert_name 3:23 ProbeDrops",
            "alert_name 3:76 WriteErrors",
            "alert_name 7:5 TooManyWriteErrors",
        ]
    );
}

#[test]
fn lines_of_an_exposition_are_samples() {
    let text = "Seen at 2026-01-10 12:30 UTC:\n\nenvoy_fail{cluster=\"a b\"} 392\nrate_now{a=\"b\"} 2.9792\n\n```\n# TYPE x_total counter\nx_total 5\ny_seconds{a=\"1\"} 1e3 1768048200000\n```\n";
    let document = Document::read(&Source::new("d.md", text));
    let samples: Vec<_> = document
        .findings
        .iter()
        .filter_map(|finding| match &finding.kind {
            Kind::Sample(s) => Some((s.labels.as_metric(), s.value, s.precision, s.at.map(|at| at.to_string()))),
            _ => None,
        })
        .collect();
    let noon = || Some("2026-01-10T12:30:00Z".to_owned());
    assert_eq!(samples[0], ("envoy_fail{cluster=\"a b\"}".to_owned(), 392.0, 0.5, noon()));
    assert_eq!((samples[1].1, samples[1].2), (2.9792, 0.5 * 10f64.powi(-4)));
    assert_eq!((samples[2].0.as_str(), samples[2].1), ("x_total", 5.0));
    assert_eq!((samples[3].1, samples[3].2, samples[3].3.clone()), (1000.0, 500.0, noon()));
}

#[test]
fn lines_of_logs_begin_with_a_time_and_a_level_or_stand_in_a_block_of_logs() {
    let text = "[2022-03-23 12:53:25.866][401][debug] connecting\n\n2026-01-10T12:00:00Z ERROR no route\n\n2026-01-10 12:05 UTC: we met\n\n## Logs of the API\n\n```txt\ncould not send a block:\nrefused\n```\n";
    assert_eq!(
        found(text, &["time"]),
        [
            "log_line 1:1 [2022-03-23 12:53:25.866][401][debug] connecting",
            "log_line 3:1 2026-01-10T12:00:00Z ERROR no route",
            "log_line 10:1 could not send a block:\nrefused",
        ]
    );
}

#[test]
fn times_have_values_where_they_are_certain() {
    let values = |text: &str| -> Vec<(String, Option<String>)> {
        let document = Document::read(&Source::new("d.md", text));
        let times = document.findings.iter().filter_map(|finding| match finding.kind {
            Kind::Time(at) => Some((finding.text.value.clone(), at.map(|at| at.to_string()))),
            _ => None,
        });
        times.collect()
    };
    let one = |text: &str, at: Option<&str>| vec![(text.to_owned(), at.map(str::to_owned))];
    assert_eq!(
        values("Since 2026-01-10T12:00:00+02:00."),
        one("2026-01-10T12:00:00+02:00", Some("2026-01-10T10:00:00Z"))
    );
    assert_eq!(values("On 2026-01-10 11:50 CEST"), one("2026-01-10 11:50 CEST", Some("2026-01-10T09:50:00Z")));
    assert_eq!(values("At 2026-01-10 11:50 it"), one("2026-01-10 11:50", None));
    assert_eq!(values("On October 10, 2025"), one("October 10, 2025", None));
    assert_eq!(values("At 15:06:45 UTC"), one("15:06:45 UTC", None));
    assert_eq!(values("see report-2026-01-10.md, 10.0.0.1:8080, v2:15 and 12:30"), []);
    let dated = values("# 2026-01-10\n\n- **08:47 UTC:** begun\n");
    assert_eq!(dated[1..], one("08:47 UTC", Some("2026-01-10T08:47:00Z")));
    let told = values("# 2026-01-10\n\nAll times are UTC.\n\n- **08:47:** begun\n\n2026-01-10 15:42-16:35 UTC\n");
    assert_eq!(
        told[1..],
        [
            ("08:47".to_owned(), Some("2026-01-10T08:47:00Z".to_owned())),
            ("2026-01-10 15:42".to_owned(), Some("2026-01-10T15:42:00Z".to_owned())),
            ("16:35 UTC".to_owned(), Some("2026-01-10T16:35:00Z".to_owned())),
        ]
    );
}

#[test]
fn links_to_graphs_carry_queries() {
    let text = "See [this](https://p/graph?g0.range_input=1h&g0.expr=rate(a_total%7Bt%3D%22x%22%7D%5B5m%5D)&g0.tab=0) or https://p/graph?g0.expr=up\n";
    assert_eq!(found(text, &[]), ["promql 1:54 rate(a_total{t=\"x\"}[5m])", "promql 1:130 up"]);
}

#[test]
fn a_page_that_lost_its_marks_still_has_its_queries_and_headings() {
    let text = "Skip to content\n\nQuick Recipes\n\n# Error rate\nsum(rate(http_requests_total{code=~\"5..\"}[5m]))\n/ sum(rate(http_requests_total[5m])) * 100\n\n{namespace=\"a\"} |= \"error\" | json\n\nLog volume (per second) is fine.\n";
    assert_eq!(
        found(text, &[]),
        [
            "promql 6:1 sum(rate(http_requests_total{code=~\"5..\"}[5m]))\n/ sum(rate(http_requests_total[5m])) * 100",
            "logql 9:1 {namespace=\"a\"} |= \"error\" | json",
        ]
    );
    let plain = Document::read(&Source::new("d.txt", "A Story\n\nIt began.\n\nMetrics!\n\nup{job=\"a\"} 1\n"));
    assert_eq!(plain.findings[0].section, ["A Story", "Metrics!"]);
}

#[test]
fn sections_and_anchors_are_those_of_headings() {
    let document = Document::read(&Source::new("d.md", "# T\n## A\n### B: `x`!\n```promql\nup\n```\n## C\n"));
    assert_eq!(document.findings[0].section, ["T", "A", "B: x!"]);
    assert_eq!(super::anchor("B: x!"), "b-x");
    assert_eq!(super::anchor("2. Key metrics"), "2-key-metrics");
}

#[test]
fn times_of_lists_and_tables_need_no_date_and_no_zone() {
    let times = |text: &str| found(text, &["shell", "promql", "logql"]);
    assert_eq!(
        times("- 14:03 first page\n- 14:10-14:20: reverted\n  - **15:00** calm\n\n09:59 – all clear\n"),
        ["time 1:3 14:03", "time 2:3 14:10", "time 2:9 14:20", "time 3:7 15:00", "time 5:1 09:59"]
    );
    assert_eq!(
        times(
            "| what | when | who |\n|---|---|---|\n| page | 14:03 | a |\n| call | 2:15 PM | b |\n| end | `15:01` | |\n"
        ),
        ["time 3:10 14:03", "time 4:10 2:15 PM", "time 5:10 15:01"]
    );
    // A ratio, a score, hours that no day has, the output of a program.
    assert_eq!(
        times("- 3:15 of them\n- 27:10 left\n\nit was 14:30 already\n\n```\n14:03 up 5 days\n```\n"),
        Vec::<String>::new()
    );
}

#[test]
fn clocks_of_twelve_hours_and_zones_by_their_distance_have_values() {
    let value = |text: &str| {
        let document = Document::read(&Source::new("d.md", format!("# 2026-01-10\n\n{text}\n")));
        let mut times = document.findings.iter().filter_map(|finding| match finding.kind {
            Kind::Time(at) => Some((finding.text.value.clone(), at.map(|at| at.to_string()), finding.reason.clone())),
            _ => None,
        });
        times.next_back().unwrap()
    };
    for (text, written, at) in [
        ("At 14:03 UTC+1 it broke.", "14:03 UTC+1", "13:03"),
        ("At 14:03 GMT-03:30 it broke.", "14:03 GMT-03:30", "17:33"),
        ("At 2:15 PM UTC it broke.", "2:15 PM UTC", "14:15"),
        ("At 12:15am UTC it broke.", "12:15am UTC", "00:15"),
        ("- 12:15 p.m. PST: it broke.", "12:15 p.m. PST", "20:15"),
        ("Times are EDT.\n\n- 2:15 PM it broke", "2:15 PM", "18:15"),
    ] {
        let (found, value, reason) = value(text);
        assert_eq!((found.as_str(), value), (written, Some(format!("2026-01-10T{at}:00Z"))), "{text}: {reason}");
    }
    for (text, why) in [
        ("At 2:15 PM it broke.", "a time without a zone"),
        ("At 14:03 IST it broke.", "a time in a zone that several places have"),
    ] {
        let (_, value, reason) = value(text);
        assert_eq!((value, reason.as_str()), (None, why), "{text}");
    }
}

#[test]
fn a_broken_line_of_a_fence_hides_none_of_its_other_queries() {
    let queries = |text: &str| {
        let text = format!("```promql\n{text}\n```\n");
        let document = Document::read(&Source::new("d.md", text));
        let told = document.findings.iter().map(|finding| match &finding.kind {
            Kind::Query { problem, .. } => {
                (document.source.line(finding.place().start) - 1, problem.is_none(), finding.text.value.clone())
            }
            other => panic!("{other:?}"),
        });
        told.collect::<Vec<_>>()
    };
    let told = |told: &[(usize, bool, &str)]| {
        told.iter().map(|(line, good, text)| (*line, *good, (*text).to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(
        queries("rate(a_total[5m)\nup{job=\"a\"}\nsum(b_total)"),
        told(&[(1, false, "rate(a_total[5m)"), (2, true, "up{job=\"a\"}"), (3, true, "sum(b_total)")])
    );
    assert_eq!(
        queries("up{job=\"a\"}\nsum(rate(a_total[5m])\n# the other\nb_total > 1"),
        told(&[(1, true, "up{job=\"a\"}"), (2, false, "sum(rate(a_total[5m])"), (4, true, "b_total > 1")])
    );
    assert_eq!(
        queries("sum(\n  rate(a_total[5m]\n)\nup{job=\"a\"}"),
        told(&[(1, false, "sum(\n  rate(a_total[5m]\n)"), (4, true, "up{job=\"a\"}")])
    );
    assert_eq!(
        queries(
            "rate(a_total[5m)\nsum(b_total))\nup{job=\"a\"}\n  and on (job) b_total +\n  c_total)\n{job=\"a\"} |= \"x\""
        ),
        told(&[
            (1, false, "rate(a_total[5m)"),
            (2, false, "sum(b_total))"),
            (3, true, "up{job=\"a\"}"),
            (4, false, "and on (job) b_total +\n  c_total)"),
            (6, false, "{job=\"a\"} |= \"x\""),
        ])
    );
    // What stands in its brackets is its own.
    assert_eq!(
        queries("sum by (a) (\nrate(a_total[5m])\n) > > 5"),
        told(&[(1, false, "sum by (a) (\nrate(a_total[5m])\n) > > 5")])
    );
}

#[test]
fn cells_of_tables_are_queries_without_marks_too() {
    let text = "| Alert | Expression | For |\n|---|---|---|\n| DiskFull | sum(rate(disk\\_full_total[5m])) > 3 | 5m |\n| `LogsGone` | count_over_time({job=\"a\"} \\|= \"x\" [5m]) < 1 | 1m |\n| what | is (this) | |\n";
    assert_eq!(
        found(text, &["alert_name"]),
        [
            "alert_rule 3:14 sum(rate(disk_full_total[5m])) > 3",
            "promql 3:14 sum(rate(disk_full_total[5m])) > 3",
            "alert_rule 4:16 count_over_time({job=\"a\"} |= \"x\" [5m]) < 1",
            "logql 4:16 count_over_time({job=\"a\"} |= \"x\" [5m]) < 1",
        ]
    );
    let document = Document::read(&Source::new("d.md", text));
    let place = document.findings.iter().find(|finding| finding.kind.name() == "logql").unwrap().place();
    assert_eq!(&text[place.start..place.end], "count_over_time({job=\"a\"} \\|= \"x\" [5m]) < 1");
}

#[test]
fn a_mark_of_the_byte_order_hides_no_heading() {
    for title in ["# Title", "Title"] {
        let document =
            Document::read(&Source::new("d.md", format!("\u{feff}{title}\n\nIt is so.\n\n```promql\nup\n```\n")));
        assert_eq!(document.findings[0].section, ["Title"]);
        assert_eq!(document.source.line(document.findings[0].place().start), 6);
    }
}

/// The alert rules of a text, as `name | expression | for | confidence`.
fn stated(text: &str, known: &[&str]) -> Vec<String> {
    let known = known.iter().map(|name| (*name).to_owned()).collect();
    let document = Document::read_with(&Source::new("d.md", text), &known);
    let told = document.rules().map(|(finding, rule)| {
        let for_ = rule.for_.map_or_else(|| "-".to_owned(), |for_| for_.to_string());
        format!("{} | {} | {for_} | {:?}", rule.name.value, rule.expr.value, finding.confidence)
    });
    told.collect()
}

#[test]
fn an_expression_belongs_to_the_title_right_before_it() {
    let wanted = ["DiskFull | disk_used > 90 | 10m | High", "HighLatency | latency_seconds > 1 | 5m | High"];
    for (one, other) in [
        ("## DiskFull", "## HighLatency"),
        ("### 1. `DiskFull`", "### 2. `HighLatency` (page)"),
        ("**DiskFull**", "**HighLatency**"),
        ("**DiskFull** pages at night.", "**HighLatency** pages at night."),
        ("`DiskFull`", "`HighLatency`"),
        ("DiskFull:", "HighLatency:"),
        ("Alert: DiskFull", "Alert: HighLatency"),
        ("**Name:** DiskFull", "**Name:** HighLatency"),
    ] {
        for (expression, of) in
            [("Expression: ", "For: "), ("- **Expression:** ", "- **For:** "), ("\n* expr: ", "* for: ")]
        {
            let text = format!(
                "# ServiceIsVeryDown\n\n{one}\n\n{expression}`disk_used > 90`\n{of}10m\n\n{other}\n\n{expression}`latency_seconds > 1`\n{of}5m\n"
            );
            assert_eq!(stated(&text, &[]), wanted, "{text}");
        }
    }
    // Items of a list, with fields below them or behind them.
    for text in [
        "The alert ServiceIsVeryDown fires.\n\n- **DiskFull**\n  - Expression: `disk_used > 90`\n  - For: 10m\n- **HighLatency**\n  - Expression: `latency_seconds > 1`\n  - For: 5m\n",
        "- **DiskFull**\n- Expression: `disk_used > 90`\n- For: 10m\n- **HighLatency**\n- Expression: `latency_seconds > 1`\n- For: 5m\n",
        "1. DiskFull: expression `disk_used > 90`, for 10m\n2. HighLatency: expression `latency_seconds > 1`, for 5m\n",
        "- `DiskFull` (for 10m): condition `disk_used > 90`\n- `HighLatency` (for 5m): condition `latency_seconds > 1`\n",
        "DiskFull\n: Expression: `disk_used > 90`\n: For: 10m\n\nHighLatency\n: Expression: `latency_seconds > 1`\n: For: 5m\n",
    ] {
        assert_eq!(stated(text, &[]), wanted, "{text}");
    }
}

#[test]
fn a_title_that_has_an_expression_is_the_name_of_an_alert() {
    assert_eq!(
        found(
            "### DiskFull\n\nExpression: `disk_used > 90`\n\n### PostgreSQL\n\nIt stores.\n",
            &["promql", "alert_rule"]
        ),
        ["alert_name 1:5 DiskFull"]
    );
}

#[test]
fn the_for_of_another_alert_is_not_taken() {
    for (text, wanted) in [
        ("## DiskFull\n\nFor: 10m\n\n## HighLatency\n\nExpression: `latency_seconds > 1`\n", "-"),
        ("## HighLatency\n\nExpression: `latency_seconds > 1`\n\n## DiskFull\n\nFor: 10m\n", "-"),
        ("## HighLatency\n\nExpression: `latency_seconds > 1`\n\n## The disk\n\nFor: 10m\n", "-"),
        ("- HighLatency: expression `latency_seconds > 1`\n- For: 10m\n", "-"),
        ("- HighLatency\n  - Expression: `latency_seconds > 1`\n- Full disks\n  - For: 10m\n", "-"),
        ("## HighLatency\n\nExpression: `latency_seconds > 1`\n\nFor 10m nobody saw it.\n", "-"),
        ("| | |\n|---|---|\n| alert | HighLatency |\n| expression | `latency_seconds > 1` |\n| for | 10m |\n", "10m"),
    ] {
        assert_eq!(stated(text, &[])[0].split(" | ").nth(2), Some(wanted), "{text}");
    }
}

#[test]
fn where_an_expression_may_be_of_several_alerts_that_is_said() {
    for text in [
        // The nearest name is there for comparison.
        "## HighLatency\n\nUnlike `DiskFull`, it pages. Expression: `latency_seconds > 1`\n",
        "Alerts `HighLatency` / `DiskFull` are alike. Expression: `latency_seconds > 1`\n",
        // Another title, which is no name, stands between.
        "## HighLatency\n\nSee there.\n\n## Disks are full\n\nExpression: `latency_seconds > 1`\n",
        "- **HighLatency**\n  - See there.\n- **Disks are full**\n  - Expression: `latency_seconds > 1`\n",
        "# ServiceIsVeryDown\n\n## HighLatency\n\nSee there.\n\n## Disks are full\n\nExpression: `latency_seconds > 1`\n",
    ] {
        let rules = stated(text, &[]);
        assert!(rules.len() == 1 && rules[0].ends_with("Low"), "{text}: {rules:?}");
    }
    // The first expression is the alert's, another one below may be something else.
    assert_eq!(
        stated(
            "## HighLatency\n\nExpression: `latency_seconds > 1`\n\nThe condition `latency_seconds > 5` is another one.\n",
            &[]
        ),
        ["HighLatency | latency_seconds > 1 | - | High", "HighLatency | latency_seconds > 5 | - | Low"]
    );
}

#[test]
fn who_knows_the_alerts_finds_their_names_whatever_they_look_like() {
    let text =
        "# DiskFull\n\n- etcdNoLeader: expression `etcd_leader == 0`\n- Watchdog: expression `vector(1) > bool up`\n";
    assert_eq!(
        stated(text, &["etcdNoLeader", "Watchdog"]),
        ["etcdNoLeader | etcd_leader == 0 | - | High", "Watchdog | vector(1) > bool up | - | High"]
    );
    // A word in marks that is no alert of the rules is none.
    let text = "# DiskFull\n\nThe `PodMonitor` is there. Expression: `disk_used > 90`\n";
    assert_eq!(stated(text, &["DiskFull"]), ["DiskFull | disk_used > 90 | - | High"]);
}

#[test]
fn an_expression_may_stand_in_a_block_below_its_key() {
    let text = "## DiskFull\n\n**Severity:** `page` | **For:** 10m | **Component:** disks\n\n**Alert Expression:**\n```promql\ndisk_used\n  > 90\n```\n\nLook:\n\n```promql\ndisk_used\n```\n\n## HighLatency\n\n### Expression (PromQL)\n\n```\nlatency_seconds > 1\n```\n\n**For Duration:** 5 minutes\n";
    assert_eq!(
        stated(text, &[]),
        ["DiskFull | disk_used\n  > 90 | 10m | Medium", "HighLatency | latency_seconds > 1 | 5m | Medium"]
    );
    // Which of several is the alert's is not known.
    assert_eq!(
        stated("## DiskFull\n\nExpression:\n```promql\ndisk_used > 90\n\ndisk_used > 95\n```\n", &[]),
        ["DiskFull | disk_used > 90 | - | Low", "DiskFull | disk_used > 95 | - | Low"]
    );
}

#[test]
fn how_long_an_expression_holds_is_said_in_words_too() {
    for text in [
        "## DiskFull\n\n- **Condition**: `disk_used > 90` for > 10m\n",
        "## DiskFull\n\n- **Condition**: `disk_used > 90` sustained for 10 minutes.\n",
        "## DiskFull\n\n**Alert expression:** `disk_used > 90 for 10m`\n",
        "## DiskFull\n\n**Condition**: `disk_used > 90`\n\n**Duration**: 10 min\n",
    ] {
        assert_eq!(stated(text, &[]), ["DiskFull | disk_used > 90 | 10m | High"], "{text}");
    }
    let text = "## DiskFull\n\nCondition: `disk_used > 90`. Then wait for 10 minutes.\n";
    assert_eq!(stated(text, &[]), ["DiskFull | disk_used > 90 | - | High"]);
}

#[test]
fn a_part_of_an_expression_is_no_rule_for_certain() {
    let text = "| Alert | Expression | For |\n|---|---|---|\n| DiskFull | `disk_used > 90` (always) | 5m |\n| HighLatency | p99 of `latency_seconds_total` > 2 s | 5 m |\n| ApiErrors | `rate(errors_total[5m])` > 1 | 5m |\n| NothingUp | `up == 0` OR `absent(up)` | 10 minutes |\n";
    assert_eq!(
        stated(text, &[]),
        [
            "DiskFull | disk_used > 90 | 5m | High",
            "HighLatency | latency_seconds_total | 5m | Low",
            "ApiErrors | rate(errors_total[5m]) | 5m | Low",
            "NothingUp | up == 0 | 10m | Low",
            "NothingUp | absent(up) | 10m | Low",
        ]
    );
    assert_eq!(
        stated("## NothingUp\n\n- Condition: `up == 0` OR `absent(up)` for 1m\n", &[]),
        ["NothingUp | up == 0 | 1m | Low"]
    );
}

#[test]
fn words_that_are_called_an_alert_are_its_name() {
    let text = "# DiskFullEverywhere\n\n#### Alert: High error rate\n- **Condition**: `rate(errors_total[5m]) > 1`\n\n**Alert 2: The disk is full**\n- **Condition**: `disk_used > 90`\n";
    assert_eq!(
        stated(text, &[]),
        ["High error rate | rate(errors_total[5m]) > 1 | - | High", "The disk is full | disk_used > 90 | - | High"]
    );
}

#[test]
fn a_table_of_recorded_series_holds_recording_rules() {
    let text = "| Rule | Expression |\n|---|---|\n| `api:errors:rate5m` | `sum(rate(errors_total[5m]))` |\n";
    assert_eq!(found(text, &["promql"]), ["recording_rule 3:26 sum(rate(errors_total[5m]))"]);
}

#[test]
fn queries_in_a_block_of_a_shell_are_no_commands() {
    let text = "```console\n# slow ones\nhistogram_quantile(0.9,\n  sum by (le) (rate(a_bucket[5m]))\n) > 1\n```\n\n```bash\ncd /tmp/x\nsum(rate(a_total[5m]))\n```\n";
    assert_eq!(
        found(text, &[]),
        [
            "promql 3:1 histogram_quantile(0.9,\n  sum by (le) (rate(a_bucket[5m]))\n) > 1",
            "shell 9:1 cd /tmp/x",
            "promql 10:1 sum(rate(a_total[5m]))",
        ]
    );
    let document = Document::read(&Source::new("d.md", text));
    let sure = document.queries().map(|(finding, _)| finding.confidence);
    assert_eq!(sure.collect::<Vec<_>>(), [Confidence::Medium, Confidence::Low]);
}

#[test]
fn items_of_a_list_are_queries_each_by_itself() {
    let text = "Ask:\n\n- sum(rate(a_total[5m])) by (job)\n- sum(rate(b_total[5m])) by (job)\n1. c_total{job=\"x\"}\n   / d_total\n";
    assert_eq!(
        found(text, &[]),
        [
            "promql 3:3 sum(rate(a_total[5m])) by (job)",
            "promql 4:3 sum(rate(b_total[5m])) by (job)",
            "promql 5:4 c_total{job=\"x\"}\n   / d_total",
        ]
    );
}

#[test]
fn the_only_alert_of_a_document_is_meant_in_all_its_sections() {
    let text = "# A day\n\n## Symptoms\n\n**Alert:** DiskFull fires when a disk is full\n\n## Timeline\n\n- **15:09:** the DiskFull alert fires\n\n## Alert\n\nExpression: `disk_used > 90`\n";
    assert_eq!(stated(text, &[]), ["DiskFull | disk_used > 90 | - | Medium"]);
}

#[test]
fn alerts_are_stated_in_many_ways() {
    for (text, wanted) in [
        ("| Alert | Query | Duration |\n|---|---|---|\n| DiskFull | `disk_used > 90` | 5m |\n", "5m | High"),
        ("| Alert | PromQL | For |\n|---|---|---|\n| DiskFull | `disk_used > 90` | 5m |\n", "5m | High"),
        ("Alert: DiskFull\nExpr: disk_used > 90\nFor: 6m\n", "6m | High"),
        ("## DiskFull\n\nQuery: `disk_used > 90`\n\nFor: 5m\n", "5m | High"),
        ("- **DiskFull** – `disk_used > 90` for 20m\n", "20m | High"),
        ("`DiskFull` fires when `disk_used > 90` for 10m.\n", "10m | High"),
        (
            "```yaml\n- alert: DiskFull\n  expr: disk_used > 90\n  for: 2m\n  annotations:\n    a: \"cut\n```\n",
            "2m | Low",
        ),
    ] {
        assert_eq!(stated(text, &[]), [format!("DiskFull | disk_used > 90 | {wanted}")], "{text}");
    }
    // Queries that nobody calls an alert's.
    for text in [
        "| Name | Query |\n|---|---|\n| DiskFull | `disk_used > 90` |\n",
        "## DiskFull\n\nQuery: `disk_used > 90`\n",
        "- **DiskFull** – `disk_used > 90`\n",
    ] {
        assert_eq!(stated(text, &[]), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn addresses_in_commands_are_decoded() {
    let text = "```bash\ncurl -s \"http://p:9090/api/v1/query?query=sum(rate(x_total%5B5m%5D))&time=1\"\n```\n";
    assert_eq!(found(text, &["shell"]), ["promql 2:43 sum(rate(x_total[5m]))"]);
}

#[test]
fn labels_of_old_rules_are_no_query() {
    let text = "ALERT DiskFull\n  IF disk_used > 90\n  FOR 5m\n  LABELS { severity = \"page\" }\n";
    assert_eq!(found(text, &["alert_name"]), Vec::<String>::new());
}

#[test]
fn labels_in_braces_are_streams_where_logs_are_spoken_of() {
    let confidence = |text: &str| {
        let document = Document::read(&Source::new("d.md", text));
        document.findings.iter().find(|finding| finding.kind.name() == "logql").map(|finding| finding.confidence)
    };
    assert_eq!(confidence("Route `{severity=\"S1\"}` to the pager.\n"), Some(Confidence::Low));
    assert_eq!(confidence("The logs of `{app=\"api\"}` tell.\n"), Some(Confidence::Medium));
    assert_eq!(confidence("Route `{app=\"api\"}`. See `{app=\"api\"} |= \"x\"`.\n"), Some(Confidence::Medium));
}
