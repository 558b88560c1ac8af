//! Runbooks in drills and on the command line: the right cause in time, and never a wrong one before.

#[path = "common/program.rs"]
mod program;

use std::fs;

use program::{changed, firedrill, root, stdout};
use serde_json::Value;

/// Errors from 10:20 on, of the database until 10:25 and of the network afterwards; the probe is gone from 10:50 on. The page comes at 10:22.
const REPLAY: &str = r#"firedrill: replay/1
title: errors
start: 2026-01-01T10:00:00Z
end: 2026-01-01T11:00:00Z
rules: [rules.yaml]
targets:
  app: {labels: {job: app}, scrape: 30s}
  probe: {labels: {job: probe}, scrape: 30s}
spans:
  database: {from: "10:20:00", to: "10:25:00", assumed: x}
  network: {from: "10:25:00", to: "10:40:00", assumed: x}
  gone: {from: "10:50:00", to: end, assumed: x}
events:
  tick: {every: {interval: 30s, within: database}, assumed: x}
metrics:
  - {series: errors, target: app, gauge: {else: 0, database: 5, network: 5}, assumed: x}
  - {series: 'slow{part="database"}', target: app, gauge: {else: 0, database: 1}, assumed: x}
  - {series: 'lost{leg="a"}', target: probe, gauge: {else: 0, network: 3}, assumed: x}
  - {series: 'lost{leg="b"}', target: probe, gauge: 0, assumed: x}
gaps:
  - {down: {target: probe}, during: gone}
logs:
  - {stream: {job: app}, event: tick, line: "query took 9 s", assumed: x}
variants:
  quiet: {without: [database, network, gone], expect: {alerts: [{Errors: {active: never}}]}}
expect:
  alerts: [{Errors: {fires: {at: "10:22:00"}}}]
  triage: TRIAGE
"#;

const RULES: &str = "groups:\n- name: g\n  rules:\n  - {alert: Errors, expr: errors > 0, for: 2m}\n";

const RUNBOOK: &str = r#"firedrill: runbook/1
title: errors
owner: us
alerts: [Errors]
queries:
  lost: {promql: lost, unit: packets}
  lines: {logql: '{job="app"} |= "took"', over: 2m}
causes:
  - name: database
    title: the database is slow
    when: [{that: it is slow, promql: 'slow{part="database"} > 0'}]
    signs: [{that: it says so, query: lines, any: value > 0}]
    next: wait
  - name: network
    title: the network loses packets
    requires: [{that: the probe is there, promql: 'up{job="probe"} == 1'}]
    when: [{that: packets are lost, query: lost, any: value > 0, series: 2}]
"#;

/// A folder with the incident, its expectation and its runbook.
fn folder(triage: &str, runbook: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("runbooks")).expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    write("replay.yaml", &REPLAY.replace("TRIAGE", triage));
    write("rules.yaml", RULES);
    write("runbooks/app.yaml", runbook);
    folder
}

/// Exit code and all that is printed.
fn run(folder: &std::path::Path, args: &[&str]) -> (i32, String) {
    let output = firedrill(folder, args);
    let errors = String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), stdout(&output) + &errors)
}

fn test(triage: &str) -> (i32, String) {
    run(folder(triage, RUNBOOK).path(), &["test", "--run", "day"])
}

fn says(text: &str, words: &[&str]) {
    words.iter().for_each(|word| assert!(text.contains(word), "{word:?} is missing in\n{text}"));
}

#[test]
fn the_right_cause_in_time_passes() {
    assert_eq!(test("{runbook: app, cause: database, within: 1m, after: page}").0, 0);
    assert_eq!(test("{runbook: app, cause: network, within: 0s, after: network.from}").0, 0);
    // The page is what is meant unless something else is written.
    assert_eq!(test("{runbook: app, cause: database}").0, 0);
    assert_eq!(test("{runbook: runbooks/app.yaml, cause: database}").0, 0);
}

