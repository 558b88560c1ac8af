//! Reverses functions.

use super::range::Range;
use super::reverse::{At, DEEPEST, Measure, Reached, Reverse, Stuck, Wanted, stuck};
use super::value::{CHANGES, passes, seconds, window};
use crate::labels::{METRIC_NAME, MatchOp, Matcher};
use crate::promql::ast::{Call, DurationArg, Expr, ExprKind, VectorSelector};
use crate::rules::RuleKind;

impl Reverse<'_> {
    pub(super) fn call(&mut self, expr: &Expr, call: &Call, wanted: Wanted, at: &At) -> Result<(), Stuck> {
        let no_way = || stuck(expr, wanted);
        let arg = |nth: usize| call.args.get(nth).ok_or_else(no_way);
        let some = Wanted::Within(Range::ANY);
        let width = call.args.iter().find_map(window).and_then(|window| match window {
            DurationArg::Literal(width) => Some(*width),
            DurationArg::Expr(_) => None,
        });
        let per = Measure::Growth { per: width };
        let map = |rises: bool, inverse: &dyn Fn(f64) -> f64| match wanted {
            // Nothing and anything stay what they are.
            Wanted::Within(range) if !range.is_any() => Wanted::Within(range.through(rises, inverse)),
            wanted => wanted,
        };
        match call.function.name {
            "rate" | "irate" | "increase" if at.measure == Measure::Observed => self.solve(arg(0)?, wanted, at),
            "histogram_quantile" => {
                let arg = arg(1)?;
                if !arg.selectors().iter().any(|(selector, _)| self.reads_buckets(selector, 0)) {
                    return Err(no_way());
                }
                self.solve(arg, wanted, &at.measuring(Measure::Observed))
            }
            _ if at.measure != Measure::Level && !passes(call.function.name) => Err(no_way()),
            "rate" | "irate" => self.solve(arg(0)?, wanted, &at.measuring(Measure::Growth { per: None })),
            "increase" => {
                let width = width.ok_or_else(no_way)?.seconds();
                self.solve(arg(0)?, map(true, &|v| v / width), &at.measuring(per))
            }
            "changes" => {
                let width = width.ok_or_else(no_way)?.seconds();
                let whole = Measure::Growth { per: None };
                let changes = match wanted {
                    Wanted::Within(range) if range.contains(0.0) && !range.is_any() => {
                        Wanted::Within(Range::exactly(0.0))
                    }
                    _ => map(true, &|v| CHANGES * v / width),
                };
                self.solve(arg(0)?, changes, &at.measuring(whole))?;
                arg(0)?.selectors().into_iter().for_each(|(selector, _)| self.count_whole(selector, at));
                Ok(())
            }
            "delta" => {
                let width = width.ok_or_else(no_way)?.seconds();
                self.solve(arg(0)?, map(true, &|v| v / width), &at.measuring(Measure::Slope))
            }
            "deriv" => self.solve(arg(0)?, wanted, &at.measuring(Measure::Slope)),
            "idelta" => {
                let apart = self.scrape.seconds();
                self.solve(arg(0)?, map(true, &|v| v / apart), &at.measuring(Measure::Slope))
            }
            "predict_linear" => self.predict(expr, arg(0)?, arg(1)?, wanted, at),
            "sum_over_time" => {
                let count = self.samples(arg(0)?).filter(|count| *count > 0.0).ok_or_else(no_way)?;
                self.solve(arg(0)?, map(true, &|v| v / count), at)
            }
            "count_over_time" | "present_over_time" => {
                self.solve(arg(0)?, if wanted == Wanted::Nothing { wanted } else { some }, at)?;
                match (self.value(expr, at), wanted) {
                    (Reached::Value(value), Wanted::Within(range)) if !range.contains(value) => Err(no_way()),
                    _ => Ok(()),
                }
            }
            "absent" | "absent_over_time" => match wanted {
                Wanted::Within(range) if !range.contains(1.0) => Err(no_way()),
                Wanted::Within(_) => {
                    let by_value = self.attempt(|this| this.solve(&call.args[0], Wanted::Nothing, at));
                    let may_vanish = At { vanish: true, ..at.clone() };
                    by_value.or_else(|_| self.solve(&call.args[0], Wanted::Nothing, &may_vanish))
                }
                Wanted::Nothing => self.solve(arg(0)?, some, at),
            },
            "timestamp" => {
                self.solve(arg(0)?, if wanted == Wanted::Nothing { wanted } else { some }, at)?;
                match (self.value(expr, at), wanted) {
                    (Reached::Value(value), Wanted::Within(range)) if !range.contains(value) => Err(no_way()),
                    _ => Ok(()),
                }
            }
            "quantile_over_time" => self.solve(arg(1)?, wanted, at),
            "abs" => {
                let positive = match wanted {
                    Wanted::Within(range) => Wanted::Within(range.and(Range::above(0.0, true)).ok_or_else(no_way)?),
                    wanted => wanted,
                };
                self.solve(arg(0)?, positive, at)
            }
            "sqrt" => self.solve(arg(0)?, map(true, &|v| v.max(0.0) * v), at),
            "exp" => self.solve(arg(0)?, map(true, &f64::ln), at),
            "ln" => self.solve(arg(0)?, map(true, &f64::exp), at),
            "log2" => self.solve(arg(0)?, map(true, &f64::exp2), at),
            "log10" => self.solve(arg(0)?, map(true, &|v| 10_f64.powf(v)), at),
            "sgn" => {
                let sign = match wanted {
                    Wanted::Within(range) if range.is_any() => some,
                    Wanted::Within(range) => {
                        let sign = [1.0, 0.0, -1.0].into_iter().find(|sign| range.contains(*sign));
                        Wanted::Within(Range::exactly(sign.ok_or_else(no_way)?))
                    }
                    wanted => wanted,
                };
                self.solve(arg(0)?, sign, at)
            }
            "scalar" | "ceil" | "floor" | "clamp_min" | "clamp_max" => self.solve(arg(0)?, wanted, at),
            "label_replace" | "label_join" => {
                let mut inner = at.clone();
                // The label that is written need not be there; those that it is made from are.
                let text = |nth: usize| match call.args.get(nth).map(|arg| &arg.kind) {
                    Some(ExprKind::String(text)) => Some(text.clone()),
                    _ => None,
                };
                let written = text(1);
                let from: Vec<String> = match call.function.name {
                    "label_replace" => text(3).into_iter().collect(),
                    _ => (3..call.args.len()).filter_map(text).collect(),
                };
                let value = written.as_ref().and_then(|label| inner.labels.remove(label)).unwrap_or_default();
                let pattern = text(4).and_then(|pattern| Matcher::new("", MatchOp::Regex, pattern).ok());
                for label in from.into_iter().filter(|label| !label.is_empty() && !at.labels.contains_key(label)) {
                    // With a port, where the pattern takes one off.
                    let candidates = [value.clone(), format!("{value}:9090"), self.name(&label)];
                    let fits = |value: &&String| {
                        !value.is_empty() && pattern.as_ref().is_none_or(|pattern| pattern.matches(value))
                    };
                    let fitting = candidates.iter().find(fits).cloned();
                    inner.labels.insert(label.clone(), fitting.unwrap_or_else(|| self.name(&label)));
                }
                self.solve(arg(0)?, wanted, &inner)
            }
            name if passes(name) => self.solve(arg(0)?, wanted, at),
            _ => Err(no_way()),
        }
    }

    /// A level, and a slope that leads to the wanted value; without one the level alone has to be good.
    fn predict(&mut self, expr: &Expr, arg: &Expr, ahead: &Expr, wanted: Wanted, at: &At) -> Result<(), Stuck> {
        let no_way = || stuck(expr, wanted);
        let Reached::Value(ahead) = self.value(ahead, at) else { return Err(no_way()) };
        let range = match wanted {
            Wanted::Nothing => return self.solve(arg, wanted, at),
            Wanted::Within(range) => range,
        };
        if self.value(arg, at) == Reached::Unknown {
            self.fill(arg, at)?;
        }
        let Reached::Value(level) = self.value(arg, at) else { return Err(no_way()) };
        let slope = match range.contains(level) || ahead <= 0.0 {
            true => 0.0,
            // Twice as steep as it need be, for a window that is not full yet.
            false => 2.0 * (range.plain() - level) / ahead,
        };
        self.solve(arg, Wanted::Within(Range::exactly(slope)), &at.measuring(Measure::Slope))?;
        match self.value(expr, at) {
            Reached::Value(value) if range.contains(value) => Ok(()),
            _ => Err(no_way()),
        }
    }

    /// A series whose changes are counted has to stay the same between them.
    fn count_whole(&mut self, selector: &VectorSelector, at: &At) {
        if let Some(leaf) = self.find(selector, &at.measuring(Measure::Growth { per: None })) {
            self.leaves[leaf].whole = true;
        }
    }

    /// Whether a selector reads the buckets of a classic histogram, or what is recorded of them.
    fn reads_buckets(&self, selector: &VectorSelector, depth: u32) -> bool {
        match self.writer(selector).and_then(|rule| rule.promql()) {
            Some(query) if depth < DEEPEST => {
                query.selectors().iter().any(|(selector, _)| self.reads_buckets(selector, depth + 1))
            }
            Some(_) => false,
            None => selector
                .matchers
                .iter()
                .any(|matcher| &*matcher.name == METRIC_NAME && matcher.value.contains("_bucket")),
        }
    }
}

