//! Rule files of other projects are read as Prometheus reads them.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use firedrill::rules;
use firedrill::text::{Source, yaml};

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(folder)
        .into_iter()
        .filter_map(Result::ok)
        .map(walkdir::DirEntry::into_path)
        .filter(|path| path.extension().is_some_and(|end| end == "yaml" || end == "yml"))
        .collect();
    files.sort();
    files
}

#[test]
fn every_real_rule_file_is_read() {
    let Some(kit) = common::kit("promtool") else { return };
    let mut read = 0;
    let mut wrong = Vec::new();
    for path in yaml_files(&kit) {
        let source = yaml::read_file(&path).unwrap_or_else(|problem| panic!("{problem}"));
        let documents = yaml::read_documents(&source).unwrap_or_else(|problem| panic!("{problem}"));
        if !documents.iter().any(rules::is_rule_document) {
            continue;
        }
        // Made by promtool's authors to be refused for a field that nobody knows.
        let refused = path.ends_with("rules_extrafields.yml") || path.ends_with("rules_run_extrafields.yml");
        match rules::read(&source) {
            Ok(_) if refused => wrong.push(format!("{}: accepted", path.display())),
            Ok(file) => read += file.rules().count(),
            Err(_) if refused => {}
            Err(problems) => wrong.extend(problems.iter().map(ToString::to_string)),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(read > 300, "{read} rules");
}

/// Files with the verdict of `promtool check rules` 3.14: whether it accepts them.
const VERDICTS: &[(bool, &str)] = &[
    (false, "groups: [{name: g, rules: [{alert: A, expr: up, annotations: {a: '{{ $value '}}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: up, annotations: {a: '{{ nosuch 1 }}'}}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: up, annotations: {a: '{{ $nosuch }}'}}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: up, annotations: {a: '{{ if true }}x'}}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: up, annotations: {a: '{{ end }}'}}]}]"),
    (true, "groups: [{name: g, rules: [{alert: A, expr: up}]}]"),
    (false, "groups: [{name: '', rules: []}]"),
    (false, "groups: [{rules: []}]"),
    (false, "groups: [{name: g}, {name: g}]"),
    (false, "groups: [{name: g, rules: [{alert: A, record: b, expr: up}]}]"),
    (false, "groups: [{name: g, rules: [{expr: up}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: ''}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: up == }]}]"),
    (false, "groups: [{name: g, rules: [{record: r, expr: up, for: 5m}]}]"),
    (true, "groups: [{name: g, rules: [{record: r, expr: up, for: 0s}]}]"),
    (false, "groups: [{name: g, rules: [{record: r, expr: up, keep_firing_for: 5m}]}]"),
    (false, "groups: [{name: g, rules: [{record: r, expr: up, annotations: {a: b}}]}]"),
    (true, "groups: [{name: g, rules: [{record: r, expr: up, annotations: {}}]}]"),
    (false, "groups: [{name: g, rules: [{record: 'r{a=\"b\"}', expr: up}]}]"),
    (true, "groups: [{name: g, rules: [{record: 'with space', expr: up}]}]"),
    (true, "groups: [{name: g, rules: [{record: 1, expr: 2}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: up, for: 5}]}]"),
    (true, "groups: [{name: g, rules: [{alert: A, expr: up, for: 0}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: up, for: ''}]}]"),
    (true, "groups: [{name: g, rules: [{alert: A, expr: up, for: ~}]}]"),
    (true, "groups: [{name: g, rules: [{alert: A, expr: up, for: 1h30m}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: up, for: 30m1h}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: up, for: -5m}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: up, for: [5m]}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: up, labels: {__name__: x}}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: up, labels: {'': x}}]}]"),
    (true, "groups: [{name: g, rules: [{alert: A, expr: up, labels: {'a b': x}}]}]"),
    (true, "groups: [{name: g, rules: [{alert: A, expr: up, labels: {a: ~}}]}]"),
    (true, "groups: [{name: g, rules: [{alert: A, expr: up, labels: {a: 1, b: yes, c: 1.50}}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: up, labels: {a: [x]}}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: up, labels: [x]}]}]"),
    (true, "groups: [{name: g, rules: [{alert: A, expr: up, labels: ~}]}]"),
    (true, "groups: [{name: g, rules: [{alert: A, expr: up, labels: {alertname: x}}]}]"),
    (false, "groups: [{name: g, labels: {__name__: x}, rules: [{alert: A, expr: up}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: up, annotations: {'': x}}]}]"),
    (true, "groups: [{name: g, rules: [{alert: A, expr: up, annotations: {__name__: x}}]}]"),
    (true, "groups: [{name: g, rules: [{alert: A, expr: up, annotations: {a: '}} fine'}}]}]"),
    (true, "groups: [{name: g, rules: [{alert: A, expr: up, labels: {a: '{{ $labels.b }}'}}]}]"),
    (true, "groups: [{name: g, rules: [{alert: A, expr: up, labels: {a: '{{ .Foo.Bar }}'}}]}]"),
    (true, "groups: [{name: g, rules: [{record: r, expr: up, labels: {a: '{{ broken'}}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: up, fro: 5m}]}]"),
    (false, "groups: [{name: g, intervall: 5m, rules: []}]"),
    (false, "group: []"),
    (true, "groups: ~"),
    (false, "groups: {}"),
    (false, "groups: x"),
    (false, "- a"),
    (true, ""),
    (true, "# c\n"),
    (false, "text"),
    (true, "groups: [~]"),
    (true, "groups: [{name: g, rules: [~]}]"),
    (true, "groups: [{name: g, rules: ~}]"),
    (false, "groups: [{name: g, rules: {}}]"),
    (true, "groups: [{name: g, limit: 5, rules: []}]"),
    (false, "groups: [{name: g, limit: x, rules: []}]"),
    (true, "groups: [{name: g, limit: 5.0, rules: []}]"),
    (true, "groups: [{name: g, limit: 5.5, rules: []}]"),
    (true, "groups: [{name: g, limit: -1, rules: []}]"),
    (false, "groups: [{name: g, limit: '5', rules: []}]"),
    (true, "groups: [{name: g, limit: ~, rules: []}]"),
    (true, "groups: [{name: g, limit: 0x10, rules: []}]"),
    (true, "groups: [{name: g, limit: 1_000, rules: []}]"),
    (true, "groups: [{name: g, interval: 1m, query_offset: 0s, rules: []}]"),
    (false, "groups: [{name: g, interval: 60, rules: []}]"),
    (true, "groups: [{name: g, interval: 0, rules: []}]"),
    (true, "groups: [{name: 5, rules: []}]"),
    (false, "groups: [{name: [a], rules: []}]"),
    (false, "groups: [{name: ~, rules: []}]"),
    (false, "groups: [{name: g, name: h, rules: []}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: up, labels: {a: 1, a: 2}}]}]"),
    (false, "groups:\n- name: g\n  rules:\n\t- alert: A\n"),
    (true, "\u{feff}groups: []"),
    (true, "groups: [{name: g, rules: [{alert: A, expr: 1}]}]"),
    (true, "groups: [{name: g, rules: [{alert: A, expr: '\"x\"'}]}]"),
    (true, "groups: [{name: g, rules: [{alert: A, expr: 'up[5m]'}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: 'sum(up'}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: 'rate(up)'}]}]"),
    (true, "groups: [{name: g, rules: [{alert: A, expr: yes}]}]"),
    (true, "groups: [{name: g, rules: [{alert: A, expr: !!str 5}]}]"),
    (true, "groups: [{name: &n g, rules: [{alert: *n, expr: up}]}]"),
    (false, "x: &b {for: 5m}\ngroups: []"),
    (true, "groups: [{name: g, rules: [&a {alert: A, expr: up}, {<<: *a, alert: B}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: *nothing}]}]"),
    (true, "groups: []\n---\ngroups: x\n"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: up, labels: {a: {{ $value }}}}]}]"),
    (true, "groups: [{name: g, rules: [{alert: '{{ $value }}', expr: up}]}]"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: up, keep_firing_for: 5m, for: 300y}]}]"),
    (
        false,
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: |\n      up\n      ==\n      0\n    labels:\n      a: b: c\n",
    ),
    (false, "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n    annotations:\n      s: @x\n"),
    (false, "groups:\n- name: g\n rules: []\n"),
    (false, "groups: [{name: g, rules: [{alert: A, expr: up"),
];

#[test]
fn files_are_accepted_and_refused_as_promtool_does() {
    let wrong: Vec<_> = VERDICTS
        .iter()
        .map(|(accepted, text)| (*accepted, text, rules::read(&Source::new("f.yaml", *text))))
        .filter(|(accepted, _, result)| result.is_ok() != *accepted)
        .map(|(accepted, text, result)| (accepted, text, result.err()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nothing_that_is_read_panics() {
    let Some(kit) = common::kit("promtool") else { return };
    for path in yaml_files(&kit).into_iter().step_by(10) {
        let text = fs::read_to_string(&path).unwrap_or_default();
        // Cut anywhere, and with a character replaced by one that means something to YAML.
        for (at, old) in text.char_indices().step_by(97) {
            let _ = rules::read(&Source::new("f.yaml", &text[..at]));
            let new = ['{', '[', '"', '\'', '|', '>', ':', '-', '&', '*', '\t'][at % 11];
            let changed = format!("{}{new}{}", &text[..at], &text[at + old.len_utf8()..]);
            let _ = rules::read(&Source::new("f.yaml", changed));
        }
    }
}
