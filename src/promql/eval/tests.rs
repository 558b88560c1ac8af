//! What holds of whole queries; expected values come from promtool runs or from arithmetic.

use super::*;
use crate::engine::{Mode, Step, Steps};
use crate::labels::Labels;
use crate::promql::parse;
use crate::store::{MetricStore, Moment};
use crate::time::{Duration, Timestamp};

const MINUTE: i64 = 60_000;

fn labels(metric: &str) -> Labels {
    let series = crate::promql::parse_selector(metric).unwrap();
    Labels::from_pairs(series.matchers.iter().map(|matcher| (matcher.name.to_string(), matcher.value.to_string())))
}

/// One sample a minute from minute 0, `None` where there is none, each visible when it is taken.
fn load(store: &mut MetricStore, metric: &str, values: impl IntoIterator<Item = Option<f64>>) {
    let id = store.id_or_create(&labels(metric));
    for (minute, value) in (0..).zip(values) {
        if let Some(value) = value {
            let time = Timestamp(minute * MINUTE);
            store.append(id, time, value, Moment::arrival(time)).unwrap();
        }
    }
}

fn numbers(values: impl IntoIterator<Item = f64>) -> impl Iterator<Item = Option<f64>> {
    values.into_iter().map(Some)
}

/// What a rule at `position` writes: a sample a minute that later rules see at the same tick and others at the next.
fn write(store: &mut MetricStore, metric: &str, position: u32, values: impl IntoIterator<Item = f64>) {
    let id = store.id_or_create(&labels(metric));
    for (minute, value) in (0..).zip(values) {
        let time = Timestamp(minute * MINUTE);
        store.append(id, time, value, Moment { at: time, position }).unwrap();
    }
}

/// Ticks of a rule at a position.
fn ticks(minutes: impl IntoIterator<Item = i64>, position: u32) -> Steps {
    let step = |minute: i64| {
        let time = Timestamp(minute * MINUTE);
        Step { time, frontier: Moment { at: time, position } }
    };
    Steps(minutes.into_iter().map(step).collect())
}

fn shown(elements: Vec<(Labels, f64)>) -> Vec<String> {
    elements.iter().map(|(labels, value)| format!("{} {value}", labels.as_metric())).collect()
}

/// The elements of each step, or its error, of one run over all steps; each step alone has to yield the same.
fn instants(store: &MetricStore, expr: &str, steps: &Steps) -> Vec<Result<Vec<String>, String>> {
    let parsed = parse(expr).unwrap();
    let mut query = Query::compile(&parsed, &Profile::prometheus()).unwrap();
    let at = |matrix: &crate::engine::Matrix, step| matrix.result(step).map(shown).map_err(|error| error.message);
    let matrix = query.run(store, steps, Mode::Instants).unwrap();
    let together: Vec<_> = (0..steps.len()).map(|step| at(&matrix, step)).collect();
    for (step, together) in steps.0.iter().zip(&together) {
        let alone = query.run(store, &Steps(vec![*step]), Mode::Instants).unwrap();
        assert_eq!(&at(&alone, 0), together, "{expr} alone at {:?}", step.time);
    }
    together
}

fn only(store: &MetricStore, expr: &str, step: Steps) -> Vec<String> {
    instants(store, expr, &step).remove(0).unwrap()
}

/// A series of a range query, and its value at each step.
type Line = (String, Vec<Option<f64>>);

fn range(store: &MetricStore, expr: &str, from: i64, to: i64) -> Result<Vec<Line>, String> {
    let (start, end) = (Timestamp(from * MINUTE), Timestamp(to * MINUTE));
    let steps = Steps::range(start, end, Duration::MINUTE);
    let mode = Mode::Range { start, end, step: Duration::MINUTE };
    let mut query = Query::compile(&parse(expr).unwrap(), &Profile::prometheus()).unwrap();
    let matrix = query.run(store, &steps, mode).map_err(|error| error.message)?;
    let values = |column: crate::engine::Column<'_>| (0..steps.len()).map(|step| column.at(step)).collect();
    Ok(matrix.columns().map(|column| (column.labels.as_metric(), values(column))).collect())
}

