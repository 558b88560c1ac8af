//! New replays: a day for an alert rule, made from the rule itself, on which it fires in an incident and is silent in the
//! control. What an expression wants is worked out from its outermost operator down to its series (`reverse`), the day is
//! laid out (`day`), written (`write`), and drilled; where it does not come out as wanted, the next way of reversing is tried.

mod aggregate;
mod arithmetic;
mod call;
mod count;
mod day;
mod leaf;
mod library;
mod matched;
mod operator;
mod range;
mod reverse;
mod sample;
mod selector;
mod streams;
mod value;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::config::Config;
use crate::drill::verdict::Verdict;
use crate::drill::{self, Documents, Incident, NamedRunbooks};
use crate::labels::{Labels, METRIC_NAME, MatchOp, Matcher};
use crate::logql;
use crate::promql::ast::{Expr, ExprKind};
use crate::promql::eval::Profile;
use crate::replay;
use crate::rules::{Group, Query, Rule, RuleKind, RuleRef};
use crate::text::{Diagnostic, Source, Span};
use crate::time::{Duration, Timestamp};

use day::{Plan, Waits};
use leaf::Phase;
pub use library::Library;
use range::Range;
use reverse::{At, Choice, DEEPEST, Reverse, Wanted};

/// Wednesday noon, Wednesday before dawn, Sunday noon: for rules that ask for the time of day.
const STARTS: [i64; 3] = [1_768_392_000_000, 1_768_359_600_000, 1_768_737_600_000];

/// By which part of itself a figure may be more or less, so that verdicts hold: the widest that will do is written.
const WIDTHS: [f64; 4] = [0.1, 0.03, 0.01, 0.002];

/// What a replay is made for.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    pub library: &'a Library,
    pub rule: RuleRef,
    /// Where the replay will be, for the paths in it.
    pub path: &'a Path,
    /// The rule files, as the replay names them, by their own paths.
    pub names: &'a BTreeMap<String, String>,
    pub config: &'a Config,
}

/// A replay, and whether it does what it should.
#[derive(Clone, Debug)]
pub struct Skeleton {
    pub text: String,
    /// What keeps it from passing, for people; empty where it passes as it is.
    pub shortfalls: Vec<String>,
    /// The alert fires at the latest so long after the beginning of the incident.
    pub within: Duration,
    /// There is no control: the rule always holds.
    pub always: bool,
}

/// What the control expects of the alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// It never fires.
    Silent,
    /// The same, and there is no series that it, or another rule of its name, could fire for.
    Blind,
    /// It does not fire when the incident would be; at the beginning windows are not full, and it may.
    SilentLater,
}

