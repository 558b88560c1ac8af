//! Expectations against a day that was played back: one check for each alert, for all others, and for rules that failed.

use std::collections::BTreeSet;

use crate::evidence::{AlertState, Place, Reason, Timeline};
use crate::labels::Matcher;
use crate::replay::{AlertExpectation, Expectations, FiringAlert, Occurs, Others};
use crate::rules::{Language, Rule, RuleRef};
use crate::text::{Diagnostic, Span};
use crate::time::{Duration, Timestamp};

use super::blind;
use super::broken::BrokenFile;
use super::explain;
use super::footing;
use super::judge::{self, Event, Shortfall};
use super::playback::Playback;
use super::verdict::{Check, Life, Part, Rest, Verdict};

/// All checks of one part of a replay, in the order of the file.
pub fn all(playback: &Playback, part: Part, expectations: &Expectations) -> Vec<Check> {
    let mut checks: Vec<Check> = expectations.alerts.iter().map(|expected| alert(playback, part, expected)).collect();
    if let Some(others) = &expectations.others {
        checks.extend(silence(playback, part, others, &expectations.alerts));
    }
    checks.extend(expectations.queries.iter().flat_map(|query| super::queries::checks(playback, part, query)));
    checks
}

/// What stands in expectations and cannot be met by anything: alerts that no rule has, labels that no alert has, queries that
/// are none.
pub fn unusable(playback: &Playback, expectations: &Expectations) -> Vec<Diagnostic> {
    let known: BTreeSet<&str> = playback.alert_rules().map(|(_, rule)| rule.name.value.as_str()).collect();
    // A rule file that cannot be read may have it.
    let whole = playback.broken.is_empty();
    let unknown = expectations.alerts.iter().filter(|e| whole && rules_of(playback, &e.matchers).next().is_none());
    let mut problems: Vec<Diagnostic> = unknown
        .map(|expected| {
            let help = match crate::text::nearest(&expected.alertname, known.iter().copied()) {
                _ if known.contains(expected.alertname.as_str()) => {
                    "a label that the rule sets to another value contradicts the selector".to_owned()
                }
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => no_rules(playback),
                None => format!("the rules have {}", known.iter().copied().collect::<Vec<_>>().join(", ")),
            };
            let alert = if expected.alertname.is_empty() { &expected.selector.text } else { &expected.alertname };
            Diagnostic::error(format!("no rule has the alert `{alert}`"))
                .at(&playback.day.source, expected.selector.span)
                .help(help)
        })
        .collect();
    problems.extend(expectations.queries.iter().filter_map(|query| super::queries::unusable(playback, query)));
    problems.extend(expectations.others.iter().flat_map(|others| unknown_labels(playback, others)));
    problems.extend(expectations.triage.iter().flat_map(|triage| super::triage::unusable(playback, triage)));
    problems
}

/// Why there are no alert rules, and what to do about it.
fn no_rules(playback: &Playback) -> String {
    let mut skipped: Vec<String> = Vec::new();
    for group in &playback.groups {
        if let Language::Skipped(reason) = &group.language {
            let told = format!("{} is not read: {reason}", group.file.name());
            if !skipped.contains(&told) {
                skipped.push(told);
            }
        }
    }
    match (skipped.is_empty(), playback.groups.is_empty()) {
        (false, _) => format!("{}; `languages` in firedrill.yaml says which files are read", skipped.join(", ")),
        (true, false) => "its rule files have no alerts, only recording rules".to_owned(),
        (true, true) => "the replay names no rules: `rules: [FILE]`".to_owned(),
    }
}

