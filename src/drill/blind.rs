//! Blind alerts: expressions that could not yield anything, because a selector that they need matched no series or no stream.

use crate::evidence::{self, Missing, Place, Reason};
use crate::labels::{Labels, Matcher};
use crate::logql::ast as logs;
use crate::promql::ast::Expr;
use crate::rules::{Expression, Rule, RuleRef};

use super::playback::Playback;

/// Why no alert that a selector means could come out of a rule on this day; `None` where one could.
pub fn reason(playback: &Playback, at: RuleRef, matchers: &[Matcher]) -> Option<Reason> {
    let rule = playback.rule(at);
    let name = &rule.name.value;
    let Some(expr) = rule.expression() else {
        return Some(Reason {
            place: Some(Place::of(&rule.expr)),
            text: format!("{name}: its language is not evaluated"),
        });
    };
    let of_series = |matcher: &&Matcher| {
        matcher.name.as_ref() != "alertname" && !rule.labels.iter().any(|(label, _)| **label == *matcher.name)
    };
    let matchers: Vec<&Matcher> = matchers.iter().filter(of_series).collect();
    let met = |labels: &Labels| matchers.iter().all(|matcher| matcher.matches(labels.get(&matcher.name)));
    if playback.run.alerts.iter().any(|track| track.rule == at && met(&track.labels)) {
        return None;
    }
    let spoken = match expr {
        Expression::Promql(expr) => of_series_there(playback, at, expr)?,
        Expression::Logql(expr) => of_streams_there(playback, at, expr)?,
    };
    let labels = match spoken {
        Spoken::Nothing(reason) => return Some(reason),
        Spoken::Of(labels) => labels,
    };
    if labels.iter().any(met) {
        return None;
    }
    let wanted = matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let what = if rule.logql().is_some() { "stream" } else { "series" };
    Some(Reason {
        place: Some(Place::within(&rule.expr, expr.span())),
        text: format!("{name}: no {what} that it reads on this day can become an alert with {{{wanted}}}"),
    })
}

/// What a rule could have spoken of.
enum Spoken {
    Of(Vec<Labels>),
    Nothing(Reason),
}

/// What a rule in PromQL could have spoken of; `None` where that is not known.
fn of_series_there(playback: &Playback, at: RuleRef, expr: &Expr) -> Option<Spoken> {
    let rule = playback.rule(at);
    let name = &rule.name.value;
    let rules: Vec<&Rule> = playback.groups.iter().flat_map(|group| &group.rules).collect();
    let matches = |selector: &_| playback.matches(selector);
    let open = |at: RuleRef, open: &Expr| playback.evaluate(open, &playback.steps(at)).ok();
    if evidence::waits_for_a_rule(expr, &playback.groups, &playback.rule_logs, &matches, &open) {
        return None;
    }
    if let Some(Missing { selector, span }) = evidence::missing(expr, &matches) {
        let text = rule.expr.value.get(span.start..span.end).unwrap_or_default();
        let there = evidence::instead(&playback.generated.store, selector);
        let mut there = there.map_or_else(String::new, |series| format!("; there is {series}"));
        let kept = |other: &&&Rule| !other.readable && !other.is_alert() && other.name.value == selector.name;
        if rules.iter().any(|other| kept(&other)) {
            there =
                "; a rule of Loki records it, and does not remote-write it (`loki: {remote_write: true}`)".to_owned();
        }
        if selector.name.is_empty() && !playback.day.logs.is_empty() {
            there += "; if the rule is one of Loki, `languages` in firedrill.yaml says so";
        }
        let place = Some(Place::within(&rule.expr, span));
        return Some(Spoken::Nothing(Reason {
            place,
            text: format!("{name}: no series of this day matches {text}{there}"),
        }));
    }
    // An evaluation that is too large for its limits proves nothing either way.
    let matrix = playback.evaluate(&evidence::unfiltered(expr)?, &playback.steps(at)).ok()?;
    let seen: Vec<Labels> = matrix.valued().map(|column| column.labels.clone()).collect();
    Some(match seen.is_empty() {
        true => Spoken::Nothing(evidence::no_value(&playback.generated.store, &rule.expr, expr, name)),
        false => Spoken::Of(seen),
    })
}

/// What a rule in LogQL could have spoken of; `None` where that is not known.
fn of_streams_there(playback: &Playback, at: RuleRef, expr: &logs::Expr) -> Option<Spoken> {
    let rule = playback.rule(at);
    let name = &rule.name.value;
    let told = |reason: Reason| Reason { text: format!("{name}: {}", reason.text), ..reason };
    if let Some(reason) = evidence::no_stream(&playback.rule_logs, &rule.expr, expr) {
        return Some(Spoken::Nothing(told(reason)));
    }
    let steps = playback.steps(at);
    let seen = evidence::could_speak_of(expr, &|open| playback.evaluate(open, &steps).ok())?;
    Some(match seen.is_empty() {
        true => Spoken::Nothing(told(evidence::no_entry(&playback.rule_logs, &rule.expr, expr, &steps))),
        false => Spoken::Of(seen),
    })
}
