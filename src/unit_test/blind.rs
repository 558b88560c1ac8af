//! Blind cases: nothing fires, or an expression yields nothing, as they expect, because there was nothing to look at. promtool passes
//! them without a word.

use std::collections::HashMap;

use super::run::Played;
use super::verdict::BlindCase;
use super::{AlertTest, vmalert};
use crate::engine::{Step, Steps};
use crate::evidence::{self, Place, Reason};
use crate::labels::MatchOp;
use crate::logql::ast as logs;
use crate::promql::ast::{DurationArg, Expr, ExprKind, VectorSelector};
use crate::rules::{AlertState, RuleKind, RuleRef};
use crate::store::SeriesId;
use crate::text::{Diagnostic, Located, nearest};
use crate::time::{Duration, Timestamp};
use crate::{logql, promql};

const SERIES: &str = "series";
const STREAM: &str = "stream";

/// What is found out about the cases of a group that expect silence.
#[derive(Debug, Default)]
pub struct Silence {
    pub blind: Vec<BlindCase>,
    /// Cases that the time of asking makes hold.
    pub warnings: Vec<Diagnostic>,
}

/// Looks at the cases that expect nothing.
pub fn silence(played: &Played<'_>) -> Silence {
    // After the failure of a rule nothing is judged any more.
    if played.aborted().is_some() {
        return Silence::default();
    }
    let mut found = of_alerts(played);
    found.blind.extend(of_expressions(played));
    found.blind.extend(of_log_queries(played));
    found
}

/// Looks at the cases that expect no alert, and what each of their rules could have spoken of.
fn of_alerts(played: &Played<'_>) -> Silence {
    let mut found = Silence::default();
    let tests = played.group.alert_tests.iter().filter(|test| test.expected.is_empty());
    let tests: Vec<&AlertTest> = tests.filter(|test| vmalert::foreign_rule(played, test).is_none()).collect();
    if tests.is_empty() {
        return found;
    }
    let rules = |test: &AlertTest| -> Vec<RuleRef> {
        let places = played.rules.iter().enumerate().flat_map(|(group, rules)| {
            rules.rules.iter().enumerate().map(move |(rule, r)| (RuleRef { group, rule }, rules, r))
        });
        places.filter(|(_, group, rule)| rule.is_alert() && test.names(group, rule)).map(|(at, ..)| at).collect()
    };
    let rules: Vec<Vec<RuleRef>> = tests.iter().map(|test| rules(test)).collect();
    let mut asked: HashMap<RuleRef, Vec<Timestamp>> = HashMap::new();
    for (test, rules) in tests.iter().zip(&rules) {
        for rule in rules {
            asked.entry(*rule).or_default().push(played.tick_of(*rule, test.eval_time));
        }
    }
    let sights: HashMap<RuleRef, Sight> =
        asked.into_iter().map(|(rule, ticks)| (rule, Sight::of(played, rule, ticks))).collect();
    for (test, rules) in tests.iter().zip(&rules) {
        let reason = match rules.as_slice() {
            [] => Some(nobody(played, test)),
            rules => {
                let reasons: Vec<&Reason> = rules.iter().filter_map(|rule| sights.get(rule)?.blind.as_ref()).collect();
                (reasons.len() == rules.len()).then(|| reasons[0].clone())
            }
        };
        match reason {
            Some(reason) => {
                let of_logs = |at: &RuleRef| played.rules[at.group].rules[at.rule].logql().is_some();
                let wants = if rules.first().is_some_and(of_logs) { STREAM } else { SERIES };
                found.blind.push(BlindCase { subject: subject(test), span: test.span, reason, wants });
            }
            None => found.warnings.extend(too_early(played, test, rules).or_else(|| {
                let mut rules = rules.iter().filter_map(|rule| Some((*rule, sights.get(rule)?)));
                rules.find_map(|(rule, sight)| run_out(played, test, rule, sight))
            })),
        }
    }
    found
}

/// Expressions of which nothing is expected, and that need a series which is not there.
fn of_expressions(played: &Played<'_>) -> impl Iterator<Item = BlindCase> {
    let tests = played.group.expr_tests.iter().filter(|test| test.expected.is_empty());
    tests.filter(|test| vmalert::foreign_expression(played, test).is_none()).filter_map(|test| {
        let expr = promql::parse_with(&test.expr, played.profile.features).ok()?;
        let matched = |selector: &VectorSelector| has_series(played, selector);
        if waits_for_a_rule(played, &expr, &matched) {
            return None;
        }
        let reason = unmatched(played, &test.expr, &expr, &matched)?;
        let subject = format!("{} at {}", test.expr.value, test.eval_time);
        Some(BlindCase { subject, span: test.span, reason, wants: SERIES })
    })
}

