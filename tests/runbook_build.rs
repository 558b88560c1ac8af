//! `firedrill runbook build`, `adopt` and `new`: what they write, what they leave alone, what they refuse.

#[path = "common/program.rs"]
mod program;

use std::fs;
use std::path::Path;

use program::{firedrill, stdout};
use tempfile::TempDir;

const RULES: &str = "groups:
  - name: api
    rules:
      - alert: ApiErrors
        expr: rate(http_requests_total{code=\"500\"}[5m]) > 1
        for: 5m
        labels: {severity: page}
        annotations: {summary: 'Errors | {{ $value }}', runbook_url: runbooks/api.md}
";

const REPLAY: &str = "firedrill: replay/1
title: The API fails every second request
start: 2026-01-10T12:00:00Z
end: 2026-01-10T13:00:00Z
rules: [../../rules.yaml]
targets:
  api: {labels: {job: api, instance: \"10.0.0.7:8080\"}, scrape: 30s}
spans:
  broken: {from: \"12:20:00\", to: \"12:40:00\", source: \"the incident's timeline\"}
metrics:
  - {series: 'http_requests_total{code=\"500\"}', target: api, counter: {else: 0/s, broken: 5/s}, source: \"access log\"}
variants:
  control:
    without: [broken]
    expect:
      triage: {runbook: api, cause: none}
      others: silent
expect:
  triage: {runbook: api, cause: broken, within: 1m, after: page}
  alerts:
    - ApiErrors: {fires: {within: 10m, after: broken.from}, times: 1}
  others: silent
";

const TABLE: &str = "firedrill: runbook/1
title: The API fails
owner: api
alerts: [ApiErrors]
do_first: [Look at the last release.]
queries:
  errors:
    promql: sum(rate(http_requests_total{code=\"500\"}[5m]))
    shows: errors | a second
    unit: errors/s
causes:
  - name: broken
    title: the last release is broken
    when:
      - {that: requests fail, query: errors, any: value > 1}
    fix: ['`kubectl rollout undo deploy/api`']
    undo: [Roll it out again.]
    verify: [No request fails.]
    next: roll back
escalate_when:
  - {that: every second request fails, promql: 'sum(rate(http_requests_total{code=\"500\"}[5m])) > 4', then: call the team}
success:
  - {that: no request fails, query: errors, all: value == 0}
about: Half a percent of errors is usual.
";

/// A page of somebody's, with a block in the middle.
const PAGE: &str = "# ApiErrors\r\n\r\nMine.\r\n\r\n<!-- firedrill:begin alert ApiErrors -->\r\n<!-- firedrill:end -->\r\n\r\nAlso mine, without an end of line";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let always = [("rules.yaml", RULES), ("incidents/api/replay.yaml", REPLAY), ("runbooks/api.yaml", TABLE)];
    for (name, content) in always.iter().chain(files) {
        write(folder.path(), name, content);
    }
    folder
}

fn write(folder: &Path, name: &str, content: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

/// What a verb prints, with its exit code.
fn runbook(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let output = firedrill(folder, &[&["runbook"], args].concat());
    let code = output.status.code().unwrap();
    (code, stdout(&output), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn a_whole_page_says_what_to_do_first_and_carries_values_from_replays() {
    let page = "<!-- firedrill:begin page api -->\n<!-- firedrill:end -->\n";
    let folder = folder(&[("runbooks/api.md", page)]);
    assert_eq!(runbook(folder.path(), &["build"]).0, 0);
    let built = read(folder.path(), "runbooks/api.md");
    snapshot("runbook_page", &built);
    // The same again, to the byte, and the check agrees.
    assert_eq!(runbook(folder.path(), &["build"]).1, "1 page with blocks: all are as they should be\n");
    assert_eq!(read(folder.path(), "runbooks/api.md"), built);
    let (code, told, _) = runbook(folder.path(), &["check"]);
    assert_eq!(code, 0, "{told}");
}

#[test]
fn only_blocks_are_written_and_line_ends_are_kept() {
    let folder = folder(&[("runbooks/api.md", PAGE)]);
    assert_eq!(runbook(folder.path(), &["build"]).0, 0);
    let built = read(folder.path(), "runbooks/api.md");
    let (before, after) = PAGE.split_once("<!-- firedrill:end -->").unwrap();
    assert!(built.starts_with(before) && built.ends_with(after), "{built:?}");
    assert_eq!(built.matches('\n').count(), built.matches("\r\n").count());
    // 5 a second are 1 a second over the window only at 12:21:00, and more from the next evaluation on; `for` is 5 minutes.
    assert!(built.contains("fires at 12:27:00"), "{built}");
}

#[test]
fn an_edited_block_is_refused_with_a_difference_and_an_outdated_one_is_told() {
    let folder = folder(&[
        ("runbooks/api.md", &PAGE.replace("\r\n", "\n")),
        ("runbooks/other.md", "# O\n\n<!-- firedrill:begin alert ApiErrors -->\n<!-- firedrill:end -->\n"),
    ]);
    assert_eq!(runbook(folder.path(), &["build"]).0, 0);
    let built = read(folder.path(), "runbooks/api.md");
    let edited = built.replace("for 5m", "for 6 minutes");
    write(folder.path(), "runbooks/api.md", &edited);
    write(folder.path(), "rules.yaml", &RULES.replace("> 1", "> 2"));
    let (code, told, _) = runbook(folder.path(), &["check"]);
    assert_eq!(code, 1);
    snapshot("runbook_edited", &told);
    let (code, told, _) = runbook(folder.path(), &["build"]);
    assert_eq!(code, 1);
    assert!(told.contains("edited-block") && told.contains("+`ApiErrors`, page, for 6 minutes"), "{told}");
    assert_eq!(read(folder.path(), "runbooks/api.md"), edited);
    // The other page was written all the same.
    assert!(read(folder.path(), "runbooks/other.md").contains("> 2"));
    // Taking the block's text away lets it be written anew.
    let (start, end) = (edited.find("-->").unwrap() + 4, edited.find("<!-- firedrill:end").unwrap());
    write(folder.path(), "runbooks/api.md", &format!("{}{}", &edited[..start], &edited[end..]));
    assert_eq!(runbook(folder.path(), &["build"]).0, 0);
    assert_eq!(runbook(folder.path(), &["check"]).0, 0);
}

#[test]
fn people_override_templates_and_make_kinds_of_their_own() {
    let page = "# A\n\n<!-- firedrill:begin short ApiErrors -->\n<!-- firedrill:end -->\n";
    let folder = folder(&[
        ("runbooks/api.md", page),
        ("runbooks/templates/alert.md.tera", "{% for alert in alerts %}ours: {{ alert.name }}{% endfor %}"),
        ("runbooks/templates/short.md.tera", "Short. {% include \"alert.md.tera\" %}"),
    ]);
    assert_eq!(runbook(folder.path(), &["build"]).0, 0);
    assert!(read(folder.path(), "runbooks/api.md").contains("Short. ours: ApiErrors"));
    let (code, told, _) = runbook(folder.path(), &["build", "--variables"]);
    assert_eq!(code, 0);
    let variables: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(variables[0]["alerts"][0]["fires"][0]["fires"], "12:27:00");
}

#[test]
fn what_cannot_be_built_is_told_and_nothing_is_written() {
    let good = "# G\n\n<!-- firedrill:begin alert ApiErrors -->\n<!-- firedrill:end -->\n";
    let refused = |block: &str, files: &[(&str, &str)], told: &[&str]| {
        let page = format!("# A\n\n<!-- firedrill:begin {block} -->\n<!-- firedrill:end -->\n");
        let folder = folder(&[&[("runbooks/p.md", page.as_str()), ("runbooks/good.md", good)], files].concat());
        for verb in ["build", "check"] {
            let (code, out, text) = runbook(folder.path(), &[verb]);
            assert_eq!((code, out.as_str()), (2, ""), "{text}");
            told.iter().for_each(|part| assert!(text.contains(part), "{part:?} is not in {text}"));
        }
        assert_eq!(read(folder.path(), "runbooks/p.md"), page);
        assert_eq!(read(folder.path(), "runbooks/good.md"), good);
    };
    refused("alrt ApiErrors", &[], &["runbooks/p.md:3:22", "did you mean alert?"]);
    refused("alert ApiErors", &[], &["runbooks/p.md:3:28", "did you mean ApiErrors?"]);
    refused("triage ApiErrors", &[], &["runbooks/p.md:3:29", "needs a table of causes"]);
    refused("alert ApiErrors more", &[], &["a block is about one thing"]);
    let loops = [("runbooks/templates/x.md.tera", "{% include \"x.md.tera\" %}")];
    refused("x ApiErrors", &loops, &["x.md.tera includes itself"]);
    let endless = [(
        "runbooks/templates/x.md.tera",
        "{% for a in range(end=99999) %}{% for b in range(end=99) %}x{% endfor %}{% endfor %}",
    )];
    refused("x ApiErrors", &endless, &["runbooks/templates/x.md.tera:1:1", "more than 4 MiB"]);
    let undefined = [("runbooks/templates/x.md.tera", "one\n  {{ alerts[0].nme }}")];
    refused("x ApiErrors", &undefined, &["runbooks/templates/x.md.tera:2:16", "`nme` is undefined"]);
    let scalar = TABLE.replace("sum(rate(http_requests_total{code=\"500\"}[5m])) > 4", "1");
    refused(
        "triage api",
        &[("runbooks/api.yaml", &scalar)],
        &["runbooks/api.yaml:21:49", "an instant vector is needed"],
    );
    let none = "there is no table of causes runbooks/p.yaml";
    refused("triage", &[], &["runbooks/p.md:3:22", none, "or name another: <!-- firedrill:begin triage api -->"]);
    refused("triage apii", &[], &["runbooks/p.md:3:29", "did you mean api?"]);
    let nested = [("runbooks/templates/x.md.tera", "<!-- firedrill:end -->")];
    refused("x ApiErrors", &nested, &["has markers of blocks in it"]);
    let fence = [("runbooks/templates/x.md.tera", "text\n\n```\n")];
    refused("x ApiErrors", &fence, &["runbooks/templates/x.md.tera:3:1", "opens \"```\" and does not close it"]);
    let fix = TABLE.replace("'`kubectl rollout undo deploy/api`'", "\"<!-- note\"");
    let told = ["runbooks/api.yaml:16:11", "opens \"<!-- note\" and does not close it"];
    refused("page api", &[("runbooks/api.yaml", &fix)], &told);
    for about in ["<!-- unclosed", "```promql\\nup", "<pre>x"] {
        let table = TABLE.replace("Half a percent of errors is usual.", &format!("\"{about}\""));
        refused("page api", &[("runbooks/api.yaml", &table)], &["runbooks/api.yaml:24:8", "does not close it"]);
    }
}

#[test]
fn a_page_without_markers_gets_some_and_keeps_every_letter() {
    let text = "# ApiErrors\n\nWhat people wrote.";
    let folder = folder(&[("runbooks/api.md", text)]);
    let (code, told, _) = runbook(folder.path(), &["adopt", "runbooks/api.md"]);
    assert_eq!(code, 0, "{told}");
    let adopted = read(folder.path(), "runbooks/api.md");
    snapshot("runbook_adopted", &adopted);
    assert_eq!(runbook(folder.path(), &["build"]).0, 0);
    assert_eq!(runbook(folder.path(), &["check"]).0, 0);
    let (code, _, told) = runbook(folder.path(), &["adopt", "runbooks/api.md"]);
    assert!(code == 2 && told.contains("the page has blocks already"), "{told}");
    write(folder.path(), "runbooks/x.md", "# X\n\ny\n");
    let (code, _, told) = runbook(folder.path(), &["adopt", "runbooks/x.md"]);
    assert!(code == 2 && told.contains("no alert leads to it"), "{told}");
    let (code, _, told) = runbook(folder.path(), &["adopt", "runbooks/x.md", "--alert", "ApiEror"]);
    assert!(code == 2 && told.contains("did you mean `ApiErrors`?"), "{told}");
    assert_eq!(read(folder.path(), "runbooks/x.md"), "# X\n\ny\n");
}

#[test]
fn a_page_that_does_not_close_a_fence_or_a_comment_gets_no_markers() {
    for (text, told) in [
        ("# ApiErrors\n\n```sh\nls\n", "runbooks/api.md:3:1"),
        ("# ApiErrors\n\ntext\n\n<!-- later\n\ntext\n", "runbooks/api.md:5:1"),
    ] {
        let folder = folder(&[("runbooks/api.md", text)]);
        let (code, _, errors) = runbook(folder.path(), &["adopt", "runbooks/api.md"]);
        assert!(code == 2 && errors.contains(told) && errors.contains("is never closed"), "{errors}");
        assert_eq!(read(folder.path(), "runbooks/api.md"), text);
    }
}

#[test]
fn a_page_that_is_read_only_is_left_alone() {
    let text = "# ApiErrors\n\nWhat people wrote.\n";
    let folder = folder(&[("runbooks/api.md", text)]);
    let path = folder.path().join("runbooks/api.md");
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    let (code, _, told) = runbook(folder.path(), &["adopt", "runbooks/api.md"]);
    assert!(code == 2 && told.contains("cannot write runbooks/api.md: it is read-only"), "{told}");
    assert_eq!(read(folder.path(), "runbooks/api.md"), text);
}

#[test]
fn a_new_page_has_all_that_is_known_of_its_alert() {
    let folder = folder(&[]);
    let (code, told, _) = runbook(folder.path(), &["new", "--alert", "ApiErrors"]);
    assert_eq!((code, told.lines().next()), (0, Some("runbooks/api.md")));
    snapshot("runbook_new", &read(folder.path(), "runbooks/api.md"));
    let (code, told, _) = runbook(folder.path(), &["check"]);
    assert!(code == 1 && told.contains("there is nothing below \"Do first\""), "{told}");
    let (code, _, told) = runbook(folder.path(), &["new", "--alert", "ApiErrors"]);
    assert!(code == 2 && told.contains("runbooks/api.md is there already"), "{told}");
    let (code, _, told) = runbook(folder.path(), &["new", "--alert", "Api"]);
    assert!(code == 2 && told.contains("no rule has the alert `Api`"), "{told}");
}

#[test]
fn a_new_page_is_not_written_where_a_rule_of_others_says() {
    let folder = folder(&[]);
    let rules = read(folder.path(), "rules.yaml");
    assert!(rules.contains("runbooks/api.md"), "{rules}");
    write(folder.path(), "rules.yaml", &rules.replace("runbooks/api.md", "../outside.md"));
    let (code, _, told) = runbook(folder.path(), &["new", "--alert", "ApiErrors"]);
    assert!(code == 2 && told.contains("leads out of this folder"), "{told}");
    assert!(!folder.path().parent().expect("a folder above").join("outside.md").exists());
    assert_eq!(runbook(folder.path(), &["new", "--alert", "ApiErrors", "-o", "api.md"]).0, 0);
}

#[test]
fn a_rule_file_is_no_page() {
    let folder = folder(&[]);
    for verb in ["check", "build"] {
        let (code, _, told) = runbook(folder.path(), &[verb, "rules.yaml"]);
        assert!(code == 2 && told.contains("rule files are named with `--rules FILE`"), "{told}");
    }
}

#[test]
fn alerts_fire_also_where_nobody_asks_for_their_causes() {
    let unasked = REPLAY
        .replace("      triage: {runbook: api, cause: none}\n", "")
        .replace("  triage: {runbook: api, cause: broken, within: 1m, after: page}\n", "");
    let page = "# ApiErrors\n\n<!-- firedrill:begin alert api -->\n<!-- firedrill:end -->\n";
    let folder = folder(&[("runbooks/api.md", page), ("incidents/api/replay.yaml", &unasked)]);
    assert_eq!(runbook(folder.path(), &["build"]).0, 0);
    let built = read(folder.path(), "runbooks/api.md");
    // More than 1/s from 12:20:30 on, and whatever `for` the rule has.
    assert!(built.contains("`api/day`") && !built.contains("no replay has it fire"), "{built}");
}
