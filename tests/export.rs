//! Days of replays in other programs: promtool finds the alerts that the replay has, and the samples that it was given.

mod common;
#[path = "common/program.rs"]
mod program;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use firedrill::number::is_stale;
use firedrill::replay::{self, Limits, Replay};
use firedrill::text::Source;
use program::{firedrill, folder, root, stdout};

/// Everything that makes exporting hard, in 20 minutes: phases, jumps, gaps of every kind, a histogram.
const REPLAY: &str = r#"firedrill: replay/1
title: Everything at once
start: 2026-03-29T23:50:00Z
end: 2026-03-30T00:10:00Z
rules: [rules.yaml]
external_labels: {site: "attic; 'north'"}
targets:
  api: {labels: {job: api, instance: "a:1", "odd name": 'a "quoted" \ value'}, scrape: 30s, phase: 7s}
  db: {labels: {job: db, instance: "b:1"}, scrape: 15s, phase: 500ms}
spans:
  bad: {from: "2026-03-29T23:55:00Z", to: "2026-03-30T00:01:00Z", assumed: "a test"}
  gone: {from: "2026-03-30T00:02:10Z", to: "2026-03-30T00:04:00Z", assumed: "a test"}
  held: {from: "2026-03-29T23:57:20Z", to: "2026-03-30T00:00:30Z", assumed: "a test"}
  short: {from: "2026-03-30T00:05:01Z", to: "2026-03-30T00:05:09Z", assumed: "a test"}
metrics:
  - {series: 'requests_total{code="500"}', target: api, counter: {else: 0/s, bad: 0.3/s}}
  - {series: 'requests_total{code="200"}', target: api, counter: 7/s}
  - {series: latency_seconds, target: api, histogram: {buckets: [0.1, 0.5, 1], rate: 4/s, samples: "uniform(0, 1)"}}
  - {series: queue_length, target: db, gauge: {else: 0.1, bad: 12.3}, noise: 10%}
  - {series: steps, target: db, values: "1+2x20 _x5 NaN -Inf +Inf stale -0 0.1 0.2 0.3 7x30"}
gaps:
  - {down: {target: api}, during: gone}
  - {vanished: {target: db, series: queue_length}, during: gone}
  - {late: {target: api}, during: held}
  - {late: {target: db}, during: short}
  - {restart: {target: api, labels: {instance: "a:2"}}, at: "2026-03-30T00:06:00Z"}
variants:
  prompt: {set: {spans.held.to: "2026-03-29T23:57:21Z"}}
expect:
  others: silent
  queries:
    - {promql: 'sum by ("odd name", code) (rate(requests_total[2m]))', at: "2026-03-29T23:56:00Z", selects: something}
    - {promql: 'steps', at: "2026-03-29T23:56:40Z", selects: something}
    - {promql: 'steps', at: "2026-03-29T23:57:15Z", selects: something}
    - {promql: 'queue_length + 1e30', at: "2026-03-30T00:00:10Z", selects: something}
    - {promql: 'absent(nothing) / 0', at: "2026-03-30T00:01:10Z", selects: something}
    - {promql: 'day_of_month()', at: "2026-03-30T00:01:10Z", selects: something}
"#;

const RULES: &str = r#"groups:
  - name: slow
    rules:
      - record: job:errors:rate2m
        expr: sum by (job, instance) (rate(requests_total{code="500"}[2m]))
      - alert: Errors
        expr: job:errors:rate2m > 0.1
        for: 2m
        keep_firing_for: 2m
        labels: {severity: page, value: "{{ $value }}"}
        annotations:
          summary: "{{ $labels.instance }} in {{ $externalLabels.site }}: {{ $value | humanize }} errors a second"
          description: |
            Two lines, and yes: 'quotes', "double ones", a # and ÄÖ – done.
            Errors of {{ $labels.job }}
  - name: quick
    rules:
      - alert: Long
        expr: queue_length > 5
        for: 90s
        annotations: {value: "{{ $value }}"}
      - alert: Gone
        expr: up == 0 or absent(queue_length)
      - alert: Quantile
        expr: histogram_quantile(0.9, rate(latency_seconds_bucket[3m])) > 0.8
        annotations: {empty: "{{ if false }}x{{ end }}"}
      - alert: Never
        expr: vector(1) == 0
      - alert: Pages
        expr: count by (severity) (ALERTS{alertstate="firing"}) > 0
