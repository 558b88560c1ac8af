//! Recorded files in replays: series, events and log streams from them, with their times and their gaps.

use std::fs;
use std::sync::Arc;

use firedrill::number::is_stale;
use firedrill::replay::{self, Day, Kind, Limits, Replay};
use firedrill::text::{Diagnostic, Source};
use tempfile::TempDir;

/// A replay of ten minutes with `rest` in it, in a folder with `files`.
struct Case {
    folder: TempDir,
    text: String,
}

impl Case {
    fn new(files: &[(&str, &str)], rest: &str) -> Case {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let text = format!(
            "firedrill: replay/1\ntitle: t\nstart: 2025-11-14T15:00:00Z\nend: 2025-11-14T15:10:00Z\n\
             targets:\n  api: {{labels: {{job: api}}, scrape: 30s}}\n\
             spans:\n  bad: {{from: \"15:02:00\", to: \"15:04:00\"}}\n{rest}"
        );
        Case { folder, text }
    }

    fn read(&self) -> Result<Replay, Vec<Diagnostic>> {
        replay::read(&Source::new("replay.yaml", self.text.as_str()), self.folder.path())
    }

    #[track_caller]
    fn day(&self) -> Arc<Day> {
        match self.read() {
            Ok(replay) => replay.variant(None).unwrap(),
            Err(problems) => panic!("{}", problems.iter().map(|p| p.render(false) + "\n").collect::<String>()),
        }
    }

    /// The first problem, with what helps, without the folder.
    #[track_caller]
    fn problem(&self) -> String {
        let problems = self.read().unwrap_err();
        let text = format!("{} ({})", problems[0], problems[0].help.clone().unwrap_or_default());
        text.replace(&format!("{}/", self.folder.path().display()), "")
    }
}

/// The samples of each series but `up`, by the seconds since the start; `end` is a stale marker.
#[track_caller]
fn series(day: &Day) -> Vec<(String, Vec<String>)> {
    let generated = day.generate(Limits::default()).unwrap();
    let told = |time: i64, value: f64| {
        let seconds = (time - day.start().0) as f64 / 1000.0;
        if is_stale(value) { format!("{seconds}: end") } else { format!("{seconds}: {value}") }
    };
    let mut all: Vec<(String, Vec<String>)> = generated
        .store
        .iter()
        .filter(|series| series.labels.name() != "up" && !series.times.is_empty())
        .map(|series| {
            let samples = series.times.iter().zip(&series.values);
            (series.labels.as_metric(), samples.map(|(time, value)| told(time.0, *value)).collect())
        })
        .collect();
    all.sort();
    all
}

/// A range query from 15:00 to 15:03 with a step of 30 s, as Prometheus answers it.
const ANSWER: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[
{"metric":{"__name__":"errors_total","pod":"a:1"},"values":[[1763132400,"1"],[1763132430,"2"],[1763132520,"5.5"]]},
{"metric":{"__name__":"errors_total","pod":"b:1"},"values":[[1763132400,"7"],[1763132430,"7"],[1763132460,"7"],[1763132490,"7"],[1763132520,"8"],[1763132550,"9"]]}]}}"#;

#[test]
fn a_saved_answer_keeps_its_labels_its_times_and_its_gaps() {
    let case = Case::new(&[("day.json", ANSWER)], "metrics:\n  - {series: errors_total, recorded_file: day.json}\n");
    let day = case.day();
    assert_eq!(
        series(&day),
        [
            // The step of 15:01:00 has no value, and that of 15:02:30 neither, up to which the other series goes on.
            (
                "errors_total{pod=\"a:1\"}".to_owned(),
                ["0: 1", "30: 2", "60: end", "120: 5.5", "150: end"].map(str::to_owned).to_vec()
            ),
            (
                "errors_total{pod=\"b:1\"}".to_owned(),
                ["0: 7", "30: 7", "60: 7", "90: 7", "120: 8", "150: 9"].map(str::to_owned).to_vec()
            ),
        ]
    );
    let generated = day.generate(Limits::default()).unwrap();
    // The `up` of the target is nobody's record.
    let written = || generated.provenance.iter().filter(|series| !series.implied);
    assert!(written().count() == 2 && written().all(|series| series.kind == Kind::Recorded));
}

