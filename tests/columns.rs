//! One run over many steps yields what runs for each step alone yield: values, order and errors, to the bit.

use firedrill::engine::{Matrix, Mode, Step, Steps};
use firedrill::labels::Labels;
use firedrill::number::stale_marker;
use firedrill::promql::eval::{Profile, Query};
use firedrill::promql::parse_with;
use firedrill::store::{MetricStore, Moment};
use firedrill::time::Timestamp;
use proptest::prelude::*;

const TICK: i64 = 60_000;
const TICKS: i64 = 14;

/// A series: which metric, its labels, the rule that writes it (0: none, an input), its samples.
type Written = (usize, usize, usize, u32, Vec<Option<u8>>);

fn store(series: &[Written]) -> MetricStore {
    let mut store = MetricStore::default();
    for (metric, x, y, position, values) in series {
        let (x, y) = (["", "1", "2", "3"][x % 4], ["", "1", "2"][y % 3]);
        let labels = Labels::from_pairs([("__name__", ["a", "b", "c"][metric % 3]), ("x", x), ("y", y)]);
        if store.id(&labels).is_some() {
            continue;
        }
        let id = store.id_or_create(&labels);
        for (tick, value) in (0..).zip(values) {
            let Some(value) = value else { continue };
            let at = Timestamp(tick * TICK);
            let value = match value {
                0 => stale_marker(),
                1 => f64::NAN,
                2 => f64::INFINITY,
                // Sums of these depend on the order in which they are added.
                n => f64::from(*n) / 7.0 - 3.0,
            };
            store.append(id, at, value, Moment { at, position: *position }).expect("times increase");
        }
    }
    store
}

fn vector(depth: u32) -> BoxedStrategy<String> {
    let modifier = prop::sample::select(vec![
        "",
        "",
        "",
        " offset 2m",
        " offset -1m",
        " @ 300",
        " @ start()",
        " @ end() offset 1m",
    ]);
    let selector = prop::sample::select(vec!["a", "b", "c", r#"{__name__=~"a|b"}"#, r#"a{x="1"}"#, r#"b{y!=""}"#]);
    let leaf = (selector, modifier).prop_map(|(selector, modifier)| format!("{selector}{modifier}"));
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = vector(depth - 1);
    let other = vector(depth - 1);
    let range = (
        prop::sample::select(vec![
            "rate",
            "sum_over_time",
            "last_over_time",
            "count_over_time",
            "stddev_over_time",
            "absent_over_time",
        ]),
        prop_oneof![
            (leaf.clone(), prop::sample::select(vec![" [3m]", " [90s]"])).prop_map(|(selector, range)| {
                match selector.find([' ']) {
                    Some(at) => format!("{}{range}{}", &selector[..at], &selector[at..]),
                    None => format!("{selector}{range}"),
                }
            }),
            (
                inner.clone(),
                prop::sample::select(vec![
                    "[4m:1m]",
                    "[3m:90s]",
                    "[5m:1m] offset 1m",
                    "[2m:1m] @ 400",
                    "[3m:1m] @ end()"
                ])
            )
                .prop_map(|(inner, range)| format!("({inner}){range}")),
        ],
    )
        .prop_map(|(name, range)| format!("{name}({range})"));
    let join = (
        inner.clone(),
        prop::sample::select(vec![
            "+",
            "/",
            "> bool",
            ">",
            "== on(x)",
            "* on(x) group_left()",
            "- on(y) group_right(x)",
            "and",
            "or",
            "unless on(x)",
            "and on()",
            "or on(y)",
            "+ ignoring(y)",
        ]),
        other,
    )
        .prop_map(|(left, op, right)| format!("({left}) {op} ({right})"));
    let aggregate = (
        prop::sample::select(vec![
            "sum by (x)",
            "sum",
            "avg without (y)",
            "max by (y)",
            "count",
            "stddev by (x)",
            "topk(2,",
            "bottomk by (x) (1,",
            "quantile by (y) (0.3,",
            "count_values by (x) (\"v\",",
            "group by (__name__)",
            "topk(scalar(count(a)) - 1,",
        ]),
        inner.clone(),
    )
        .prop_map(|(op, inner)| if op.ends_with(',') { format!("{op} {inner})") } else { format!("{op} ({inner})") });
    let plain = (
        prop::sample::select(vec![
            "abs(#)",
            "-(#)",
            "# * 2",
            "1 - (#)",
            "2 < bool (#)",
            "vector(scalar(#))",
            "absent(#)",
            "sort(#)",
            "sort_desc(#)",
            "timestamp(#)",
            "label_replace(#, \"y\", \"$1\", \"x\", \"(.+)\")",
            "label_join(#, \"x\", \"-\", \"y\")",
            "(#) + time()",
            "round(#, 0.5)",
        ]),
        inner,
    )
        .prop_map(|(form, inner)| form.replace('#', &inner));
    prop_oneof![1 => leaf, 3 => range, 3 => join, 3 => aggregate, 2 => plain].boxed()
}

fn result(matrix: &Matrix, step: usize) -> Result<Vec<(Labels, u64)>, String> {
    let elements = matrix.result(step).map_err(|error| error.message)?;
    // All NaN are one.
    Ok(elements
        .into_iter()
        .map(|(labels, value)| (labels, if value.is_nan() { u64::MAX } else { value.to_bits() }))
        .collect())
}

fn check(profile: &Profile, expr: &str, series: &[Written], reader: u32) -> Result<(), TestCaseError> {
    let store = store(series);
    let parsed = parse_with(expr, profile.features).map_err(|error| TestCaseError::fail(format!("{expr}: {error}")))?;
    let compile = || Query::compile(&parsed, profile).map_err(|error| TestCaseError::fail(format!("{expr}: {error}")));
    let steps: Vec<Step> = (0..TICKS)
        .map(|tick| {
            let time = Timestamp(tick * TICK);
            Step { time, frontier: Moment { at: time, position: reader } }
        })
        .collect();
    let mut together = compile()?;
    let all = together
        .run(&store, &Steps(steps.clone()), Mode::Instants)
        .map_err(|error| TestCaseError::fail(error.message))?;
    let mut ticking = compile()?;
    for (tick, step) in steps.into_iter().enumerate() {
        let alone = Steps(vec![step]);
        let kept = ticking.run(&store, &alone, Mode::Instants).map_err(|error| TestCaseError::fail(error.message))?;
        let fresh =
            compile()?.run(&store, &alone, Mode::Instants).map_err(|error| TestCaseError::fail(error.message))?;
        prop_assert_eq!(result(&kept, 0), result(&fresh, 0), "{} at tick {}: kept plan", expr, tick);
        prop_assert_eq!(result(&all, tick), result(&fresh, 0), "{} at tick {}", expr, tick);
    }
    Ok(())
}

fn series() -> impl Strategy<Value = Vec<Written>> {
    let value = prop_oneof![2 => Just(None), 8 => (3u8..60).prop_map(Some), 1 => (0u8..3).prop_map(Some)];
    let values = prop::collection::vec(value, TICKS as usize);
    prop::collection::vec((0usize..3, 0usize..4, 0usize..3, prop_oneof![3 => Just(0u32), 1 => 1u32..4], values), 1..9)
}

proptest! {
    #[test]
    fn a_run_over_all_steps_equals_runs_for_each(expr in vector(3), series in series(), reader in 1u32..4) {
        check(&Profile::prometheus(), &expr, &series, reader)?;
    }

    #[test]
    fn so_it_does_where_names_are_removed_late(expr in vector(3), series in series(), reader in 1u32..4) {
        check(&Profile::upstream_test(), &expr, &series, reader)?;
    }
}
