//! `firedrill runbook check`: what it finds in pages, alone and beside alerts and replays, and what it puts up with.

#[path = "common/program.rs"]
mod program;

use std::fs;
use std::path::Path;
use std::process::Output;

use program::{firedrill, folder, stdout};
use serde_json::Value;

const RULES: &str = "groups:
  - name: api
    rules:
      - alert: ApiErrors
        expr: rate(http_requests_total{code=\"500\"}[5m]) > 1
        for: 5m
        annotations: {runbook_url: 'runbooks/api.md?team=a#errors'}
      - alert: ApiSlow
        expr: up == 0
        annotations: {runbook_url: runbooks/slow.md}
      - alert: ApiGone
        expr: absent(up)
      - alert: ApiElsewhere
        expr: up > 2
        annotations: {runbook_url: 'https://wiki.example.com/x'}
";

const REPLAY: &str = "firedrill: replay/1
title: The API fails
start: 2026-01-10T12:00:00Z
end: 2026-01-10T12:30:00Z
rules: [rules.yaml]
targets:
  api: {labels: {job: api}, scrape: 30s}
metrics:
  - {series: 'http_requests_total{code=\"500\"}', target: api, counter: 5/s, assumed: load}
expect: {others: silent}
";

const PAGE: &str = "# The API

## Errors

`ApiErrors` asks

```promql
rate(http_requests_total{code=\"500\"}[5m])
```
";

fn check(folder: &Path, args: &[&str]) -> Output {
    firedrill(folder, &[&["runbook", "check"], args].concat())
}

/// Each finding that is not put up with: its name and its place.
fn findings(folder: &Path, args: &[&str]) -> Vec<String> {
    let output = check(folder, &[args, &["--format", "json"]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let open: Vec<&Value> =
        report["findings"].as_array().unwrap().iter().filter(|finding| finding["silenced"].is_null()).collect();
    assert_eq!(output.status.code(), Some(i32::from(!open.is_empty())));
    assert_eq!(report["holds"], open.is_empty());
    let told = |finding: &&Value| {
        let place = &finding["place"];
        let file = place["file"].as_str().unwrap();
        format!("{} {file}:{}:{}", finding["name"].as_str().unwrap(), place["line"], place["column"])
    };
    open.iter().map(told).collect()
}

/// What is found in a page that stands alone.
fn in_page(text: &str) -> Vec<String> {
    findings(folder(&[("runbooks/p.md", text)]).path(), &[])
}

#[test]
fn alerts_lead_to_pages_and_sections_that_name_them() {
    let folder = folder(&[("rules.yaml", RULES), ("replay.yaml", REPLAY), ("runbooks/api.md", PAGE)]);
    assert_eq!(findings(folder.path(), &[]), ["missing-page rules.yaml:10:36", "no-runbook rules.yaml:11:16"]);
    fs::write(folder.path().join("runbooks/slow.md"), "# ApiSlower\n\nWait.\n").unwrap();
    fs::write(folder.path().join("runbooks/api.md"), PAGE.replace("ApiErrors", "Errors")).unwrap();
    assert_eq!(
        findings(folder.path(), &[]),
        ["other-title rules.yaml:7:37", "no-runbook rules.yaml:11:16", "other-title runbooks/slow.md:1:1"]
    );
    fs::write(folder.path().join("runbooks/api.md"), PAGE.replace("## Errors", "## Error")).unwrap();
    assert!(findings(folder.path(), &[]).contains(&"missing-anchor rules.yaml:7:37".to_owned()));
}

#[test]
fn people_read_what_is_wrong_and_what_to_do() {
    let page = PAGE.to_owned()
        + "\n## Fix\n\n- [dashboard](dash.md)\n- `kubectl logs vmagent-7d9c5b6f4-x2k9p`\n\n```sh\nkubectl rollout restart deploy/api\n```\n\n```promql\nrate(http_request_total[5m])\n```\n\nTODO\n\n## Later\n";
    let folder = folder(&[("rules.yaml", RULES), ("replay.yaml", REPLAY), ("runbooks/api.md", &page)]);
    insta::with_settings!({snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("runbook_check", stdout(&check(folder.path(), &[])));
    });
}

#[test]
fn pages_without_rules_and_replays_are_checked_by_themselves() {
    let clean = "# A page\n\nSee [the other](#other) and `up == 0`.\n\n## Other\n\nText.\n";
    assert_eq!(in_page(clean), [""; 0]);
    assert_eq!(in_page("# ApiErrors\n\n## Meaning\n\nTODO\n"), ["placeholder runbooks/p.md:5:1"]);
    assert_eq!(in_page("# A\n\n## Impact\n\n## Fix\n\nx\n"), ["empty-section runbooks/p.md:3:1"]);
    assert_eq!(in_page("# A\n\n[x](gone.md) [y](#gone) [z](https://gone.example)\n").len(), 2);
    assert_eq!(in_page("# A\n\n```promql\nrate(up[5m]\n```\n"), ["invalid-query runbooks/p.md:4:12"]);
    // Each line by itself: one that is to be completed excuses no other.
    assert_eq!(
        in_page("# A\n\n```promql\nrate(up[$__rate_interval])\nrate(up[5m)\nup{job=\"a\"}\nsum(up))\n```\n"),
        ["invalid-query runbooks/p.md:5:11", "invalid-query runbooks/p.md:7:9"]
    );
    assert_eq!(in_page(&format!("# A\n\n{}", "x\n\n".repeat(80))), ["long-page runbooks/p.md:151:1"]);
    let folded = format!("# A\n\n<details>\n<summary>s</summary>\n\n{}</details>\n", "x\n\n".repeat(80));
    assert_eq!(in_page(&folded), [""; 0]);
}

#[test]
fn queries_of_logs_are_asked_of_the_lines_of_replays() {
    let page = |needle: &str| format!("# A\n\n```logql\n{{job=\"api\"}} |= \"{needle}\"\n```\n");
    let logs = "events:\n  failed: {at: [\"12:10:00\"], assumed: one}\nlogs:\n  - {stream: {job: api}, event: failed, line: \"request failed\", assumed: it}\n";
    let replay = REPLAY.to_owned() + logs;
    let folder = folder(&[("rules.yaml", RULES), ("replay.yaml", &replay), ("p.md", &page("failed"))]);
    assert_eq!(findings(folder.path(), &["p.md"]), [""; 0]);
    fs::write(folder.path().join("p.md"), page("refused")).unwrap();
    assert_eq!(findings(folder.path(), &["p.md"]), ["unanswered-query p.md:4:1"]);
}

#[test]
fn a_change_needs_an_undo_in_its_section_or_a_section_for_it() {
    let change = "# A\n\n## Fix\n\n```sh\n$ helm upgrade api ./chart\n```\n";
    assert_eq!(in_page(change), ["no-undo runbooks/p.md:6:3"]);
    assert_eq!(in_page(&(change.to_owned() + "\nBack: `helm rollback api`.\n")), [""; 0]);
    assert_eq!(in_page(&(change.to_owned() + "\n## Undo\n\nThe chart of before.\n")), [""; 0]);
    assert_eq!(in_page(&(change.to_owned() + "\n## Later\n\nroll back\n")), ["no-undo runbooks/p.md:6:3"]);
}

#[test]
fn findings_are_put_up_with_for_a_reason() {
    let page =
        "# A\n\n## Fix\n\n<!-- firedrill:ignore placeholder: the team fills it in -->\n\nTODO\n\n## More\n\nTODO\n";
    assert_eq!(in_page(page), ["placeholder runbooks/p.md:11:1"]);
    let bare = page.replace(": the team fills it in", "");
    assert_eq!(
        in_page(&bare),
        ["bare-ignore runbooks/p.md:5:1", "placeholder runbooks/p.md:7:1", "placeholder runbooks/p.md:11:1"]
    );
    let needless = "# A\n\n<!-- firedrill:ignore no-undo: why -->\n\ntext\n";
    assert_eq!(in_page(needless), ["needless-ignore runbooks/p.md:3:1"]);

    let settings = "runbooks:\n  rules: [rules.yaml]\n  ignore:\n    - {finding: no-runbook, alert: ApiGone, reason: it cannot fire}\n    - {finding: missing-page, in: rules.yaml, reason: being written}\n";
    let folder = folder(&[("firedrill.yaml", settings), ("rules.yaml", RULES), ("runbooks/api.md", PAGE)]);
    assert_eq!(findings(folder.path(), &[]), [""; 0]);
    let told = stdout(&check(folder.path(), &["--silenced"]));
    assert!(told.contains("ApiGone has no runbook (no-runbook): it cannot fire"), "{told}");
    fs::write(folder.path().join("firedrill.yaml"), settings.replace("ApiGone", "ApiSlow")).unwrap();
    assert_eq!(findings(folder.path(), &[]), ["needless-ignore firedrill.yaml:4:17", "no-runbook rules.yaml:11:16"]);
    fs::write(folder.path().join("firedrill.yaml"), settings.replace("no-runbook", "no-runbok")).unwrap();
    let output = check(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("firedrill.yaml:4:17") && told.contains("did you mean no-runbook?"), "{told}");
}

#[test]
fn a_title_may_say_more_than_the_name_of_the_alert() {
    let rules = "groups:\n- name: g\n  rules:\n  - {alert: DiskFull, expr: up == 0, annotations: {runbook_url: runbooks/disk.md}}\n  \
                 - {alert: DiskSlow, expr: up == 0, annotations: {runbook_url: 'https://x/y'}}\n";
    let with = |title: &str| {
        let folder = folder(&[("rules.yaml", rules), ("runbooks/disk.md", &format!("# {title}\n\nWait.\n"))]);
        findings(folder.path(), &[])
    };
    for title in
        ["Alert: DiskFull", "DiskFull - disk is full", "`DiskFull`", "DiskFull (warning)", "Disk Full", "**Disk**Full"]
    {
        assert!(with(title).is_empty(), "{title}: {:?}", with(title));
    }
    for title in ["Alert: DiskSlow", "`DiskSlow` (warning)", "DiskEmpty"] {
        assert_eq!(with(title), ["other-title runbooks/disk.md:1:1"], "{title}");
    }
    // A file may have the word Alert in its name.
    let files = [("rules.yaml", RULES), ("runbooks/ApiSlowAlert.md", "# ApiSlow\n\nWait.\n")];
    assert!(!findings(folder(&files).path(), &[]).contains(&"other-title runbooks/ApiSlowAlert.md:1:1".to_owned()));
    // It names neither.
    assert_eq!(with("Disks"), ["other-title rules.yaml:4:65"]);
}

#[test]
fn addresses_with_templates_lead_to_the_pages_of_what_the_rule_says() {
    let rules = |address: &str| {
        format!(
            "groups:\n- name: g\n  rules:\n  - alert: DiskFull\n    expr: up == 0\n    labels: {{team: infra}}\n    \
             annotations: {{runbook_url: '{address}'}}\n"
        )
    };
    let ask = |address: &str| {
        let folder = folder(&[("rules.yaml", &rules(address)), ("runbooks/DiskFull.md", "# DiskFull\n\nWait.\n")]);
        let told = findings(folder.path(), &[]);
        (told, String::from_utf8(check(folder.path(), &[]).stdout).unwrap())
    };
    let (told, text) = ask("runbooks/{{ $labels.alertname }}.md");
    assert!(told.is_empty(), "{text}");
    // promtool expands it to `runbooks/.md`.
    let note = "note: rules.yaml:7:33: Prometheus has the labels of the series in `$labels`, and no alertname";
    assert!(text.contains(note) && !text.contains("elsewhere"), "{text}");
    assert_eq!(ask("runbooks/{{ .Labels.team }}.md").0, ["missing-page rules.yaml:7:33"]);
    assert_eq!(ask("runbooks/DiskFull.md#{{ .Labels.team }}").0, ["missing-anchor rules.yaml:7:33"]);
    for (address, asks) in
        [("runbooks/{{ $labels.job }}.md", "$labels.job"), ("https://x/{{ .Labels.pod }}", ".Labels.pod")]
    {
        let (told, text) = ask(address);
        assert!(told.is_empty() && !text.contains("elsewhere"), "{text}");
        let note = format!("only an alert tells which page the runbook of DiskFull is: its address asks for {asks}");
        assert!(text.contains(&note), "{text}");
    }
}

#[test]
fn addresses_of_a_published_site_lead_to_its_pages() {
    let settings = "runbooks: {url: 'https://runbooks.example.com/([^?#]*)', path: 'docs/$1.md', folder: docs, rules: [rules.yaml]}\n";
    let rules = RULES.replace("https://wiki.example.com/x", "https://runbooks.example.com/api/apielsewhere?from=alert");
    let folder = folder(&[
        ("firedrill.yaml", settings),
        ("rules.yaml", &rules),
        ("runbooks/api.md", PAGE),
        ("runbooks/slow.md", "# ApiSlow\n\nWait.\n"),
        ("docs/api/ApiElsewhere.md", "# ApiElsewhere\n\nWait.\n"),
    ]);
    assert_eq!(findings(folder.path(), &[]), ["no-runbook rules.yaml:11:16"]);
}

#[test]
fn input_that_cannot_be_read_is_told_and_nothing_else() {
    let refused = |files: &[(&str, &str)], args: &[&str], told: &[&str]| {
        let folder = folder(files);
        let output = check(folder.path(), args);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true), "{text}");
        told.iter().for_each(|part| assert!(text.contains(part), "{part:?} is not in {text}"));
    };
    refused(&[], &[], &["there is no folder runbooks"]);
    refused(&[("runbooks/x.txt", "")], &[], &["no page found in runbooks"]);
    refused(&[], &["gone.md"], &["cannot read gone.md"]);
    refused(&[("p.md", "a\0b")], &["p.md"], &["p.md is a binary file"]);
    refused(
        &[("p.md", "# A\n\n<!-- firedrill:begin alert A -->\n")],
        &["p.md"],
        &["p.md:3:1", "a block without an end"],
    );
    let replay = REPLAY.replace("counter: 5/s", "counter: 5 apples");
    refused(&[("rules.yaml", RULES), ("replay.yaml", &replay), ("p.md", PAGE)], &["p.md"], &["replay.yaml:9"]);

    let large = folder(&[]);
    let file = fs::File::create(large.path().join("large.md")).unwrap();
    file.set_len(50 * 1024 * 1024).unwrap();
    let output = check(large.path(), &["large.md"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("large.md is larger than 16 MiB"));
}

#[test]
fn commands_that_nobody_is_to_run_or_whose_old_value_is_given_need_no_undo() {
    for text in [
        "Do **not** run `kubectl delete pod shop-0`. Never `rm -rf /var/lib/data`.",
        "1. `sysctl -w net.core.somaxconn=1024` (it was 128)",
        "1. `sysctl -w net.core.somaxconn=1024`\n   (restore with `sysctl -w net.core.somaxconn=128`)",
        "Reset to the default with `kubectl scale deploy/x --replicas=3` after `kubectl scale deploy/x --replicas=9`.",
    ] {
        assert_eq!(in_page(&format!("# T\n\n## S\n\n{text}\n")), Vec::<String>::new(), "{text}");
    }
    assert_eq!(in_page("# T\n\nDo not wait: `kubectl delete pod shop-0`\n"), ["no-undo runbooks/p.md:3:15"]);
}

#[test]
fn sizes_are_no_placeholders() {
    assert_eq!(in_page("# T\n\nXXX-large shirts, and XXX as well.\n\nXXX-large\n"), ["placeholder runbooks/p.md:3:23"]);
}

#[test]
fn a_section_of_a_page_whose_title_names_the_alert_need_not_name_it() {
    let page = PAGE.replace("`ApiErrors` asks", "Ask").replace("# The API", "# The API (ApiErrors)");
    let folder = folder(&[("rules.yaml", RULES), ("replay.yaml", REPLAY), ("runbooks/api.md", &page)]);
    assert!(!findings(folder.path(), &[]).iter().any(|finding| finding.starts_with("other-title")));
}