/// Labels in `others` that no alert can have.
fn unknown_labels(playback: &Playback, others: &Others) -> Vec<Diagnostic> {
    if !playback.broken.is_empty() {
        return Vec::new();
    }
    let of_rules = playback.alert_rules().flat_map(|(_, rule)| rule.labels.iter().map(|(name, _)| name.as_str()));
    let of_series = playback.generated.store.iter().flat_map(|series| series.labels.iter().map(|(name, _)| name));
    let known: BTreeSet<&str> = of_rules.chain(of_series).chain(["alertname"]).collect();
    let unknown = others.labels.iter().filter(|matcher| !known.contains(matcher.name.as_ref()));
    unknown
        .map(|matcher| {
            let problem = Diagnostic::error(format!("no alert has the label `{}`", matcher.name));
            let problem = problem.at(&playback.day.source, others.place);
            match crate::text::nearest(&matcher.name, known.iter().copied()) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help("`others` takes labels of rules and of the series that they read"),
            }
        })
        .collect()
}

/// The alert rules that a selector can mean: no label that they fix contradicts it.
pub fn rules_of<'a>(playback: &'a Playback, matchers: &'a [Matcher]) -> impl Iterator<Item = (RuleRef, &'a Rule)> {
    playback.alert_rules().filter(move |(_, rule)| {
        matchers.iter().all(|matcher| match fixed_label(rule, &matcher.name) {
            Some(value) => matcher.matches(value),
            None => true,
        })
    })
}

/// The value of a label that every alert of a rule has; `None` where it depends on the series.
fn fixed_label<'a>(rule: &'a Rule, name: &str) -> Option<&'a str> {
    if name == "alertname" {
        return Some(&rule.name.value);
    }
    let written = rule.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.value.as_str());
    written.filter(|value| !value.contains("{{"))
}

fn place(playback: &Playback, span: Span) -> Option<Place> {
    Some(Place { source: playback.day.source.clone(), span })
}

fn alert(playback: &Playback, part: Part, expected: &AlertExpectation) -> Check {
    let start = playback.day.start();
    let name = &expected.selector.text;
    let lives = playback.lives_of(&expected.matchers);
    let (mut shortfalls, judged) = judge::shortfalls(expected, &lives, playback.day.end());
    let firing = |at| playback.firing(&expected.matchers, at);
    shortfalls.extend(expected.firing.iter().filter_map(|at| judge::firing_shortfall(at, firing(at.at))));
    let judged = judged.cloned();
    let judged = judged.as_ref();
    let rules: Vec<(RuleRef, &Rule)> = rules_of(playback, &expected.matchers).collect();
    // The rule itself, or what one of its rules reads.
    let mut exprs = rules.iter().filter_map(|(_, rule)| rule.expression());
    let met = expected.is_positive() && shortfalls.is_empty();
    let has_it = |file: &&BrokenFile| match file.is_known() {
        true => file.may_alert(&expected.matchers),
        false => !met,
    };
    let undecided = playback.broken.iter().find(|file| rules.is_empty() || has_it(file));
    let undecided = undecided.or_else(|| exprs.find_map(|expr| playback.undecided(expr)));
    let undecided = undecided.map(|file| file.reason(name));
    let blind: Vec<Reason> =
        rules.iter().filter_map(|(rule, _)| blind::reason(playback, *rule, &expected.matchers)).collect();
    // What has to happen proves itself; silence is proven by all rules that could have broken it.
    let untested = match shortfalls.is_empty() {
        true => !met && !blind.is_empty(),
        false => blind.len() == rules.len(),
    };
    let verdict = match () {
        () if undecided.is_some() || (untested && expected.blind.is_none()) => Verdict::Blind,
        () if shortfalls.is_empty() => Verdict::Pass,
        () => Verdict::Fail,
    };
    let happened = if lives.is_empty() {
        vec!["never active".to_owned()]
    } else {
        let mut told: Vec<String> = lives.iter().take(4).map(|life| told(life, &lives, start)).collect();
        if lives.len() > 4 {
            told.push(format!("and {} more", lives.len() - 4));
        }
        told
    };
    let mut check = Check {
        part,
        verdict,
        subject: name.clone(),
        place: place(playback, expected.selector.span),
        summary: summary(expected, &shortfalls, judged, verdict, undecided.as_ref().or(blind.first()), start),
        expected: wanted(expected, start),
        happened,
        reasons: Vec::new(),
        timeline: None,
        lives,
        rests_on: rests_on(playback, &rules, &expected.matchers),
    };
    match verdict {
        Verdict::Pass => {}
        Verdict::Blind if undecided.is_some() => check.reasons = undecided.into_iter().collect(),
        Verdict::Blind => {
            check.reasons = blind;
            let wants = rules.first().map_or("series", |(_, rule)| reads(rule));
            check.reasons.push(Reason {
                place: None,
                text: format!("give the replay such a {wants}, or say why there is none: `blind: \"reason\"`"),
            });
        }
        Verdict::Fail => {
            // Of several rules with one name, the one that spoke; else the first.
            let spoke = judged.and_then(|life| playback.lives().find(|(_, other)| other == life)).map(|(rule, _)| rule);
            if let Some(rule) = spoke.or_else(|| rules.first().map(|(rule, _)| *rule)) {
                check.reasons = explain::reasons(playback, rule, &expected.matchers, &shortfalls, judged);
                let (from, to) = around(playback, rule, expected, judged);
                check.timeline = Some(explain::chart(playback, rule, &expected.matchers, &check.lives).clip(from, to));
            }
        }
    }
    check
}

