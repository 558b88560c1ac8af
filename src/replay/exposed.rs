//! What a day exposes, asked by series: which are counters, which are pushed, and when a sample of one arrives.

use std::collections::{BTreeSet, HashSet};

use super::gaps::GapKind;
use super::metrics::Generator;
use super::model::Day;
use super::read::series_of;
use crate::labels::Labels;
use crate::time::Timestamp;

impl Day {
    /// Names of the series that are counters: by what makes them, and those of values and recordings by their names.
    pub fn counter_names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for metric in &self.metrics {
            let named = matches!(metric.generator, Generator::Values(_) | Generator::Recorded(_));
            let counts = |name: &str| ["_total", "_bucket", "_count"].iter().any(|suffix| name.ends_with(suffix));
            let all = series_of(metric).into_iter().map(|labels| labels.name().to_owned());
            names.extend(all.filter(|name| metric.generator.is_counter() || (named && counts(name))));
        }
        names
    }

    /// The series whose samples are pushed: they have no end where they have no sample.
    pub fn pushed_series(&self) -> HashSet<Labels> {
        let pushed = |at: Option<usize>| at.and_then(|at| self.targets.get(at)).is_some_and(|target| target.pushed);
        self.metrics.iter().filter(|metric| pushed(metric.target)).flat_map(series_of).collect()
    }

    /// When a sample of that time arrives: then, or when the last gap ends that holds it back. The target of a series is known by
    /// its labels, those that a restart changes aside.
    pub fn arrival(&self, labels: &Labels, time: Timestamp) -> Timestamp {
        let changed = |target: usize, name: &str| {
            self.gaps
                .iter()
                .any(|gap| gap.target == target && matches!(&gap.kind, GapKind::Restart(changes) if changes.has(name)))
        };
        let of = |at: usize| {
            self.targets.get(at).is_some_and(|target| {
                target.labels.iter().all(|(name, value)| labels.get(name) == value || changed(at, name))
            })
        };
        let late = self
            .gaps
            .iter()
            .filter(|gap| gap.kind == GapKind::Late && gap.covers(time) && of(gap.target) && gap.concerns(labels));
        late.map(|gap| gap.to).max().unwrap_or(time)
    }
}
