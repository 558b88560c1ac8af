//! What has to hold of any series: sums of sums, sets and their complements, joins from either side. Two expressions that mean the
//! same have the same result, to the bit: the values are whole numbers, so that no sum is rounded.

use std::collections::BTreeMap;

use firedrill::engine::{Mode, Step, Steps};
use firedrill::labels::Labels;
use firedrill::number::stale_marker;
use firedrill::promql::eval::{Profile, Query};
use firedrill::promql::{Features, parse_with};
use firedrill::store::{MetricStore, Moment};
use firedrill::time::Timestamp;
use proptest::prelude::*;

const TICK: i64 = 60_000;
const TICKS: i64 = 8;

/// A series of `a` or `b`: its labels, its samples.
type Written = (usize, usize, usize, Vec<Option<i32>>);

fn series() -> impl Strategy<Value = Vec<Written>> {
    let value = prop_oneof![1 => Just(None), 6 => (-9..60).prop_map(Some), 1 => Just(Some(i32::MAX))];
    prop::collection::vec((0usize..2, 0usize..4, 0usize..3, prop::collection::vec(value, TICKS as usize)), 0..12)
}

fn store(series: &[Written]) -> MetricStore {
    let mut store = MetricStore::default();
    for (metric, x, y, values) in series {
        let (x, y) = (["", "1", "2", "3"][*x], ["", "1", "2"][*y]);
        let labels = Labels::from_pairs([("__name__", ["a", "b"][*metric]), ("x", x), ("y", y)]);
        if store.id(&labels).is_some() {
            continue;
        }
        let id = store.id_or_create(&labels);
        for (tick, value) in (0..).zip(values) {
            let Some(value) = value else { continue };
            let value = if *value == i32::MAX { stale_marker() } else { f64::from(*value) };
            let at = Timestamp(tick * TICK);
            store.append(id, at, value, Moment::arrival(at)).expect("times increase");
        }
    }
    store
}

/// The elements at every tick, by their labels; zeros have no sign. `Err` where it fails.
type Found = Vec<Result<BTreeMap<Labels, u64>, ()>>;

fn found(expr: &str, store: &MetricStore) -> Found {
    let features = Features { experimental_functions: true, ..Features::PROMETHEUS };
    let profile = Profile { features, ..Profile::prometheus() };
    let parsed = parse_with(expr, features).unwrap_or_else(|error| panic!("{expr}: {error}"));
    let steps: Vec<Step> =
        (0..TICKS).map(|tick| Step { time: Timestamp(tick * TICK), frontier: Moment::END }).collect();
    let mut query = Query::compile(&parsed, &profile).unwrap_or_else(|error| panic!("{expr}: {error}"));
    let matrix = query.run(store, &Steps(steps), Mode::Instants).unwrap_or_else(|error| panic!("{expr}: {error}"));
    let at = |step| {
        let elements = matrix.result(step).map_err(|_| ())?;
        let count = elements.len();
        let by_labels: BTreeMap<Labels, u64> =
            elements.into_iter().map(|(labels, value)| (labels, (value + 0.0).to_bits())).collect();
        assert_eq!(by_labels.len(), count, "{expr} has labels twice");
        Ok(by_labels)
    };
    (0..TICKS as usize).map(at).collect()
}

