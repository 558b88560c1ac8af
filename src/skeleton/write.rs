//! Writes a new replay.

use super::day::{Plan, text};
use super::range::short;
use super::{Control, Wish, read_selectors, streams};
use crate::number::format_f;
use crate::rules::RuleKind;
use crate::time::{Duration, Timestamp};

/// The replay's text. The control of a rule that `always` holds is left out, `missing` is what somebody has to fill in.
pub fn replay(wish: &Wish<'_>, plan: &Plan, always: bool, control: Control, missing: &[String]) -> String {
    let rule = wish.rule();
    let times = plan.times;
    let mut out = String::new();
    let mut line = |text: String| {
        out += text.trim_end();
        out.push('\n');
    };
    let place = rule.name.source.place(rule.name.span.start).line;
    line(format!("# A replay for {} ({}:{place}), made from the rule:", rule.name.value, rule.name.source.name()));
    rule.expr.trim().lines().for_each(|part| line(format!("#   {part}")));
    if let RuleKind::Alert { for_, .. } = &rule.kind
        && *for_ > Duration::ZERO
    {
        line(format!("# for {for_}"));
    }
    recorded(wish).into_iter().for_each(|text| line(format!("# {text}")));
    plan.absent.iter().for_each(|series| line(format!("# Not there, as the rule wants it: {series}")));
    if missing.is_empty() {
        line("# All figures are made up so that the rule fires. Replace them by those of an incident, each with its `source`.".to_owned());
    } else {
        line("# TO FILL IN: the values below do not make the rule fire and keep it silent in the control:".to_owned());
        missing.iter().flat_map(|text| text.lines()).for_each(|text| line(format!("#   {text}")));
    }
    line("firedrill: replay/1".to_owned());
    line(format!("title: {}", text(&format!("{} fires", rule.name.value))));
    line(format!("start: {}", times.start));
    line(format!("end: {}", times.end));
    let names: Vec<String> = wish.names.values().map(|name| text(name)).collect();
    line(format!("rules: [{}]", names.join(", ")));
    match plan.targets.is_empty() {
        true => line(format!(
            "targets:\n  app: {{labels: {{job: app, instance: '10.0.0.1:9090'}}, scrape: {}}}",
            times.scrape
        )),
        false => line("targets:".to_owned()),
    }
    for target in &plan.targets {
        let labels: Vec<String> =
            target.labels.iter().map(|(name, value)| format!("{}: {}", key(name), text(value))).collect();
        let pushed = if target.pushed { ", pushed: true" } else { "" };
        line(format!("  {}: {{labels: {{{}}}, scrape: {}{pushed}}}", target.name, labels.join(", "), times.scrape));
    }
    if !always {
        line("spans:".to_owned());
        let (from, to) = (clock(times.from, plan), clock(times.to, plan));
        line(format!("  incident: {{from: \"{from}\", to: \"{to}\", assumed: \"longer than `for` and the windows\"}}"));
    }
    if !plan.metrics.is_empty() {
        line("metrics:".to_owned());
        plan.metrics.iter().for_each(|metric| line(format!("  - {metric}")));
    }
    if !plan.gaps.is_empty() {
        line("gaps:".to_owned());
        plan.gaps.iter().for_each(|gap| line(format!("  - {gap}")));
    }
    let streams = rule.logql().map(|expr| streams::of(&rule.expr, expr)).unwrap_or_default();
    if !streams.is_empty() {
        line("events:".to_owned());
        line("  usual: {every: {interval: 30s}, assumed: \"made up\"}".to_owned());
        line(format!("  line: {{every: {{interval: {}, within: incident}}, assumed: \"made up\"}}", plan.lines));
        line("logs:".to_owned());
        let mut told: Vec<String> = Vec::new();
        for stream in &streams {
            line(format!("  # {}", stream.query));
            // Also in healthy time somebody writes, or else silence would prove nothing.
            let usual = stream.entry("usual", "a usual line");
            if !told.contains(&usual) {
                line(format!("  - {usual}"));
                told.push(usual);
            }
            line(format!("  - {}", stream.entry("line", &stream.line)));
        }
    }
    let alert = text(&wish.selector());
    if always {
        line("# The rule holds whatever happens, so that there is no control.".to_owned());
        line("expect:".to_owned());
        line("  alerts:".to_owned());
        line(format!("    - {alert}: {{fires: {{within: {}}}}}", times.within));
        return out;
    }
    line("variants:".to_owned());
    line("  control:".to_owned());
    line("    title: 'the same day without the incident'".to_owned());
    let without: Vec<String> =
        std::iter::once("incident".to_owned()).chain(plan.born.iter().map(|series| text(series))).collect();
    line(format!("    without: [{}]", without.join(", ")));
    line("    expect:".to_owned());
    line("      alerts:".to_owned());
    match control {
        Control::Silent => line(format!("        - {alert}: never")),
        Control::Blind => {
            let why = match plan.born.is_empty() {
                true => "another rule of this name reads series that are not there",
                false => "the series is there in the incident only",
            };
            line(format!("        - {alert}: {{fires: never, blind: '{why}'}}"));
        }
        Control::SilentLater => {
            line("        # Not `never`: at the beginning of the day the windows are not full.".to_owned());
            let (from, to) = (clock(times.from, plan), clock(times.from + times.within, plan));
            line(format!("        - {alert}: {{state: {{\"{from}\": inactive, \"{to}\": inactive}}}}"));
        }
    }
    line("expect:".to_owned());
    line("  alerts:".to_owned());
    match control {
        Control::SilentLater => {
            let (from, to) = (clock(times.from, plan), clock(times.from + times.within, plan));
            line(format!("    - {alert}: {{state: {{\"{from}\": inactive, \"{to}\": firing}}}}"));
        }
        _ => line(format!("    - {alert}: {{fires: {{within: {}, after: incident.from}}}}", times.within)),
    }
    out
}

