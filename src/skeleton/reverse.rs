//! Reverses an expression: from what it has to yield to what the series that it reads have to be.
//!
//! A wanted range of values is handed down from an operator or a function to its operands; of two operands that are both
//! open one is given a usual value first. Where there is a choice, [`Choice`] makes it, and the caller tries another one
//! if the rules then do not do what was wanted.

use std::collections::BTreeMap;

use super::leaf::{Facts, Leaf, Level, Phase};
use super::range::Range;
use super::sample;
use crate::labels::{METRIC_NAME, MatchOp, Matcher};
use crate::promql::ast::{
    Aggregate, AggregateOp, BinaryOp, DurationArg, Expr, ExprKind, VectorMatching, VectorSelector,
};
use crate::promql::ast::{Binary, Cardinality};
use crate::rules::{Group, Rule, RuleKind};
use crate::time::{Duration, Timestamp};

/// How deep rules may read rules; those that read themselves stop here.
pub const DEEPEST: u32 = 12;
/// The most series that are made so that a count is reached.
pub const MOST_COPIES: usize = 40;
/// Within so many seconds of now, a value is a time.
const TEN_YEARS: f64 = 3.2e8;

/// What a part of an expression has to yield.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wanted {
    /// No series.
    Nothing,
    /// A series with a value of this range.
    Within(Range),
}

/// What a part yields, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reached {
    Unknown,
    Nothing,
    Value(f64),
}

/// Where something can be had in several ways.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// What matchers say of one side of an operator holds for the other side too, where all labels have to match.
    pub carry: bool,
    /// Of `a and b` that must not hold the right side fails; of two open operands the left one is given its value first.
    pub right: bool,
    /// A condition may also fail because its series is missing.
    pub vanish: bool,
    /// A selector may mean a series that another one, with more matchers, has asked for.
    pub alias: bool,
    /// Labels that are only grouped by have usual values, not those that some matcher asks for.
    pub usual_names: bool,
    /// How many times as large usual values are.
    pub scale: f64,
    /// The beginning of the day.
    pub start: Timestamp,
}

/// Why an expression was not reversed: what part of it, and what it would have to yield.
#[derive(Clone, Debug)]
pub struct Stuck {
    pub part: String,
    pub wanted: String,
}

/// What is asked of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure {
    Level,
    Growth {
        per: Option<Duration>,
    },
    Slope,
    /// The observations of a histogram.
    Observed,
}

/// Where in the expression we are: what the parts above ask of the series below.
#[derive(Clone, Debug)]
pub struct At {
    pub phase: Phase,
    /// Labels that have to be there.
    pub labels: BTreeMap<String, String>,
    pub measure: Measure,
    pub summed: bool,
    /// Any value will do, and a usual one is best.
    pub usual: bool,
    /// The series may be missing.
    pub vanish: bool,
    /// What selectors of recorded series ask of the series behind them.
    pub matchers: Vec<Matcher>,
    /// Which of several alike: a label, and the number that tells them apart.
    pub copies: Vec<(String, usize)>,
    pub depth: u32,
}

impl At {
    pub fn top(phase: Phase, labels: BTreeMap<String, String>) -> At {
        At {
            phase,
            labels,
            measure: Measure::Level,
            summed: false,
            usual: false,
            vanish: false,
            matchers: Vec::new(),
            copies: Vec::new(),
            depth: 0,
        }
    }

    pub fn measuring(&self, measure: Measure) -> At {
        At { measure, ..self.clone() }
    }

    pub fn copy(&self, label: &str, nth: usize) -> At {
        let mut at = self.clone();
        at.copies.push((label.to_owned(), nth));
        at
    }
}

/// Reverses expressions over one set of series.
pub struct Reverse<'a> {
    pub groups: &'a [Group],
    pub choice: Choice,
    /// Around the incident, in Unix seconds.
    pub now: f64,
    pub scrape: Duration,
    /// The value of each label, where a selector leaves it open.
    pub names: BTreeMap<String, String>,
    pub leaves: Vec<Leaf>,
    /// How many copies each count has been given.
    pub copies: BTreeMap<String, usize>,
}

