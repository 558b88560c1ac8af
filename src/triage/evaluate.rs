//! A runbook at several times: which of its conditions hold, which causes that leaves, and what it rests on.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::answer::{Answer, Answers};
use super::model::{Asks, Cause, Comparison, Condition, Escalation, Expression, Quantifier, Query, Runbook, Tests};
use super::truth::Truth;
use crate::engine::EvalError;
use crate::evidence::unfiltered;
use crate::labels::{Labels, Matcher};
use crate::promql::ast::{Expr, ExprKind, ValueType};
use crate::syntax::BinaryOp;
use crate::text::{Diagnostic, Span};
use crate::time::Timestamp;
use crate::{logql, rules};

/// What can be said of a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// All of its evidence is there.
    Holds,
    /// Some of it is not, and there is the data to say so.
    Exonerated,
    /// There is no data to say either.
    Unknown,
}

/// What a runbook says at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// One cause, by its place.
    Cause(usize),
    /// Several causes hold, and it cannot be all of them.
    Several(Vec<usize>),
    /// None holds; those that nobody can say anything about.
    Nothing { unknown: Vec<usize> },
}

/// A runbook whose conditions are known at some times. What is shown beside them is asked when it is.
pub struct Evaluation<'a> {
    pub runbook: &'a Runbook,
    pub times: &'a [Timestamp],
    asker: Asker<'a>,
    /// Of each condition, by its place in the file, at each time.
    truths: HashMap<Span, Vec<Truth>>,
}

/// A cause at a time, with its conditions.
#[derive(Clone, Debug)]
pub struct CauseAt<'a> {
    pub cause: &'a Cause,
    pub status: Status,
    pub requires: Vec<ConditionAt<'a>>,
    pub when: Vec<ConditionAt<'a>>,
    pub signs: Vec<ConditionAt<'a>>,
}

/// A condition at a time.
#[derive(Clone, Debug)]
pub struct ConditionAt<'a> {
    pub condition: &'a Condition,
    pub truth: Truth,
    /// What its query yields: for an expression that compares, what it compares.
    pub values: Vec<(Labels, f64)>,
    /// Why its query has no answer, where it failed.
    pub failed: Option<String>,
    /// The other causes whose evidence, or signs, ask the same.
    pub shared: Vec<usize>,
}

/// Asks what a runbook needs at the times: each query once over all of them.
///
/// # Errors
/// Queries that cannot be evaluated at any time, with their places.
pub fn evaluate<'a>(
    runbook: &'a Runbook,
    answers: &'a dyn Answers,
    times: &'a [Timestamp],
) -> Result<Evaluation<'a>, Vec<Diagnostic>> {
    let asker = Asker { answers, times, asked: RefCell::default() };
    let mut truths = HashMap::new();
    let mut problems = Vec::new();
    for condition in runbook.conditions() {
        if truths.contains_key(&condition.place) {
            continue;
        }
        let asks = runbook.asks(condition);
        match asker.truths(asks, condition) {
            Ok(found) => _ = truths.insert(condition.place, found),
            Err(error) => problems.push(asks.text.diagnose(error.span, Diagnostic::error(error.message))),
        }
    }
    if problems.is_empty() { Ok(Evaluation { runbook, times, asker, truths }) } else { Err(problems) }
}

impl Runbook {
    /// All conditions, in the order of the file as far as lists go.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let of_causes = self.causes.iter().flat_map(Cause::conditions);
        of_causes.chain(self.escalate_when.iter().map(|escalation| &escalation.condition)).chain(&self.success)
    }
}

impl Runbook {
    /// What decides between its causes.
    pub fn deciding(&self) -> impl Iterator<Item = rules::Expression<'_>> {
        let deciding = self.causes.iter().flat_map(|cause| cause.requires.iter().chain(&cause.when));
        deciding.map(|condition| match &self.asks(condition).expression {
            Expression::Promql(expr) => expr.into(),
            Expression::Logql { expr, .. } => expr.into(),
        })
    }
}

impl<'a> Evaluation<'a> {
    /// Whether a condition holds at a time.
    pub fn truth(&self, condition: &Condition, time: usize) -> Truth {
        self.truths.get(&condition.place).and_then(|truths| truths.get(time)).copied().unwrap_or(Truth::NoData)
    }

    /// What can be said of a cause at a time. Nothing, unless all that it requires is there.
    pub fn status(&self, cause: &Cause, time: usize) -> Status {
        let all = |conditions: &[Condition]| Truth::all(conditions.iter().map(|one| self.truth(one, time)));
        status(all(&cause.requires), all(&cause.when))
    }