impl Wish<'_> {
    fn group(&self) -> &Group {
        &self.library.groups[self.rule.group]
    }

    pub fn rule(&self) -> &Rule {
        &self.group().rules[self.rule.rule]
    }

    /// Other rules of this name.
    fn twins(&self) -> impl Iterator<Item = &Rule> {
        let groups = self.library.groups.iter().filter(|group| self.names.contains_key(group.file.name()));
        let own = self.rule();
        groups
            .flat_map(|group| &group.rules)
            .filter(move |other| other.is_alert() && other.name.value == own.name.value && !std::ptr::eq(*other, own))
    }

    /// The selector for the alert in expectations: with labels where several rules have its name.
    fn selector(&self) -> String {
        let rule = self.rule();
        let fixed = |rule: &Rule| {
            let labels = rule.labels.iter().filter(|(_, value)| !value.contains("{{"));
            Labels::from_pairs(labels.map(|(name, value)| (name.as_str(), value.value.as_str())))
        };
        let own = fixed(rule);
        let twins: Vec<Labels> = self.twins().map(fixed).collect();
        let telling: Vec<(&str, &str)> =
            own.iter().filter(|(label, value)| twins.iter().any(|twin| twin.get(label) != *value)).collect();
        Labels::from_pairs(telling.into_iter().chain([(METRIC_NAME, rule.name.value.as_str())])).as_metric()
    }

    /// Makes the replay.
    pub fn draft(&self) -> Skeleton {
        let expr = match &self.rule().query {
            Query::Promql(expr) => expr,
            Query::Logql(expr) => return self.of_streams(expr),
            Query::Metricsql => return self.unread(),
        };
        let mut best: Option<Skeleton> = None;
        for choice in choices(expr, &self.library.groups) {
            let (Some(plan), _) = self.attempt(expr, choice, true) else { continue };
            let skeleton = self.finish(&plan, false);
            if skeleton.shortfalls.is_empty() {
                return skeleton;
            }
            best = best.or(Some(skeleton));
        }
        // What holds whatever happens needs no incident.
        if expr.selectors().is_empty()
            && let (Some(plan), _) = self.attempt(expr, Choice::first(), false)
        {
            let skeleton = self.finish(&plan, true);
            if skeleton.shortfalls.is_empty() {
                return skeleton;
            }
            best = best.or(Some(skeleton));
        }
        best.unwrap_or_else(|| self.placeholders(expr))
    }

    fn reverse(&self, choice: Choice, scrape: Duration) -> Reverse<'_> {
        Reverse {
            groups: &self.library.groups,
            choice,
            now: choice.start.seconds() + 1800.0,
            scrape,
            names: BTreeMap::new(),
            leaves: Vec::new(),
            copies: BTreeMap::new(),
        }
    }

    fn waits(&self, expr: &Expr, reverse: &Reverse<'_>) -> Waits {
        let (window, offset) = call::reach(expr, reverse, 0);
        let for_ = match &self.rule().kind {
            RuleKind::Alert { for_, .. } => *for_,
            RuleKind::Record => Duration::ZERO,
        };
        let narrowest = all_windows(expr, reverse, 0).into_iter().fold(f64::INFINITY, f64::min);
        Waits { start: reverse.choice.start, window, offset, narrowest, for_, interval: self.group().interval }
    }

    /// One way of reversing the rule: its day, and what could not be reversed.
    fn attempt(&self, expr: &Expr, choice: Choice, healthy: bool) -> (Option<Plan>, Vec<String>) {
        let mut reverse = self.reverse(choice, Duration(30_000));
        let waits = self.waits(expr, &reverse);
        reverse.scrape = waits.scrape();
        reverse.names = names(expr, &reverse);
        let labels = self.told_labels(&reverse);
        let holds = Wanted::Within(Range::ANY);
        let mut stuck = Vec::new();
        if healthy && let Err(part) = reverse.solve(expr, Wanted::Nothing, &At::top(Phase::Healthy, labels.clone())) {
            stuck.push(format!("`{}` would have to yield {} in healthy time", part.part, part.wanted));
        }
        if let Err(part) = reverse.solve(expr, holds, &At::top(Phase::Incident, labels)) {
            stuck.push(format!("`{}` would have to yield {} in the incident", part.part, part.wanted));
        }
        if !stuck.is_empty() {
            return (None, stuck);
        }
        match day::plan(&reverse, waits) {
            Ok(plan) => (Some(plan), stuck),
            Err(unfit) => (None, vec![unfit.0]),
        }
    }

    /// The labels that annotations and labels of the rule speak of.
    fn told_labels(&self, reverse: &Reverse<'_>) -> BTreeMap<String, String> {
        let rule = self.rule();
        let annotations = match &rule.kind {
            RuleKind::Alert { annotations, .. } => annotations.as_slice(),
            RuleKind::Record => &[],
        };
        let mut told = BTreeMap::new();
        for (_, text) in annotations.iter().chain(&rule.labels) {
            for piece in text.value.split("$labels.").skip(1).chain(text.value.split(".Labels.").skip(1)) {
                let end = piece.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(piece.len());
                let label = &piece[..end];
                if !label.is_empty() && !matches!(label, "alertname" | "job" | "instance") {
                    told.insert(label.to_owned(), reverse.name(label));
                }
            }
        }
        told
    }

    /// Writes a day and drills it.
    fn finish(&self, plan: &Plan, always: bool) -> Skeleton {
        let write = |missing: &[String], control: Control| write::replay(self, plan, always, control, missing);
        let within = plan.times.within;
        let mut missing = Vec::new();
        for control in [Control::Silent, Control::Blind, Control::SilentLater] {
            if control == Control::Blind && plan.born.is_empty() && self.twins().next().is_none() {
                continue;
            }
            let text = write(&[], control);
            let shortfalls = self.drill(&text);
            if shortfalls.is_empty() {
                return Skeleton { text: self.steady(text), shortfalls, within, always };
            }
            if missing.is_empty() {
                missing = shortfalls;
            }
        }
        Skeleton { text: write(&missing, Control::Silent), shortfalls: missing, within, always }
    }

    /// The replay, in which figures that cannot be halved and doubled without another verdict say between what they lie.
    fn steady(&self, text: String) -> String {
        let hanging = |text: &str| -> Vec<Span> {
            let Ok(incident) = self.incident(text) else { return Vec::new() };
            let limits = self.config.limits.of_day(None);
            let mut places: Vec<Span> =
                incident.days().flat_map(|day| drill::shake::hanging(&incident, day, limits)).collect();
            places.sort_unstable();
            places.dedup();
            places
        };
        let places = hanging(&text);
        let narrowed = |width: f64| {
            let mut narrowed = text.clone();
            for place in places.iter().rev() {
                let written = &text[place.start..place.end];
                if let Some(figure) = write::between(written, width) {
                    narrowed.replace_range(place.start..place.end, &figure);
                }
            }
            narrowed
        };
        let mut tried = WIDTHS.into_iter().filter(|_| !places.is_empty()).map(narrowed);
        let steady = tried.find(|text| self.drill(text).is_empty() && hanging(text).is_empty());
        steady.unwrap_or(text)
    }

    /// What keeps the replay from passing.
    fn drill(&self, text: &str) -> Vec<String> {
        let told = |problems: Vec<Diagnostic>| problems.into_iter().map(|p| p.message).collect();
        let incident = match self.incident(text) {
            Ok(incident) => incident,
            Err(problems) => return told(problems),
        };
        let limits = self.config.limits.of_day(None);
        let mut shortfalls = Vec::new();
        for day in incident.days() {
            match drill::run(&incident, day, limits) {
                Ok(drill) => {
                    shortfalls.extend(drill.checks.iter().filter(|check| check.verdict != Verdict::Pass).map(|check| {
                        let name = day.name.as_deref().unwrap_or("day");
                        let reason = check.reasons.first().map(|reason| reason.text.as_str());
                        match reason.filter(|reason| !check.summary.contains(reason)) {
                            Some(reason) => format!("{name}: {}: {reason}", check.summary),
                            None => format!("{name}: {}", check.summary),
                        }
                    }))
                }
                Err(problems) => shortfalls.extend::<Vec<String>>(told(problems)),
            }
        }
        shortfalls
    }

    /// The replay with the rules that it names.
    fn incident(&self, text: &str) -> Result<Incident, Vec<Diagnostic>> {
        let source = Source::new(self.path.display().to_string(), text);
        let replay = replay::read(&source, self.path.parent().unwrap_or(Path::new("")))?;
        let groups = self.library.groups.iter().filter(|group| self.names.contains_key(group.file.name()));
        let mut groups: Vec<Group> = groups.cloned().collect();
        drill::of_loki(&mut groups, &replay);
        let labels = self.config.external_labels.iter().map(|(name, value)| (name.as_str(), value.value.as_str()));
        Ok(Incident {
            replay,
            groups,
            broken: [].into(),
            external_labels: Labels::from_pairs(labels),
            profile: self.config.enabled(Profile::prometheus()),
            documents: Documents::default(),
            runbooks: NamedRunbooks::default(),
            warnings: Vec::new(),
            name: "skeleton".to_owned(),
        })
    }

    /// A day with every series that the rule reads, each with a value to be replaced.
    fn placeholders(&self, expr: &Expr) -> Skeleton {
        let (_, mut missing) = self.attempt(expr, Choice::first(), true);
        let mut reverse = self.reverse(Choice::first(), Duration(30_000));
        let waits = self.waits(expr, &reverse);
        reverse.names = names(expr, &reverse);
        let labels = self.told_labels(&reverse);
        for selector in read_selectors(expr, &reverse, 0) {
            let at = At::top(Phase::Healthy, labels.clone());
            let placed = reverse.fill(&selector, &at);
            if placed.is_err() {
                missing.push(format!("no series meets the matchers of `{selector}`"));
            }
        }
        match day::plan(&reverse, waits) {
            Ok(plan) => {
                let text = write::replay(self, &plan, false, Control::Silent, &missing);
                Skeleton { text, shortfalls: missing, within: plan.times.within, always: false }
            }
            Err(unfit) => {
                missing.push(unfit.0);
                reverse.leaves.clear();
                self.empty(&reverse, waits, missing)
            }
        }
    }

    fn empty(&self, reverse: &Reverse<'_>, waits: Waits, missing: Vec<String>) -> Skeleton {
        let Ok(plan) = day::plan(reverse, waits) else {
            return Skeleton { text: String::new(), shortfalls: missing, within: Duration::ZERO, always: false };
        };
        let text = write::replay(self, &plan, false, Control::Silent, &missing);
        Skeleton { text, shortfalls: missing, within: plan.times.within, always: false }
    }

    /// A day for a rule in LogQL: lines that pass its line filters, more and more of them until it fires. What else it wants of
    /// them is to be filled in.
    fn of_streams(&self, expr: &logql::ast::Expr) -> Skeleton {
        let (reverse, waits) =
            (self.reverse(Choice::first(), Duration(30_000)), self.plain_waits(streams::window(expr)));
        let Ok(mut plan) = day::plan(&reverse, waits) else { return self.empty(&reverse, waits, Vec::new()) };
        let mut best: Option<Skeleton> = None;
        for lines in LINES {
            plan.lines = lines;
            let skeleton = self.finish(&plan, false);
            if skeleton.shortfalls.is_empty() {
                return skeleton;
            }
            best = best.or(Some(skeleton));
        }
        best.unwrap_or_else(|| self.empty(&reverse, waits, Vec::new()))
    }

    fn plain_waits(&self, window: f64) -> Waits {
        let for_ = match &self.rule().kind {
            RuleKind::Alert { for_, .. } => *for_,
            RuleKind::Record => Duration::ZERO,
        };
        let (start, interval) = (Timestamp(STARTS[0]), self.group().interval);
        Waits { start, window, offset: 0.0, narrowest: f64::INFINITY, for_, interval }
    }

    fn unread(&self) -> Skeleton {
        let reverse = self.reverse(Choice::first(), Duration(30_000));
        let missing =
            vec!["the rule is in a language that is not evaluated: what it reads is to be filled in".to_owned()];
        self.empty(&reverse, self.plain_waits(300.0), missing)
    }
}