/// What a rule reads, for people.
fn reads(rule: &Rule) -> &'static str {
    if rule.logql().is_some() { "stream" } else { "series" }
}

/// The series that the rules of an expectation read, without those that can only become other alerts than the selector's.
fn rests_on(playback: &Playback, rules: &[(RuleRef, &Rule)], matchers: &[Matcher]) -> Vec<Rest> {
    let of_rule = |rule: &Rule| {
        let of_series = |matcher: &&Matcher| fixed_label(rule, &matcher.name).is_none();
        let matchers: Vec<Matcher> = matchers.iter().filter(of_series).cloned().collect();
        let mut rests = footing::of_exprs(playback, rule.expression());
        if rests.iter().any(|rest| explain::may_meet(&rest.series, &matchers)) {
            rests.retain(|rest| explain::may_meet(&rest.series, &matchers));
        }
        rests
    };
    rules.iter().flat_map(|(_, rule)| of_rule(rule)).collect()
}

/// What an expectation is not met by, in a few words; `None` where it is.
pub fn fell_short(playback: &Playback, expected: &AlertExpectation) -> Option<String> {
    let lives = playback.lives_of(&expected.matchers);
    let (shortfalls, judged) = judge::shortfalls(expected, &lives, playback.day.end());
    let told = || summary(expected, &shortfalls, judged, Verdict::Fail, None, playback.day.start());
    (!shortfalls.is_empty()).then(told)
}

/// What happened to one life, with its labels where there are several.
fn told(life: &Life, lives: &[Life], start: Timestamp) -> String {
    let text = explain::tell(life, start);
    if lives.iter().all(|other| other.labels == life.labels) { text } else { format!("{text}  {}", life.labels) }
}

/// The stretch that a chart shows: what was expected and what happened, and a little before and after.
fn around(
    playback: &Playback,
    rule: RuleRef,
    expected: &AlertExpectation,
    judged: Option<&Life>,
) -> (Timestamp, Timestamp) {
    let windows = [&expected.active, &expected.fires, &expected.resolves].into_iter().filter_map(|o| match o {
        Some(Occurs::Within(window)) => Some([window.from, window.to]),
        _ => None,
    });
    let lived = judged.map(|life| [life.active, life.ended.or(life.fired).unwrap_or(life.active)]);
    let asked = expected.states.iter().map(|s| s.at).chain(expected.firing.iter().map(|f| f.at));
    let times: Vec<Timestamp> = windows.chain(lived).flatten().chain(asked).collect();
    let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) else {
        return (playback.day.start(), playback.day.end());
    };
    let margin = Duration(playback.interval(rule).0.saturating_mul(5));
    (*first - margin, *last + margin)
}