#[test]
fn series_are_selected_renamed_and_moved() {
    let rest = "metrics:\n  - series: 'api_errors_total{job=\"api\"}'\n    recorded_file: {file: day.json, match: 'errors_total{instance=\"b:1\"}', \
                rename: {pod: instance}, first_at: bad.from}\n";
    assert_eq!(
        series(&Case::new(&[("day.json", ANSWER)], rest).day()),
        [(
            "api_errors_total{instance=\"b:1\", job=\"api\"}".to_owned(),
            ["120: 7", "150: 7", "180: 7", "210: 7", "240: 8", "270: 9"].map(str::to_owned).to_vec()
        )]
    );
    let rest = "metrics:\n  - {series: 'errors_total{pod=\"b:1\"}', recorded_file: {file: day.json, offset: -1m}}\n";
    assert_eq!(
        series(&Case::new(&[("day.json", ANSWER)], rest).day())[0].1,
        ["0: 7", "30: 7", "60: 8", "90: 9"].map(str::to_owned)
    );
}

#[test]
fn what_is_pushed_has_no_ends() {
    let rest = "targets:\n  p: {labels: {job: p}, scrape: 30s, pushed: true}\n\
                metrics:\n  - {series: 'errors_total{pod=\"a:1\"}', target: p, recorded_file: day.json}\n";
    let case = Case::new(&[("day.json", ANSWER)], rest);
    let case = Case { text: case.text.replacen("targets:\n  api: {labels: {job: api}, scrape: 30s}\n", "", 1), ..case };
    assert_eq!(series(&case.day())[0].1, ["0: 1", "30: 2", "120: 5.5"].map(str::to_owned));
}

#[test]
fn tables_and_metrics_text_are_series_too() {
    let csv = "\"Time\",\"errors\"\n2025-11-14 16:00:00,1\n2025-11-14 16:01:00,\n2025-11-14 16:02:00,3\n";
    let text = "# TYPE x gauge\nx{a=\"b\"} 98\n";
    let rest = "metrics:\n  - {series: 'e{job=\"api\"}', recorded_file: {file: p.csv, column: errors, zone: \"+01:00\"}}\n  \
                - {series: x, recorded_file: {file: m.txt, at: bad.from}}\n  \
                - {series: x, target: api, recorded_file: {file: m.txt, at: start}}\n";
    assert_eq!(
        series(&Case::new(&[("p.csv", csv), ("m.txt", text)], rest).day()),
        [
            ("e{job=\"api\"}".to_owned(), vec!["0: 1".to_owned(), "120: 3".to_owned()]),
            ("x{a=\"b\", job=\"api\"}".to_owned(), vec!["0: 98".to_owned()]),
            ("x{a=\"b\"}".to_owned(), vec!["120: 98".to_owned()])
        ]
    );
}

#[test]
fn a_step_that_does_not_fit_the_scrapes_is_told() {
    for (rest, says) in [
        (
            "metrics:\n  - {series: errors_total, target: api, recorded_file: day.json}\n",
            "scraped every 30s: windows hold fewer",
        ),
        ("metrics:\n  - {series: errors_total, recorded_file: day.json}\n", ""),
    ] {
        let text =
            r#"[{"metric":{"__name__":"errors_total"},"values":[[1763132400,"1"],[1763132460,"2"],[1763132520,"3"]]}]"#;
        let warnings = Case::new(&[("day.json", text)], rest).read().unwrap().warnings;
        assert_eq!(warnings.len(), usize::from(!says.is_empty()), "{rest}");
        assert!(warnings.iter().all(|warning| warning.message.contains(says)));
    }
    let text = r#"[{"metric":{"__name__":"errors_total"},"values":[[1763132400,"1"],[1763132760,"2"]]}]"#;
    let rest = "metrics:\n  - {series: errors_total, recorded_file: day.json}\n";
    let warnings = Case::new(&[("day.json", text)], rest).read().unwrap().warnings;
    assert!(warnings[0].message.contains("a value every 6m: a rule sees it for 5m"), "{}", warnings[0].message);
}