impl Wanted {
    fn told(self) -> String {
        match self {
            Wanted::Nothing => "no series".to_owned(),
            Wanted::Within(range) if range.is_any() => "a series".to_owned(),
            Wanted::Within(Range { low, high, .. }) if low == high => low.to_string(),
            Wanted::Within(Range { low, low_closed, high, .. }) if high.is_infinite() => {
                format!("{} {low}", if low_closed { "at least" } else { "more than" })
            }
            Wanted::Within(Range { low, high, high_closed, .. }) if low.is_infinite() => {
                format!("{} {high}", if high_closed { "at most" } else { "less than" })
            }
            Wanted::Within(Range { low, high, .. }) => format!("between {low} and {high}"),
        }
    }
}

pub fn stuck(expr: &Expr, wanted: Wanted) -> Stuck {
    Stuck { part: expr.to_string(), wanted: wanted.told() }
}

impl<'a> Reverse<'a> {
    /// Makes an expression yield what is wanted.
    ///
    /// # Errors
    /// The part that cannot be reversed, or that contradicts what was settled before.
    pub fn solve(&mut self, expr: &Expr, wanted: Wanted, at: &At) -> Result<(), Stuck> {
        match (self.value(expr, at), wanted) {
            (Reached::Unknown, _) => {}
            (Reached::Nothing, Wanted::Nothing) => return Ok(()),
            (Reached::Value(value), Wanted::Within(range)) if range.contains(value) => return Ok(()),
            _ => return Err(stuck(expr, wanted)),
        }
        match &expr.kind {
            ExprKind::Paren(inner) => self.solve(inner, wanted, at),
            ExprKind::Unary { expr: inner, .. } => {
                let turned = match wanted {
                    Wanted::Within(range) if self.is_negative(expr) => Wanted::Within(range.through(false, |v| -v)),
                    wanted => wanted,
                };
                self.solve(inner, turned, at)
            }
            ExprKind::Selector(selector) => self.select(expr, selector, wanted, at),
            ExprKind::Aggregate(aggregate) => self.aggregate(expr, aggregate, wanted, at),
            ExprKind::Call(call) => self.call(expr, call, wanted, at),
            ExprKind::Binary(binary) => self.binary(expr, binary, wanted, at),
            ExprKind::Range(range) => self.select(expr, &range.selector, wanted, at),
            ExprKind::Subquery(subquery) => {
                self.solve(&subquery.expr, wanted, &self.shifted(at, subquery.offset.as_ref()))
            }
            ExprKind::Number(_) | ExprKind::String(_) => Err(stuck(expr, wanted)),
        }
    }

    fn is_negative(&self, expr: &Expr) -> bool {
        matches!(&expr.kind, ExprKind::Unary { op: crate::promql::ast::UnaryOp::Minus, .. })
    }

    /// Gives every series of an expression a usual value.
    pub fn fill(&mut self, expr: &Expr, at: &At) -> Result<(), Stuck> {
        self.solve(expr, Wanted::Within(Range::ANY), &At { usual: true, ..at.clone() })
    }

    /// Does something, or nothing where it fails.
    pub fn attempt<T>(&mut self, try_it: impl FnOnce(&mut Self) -> Result<T, Stuck>) -> Result<T, Stuck> {
        let (leaves, copies) = (self.leaves.clone(), self.copies.clone());
        let result = try_it(self);
        if result.is_err() {
            (self.leaves, self.copies) = (leaves, copies);
        }
        result
    }

    /// The phase that a selector with an offset sees: before the incident there was health.
    pub fn shifted(&self, at: &At, offset: Option<&DurationArg>) -> At {
        match offset {
            Some(DurationArg::Literal(offset)) if *offset > Duration::ZERO => {
                At { phase: Phase::Healthy, ..at.clone() }
            }
            _ => at.clone(),
        }
    }