/// What was expected, in words, with the times that marks stand for.
fn wanted(expected: &AlertExpectation, start: Timestamp) -> String {
    let mut parts = Vec::new();
    for (verb, occurs) in [("active", &expected.active), ("firing", &expected.fires), ("resolved", &expected.resolves)]
    {
        match occurs {
            None => {}
            Some(Occurs::Never(_)) => parts.push(format!("never {verb}")),
            Some(Occurs::Within(window)) if window.from == window.to => {
                parts.push(format!("{verb} at {}", explain::clock(window.from, start)));
            }
            Some(Occurs::Within(window)) => parts.push(format!(
                "{verb} {} ({} to {})",
                window.words,
                explain::clock(window.from, start),
                explain::clock(window.to, start)
            )),
        }
    }
    if let Some(times) = expected.times {
        parts.push(if times == 1 { "once".to_owned() } else { format!("{times} times") });
    }
    if let Some(lasts) = expected.lasts {
        parts.push(format!("for at least {lasts}"));
    }
    for state in &expected.states {
        parts.push(format!("{:?} at {}", state.state, explain::clock(state.at, start)).to_lowercase());
    }
    parts.extend(expected.firing.iter().take(FIRING_SHOWN).map(|firing| {
        let at = explain::clock(firing.at, start);
        match firing.alerts.len() {
            0 => format!("none firing at {at}"),
            count => format!("exactly {count} firing at {at}"),
        }
    }));
    if expected.firing.len() > FIRING_SHOWN {
        parts.push(format!("and so on at {} times", expected.firing.len()));
    }
    parts.join(", ")
}

/// How many times of `firing` are told of one expectation.
const FIRING_SHOWN: usize = 4;

/// The check in a few words.
fn summary(
    expected: &AlertExpectation,
    shortfalls: &[Shortfall],
    judged: Option<&Life>,
    verdict: Verdict,
    blind: Option<&Reason>,
    start: Timestamp,
) -> String {
    let name = if expected.alertname.is_empty() { &expected.selector.text } else { &expected.alertname };
    if verdict == Verdict::Blind {
        return blind.map_or_else(|| format!("{name}: blind"), |reason| reason.text.clone());
    }
    let Some(worst) = shortfalls.first() else {
        return match judged {
            Some(life) => format!("{name} {}", explain::tell(life, start)),
            None => format!("{name} silent"),
        };
    };
    let late = |window: &crate::replay::Window, time: Option<Timestamp>, verb: &str| match time {
        None => format!("{name} never {verb}"),
        Some(time) if time > window.to => format!("{name} {verb} {} late", time - window.to),
        Some(time) => format!("{name} {verb} {} early", window.from - time),
    };
    match worst {
        Shortfall::Active(window) => late(window, judged.map(|life| life.active), "became active"),
        Shortfall::Fires(window) => late(window, judged.and_then(|life| life.fired), "fired"),
        Shortfall::Resolves(window) => late(window, judged.and_then(Life::resolved), "resolved"),
        Shortfall::Occurred(event, _) => {
            let verb = match event {
                Event::Active => "became active",
                Event::Fires => "fired",
                Event::Resolves => "resolved",
            };
            format!("{name} {verb}, and never should")
        }
        Shortfall::Times { wanted, found } => format!("{name} fired {found} times, not {wanted}"),
        Shortfall::Lasts { wanted, found } => format!("{name} fired for {found}, not {wanted}"),
        Shortfall::Firing { at, missing, unwanted } => {
            let at = explain::clock(*at, start);
            match (&missing[..], &unwanted[..]) {
                ([missing, ..], [unwanted, ..]) if missing.labels == unwanted.labels => {
                    format!("{name} fires with other annotations at {at}: {}", missing.labels)
                }
                ([missing, ..], []) => format!("{name} does not fire at {at}: {}", missing.labels),
                ([], [unwanted, ..]) => format!("{name} fires at {at}, and should not: {}", unwanted.labels),
                (missing, unwanted) => {
                    let labels = |alerts: &[FiringAlert]| {
                        alerts.iter().map(|alert| alert.labels.to_string()).collect::<Vec<_>>().join(" ")
                    };
                    format!("{name} fires at {at} as {}, not as {}", labels(unwanted), labels(missing))
                }
            }
        }
        Shortfall::State { at, wanted, found, .. } => {
            format!("{name} {} at {}, not {}", word(*found), explain::clock(*at, start), word(*wanted))
        }
    }
}