#[test]
fn series_that_cannot_be_taken_say_what_the_file_has() {
    let series = |file: &str| format!("metrics:\n  - {{series: x, recorded_file: {file}}}\n");
    for (rest, says) in [
        (
            series("day.json"),
            "replay.yaml:10:32: no series x in day.json (it has: errors_total{pod=\"a:1\"}, errors_total{pod=\"b:1\"})",
        ),
        (series("{file: day.json, match: 'errors_total{pod=\"c\"}'}"), "no series errors_total{pod=\"c\"} in day.json"),
        (series("{file: day.json, match: 'errors_total{'}"), "not a selector"),
        (series("{file: day.json, column: e}"), "no column `e` in day.json"),
        (
            series("{file: day.json, match: errors_total, offset: 1h}"),
            "no series x within the replay (they go from 2025-11-14T16:00:00Z to",
        ),
        (series("{file: day.json, offset: 1h, first_at: start}"), "both an `offset` and `first_at`"),
        (series("{file: day.json, zone: Europe/Berlin}"), "`Europe/Berlin` is no zone"),
        (series("{file: none.json}"), "replay.yaml:10:39: cannot read none.json"),
        (series("{fil: day.json}"), "missing field `file`"),
        (series("[day.json]"), "expected a mapping (file, match, column, rename), found a list"),
        (series("bad.csv"), "bad.csv:2:21: `?` is no number"),
        (series("m.txt"), "m.txt:1:4: this sample has no time"),
    ] {
        let files = [("day.json", ANSWER), ("bad.csv", "Time,x\n2025-11-14 15:00:00,?\n"), ("m.txt", "x 1\n")];
        let problem = Case::new(&files, &rest).problem();
        assert!(problem.contains(says), "{rest}: {problem}");
    }
}

const TRACE: &str = "[2025-11-14 15:01:00.250][14][debug][pool] creating a new connection
[2025-11-14 15:01:00.251][14][debug][connection] [C1] immediate connect error: 99
[2025-11-14 15:01:20.000][14][debug][connection] [C2] immediate connect error: 99
[2025-11-14 15:30:00.000][14][debug][connection] [C3] immediate connect error: 99
";

#[test]
fn recorded_lines_are_events_that_are_counted() {
    let rest = "events:\n  failed: {evidence: {file: trace.log, time: \"[%Y-%m-%d %H:%M:%S%.3f]\", match: 'connect error: \\d+$'}}\n  \
                retried: {after: failed, delay: 1s}\n\
                metrics:\n  - {series: failed_total, target: api, count: failed}\n";
    let day = Case::new(&[("trace.log", TRACE)], rest).day();
    let failed = day.event("failed").unwrap();
    let since: Vec<i64> = failed.times("").unwrap().iter().map(|time| time.0 - day.start().0).collect();
    assert_eq!(since, [60_251, 80_000]);
    assert_eq!(failed.figures[0].kind, Kind::Recorded);
    assert_eq!(failed.figures[0].text, "trace.log: 2 of 4 lines");
    let since: Vec<i64> =
        day.event("retried").unwrap().times("").unwrap().iter().map(|time| time.0 - day.start().0).collect();
    assert_eq!(since, [61_251, 81_000]);
    assert_eq!(series(&day)[0].1[1..4], ["30: 0", "60: 0", "90: 2"].map(str::to_owned));
}

#[test]
fn dmesg_counts_from_the_start_of_the_machine_and_access_logs_stand_in_their_zone() {
    let dmesg = "[    0.000000] Linux\n[   61.500000] eth0: NETDEV WATCHDOG\n";
    let nginx = "1.2.3.4 - - [14/Nov/2025:16:01:00 +0100] \"GET /ws HTTP/1.1\" 101 5\n";
    let rest = "events:\n  dog: {evidence: {file: dmesg, time: \"[%s%.f]\", zero: bad.from, match: WATCHDOG}}\n  \
                ws: {evidence: {file: access.log, time: \"[%d/%b/%Y:%H:%M:%S %z]\", match: ' 101 '}}\n";
    let day = Case::new(&[("dmesg", dmesg), ("access.log", nginx)], rest).day();
    let at = |name: &str| day.event(name).unwrap().times("").unwrap()[0].0 - day.start().0;
    assert_eq!([at("dog"), at("ws")], [120_000 + 61_500, 60_000]);
}