/// From line to line of an incident, the most natural first.
const LINES: [Duration; 5] = [Duration(10_000), Duration(60_000), Duration(1000), Duration(200), Duration(50)];

impl Choice {
    fn first() -> Choice {
        Choice {
            carry: false,
            right: false,
            vanish: false,
            alias: true,
            usual_names: false,
            scale: 1.0,
            start: Timestamp(STARTS[0]),
        }
    }
}

/// The ways of reversing, the most natural first.
fn choices(expr: &Expr, groups: &[Group]) -> Vec<Choice> {
    let mut calendar = false;
    let mut look = |expr: &Expr| {
        expr.walk(&mut |part: &Expr| {
            calendar |=
                matches!(&part.kind, ExprKind::Call(call) if value::calendar(call.function.name, 0.0).is_some());
        });
    };
    look(expr);
    groups.iter().flat_map(|group| &group.rules).filter(|rule| !rule.is_alert()).for_each(|rule| {
        rule.promql().into_iter().for_each(&mut look);
    });
    let starts = if calendar { &STARTS[..] } else { &STARTS[..1] };
    let mut choices = Vec::new();
    let matched = matched::tells(expr, groups);
    for start in starts {
        for vanish in [false, true] {
            for scale in [1.0, 1000.0] {
                for usual_names in [false, true] {
                    for alias in [true, false] {
                        for right in [false, true] {
                            for carry in [false, true].into_iter().filter(|carry| matched || !carry) {
                                let start = Timestamp(*start);
                                choices.push(Choice { carry, right, vanish, alias, usual_names, scale, start });
                            }
                        }
                    }
                }
            }
        }
    }
    choices
}

