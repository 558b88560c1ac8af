//! Blind alerts: expressions that could not yield anything, because a selector that they need matched no series.

use crate::evidence::{self, Place, Reason};
use crate::labels::{Labels, Matcher};
use crate::rules::{Rule, RuleRef};
use crate::text::Span;

use super::playback::Playback;

/// Why no alert that a selector means could come out of a rule on this day; `None` where one could.
pub fn reason(playback: &Playback, at: RuleRef, matchers: &[Matcher]) -> Option<Reason> {
    let rule = playback.rule(at);
    let name = &rule.name.value;
    let Some(expr) = rule.promql() else {
        return Some(Reason {
            place: Some(Place::of(&rule.expr)),
            text: format!("{name}: LogQL is not evaluated yet"),
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
    let rules: Vec<&Rule> = playback.groups.iter().flat_map(|group| &group.rules).collect();
    if evidence::waits_for_a_rule(expr, &rules, &|selector| playback.matches(selector)) {
        return None;
    }
    let located = |span: Span| Some(Place::within(&rule.expr, span));
    if let Some(missing) = evidence::missing(expr, &|selector| playback.matches(selector)) {
        let text = rule.expr.value.get(missing.span.start..missing.span.end).unwrap_or_default();
        let there = evidence::instead(&playback.generated.store, missing.selector);
        let there = there.map_or_else(String::new, |series| format!("; there is {series}"));
        return Some(Reason {
            place: located(missing.span),
            text: format!("{name}: no series of this day matches {text}{there}"),
        });
    }
    // An evaluation that is too large for its limits proves nothing either way.
    let matrix = playback.evaluate(&evidence::unfiltered(expr)?, &playback.steps(at)).ok()?;
    let mut seen = matrix.columns().filter(|column| column.iter().next().is_some()).peekable();
    if seen.peek().is_none() {
        return Some(evidence::no_value(&playback.generated.store, &rule.expr, expr, name));
    }
    if seen.any(|column| met(column.labels)) {
        return None;
    }
    let wanted = matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    Some(Reason {
        place: located(expr.span),
        text: format!("{name}: no series that it reads on this day can become an alert with {{{wanted}}}"),
    })
}