/// Pairs of expressions that mean the same.
const EQUALS: [(&str, &str); 43] = [
    // Groups of groups.
    ("sum(sum by (x) (a))", "sum(a)"),
    ("sum(sum without (x) (a))", "sum(a)"),
    ("sum by (x) (sum by (x, y) (a))", "sum by (x) (a)"),
    ("sum(count by (x) (a))", "count(a)"),
    ("max(max by (y) (a))", "max(a)"),
    ("min(min without (y) (a))", "min(a)"),
    ("sum(sum by (x) (a)) / sum(count by (x) (a))", "avg(a)"),
    ("sum by (x, y) (a)", "sum without () (a)"),
    ("sum by (x) (a)", "sum without (y) (a)"),
    ("group(a)", "clamp(count(a), 1, 1)"),
    ("sum by (x) (count_values by (x) (\"v\", a))", "count by (x) (a)"),
    ("quantile by (x) (0, a)", "min by (x) (a)"),
    ("quantile by (x) (1, a)", "max by (x) (a)"),
    ("-max by (x) (-a)", "min by (x) (a)"),
    ("sum by (x) (topk by (x) (100, a))", "sum by (x) (a)"),
    ("max by (x) (topk by (x) (1, a))", "max by (x) (a)"),
    ("min by (x) (bottomk by (x) (1, a))", "min by (x) (a)"),
    ("count(limitk(2, a))", "clamp_max(count(a), 2)"),
    ("limit_ratio(0.3, a) or limit_ratio(-0.7, a)", "a"),
    ("limit_ratio(0.3, a) and limit_ratio(-0.7, a)", "missing"),
    ("stdvar(a) * 0 + stddev(a) * 0", "count(a) * 0"),
    // Sets.
    ("a or a", "a"),
    ("a and a", "a"),
    ("a unless a", "missing"),
    ("a unless (a unless b)", "a and b"),
    ("(a and b) or (a unless b)", "a"),
    ("(a and on (x) b) or (a unless on (x) b)", "a"),
    ("a unless ignoring (y) b", "a unless on (x) b"),
    ("(a unless on (x) b) and on (x) b", "missing"),
    ("a > 5 or a <= 5", "a"),
    ("a > 5", "a and (a > 5)"),
    ("a unless a > 5", "a <= 5"),
    ("a and on () vector(1)", "a"),
    // Joins.
    ("a + b", "b + a"),
    ("a - b", "-(b - a)"),
    ("a * on (x, y) b", "a * ignoring () b"),
    ("a + on (x) group_left () sum by (x) (b)", "sum by (x) (b) + on (x) group_right () a"),
    ("a > bool b", "b < bool a"),
    ("(a == b) or (a != b)", "a and b"),
    ("a * 2", "a + a"),
    ("a + on () group_left () vector(1)", "a + 1"),
    // Others.
    ("label_replace(a, \"y\", \"$1\", \"y\", \"(.*)\")", "a"),
    ("absent(a) or on () count(a) * 0 + 1", "vector(1)"),
];

/// The ticks at which two expressions have results that differ.
fn without_errors(left: &str, right: &str, store: &MetricStore) -> Vec<usize> {
    let (left, right) = (found(left, store), found(right, store));
    let differs = |at: &usize| matches!((&left[*at], &right[*at]), (Ok(left), Ok(right)) if left != right);
    (0..left.len()).filter(differs).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn expressions_that_mean_the_same_have_one_result(series in series()) {
        let store = store(&series);
        let differs = |(left, right): &(&str, &str)| found(left, &store) != found(right, &store);
        let different: Vec<_> = EQUALS.into_iter().filter(differs).collect();
        prop_assert!(different.is_empty(), "{:#?}", different);
    }

    /// Several on one side of a group are an error on the right side at once, on the left one only where they meet something; without
    /// errors it does not matter what is written where.
    #[test]
    fn sides_of_a_join_can_be_swapped(series in series(), op in prop::sample::select(vec!["+", "*", "== bool", "!= bool"])) {
        let store = store(&series);
        for on in ["", "on (x)", "on ()", "ignoring (x)", "on (x, y)"] {
            let (left, right) = (format!("a {op} {on} b"), format!("b {op} {on} a"));
            prop_assert!(without_errors(&left, &right, &store).is_empty(), "{}", left);
            if !on.is_empty() {
                let (left, right) = (format!("a {op} {on} group_left () b"), format!("b {op} {on} group_right () a"));
                prop_assert!(without_errors(&left, &right, &store).is_empty(), "{}", left);
            }
        }
    }

    /// The largest are at least as large as all others.
    #[test]
    fn topk_leaves_out_what_is_not_larger(series in series(), k in 1..5) {
        let store = store(&series);
        let (all, chosen) = (found("a", &store), found(&format!("topk({k}, a)"), &store));
        for (all, chosen) in all.into_iter().zip(chosen) {
            let (all, chosen) = (all.unwrap(), chosen.unwrap());
            prop_assert_eq!(chosen.len(), all.len().min(k as usize));
            let value = |bits: &u64| f64::from_bits(*bits);
            let least = chosen.values().map(value).fold(f64::INFINITY, f64::min);
            for (labels, bits) in &all {
                prop_assert!(chosen.get(labels) == Some(bits) || (!chosen.contains_key(labels) && value(bits) <= least));
            }
        }
    }
}
