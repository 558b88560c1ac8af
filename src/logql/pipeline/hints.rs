//! What a query needs of the labels in a line: parsers leave out the rest (Loki `log/parser_hints.go`).

use super::label_filter::LabelTest;
use super::labels::{DUPLICATE, ERROR};
use super::names::{NameId, Names};

/// What a metric query does with labels; a log query shows them all.
#[derive(Clone, Debug, Default)]
pub struct Demand<'a> {
    /// Labels of `by` or `without`.
    pub groups: &'a [String],
    pub without: bool,
    /// An aggregation without labels: none stays.
    pub no_labels: bool,
    /// The label that is unwrapped.
    pub unwrapped: Option<&'a str>,
}

#[derive(Clone)]
pub(super) struct Hints {
    /// Nothing is needed.
    no_labels: bool,
    /// Names in which alone somebody is interested; none where all are of interest.
    required: Vec<NameId>,
    preserves_error: bool,
    /// Conditions that are known to come: where a label fails its own, the rest of the line need not be read.
    filters: Vec<(NameId, LabelTest)>,
}

impl Hints {
    /// All labels are needed.
    pub fn none() -> Hints {
        Hints { no_labels: false, required: Vec::new(), preserves_error: false, filters: Vec::new() }
    }

    /// `stage_names` are the labels that stages read; `filters` are the conditions of the pipeline on one label each.
    pub fn new(
        names: &mut Names,
        stage_names: &[String],
        demand: &Demand<'_>,
        filters: Vec<(NameId, LabelTest)>,
    ) -> Hints {
        let mut required = Vec::new();
        let wanted = stage_names.iter().map(String::as_str).chain(demand.groups.iter().map(String::as_str));
        for name in wanted.chain(demand.unwrapped).filter(|name| !name.is_empty()) {
            let plain = name.as_bytes().strip_suffix(DUPLICATE);
            for name in [Some(name.as_bytes()), plain].into_iter().flatten().filter(|name| !name.is_empty()) {
                let id = names.intern(name);
                if !required.contains(&id) {
                    required.push(id);
                }
            }
        }
        let preserves_error = required.contains(&names.intern(ERROR.as_bytes()));
        if demand.no_labels {
            return match required.is_empty() {
                true => Hints { no_labels: true, ..Hints::none() },
                false => Hints { no_labels: false, required, preserves_error, filters },
            };
        }
        if demand.without || demand.groups.is_empty() {
            return Hints { filters, ..Hints::none() };
        }
        Hints { no_labels: false, required, preserves_error, filters: Vec::new() }
    }

    pub fn needs_no_labels(&self) -> bool {
        self.no_labels
    }

    pub fn required(&self) -> &[NameId] {
        &self.required
    }

    pub fn is_required(&self, name: NameId) -> bool {
        self.required.contains(&name)
    }

    pub fn should_extract(&self, name: NameId) -> bool {
        self.required.is_empty() || self.required.contains(&name)
    }

    pub fn preserves_error(&self) -> bool {
        self.preserves_error
    }

    /// The first condition on a label.
    pub fn filter_of(&self, name: NameId) -> Option<usize> {
        self.filters.iter().position(|(known, _)| *known == name)
    }

    pub fn filter(&self, at: usize) -> &LabelTest {
        &self.filters[at].1
    }
}