/// How far back an expression looks, in seconds: windows of one path added up, and beside them its offsets.
pub fn reach(expr: &Expr, reverse: &Reverse<'_>, depth: u32) -> (f64, f64) {
    let offset_of = |offset: &Option<DurationArg>| offset.as_ref().and_then(seconds).unwrap_or(0.0).max(0.0);
    let (window, offset, selector) = match &expr.kind {
        ExprKind::Range(range) => {
            (seconds(&range.range).unwrap_or(0.0), offset_of(&range.selector.offset), Some(&range.selector))
        }
        ExprKind::Selector(selector) => (0.0, offset_of(&selector.offset), Some(selector)),
        ExprKind::Subquery(subquery) => (seconds(&subquery.range).unwrap_or(0.0), offset_of(&subquery.offset), None),
        _ => (0.0, 0.0, None),
    };
    let mut below = (0.0_f64, 0.0_f64);
    let mut take = |(window, offset): (f64, f64)| below = (below.0.max(window), below.1.max(offset));
    expr.children().into_iter().for_each(|child| take(reach(child, reverse, depth)));
    let recorded = selector.and_then(|selector| reverse.writer(selector));
    if let Some(rule) = recorded.filter(|_| depth < DEEPEST)
        && let Some(query) = rule.promql()
    {
        let (window, offset) = reach(query, reverse, depth + 1);
        let for_ = match &rule.kind {
            RuleKind::Alert { for_, .. } => for_.seconds(),
            RuleKind::Record => 0.0,
        };
        // What is recorded may be one evaluation behind.
        take((window + for_ + 60.0, offset));
    }
    (window + below.0, offset + below.1)
}