    /// As `status`, without one of its conditions.
    pub fn status_without(&self, cause: &Cause, left_out: &Condition, time: usize) -> Status {
        let kept = |one: &&Condition| one.place != left_out.place;
        let all =
            |conditions: &[Condition]| Truth::all(conditions.iter().filter(kept).map(|one| self.truth(one, time)));
        status(all(&cause.requires), all(&cause.when))
    }

    /// What the runbook says at a time.
    pub fn conclusion(&self, time: usize) -> Conclusion {
        let with = |status: Status| -> Vec<usize> {
            let causes = self.runbook.causes.iter().enumerate();
            causes.filter(|(_, cause)| self.status(cause, time) == status).map(|(at, _)| at).collect()
        };
        match with(Status::Holds)[..] {
            [] => Conclusion::Nothing { unknown: with(Status::Unknown) },
            [cause] => Conclusion::Cause(cause),
            ref several => Conclusion::Several(several.to_vec()),
        }
    }

    /// A cause and its conditions at a time.
    pub fn cause_at(&self, at: usize, time: usize) -> CauseAt<'a> {
        let cause = &self.runbook.causes[at];
        let told = |conditions: &'a [Condition]| {
            conditions.iter().map(|condition| self.condition_at(condition, Some(at), time)).collect()
        };
        CauseAt {
            cause,
            status: self.status(cause, time),
            requires: told(&cause.requires),
            when: told(&cause.when),
            signs: told(&cause.signs),
        }
    }

    /// The escalations whose condition holds at a time, or nobody can say.
    pub fn escalations(&self, time: usize) -> Vec<(&'a Escalation, ConditionAt<'a>)> {
        let escalations = self.runbook.escalate_when.iter();
        let told = escalations.map(|escalation| (escalation, self.condition_at(&escalation.condition, None, time)));
        told.filter(|(_, condition)| condition.truth != Truth::Fails).collect()
    }

    /// The criteria for success at a time.
    pub fn success(&self, time: usize) -> Vec<ConditionAt<'a>> {
        self.runbook.success.iter().map(|condition| self.condition_at(condition, None, time)).collect()
    }

    /// What a named query yields at a time; nothing where it fails.
    pub fn values(&self, query: &Query, time: usize) -> Vec<(Labels, f64)> {
        self.asker.values(&query.asks, time)
    }

    /// Why the query of a condition has no answer at a time; `None` where it has one.
    pub fn failed(&self, condition: &Condition, time: usize) -> Option<String> {
        self.asker.failed(self.runbook.asks(condition), time)
    }

    fn condition_at(&self, condition: &'a Condition, of: Option<usize>, time: usize) -> ConditionAt<'a> {
        let asks = self.runbook.asks(condition);
        let (values, failed) = match &condition.tests {
            Tests::Selects(asks) => (self.asker.compared(asks, time), self.asker.failed(asks, time)),
            Tests::Compares(comparison) => {
                let mut values = self.asker.values(asks, time);
                values.retain(|(labels, _)| comparison.selects(labels));
                (values, self.asker.failed(asks, time))
            }
        };
        let shares = |cause: &Cause| cause.when.iter().chain(&cause.signs).any(|other| other.is_same(condition));
        let shared = match of {
            None => Vec::new(),
            Some(of) => {
                let others = self.runbook.causes.iter().enumerate().filter(|(at, cause)| *at != of && shares(cause));
                others.map(|(at, _)| at).collect()
            }
        };
        ConditionAt { condition, truth: self.truth(condition, time), values, failed, shared }
    }
}

fn status(requires: Truth, when: Truth) -> Status {
    match (requires, when) {
        (Truth::Holds, Truth::Holds) => Status::Holds,
        (Truth::Holds, Truth::Fails) => Status::Exonerated,
        _ => Status::Unknown,
    }
}

impl Comparison {
    /// Whether a series is one of those that are asked for.
    pub fn selects(&self, labels: &Labels) -> bool {
        self.of.iter().all(|matcher: &Matcher| matcher.matches(labels.get(&matcher.name)))
    }