#[test]
fn a_wrong_cause_before_the_right_one_fails() {
    let (code, text) = test("{runbook: app, cause: network, within: 10m, after: page}");
    assert_eq!(code, 1, "{text}");
    says(
        &text,
        &[
            "triage by app: database at 10:22:00, which is wrong",
            "expected  cause network within 10m of the page (10:22:00 to 10:32:00), and no other before",
            "happened  10:22:00 to 10:24:00: database",
            "10:25:00 to 10:32:00: network",
            "runbooks/app.yaml:11:12  database: it is slow: holds: 1 = slow{part=\"database\"} > 0",
            "network: packets are lost: does not hold (any: value > 0): 0 packets (2 series) = lost",
        ],
    );
}

#[test]
fn a_cause_that_comes_too_late_fails_and_says_when_it_comes() {
    let (code, text) = test("{runbook: app, cause: database, within: 5m, after: \"10:10:00\"}");
    assert_eq!(code, 1, "{text}");
    says(
        &text,
        &["triage by app: no cause by 10:15:00", "it names database at 10:20:00: `within: 10m` or more is met"],
    );
}

#[test]
fn without_a_page_nothing_can_be_said_from_it_on() {
    let folder = folder("{runbook: app, cause: database}", RUNBOOK);
    let replay = fs::read_to_string(folder.path().join("replay.yaml")).expect("the replay");
    let never = replay
        .replace("{fires: {at: \"10:22:00\"}}", "{fires: never}")
        .replace(": 5}", ": 0}")
        .replace("database: 5", "database: 0");
    fs::write(folder.path().join("replay.yaml"), never).expect("a file");
    let (code, text) = run(folder.path(), &["test", "--run", "day"]);
    assert_eq!(code, 1, "{text}");
    says(&text, &["triage by app: none of its alerts fires", "ask it from another moment on"]);
}

#[test]
fn no_cause_is_asked_for_all_day_or_in_a_part_of_it() {
    assert_eq!(test("{runbook: app, cause: none, after: start, within: 19m}").0, 0);
    let (code, text) = test("{runbook: app, cause: none}");
    assert_eq!(code, 1, "{text}");
    says(&text, &["triage by app: database at 10:20:00, which is wrong"]);
}

#[test]
fn no_cause_without_data_for_any_is_blind() {
    let blind = RUNBOOK
        .replace("slow{part=\"database\"} > 0", "slow{part=\"disk\"} > 0")
        .replace("up{job=\"probe\"}", "up{job=\"porbe\"}");
    let (code, text) = run(folder("{runbook: app, cause: none}", &blind).path(), &["test", "--run", "day"]);
    assert_eq!(code, 1, "{text}");
    says(
        &text,
        &[
            "BLIND",
            "triage by app: no data for any cause",
            "runbooks/app.yaml:11:40  database: it is slow: nobody can say: no series of this day matches slow{part=\"disk\"}; \
             there is slow{job=\"app\", part=\"database\"}",
        ],
    );
}