/// The selectors that an expression reads in the end, behind recording rules.
fn read_selectors(expr: &Expr, reverse: &Reverse<'_>, depth: u32) -> Vec<Expr> {
    let mut found = Vec::new();
    for (selector, span) in expr.selectors() {
        match reverse.writer(selector).and_then(|rule| rule.promql()) {
            Some(query) if depth < DEEPEST => found.extend(read_selectors(query, reverse, depth + 1)),
            _ => found.push(Expr { kind: ExprKind::Selector(selector.clone()), span }),
        }
    }
    found
}

/// The files of the rules that an expression reads, its own aside.
pub fn files_behind(expr: &Expr, groups: &[Group]) -> BTreeSet<String> {
    fn collect(expr: &Expr, reverse: &Reverse<'_>, depth: u32, files: &mut BTreeSet<String>) {
        for (selector, _) in expr.selectors() {
            let Some(rule) = reverse.writer(selector) else { continue };
            files.insert(rule.name.source.name().to_owned());
            if let Some(query) = rule.promql().filter(|_| depth < DEEPEST) {
                collect(query, reverse, depth + 1, files);
            }
        }
    }
    let reverse = Reverse {
        groups,
        choice: Choice::first(),
        now: 0.0,
        scrape: Duration::MINUTE,
        names: BTreeMap::new(),
        leaves: Vec::new(),
        copies: BTreeMap::new(),
    };
    let mut files = BTreeSet::new();
    collect(expr, &reverse, 0, &mut files);
    files
}

