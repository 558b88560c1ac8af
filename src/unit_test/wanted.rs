//! Alerts that are wanted, whole or in part, and whether those that stand are them.

use regex::Regex;

use super::verdict::StandingAlert;
use crate::labels::Labels;
use crate::rules::AlertState;
use crate::text::Span;
use crate::time::Duration;

/// An alert that a case wants. What it does not speak of is free.
#[derive(Clone, Debug)]
pub struct WantedAlert {
    /// The item that wants it.
    pub span: Span,
    /// Sorted by name, `alertname` included.
    pub labels: Vec<(String, String)>,
    /// Whether it may have other labels too, but for those that are wanted to be empty.
    pub more_labels: bool,
    /// Sorted by name.
    pub annotations: Vec<(String, WantedText)>,
    /// Whether it may have other annotations too.
    pub more_annotations: bool,
    pub state: AlertState,
    /// NaN is NaN here.
    pub value: Option<f64>,
    /// When its condition began to hold, after the start.
    pub active_at: Option<Duration>,
}

/// What an annotation has to be.
#[derive(Clone, Debug)]
pub enum WantedText {
    Exactly(String),
    /// All of it has to match.
    Matching {
        pattern: String,
        regex: Regex,
    },
}

impl WantedText {
    /// As it stands in the file.
    pub fn written(&self) -> &str {
        match self {
            WantedText::Exactly(text) => text,
            WantedText::Matching { pattern, .. } => pattern,
        }
    }

    pub fn accepts(&self, text: &str) -> bool {
        match self {
            WantedText::Exactly(wanted) => wanted == text,
            WantedText::Matching { regex, .. } => regex.is_match(text),
        }
    }
}

impl WantedAlert {
    /// Whether an alert of these labels can be the one that is wanted.
    pub fn means(&self, labels: &Labels) -> bool {
        (self.more_labels || self.labels.len() == labels.len())
            && self
                .labels
                .iter()
                .all(|(name, value)| labels.get(name) == value && (labels.has(name) || self.more_labels))
    }

    /// Whether an alert is one that is wanted; `same_value` compares values.
    pub fn accepts(&self, alert: &StandingAlert, same_value: impl Fn(f64, f64) -> bool) -> bool {
        let annotations = |name: &str, wanted: &WantedText| {
            alert.annotations.iter().any(|(other, text)| other == name && wanted.accepts(text))
        };
        self.state == alert.state
            && (self.more_labels || self.labels.len() == alert.labels.len())
            && self.labels.iter().all(|label| match self.more_labels && label.1.is_empty() {
                true => alert.labels.iter().all(|(name, _)| *name != label.0),
                false => alert.labels.contains(label),
            })
            && (self.more_annotations || self.annotations.len() == alert.annotations.len())
            && self.annotations.iter().all(|(name, wanted)| annotations(name, wanted))
            && self.value.is_none_or(|wanted| {
                alert.value.is_some_and(|value| same_value(wanted, value) || wanted.is_nan() && value.is_nan())
            })
            && self.active_at.is_none_or(|active_at| active_at == alert.active_at)
    }
}

/// Whether every wanted alert can be given an alert of its own, and none is left over: `fits(w, a)` says whether alert `a` is
/// what `w` wants. One that fits several goes where it is needed (Kuhn's bipartite matching).
pub fn all_matched(wanted: usize, alerts: usize, fits: impl Fn(usize, usize) -> bool) -> bool {
    wanted == alerts && matched(wanted, alerts, fits).iter().all(Option::is_some)
}

/// The wanted one that each alert is given to, such that as many as possible have one.
pub fn matched(wanted: usize, alerts: usize, fits: impl Fn(usize, usize) -> bool) -> Vec<Option<usize>> {
    let fitting: Vec<Vec<usize>> = (0..wanted).map(|w| (0..alerts).filter(|a| fits(w, *a)).collect()).collect();
    let mut given: Vec<Option<usize>> = vec![None; alerts];
    for w in 0..wanted {
        give(w, &fitting, &mut given, &mut vec![false; alerts]);
    }
    given
}

/// Gives `wanted` an alert, if need be one that another can do without.
fn give(wanted: usize, fitting: &[Vec<usize>], given: &mut [Option<usize>], asked: &mut [bool]) -> bool {
    fitting[wanted].iter().any(|alert| {
        if std::mem::replace(&mut asked[*alert], true) {
            return false;
        }
        let free = match given[*alert] {
            None => true,
            Some(other) => give(other, fitting, given, asked),
        };
        if free {
            given[*alert] = Some(wanted);
        }
        free
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_that_fits_several_goes_where_it_is_needed() {
        // The first takes 0 or 1, the second only 0: a greedy pass would give 0 to the first.
        let fits = [vec![0, 1], vec![0], vec![1, 2]];
        assert!(all_matched(3, 3, |w, a| fits[w].contains(&a)));
        let fits = [vec![0, 1], vec![0], vec![0, 1]];
        assert!(!all_matched(3, 3, |w, a| fits[w].contains(&a)));
        assert!(!all_matched(2, 3, |_, _| true));
        assert!(all_matched(0, 0, |_, _| false));
    }
}
