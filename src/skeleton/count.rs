//! Counts: how many series there are to be, and which label tells them apart.

use super::leaf::Phase;
use super::range::Range;
use super::reverse::{At, MOST_COPIES, Reached, Reverse, Stuck, Wanted, stuck};
use crate::promql::ast::{Aggregate, Expr, ExprKind};

/// A whole number of a range, near its plain value, and not below `least`.
pub fn whole(range: Range, least: usize) -> Option<usize> {
    // Nobody doubles or halves how many there are.
    let plain = match (range.low.is_finite(), range.high.is_finite()) {
        (true, false) if range.low > 1.0 => 1.5 * range.low,
        (false, true) if range.high > 1.0 => range.high / 2.0,
        _ => range.plain().max(0.0),
    };
    let candidates = [plain.round(), plain.ceil(), plain.floor(), range.low.floor() + 1.0, range.high.ceil() - 1.0];
    let fits = |count: &f64| range.contains(*count) && *count >= least as f64 && *count <= MOST_COPIES as f64;
    candidates.into_iter().find(fits).map(|count| count as usize)
}

/// Whether an expression yields 1 or 0 for each series, so that a sum of it is a count.
pub fn is_flag(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Paren(inner) => is_flag(inner),
        ExprKind::Selector(selector) => selector.name == "up",
        ExprKind::Binary(binary) => binary.return_bool,
        _ => false,
    }
}

/// The label by which copies of a series differ: one by which they are aggregated below, else `instance`, which must not
/// be one that the count itself keeps.
fn varying(child: &Expr, kept: &[String]) -> String {
    match &child.kind {
        ExprKind::Paren(inner) => varying(inner, kept),
        ExprKind::Binary(binary) => varying(&binary.lhs, kept),
        ExprKind::Aggregate(inner) if !inner.without => {
            inner.grouping.iter().rev().find(|label| !kept.contains(label)).cloned().unwrap_or_default()
        }
        _ if kept.iter().any(|label| label == "instance") => "id".to_owned(),
        _ => "instance".to_owned(),
    }
}

impl Reverse<'_> {
    /// Makes `count` series of `child` be of the first range, and all further ones of the second; where both are any, the
    /// further ones yield nothing.
    pub(super) fn several(
        &mut self,
        expr: &Expr,
        child: &Expr,
        aggregate: &Aggregate,
        count: usize,
        [met, other]: [Range; 2],
        at: &At,
    ) -> Result<(), Stuck> {
        let kept: &[String] = if aggregate.without { &[] } else { &aggregate.grouping };
        let label = varying(child, kept);
        let key = expr.to_string();
        let so_far = self.copies.get(&key).copied().unwrap_or(0);
        let no_way = || stuck(expr, Wanted::Within(Range::exactly(count as f64)));
        let rest = if other.is_any() { Wanted::Nothing } else { Wanted::Within(other) };
        let (mut made, mut nth) = (0, 0);
        while made < count || nth < so_far.max(1) {
            if nth > MOST_COPIES || (label.is_empty() && nth > 0) {
                return Err(no_way());
            }
            let own = at.copy(&label, nth);
            // Some are settled already, by what else reads them.
            if made < count && self.attempt(|this| this.solve(child, Wanted::Within(met), &own)).is_ok() {
                made += 1;
            } else {
                self.solve(child, rest, &own)?;
            }
            // What was not there in healthy time stays out of it.
            if at.phase == Phase::Incident && so_far > 0 && nth >= so_far {
                let healthy = At { phase: Phase::Healthy, vanish: true, ..own };
                if self.value(child, &healthy) == Reached::Unknown {
                    self.solve(child, rest, &healthy)?;
                }
            }
            nth += 1;
        }
        self.copies.insert(key, nth.max(so_far));
        Ok(())
    }

    /// How many series a count finds.
    pub(super) fn counted(&self, expr: &Expr, child: &Expr, aggregate: &Aggregate, at: &At) -> Reached {
        let kept: &[String] = if aggregate.without { &[] } else { &aggregate.grouping };
        let label = varying(child, kept);
        let copies = self.copies.get(&expr.to_string()).copied().unwrap_or(1);
        let mut count = 0;
        for nth in 0..copies {
            match self.value(child, &at.copy(&label, nth)) {
                Reached::Unknown => return Reached::Unknown,
                Reached::Nothing => {}
                Reached::Value(_) => count += 1,
            }
        }
        if count == 0 { Reached::Nothing } else { Reached::Value(f64::from(count)) }
    }

    /// The sum of what is 1 or 0.
    pub(super) fn flags(&self, expr: &Expr, child: &Expr, aggregate: &Aggregate, at: &At) -> Reached {
        let kept: &[String] = if aggregate.without { &[] } else { &aggregate.grouping };
        let label = varying(child, kept);
        let copies = self.copies.get(&expr.to_string()).copied().unwrap_or(1);
        let mut sum = None;
        for nth in 0..copies {
            match self.value(child, &at.copy(&label, nth)) {
                Reached::Unknown => return Reached::Unknown,
                Reached::Nothing => {}
                Reached::Value(value) => sum = Some(sum.unwrap_or(0.0) + value),
            }
        }
        sum.map_or(Reached::Nothing, Reached::Value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_meet_the_range() {
        assert_eq!(whole(Range::above(2.0, false), 1), Some(3));
        assert_eq!(whole(Range::below(3.0, false), 1), Some(2));
        assert_eq!(whole(Range::below(1.0, false), 1), None);
        assert_eq!(whole(Range::below(1.0, false), 0), Some(0));
        assert_eq!(whole(Range::above(1e6, false), 1), None);
    }
}
