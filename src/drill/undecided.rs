//! What a runbook could not decide on a day: conditions that have no data at any time, why, and what is there instead.
//!
//! As with alerts, what was not tested is not silent: that a cause is not named says nothing where nobody could have said it.

use std::collections::BTreeSet;

use crate::evidence::{self, Missing, Place, Reason};
use crate::labels::Labels;
use crate::logql::ast as logs;
use crate::promql::ast::{Expr, VectorSelector};
use crate::rules::{self, RuleRef};
use crate::text::{Located, Span};
use crate::time::{Duration, Timestamp};
use crate::triage::{Asks, Cause, Comparison, Condition, Evaluation, Expression, Runbook, Tests, Truth};

use super::playback::Playback;

/// How many series are named as those that there are.
const NAMED: usize = 3;

/// How long a sample is looked back for where nothing else says.
const LOOKBACK: Duration = Duration(300_000);

/// A condition without data at any time at which its runbook was asked.
#[derive(Clone, Debug)]
pub struct Undecided {
    /// The condition's place in the runbook.
    pub place: Span,
    /// Why there is none, at the place of what selects nothing; `None` where it waits for a rule that stayed silent.
    pub reason: Option<Reason>,
}

/// The conditions of a runbook that have no data at any time. What stands for missing series (`or vector(0)`) is none.
pub fn conditions(playback: &Playback, found: &Evaluation<'_>) -> Vec<Undecided> {
    let mut undecided: Vec<Undecided> = Vec::new();
    for condition in found.runbook.conditions() {
        let no_data = |time| found.truth(condition, time) == Truth::NoData;
        let known = undecided.iter().any(|other| other.place == condition.place);
        let asks = found.runbook.asks(condition);
        let decided = || !(0..found.times.len()).all(no_data) && !needs_what_is_missing(playback, asks);
        if known || found.times.is_empty() || decided() {
            continue;
        }
        let waits =
            matches!(&asks.expression, Expression::Promql(expr) if waits_for_a_rule(playback, expr, found.times));
        let reason = (!waits).then(|| why(playback, found, condition));
        undecided.push(Undecided { place: condition.place, reason });
    }
    undecided
}

/// Whether a selector without which an expression yields nothing but constants selects nothing on this day.
fn needs_what_is_missing(playback: &Playback, asks: &Asks) -> bool {
    match &asks.expression {
        Expression::Promql(expr) => evidence::missing(expr, &|selector| playback.matches(selector)).is_some(),
        Expression::Logql { expr, .. } => {
            playback.logs().is_ok_and(|logs| evidence::missing_stream(expr, logs).is_some())
        }
    }
}

/// Whether nobody can say anything of a cause at any time, and nothing that is known excludes it: what it requires is not always away.
pub fn is_blind(found: &Evaluation<'_>, cause: &Cause, undecided: &[Undecided]) -> bool {
    let lacks = |condition: &Condition| undecided.iter().find(|other| other.place == condition.place);
    let all = |conditions: &[Condition], time: usize| {
        Truth::all(
            conditions.iter().map(|one| if lacks(one).is_some() { Truth::NoData } else { found.truth(one, time) }),
        )
    };
    let times = || 0..found.times.len();
    let unknown = |time| all(&cause.requires, time) != Truth::Holds || all(&cause.when, time) == Truth::NoData;
    let lacking: Vec<&Undecided> = cause.requires.iter().chain(&cause.when).filter_map(lacks).collect();
    let only_waits = !lacking.is_empty() && lacking.iter().all(|other| other.reason.is_none());
    !only_waits && times().all(unknown) && times().any(|time| all(&cause.requires, time) != Truth::Fails)
}

/// Why a condition has no data, if it has none.
pub fn of<'a>(undecided: &'a [Undecided], condition: &Condition) -> Option<&'a Reason> {
    undecided.iter().find(|other| other.place == condition.place)?.reason.as_ref()
}

/// Whether an expression needs what a rule may write, and has not written by the last of the times or not for a long while before the first.
pub fn waits_for_a_rule(playback: &Playback, expr: &Expr, times: &[Timestamp]) -> bool {
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return false };
    let store = &playback.generated.store;
    let recent = |id| store.series(id).times.iter().any(|time| *first - LOOKBACK < *time && time <= last);
    let matches = |selector: &VectorSelector| store.select(&selector.matchers).into_iter().any(recent);
    let open = |at: RuleRef, open: &Expr| playback.evaluate(open, &playback.steps(at)).ok();
    evidence::waits_for_a_rule(expr, &playback.groups, &playback.rule_logs, &matches, &open)
}

