//! Cases at times that are no ticks: what they do not see.

use super::super::run::Played;
use super::super::{AlertTest, ExprTest, checks, input};
use crate::store::Moment;
use crate::text::Diagnostic;
use crate::time::Duration;

/// Alert tests between two ticks, with samples since the first of them: the alerts are those of the first.
pub fn between_ticks(played: &Played<'_>) -> Vec<Diagnostic> {
    let found = played.group.alert_tests.iter().filter(|test| !is_tick(played, test.eval_time));
    found.filter_map(|test| unseen(played, test)).collect()
}

fn is_tick(played: &Played<'_>, after: Duration) -> bool {
    after.0 % played.file.evaluation_interval.0 == 0
}

fn unseen(played: &Played<'_>, test: &AlertTest) -> Option<Diagnostic> {
    let tick = played.tick(test.eval_time) - played.group.start;
    // The last sample at or before the time.
    let sample = Duration(test.eval_time.0 - test.eval_time.0 % played.group.interval.0);
    let ends = played.ends.values().any(|end| *end - played.group.start >= sample);
    if sample <= tick || !ends {
        return None;
    }
    let name = test.alertname.as_ref()?;
    let every = played.file.evaluation_interval;
    let problem = Diagnostic::warning(format!(
        "rules are evaluated every {every}: this case sees the alerts of {tick}, which know no sample of {sample}"
    ));
    let next = Duration(tick.0 + every.0);
    Some(name.diagnose_all(
        problem.help(format!("write `eval_time: {next}`, or an evaluation_interval that divides {}", test.eval_time)),
    ))
}

/// Expression tests that would yield something else if the samples between the last tick and their time were loaded.
pub fn late_samples(played: &mut Played<'_>) -> Vec<Diagnostic> {
    let late = |test: &&ExprTest| played.group.start + test.eval_time > played.last;
    let tests: Vec<&ExprTest> = played.group.expr_tests.iter().filter(late).collect();
    let Some(until) = tests.iter().map(|test| played.group.start + test.eval_time).max() else { return Vec::new() };
    let before: Vec<_> = tests.iter().map(|test| checks::yielded(played, test, played.frontier())).collect();
    let Ok(all) = input::load(&played.file.source, played.group, until, u64::MAX) else { return Vec::new() };
    let mut new = false;
    for series in all.store.iter() {
        let from = series.times.partition_point(|time| *time <= played.last);
        // Native histograms are left as they are.
        if from == series.times.len() || series.histograms.is_some() {
            continue;
        }
        let id = played.store.id_or_create(&series.labels);
        for (time, value) in series.times.iter().zip(&series.values).skip(from) {
            // What a rule has written there stays.
            new |= played.store.append(id, *time, *value, Moment::arrival(*time)).is_ok();
        }
    }
    if !new {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (test, before) in tests.iter().zip(before) {
        let at = played.group.start + test.eval_time;
        let after = checks::yielded(played, test, Moment { at, position: u32::MAX });
        let (Ok(before), Ok(after)) = (before, after) else { continue };
        let same = before.len() == after.len()
            && before.iter().zip(&after).all(|(a, b)| a.labels == b.labels && a.value.to_bits() == b.value.to_bits());
        if same {
            continue;
        }
        let last = played.last - played.group.start;
        let every = played.file.evaluation_interval;
        let problem = Diagnostic::warning(format!(
            "samples are loaded up to the last tick, {last}: this case misses those up to {}, and with them it would see something else",
            test.eval_time
        ));
        let help = format!(
            "write `eval_time: {}`, or an evaluation_interval that divides {}",
            Duration(last.0 + every.0),
            test.eval_time
        );
        found.push(test.expr.diagnose_all(problem.help(help)));
    }
    found
}
