//! How fast LogQL is, over a synthetic log of 200 streams that is made in memory.
//!
//! `cargo bench --bench logql` makes a million lines; `cargo bench --bench logql -- 10000000` makes ten. Everything runs on one core. Times
//! are those of the processor, where Linux tells them, and the best of several runs: the machine may have other things to do.

mod clock;

use std::hint::black_box;
use std::io::Write;
use std::process::Command;
use std::time::Instant;

use clock::{Clock, children_seconds};
use firedrill::labels::Labels;
use firedrill::logql::ast::Query;
use firedrill::logql::eval::{Grid, Plan};
use firedrill::logql::pipeline::Pipeline;
use firedrill::store::LogStore;
use firedrill::time::Nanoseconds;

const START: i64 = 1_763_132_400_000_000_000;
const STREAMS: usize = 200;
const FORMATS: [&str; 3] = ["json", "logfmt", "nginx"];
const RUNS: usize = 3;

/// What is asked, and of which streams.
const QUERIES: [(&str, &str); 13] = [
    ("a text that is rare", r#"{format=~".+"} |= "needle in a haystack""#),
    ("a text that is not there", r#"{format=~".+"} |= "never written""#),
    ("three texts", r#"{format=~".+"} |= "request" != "debug" |= "timeout""#),
    ("a regular expression", r#"{format=~".+"} |~ "upstream (timeout|reset) after [0-9]+ms""#),
    ("a pattern", r#"{format="nginx"} |> "<_>POST <_>""#),
    ("json, all fields", r#"{format="json"} | json"#),
    ("json, up to a field", r#"{format="json"} | json | status="999""#),
    ("json, two fields", r#"{format="json"} | json st="status", id="request.id""#),
    ("logfmt, all pairs", r#"{format="logfmt"} | logfmt"#),
    ("logfmt, compared", r#"{format="logfmt"} | logfmt | status >= 500 and took > 2s and size > 1KB"#),
    ("pattern", r#"{format="nginx"} | pattern `<ip> - <user> [<_>] "<method> <path> <_>" <status> <size>`"#),
    ("regexp", r#"{format="nginx"} | regexp `^(?P<ip>\S+) .*" (?P<status>\d{3}) `"#),
    ("line_format", r#"{format="logfmt"} | logfmt | line_format `{{.level}} {{.msg}} {{.took}}`"#),
];

fn main() {
    let lines = std::env::args().filter_map(|arg| arg.parse().ok()).next().unwrap_or(1_000_000);
    let before = resident();
    let started = Instant::now();
    let (logs, bytes) = synthetic(lines);
    let took = started.elapsed().as_secs_f64();
    let held = resident().saturating_sub(before);
    println!("{lines} lines in {STREAMS} streams, {} MB, made and stored in {took:.1} s", bytes / 1_000_000);
    println!("memory of the store: {:.2} times the lines\n", held as f64 / bytes as f64);
    println!("{:28} {:>9} {:>9} {:>10}", "query", "MB", "MB/s", "kept");
    for (name, text) in QUERIES {
        let Ok(Query::Log(query)) = firedrill::logql::parse(text) else { panic!("not a log query: {text}") };
        let mut pipeline = match Pipeline::compile(&query.stages, Nanoseconds(START)) {
            Ok(pipeline) => pipeline,
            Err(error) => panic!("{text}: {error}"),
        };
        let (mut read, mut kept, mut best) = (0, 0, f64::INFINITY);
        for _ in 0..RUNS {
            (read, kept) = (0, 0);
            let clock = Clock::start();
            for stream in logs.select(&query.selector.matchers) {
                pipeline.set_stream(stream.labels());
                for entry in stream.between(Nanoseconds(0), Nanoseconds(i64::MAX)) {
                    read += entry.line.len();
                    if let Some(found) = pipeline.process(entry.time, entry.line, entry.metadata_pairs()) {
                        kept += 1;
                        black_box(found.line);
                    }
                }
            }
            best = best.min(clock.seconds());
        }
        println!("{name:28} {:>9} {:>9.0} {kept:>10}", read / 1_000_000, read as f64 / 1e6 / best);
    }
    ripgrep(&logs, bytes);
    // One core here, too.
    match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(pool) => pool.install(|| metrics(&logs, lines)),
        Err(error) => panic!("no thread starts: {error}"),
    }
}

/// Metric queries; `RANGE` is the time of the whole log for a single step, and a tenth of it for many.
const METRICS: [(&str, &str); 6] = [
    ("lines", r#"sum(count_over_time({format=~".+"}[RANGE]))"#),
    ("lines with a text", r#"sum by (pod) (rate({format=~".+"} |= "timeout" [RANGE]))"#),
    ("json by status", r#"sum by (status) (rate({format="json"} | json [RANGE]))"#),
    ("logfmt by level", r#"sum by (level) (bytes_over_time({format="logfmt"} | logfmt [RANGE]))"#),
    ("sums of a label", r#"sum by (level) (sum_over_time({format="logfmt"} | logfmt | unwrap bytes(size) [RANGE]))"#),
    ("quantile of a label", r#"quantile_over_time(0.99, {format="json"} | json | unwrap took_ms [RANGE]) by (pod)"#),
];

/// The steps of a query over time.
const MANY: usize = 1000;

/// What a query over many steps costs beside one step over the same lines.
fn metrics(logs: &LogStore, lines: usize) {
    println!("\n{:28} {:>9} {:>11} {:>6}", "metric query", "1 step", "1000 steps", "ratio");
    let length = lines as i64 / 1000;
    for (name, text) in METRICS {
        let run = |range: i64, steps: usize| {
            let text = text.replace("RANGE", &format!("{range}s"));
            let Ok(Query::Metric(expr)) = firedrill::logql::parse(&text) else { panic!("not a metric query: {text}") };
            let step = Nanoseconds(length * 1_000_000_000 / steps as i64);
            let grid = Grid { start: Nanoseconds(START + step.0), step, steps };
            let clock = Clock::start();
            let mut plan = match Plan::new(&expr, logs, grid) {
                Ok(plan) => plan,
                Err(error) => panic!("{text}: {error}"),
            };
            black_box(plan.blocks().map(|(_, block)| block.count()).sum::<usize>());
            clock.seconds()
        };
        let best = |range, steps| (0..RUNS).map(|_| run(range, steps)).fold(f64::INFINITY, f64::min);
        let (one, many) = (best(length, 1), best((length / 10).max(1), MANY));
        println!("{name:28} {one:>7.2} s {many:>9.2} s {:>6.2}", many / one);
    }
}

/// Lines of a service in three formats, the same on every run.
fn synthetic(lines: usize) -> (LogStore, usize) {
    let labels: Vec<Labels> = (0..STREAMS)
        .map(|at| {
            let (format, pod) = (FORMATS[at % FORMATS.len()], format!("api-{at}"));
            Labels::from_pairs([("app", "api"), ("format", format), ("pod", &pod), ("cluster", "eu-1")])
        })
        .collect();
    let mut logs = LogStore::default();
    let mut bytes = 0;
    let mut dice = 0x9E37_79B9_7F4A_7C15_u64;
    for at in 0..lines {
        // xorshift: it only has to look random.
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let time = Nanoseconds(START + at as i64 * 1_000_000);
        let stream = at % STREAMS;
        let line = line(FORMATS[stream % FORMATS.len()], dice, at);
        bytes += line.len();
        if let Err(error) = logs.append(&labels[stream], time, line.as_bytes(), Labels::empty()) {
            panic!("{error}");
        }
    }
    (logs, bytes)
}

fn line(format: &str, dice: u64, at: usize) -> String {
    let status = [200, 200, 200, 201, 204, 301, 404, 500, 503][dice as usize % 9];
    let level = ["debug", "info", "info", "warn", "error"][(dice >> 8) as usize % 5];
    let path = ["/api/v1/push", "/api/v1/query_range", "/ready", "/metrics"][(dice >> 16) as usize % 4];
    let message = match dice >> 24 & 0x3FF {
        0 => "needle in a haystack",
        1..40 => "upstream timeout after 3000ms, request is retried",
        40..500 => "request served",
        _ => "request served from the cache of the nearest replica",
    };
    let (took, size, id) = (dice >> 32 & 0xFFF, dice >> 40 & 0xFFFF, dice);
    match format {
        "json" => format!(
            r#"{{"ts":"2025-11-14T15:00:00.{:03}Z","level":"{level}","msg":"{message}","status":{status},"took_ms":{took},"request":{{"id":"{id:016x}","method":"POST","path":"{path}","size":{size}}},"tags":["a","b"],"cached":true}}"#,
            at % 1000
        ),
        "logfmt" => format!(
            "ts=2025-11-14T15:00:00.{:03}Z level={level} caller=handler.go:22 msg=\"{message}\" method=POST path={path} status={status} took={took}ms size={size}B id={id:016x}",
            at % 1000
        ),
        _ => format!(
            "10.0.{}.{} - alice [14/Nov/2025:15:00:00 +0000] \"{} {path} HTTP/1.1\" {status} {size} \"-\" \"{message}\" {id:016x}",
            took % 256,
            size % 256,
            if dice & 1 == 0 { "GET" } else { "POST" }
        ),
    }
}

/// What `rg -c` takes for the texts of the first queries, over a file with the same lines; where it is installed.
fn ripgrep(logs: &LogStore, bytes: usize) {
    if Command::new("rg").arg("--version").output().is_err() {
        println!("\nSKIPPED: rg is not installed");
        return;
    }
    let path = std::env::temp_dir().join(format!("firedrill-bench-{}.log", std::process::id()));
    let written = std::fs::File::create(&path).and_then(|file| {
        let mut file = std::io::BufWriter::new(file);
        for entry in logs.streams().into_iter().flat_map(|stream| stream.between(Nanoseconds(0), Nanoseconds(i64::MAX)))
        {
            file.write_all(entry.line)?;
            file.write_all(b"\n")?;
        }
        file.flush()
    });
    if let Err(error) = written {
        println!("\nSKIPPED: {}: {error}", path.display());
        return;
    }
    println!("\n{:28} {:>9} {:>9}", "rg -c -j1, one file", "MB", "MB/s");
    for text in ["needle in a haystack", "never written", "upstream (timeout|reset) after [0-9]+ms"] {
        let run = || {
            let before = children_seconds();
            let ended = Command::new("rg").args(["-c", "-j1", text]).arg(&path).output();
            assert!(ended.is_ok(), "rg starts");
            children_seconds() - before
        };
        let best = (0..RUNS).map(|_| run()).fold(f64::INFINITY, f64::min);
        println!("{text:28.28} {:>9} {:>9.0}", bytes / 1_000_000, bytes as f64 / 1e6 / best);
    }
    let _ = std::fs::remove_file(&path);
}

/// Bytes of memory of this process, where Linux tells.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}
