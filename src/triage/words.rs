//! Values and queries in few words.

use super::evaluate::{Conclusion, ConditionAt};
use super::model::{Asks, Quantifier, Runbook, Tests};
use super::truth::Truth;
use crate::labels::Labels;
use crate::number::{format_f, format_g};

/// How many series are named.
const NAMED: usize = 4;

/// A value with as many digits as people read.
pub fn figure(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e9 { format_f(value) } else { format_g(value, 4) }
}

/// `0`, `0 drops (3 series)`, or `3 {leg="cloudflare"}, 0 {leg="internal"}`, with the labels in which the series differ.
pub fn values(values: &[(Labels, f64)], unit: Option<&str>) -> String {
    let [(first, value), rest @ ..] = values else { return "nothing".to_owned() };
    let unit = unit.map_or_else(String::new, |unit| format!(" {unit}"));
    if rest.is_empty() {
        return figure(*value) + &unit;
    }
    if rest.iter().all(|(_, other)| other.total_cmp(value).is_eq()) {
        return format!("{}{unit} ({} series)", figure(*value), values.len());
    }
    let differs = |name: &str| rest.iter().any(|(labels, _)| labels.get(name) != first.get(name));
    let told = values.iter().take(NAMED).map(|(labels, value)| {
        let labels = labels.filter(&differs);
        if labels.is_empty() { figure(*value) } else { format!("{} {}", figure(*value), labels.as_metric()) }
    });
    let mut told: Vec<String> = told.collect();
    if values.len() > NAMED {
        told.push(format!("and {} more", values.len() - NAMED));
    }
    told.join(", ") + &unit
}

impl Asks {
    /// The query on one line.
    pub fn one_line(&self) -> String {
        self.text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl ConditionAt<'_> {
    /// What was found, with its unit: `0.4 drops/s`; why there is no data.
    pub fn found(&self, runbook: &Runbook) -> String {
        let unit = match &self.condition.tests {
            Tests::Compares(comparison) => runbook.queries[comparison.query].unit(),
            Tests::Selects(_) => None,
        };
        let told = || values(&self.values, unit);
        match (&self.failed, self.truth) {
            (Some(failed), _) => format!("no data: {failed}"),
            (None, Truth::NoData) if self.values.is_empty() => "no data".to_owned(),
            (None, Truth::NoData) => format!("no data but {}", told()),
            (None, _) => told(),
        }
    }

    /// What is asked for: `value > 12 in all of {leg="internal"}`; empty for an expression, which says so itself.
    pub fn asked(&self) -> String {
        let Tests::Compares(comparison) = &self.condition.tests else { return String::new() };
        let of: Vec<String> = comparison.of.iter().map(ToString::to_string).collect();
        let of = if of.is_empty() { String::new() } else { format!(" of {{{}}}", of.join(",")) };
        let quantifier = match comparison.quantifier {
            Quantifier::Any => "any",
            Quantifier::All => "all",
            Quantifier::None => "none",
        };
        format!("{quantifier}{of}: {}", comparison.written.text)
    }
}

impl Runbook {
    /// A conclusion in a few words, with the names of causes.
    pub fn told(&self, conclusion: &Conclusion) -> String {
        let names = |causes: &[usize]| -> String {
            causes.iter().map(|at| self.causes[*at].name.text.as_str()).collect::<Vec<_>>().join(", ")
        };
        match conclusion {
            Conclusion::Cause(cause) => names(&[*cause]),
            Conclusion::Several(causes) => format!("several causes: {}", names(causes)),
            Conclusion::Nothing { unknown } if unknown.is_empty() => "no cause".to_owned(),
            Conclusion::Nothing { unknown } => format!("no cause; no data for {}", names(unknown)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_told_by_the_labels_in_which_they_differ() {
        let leg = |leg: &str, value: f64| (Labels::from_pairs([("job", "probe"), ("leg", leg)]), value);
        assert_eq!(values(&[], Some("drops")), "nothing");
        assert_eq!(values(&[leg("a", 0.05)], Some("drops/s")), "0.05 drops/s");
        assert_eq!(values(&[leg("a", 3.0), leg("b", 3.0)], Some("drops")), "3 drops (2 series)");
        let two = [leg("a", 12_345_678.0), leg("b", 1.0 / 3.0)];
        assert_eq!(values(&two, None), "12345678 {leg=\"a\"}, 0.3333 {leg=\"b\"}");
        let many: Vec<_> = (0..9).map(|n| leg(&n.to_string(), f64::from(n))).collect();
        assert!(values(&many, None).ends_with("3 {leg=\"3\"}, and 5 more"), "{}", values(&many, None));
    }
}