/// Log queries of which nothing is expected, and that need a stream which is not there.
fn of_log_queries(played: &Played<'_>) -> impl Iterator<Item = BlindCase> {
    let tests = played.group.log_tests.iter().filter(|test| test.samples.is_empty() && test.lines.is_empty());
    tests.filter_map(|test| {
        let query = logql::parse(&test.expr).ok()?;
        let has_lines =
            |selector: &logs::Selector| played.logs.select(&selector.matchers).iter().any(|stream| !stream.is_empty());
        let selector = evidence::unmet_selector(&query, &has_lines)?;
        let reason = evidence::unmet_stream(&played.logs, &test.expr, selector)?;
        let subject = format!("{} at {}", test.expr.value, test.eval_time);
        Some(BlindCase { subject, span: test.span, reason, wants: STREAM })
    })
}

fn has_series(played: &Played<'_>, selector: &VectorSelector) -> bool {
    let held = |id: &SeriesId| !played.store.series(*id).times.is_empty();
    played.store.select(&selector.matchers).iter().any(held)
}

fn waits_for_a_rule(played: &Played<'_>, expr: &Expr, matched: &dyn Fn(&VectorSelector) -> bool) -> bool {
    let ask = |at: RuleRef, open: &Expr| played.evaluate(open, &played.run.steps(at));
    evidence::waits_for_a_rule(expr, &played.rules, &played.logs, matched, &ask)
}

fn subject(test: &AlertTest) -> String {
    let name = test.alertname.as_ref().map_or("", |name| &**name);
    format!("{name} at {}", test.eval_time)
}

/// What a rule could have spoken of.
struct Sight {
    /// Why it could not have spoken at any tick.
    blind: Option<Reason>,
    /// Of the ticks that cases ask for, those at which there was nothing that it could have spoken of.
    nothing_at: Vec<Timestamp>,
}

impl Sight {
    fn of(played: &Played<'_>, at: RuleRef, ticks: Vec<Timestamp>) -> Sight {
        let rule = &played.rules[at.group].rules[at.rule];
        let clear = Sight { blind: None, nothing_at: Vec::new() };
        if let Some(expr) = rule.logql() {
            return Sight { blind: of_streams(played, at, expr), nothing_at: Vec::new() };
        }
        let Some(expr) = rule.promql() else { return clear };
        let Some(open) = evidence::unfiltered(expr) else { return clear };
        let steps = played.run.steps(at);
        let asked: Vec<Step> = steps.0.iter().filter(|step| ticks.contains(&step.frontier.at)).copied().collect();
        // What cannot be evaluated proves nothing either way.
        let Some(matrix) = played.evaluate(&open, &Steps(asked.clone())) else { return clear };
        let nothing = |step: &usize| matrix.columns_at(*step).next().is_none();
        let nothing_at: Vec<Timestamp> = (0..asked.len()).filter(nothing).map(|step| asked[step].frontier.at).collect();
        let spoke = || played.run.alerts.iter().any(|track| track.rule == at);
        if nothing_at.len() < asked.len() || spoke() {
            return Sight { blind: None, nothing_at };
        }
        let matched = |selector: &VectorSelector| has_series(played, selector);
        if waits_for_a_rule(played, expr, &matched) {
            return Sight { blind: None, nothing_at };
        }
        let blind = unmatched(played, &rule.expr, expr, &matched).or_else(|| {
            let matrix = played.evaluate(&open, &steps)?;
            matrix
                .valued()
                .next()
                .is_none()
                .then(|| evidence::no_value(&played.store, &rule.expr, expr, &rule.name.value))
        });
        Sight { blind, nothing_at }
    }
}

/// Why a rule of Loki could not have spoken at any tick.
fn of_streams(played: &Played<'_>, at: RuleRef, expr: &logs::Expr) -> Option<Reason> {
    if played.run.alerts.iter().any(|track| track.rule == at) {
        return None;
    }
    let (text, steps) = (&played.rules[at.group].rules[at.rule].expr, played.run.steps(at));
    evidence::no_stream(&played.logs, text, expr).or_else(|| {
        let seen = evidence::could_speak_of(expr, &|open| played.evaluate(open, &steps))?;
        seen.is_empty().then(|| evidence::no_entry(&played.logs, text, expr, &steps))
    })
}