fn word(state: AlertState) -> &'static str {
    match state {
        AlertState::Inactive => "inactive",
        AlertState::Pending => "pending",
        AlertState::Firing => "firing",
    }
}

/// What fires and is meant by `others`: no selector speaks of it.
pub fn unexpected<'a>(
    playback: &'a Playback,
    others: &'a Others,
    told: &'a [AlertExpectation],
) -> impl Iterator<Item = (RuleRef, Life)> + 'a {
    let selected = move |life: &Life| {
        told.iter()
            .filter(|e| e.speaks_of_firing())
            .any(|e| e.matchers.iter().all(|matcher| matcher.matches(life.labels.get(&matcher.name))))
    };
    let meant = move |life: &Life| others.labels.iter().all(|matcher| matcher.matches(life.labels.get(&matcher.name)));
    playback.lives().filter(move |(_, life)| life.fired.is_some() && meant(life) && !selected(life))
}

/// `others`: what no selector selects must not fire, and must have been able to.
fn silence(playback: &Playback, part: Part, others: &Others, told: &[AlertExpectation]) -> Vec<Check> {
    let start = playback.day.start();
    let check = |subject: String, verdict: Verdict, summary: String, happened: Vec<String>| Check {
        part,
        verdict,
        subject,
        place: place(playback, others.place),
        summary,
        expected: "silent, as every other alert".to_owned(),
        happened,
        reasons: Vec::new(),
        lives: Vec::new(),
        timeline: None::<Timeline>,
        rests_on: Vec::new(),
    };
    let mut checks = Vec::new();
    for (rule, life) in unexpected(playback, others, told) {
        let name = &playback.rule(rule).name.value;
        let own = vec![explain::tell(&life, start)];
        let mut found =
            check(life.labels.to_string(), Verdict::Fail, format!("{name} fired, and nobody expected it"), own);
        found.reasons =
            explain::reasons(playback, rule, &[], &[Shortfall::Occurred(Event::Fires, others.place)], Some(&life));
        found.timeline = Some(explain::chart(playback, rule, &[], std::slice::from_ref(&life)));
        found.lives = vec![life];
        checks.push(found);
    }
    // Only alerts that nothing is said of: a selector of some of its label sets has its own verdict.
    let named = |name: &str| {
        told.iter().any(|e| e.matchers.iter().filter(|m| m.name.as_ref() == "alertname").all(|m| m.matches(name)))
    };
    let unnamed = || playback.alert_rules().filter(|(_, rule)| !named(&rule.name.value));
    for (at, rule) in unnamed() {
        let labels_meant = others.labels.iter().all(|matcher| {
            let own = rule.labels.iter().find(|(name, _)| **name == *matcher.name);
            own.is_none_or(|(_, value)| matcher.matches(value))
        });
        if let Some(reason) = labels_meant.then(|| blind::reason(playback, at, &[])).flatten() {
            let mut found = check(
                rule.name.value.clone(),
                Verdict::Blind,
                reason.text.clone(),
                vec!["silent, because it is blind".into()],
            );
            found.reasons = vec![
                reason,
                Reason {
                    place: None,
                    text: format!(
                        "give the replay such a {}, or expect `{}: {{fires: never, blind: \"reason\"}}`",
                        reads(rule),
                        rule.name.value
                    ),
                },
            ];
            checks.push(found);
        }
    }
    let undecided = playback.broken.iter().find(|file| file.may_alert_besides(&named));
    let undecided = undecided
        .or_else(|| unnamed().filter_map(|(_, rule)| rule.expression()).find_map(|expr| playback.undecided(expr)));
    if let Some(file) = undecided {
        let reason = file.reason("every other alert");
        let silent = vec!["what could be read is silent".to_owned()];
        let mut found = check("every other alert".to_owned(), Verdict::Blind, reason.text.clone(), silent);
        found.reasons = vec![reason];
        checks.push(found);
    }
    if checks.is_empty() {
        checks.push(check(
            "every other alert".to_owned(),
            Verdict::Pass,
            "others silent".to_owned(),
            vec!["silent".into()],
        ));
    }
    let rests_on = footing::of_exprs(playback, unnamed().filter_map(|(_, rule)| rule.expression()));
    checks.iter_mut().for_each(|check| check.rests_on.clone_from(&rests_on));
    checks
}

