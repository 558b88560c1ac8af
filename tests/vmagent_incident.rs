//! The replay of the vmagent incident, checked against arithmetic on its figures.

use std::path::Path;
use std::sync::Arc;

use firedrill::engine::{Mode, Step, Steps};
use firedrill::labels::{Labels, MatchOp, Matcher};
use firedrill::promql::eval::{Profile, Query};
use firedrill::replay::{self, Day, Generated, Kind, Limits, QueryTime, Replay, Returns};
use firedrill::store::{Moment, Series};
use firedrill::text::Source;
use firedrill::time::{Duration, Timestamp};

fn incident() -> Replay {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("incidents/vmagent-remote-write");
    let text = std::fs::read_to_string(folder.join("replay.yaml")).unwrap();
    replay::read(&Source::new("replay.yaml", text), &folder)
        .unwrap_or_else(|problems| panic!("{}", problems.iter().map(|p| format!("{p}\n")).collect::<String>()))
}

fn day(name: Option<&str>) -> (Arc<Day>, Generated) {
    let day = incident().variant(name).unwrap();
    let generated = day.generate(Limits::default()).unwrap();
    (day, generated)
}

fn series<'a>(generated: &'a Generated, name: &str, label: &str, value: &str) -> &'a Series {
    let matchers =
        [Matcher::new("__name__", MatchOp::Equal, name).unwrap(), Matcher::new(label, MatchOp::Equal, value).unwrap()];
    let ids = generated.store.select(&matchers);
    assert_eq!(ids.len(), 1, "{name}");
    generated.store.series(ids[0])
}

/// The last sample that a reader at a time of the day sees: its age and its value.
fn seen(series: &Series, day: &Day, at: &str) -> (Duration, f64) {
    let at = day.time_of(at).unwrap();
    let visible = series.visible(Moment { at, position: 1 });
    (at - series.times[visible - 1], series.values[visible - 1])
}

fn clock(day: &Day, seconds: &[f64]) -> Vec<Timestamp> {
    seconds.iter().map(|s| day.start() + Duration((s * 1000.0).round() as i64)).collect()
}

#[test]
fn attempts_follow_the_waits_of_the_log() {
    let (day, _) = day(None);
    let attempt = day.event("attempt").unwrap();
    // 15:06:45 is 2205 s after the start. Each attempt takes 120 s; waits 2, 4, 8, 16, 32, then 65.92 s for ever.
    let starts = [2205.0, 2327.0, 2451.0, 2579.0, 2715.0, 2867.0, 3052.92, 3238.84];
    assert_eq!(attempt.times("start").unwrap()[..8], clock(&day, &starts)[..]);
    // The 18th waits when the path comes back at 15:58:00 and succeeds when its wait is over.
    assert_eq!(attempt.times("end").unwrap().len(), 18);
    assert_eq!(day.time_of("attempt.success").unwrap(), day.time_of("15:58:03.960").unwrap());
    let errors = day.event("server_error").unwrap().times("").unwrap();
    assert_eq!(errors[0], day.time_of("15:08:46").unwrap());
    // Never 5 minutes without an error while it lasts, so the condition holds without a break.
    assert!(errors.windows(2).all(|pair| pair[1] - pair[0] < Duration(200_000)));
}

#[test]
fn the_first_error_is_on_the_server_at_the_scrape_of_15_09() {
    let (day, generated) = day(None);
    let errors = series(&generated, "vm_http_request_errors_total", "path", "/api/v1/write");
    assert_eq!(seen(errors, &day, "15:08:59"), (Duration(29_000), 0.0));
    assert_eq!(seen(errors, &day, "15:09:00"), (Duration(0), 1.0));
    assert_eq!(seen(errors, &day, "15:32:00"), (Duration(0), 9.0));
    assert_eq!(seen(errors, &day, "end"), (Duration(0), 18.0));
}

#[test]
fn what_travels_through_the_queue_arrives_when_it_drains_and_nothing_is_lost() {
    let (day, generated) = day(None);
    let retries = series(&generated, "vmagent_remotewrite_retries_count_total", "job", "vmagent");
    // Until 15:58:03.96 the server knows nothing newer than the scrape of 15:06:30.
    assert_eq!(seen(retries, &day, "15:32:00"), (Duration(25 * 60_000 + 30_000), 0.0));
    assert_eq!(seen(retries, &day, "15:58:03"), (Duration(51 * 60_000 + 33_000), 0.0));
    assert_eq!(seen(retries, &day, "15:58:04"), (Duration(4_000), 17.0));
    let pending = series(&generated, "vmagent_remotewrite_pending_data_bytes", "job", "vmagent");
    let sent = series(&generated, "vmagent_remotewrite_bytes_sent_total", "job", "vmagent");
    // 3075 s of 54,766 bytes a 30 s at the scrape of 15:58:00.
    assert_eq!(pending.values.iter().copied().fold(0.0, f64::max), (54_766.0_f64 * 3075.0 / 30.0).floor());
    for (n, (pending, sent)) in pending.values.iter().zip(&sent.values).enumerate() {
        let came_in = 54_766.0 * n as f64;
        assert!((came_in - pending - sent).abs() < 2.0, "scrape {n}: {came_in} {pending} {sent}");
    }
    assert_eq!(seen(pending, &day, "end").1, 0.0);
    let up = series(&generated, "up", "job", "vmagent");
    assert_eq!(up.values, [1.0; 241]);
}

