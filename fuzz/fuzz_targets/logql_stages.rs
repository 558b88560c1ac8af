//! No stage panics: the first line of the input is a pipeline, the others are entries.
#![no_main]

use firedrill::labels::Labels;
use firedrill::logql::ast::Query;
use firedrill::logql::parse;
use firedrill::logql::pipeline::Pipeline;
use firedrill::time::Nanoseconds;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut lines = input.split(|byte| *byte == b'\n');
    let stages = lines.next().and_then(|first| std::str::from_utf8(first).ok()).unwrap_or_default();
    let Ok(Query::Log(query)) = parse(&format!("{{a=\"b\"}} {stages}")) else { return };
    let Ok(mut pipeline) = Pipeline::compile(&query.stages, Nanoseconds(0)) else { return };
    pipeline.set_stream(&Labels::from_pairs([("a", "b")]));
    for (time, line) in (0..).zip(lines) {
        if let Some(kept) = pipeline.process(Nanoseconds(time), line, [("m", "1")]) {
            let _ = (kept.line.len(), kept.labels());
        }
    }
});