#[test]
fn samples_of_a_later_rule_are_invisible_at_their_own_tick_also_inside_subqueries() {
    let mut store = MetricStore::default();
    write(&mut store, "later", 5, (0..10).map(f64::from));
    assert_eq!(only(&store, "later", ticks([6], 3)), ["later 5"]);
    assert_eq!(only(&store, "later", ticks([6], 7)), ["later 6"]);
    // promtool: 14 and 9.
    for at in [3, 5] {
        assert_eq!(only(&store, "sum_over_time(later[3m:1m])", ticks([6], at)), ["{} 14"]);
        assert_eq!(only(&store, "sum_over_time(later[3m])", ticks([6], at)), ["{} 9"]);
    }
    assert_eq!(only(&store, "sum_over_time(later[3m:1m])", ticks([6], 6)), ["{} 15"]);
    let all = instants(&store, "sum_over_time(later[3m:1m])", &ticks(0..8, 3));
    let expected = ["", "{} 0", "{} 1", "{} 4", "{} 8", "{} 11", "{} 14", "{} 17"];
    for (found, expected) in all.iter().zip(expected).skip(4) {
        assert_eq!(found.as_ref().unwrap(), &[expected]);
    }
}

#[test]
fn the_future_is_not_there_yet() {
    let mut store = MetricStore::default();
    load(&mut store, "a", numbers((0..10).map(f64::from)));
    assert_eq!(only(&store, "a offset -1m", ticks([6], 1)), ["a 6"]);
    assert_eq!(only(&store, "a @ 480", ticks([6], 1)), ["a 6"]);
    assert_eq!(only(&store, "a offset -1m", Steps::instant(Timestamp(6 * MINUTE))), ["a 7"]);
    assert_eq!(only(&store, "sum_over_time(a[2m] offset -1m)", ticks([6], 1)), ["{} 6"]);
    assert_eq!(only(&store, "max_over_time(a[3m:1m] offset -2m)", ticks([6], 1)), ["{} 6"]);
}

#[test]
fn windows_and_lookback_are_open_on_the_left() {
    let mut store = MetricStore::default();
    load(&mut store, "a", numbers([1.0]));
    load(&mut store, "b", numbers([1.0, 2.0, 3.0]));
    let found = instants(&store, "a", &ticks([0, 4, 5, 6], 1));
    assert_eq!(found.iter().map(|found| found.as_ref().unwrap().len()).collect::<Vec<_>>(), [1, 1, 0, 0]);
    assert_eq!(only(&store, "count_over_time(b[2m])", ticks([2], 1)), ["{} 2"]);
}