/// Seconds of every window that is looked at.
fn all_windows(expr: &Expr, reverse: &Reverse<'_>, depth: u32) -> Vec<f64> {
    let mut found = Vec::new();
    expr.walk(&mut |part: &Expr| {
        if let ExprKind::Range(range) = &part.kind {
            found.extend(value::seconds(&range.range));
        }
    });
    for (selector, _) in expr.selectors() {
        if let Some(query) = reverse.writer(selector).and_then(|rule| rule.promql()).filter(|_| depth < DEEPEST) {
            found.extend(all_windows(query, reverse, depth + 1));
        }
    }
    found
}

/// A value for each label that matchers speak of: the same wherever it can be, so that series match.
fn names(expr: &Expr, reverse: &Reverse<'_>) -> BTreeMap<String, String> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for read in read_selectors(expr, reverse, 0).iter().chain([expr]) {
        for (selector, _) in read.selectors() {
            for matcher in selector.matchers.iter().filter(|matcher| &*matcher.name != METRIC_NAME) {
                let positive = matches!(matcher.op, MatchOp::Equal | MatchOp::Regex);
                if !positive || names.contains_key(&*matcher.name) {
                    continue;
                }
                let all: Vec<&Matcher> = selector.matchers.iter().filter(|m| m.name == matcher.name).collect();
                let value = sample::value(&all, &[&sample::usual(&matcher.name)]).filter(|value| !value.is_empty());
                names.extend(value.map(|value| (matcher.name.to_string(), value)));
            }
        }
    }
    names
}