/// The recording rules that the rule reads, each with its place and what it reads in the end.
fn recorded(wish: &Wish<'_>) -> Vec<String> {
    let Some(expr) = wish.rule().promql() else { return Vec::new() };
    let reverse = wish.reverse(super::Choice::first(), Duration::MINUTE);
    let mut told: Vec<String> = Vec::new();
    for (selector, _) in expr.selectors() {
        let Some(rule) = reverse.writer(selector) else { continue };
        let Some(query) = rule.promql() else { continue };
        let place = rule.name.source.place(rule.name.span.start).line;
        let head = format!("By {} ({}:{place}) it reads", rule.name.value, rule.name.source.name());
        if told.contains(&head) {
            continue;
        }
        told.push(head);
        let mut read: Vec<String> = read_selectors(query, &reverse, 0).iter().map(|read| format!("  {read}")).collect();
        read.sort();
        read.dedup();
        told.extend(read);
    }
    told
}

/// A figure with what it lies between, by a part of itself; `None` for what is no number with a unit.
pub fn between(written: &str, width: f64) -> Option<String> {
    let (before, rest) = written.split_at(written.find(|c: char| c.is_ascii_digit() || c == '-')?);
    let end = rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | '.'))).unwrap_or(rest.len());
    let (number, behind) = rest.split_at(end);
    let value: f64 = number.parse().ok()?;
    let moved = |by: f64| format!("{before}{}{behind}", format_f(short(value * by)));
    let (one, other) = (moved(1.0 - width), moved(1.0 + width));
    let (low, high) = if value < 0.0 { (other, one) } else { (one, other) };
    Some(format!("{{value: {written}, between: [{low}, {high}]}}"))
}

/// A label as a key of YAML.
fn key(label: &str) -> String {
    match label.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !matches!(label, "y" | "n" | "on" | "off") {
        true => label.to_owned(),
        false => text(label),
    }
}

/// The time of day, with its date where the replay spans midnight.
fn clock(time: Timestamp, plan: &Plan) -> String {
    let date = |time: Timestamp| time.calendar().map(|time| time.date_naive());
    match time.calendar() {
        Some(at) if date(plan.times.start) == date(plan.times.end) => at.format("%H:%M:%S").to_string(),
        _ => time.to_string(),
    }
}