/// Annotations of alerts that fired and whose templates fail: what a pager would show is an error text.
pub fn failed_templates(playback: &Playback) -> Vec<Check> {
    let mut told = BTreeSet::new();
    let mut checks = Vec::new();
    for track in &playback.run.alerts {
        let Some(fired) = track.fired_at else { continue };
        for (annotation, text) in playback.annotations(track, fired) {
            if !text.contains(TEMPLATE_ERROR) || !told.insert((track.rule, annotation.clone())) {
                continue;
            }
            let rule = playback.rule(track.rule);
            checks.push(Check {
                part: Part::Rules,
                verdict: Verdict::Fail,
                subject: format!("{}, annotation {annotation}", rule.name.value),
                place: Some(Place { source: rule.name.source.clone(), span: rule.name.span }),
                summary: format!("{}: the template of {annotation} fails", rule.name.value),
                expected: "expanded without errors".to_owned(),
                happened: vec![text],
                reasons: Vec::new(),
                lives: Vec::new(),
                timeline: None,
                rests_on: Vec::new(),
            });
        }
    }
    checks
}

/// How the text of a template that failed begins (Prometheus `rules/alerting.go`).
const TEMPLATE_ERROR: &str = "<error expanding template:";

/// A day of which nothing is expected tests nothing.
pub fn nothing_expected(playback: &Playback) -> Check {
    Check {
        part: Part::Expect,
        verdict: Verdict::Blind,
        subject: "no expectation".to_owned(),
        place: place(playback, Span::default()),
        summary: "nothing is expected of this day".to_owned(),
        expected: String::new(),
        happened: Vec::new(),
        reasons: vec![Reason {
            place: None,
            text: "say what the rules must do: `expect: {alerts: [...], others: silent}`".to_owned(),
        }],
        lives: Vec::new(),
        timeline: None,
        rests_on: Vec::new(),
    }
}

/// Rules that failed at some tick: whatever they were to say is not to be relied on.
pub fn failed_rules(playback: &Playback) -> Vec<Check> {
    let mut checks: Vec<(RuleRef, Check, usize)> = Vec::new();
    for error in &playback.run.errors {
        if let Some((.., count)) = checks.iter_mut().find(|(rule, ..)| *rule == error.rule) {
            *count += 1;
            continue;
        }
        let rule = playback.rule(error.rule);
        let at = explain::clock(error.tick, playback.day.start());
        let check = Check {
            part: Part::Rules,
            verdict: Verdict::Fail,
            subject: rule.name.value.clone(),
            place: Some(Place { source: rule.expr.source.clone(), span: rule.expr.span }),
            summary: format!("{} failed at {at}", rule.name.value),
            expected: "evaluated without errors".to_owned(),
            happened: vec![format!("at {at}: {}", error.error)],
            reasons: Vec::new(),
            lives: Vec::new(),
            timeline: None,
            rests_on: Vec::new(),
        };
        checks.push((error.rule, check, 1));
    }
    let finish = |(_, mut check, count): (RuleRef, Check, usize)| {
        if count > 1 {
            check.happened.push(format!("and at {} more ticks", count - 1));
        }
        check
    };
    checks.into_iter().map(finish).collect()
}