#[test]
fn equal_labels_collide_only_where_they_meet() {
    let mut store = MetricStore::default();
    load(&mut store, "c1", [Some(0.0), Some(1.0), Some(2.0), None, None, None, None]);
    load(&mut store, "c2", [None, None, None, None, Some(5.0), Some(6.0), Some(7.0)]);
    let expr = r#"sum_over_time({__name__=~"c1|c2"}[2m])"#;
    let found = instants(&store, expr, &ticks([1, 3, 5], 1));
    assert_eq!(found, [Ok(vec!["{} 1".to_owned()]), Ok(vec!["{} 2".to_owned()]), Ok(vec!["{} 11".to_owned()])]);
    let same = "vector cannot contain metrics with the same labelset";
    assert_eq!(
        instants(&store, r#"sum_over_time({__name__=~"c1|c2"}[3m])"#, &ticks([1, 4, 6], 1))[1],
        Err(same.to_owned())
    );
    // One range query over the same steps fails, though no two samples meet.
    assert_eq!(range(&store, expr, 1, 5), Err(same.to_owned()));
    // An operator on samples merges what never meets.
    assert!(range(&store, r#"-{__name__=~"c1|c2"}"#, 1, 5).is_err());
}

#[test]
fn an_error_belongs_to_its_step() {
    let mut store = MetricStore::default();
    load(&mut store, r#"a{x="1"}"#, numbers([1.0; 10]));
    load(&mut store, r#"b{y="1"}"#, numbers([2.0; 10]));
    load(&mut store, r#"b{y="2"}"#, [None, None, Some(3.0), Some(crate::number::stale_marker()), None]);
    let found = instants(&store, "a + on() b", &ticks([1, 2, 3], 1));
    assert_eq!(found[0], Ok(vec!["{} 3".to_owned()]));
    assert_eq!(
        found[1],
        Err(r#"found duplicate series for the match group {} on the right hand-side of the operation: [{__name__="b", y="1"}, {__name__="b", y="2"}];many-to-many matching not allowed: matching labels must be unique on one side"#.to_owned())
    );
    assert_eq!(found[2], Ok(vec!["{} 3".to_owned()]));
    // Only the outer steps fail whose windows hold the failure.
    let found = instants(&store, "max_over_time((a + on() b)[2m:1m])", &ticks(1..6, 1));
    assert_eq!(found.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false, true, true]);
}

#[test]
fn what_cannot_be_compiled_is_refused_with_its_place() {
    let profile = Profile::upstream_test();
    for (expr, message, place) in [
        (
            "label_replace(a, \"\", \"\", \"\", \"\")",
            "invalid destination label name in label_replace(): ",
            "label_replace",
        ),
        ("sum_over_time(a[2 * step()])", "the duration is not longer than 0: 0 s", "2 * step()"),
    ] {
        let parsed = crate::promql::parse_with(expr, profile.features).unwrap();
        let error = Query::compile(&parsed, &profile).map(|_| ()).unwrap_err();
        assert_eq!(error.message, message);
        assert!(expr[error.span.start..error.span.end].starts_with(place), "{expr}: {:?}", error.span);
    }
}

#[test]
fn a_query_that_would_hold_too_much_is_an_error_before_it_does() {
    let mut store = MetricStore::default();
    for number in 0..200 {
        load(&mut store, &format!("a{{x=\"{number}\"}}"), numbers([1.0; 60]));
    }
    let too_many = "query processing would load too many samples into memory in query execution";
    let profile = Profile { max_samples: 10_000, ..Profile::prometheus() };
    let range = |minutes| Mode::Range { start: Timestamp(0), end: Timestamp(minutes * MINUTE), step: Duration::MINUTE };
    let run = |expr: &str, count: i64, mode| {
        let mut query = Query::compile(&parse(expr).unwrap(), &profile).unwrap();
        match query.run(&store, &ticks(60 - count..60, 1), mode) {
            Err(error) => Err(error.message),
            Ok(mut matrix) => matrix.errors.pop_first().map_or(Ok(()), |(_, error)| Err(error.message)),
        }
    };
    let too_many = Err(too_many.to_owned());
    for (expr, count, mode) in [
        ("a", 60, range(60)),
        ("sum_over_time(vector(1)[1000d:1s])", 1, Mode::Instants),
        // 200 series at 51 inner steps, also where the windows of several queries are evaluated together.
        ("sum_over_time(a[51m:1m])", 1, Mode::Instants),
        ("sum_over_time(a[51m:1m])", 3, Mode::Instants),
        ("max_over_time(sum_over_time(a[26m:1m])[26m:1m])", 2, Mode::Instants),
    ] {
        assert_eq!(run(expr, count, mode), too_many, "{expr}");
    }
    // What counts is what each query holds, not what all of them hold together.
    for (expr, count) in [("a", 60), ("sum_over_time(a[48m:1m])", 60)] {
        assert_eq!(run(expr, count, Mode::Instants), Ok(()), "{expr}");
    }
}

#[test]
fn a_kept_plan_sees_series_that_appear_and_tells_stores_apart() {
    let mut store = MetricStore::default();
    load(&mut store, r#"a{x="1"}"#, numbers([1.0, 2.0]));
    let mut query = Query::compile(&parse("sum by (x) (a)").unwrap(), &Profile::prometheus()).unwrap();
    let mut run = |store: &MetricStore| {
        let matrix = query.run(store, &ticks([1], 1), Mode::Instants).unwrap();
        (matrix.head().clone(), shown(matrix.result(0).unwrap()))
    };
    let (first, _) = run(&store);
    let (again, _) = run(&store);
    assert!(std::sync::Arc::ptr_eq(&first, &again));
    load(&mut store, r#"a{x="0"}"#, numbers([3.0, 4.0]));
    assert_eq!(run(&store).1, [r#"{x="1"} 2"#, r#"{x="0"} 4"#]);
    let mut other = MetricStore::default();
    load(&mut other, r#"a{x="7"}"#, numbers([5.0, 6.0]));
    load(&mut other, r#"a{x="8"}"#, numbers([5.0, 8.0]));
    assert_eq!(run(&other).1, [r#"{x="7"} 6"#, r#"{x="8"} 8"#]);
}

#[test]
fn order_is_that_of_series_of_groups_as_they_come_and_of_sort() {
    let mut store = MetricStore::default();
    load(&mut store, r#"a{g="1", m="1"}"#, [Some(1.0), None, Some(crate::number::stale_marker())]);
    load(&mut store, r#"a{g="2", m="2"}"#, numbers([5.0, 5.0, 5.0]));
    load(&mut store, r#"a{g="1", m="3"}"#, numbers([3.0, 3.0, 3.0]));
    assert_eq!(only(&store, "sum by (g) (a)", ticks([0], 1)), [r#"{g="1"} 4"#, r#"{g="2"} 5"#]);
    assert_eq!(only(&store, "sum by (g) (a)", ticks([2], 1)), [r#"{g="2"} 5"#, r#"{g="1"} 3"#]);
    assert_eq!(only(&store, "sort(sum by (g) (a))", ticks([2], 1)), [r#"{g="1"} 3"#, r#"{g="2"} 5"#]);
    assert_eq!(only(&store, "bottomk(2, a)", ticks([0], 1)), [r#"a{g="1", m="1"} 1"#, r#"a{g="1", m="3"} 3"#]);
}
