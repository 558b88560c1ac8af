//! A day played back: its series generated, its rules evaluated over them, ready for questions.

use std::sync::{Arc, OnceLock};

use crate::engine::{Matrix, Mode, Step, Steps};
use crate::evidence::AlertState;
use crate::labels::Matcher;
use crate::logql::ast::Selector;
use crate::promql::ast::VectorSelector;
use crate::promql::eval::{Profile, Query};
use crate::replay::{Day, FiringAlert, Generated, Limits, LogStream};
use crate::rules::{self, AlertTrack, EvaluateOptions, Expression, Group, Language, Rule, RuleRef, Run};
use crate::store::{LineTooLong, LogStore, Moment};
use crate::text::Diagnostic;
use crate::time::{Duration, Timestamp};

use super::broken::BrokenFile;
use super::documents::Documents;
use super::load::Incident;
use super::runbooks::NamedRunbooks;
use super::verdict::Life;

/// A day of a replay with its rules evaluated.
pub struct Playback {
    pub day: Arc<Day>,
    pub groups: Vec<Group>,
    /// The generated series, and after them those that rules wrote.
    pub generated: Generated,
    pub run: Run,
    pub documents: Documents,
    pub runbooks: NamedRunbooks,
    /// Rule files that could not be read, and what they may have held.
    pub broken: Arc<[BrokenFile]>,
    /// What rules in LogQL read; empty where there are none.
    pub rule_logs: Arc<LogStore>,
    profile: Profile,
    logs: OnceLock<Result<Arc<LogStore>, LineTooLong>>,
}

impl Playback {
    /// Generates a day of the incident and evaluates its rules over it.
    ///
    /// # Errors
    /// What the generators refuse (too many samples, two generators for one series), with its place.
    pub fn new(incident: &Incident, day: Arc<Day>, limits: Limits) -> Result<Playback, Vec<Diagnostic>> {
        Playback::shifted(incident, day, limits, Vec::new())
    }

    /// As `new`, with the evaluations of each group so much later, by the index of the group.
    ///
    /// # Errors
    /// As `new`.
    pub fn shifted(
        incident: &Incident,
        day: Arc<Day>,
        limits: Limits,
        phases: Vec<Duration>,
    ) -> Result<Playback, Vec<Diagnostic>> {
        let generated = day.generate(limits)?;
        Playback::over(incident, day, generated, phases)
    }

    /// Evaluates the rules of the incident over other series than those of the day; `phases` as in `shifted`.
    ///
    /// # Errors
    /// What keeps the rules from being evaluated at all.
    pub fn over(
        incident: &Incident,
        day: Arc<Day>,
        mut generated: Generated,
        phases: Vec<Duration>,
    ) -> Result<Playback, Vec<Diagnostic>> {
        let groups = incident.groups.clone();
        let logs = match groups.iter().any(|group| group.language == Language::Logql) {
            true => day.log_store().map_err(|error| vec![Diagnostic::error(error.to_string())])?,
            false => Arc::default(),
        };
        let options = EvaluateOptions { phases, logs, ..Playback::options(incident, &day) };
        let run = rules::evaluate(&groups, &mut generated.store, &options)?;
        let documents = incident.documents.clone();
        let (broken, runbooks) = (incident.broken.clone(), incident.runbooks.clone());
        let (profile, rule_logs, logs) = (options.profile, options.logs, OnceLock::new());
        Ok(Playback { day, groups, generated, run, documents, runbooks, broken, rule_logs, profile, logs })
    }

    /// How the rules of a day are evaluated.
    pub fn options(incident: &Incident, day: &Day) -> EvaluateOptions {
        let mut labels = incident.external_labels.builder();
        for (name, value) in day.external_labels.iter() {
            labels.set(name, value);
        }
        EvaluateOptions {
            external_labels: labels.build(),
            profile: Profile { default_step: day.interval, ..incident.profile.clone() },
            ..EvaluateOptions::new(day.start(), day.end(), day.interval)
        }
    }

    pub fn rule(&self, rule: RuleRef) -> &Rule {
        &self.groups[rule.group].rules[rule.rule]
    }

    /// All alert rules, in order of evaluation.
    pub fn alert_rules(&self) -> impl Iterator<Item = (RuleRef, &Rule)> {
        self.groups.iter().enumerate().flat_map(|(group, g)| {
            let rules = g.rules.iter().enumerate().filter(|(_, rule)| rule.is_alert());
            rules.map(move |(rule, r)| (RuleRef { group, rule }, r))
        })
    }

    /// Lives of alert instances, in order of activation, with the rule that each is from.
    pub fn lives(&self) -> impl Iterator<Item = (RuleRef, Life)> {
        self.run.alerts.iter().map(|track| (track.rule, Playback::life(track)))
    }