"#;

fn read(path: &Path) -> Replay {
    let text = fs::read_to_string(path).expect("a replay");
    let folder = path.parent().expect("a replay lies in a folder");
    replay::read(&Source::new(path.display().to_string(), text), folder).expect("a replay that is right")
}

/// What goes to stderr, where the export itself succeeds.
fn export(folder: &Path, args: &[&str]) -> String {
    let output = firedrill(folder, &[&["export"], args].concat());
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {errors}");
    errors
}

fn promtool(program: &Path, args: &[&str], files: &[PathBuf]) -> Output {
    Command::new(program).args(args).args(files).output().expect("promtool runs")
}

/// The test files of a folder.
fn tests_in(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    files.filter(|path| path.to_string_lossy().ends_with(".test.yaml")).collect()
}

/// Exports every day of a replay with a test of every alert at every tick, in 1970.
fn export_days(replay: &Path, out: &Path) -> String {
    export_days_as(replay, out, &["--undated"])
}

fn export_days_as(replay: &Path, out: &Path, flags: &[&str]) -> String {
    let mut errors = String::new();
    for day in read(replay).days() {
        let mut args = vec!["promtool", replay.to_str().expect("UTF-8"), "--every-tick", "-o"];
        args.push(out.to_str().expect("UTF-8"));
        args.extend(flags);
        args.extend(day.name.iter().flat_map(|name| ["--variant", name]));
        errors += &export(&root(), &args);
    }
    errors
}

#[test]
fn firedrill_finds_the_alerts_of_its_own_exports_at_every_tick() {
    let everything = folder(&[("replay.yaml", REPLAY), ("rules.yaml", RULES)]);
    for replay in incidents().into_iter().chain([everything.path().join("replay.yaml")]) {
        for (flags, name) in [(&[][..], "dated"), (&["--undated"], "undated")] {
            let folder = folder(&[]);
            export_days_as(&replay, &folder.path().join(name), flags);
            let run = firedrill(folder.path(), &["test", name]);
            assert_eq!(run.status.code(), Some(0), "{}{}", stdout(&run), String::from_utf8_lossy(&run.stderr));
            assert!(stdout(&run).contains(&format!("{} unit test files: ", read(&replay).days().len())));
        }
    }
}

/// The replays of this repository.
fn incidents() -> Vec<PathBuf> {
    let incidents = fs::read_dir(root().join("incidents")).expect("incidents");
    let replays = incidents.map(|entry| entry.expect("an entry").path().join("replay.yaml"));
    let replays: Vec<PathBuf> = replays.filter(|path| path.exists()).collect();
    assert!(!replays.is_empty());
    replays
}

#[test]
fn promtool_finds_the_alerts_of_every_incident_at_every_tick() {
    let Some(program) = common::peer("promtool") else { return };
    for replay in incidents() {
        let out = folder(&[]);
        export_days(&replay, out.path());
        let files = tests_in(out.path());
        assert_eq!(files.len(), read(&replay).days().len());
        let run = promtool(&program, &["test", "rules"], &files);
        assert!(run.status.success(), "{}:\n{}", replay.display(), String::from_utf8_lossy(&run.stderr));
    }
}

#[test]
fn promtool_finds_the_alerts_of_a_day_with_everything_in_it() {
    let Some(program) = common::peer("promtool") else { return };
    let folder = folder(&[("replay.yaml", REPLAY), ("rules.yaml", RULES)]);
    let out = folder.path().join("out");
    let errors = export_days(&folder.path().join("replay.yaml"), &out);
    let files = tests_in(&out);
    let run = promtool(&program, &["test", "rules"], &files);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    // Where nothing is late, each alert but one fires; `Errors` does not where it is, and promtool cannot know.
    let prompt = files.iter().find(|file| file.to_string_lossy().contains("prompt")).expect("the variant");
    let text = fs::read_to_string(prompt).expect("a test file");
    for name in ["Errors", "Long", "Gone", "Quantile", "Pages"] {
        assert!(text.contains(&format!("alertname: {name}\n        exp_alerts:\n")), "{name}");
    }
    assert!(!text.contains("alertname: Never\n        exp_alerts:\n"));
    let told = "`Errors` is not tested where promtool would find something else: from 03-30 00:01:00 to 03-30 00:03:00";
    assert!(errors.contains(told), "{errors}");
    // The tests look: another rule does not meet them.
    fs::write(folder.path().join("rules.yaml"), RULES.replace("for: 90s", "for: 3m")).expect("a file");
    assert!(!promtool(&program, &["test", "rules"], &files).status.success());
}