#[test]
fn recorded_lines_are_streams_with_exact_times() {
    let journal = "{\"__REALTIME_TIMESTAMP\":\"1763132460000001\",\"MESSAGE\":\"ws close dur_ms=1\"}\n\
                   {\"__REALTIME_TIMESTAMP\":\"1763132520000002\",\"MESSAGE\":\"ws close dur_ms=2\"}\n";
    let loki = r#"{"streams":[{"stream":{"job":"traefik","pod":"a"},"values":[["1763132460000000007","GET /ws",{"trace":"7"}]]},
                  {"stream":{"job":"other"},"values":[["1763132460000000008","x"]]}]}"#;
    let rest = "events:\n  e: {at: [\"15:02:00\"]}\n\
                logs:\n  - {stream: {job: dispatch}, recorded_file: j.json}\n  \
                - {stream: {job: dispatch}, event: e, line: \"${n}\"}\n  \
                - {stream: {job: traefik}, recorded_file: loki.json}\n  \
                - {stream: {job: late}, recorded_file: {file: j.json}, within: bad}\n\
                variants:\n  control: {without: [bad]}\n";
    let case = Case::new(&[("j.json", journal), ("loki.json", loki)], rest);
    let day = case.day();
    let told = |day: &Day, at: usize| -> Vec<String> {
        let since = |time: i64| time - day.start().0 * 1_000_000;
        let entries = day.log_entries(&day.logs[at]).into_iter();
        entries.map(|entry| format!("{} {} {}", since(entry.time.0), entry.line, entry.metadata)).collect()
    };
    assert_eq!(
        told(&day, 0),
        ["60000001000 ws close dur_ms=1 {}", "120000000000 1 {}", "120000002000 ws close dur_ms=2 {}"]
    );
    assert_eq!(day.logs[2].labels.to_string(), "{job=\"traefik\", pod=\"a\"}");
    assert_eq!(told(&day, 2), ["60000000007 GET /ws {trace=\"7\"}"]);
    assert_eq!(told(&day, 3), ["120000002000 ws close dur_ms=2 {}"]);
    let control = case.read().unwrap().variant(Some("control")).unwrap();
    assert_eq!(told(&control, 3), Vec::<String>::new());
}

#[test]
fn lines_without_a_time_are_counted_and_told() {
    let text = "# saved by hand\n2025-11-14 15:01:00 boom\n\tat x\n";
    let rest = "events:\n  e: {evidence: {file: a.log, time: \"%Y-%m-%d %H:%M:%S\"}}\n";
    let case = Case::new(&[("a.log", text)], rest);
    let warnings = case.read().unwrap().warnings;
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].message.contains("a.log:1: 2 of 3 lines have no time"), "{}", warnings[0].message);
    assert_eq!(case.day().event("e").unwrap().times("").unwrap().len(), 2);
}

#[test]
fn a_column_is_taken_whatever_is_wrong_with_the_others() {
    let table = "Time,a,b\r\n2025-11-14 15:01:00,1,1.5 MB\r\n2025-11-14 15:02:00,2,3\r\n";
    let metric = |column: &str| {
        let rest =
            format!("metrics:\n  - {{series: x, target: api, recorded_file: {{file: t.csv, column: {column}}}}}\n");
        Case::new(&[("t.csv", table)], &rest)
    };
    assert_eq!(series(&metric("a").day())[0].1, ["60: 1", "120: 2"]);
    assert!(metric("b").problem().starts_with("t.csv:2:23: `1.5 MB` is no number"), "{}", metric("b").problem());
}