#[test]
fn the_control_keeps_its_noise_and_its_load() {
    let (day, generated) = day(Some("control"));
    let (_, base) = self::day(None);
    let noise = |generated: &Generated| {
        series(generated, "vm_http_request_errors_total", "path", "/api/v1/query_range").values.clone()
    };
    assert_eq!(noise(&generated), noise(&base));
    assert!(noise(&generated).last().is_some_and(|failed| *failed >= 3.0));
    assert_eq!(seen(series(&generated, "vm_http_request_errors_total", "path", "/api/v1/write"), &day, "end").1, 0.0);
    assert_eq!(
        seen(series(&generated, "vmagent_remotewrite_bytes_sent_total", "job", "vmagent"), &day, "end").1,
        13_143_840.0
    );
    assert!(series(&generated, "up", "job", "vmagent").moments.is_none(), "nothing is late");
}

#[test]
fn every_series_says_what_it_rests_on() {
    let (_, generated) = day(None);
    let kind = |name: &str, path: &str| {
        let called = |labels: &Labels| labels.name() == name && labels.get("path") == path;
        let found = generated.provenance.iter().find(|series| called(&series.labels) && !series.implied).unwrap();
        (found.kind, found.figures.iter().any(|figure| figure.what == "spans.stuck" && figure.kind == Kind::Fitted))
    };
    // The counter is documented, and fitted all the same: it rests on the span that was fitted to the alert.
    assert_eq!(kind("vm_http_request_errors_total", "/api/v1/write"), (Kind::Fitted, true));
    assert_eq!(kind("vm_http_request_errors_total", "/api/v1/query_range"), (Kind::Assumed, false));
    // Whether vmagent was seen is a figure of the gap; the `up` of the other target says no more than that it was scraped.
    assert_eq!(kind("up", "").0, Kind::Assumed);
    assert_eq!(generated.provenance.iter().filter(|series| !series.implied).count(), 8);
}

/// From when to when a condition holds at the ticks of a minute, each with what had arrived by then.
fn holds(day: &Day, generated: &Generated, expr: &str) -> Vec<String> {
    let minutes = (day.end() - day.start()).0 / 60_000;
    let times: Vec<Timestamp> = (0..=minutes).map(|n| day.start() + Duration(n * 60_000)).collect();
    let steps = Steps(times.iter().map(|at| Step { time: *at, frontier: Moment { at: *at, position: 1 } }).collect());
    let mut query = Query::compile(&firedrill::promql::parse(expr).unwrap(), &Profile::prometheus()).unwrap();
    let matrix = query.run(&generated.store, &steps, Mode::Instants).unwrap();
    let clock = |at: usize| times[at].calendar().unwrap().format("%H:%M").to_string();
    let mut found = Vec::new();
    let mut since = None;
    for at in 0..=times.len() {
        let here = at < times.len() && matrix.columns().any(|column| column.at(at).is_some());
        match (since, here) {
            (None, true) => since = Some(at),
            (Some(from), false) => {
                found.push(format!("{}-{}", clock(from), clock(at - 1)));
                since = None;
            }
            _ => {}
        }
    }
    found
}

const WRITE_ERRORS: &str = r#"increase(vm_http_request_errors_total{path="/api/v1/write"}[5m]) > 0"#;
const RETRIES: &str = "rate(vmagent_remotewrite_retries_count_total[5m]) > 0";
const NO_SAMPLES: &str = r#"absent_over_time(up{job="vmagent"}[5m])"#;

/// The times of all but the late samples were compared with promtool, which knows no late samples.
#[test]
fn conditions_hold_when_the_page_says_so() {
    for (variant, errors, retries, missing) in [
        (None, "15:09-16:01", "15:59-16:02", "15:12-15:58"),
        (Some("control"), "", "", ""),
        (Some("reverted"), "15:09-15:24", "15:21-15:25", "15:12-15:20"),
        (Some("short"), "15:09-15:13", "15:10-15:13", ""),
        (Some("own-path"), "15:09-16:01", "15:09-16:02", ""),
    ] {
        let (day, generated) = day(variant);
        assert_eq!(holds(&day, &generated, WRITE_ERRORS).join(" "), errors, "{variant:?}");
        assert_eq!(holds(&day, &generated, RETRIES).join(" "), retries, "{variant:?}");
        assert_eq!(holds(&day, &generated, NO_SAMPLES).join(" "), missing, "{variant:?}");
    }
}

#[test]
fn the_queries_of_the_page_return_what_it_says() {
    for day in incident().days() {
        let generated = day.generate(Limits::default()).unwrap();
        for expected in &day.expect.as_ref().unwrap().queries {
            let text = match &expected.query {
                replay::Query::PromQl(text) => text,
                // `tests/drift.rs` asks those of the document, and `tests/day_logs.rs` log lines.
                replay::Query::Document(_) | replay::Query::LogQl(_) => continue,
            };
            let QueryTime::At(at) = expected.when else { panic!("not an instant") };
            let step = Step { time: at, frontier: Moment { at, position: u32::MAX } };
            let mut query =
                Query::compile(&firedrill::promql::parse(&text.text).unwrap(), &Profile::prometheus()).unwrap();
            let matrix = query.run(&generated.store, &Steps(vec![step]), Mode::Instants).unwrap();
            let found: Vec<f64> = matrix.columns().filter_map(|column| column.at(0)).collect();
            if let Some(something) = expected.selects {
                assert_eq!(!found.is_empty(), something, "{}", text.text);
            }
            if let Some(Returns::Rows(rows)) = &expected.returns {
                assert!(rows.len() == 1 && found.len() == 1, "{}: {found:?}", text.text);
                assert!(expected.tolerance.allows(rows[0].values[0], found[0]), "{}: {found:?}", text.text);
            }
        }
    }
}
