//! A metric query over entries panics at no step: the first line of the input is the query, the others are entries, a second apart.
#![no_main]

use firedrill::labels::Labels;
use firedrill::logql::ast::Query;
use firedrill::logql::eval::{Grid, Plan};
use firedrill::logql::parse;
use firedrill::store::LogStore;
use firedrill::time::Nanoseconds;
use libfuzzer_sys::fuzz_target;

const SECOND: i64 = 1_000_000_000;

fuzz_target!(|input: &[u8]| {
    let mut lines = input.split(|byte| *byte == b'\n');
    let query = lines.next().and_then(|first| std::str::from_utf8(first).ok()).unwrap_or_default();
    let Ok(Query::Metric(expr)) = parse(query) else { return };
    let mut logs = LogStore::default();
    for (at, line) in (0_i64..).zip(lines) {
        let labels = Labels::from_pairs([("a", if at % 2 == 0 { "b" } else { "c" })]);
        let _ = logs.append(&labels, Nanoseconds(at * SECOND), line, Labels::empty());
    }
    let grid = Grid::range(Nanoseconds(0), Nanoseconds(20 * SECOND), Nanoseconds(SECOND));
    if let Ok(mut plan) = Plan::new(&expr, &logs, grid) {
        let _: usize = plan.blocks().map(|(_, block)| block.count()).sum();
    }
});