#[test]
fn times_of_another_unit_or_zero_are_not_blamed_on_the_offset() {
    let metric = "metrics:\n  - {series: up_total, target: api, recorded_file: m.txt}\n";
    let text = "# TYPE up counter\nup_total 1 1763132460\nup_total 2 1763132490\n";
    let problem = Case::new(&[("m.txt", text)], metric).problem();
    assert!(problem.contains("taken as milliseconds") && problem.contains("`# EOF`"), "{problem}");
    assert!(!problem.contains("offset"), "{problem}");
    assert_eq!(series(&Case::new(&[("m.txt", &format!("{text}# EOF\n"))], metric).day())[0].1[0], "60: 1");
    let event = |more: &str| format!("events:\n  e: {{evidence: {{file: d.log, time: \"[%s%.f]\"{more}}}}}\n");
    let dmesg = "[   12.500000] eth0: drop\n";
    let problem = Case::new(&[("d.log", dmesg)], &event("")).problem();
    assert!(problem.contains("`zero: TIME`") && !problem.contains("offset"), "{problem}");
    assert_eq!(
        Case::new(&[("d.log", dmesg)], &event(", zero: start")).day().event("e").unwrap().times("").unwrap().len(),
        1
    );
}

#[test]
fn an_object_without_its_time_is_no_part_of_the_line_before() {
    let lines = "{\"ts\":1763132460,\"msg\":\"a\"}\n{\"time\":1763132461,\"msg\":\"b\"}\n";
    let event = |more: &str| {
        let rest = format!("events:\n  e: {{evidence: {{file: j.log, field: ts, line: msg{more}}}}}\n");
        Case::new(&[("j.log", lines)], &rest)
    };
    let problem = event("").problem();
    assert!(problem.starts_with("j.log:2:1: this line has no `ts`, which holds the time"), "{problem}");
    assert_eq!(event(", match: '^a'").day().event("e").unwrap().times("").unwrap().len(), 1);
}

#[test]
fn lines_that_cannot_be_read_say_what_to_write() {
    let event = |fields: &str| format!("events:\n  e: {{evidence: {fields}}}\n");
    let time = "time: \"[%Y-%m-%d %H:%M:%S%.3f]\"";
    for (rest, says) in [
        (
            event("trace.log"),
            "trace.log:1:1: nothing says how these lines write their time (write `time: \"[%Y-%m-%d %H:%M:%S%.3f]\"`)",
        ),
        (event("{file: trace.log, time: \"%d/%m/%Y %H:%M:%S\"}"), "trace.log:1:1: no line has a time as in"),
        (event("{file: trace.log, time: \"%Q\"}"), "replay.yaml:10:41: `%Q` is no way to write a time"),
        (event(&format!("{{file: trace.log, {time}, match: nothing}}")), "none of the 4 lines of trace.log matches"),
        (event(&format!("{{file: trace.log, {time}, match: '('}}")), "not a regular expression"),
        (
            event(&format!("{{file: trace.log, {time}, offset: 2d}}")),
            "no line of trace.log within the replay (they go from 2025-11-16",
        ),
        (event(&format!("{{file: trace.log, {time}, zero: start}}")), "counts no seconds"),
        (event("{file: trace.log, zero: start}"), "`zero` without `time`"),
        (event(&format!("{{file: trace.log, {time}, at: start}}")), "`at` beside what tells times of lines"),
        (event(&format!("{{file: trace.log, {time}}}, at: [\"15:00\"]")), "both by `at` and by `evidence`"),
        (event("{file: empty.log}"), "empty.log:1:1: an empty file"),
        (event("{file: zipped.log}"), "zipped.log is packed by gzip (unpack it first"),
        (
            "logs:\n  - {stream: {a: b}, recorded_file: trace.log, line: x}\n".to_owned(),
            "`line` does not go with `recorded_file`",
        ),
        ("logs:\n  - {stream: {job: c}, recorded_file: loki.json}\n".to_owned(), "no stream {job=\"c\"} in loki.json"),
    ] {
        let loki = r#"{"streams":[{"stream":{"job":"a"},"values":[["1763132460000000007","x"]]}]}"#;
        let files = [("trace.log", TRACE), ("empty.log", "\n"), ("zipped.log", "\u{1f}"), ("loki.json", loki)];
        let case = Case::new(&files, &rest);
        fs::write(case.folder.path().join("zipped.log"), b"\x1f\x8b\x08\0").unwrap();
        let problem = case.problem();
        assert!(problem.contains(says), "{rest}: {problem}");
    }
}