#[test]
fn no_cause_is_blind_where_nobody_can_say_it_of_one() {
    let ask = |triage: &str, runbook: &str| run(folder(triage, runbook).path(), &["test", "--run", "day"]);
    let blind = |runbook: &str, words: &[&str]| {
        let (code, text) = ask("{runbook: app, cause: none, within: 19m}", runbook);
        assert_eq!(code, 1, "{text}");
        says(&text, &["BLIND"]);
        says(&text, words);
        let (code, text) = ask("{runbook: app, cause: none, within: 19m, blind: not built yet}", runbook);
        assert_eq!(code, 0, "{text}");
    };
    assert_eq!(ask("{runbook: app, cause: none, within: 19m}", RUNBOOK).0, 0);
    let typo = RUNBOOK.replace("slow{part", "solw{part");
    blind(
        &typo,
        &[
            "triage by app: no data for database",
            "runbooks/app.yaml:11:40  database: it is slow: nobody can say: no series of this day matches",
            "solw{part=\"database\"}; there is slow",
            "say why there is none: `blind: \"reason\"`",
        ],
    );
    // What it requires has no data either; the evidence that has some does not make up for it.
    let requires = RUNBOOK.replace("up{job=\"probe\"}", "up{job=\"porbe\"}");
    blind(
        &requires,
        &["no data for network", "runbooks/app.yaml:16:52", "no series of this day matches up{job=\"porbe\"}"],
    );
    let of = RUNBOOK.replace("query: lost, any", "query: lost, of: '{leg=\"c\"}', any");
    blind(&of, &["no series of `lost` has {leg=\"c\"}; there is", "leg=\"a\""]);
    let series = RUNBOOK.replace("series: 2", "series: 3");
    blind(&series, &["`lost` never has 3 series, 2 at the most"]);
    let nan = RUNBOOK.replace("{promql: lost,", "{promql: lost * NaN,");
    blind(&nan, &["every value of `lost` is NaN"]);
    // A constant in the place of series is no data.
    blind(
        &RUNBOOK.replace("slow{part=\"database\"} > 0", "(solw or vector(0)) > 0"),
        &["triage by app: no data for database", "no series of this day matches solw; there is slow"],
    );
    let there = RUNBOOK.replace("slow{part=\"database\"} > 0", "(slow or vector(0)) > 0");
    assert_eq!(ask("{runbook: app, cause: none, within: 19m}", &there).0, 0);
    let stream = RUNBOOK
        .replace("0'}]\n    signs", "0'}, {that: logs, logql: 'count_over_time({job=\"ap\"}[5m]) > 9'}]\n    signs");
    blind(
        &stream.replace("slow{part=\"database\"} > 0", "slow >= 0"),
        &["no stream with lines matches {job=\"ap\"}; there is {job=\"app\"}"],
    );
}

