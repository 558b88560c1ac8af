//! What is asked of the series that selectors find: its name, its labels, its values; and the rules that record it.

use std::collections::BTreeMap;

use super::leaf::{Facts, Leaf, Level};
use super::range::Range;
use super::reverse::{At, DEEPEST, Measure, Reverse, Stuck, Wanted, stuck};
use super::sample;
use crate::labels::{METRIC_NAME, MatchOp, Matcher};
use crate::promql::ast::{Expr, VectorSelector};
use crate::rules::{Rule, RuleKind};

/// Within so many seconds of now, a value is a time.
const TEN_YEARS: f64 = 3.2e8;

impl<'a> Reverse<'a> {
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

    pub fn select(&mut self, expr: &Expr, selector: &VectorSelector, wanted: Wanted, at: &At) -> Result<(), Stuck> {
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
}

/// The matchers of a selector but for the one on the name.
fn without_name(selector: &VectorSelector) -> Vec<Matcher> {
    selector.matchers.iter().filter(|matcher| &*matcher.name != METRIC_NAME).cloned().collect()
}