    /// Whether a value meets it. NaN is no value.
    fn meets(&self, value: f64) -> bool {
        match self.op {
            BinaryOp::Equal => value == self.figure,
            BinaryOp::NotEqual => value != self.figure,
            BinaryOp::Less => value < self.figure,
            BinaryOp::LessOrEqual => value <= self.figure,
            BinaryOp::Greater => value > self.figure,
            BinaryOp::GreaterOrEqual => value >= self.figure,
            _ => false,
        }
    }

    /// Whether values meet it; `there`: that there is nothing does not mean that there is no data.
    fn truth(&self, values: impl Iterator<Item = f64>, there: bool) -> Truth {
        let (mut met, mut unmet, mut unknown) = (0, 0, 0);
        for value in values {
            match value {
                value if value.is_nan() => unknown += 1,
                value if self.meets(value) => met += 1,
                _ => unmet += 1,
            }
        }
        let nothing = met + unmet + unknown == 0;
        let open = match nothing {
            true => !there || self.series > 1,
            false => unknown > 0 || met + unmet < self.series,
        };
        match self.quantifier {
            Quantifier::Any if met > 0 => Truth::Holds,
            Quantifier::All if unmet > 0 => Truth::Fails,
            Quantifier::None if met > 0 => Truth::Fails,
            _ if open => Truth::NoData,
            Quantifier::Any => Truth::Fails,
            Quantifier::None => Truth::Holds,
            // Of nothing, everything could be said.
            Quantifier::All if nothing => Truth::NoData,
            Quantifier::All => Truth::Holds,
        }
    }
}

/// Asks each query once.
struct Asker<'a> {
    answers: &'a dyn Answers,
    times: &'a [Timestamp],
    asked: RefCell<HashMap<String, Result<Rc<Answer>, EvalError>>>,
}

/// What tells an answer with nothing in it from no data.
enum Data {
    /// Nothing does: it is no data.
    Series,
    /// Absence speaks: there is no "no data".
    Always,
    /// The same with nothing filtered by value: where that is empty, there is no data; nor where all that is compared is NaN.
    Open { open: Rc<Answer>, compared: Option<Rc<Answer>> },
    /// The streams' lines: without any, there is no data.
    Lines(Rc<Answer>),
}

impl Data {
    fn is_there(&self, selects: &dyn Fn(&Labels) -> bool, time: usize) -> bool {
        match self {
            Data::Series => false,
            Data::Always => true,
            Data::Open { open, compared } => {
                let values = |answer: &Answer| {
                    answer.at(time).filter(|(labels, _)| selects(labels)).map(|(_, value)| value).collect::<Vec<_>>()
                };
                let compared = compared.as_ref().map(|compared| values(compared)).unwrap_or_default();
                !values(open).is_empty() && (compared.is_empty() || compared.iter().any(|value| !value.is_nan()))
            }
            Data::Lines(lines) => lines.at(time).next().is_some(),
        }
    }
}