#[test]
fn groups_that_promtool_evaluates_more_often_are_tested_where_that_changes_nothing() {
    let Some(program) = common::peer("promtool") else { return };
    let rules = RULES.replace("name: quick", "name: quick\n    interval: 3m");
    let folder = folder(&[("replay.yaml", REPLAY), ("rules.yaml", &rules)]);
    let out = folder.path().join("out");
    let errors = export_days(&folder.path().join("replay.yaml"), &out);
    assert!(
        errors.contains("the group \"quick\" has an interval of 3m, and promtool evaluates it every 1m"),
        "{errors}"
    );
    assert!(errors.contains("`Long` is not tested where promtool would find something else: "), "{errors}");
    let run = promtool(&program, &["test", "rules"], &tests_in(&out));
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn manifests_are_copied_as_plain_rules() {
    let Some(program) = common::peer("promtool") else { return };
    let indented: String = RULES.lines().map(|line| format!("  {line}\n")).collect();
    let manifest = format!("apiVersion: v1\nkind: PrometheusRule\nmetadata: {{name: x}}\nspec:\n{indented}");
    let folder = folder(&[("replay.yaml", REPLAY), ("rules.yaml", &manifest)]);
    let output = firedrill(folder.path(), &["export", "promtool", "."]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("add `-o FOLDER`"));
    let out = folder.path().join("out");
    export_days(&folder.path().join("replay.yaml"), &out);
    let run = promtool(&program, &["test", "rules"], &tests_in(&out));
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn a_rule_that_reads_the_date_is_tested_only_where_the_date_is_told() {
    let rules = "groups: [{name: night, rules: [{alert: Night, expr: hour() >= 23}, {alert: Day, expr: up == 2}]}]\n";
    let folder = folder(&[("replay.yaml", REPLAY), ("rules.yaml", rules)]);
    let dated = export(folder.path(), &["promtool", ".", "--variant", "prompt", "-o", "dated"]);
    assert!(!dated.contains("`Night` is not tested"), "{dated}");
    let undated = export(folder.path(), &["promtool", ".", "--variant", "prompt", "--undated", "-o", "undated"]);
    let told =
        "`Night` is not tested where promtool would find something else: from 23:50:00 to 23:59:00 (silent there";
    assert!(undated.contains(told), "{undated}");
    let file = |name: &str| {
        let path = tests_in(&folder.path().join(name)).pop().expect("a test file");
        fs::read_to_string(path).expect("a test file")
    };
    assert!(file("dated").contains("start_timestamp: 2026-03-29T23:50:00Z\n"));
    assert!(file("dated").contains("alertname: Night\n        exp_alerts:\n"));
    assert!(!file("undated").contains("start_timestamp"));
}

#[test]
fn a_failing_rule_ends_the_tests() {
    let rules = "groups:
  - name: a
    rules:
      - {alert: A, expr: up == 1}
      - {alert: B, expr: 'up * on (job) group_left () ({__name__=~\"up|queue_length\", job=\"db\"} > 0.5)'}
";
    let folder = folder(&[("replay.yaml", REPLAY), ("rules.yaml", rules)]);
    let errors = export(folder.path(), &["promtool", ".", "--undated", "--every-tick", "-o", "out"]);
    assert!(errors.contains("`B` fails at 23:56:00 ("), "{errors}");
    let files = tests_in(&folder.path().join("out"));
    let text = fs::read_to_string(&files[0]).expect("a test file");
    assert!(text.contains("# 23:55:00\n") && !text.contains("# 23:56:00\n"));
    let Some(program) = common::peer("promtool") else { return };
    let run = promtool(&program, &["test", "rules"], &files);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn queries_are_tested_where_promtool_finds_the_answer() {
    let folder = folder(&[("replay.yaml", REPLAY), ("rules.yaml", RULES)]);
    for (flags, count) in [(&[][..], 5), (&["--undated"], 4)] {
        let args = [&["export", "promtool", "."], flags].concat();
        let output = firedrill(folder.path(), &args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(stdout(&output).matches("      - expr: ").count(), count, "{errors}");
        // `steps` is NaN once, which equals nothing; the day is another one in 1970.
        assert_eq!(errors.matches("is not tested: promtool would find another answer").count(), 6 - count, "{errors}");
    }
}

#[test]
fn a_query_that_needs_more_samples_than_promtool_has_is_told() {
    let rules = "groups: [{name: a, rules: [{alert: A, expr: 'count_over_time((up > 0)[20m:100ms]) > 1e6'}]}]\n";
    let folder = folder(&[("replay.yaml", REPLAY), ("rules.yaml", rules)]);
    let errors = export(folder.path(), &["promtool", ".", "--undated", "-o", "out"]);
    // 20 minutes of 0.1 s, both ends counted, of three series: that of `api` changes its labels.
    assert!(errors.contains("`A` may need 36003 samples at a time"), "{errors}");
    let Some(program) = common::peer("promtool") else { return };
    let run = promtool(&program, &["test", "rules"], &tests_in(&folder.path().join("out")));
    let found = String::from_utf8_lossy(&run.stderr);
    assert!(found.contains("query processing would load too many samples into memory"), "{found}");
}

#[test]
fn promtool_finds_the_alerts_of_native_histograms() {
    let rules = "groups: [{name: a, rules: [\
        {alert: Slow, expr: 'histogram_quantile(0.9, sum by (job) (rate(rtt[5m]))) > 1', for: 5m}, \
        {alert: Many, expr: 'histogram_count(rate(sizes[5m])) > 3', annotations: {of: '{{ $value }}'}}]}]\n";
    let replay = "\
firedrill: replay/1
title: Slow answers
start: 2026-01-10T12:00:00Z
end: 2026-01-10T13:00:00Z
rules: [rules.yaml]
targets:
  api: {labels: {job: api}, scrape: 30s}
spans:
  slow: {from: '12:20:00', to: '12:40:00'}
  gone: {from: '12:50:10', to: '12:51:10'}
metrics:
  - {series: rtt, histogram: {native: {schema: 3}, rate: 20/s, samples: {else: 'lognormal(0.05, 0.4)', slow: 'lognormal(1.2, 0.4)'}}}
  - {series: sizes, histogram: {buckets: [1, 5], native: {schema: -53}, rate: {else: 1/s, slow: 9/s}, samples: 'uniform(0, 9)'}}
gaps:
  - {restart: {target: api}, during: gone}
expect:
  alerts: [Slow: {times: 1}, Many: {times: 1}]
";
    let folder = folder(&[("replay.yaml", replay), ("rules.yaml", rules)]);
    assert!(firedrill(folder.path(), &["test"]).status.success());
    export(folder.path(), &["promtool", ".", "--undated", "--every-tick", "-o", "out"]);
    let files = tests_in(&folder.path().join("out"));
    let text = fs::read_to_string(&files[0]).expect("a file that was written");
    // Two alerts at 61 ticks.
    assert_eq!(text.matches("eval_time").count(), 122);
    assert!(text.contains("{{schema:-53 ") && text.contains("{{schema:3 "), "{text}");
    assert!(firedrill(folder.path(), &["test", "out"]).status.success());
    let converted = firedrill(folder.path(), &["test", "--convert", files[0].to_str().expect("UTF-8"), "-o", "back"]);
    assert!(converted.status.success(), "{}", String::from_utf8_lossy(&converted.stderr));
    let Some(program) = common::peer("promtool") else { return };
    let run = promtool(&program, &["test", "rules"], &files);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn a_query_that_yields_histograms_has_no_value_to_compare() {
    let replay = |asked: &str| {
        format!(
            "firedrill: replay/1\ntitle: Answers\nstart: 2026-01-10T12:00:00Z\nend: 2026-01-10T12:10:00Z\nrules: []\n\
             targets:\n  api: {{labels: {{job: api}}, scrape: 30s}}\n\
             metrics:\n  - {{series: rtt, histogram: {{native: {{schema: 3}}, rate: 20/s, samples: 'uniform(0, 1)'}}}}\n\
             expect:\n  queries:\n    - {{promql: {asked}}}\n"
        )
    };
    for (asked, code, told) in [
        ("rtt, at: '12:05', returns: [{job: api, value: NaN}]", 1, "it yields native histograms"),
        ("rtt, at: '12:05', selects: something", 0, "PASS"),
        // 20 a second for five minutes.
        ("histogram_count(rtt), at: '12:05', returns: [{job: api, value: 6000}]", 0, "PASS"),
    ] {
        let folder = folder(&[("replay.yaml", &replay(asked))]);
        let output = firedrill(folder.path(), &["test"]);
        assert_eq!(output.status.code(), Some(code), "{asked}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(stdout(&output).contains(told), "{asked}: {}", stdout(&output));
    }
}

#[test]
fn a_day_without_alerts_is_no_test() {
    let rules = "groups: [{name: a, rules: [{record: a, expr: up}]}]\n";
    let folder = folder(&[("replay.yaml", REPLAY), ("rules.yaml", rules)]);
    let output = firedrill(folder.path(), &["export", "promtool", "."]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(2), String::new()));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the rule files hold no alert in PromQL"));
}

/// Samples by series: bits and milliseconds.
type Samples = BTreeMap<String, Vec<(u64, i64)>>;

/// All NaN are one.
fn bits(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

#[test]
fn promtool_makes_blocks_of_the_same_samples() {
    let Some(program) = common::peer("promtool") else { return };
    let day = folder(&[("replay.yaml", REPLAY), ("rules.yaml", RULES)]);
    for replay in [day.path().join("replay.yaml"), root().join("incidents/vmagent-remote-write/replay.yaml")] {
        let out = folder(&[]);
        let (file, data) = (out.path().join("day.om"), out.path().join("data"));
        export(&root(), &["openmetrics", replay.to_str().expect("UTF-8"), "-o", file.to_str().expect("UTF-8")]);
        let made = promtool(&program, &["tsdb", "create-blocks-from", "openmetrics"], &[file, data.clone()]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        fs::create_dir_all(data.join("wal")).expect("the folder without which nothing is dumped");
        let dumped = promtool(&program, &["tsdb", "dump"], &[data]);
        assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
        let mut found = Samples::new();
        for line in stdout(&dumped).lines() {
            let (labels, sample) = line.split_at(line.rfind('}').expect("labels end") + 1);
            let (value, time) = sample.trim().split_once(' ').expect("a value and a time");
            let value: f64 = value.parse().expect("a number");
            found.entry(labels.to_owned()).or_default().push((bits(value), time.parse().expect("milliseconds")));
        }
        let mut wanted = Samples::new();
        for series in
            read(&replay).variant(None).expect("a day").generate(Limits::default()).expect("series").store.iter()
        {
            let samples = series.times.iter().zip(&series.values).filter(|(_, value)| !is_stale(**value));
            let samples = samples.map(|(time, value)| (bits(*value), time.0));
            wanted.insert(series.labels.to_string(), samples.collect());
        }
        wanted.retain(|_, samples| !samples.is_empty());
        assert_eq!(found, wanted);
    }
}

#[test]
fn a_small_day_as_people_read_it() {
    let small = REPLAY.replace("end: 2026-03-30T00:10:00Z", "end: 2026-03-30T00:06:30Z").replace(", noise: 10%", "");
    let folder = folder(&[("everything.yaml", &small), ("rules.yaml", RULES)]);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let print = |format: &str| {
        let output = firedrill(folder.path(), &["export", format, "everything.yaml"]);
        stdout(&output) + &String::from_utf8_lossy(&output.stderr)
    };
    settings.bind(|| insta::assert_snapshot!("export_promtool", print("promtool")));
    // Two samples of each series say enough.
    let mut shown = BTreeMap::new();
    let text: String = print("openmetrics")
        .lines()
        .filter(|line| {
            let count: &mut usize = shown.entry(line.split("} ").next().unwrap_or_default().to_owned()).or_default();
            *count += 1;
            *count <= 2
        })
        .map(|line| format!("{line}\n"))
        .collect();
    settings.bind(|| insta::assert_snapshot!("export_openmetrics", text));
}