fn why(playback: &Playback, found: &Evaluation<'_>, condition: &Condition) -> Reason {
    let book = found.runbook;
    let asks = book.asks(condition);
    let of_comparison = || match &condition.tests {
        Tests::Compares(comparison) => too_few(found, condition, comparison),
        Tests::Selects(_) => None,
    };
    let failed = || {
        let text = (0..found.times.len()).find_map(|time| found.failed(condition, time))?;
        Some(Reason { place: Some(Place::of(&asks.text)), text })
    };
    let of_answer = || of_comparison().or_else(failed);
    match &asks.expression {
        Expression::Promql(expr) => {
            // A rule file that cannot be read may have what writes it.
            let broken = playback.undecided(expr).map(|file| file.reason(&format!("\"{}\"", condition.that.text)));
            let missing = || evidence::alternatives(expr).into_iter().find_map(|side| of_series(playback, asks, side));
            let no_value = || evidence::no_value(&playback.generated.store, &asks.text, expr, &asks.one_line());
            broken.or_else(missing).or_else(of_answer).unwrap_or_else(no_value)
        }
        Expression::Logql { expr, .. } => {
            let quiet = || Reason {
                place: Some(Place::of(&asks.text)),
                text: "its streams have lines, but none so near that they are not quiet for too long (`quiet`)"
                    .to_owned(),
            };
            of_streams(playback, asks, expr).or_else(of_answer).unwrap_or_else(quiet)
        }
    }
}

fn of_series(playback: &Playback, asks: &Asks, side: rules::Expression<'_>) -> Option<Reason> {
    let rules::Expression::Promql(expr) = side else { return None };
    let Missing { selector, span } = evidence::missing(expr, &|selector| playback.matches(selector))?;
    let there = evidence::instead(&playback.generated.store, selector);
    let there = there.map_or_else(String::new, |series| format!("; there is {series}"));
    let text = format!("no series of this day matches {}{there}", shown(&asks.text, span));
    Some(Reason { place: Some(Place::within(&asks.text, span)), text })
}

/// All streams have to be there: each could have said something.
fn of_streams(playback: &Playback, asks: &Asks, expr: &logs::Expr) -> Option<Reason> {
    let logs = playback.logs().ok()?;
    let mut unmet = None;
    expr.walk(&mut |part: &logs::Expr| {
        if let (None, logs::ExprKind::RangeAggregate(aggregate)) = (&unmet, &part.kind) {
            unmet = evidence::unmet_stream(logs, &asks.text, &aggregate.range.query.selector);
        }
    });
    unmet
}

/// A named query that has values, but none of the series that are asked for, or fewer than there have to be.
fn too_few(found: &Evaluation<'_>, condition: &Condition, comparison: &Comparison) -> Option<Reason> {
    let Runbook { queries, source, .. } = found.runbook;
    let query = &queries[comparison.query];
    let (mut all, mut most, mut values) = (BTreeSet::new(), 0, 0);
    for time in 0..found.times.len() {
        let at: Vec<(Labels, f64)> = found.values(query, time);
        let of = || at.iter().filter(|(labels, _)| comparison.selects(labels));
        most = most.max(of().count());
        values += of().filter(|(_, value)| !value.is_nan()).count();
        all.extend(at.into_iter().map(|(labels, _)| labels));
    }
    if all.is_empty() {
        return None;
    }
    let names: Vec<String> = all.iter().take(NAMED).map(Labels::as_metric).collect();
    let more = if all.len() > NAMED { format!(" and {} more", all.len() - NAMED) } else { String::new() };
    let there = format!("there is {}{more}", names.join(", "));
    let name = &query.name.text;
    let text = match () {
        () if most == 0 => {
            let of: Vec<String> = comparison.of.iter().map(ToString::to_string).collect();
            format!("no series of `{name}` has {{{}}}; {there}", of.join(","))
        }
        () if values == 0 => format!("every value of `{name}` is NaN"),
        () => format!("`{name}` never has {} series, {most} at the most; {there}", comparison.series),
    };
    Some(Reason { place: Some(Place { source: source.clone(), span: condition.place }), text })
}

fn shown(text: &Located, span: Span) -> String {
    let written = text.get(span.start..span.end).unwrap_or_default();
    written.split_whitespace().collect::<Vec<_>>().join(" ")
}