impl Asker<'_> {
    fn promql(&self, expr: &Expr) -> Result<Rc<Answer>, EvalError> {
        self.once(&format!("promql {expr}"), || self.answers.promql(expr, self.times))
    }

    fn logql(&self, expr: &logql::ast::Expr) -> Result<Rc<Answer>, EvalError> {
        self.once(&format!("logql {expr}"), || self.answers.logql(expr, self.times))
    }

    fn once(&self, key: &str, ask: impl FnOnce() -> Result<Answer, EvalError>) -> Result<Rc<Answer>, EvalError> {
        if let Some(answer) = self.asked.borrow().get(key) {
            return answer.clone();
        }
        let answer = ask().map(Rc::new);
        self.asked.borrow_mut().insert(key.to_owned(), answer.clone());
        answer
    }

    fn answer(&self, asks: &Asks) -> Result<Rc<Answer>, EvalError> {
        match &asks.expression {
            Expression::Promql(expr) => self.once(&asks.key, || self.answers.promql(expr, self.times)),
            Expression::Logql { expr, .. } => self.once(&asks.key, || self.answers.logql(expr, self.times)),
        }
    }

    /// What tells nothing from no data, asked only if there is nothing somewhere. All of it has to be there: each side of an `or`
    /// could have said something, and so could each stream.
    fn data(&self, asks: &Asks, answer: &Answer) -> Result<Vec<Data>, EvalError> {
        if !answer.is_empty_somewhere(self.times.len()) {
            return Ok(vec![Data::Series]);
        }
        match &asks.expression {
            Expression::Promql(expr) => {
                let data = |side: &Expr| match unfiltered(side) {
                    None => Ok(Data::Always),
                    Some(open) if open == *side => Ok(Data::Series),
                    Some(open) => {
                        let compared = compared_side(side).and_then(unfiltered);
                        let compared = compared.map(|compared| self.promql(&compared)).transpose()?;
                        Ok(Data::Open { open: self.promql(&open)?, compared })
                    }
                };
                alternatives(expr).into_iter().map(data).collect()
            }
            Expression::Logql { streams, .. } => {
                streams.iter().map(|lines| self.logql(lines).map(Data::Lines)).collect()
            }
        }
    }

    /// A condition at each time.
    fn truths(&self, asks: &Asks, condition: &Condition) -> Result<Vec<Truth>, EvalError> {
        let answer = self.answer(asks)?;
        let data = self.data(asks, &answer)?;
        let there = |selects: &dyn Fn(&Labels) -> bool, time| data.iter().all(|data| data.is_there(selects, time));
        let counts_lines = asks.counts_lines();
        let lacks_series = match &asks.expression {
            Expression::Promql(expr) => self.answers.lacks_series(expr, self.times),
            Expression::Logql { .. } => false,
        };
        let truth = |time: usize| {
            if lacks_series || answer.failed.contains_key(&time) {
                return Truth::NoData;
            }
            match &condition.tests {
                Tests::Selects(_) if answer.at(time).any(|(_, value)| !value.is_nan()) => Truth::Holds,
                Tests::Selects(_) if answer.at(time).next().is_some() => Truth::NoData,
                Tests::Selects(_) if there(&|_| true, time) => Truth::Fails,
                Tests::Selects(_) => Truth::NoData,
                Tests::Compares(comparison) => {
                    let selects = |labels: &Labels| comparison.selects(labels);
                    let there = there(&selects, time);
                    let values = answer.at(time).filter(|(labels, _)| selects(labels)).map(|(_, value)| value);
                    // No line where there could be some is 0 lines.
                    let no_lines = counts_lines && there && answer.at(time).next().is_none();
                    comparison.truth(values.chain(no_lines.then_some(0.0)), there)
                }
            }
        };
        Ok((0..self.times.len()).map(truth).collect())
    }

    /// What a query yields at a time.
    fn values(&self, asks: &Asks, time: usize) -> Vec<(Labels, f64)> {
        let Ok(answer) = self.answer(asks) else { return Vec::new() };
        let mut values: Vec<(Labels, f64)> = answer.at(time).map(|(labels, value)| (labels.clone(), value)).collect();
        let lines_there =
            || self.data(asks, &answer).is_ok_and(|data| data.iter().all(|data| data.is_there(&|_| true, time)));
        if values.is_empty() && asks.counts_lines() && !answer.failed.contains_key(&time) && lines_there() {
            values.push((Labels::empty(), 0.0));
        }
        values
    }

    /// What an expression yields at a time; where that is nothing and it compares, what it compares.
    fn compared(&self, asks: &Asks, time: usize) -> Vec<(Labels, f64)> {
        let values = self.values(asks, time);
        let Expression::Promql(expr) = &asks.expression else { return values };
        if !values.is_empty() {
            return values;
        }
        let sides = alternatives(expr).into_iter().filter_map(|side| unfiltered(compared_side(side)?));
        let answers = sides.filter_map(|side| self.promql(&side).ok());
        answers
            .flat_map(|answer| answer.at(time).map(|(labels, value)| (labels.clone(), value)).collect::<Vec<_>>())
            .collect()
    }

    fn failed(&self, asks: &Asks, time: usize) -> Option<String> {
        self.answer(asks).ok()?.failed.get(&time).cloned()
    }
}

impl Asks {
    fn counts_lines(&self) -> bool {
        matches!(self.expression, Expression::Logql { lines: true, .. })
    }
}

/// The sides of an `or`, and of those that these are; the expression itself where it is none.
fn alternatives(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Paren(inner) => alternatives(inner),
        ExprKind::Binary(binary) if binary.op == BinaryOp::Or => {
            [&binary.lhs, &binary.rhs].into_iter().flat_map(alternatives).collect()
        }
        _ => vec![expr],
    }
}

/// The side of a comparison whose values the result has.
fn compared_side(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Paren(inner) => compared_side(inner),
        ExprKind::Binary(binary) if binary.op.is_comparison() && !binary.return_bool => {
            let vector = |side: &Expr| side.value_type() == ValueType::Vector;
            [&binary.lhs, &binary.rhs].into_iter().find(|side| vector(side))
        }
        _ => None,
    }
}
