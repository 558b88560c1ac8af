//! Whole replays: read, generated, and refused.

use std::path::Path;

use super::*;
use crate::labels::{Labels, MatchOp, Matcher};
use crate::number::is_stale;
use crate::store::Series;
use crate::text::{Diagnostic, Source};

const HEAD: &str = "firedrill: replay/1\ntitle: t\nstart: 2026-01-01T00:00:00Z\nend: 2026-01-01T00:05:00Z\n\
                    targets:\n  a: {labels: {job: a}, scrape: 30s}\n";

fn read_text(text: &str) -> Result<Replay, Vec<Diagnostic>> {
    read(&Source::new("r.yaml", text), Path::new("."))
}

fn generate(body: &str) -> Generated {
    generate_text(&format!("{HEAD}{body}"))
}

fn generate_text(text: &str) -> Generated {
    let replay = read_text(text).unwrap_or_else(|problems| panic!("{}", lines(&problems)));
    replay.variant(None).unwrap().generate(Limits::default()).unwrap()
}

fn lines(problems: &[Diagnostic]) -> String {
    problems.iter().map(|problem| format!("{problem} ({})\n", problem.help.as_deref().unwrap_or_default())).collect()
}

fn named<'a>(generated: &'a Generated, name: &str) -> Vec<&'a Series> {
    let matcher = Matcher::new("__name__", MatchOp::Equal, name).unwrap();
    generated.store.select(&[matcher]).into_iter().map(|id| generated.store.series(id)).collect()
}

/// (seconds after midnight, value) of the only series of a name; `S` for a stale marker.
fn samples(generated: &Generated, name: &str) -> Vec<(i64, String)> {
    let series = named(generated, name);
    assert_eq!(series.len(), 1, "{name}");
    shown(series[0])
}

fn shown(series: &Series) -> Vec<(i64, String)> {
    let shown = |value: &f64| if is_stale(*value) { "S".to_owned() } else { value.to_string() };
    series.times.iter().map(|time| time.0.rem_euclid(86_400_000) / 1000).zip(series.values.iter().map(shown)).collect()
}