    pub fn life(track: &AlertTrack) -> Life {
        Life { labels: track.labels.clone(), active: track.active_at, fired: track.fired_at, ended: track.ended_at }
    }

    /// Annotations of an alert, as they stood at a time.
    pub fn annotations(&self, track: &AlertTrack, at: Timestamp) -> Vec<(String, String)> {
        self.run.annotations(&self.groups, &self.generated.store, track, at)
    }

    /// What fires at a time of the instances whose labels meet all matchers.
    pub fn firing(&self, matchers: &[Matcher], at: Timestamp) -> Vec<FiringAlert> {
        let meets =
            |track: &AlertTrack| matchers.iter().all(|matcher| matcher.matches(track.labels.get(&matcher.name)));
        let firing =
            self.run.alerts_at(at).filter(|(track, state)| *state == rules::AlertState::Firing && meets(track));
        let alert = |track: &AlertTrack| FiringAlert {
            labels: track.labels.clone(),
            annotations: Some(self.annotations(track, at)),
        };
        firing.map(|(track, _)| alert(track)).collect()
    }

    /// Lives of the instances whose labels meet all matchers.
    pub fn lives_of(&self, matchers: &[Matcher]) -> Vec<Life> {
        let meets = |life: &Life| matchers.iter().all(|matcher| matcher.matches(life.labels.get(&matcher.name)));
        let mut lives: Vec<Life> = self.lives().map(|(_, life)| life).filter(meets).collect();
        lives.sort_by(|a, b| (a.active, &a.labels).cmp(&(b.active, &b.labels)));
        lives
    }

    /// Whether any series of the day, generated or recorded, is what a selector selects.
    pub fn matches(&self, selector: &VectorSelector) -> bool {
        self.has_series(&selector.matchers)
    }

    /// Whether any series of the day, generated or recorded, meets all matchers.
    pub fn has_series(&self, matchers: &[Matcher]) -> bool {
        let store = &self.generated.store;
        store.select(matchers).iter().any(|id| !store.series(*id).times.is_empty())
    }

    /// The first rule file that could not be read and may have rules that decide what an expression yields.
    pub fn undecided<'a>(&self, expr: impl Into<Expression<'a>>) -> Option<&BrokenFile> {
        let expr = expr.into();
        let is_there = |matchers: &[Matcher]| self.has_series(matchers);
        self.broken.iter().find(|file| file.may_decide(expr, &self.groups, &is_there))
    }

    /// The log lines of the day, written when somebody first asks for them.
    ///
    /// # Errors
    /// A line that is too long to be kept.
    pub fn logs(&self) -> Result<&LogStore, Diagnostic> {
        let logs = self.logs.get_or_init(|| self.day.log_store());
        logs.as_deref().map_err(|error| Diagnostic::error(error.to_string()))
    }

    /// Whether a stream of the day is what a selector selects; it need not have a line on this day.
    pub fn has_stream(&self, selector: &Selector) -> bool {
        let meets = |matcher: &Matcher, stream: &LogStream| matcher.matches(stream.labels.get(&matcher.name));
        self.day.logs.iter().any(|stream| selector.matchers.iter().all(|matcher| meets(matcher, stream)))
    }

    /// The ticks of a rule, each seeing what the rule could see then.
    pub fn steps(&self, rule: RuleRef) -> Steps {
        self.run.steps(rule)
    }

    /// Evaluates an expression as independent instant queries.
    ///
    /// # Errors
    /// What cannot be evaluated, with its place in the expression.
    pub fn evaluate<'a>(&self, expr: impl Into<Expression<'a>>, steps: &Steps) -> Result<Matrix, Diagnostic> {
        let expr = match expr.into() {
            Expression::Promql(expr) => expr,
            Expression::Logql(expr) => {
                return rules::evaluate_logs(expr, &self.rule_logs, steps)
                    .map_err(|error| Diagnostic::error(error.to_string()));
            }
        };
        let mut query = Query::compile(expr, &self.profile).map_err(|error| Diagnostic::error(error.to_string()))?;
        query.run(&self.generated.store, steps, Mode::Instants).map_err(|error| Diagnostic::error(error.to_string()))
    }

    /// A query at a time, as somebody would have seen its answer then: what arrived later is not there.
    pub fn seen_at(time: Timestamp) -> Step {
        Step { time, frontier: Moment { at: time, position: u32::MAX } }
    }

    /// Compiles a query with the day's own interval for subqueries.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// States of a life at ticks.
    pub fn states(lives: &[&Life], ticks: &[Timestamp]) -> Vec<AlertState> {
        ticks.iter().map(|tick| lives.iter().map(|life| life.state(*tick)).max().unwrap_or_default()).collect()
    }

    /// The distance between the evaluations of a rule.
    pub fn interval(&self, rule: RuleRef) -> Duration {
        self.groups[rule.group].interval.unwrap_or(self.day.interval)
    }
}
