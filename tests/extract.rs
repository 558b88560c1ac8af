//! `firedrill extract`: what it prints, what it refuses, and what it finds in documents as they are.

#[path = "common/mod.rs"]
mod common;
#[path = "common/program.rs"]
mod program;

use std::fs;
use std::path::Path;
use std::process::Command;

use firedrill::incident::{Document, Kind, Language};
use firedrill::text::Source;
use program::{firedrill, root, stdout};
use serde_json::Value;
use tempfile::TempDir;

const RUNBOOK: &str = "# ApiErrors

| Alert | Expression | For | Severity |
|---|---|---|---|
| ApiErrors | `rate(errors_total{code=~\"5..\"}[5m]) > 1` | 5m | page |
| Logs | `sum(rate({job=\"a\"} \\|= \"x\" [5m])) > 1` | 5m | page |

## Look

```promql
up{job=\"api\"} # is it there?
```

```yaml
- alert: Gone
  expr: up{job=\"api\"} == 0
  annotations: {summary: 'it is gone: {{ $labels.instance }}'}
- alert: Broken
  expr: rate(errors_total
```
";

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

#[test]
fn people_read_findings_by_document_and_section() {
    let folder = folder(&[("runbook.md", RUNBOOK.as_bytes())]);
    let output = firedrill(folder.path(), &["extract", "runbook.md"]);
    insta::with_settings!({snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("extract", stdout(&output));
    });
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn machines_read_places_sections_confidence_and_reasons() {
    let folder = folder(&[("runbook.md", RUNBOOK.as_bytes())]);
    let output = firedrill(folder.path(), &["extract", "runbook.md", "--format", "json"]);
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(report["firedrill"], "extract/1");
    let findings = report["documents"][0]["findings"].as_array().unwrap();
    let query = findings.iter().find(|finding| finding["text"] == "up{job=\"api\"}").unwrap();
    assert_eq!(
        query["place"],
        serde_json::json!({"file": "runbook.md", "line": 11, "column": 1, "end_line": 11, "end_column": 14})
    );
    assert_eq!((&query["language"], &query["confidence"]), (&"promql".into(), &"high".into()));
    assert_eq!(query["section"], serde_json::json!(["ApiErrors", "Look"]));
    let rule = findings.iter().find(|finding| finding["kind"] == "alert_rule").unwrap();
    assert_eq!(rule["rule"]["labels"], serde_json::json!({"severity": "page"}));
    assert_eq!(rule["rule"]["for"], "5m");
    assert_eq!(report["summary"]["alert_rule"], 4);
}

#[test]
fn a_rule_file_comes_out_that_firedrill_and_promtool_read() {
    let folder = folder(&[("runbook.md", RUNBOOK.as_bytes())]);
    let output = firedrill(folder.path(), &["extract", "runbook.md", "--format", "yaml"]);
    assert_eq!(output.status.code(), Some(0));
    let text = stdout(&output);
    let file = firedrill::rules::read_with(&Source::new("rules.yaml", text.clone()), &Default::default()).unwrap();
    let rules: Vec<&str> = file.rules().map(|(_, rule)| rule.name.value.as_str()).collect();
    assert_eq!(rules, ["ApiErrors", "Gone"]);
    assert!(text.contains("# Logs, line 6: its expression is LogQL"), "{text}");
    assert!(text.contains("# Broken, line 18: its expression does not parse"), "{text}");
    assert!(text.contains("# no alert, line 11: up"), "{text}");
    let Some(promtool) = common::peer("promtool") else { return };
    let path = folder.path().join("rules.yaml");
    fs::write(&path, text).unwrap();
    let checked = Command::new(promtool).args(["check", "rules"]).arg(path).output().unwrap();
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn documents_that_cannot_be_read_leave_nothing_half_written() {
    let folder = folder(&[
        ("good.md", RUNBOOK.as_bytes()),
        ("image.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("zeros.md", b"text\0text"),
        ("latin.md", b"caf\xe9 up"),
    ]);
    let large = fs::File::create(folder.path().join("large.md")).unwrap();
    large.set_len(50 * 1024 * 1024).unwrap();
    for (file, told) in [
        ("image.png", "image.png is a binary file"),
        ("zeros.md", "zeros.md is a binary file"),
        ("latin.md", "byte 0xe9 is not valid UTF-8"),
        ("large.md", "large.md is larger than 16 MiB"),
        ("none.md", "cannot read none.md"),
        (".", ". is a folder"),
    ] {
        let output = firedrill(folder.path(), &["extract", "good.md", file]);
        assert_eq!(output.status.code(), Some(2), "{file}");
        assert_eq!(stdout(&output), "", "{file}");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(told), "{errors}");
    }
}

#[test]
fn a_document_with_nothing_to_check_exits_with_1() {
    let folder = folder(&[("story.md", b"Once upon a time.\n"), ("empty.md", b"")]);
    let output = firedrill(folder.path(), &["extract", "story.md", "empty.md"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("2 documents: nothing that can be checked"));
    let output = firedrill(folder.path(), &["extract", "story.md", "--format", "yaml"]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(1), String::new()));
}

/// Lines of queries in a document, by language.
fn queries(path: &Path, language: Language) -> Vec<usize> {
    let source = Source::new("document", fs::read_to_string(path).unwrap());
    let document = Document::read(&source);
    let lines = document.findings.iter().filter_map(|finding| match finding.kind {
        Kind::Query { language: found, .. } if found == language => Some(source.place(finding.place().start).line),
        _ => None,
    });
    lines.collect()
}

#[test]
fn our_own_incidents_yield_their_queries_and_nothing_else() {
    for (incident, promql, logql) in [
        ("cilium-envoy-connect-failures", 0, 0),
        ("docker-vm-drops", 0, 0),
        ("packets-drop-by-drop", 0, 0),
        ("t3-drop-attribution", 6, 4),
        ("vmagent-remote-write", 4, 0),
    ] {
        let path = root().join("incidents").join(incident).join("incident.md");
        assert_eq!(queries(&path, Language::Promql).len(), promql, "{incident}");
        assert_eq!(queries(&path, Language::Logql).len(), logql, "{incident}");
    }
}

/// The documents of the five incidents as they were found: mojibake, a scraped page, prose. The lines were read off by a person.
#[test]
fn documents_as_they_are_yield_all_their_queries() {
    let Some(seeds) = common::beside("seeds") else { return };
    let mut files: Vec<_> = fs::read_dir(seeds).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let promql: Vec<Vec<usize>> = files.iter().map(|file| queries(file, Language::Promql)).collect();
    let expected: [&[usize]; 5] = [&[48, 172, 178, 184], &[], &[53, 54, 55, 118, 119, 120], &[], &[]];
    assert_eq!(promql, expected);
    let logql: Vec<Vec<usize>> = files.iter().map(|file| queries(file, Language::Logql)).collect();
    let expected: [&[usize]; 5] = [&[], &[], &[71, 72, 73, 86, 89, 90], &[], &[]];
    assert_eq!(logql, expected);
}