fn values(generated: &Generated, name: &str) -> String {
    samples(generated, name).into_iter().map(|(_, value)| value).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_count_is_the_number_of_events_up_to_the_scrape() {
    let generated = generate(
        "events:\n  e: {at: [\"00:00:30\", \"00:00:31\", \"00:02:10\"]}\n\
         metrics:\n  - {series: x, count: e}\n  - {series: b, count: e, adds: 100B, starts: 7}\n  - {series: f, count: e, born: first}\n",
    );
    assert_eq!(values(&generated, "x"), "0 1 2 2 2 3 3 3 3 3 3");
    assert_eq!(values(&generated, "b"), "7 107 207 207 207 307 307 307 307 307 307");
    assert_eq!(samples(&generated, "f").first().unwrap(), &(30, "1".to_owned()));
    assert_eq!(values(&generated, "up"), "1 1 1 1 1 1 1 1 1 1 1");
}

#[test]
fn events_follow_each_event_of_a_kind_or_those_in_a_span() {
    let text = format!(
        "{HEAD}spans:\n  bad: {{from: \"00:01:00\", to: \"00:02:00\"}}\n  worse: {{from: \"00:04:00\", to: end}}\n\
         events:\n  ask: {{every: {{interval: 20s}}}}\n  fail: {{after: ask, within: bad}}\n\
         \x20 third: {{after: ask, within: [bad, worse], nth: 3, delay: 1s}}\n\
         \x20 try: {{script: {{from: fail, steps: [0s, 1s]}}}}\n  late: {{script: {{from: fail + 5s, steps: [0s]}}}}\n\
         variants:\n  good: {{without: [bad]}}\n"
    );
    let replay = read_text(&text).unwrap_or_else(|problems| panic!("{}", lines(&problems)));
    let times = |variant: Option<&str>, event: &str| {
        let day = replay.variant(variant).unwrap();
        let times = day.event(event).unwrap().times("").unwrap();
        times.iter().map(|time| (*time - day.start()).0 / 1000).collect::<Vec<_>>()
    };
    assert_eq!(times(None, "fail"), [60, 80, 100]);
    assert_eq!(times(None, "try"), [60, 61, 80, 81, 100, 101]);
    assert_eq!(times(None, "late"), [65, 85, 105]);
    // 60, 80, 100 in the one span, 240, 260, 280 in the other.
    assert_eq!(times(None, "third"), [101, 281]);
    assert!(times(Some("good"), "fail").is_empty());
    assert!(times(Some("good"), "try").is_empty());
    assert_eq!(times(Some("good"), "third"), [281]);
    // What follows from a span rests on its figure too.
    let day = read_text(&text.replace("to: end}", "to: end, fitted: f}")).unwrap().variant(None).unwrap();
    assert_eq!(day.event("third").unwrap().figures.len(), 1);
}

#[test]
fn counters_gauges_and_backlogs_follow_their_spans() {
    let generated = generate(
        "spans:\n  s: {from: \"00:01:00\", to: \"00:02:00\"}\nmetrics:\n\
         \x20 - {series: c, counter: {else: 1.5/s, s: 0/s}}\n  - {series: g, gauge: {else: 1, s: 0}}\n\
         \x20 - {series: q, backlog: {in: 10/s, out: {else: 20/s, s: 0}}}\n  - {series: d, drained: q}\n\
         \x20 - {series: fine, counter: 0.01/s, fractions: true}\n  - {series: whole, counter: 0.01/s}\n",
    );
    assert_eq!(values(&generated, "c"), "0 45 90 90 90 135 180 225 270 315 360");
    assert_eq!(values(&generated, "g"), "1 1 0 0 1 1 1 1 1 1 1");
    assert_eq!(values(&generated, "q"), "0 0 0 300 600 300 0 0 0 0 0");
    // Nothing is lost: what came in at 10/s is what went out and what waits.
    assert_eq!(values(&generated, "d"), "0 300 600 600 600 1200 1800 2100 2400 2700 3000");
    assert_eq!(values(&generated, "fine"), "0 0.3 0.6 0.9 1.2 1.5 1.8 2.1 2.4 2.7 3");
    assert_eq!(values(&generated, "whole"), "0 0 0 0 1 1 1 2 2 2 3");
}

#[test]
fn listed_values_come_one_a_scrape_and_then_end() {
    let generated = generate("metrics:\n  - {series: x, values: \"1+1x2 _ 5 stale 7\"}\n");
    // After the gap, the stale value and the end a scrape does not find the series.
    assert_eq!(
        samples(&generated, "x").iter().map(|(at, value)| format!("{at}:{value}")).collect::<Vec<_>>().join(" "),
        "0:1 30:2 60:3 90:S 120:5 150:S 180:7 210:S"
    );
}

#[test]
fn a_histogram_counts_below_its_bounds() {
    let generated = generate(
        "metrics:\n  - {series: rtt, histogram: {buckets: [0.1, 0.5, 1], rate: 4/s, samples: \"uniform(0, 1)\"}}\n",
    );
    let bucket = |le: &str| {
        let found = named(&generated, "rtt_bucket");
        let series = found.iter().find(|series| series.labels.get("le") == le).unwrap();
        shown(series).last().unwrap().1.clone()
    };
    // 4 a second for 300 s: 1200 observations.
    assert_eq!([bucket("0.1"), bucket("0.5"), bucket("1.0"), bucket("+Inf")], ["120", "600", "1200", "1200"]);
    assert!(values(&generated, "rtt_count").ends_with(" 1200"));
    assert!(values(&generated, "rtt_sum").ends_with(" 600"));
}

/// The histograms of a series, as Prometheus prints them.
fn histograms(generated: &Generated, name: &str) -> Vec<String> {
    let found = named(generated, name);
    let series = found.first().unwrap();
    (0..series.times.len())
        .map(|at| series.sample(at).histogram().map_or_else(|| "S".to_owned(), ToString::to_string))
        .collect()
}

#[test]
fn a_native_histogram_has_the_observations_of_the_classic_one() {
    let generated = generate(
        "metrics:\n  - {series: rtt, histogram: {buckets: [0.5, 1], native: {schema: 0}, rate: 4/s, samples: \"uniform(0, 1)\"}}\n",
    );
    // 1200 observations; of 2^-11, less than one.
    let last = histograms(&generated, "rtt").pop().unwrap();
    assert!(
        last.starts_with("{count:1200, sum:600, ")
            && last.ends_with(", (0.125,0.25]:150, (0.25,0.5]:300, (0.5,1]:600}")
    );
    assert_eq!(named(&generated, "rtt_bucket").len(), 3);
    let custom = generate(
        "metrics:\n  - {series: rtt, histogram: {buckets: [0.5, 1], native: {schema: -53}, rate: 4/s, samples: \"uniform(0, 2)\"}}\n",
    );
    assert_eq!(histograms(&custom, "rtt")[1], "{count:120, sum:120, [-Inf,0.5]:30, (0.5,1]:30, (1,+Inf]:60}");
    assert!(named(&custom, "rtt_bucket").is_empty());
}

#[test]
fn a_restart_begins_a_native_histogram_anew() {
    let generated = generate(
        "spans:\n  s: {from: \"00:01:10\", to: \"00:01:40\"}\nmetrics:\n  - {series: h, histogram: {native: {schema: 0}, rate: 1/s, samples: constant(2)}}\n\
         gaps:\n  - {restart: {target: a}, during: s}\n",
    );
    let found = histograms(&generated, "h");
    // Back at 1:40, 20 s later scraped.
    assert_eq!(
        found[..5].join(" "),
        "{count:0, sum:0} {count:30, sum:60, (1,2]:30} {count:60, sum:120, (1,2]:60} S {count:20, sum:40, (1,2]:20}"
    );
}

#[test]
fn listed_values_may_be_histograms() {
    let generated =
        generate("metrics:\n  - {series: h, values: \"{{count:1 buckets:[1]}}+{{count:2 buckets:[2]}}x1 _ 5\"}\n");
    assert_eq!(histograms(&generated, "h")[..3].join(" "), "{count:1, sum:0, (0.5,1]:1} {count:3, sum:0, (0.5,1]:3} S");
}

#[test]
fn noise_stays_in_its_bounds_and_depends_on_nothing_else() {
    let one = generate("metrics:\n  - {series: g, gauge: 100, noise: 5%}\n");
    let two = generate("metrics:\n  - {series: h, gauge: 7, noise: 1}\n  - {series: g, gauge: 100, noise: 5%}\n");
    assert_eq!(values(&one, "g"), values(&two, "g"));
    let noisy: Vec<f64> = samples(&one, "g").iter().map(|(_, value)| value.parse().unwrap()).collect();
    assert!(noisy.iter().all(|value| (95.0..=105.0).contains(value)) && noisy[0] != noisy[1], "{noisy:?}");
}

#[test]
fn a_target_that_is_down_has_up_0_and_its_series_end() {
    let generated = generate(
        "spans:\n  s: {from: \"00:01:00\", to: \"00:02:00\"}\nmetrics:\n  - {series: g, gauge: 1}\ngaps:\n  - {down: {target: a}, during: s}\n",
    );
    assert_eq!(values(&generated, "up"), "1 1 0 0 1 1 1 1 1 1 1");
    let found: Vec<(i64, String)> = samples(&generated, "g").into_iter().take(4).collect();
    assert_eq!(found, [(0, "1".into()), (30, "1".into()), (60, "S".into()), (120, "1".into())]);
}

#[test]
fn vanished_takes_up_along_and_absent_does_not() {
    let body = |kind: &str| {
        format!(
            "spans:\n  s: {{from: \"00:01:00\", to: \"00:04:30\"}}\nmetrics:\n  - {{series: g, gauge: 1}}\ngaps:\n  - {{{kind}, during: s}}\n"
        )
    };
    let vanished = generate(&body("vanished: {target: a}"));
    assert_eq!(values(&vanished, "up"), "1 1 S 1 1");
    assert_eq!(values(&vanished, "g"), "1 1 S 1 1");
    let absent = generate(&body("absent: {target: a}"));
    assert_eq!(values(&absent, "up"), "1 1 1 1 1 1 1 1 1 1 1");
    assert_eq!(values(&absent, "g"), "1 1 S 1 1");
    let other = generate(&body("absent: {target: a, series: 'g{job!=\"a\"}'}"));
    assert_eq!(values(&other, "g"), "1 1 1 1 1 1 1 1 1 1 1");
    let gone = generate(&body("vanished: {target: a, series: g}"));
    assert_eq!((values(&gone, "up"), values(&gone, "g")), ("1 1 1 1 1 1 1 1 1 1 1".into(), "1 1 S 1 1".into()));
}

#[test]
fn late_samples_keep_their_times_and_arrive_when_the_span_ends() {
    let generated = generate(
        "spans:\n  s: {from: \"00:01:00\", to: \"00:02:10\"}\nmetrics:\n  - {series: g, gauge: 1}\ngaps:\n  - {late: {target: a}, during: s}\n",
    );
    for name in ["g", "up"] {
        let series = named(&generated, name)[0];
        let moments = series.moments.as_ref().unwrap();
        let arrivals: Vec<i64> = moments.iter().map(|moment| moment.at.0.rem_euclid(86_400_000) / 1000).collect();
        assert_eq!(arrivals, [0, 30, 130, 130, 130, 150, 180, 210, 240, 270, 300]);
        assert_eq!(shown(series).len(), 11);
    }
}

#[test]
fn what_is_pushed_has_no_up_and_just_ceases() {
    let text = format!("{HEAD}metrics:\n  - {{series: 'up', values: \"1 _ 0x1\"}}\n");
    let clash = lines(&read_text(&text).unwrap_err());
    assert!(clash.contains("two generators for the series up{job=\"a\"}"), "{clash}");
    let generated = generate_text(&text.replace("scrape: 30s", "scrape: 30s, pushed: true"));
    assert_eq!(samples(&generated, "up"), [(0, "1".into()), (60, "0".into()), (90, "0".into())]);
    assert_eq!(generated.provenance.len(), 1);
}

#[test]
fn a_restart_sets_counters_back_and_may_change_labels() {
    let generated = generate(
        "events:\n  e: {every: {interval: 10s}}\nspans:\n  s: {from: \"00:01:00\", to: \"00:02:00\"}\nmetrics:\n\
         \x20 - {series: x, count: e}\n  - {series: c, counter: 1/s}\n  - {series: g, gauge: 5}\n\
         gaps:\n  - {restart: {target: a, labels: {pod: \"2\"}}, during: s}\n",
    );
    let x = named(&generated, "x");
    assert_eq!(x.len(), 2);
    assert_eq!(shown(x[0]), [(0, "1".into()), (30, "4".into()), (60, "S".into())]);
    assert_eq!(x[1].labels.get("pod"), "2");
    // Events of 2:10, 2:20 and 2:30 since the restart at 2:00.
    assert_eq!(shown(x[1])[..2], [(120, "0".into()), (150, "3".into())]);
    assert_eq!(shown(named(&generated, "c")[1])[..2], [(120, "0".into()), (150, "30".into())]);
    let up = named(&generated, "up");
    assert_eq!(
        shown(up[0]),
        [(0, "1".into()), (30, "1".into()), (60, "0".into()), (90, "0".into()), (120, "S".into())]
    );
    assert_eq!(shown(up[1])[0], (120, "1".into()));
}

#[test]
fn each_makes_a_series_for_every_value() {
    let generated = generate(
        "metrics:\n  - {series: 'x{leg=\"${leg}\"}', each: [{leg: u, n: 3}, {leg: v, n: 4}], gauge: \"${n}\"}\n",
    );
    let found: Vec<String> =
        named(&generated, "x").iter().map(|s| format!("{} {}", s.labels.get("leg"), s.values[0])).collect();
    assert_eq!(found, ["u 3", "v 4"]);
}

#[test]
fn the_same_day_gives_the_same_samples() {
    let text = format!(
        "{HEAD}events:\n  e: {{poisson: {{rate: 30/m}}}}\nmetrics:\n  - {{series: x, count: e}}\n  - {{series: g, gauge: 1, noise: 1}}\n"
    );
    let all = |generated: &Generated| -> Vec<(Labels, Vec<(i64, String)>)> {
        generated.store.iter().map(|series| (series.labels.clone(), shown(series))).collect()
    };
    assert_eq!(all(&generate_text(&text)), all(&generate_text(&text)));
}

#[test]
fn variants_change_and_leave_out_and_what_hangs_on_it_stays_quiet() {
    let text = format!(
        "{HEAD}spans:\n  s: {{from: \"00:01:00\", to: \"00:02:00\"}}\n  t: {{from: s.to, to: s.to + 1m}}\n\
         events:\n  e: {{every: {{interval: 10s, within: s}}}}\nmetrics:\n  - {{series: x, count: e}}\n  - {{series: 'g{{a=\"1\"}}', gauge: {{else: 1, t: 2}}}}\n\
         variants:\n  control: {{without: [s]}}\n  longer: {{set: {{spans.s.to: \"00:03:00\", 'metrics.g{{a=\"1\"}}.gauge.else': 9}}}}\n  blind: {{without: [x]}}\n  only-s: {{only: [s]}}\n"
    );
    let replay = read_text(&text).unwrap_or_else(|problems| panic!("{}", lines(&problems)));
    let day = |name| replay.variant(name).unwrap().generate(Limits::default()).unwrap();
    assert_eq!(values(&day(None), "g"), "1 1 1 1 2 2 1 1 1 1 1");
    assert!(values(&day(None), "x").ends_with(" 6"));
    assert_eq!(values(&day(Some("control")), "x"), "0 0 0 0 0 0 0 0 0 0 0");
    assert_eq!(values(&day(Some("control")), "g"), "1 1 1 1 1 1 1 1 1 1 1");
    assert_eq!(values(&day(Some("longer")), "g"), "9 9 9 9 9 9 2 2 9 9 9");
    assert!(named(&day(Some("blind")), "x").is_empty());
    assert_eq!(values(&day(Some("only-s")), "g"), "1 1 1 1 1 1 1 1 1 1 1");
    let problem = replay.variant(Some("controll")).unwrap_err().remove(0);
    assert_eq!(problem.help.as_deref(), Some("did you mean `control`?"));
}

#[test]
fn too_many_samples_are_refused_before_any_is_written() {
    let text = HEAD.replace("scrape: 30s", "scrape: 1ms").replace("2026-01-01T00:05", "2026-01-31T00:05")
        + "metrics:\n  - {series: g, gauge: 1}\n";
    let replay = read_text(&text).unwrap();
    let problem = replay
        .variant(None)
        .unwrap()
        .generate(Limits { max_samples: 1_000_000_000, ..Limits::default() })
        .unwrap_err()
        .remove(0);
    assert!(problem.to_string().starts_with("r.yaml:6:3: "), "{problem}");
    assert!(problem.message.contains("more than the 1000000000 that are allowed"), "{problem}");
}

/// Text in the body, where it is wrong (line behind the head, column), what the message and the hint hold.
#[test]
fn what_is_wrong_is_said_with_its_place_and_what_to_write_instead() {
    let cases = [
        ("spans:\n  s: {from: 00:01, to: \"00:02\"}\n", (2, 13), "a time written as a number", "\"00:01\""),
        ("spans:\n  s: {from: \"00:02\", to: \"00:01\"}\n", (2, 26), "ends before it begins", "later than"),
        ("spans:\n  s: {from: \"00:01\", to: \"00:09\"}\n", (2, 26), "outside of the replay", "the replay goes from"),
        ("spans:\n  s: {from: \"00:01\", to: s.to}\n", (2, 26), "depends on itself", "begin one"),
        (
            "spans:\n  s: {from: \"00:01\", too: \"00:02\", to: \"00:03\"}\n",
            (2, 22),
            "unknown field `too`",
            "did you mean `to`?",
        ),
        (
            "spans:\n  bad: {from: \"00:01\", to: \"00:02\"}\nevents:\n  e: {at: [\"00:01\"]}\n  f: {after: e, within: bda}\n",
            (5, 25),
            "unknown span `bda`",
            "did you mean `bad`?",
        ),
        (
            "spans:\n  bad: {from: \"00:01\", to: \"00:02\"}\nevents:\n  e: {every: {interval: 1s}, within: bad}\n",
            (4, 3),
            "go with `after`",
            "`every: {within: SPAN, ...}`",
        ),
        ("metrics:\n  - {series: x, gauge: 1, target: b}\n", (2, 35), "unknown target `b`", "a"),
        (
            "spans:\n  stuck: {from: \"00:01\", to: \"00:02\"}\nmetrics:\n  - {series: x, gauge: {else: 1, stcuk: 0}}\n",
            (4, 34),
            "unknown span `stcuk`",
            "did you mean `stuck`?",
        ),
        (
            "events:\n  boom: {at: [\"00:01\"]}\nmetrics:\n  - {series: x, count: bom}\n",
            (4, 24),
            "unknown event `bom`",
            "did you mean `boom`?",
        ),
        (
            "events:\n  boom: {at: [\"00:01\"]}\nmetrics:\n  - {series: x, count: boom.end}\n",
            (4, 24),
            "unknown mark `boom.end`",
            "boom.first",
        ),
        ("events:\n  boom: {after: stuk.from}\n", (2, 17), "unknown span or event `stuk`", "boom"),
        ("metrics:\n  - {series: x, counter: -1/s}\n", (2, 26), "is negative", "only grows"),
        ("metrics:\n  - {series: x, counter: 5}\n", (2, 26), "does not say per what", "5/s"),
        (
            "metrics:\n  - {series: x, gauge: 1}\n  - {series: x, counter: 1/s}\n",
            (3, 14),
            "two generators for the series x",
            "different labels",
        ),
        ("metrics:\n  - {series: x, gauge: 1, counter: 1/s}\n", (2, 14), "`counter` and `gauge`", "keep one"),
        ("metrics:\n  - {series: up, gauge: 1}\n", (2, 14), "two generators for the series up", "different labels"),
        ("metrics:\n  - {series: x, counter: 1/s, starts: -5}\n", (2, 39), "to begin with", "0 or more"),
        ("metrics:\n  - {series: x, gauge: 1, adds: 5}\n", (2, 33), "`adds` does not go with `gauge`", "count"),
        ("metrics:\n  - {series: x}\n", (2, 14), "a metric without values", "gauge"),
        ("metrics:\n  - {series: 'x{', gauge: 1}\n", (2, 17), "not a series", ""),
        ("metrics:\n  - {series: x, gague: 1}\n", (2, 17), "unknown field `gague`", "did you mean `gauge`?"),
        (
            "metrics:\n  - {series: x, gauge: {s: 1}}\nspans:\n  s: {from: \"00:01\", to: \"00:02\"}\n",
            (2, 25),
            "no value for the rest",
            "else",
        ),
        ("metrics:\n  - {series: x, gauge: 1, each: {a: []}}\n", (2, 33), "empty `each`", ""),
        (
            "metrics:\n  - {series: 'x{a=\"${b}\"}', gauge: 1, each: {a: [1]}}\n",
            (2, 14),
            "unknown substitution `${b}`",
            "a",
        ),
        ("metrics:\n  - {series: x, gauge: 1, born: first}\n", (2, 33), "`born: first`", "count"),
        ("metrics:\n  - {series: x, values: \"1x100\"}\n", (2, 25), "101 values for 11 scrapes", ""),
        ("metrics:\n  - {series: x, recorded_file: x.csv}\n", (2, 32), "x.csv: no such file", ""),
        ("logs:\n  - {stream: {a: b}, line: x}\n", (2, 5), "either an `event` or a `recorded_file`", "recorded_file"),
        (
            "spans:\n  s: {from: \"00:01\", to: \"00:03\"}\n  t: {from: \"00:02\", to: \"00:04\"}\nmetrics:\n  - {series: x, gauge: {else: 1, s: 2, t: 3}}\n",
            (5, 40),
            "overlap",
            "where the other begins",
        ),
        ("gaps:\n  - {down: {target: a}, during: stuck}\n", (2, 33), "unknown span `stuck`", ""),
        ("gaps:\n  - {down: {target: a}}\n", (2, 5), "a gap needs its time", "during"),
        ("variants:\n  v: {without: [stuck]}\n", (2, 17), "leaves out `stuck`, which does not exist", ""),
        (
            "variants:\n  v: {set: {spans.stcuk.to: \"00:01\"}}\nspans:\n  stuck: {from: \"00:01\", to: \"00:02\"}\n",
            (2, 13),
            "leads to nothing",
            "did you mean `stuck`?",
        ),
        (
            "expect:\n  alerts: [{'A{x=\"y\"}': {fires: {at: stuck.from}}}]\n",
            (2, 38),
            "unknown span or event `stuck`",
            "",
        ),
        (
            "expect:\n  alerts: [{A: {fires: {within: 5m, before: \"00:03\"}}}]\n",
            (2, 24),
            "both say the latest time",
            "",
        ),
        ("expect:\n  alerts: [{A: {}}]\n", (2, 13), "nothing is expected", "never"),
        ("expect:\n  alerts: [{A: nevr}]\n", (2, 12), "`nevr` is not what an alert does", ""),
        (
            "expect:\n  queries: [{promql: up, at: 00:01, selects: something}]\n",
            (2, 30),
            "a time written as a number",
            "",
        ),
        ("expect:\n  queries: [{promql: up, selects: something}]\n", (2, 22), "without its time", ""),
    ];
    let mut wrong = Vec::new();
    let head_lines = HEAD.lines().count();
    for (body, (line, column), message, help) in cases {
        let problems = match read_text(&format!("{HEAD}{body}")) {
            Ok(_) => panic!("accepted:\n{body}"),
            Err(problems) => problems,
        };
        let shown = lines(&problems);
        let wanted = format!("r.yaml:{}:{column}: ", head_lines + line);
        let found = problems.iter().any(|problem| {
            problem.to_string().starts_with(&wanted)
                && problem.message.contains(message)
                && problem.help.as_deref().unwrap_or_default().contains(help)
        });
        if !found {
            wrong.push(format!("{body}wanted {wanted}{message} ({help})\n{shown}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_head_that_makes_no_sense_is_refused() {
    for (old, new, message) in [
        ("replay/1", "replay/9", "an unknown replay format"),
        ("firedrill: replay/1\n", "", "does not say its format"),
        ("title: t\n", "", "missing field `title`"),
        ("end: 2026-01-01T00:05:00Z", "end: 2025-01-01T00:05:00Z", "ends before it begins"),
        ("start: 2026-01-01T00:00:00Z", "start: yesterday", "not a date with a time"),
        ("scrape: 30s", "scrape: 0s", "an interval of nothing"),
        ("scrape: 30s", "scrape: 30s, phase: 30s", "a phase of 30s"),
    ] {
        let problems = read_text(&HEAD.replace(old, new)).unwrap_err();
        assert!(lines(&problems).contains(message), "{message}: {}", lines(&problems));
    }
}

#[test]
fn several_problems_are_reported_at_once() {
    let problems = read_text(&format!(
        "{HEAD}spans:\n  s: {{from: 00:01, to: \"00:02\"}}\n  t: {{from: \"00:02\", too: 1}}\ndialct: promql\n"
    ))
    .unwrap_err();
    assert_eq!(problems.len(), 4, "{}", lines(&problems));
}

#[test]
fn marks_and_times_of_a_day_are_found() {
    let text = format!(
        "{HEAD}spans:\n  s: {{from: \"00:01:00\", to: \"00:04:00\"}}\nevents:\n  try: {{retry: {{while: s, takes: 20s, waits: [10s]}}}}\n"
    );
    let day = read_text(&text).unwrap().variant(None).unwrap();
    let at = |mark: &str| (day.time_of(mark).unwrap() - day.start()).seconds();
    for (mark, seconds) in [
        ("start", 0.0),
        ("end", 300.0),
        ("s.from", 60.0),
        ("s.to - 30s", 210.0),
        ("try.first", 60.0),
        ("try.last", 210.0),
        ("try.end.first", 80.0),
        ("try.success", 240.0),
        ("00:02", 120.0),
    ] {
        assert_eq!(at(mark), seconds, "{mark}");
    }
    for (mark, message) in [
        ("s.form", "unknown mark"),
        ("try.end", "is not one moment"),
        ("trry.first", "unknown span or event"),
        ("s.to + 5m", "outside of the replay"),
    ] {
        assert!(day.time_of(mark).unwrap_err().message.contains(message), "{mark}");
    }
}

/// Bad input never panics: the incident's replay with bytes removed, doubled and swapped.
#[test]
fn no_broken_replay_makes_the_reader_panic() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/incidents/vmagent-remote-write/replay.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let characters: Vec<char> = text.chars().collect();
    let mut random = super::random::Random::named("broken replays");
    let mut refused = 0;
    for round in 0..200 {
        let mut broken = characters.clone();
        for _ in 0..=round % 3 {
            let mut at = || (random.unit() * (broken.len() - 8) as f64) as usize;
            let (one, two) = (at(), at());
            match round % 4 {
                0 => drop(broken.drain(one..one + 3)),
                1 => broken.swap(one, two),
                2 => broken.insert(one, ['0', '-', '}', '"', 'é'][two % 5]),
                _ => broken[one] = ['9', '{', '$', ' ', '\n'][two % 5],
            }
        }
        match read_text(&broken.into_iter().collect::<String>()) {
            Ok(replay) => {
                for day in replay.days() {
                    drop(day.generate(Limits { max_samples: 100_000, ..Limits::default() }));
                }
            }
            Err(problems) => {
                refused += 1;
                assert!(problems.iter().all(|problem| problem.place.is_some()), "{}", lines(&problems));
            }
        }
    }
    assert!(refused > 50, "{refused}");
}

#[test]
fn the_short_forms_mean_what_the_long_ones_mean() {
    let text = r##"
firedrill: replay/1
title: everything at once
document: [a.md, b.md]
start: 2025-11-14T14:30:00Z
end: 2025-11-14T16:30:00Z
rules: [../../rules/vmagent.yaml]
dialect: promql
external_labels: {cluster: home}
targets:
  vmagent:  {labels: {job: vmagent, instance: "10.42.3.110:8429"}, scrape: 30s, phase: 7s}
  vmsingle: {labels: {job: vmsingle, instance: "10.42.1.188:8428"}, scrape: 30s}
  probe: {labels: {job: t3-probe}, scrape: 15s}
spans:
  stuck: {from: "15:06:45", to: "15:58:00", fitted: "the alert's 'active since 15:09:00'"}
events:
  attempt: {retry: {while: stuck, takes: 120s, waits: [2s, 4s, 8s, 16s, 32s, 65.92s]}, source: "incident.md#symptoms"}
  server_error: {after: attempt.start, delay: 121s}
  reboot: {script: {from: stuck.to, steps: [0s, 5s, 1m30s]}}
  some: {after: attempt.end, nth: 2, probability: 50%}
  once: {after: stuck.to, delay: 1m}
metrics:
  - {series: 'vm_http_request_errors_total{path="/api/v1/write"}', target: vmsingle, count: server_error, born: start}
  - {series: 'vmagent_remotewrite_pending_data_bytes', target: vmagent, backlog: {in: 54766B / 30s, out: {else: 1MiB/s, stuck: 0}}}
  - {series: 't3probe_connected{leg="${leg}"}', each: {leg: [cloudflare, internal]}, target: probe, gauge: {else: 1}}
gaps:
  - {late: {target: vmagent}, during: stuck}
logs:
  - {stream: {job: vmagent}, event: attempt.end, line: "couldn't send a block ... re-sending the block in ${wait} seconds"}
variants:
  control: {without: [stuck], expect: {others: silent}}
  reverted: {set: {spans.stuck.to: "15:20:00"}}
happened:
  alerts: [{'RequestErrorsToAPI{path="/api/v1/write"}': {active: {at: "15:09:00"}}}]
expect:
  alerts:
    - 'RequestErrorsToAPI{path=~"/api/.*"}': {active: {at: "15:09:00"}, fires: {within: 20m, after: stuck.from}, times: 1}
    - 'ServiceDown': never
    - T3ProbeLegDown: {fires: never, blind: "no rule for it here"}
  others: {severity: page}
  queries:
    - {promql: "up", at: "15:32", returns: [{__name__: up, job: vmsingle, value: 1}]}
    - {document: "incident.md#key-metrics", at: "15:32", selects: something}
    - {promql: "1", from: stuck.from, to: stuck.to, step: 5m, returns: 1}
  triage: {runbook: vmagent, cause: write-path-stuck, within: 5m, after: page}
"##;
    let replay = read_text(text).unwrap_or_else(|problems| panic!("{}", lines(&problems)));
    let day = replay.variant(None).unwrap();
    let at = |time: &str| day.time_of(time).unwrap();
    let expect = day.expect.as_ref().unwrap();
    let Some(Occurs::Within(fires)) = &expect.alerts[0].fires else { panic!("no window") };
    assert_eq!((fires.from, fires.to), (at("15:06:45"), at("15:26:45")));
    assert_eq!(fires.words, "within 20m after stuck.from");
    assert_eq!(expect.alerts[0].alertname, "RequestErrorsToAPI");
    let matches = |matcher: &Matcher| matcher.name.as_ref() == "path" && matcher.matches("/api/v1/write");
    assert!(expect.alerts[0].matchers.iter().any(matches));
    assert!(matches!(&expect.alerts[1].fires, Some(Occurs::Never(_))));
    assert!(expect.alerts[2].blind.is_some());
    assert_eq!(expect.others.as_ref().unwrap().labels.len(), 1);
    assert_eq!(expect.queries.len(), 3);
    assert_eq!(
        expect.queries[2].when,
        QueryTime::Range { from: at("15:06:45"), to: at("15:58:00"), step: crate::time::Duration(300_000) }
    );
    assert_eq!(day.event("reboot").unwrap().times("").unwrap(), [at("15:58:00"), at("15:58:05"), at("15:59:30")]);
    assert_eq!(day.event("once").unwrap().times("").unwrap(), [at("15:59:00")]);
    // Four series, and the `up` of the target that is late for a while; those of the others nobody wrote.
    let mut provenance = day.generate(Limits::default()).unwrap().provenance;
    assert_eq!(provenance.iter().filter(|series| series.implied).count(), day.targets.len() - 1);
    provenance.retain(|series| !series.implied);
    assert_eq!(provenance.iter().filter(|series| series.labels.name() == "up").count(), 1);
    assert_eq!(provenance.len(), 5);
    // A variant without its own expectations has the replay's, and what happened did not happen then.
    let reverted = replay.variant(Some("reverted")).unwrap();
    assert!(reverted.expect.is_some() && reverted.happened.is_none());
    assert!(replay.variant(Some("control")).unwrap().expect.as_ref().unwrap().alerts.is_empty());
}