#[test]
fn a_cause_that_is_excluded_is_not_blind() {
    // The probe is down all day, so that nothing has to be known of what it would say.
    let (code, text) = run(
        folder(
            "{runbook: app, cause: none, within: 19m}",
            &RUNBOOK
                .replace("up{job=\"probe\"} == 1", "up{job=\"probe\"} == 0")
                .replace("promql: lost,", "promql: lsot,"),
        )
        .path(),
        &["test", "--run", "day"],
    );
    assert_eq!(code, 0, "{text}");
    // Its alert stays silent, and that is no lack of data.
    let waits = RUNBOOK.replace("slow{part=\"database\"} > 0", "ALERTS{alertname=\"Errors\"} == 1");
    let (code, text) =
        run(folder("{runbook: app, cause: none, within: 19m}", &waits).path(), &["test", "--run", "day"]);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn a_cause_is_blind_where_nobody_can_say_anything_of_one_before_it() {
    let typo = RUNBOOK.replace("slow{part", "solw{part");
    let network = |blind: &str| format!("{{runbook: app, cause: network, after: network.from{blind}}}");
    let (code, text) = run(folder(&network(""), &typo).path(), &["test", "--run", "day"]);
    assert_eq!(code, 1, "{text}");
    says(
        &text,
        &[
            "BLIND",
            "triage by app: network at 10:25:00, and no data for database",
            "no series of this day matches solw{part=\"database\"}; there is slow",
        ],
    );
    assert_eq!(run(folder(&network(", blind: no such series"), &typo).path(), &["test", "--run", "day"]).0, 0);
    assert_eq!(run(folder(&network(""), RUNBOOK).path(), &["test", "--run", "day"]).0, 0);
    // The probe is gone when somebody asks; that there is data earlier on that day is enough.
    let swapped = RUNBOOK.replace("lost, any: value > 0, series: 2}]", "lost, any: value > 9}]");
    let gone = swapped.replace("slow{part=\"database\"} > 0", "lost{leg=\"a\"} > 9");
    let late = gone + "  - {name: late, title: late, when: [{that: gone, promql: 'up{job=\"probe\"} == 0'}]}\n";
    let asked = "{runbook: app, cause: late, after: gone.from+5m}";
    let (code, text) = run(folder(asked, &late).path(), &["test", "--run", "day"]);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn what_has_no_data_on_any_day_is_told_also_of_escalations_and_success() {
    let more = "escalate_when: [{that: it lasts, promql: 'solw > 0', then: call}]\n\
                success: [{that: it is over, promql: 'erorrs == 0'}]\n";
    let (code, text) = run(both_reached(&format!("{RUNBOOK}{more}")).path(), &["test"]);
    assert_eq!(code, 0, "{text}");
    says(
        &text,
        &[
            "nobody can say on any day whether \"it lasts\": no series of this day matches solw; there is slow",
            "nobody can say on any day whether \"it is over\": no series of this day matches erorrs; there is errors",
            "runbooks/app.yaml:18:",
        ],
    );
    assert_eq!(run(both_reached(&format!("{RUNBOOK}{more}")).path(), &["test", "--strict"]).0, 1);
}

#[test]
fn two_causes_that_hold_are_undecided() {
    let both = RUNBOOK.replace("lost, any: value > 0,", "lost, any: value >= 0,");
    let folder = folder("{runbook: app, cause: database, within: 2m, after: page}", &both);
    let (code, text) = run(folder.path(), &["test", "--run", "day"]);
    assert_eq!(code, 1, "{text}");
    says(&text, &["several causes: database, network", "network: packets are lost: holds (any: value >= 0)"]);
    let (code, text) = run(folder.path(), &["triage", "runbooks/app.yaml", "--replay", ".", "--at", "10:22"]);
    assert_eq!(code, 1, "{text}");
    says(&text, &["undecided: 2 causes hold"]);
}

#[test]
fn no_cause_means_not_two_either() {
    let both = RUNBOOK
        .replace("lost, any: value > 0,", "lost, any: value >= 0,")
        .replace("> 0'}]\n    signs", ">= 0'}]\n    signs");
    let folder = folder("{runbook: app, cause: none}", &both);
    let (code, text) = run(folder.path(), &["test", "--run", "day"]);
    assert_eq!(code, 1, "{text}");
    says(&text, &["several causes: database, network at 10:00:00, which is wrong", "database: it is slow: holds"]);
    let (code, text) = run(folder.path(), &["triage", "runbooks/app.yaml"]);
    assert_eq!(code, 1, "{text}");
}

#[test]
fn what_nothing_but_a_constant_speaks_for_has_no_data() {
    let condition = "promql: 'slow{part=\"database\"} > 0'";
    for typo in ["count(increase(lsot[10m]) > 0) or vector(0)", "(count(increase(lsot[10m])) or vector(0)) == 0"] {
        let book = RUNBOOK.replace(condition, &format!("promql: '{typo}'"));
        let folder = folder("{runbook: app, cause: database, within: 2m, after: page}", &book);
        let (code, text) = run(folder.path(), &["test", "--run", "day"]);
        assert_eq!(code, 1, "{text}");
        says(&text, &["database: it is slow: nobody can say: no series of this day matches lsot"]);
        // A series that is there at another time of the day is none.
        let book = book.replace("lsot[10m]", "lost{leg=\"a\"}[10m]").replace("> 0) or vector(0)", "> 99) or vector(0)");
        fs::write(folder.path().join("runbooks/app.yaml"), book).expect("a file");
        let (_, text) = run(folder.path(), &["test", "--run", "day"]);
        assert!(!text.contains("it is slow: nobody can say"), "{text}");
    }
}

#[test]
fn a_probe_that_is_down_exonerates_nobody() {
    let ask = |at: &str| {
        run(
            folder("{runbook: app, cause: database}", RUNBOOK).path(),
            &["triage", "runbooks/app.yaml", "--replay", ".", "--at", at],
        )
    };
    let (code, text) = ask("10:45");
    assert_eq!(code, 1, "{text}");
    says(
        &text,
        &[
            "no cause: the data speak against all of them",
            "against   the network loses packets",
            "0 packets (2 series) = lost",
        ],
    );
    let (code, text) = ask("10:55");
    assert_eq!(code, 1, "{text}");
    says(
        &text,
        &[
            "no cause, and no data for 1 of 2 causes",
            "unknown   the network loses packets",
            "requires: the probe is there; 0 = up{job=\"probe\"} == 1",
        ],
    );
}

#[test]
fn a_cause_is_told_with_its_evidence_and_its_signs() {
    let (code, text) = run(
        folder("{runbook: app, cause: database}", RUNBOOK).path(),
        &["triage", "runbooks/app.yaml", "--replay", ".", "--at", "10:22"],
    );
    assert_eq!(code, 0, "{text}");
    // 10:20:30, 10:21:00, 10:21:30 and 10:22:00.
    says(
        &text,
        &[
            "cause: the database is slow",
            "for       it is slow",
            "1 = slow{part=\"database\"} > 0",
            "goes with it says so",
            "4 lines = ",
            "next      wait",
        ],
    );
    let (code, text) = run(
        folder("{runbook: app, cause: database}", RUNBOOK).path(),
        &["triage", "runbooks/app.yaml", "--replay", ".", "--at", "10:22", "--format", "json"],
    );
    assert_eq!(code, 0, "{text}");
    let told: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(told["conclusion"], serde_json::json!({"kind": "cause", "causes": ["database"]}));
    assert_eq!(told["causes"][1]["status"], "exonerated");
    assert_eq!(told["causes"][1]["when"][0]["truth"], "fails");
    assert_eq!(told["causes"][1]["when"][0]["values"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        told["causes"][0]["when"][0]["place"],
        serde_json::json!({"file": "runbooks/app.yaml", "line": 11, "column": 12})
    );
}

#[test]
fn what_no_day_tests_is_told_and_fails_strict_tests() {
    let replay = |triage: &str| folder(triage, RUNBOOK);
    let only_database = replay("{runbook: app, cause: database}");
    let (code, text) = run(only_database.path(), &["test"]);
    assert_eq!(code, 0, "{text}");
    says(&text, &["no day reaches the cause `network`", "runbooks/app.yaml:14:11"]);
    assert_eq!(run(only_database.path(), &["test", "--strict"]).0, 1);
    // What is left out of a run is no reason to complain.
    let (_, text) = run(only_database.path(), &["test", "--run", "day"]);
    assert!(!text.contains("no day reaches"), "{text}");
    let (code, text) = run(only_database.path(), &["triage", "runbooks/app.yaml"]);
    assert_eq!(code, 0, "{text}");
    says(&text, &["2 causes, 1 day", "# .  database at 10:22:00", "no day reaches the cause `network`"]);
}

/// The incident with a variant for the network, so that both causes are reached.
fn both_reached(runbook: &str) -> tempfile::TempDir {
    let folder = folder("{runbook: app, cause: database}", runbook);
    let path = folder.path().join("replay.yaml");
    let replay = fs::read_to_string(&path).expect("the replay");
    let network = "variants:\n  lossy:\n    without: [database]\n    set: {spans.network.from: '10:20:00'}\n    expect: {alerts: [{Errors: {fires: {at: '10:22:00'}}}], triage: {runbook: app, cause: network}}\n";
    fs::write(&path, replay.replace("variants:\n", network)).expect("a file");
    folder
}

#[test]
fn evidence_that_decides_nothing_is_told() {
    let (code, text) = run(both_reached(RUNBOOK).path(), &["test", "--strict"]);
    assert_eq!(code, 0, "{text}");
    // It holds under both.
    let more = RUNBOOK.replace("0'}]\n    signs", "0'}, {that: there are errors, promql: errors > 0}]\n    signs");
    let (code, text) = run(both_reached(&more).path(), &["test"]);
    assert_eq!(code, 0, "{text}");
    says(&text, &["the evidence \"there are errors\" of `database` decides nothing: it holds on all 2 days"]);
    // A sign that never comes.
    let sign = RUNBOOK.replace("lines, any: value > 0", "lines, any: value > 99");
    let (_, text) = run(both_reached(&sign).path(), &["test"]);
    assert!(!text.contains("the sign"), "{text}");
}

#[test]
fn a_day_that_pages_says_which_cause_that_is() {
    let folder = both_reached(RUNBOOK);
    let path = folder.path().join("replay.yaml");
    let replay = fs::read_to_string(&path).expect("the replay");
    fs::write(
        &path,
        replay.replace(
            "variants:\n",
            "variants:\n  unsaid: {title: x, expect: {alerts: [{Errors: {fires: {at: '10:22:00'}}}]}}\n",
        ),
    )
    .expect("a file");
    let (code, text) = run(folder.path(), &["test"]);
    assert_eq!(code, 0, "{text}");
    says(&text, &["/unsaid pages at 10:22:00, and does not say which cause that is"]);
}

#[test]
fn machines_get_the_check_and_the_table() {
    let (_, text) = run(both_reached(RUNBOOK).path(), &["test", "--format", "json"]);
    let report: Value = serde_json::from_str(&text).expect("JSON");
    let table = &report["triage"][0];
    assert_eq!(table["causes"], serde_json::json!(["database", "network"]));
    assert_eq!(table["days"][1]["conclusion"]["causes"], serde_json::json!(["network"]));
    assert_eq!(table["days"][1]["causes"], serde_json::json!(["exonerated", "holds"]));
    let checks = report["drills"][0]["checks"].as_array().expect("checks");
    assert!(
        checks.iter().any(|check| check["subject"] == "triage by app" && check["verdict"] == "pass"),
        "{checks:#?}"
    );
    let (_, text) = run(both_reached(RUNBOOK).path(), &["test", "--causes"]);
    says(&text, &["runbooks/app.yaml  2 causes, 2 days", "database at 10:22:00"]);
    let typo = RUNBOOK.replace("slow{part", "solw{part");
    let (code, text) = run(both_reached(&typo).path(), &["triage", "runbooks/app.yaml"]);
    assert_eq!(code, 1, "{text}");
    says(&text, &["network at 10:25:00  FAIL, expected database", "network at 10:22:00  BLIND"]);
}

#[test]
fn what_cannot_be_used_is_refused_with_its_place() {
    let refused = |triage: &str, runbook: &str, words: &[&str]| {
        let (code, text) = run(folder(triage, runbook).path(), &["test"]);
        assert_eq!(code, 2, "{text}");
        says(&text, words);
    };
    let right = "{runbook: app, cause: database}";
    refused(
        "{runbook: app, cause: databse}",
        RUNBOOK,
        &["the runbook app has no cause `databse`", "replay.yaml:28:33", "did you mean `database`?"],
    );
    refused(
        "{runbook: ap, cause: database}",
        RUNBOOK,
        &["there is no runbook `ap`", "replay.yaml:28:21", "runbooks/ap.yaml"],
    );
    refused("{runbook: a/b.yaml, cause: x}", RUNBOOK, &["there is no runbook `a/b.yaml`", "looked for a/b.yaml"]);
    refused("{runbook: rules.yaml, cause: x}", RUNBOOK, &["this is no runbook: it does not say its format"]);
    refused("{runbook: app, cause: database, after: pgae}", RUNBOOK, &["replay.yaml:28:50"]);
    refused("{runbook: app, cause: none, blind: ''}", RUNBOOK, &["a reason without words", "replay.yaml:28:46"]);
    refused(
        right,
        &RUNBOOK.replace("[Errors]", "[Erors]"),
        &["no rule of replay.yaml has the alert `Erors`", "runbooks/app.yaml:4:10", "did you mean `Errors`?"],
    );
    refused(
        right,
        &RUNBOOK.replace("up{job=\"probe\"} == 1", "scalar(up)"),
        &["this yields a scalar, where an instant vector is needed"],
    );
    refused(
        right,
        &RUNBOOK.replace("query: lost", "query: lsot"),
        &["no query is called `lsot`", "did you mean `lost`?"],
    );
    refused(right, &RUNBOOK.replace("lost, unit", "'limitk(1, lost)', unit"), &["runbooks/app.yaml:6:"]);
    refused(
        right,
        &RUNBOOK.replace("query: lost, any", "query: lost, of: 'leg=\"a\"', any"),
        &["runbooks/app.yaml:17:", "matchers stand in braces", "write `of: '{leg=\"a\"}'`"],
    );
    let condition = |text: &str| RUNBOOK.replace("slow{part=\"database\"} > 0", text);
    refused(right, &condition("time() > 0"), &["runbooks/app.yaml:11:47", "write `vector(time()) > 0`, which filters"]);
    refused(right, &condition("time() > bool 0"), &["write `vector(time()) > 0`, which selects where it is so"]);
    refused(
        right,
        &condition("vector(time() > bool 0)"),
        &["runbooks/app.yaml:11:47", "always selects something", "write `vector(time()) > 0`"],
    );
    refused(right, &condition("(up == bool 0)"), &["runbooks/app.yaml:11:41", "write `up == 0`"]);
    refused(right, &RUNBOOK.replace("|= \"took\"", "| line_format \"{{.x\""), &["runbooks/app.yaml:7:"]);
    let asked = |args: &[&str]| run(folder(right, RUNBOOK).path(), args);
    for (args, words) in [
        (&["triage", "rules.yaml", "--replay", ".", "--at", "10:22"][..], "this is no runbook"),
        (&["triage", "runbooks/app.yaml", "--replay", ".", "--at", "12:22"], "12:22"),
        (&["triage", "runbooks/app.yaml", "--replay", ".", "--variant", "x", "--at", "10:22"], "no variant `x`"),
        (&["triage", "runbooks/app.yaml", "--variant", "quiet"], "--at"),
        (&["triage", "runbooks/none.yaml"], "runbooks/none.yaml"),
        (&["triage", "runbooks"], "name one table of causes in it"),
        (&["triage", "runbooks/app.md"], "firedrill triage runbooks/app.yaml"),
        (&["test", "runbooks/app.yaml"], "is a runbook, and tests nothing by itself"),
    ] {
        let (code, text) = asked(args);
        assert_eq!(code, 2, "{text}");
        says(&text, &[words]);
    }
}

#[test]
fn a_verdict_on_a_cause_that_hangs_on_an_accident_flips() {
    // 10:22 and 10:23 are the database's; half as long, and it is over before the page.
    let (code, text) = run(
        folder("{runbook: app, cause: database, within: 1m}", RUNBOOK).path(),
        &["test", "--shake", "--run", "day"],
    );
    assert_eq!(code, 1, "{text}");
    says(&text, &["triage by app: triage by app says"]);
}

#[test]
fn the_runbook_of_the_incident_says_when_to_revert() {
    let (code, text) = run(
        &root(),
        &["triage", "runbooks/vmagent.yaml", "--replay", "incidents/vmagent-remote-write", "--at", "15:32"],
    );
    assert_eq!(code, 0, "{text}");
    says(
        &text,
        &[
            "cause: large writes from vmagent to vmsingle get stuck",
            "escalate  the gap exceeds 5 minutes: revert BBR and BPF host routing",
        ],
    );
    let (_, text) = run(
        &root(),
        &["triage", "runbooks/vmagent.yaml", "--replay", "incidents/vmagent-remote-write", "--at", "15:09"],
    );
    assert!(!text.contains("escalate"), "{text}");
}

#[test]
fn a_runbook_that_asks_the_wrong_path_is_noticed() {
    let copy = changed("runbooks/vmagent.yaml", "path=\"/api/v1/write\"", "path=\"/api/v1/wrote\"");
    let (code, text) = run(copy.path(), &["test"]);
    assert_eq!(code, 1, "{text}");
    says(
        &text,
        &[
            "triage by vmagent: no cause; no data for write-path-stuck",
            "writes fail on the server: nobody can say: no series of this day matches vm_http_request_errors_total{path=\"/api/v1/wrote\"",
            "; there is vm_http_request_errors_total{",
        ],
    );
}