    /// The rule that records (or, for `ALERTS`, raises) what a selector selects.
    pub fn writer(&self, selector: &VectorSelector) -> Option<&'a Rule> {
        let equal = |name: &str| {
            let matcher = selector.matchers.iter().find(|m| &*m.name == name && m.op == MatchOp::Equal)?;
            Some(matcher.value.to_string())
        };
        let name = equal(METRIC_NAME)?;
        let alert = if name == "ALERTS" { Some(equal("alertname")?) } else { None };
        let fixed = |rule: &Rule| {
            rule.labels.iter().filter(|(_, value)| !value.contains("{{")).all(|(label, value)| {
                selector.matchers.iter().filter(|m| &*m.name == label).all(|matcher| matcher.matches(value))
            })
        };
        let rules = self.groups.iter().flat_map(|group| &group.rules);
        rules.filter(|rule| rule.promql().is_some() && fixed(rule)).find(|rule| match (&rule.kind, &alert) {
            (RuleKind::Record, None) => rule.name.value == name,
            (RuleKind::Alert { .. }, Some(alert)) => rule.name.value == *alert,
            _ => false,
        })
    }

    /// What a recorded series asks of the expression behind it.
    pub fn behind(&self, selector: &VectorSelector, rule: &Rule, at: &At) -> Option<At> {
        let mut labels = at.labels.clone();
        for (label, value) in self.chosen(selector, at)? {
            labels.insert(label, value);
        }
        for (label, _) in &rule.labels {
            labels.remove(label);
        }
        for label in ["alertname", "alertstate"] {
            labels.remove(label);
        }
        let fixed = |matcher: &Matcher| rule.labels.iter().any(|(label, _)| *label == *matcher.name);
        let mut matchers = at.matchers.clone();
        matchers.extend(without_name(selector).into_iter().filter(|matcher| !fixed(matcher)));
        let deeper = At { labels, matchers, depth: at.depth + 1, ..self.shifted(at, selector.offset.as_ref()) };
        (deeper.depth < DEEPEST).then_some(deeper)
    }

    /// A value for each label that the matchers of a selector speak of; `None` where no value meets them.
    fn chosen(&self, selector: &VectorSelector, at: &At) -> Option<Vec<(String, String)>> {
        let mut chosen: Vec<(String, String)> = Vec::new();
        for matcher in selector.matchers.iter().filter(|matcher| &*matcher.name != METRIC_NAME) {
            let label = matcher.name.to_string();
            if chosen.iter().any(|(other, _)| *other == label) {
                continue;
            }
            let all: Vec<&Matcher> = selector.matchers.iter().filter(|m| *m.name == *label).collect();
            let usual = sample::usual(&label);
            let preferred = [at.labels.get(&label), self.names.get(&label), Some(&usual)];
            let preferred: Vec<&str> = preferred.into_iter().flatten().map(String::as_str).collect();
            chosen.push((label, sample::value(&all, &preferred)?));
        }
        Some(chosen)
    }

    /// The metric's name that a selector asks for.
    fn metric_name(selector: &VectorSelector) -> Option<String> {
        let all: Vec<&Matcher> = selector.matchers.iter().filter(|m| &*m.name == METRIC_NAME).collect();
        if all.is_empty() { None } else { sample::value(&all, &[]).filter(|name| !name.is_empty()) }
    }

    /// The labels of the series that a selector is to find.
    fn labels(&self, selector: &VectorSelector, at: &At) -> Option<BTreeMap<String, String>> {
        let mut labels = at.labels.clone();
        for (label, value) in self.chosen(selector, at)? {
            labels.insert(label, value);
        }
        for label in ["job", "instance"] {
            labels.entry(label.to_owned()).or_insert_with(|| self.name(label));
        }
        for (label, nth) in at.copies.iter().filter(|(_, nth)| *nth > 0) {
            let plain = labels.get(label).cloned().unwrap_or_else(|| self.name(label));
            let told = match plain.strip_prefix("10.0.0.1:") {
                Some(port) => format!("10.0.0.{}:{port}", nth + 1),
                None => format!("{plain}-{}", nth + 1),
            };
            let met = selector.matchers.iter().filter(|m| *m.name == **label).all(|m| m.matches(&told));
            labels.insert(label.clone(), met.then_some(told)?);
        }
        if at.measure == Measure::Observed {
            labels.remove("le");
        }
        labels.retain(|_, value| !value.is_empty());
        Some(labels)
    }

    /// The value of a label that no matcher fixes.
    pub fn name(&self, label: &str) -> String {
        self.names.get(label).cloned().unwrap_or_else(|| sample::usual(label))
    }

    /// The series that a selector finds, where it has been asked for already.
    pub fn find(&self, selector: &VectorSelector, at: &At) -> Option<usize> {
        let (name, labels) = (Self::metric_name(selector)?, self.labels(selector, at)?);
        let named = || self.leaves.iter().enumerate().filter(|(_, leaf)| leaf.name == name);
        let own = Self::asked(selector, at);
        let exact = named().find(|(_, leaf)| leaf.labels == labels && leaf.matchers == own);
        let serves = |leaf: &Leaf| {
            let fixed = |label: &str| at.copies.iter().any(|(copied, _)| copied == label);
            leaf.meets(&own)
                && at.labels.keys().all(|label| leaf.labels.get(label) == labels.get(label))
                && labels.iter().all(|(label, value)| !fixed(label) || leaf.labels.get(label) == Some(value))
        };
        let other = || named().find(|(_, leaf)| self.choice.alias && !at.summed && serves(leaf));
        // Nothing but more labels are asked of it now.
        let grows = |leaf: &Leaf| {
            let named = |matcher: &Matcher| labels.get(&*matcher.name).map_or("", String::as_str);
            !leaf.summed
                && leaf.matchers.iter().all(|matcher| matcher.matches(named(matcher)))
                && leaf.labels.iter().all(|(label, value)| labels.get(label) == Some(value))
        };
        let more = || named().find(|(_, leaf)| self.choice.alias && !at.summed && grows(leaf));
        exact.or_else(other).or_else(more).map(|(at, _)| at)
    }

    /// All matchers that a series has to meet: the selector's, and those of the recorded series in front of it.
    fn asked(selector: &VectorSelector, at: &At) -> Vec<Matcher> {
        let mut asked = without_name(selector);
        asked.extend(at.matchers.iter().cloned());
        asked
    }

    fn find_or_add(&mut self, selector: &VectorSelector, at: &At) -> Option<usize> {
        if let Some(found) = self.find(selector, at) {
            if let Some(labels) = self.labels(selector, at) {
                labels.into_iter().for_each(|(label, value)| {
                    self.leaves[found].labels.entry(label).or_insert(value);
                });
            }
            return Some(found);
        }
        let (name, labels) = (Self::metric_name(selector)?, self.labels(selector, at)?);
        let leaf = Leaf {
            name,
            labels,
            matchers: Self::asked(selector, at),
            summed: at.summed,
            per: None,
            whole: false,
            facts: [Facts::default(); 2],
        };
        self.leaves.push(leaf);
        Some(self.leaves.len() - 1)
    }

    fn select(&mut self, expr: &Expr, selector: &VectorSelector, wanted: Wanted, at: &At) -> Result<(), Stuck> {
        let no_way = || stuck(expr, wanted);
        if let Some(rule) = self.writer(selector)
            && let Some(query) = rule.promql()
        {
            let behind = self.behind(selector, rule, at).ok_or_else(no_way)?;
            return self.solve(query, wanted, &behind);
        }
        let at = &self.shifted(at, selector.offset.as_ref());
        let leaf = self.find_or_add(selector, at).ok_or_else(no_way)?;
        let (now, before) = (self.now, self.leaves[leaf].facts[at.phase.other() as usize]);
        let (is_up, scale) = (self.leaves[leaf].name == "up", self.choice.scale);
        let Leaf { facts, per, .. } = &mut self.leaves[leaf];
        let facts = &mut facts[at.phase as usize];
        let range = match wanted {
            Wanted::Nothing if at.vanish || self.choice.vanish => {
                facts.level = Some(Level::Gone);
                return Ok(());
            }
            Wanted::Nothing => return Err(no_way()),
            Wanted::Within(range) => range,
        };
        // What was good in the other phase stays.
        let kept = |value: Option<f64>| value.filter(|value| range.contains(*value));
        let usual = |usual: f64, range: Range| if at.usual && range.is_any() { usual } else { range.plain() };
        let positive = range.and(Range::above(0.0, true));
        match at.measure {
            Measure::Level => {
                let before = match before.level {
                    Some(Level::Value(value)) => kept(Some(value)).map(Level::Value),
                    Some(Level::Age(age)) => kept(Some(now - age)).map(|_| Level::Age(age)),
                    _ => None,
                };
                let bounds = [range.low, range.high];
                let is_time = bounds.iter().any(|bound| bound.is_finite() && (bound - now).abs() < TEN_YEARS);
                let level = match before {
                    Some(level) => level,
                    None if is_up => {
                        let value = [1.0, 0.0].into_iter().find(|value| range.contains(*value));
                        Level::Value(value.ok_or_else(no_way)?)
                    }
                    None if is_time => Level::Age(match range.through(false, |time| now - time) {
                        // Just past, or just ahead: by a day.
                        Range { low: 0.0, high: f64::INFINITY, .. } => 86_400.0,
                        Range { low: f64::NEG_INFINITY, high: 0.0, .. } => -86_400.0,
                        ages => ages.plain(),
                    }),
                    None => Level::Value(usual(100.0 * scale, range)),
                };
                facts.level = Some(level);
            }
            Measure::Growth { per: over } => {
                *per = per.or(over);
                let range = positive.ok_or_else(no_way)?;
                facts.growth = Some(kept(before.growth).unwrap_or_else(|| match (at.usual, wanted) {
                    (true, Wanted::Within(Range::ANY)) => 10.0 * scale,
                    _ => range.plain(),
                }));
            }
            Measure::Slope => {
                let level = Some(0.0).filter(|level| range.contains(*level));
                facts.slope = Some(kept(before.slope).or(level).unwrap_or_else(|| range.plain()));
            }
            Measure::Observed => {
                let range = range.and(Range::above(0.0, false)).ok_or_else(no_way)?;
                facts.observed = Some(kept(before.observed).unwrap_or_else(|| range.plain()));
            }
        }
        Ok(())
    }

    /// What an aggregation asks of the series below it.
    pub fn below(&self, aggregate: &Aggregate, at: &At) -> At {
        let mut inner = at.clone();
        if !aggregate.without && !matches!(aggregate.op, AggregateOp::Topk | AggregateOp::Bottomk) {
            let open = |label: &str| match self.choice.usual_names {
                true => sample::usual(label),
                false => self.name(label),
            };
            let label = |label: &String| (label.clone(), at.labels.get(label).cloned().unwrap_or(open(label)));
            inner.matchers.retain(|matcher| aggregate.grouping.iter().any(|label| *label == *matcher.name));
            inner.labels = aggregate.grouping.iter().filter(|l| *l != "le").map(label).collect();
        }
        inner.summed |= aggregate.op == AggregateOp::Sum;
        inner
    }

    fn aggregate(&mut self, expr: &Expr, aggregate: &Aggregate, wanted: Wanted, at: &At) -> Result<(), Stuck> {
        let inner = self.below(aggregate, at);
        let child = &aggregate.expr;
        match aggregate.op {
            AggregateOp::Count => match wanted {
                Wanted::Nothing => self.several(expr, child, aggregate, 0, [Range::ANY; 2], &inner),
                Wanted::Within(range) => {
                    let count = super::count::whole(range, 1).ok_or_else(|| stuck(expr, wanted))?;
                    self.several(expr, child, aggregate, count, [Range::ANY; 2], &inner)
                }
            },
            AggregateOp::Sum if super::count::is_flag(child) && at.measure == Measure::Level => match wanted {
                Wanted::Nothing => self.solve(child, wanted, &inner),
                Wanted::Within(range) => {
                    let count = super::count::whole(range, 0).ok_or_else(|| stuck(expr, wanted))?;
                    let flags = [Range::exactly(1.0), Range::exactly(0.0)];
                    self.several(expr, child, aggregate, count, flags, &At { summed: at.summed, ..inner })
                }
            },
            AggregateOp::Sum
            | AggregateOp::Avg
            | AggregateOp::Min
            | AggregateOp::Max
            | AggregateOp::Quantile
            | AggregateOp::Topk
            | AggregateOp::Bottomk
            | AggregateOp::Limitk => self.solve(child, wanted, &inner),
            AggregateOp::Group => match wanted {
                Wanted::Within(range) if !range.contains(1.0) => Err(stuck(expr, wanted)),
                Wanted::Within(_) => self.solve(child, Wanted::Within(Range::ANY), &inner),
                Wanted::Nothing => self.solve(child, wanted, &inner),
            },
            AggregateOp::CountValues | AggregateOp::Stddev | AggregateOp::Stdvar | AggregateOp::LimitRatio => {
                Err(stuck(expr, wanted))
            }
        }
    }

    /// What an operator asks of the series on its sides.
    pub fn sides(&self, binary: &Binary, at: &At) -> (At, At) {
        let (mut left, mut right) = (at.clone(), at.clone());
        if self.choice.carry {
            self.carry(binary, &mut left, &mut right);
        }
        let Some(VectorMatching { cardinality, on, labels, include, .. }) = &binary.matching else {
            return (left, right);
        };
        let value = |label: &String| (label.clone(), at.labels.get(label).cloned().unwrap_or(self.name(label)));
        if *on {
            let joined: BTreeMap<String, String> = labels.iter().map(value).collect();
            let (many_left, many_right) = match cardinality {
                Cardinality::ManyToOne | Cardinality::ManyToMany => (true, false),
                Cardinality::OneToMany => (false, true),
                Cardinality::OneToOne => (false, false),
            };
            for (side, keeps) in [(&mut left, many_left), (&mut right, many_right)] {
                let included: BTreeMap<String, String> = include.iter().filter(|_| !keeps).map(value).collect();
                let kept = if keeps { at.labels.clone() } else { included };
                side.labels = kept.into_iter().chain(joined.clone()).collect();
                if keeps {
                    include.iter().for_each(|label| drop(side.labels.remove(label)));
                }
            }
        } else {
            for label in labels {
                left.labels.remove(label);
                right.labels.remove(label);
            }
        }
        (left, right)
    }

    fn binary(&mut self, expr: &Expr, binary: &Binary, wanted: Wanted, at: &At) -> Result<(), Stuck> {
        match (at.measure, binary.op) {
            (Measure::Level, _) => {}
            // Buckets that are added up, or multiplied by what adds labels.
            (Measure::Observed, BinaryOp::Add | BinaryOp::Or) => {
                let (left, right) = self.sides(binary, at);
                self.solve(&binary.lhs, wanted, &left)?;
                return self.solve(&binary.rhs, wanted, &right);
            }
            (Measure::Observed, BinaryOp::Mul | BinaryOp::And) => {
                let (left, right) = self.sides(binary, at);
                self.solve(&binary.lhs, wanted, &left)?;
                return self.solve(&binary.rhs, Wanted::Within(Range::exactly(1.0)), &right.measuring(Measure::Level));
            }
            _ => return Err(stuck(expr, wanted)),
        }
        match binary.op {
            BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => self.set_operator(binary, wanted, at),
            op if op.is_comparison() => {
                let settled = self.attempt(|this| this.comparison(expr, binary, wanted, at));
                settled.or_else(|stuck| self.attempt(|this| this.tried(expr, binary, wanted, at)).map_err(|_| stuck))
            }
            _ => self.arithmetic(expr, binary, wanted, at),
        }
    }

    fn set_operator(&mut self, binary: &Binary, wanted: Wanted, at: &At) -> Result<(), Stuck> {
        let (left, right) = self.sides(binary, at);
        let (lhs, rhs) = (&binary.lhs, &binary.rhs);
        let some = Wanted::Within(Range::ANY);
        let may_vanish = At { vanish: true, ..right.clone() };
        match (binary.op, wanted) {
            (BinaryOp::And, Wanted::Within(_)) => {
                self.solve(lhs, wanted, &left)?;
                self.solve(rhs, some, &right)
            }
            (BinaryOp::And, Wanted::Nothing) => {
                let fail = |this: &mut Self, first: bool| {
                    this.attempt(|this| {
                        let sides = if first { (Wanted::Nothing, some) } else { (some, Wanted::Nothing) };
                        // What fails first, so that the other side is what is left.
                        if first {
                            this.solve(lhs, sides.0, &left)?;
                            this.solve(rhs, sides.1, &right)
                        } else {
                            this.solve(rhs, sides.1, &right)?;
                            this.solve(lhs, sides.0, &left)
                        }
                    })
                };
                let first = !self.choice.right;
                let both = |this: &mut Self| {
                    this.attempt(|this| {
                        this.solve(lhs, Wanted::Nothing, &left)?;
                        this.solve(rhs, Wanted::Nothing, &right)
                    })
                };
                fail(self, first).or_else(|_| fail(self, !first)).or_else(|_| both(self))
            }
            (BinaryOp::Unless, Wanted::Within(_)) => {
                self.solve(lhs, wanted, &left)?;
                self.solve(rhs, Wanted::Nothing, &may_vanish)
            }
            (BinaryOp::Unless, _) => {
                let fails = self.attempt(|this| {
                    this.solve(lhs, Wanted::Nothing, &left)?;
                    this.solve(rhs, Wanted::Nothing, &may_vanish)
                });
                fails.or_else(|_| {
                    self.solve(lhs, some, &left)?;
                    self.solve(rhs, some, &right)
                })
            }
            (_, Wanted::Within(_)) => {
                let speak = |this: &mut Self, first: bool| {
                    this.attempt(|this| {
                        let (one, one_at, other, other_at) =
                            if first { (lhs, &left, rhs, &right) } else { (rhs, &right, lhs, &left) };
                        this.solve(one, wanted, one_at)?;
                        let silent = this.attempt(|this| this.solve(other, Wanted::Nothing, other_at));
                        let vanished = At { vanish: true, ..other_at.clone() };
                        silent
                            .or_else(|_| this.attempt(|this| this.solve(other, Wanted::Nothing, &vanished)))
                            .or(Ok(()))
                    })
                };
                let first = !self.choice.right;
                speak(self, first).or_else(|_| speak(self, !first))
            }
            (_, Wanted::Nothing) => {
                self.solve(lhs, Wanted::Nothing, &left)?;
                self.solve(rhs, Wanted::Nothing, &right)
            }
        }
    }

    fn comparison(&mut self, expr: &Expr, binary: &Binary, wanted: Wanted, at: &At) -> Result<(), Stuck> {
        let (left, right) = self.sides(binary, at);
        let (lhs, rhs) = (&binary.lhs, &binary.rhs);
        let (op, side, side_at, other) = match (self.value(lhs, &left), self.value(rhs, &right)) {
            (_, Reached::Value(threshold)) => (binary.op, lhs, &left, threshold),
            (Reached::Value(threshold), _) => (turned(binary.op), rhs, &right, threshold),
            (Reached::Unknown, Reached::Unknown) => {
                let known = if self.choice.right { (lhs, &left) } else { (rhs, &right) };
                self.fill(known.0, known.1)?;
                return match self.value(known.0, known.1) {
                    Reached::Value(_) => self.solve(expr, wanted, at),
                    _ => Err(stuck(expr, wanted)),
                };
            }
            (_, Reached::Nothing) | (Reached::Nothing, _) => return Err(stuck(expr, wanted)),
        };
        let holds = match wanted {
            Wanted::Nothing if binary.return_bool => return self.solve(side, Wanted::Nothing, side_at),
            Wanted::Within(range) if binary.return_bool && !range.contains(1.0) && !range.contains(0.0) => {
                return Err(stuck(expr, wanted));
            }
            Wanted::Within(range) if binary.return_bool => range.contains(1.0),
            Wanted::Nothing => false,
            Wanted::Within(_) => true,
        };
        let fits = |accepted: Range| match wanted {
            // A comparison hands on its left side.
            Wanted::Within(range) if !binary.return_bool && std::ptr::eq(side, lhs) => accepted.and(range),
            Wanted::Within(range) if !binary.return_bool => Some(accepted).filter(|_| range.contains(other)),
            _ => Some(accepted),
        };
        let accepted = Range::of(op, other, holds).into_iter().filter_map(fits);
        let mut by_value = Err(stuck(expr, wanted));
        for accepted in accepted {
            by_value = by_value.or_else(|_| self.attempt(|this| this.solve(side, Wanted::Within(accepted), side_at)));
        }
        match by_value {
            Err(_) if wanted == Wanted::Nothing => self.solve(side, Wanted::Nothing, side_at),
            result => result,
        }
    }
}

/// The matchers of a selector but for the one on the name.
fn without_name(selector: &VectorSelector) -> Vec<Matcher> {
    selector.matchers.iter().filter(|matcher| &*matcher.name != METRIC_NAME).cloned().collect()
}

/// The comparison with its sides swapped.
fn turned(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessOrEqual => BinaryOp::GreaterOrEqual,
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterOrEqual => BinaryOp::LessOrEqual,
        other => other,
    }
}