/// A selector that an expression needs and that no series meets.
fn unmatched(
    played: &Played<'_>,
    written: &Located,
    expr: &Expr,
    matched: &dyn Fn(&VectorSelector) -> bool,
) -> Option<Reason> {
    let missing = evidence::missing(expr, matched)?;
    let text = written.value.get(missing.span.start..missing.span.end).unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let there = evidence::instead(&played.store, missing.selector);
    let there = there.map_or_else(String::new, |series| format!("; there is {series}"));
    Some(Reason { place: Some(Place::within(written, missing.span)), text: format!("no series matches {text}{there}") })
}

/// An alert that no rule has.
fn nobody(played: &Played<'_>, test: &AlertTest) -> Reason {
    let rules = || played.rules.iter().flat_map(|group| &group.rules);
    let name = test.alertname.as_ref().map_or("", |name| &**name);
    let others = rules().filter(|rule| rule.is_alert() && *rule.name != *name).map(|rule| &*rule.name.value);
    let text = match &test.groupname {
        Some(group) if rules().any(|rule| rule.is_alert() && *rule.name == *name) => {
            format!("no group `{}` has an alert `{name}`", group.value)
        }
        _ => match nearest(name, others) {
            Some(near) => format!("no rule has the alert `{name}`; there is `{near}`"),
            None => format!("no rule has the alert `{name}`"),
        },
    };
    Reason { place: None, text }
}

/// A case so early that `for` cannot have passed, while nothing is pending: it holds whatever the series say.
fn too_early(played: &Played<'_>, test: &AlertTest, rules: &[RuleRef]) -> Option<Diagnostic> {
    let tick = played.tick(test.eval_time);
    let holds: Option<Vec<Duration>> = rules
        .iter()
        .map(|at| match played.rules[at.group].rules[at.rule].kind {
            RuleKind::Alert { for_, .. } if for_ > tick - played.group.start => Some(for_),
            _ => None,
        })
        .collect();
    let shortest = holds?.into_iter().min()?;
    let pending =
        played.run.alerts_at(tick).any(|(alert, state)| state == AlertState::Pending && rules.contains(&alert.rule));
    if pending {
        return None;
    }
    let name = test.alertname.as_ref()?;
    let problem = Diagnostic::warning(format!(
        "{} cannot fire before {shortest} (`for`), and is not pending either: this case holds whatever the series say",
        subject(test)
    ));
    Some(name.diagnose_all(problem.help(format!("write an eval_time of {shortest} or more"))))
}

/// A case that is about a time when the series of the alert have come to their end without saying so.
fn run_out(played: &Played<'_>, test: &AlertTest, at: RuleRef, sight: &Sight) -> Option<Diagnostic> {
    let tick = played.tick(test.eval_time);
    if !sight.nothing_at.contains(&tick) {
        return None;
    }
    let rule = &played.rules[at.group].rules[at.rule];
    let expr = rule.promql()?;
    let mut windows: Vec<(&VectorSelector, Duration)> = Vec::new();
    expr.walk(&mut |node: &Expr| match &node.kind {
        ExprKind::Selector(selector) => windows.push((selector, played.profile.lookback)),
        ExprKind::Range(range) => {
            if let DurationArg::Literal(width) = range.range {
                windows.push((&range.selector, width));
            }
        }
        _ => {}
    });
    windows.iter().find_map(|(selector, window)| {
        // A selector that names its metric, so that the series can be named.
        let named = selector.matchers.iter().any(|m| &*m.name == "__name__" && m.op == MatchOp::Equal);
        let ends: Option<Vec<Timestamp>> =
            played.store.select(&selector.matchers).iter().map(|id| played.ends.get(id).copied()).collect();
        let last = ends.filter(|_| named)?.into_iter().max()?;
        if tick - last < *window {
            return None;
        }
        let name = test.alertname.as_ref()?;
        let (end, after) = (last - played.group.start, tick - played.group.start);
        let problem = Diagnostic::warning(format!(
            "the series of {} end at {end}: at {after} {} has nothing to look at",
            selector.name, name.value
        ));
        Some(name.diagnose_all(problem.help(
            "write values up to the eval_time, such as `1x30`; where the end is what is tested, say it with `stale` or `_`",
        )))
    })
}
