//! The series that one rule writes: samples, and stale markers when a series is no longer in its output
//! (Prometheus `rules/group.go`, `Group.Eval`).

use std::collections::HashMap;

use crate::engine::Step;
use crate::histogram::Sample;
use crate::labels::Labels;
use crate::number::stale_marker;
use crate::store::{AppendError, MetricStore, SeriesId};

/// The series of one rule.
#[derive(Default)]
pub struct Written {
    slots: Vec<Slot>,
    places: HashMap<Labels, usize>,
    /// The slots that were written at the last successful evaluation, while it was kept evaluation by evaluation.
    live: Vec<usize>,
    turn: u64,
}

struct Slot {
    labels: Labels,
    /// Known from the first sample on: series come into the store in the order in which Prometheus creates them.
    id: Option<SeriesId>,
    /// Written at the last successful evaluation.
    live: bool,
    /// The evaluation that wrote it last.
    turn: u64,
}

impl Slot {
    /// Writes a sample, or marks the end of the series where there is none any more.
    fn write(&mut self, sample: Option<&Sample>, step: &Step, store: &mut MetricStore) -> Result<(), AppendError> {
        let was_live = std::mem::replace(&mut self.live, false);
        if let Some(sample) = sample {
            let id = *self.id.get_or_insert_with(|| store.id_or_create(&self.labels));
            let appended = store.append_sample(id, step.time, sample, step.frontier);
            self.live = appended.is_ok();
            if self.live || !was_live {
                return appended;
            }
            self.mark_stale(step, store);
            return appended;
        }
        if was_live {
            self.mark_stale(step, store);
        }
        Ok(())
    }

    fn mark_stale(&self, step: &Step, store: &mut MetricStore) {
        if let Some(id) = self.id {
            // Refused where another rule has taken over the series: then it has not ended.
            let _ = store.append(id, step.time, stale_marker(), step.frontier);
        }
    }
}

impl Written {
    /// The slot of a series.
    pub fn slot(&mut self, labels: &Labels) -> usize {
        if let Some(place) = self.places.get(labels) {
            return *place;
        }
        let place = self.slots.len();
        self.slots.push(Slot { labels: labels.clone(), id: None, live: false, turn: 0 });
        self.places.insert(labels.clone(), place);
        place
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn has_series(&self, slot: usize) -> bool {
        self.slots[slot].id.is_some()
    }

    /// Creates the series of a slot.
    pub fn create(&mut self, slot: usize, store: &mut MetricStore) {
        let slot = &mut self.slots[slot];
        slot.id.get_or_insert_with(|| store.id_or_create(&slot.labels));
    }

    /// Whether nothing was written at the last successful evaluation.
    pub fn is_quiet(&self) -> bool {
        self.live.is_empty()
    }

    /// Writes one slot at one successful evaluation.
    ///
    /// # Errors
    /// What the store refuses.
    pub fn write(
        &mut self,
        slot: usize,
        sample: Option<&Sample>,
        step: &Step,
        store: &mut MetricStore,
    ) -> Result<(), AppendError> {
        self.slots[slot].write(sample, step, store)
    }

    /// Writes all that one successful evaluation yielded, and the ends of what it no longer yields.
    ///
    /// # Errors
    /// What the store refuses; the rest is written.
    pub fn write_all(
        &mut self,
        samples: &[(usize, f64)],
        step: &Step,
        store: &mut MetricStore,
    ) -> Result<(), AppendError> {
        self.turn += 1;
        let mut refused = Ok(());
        let mut live = Vec::with_capacity(samples.len());
        for (slot, value) in samples {
            let own = &mut self.slots[*slot];
            let again = std::mem::replace(&mut own.turn, self.turn) == self.turn && own.live;
            let written = match own.id {
                // Two alerts of one series: it lives on though the second sample is refused.
                Some(id) if again => store.append(id, step.time, *value, step.frontier),
                _ => own.write(Some(&Sample::Float(*value)), step, store),
            };
            match written {
                Ok(()) => live.push(*slot),
                // A duplicate is told before a late one.
                Err(AppendError::OutOfOrder) if refused.is_err() => {}
                Err(error) => refused = Err(error),
            }
        }
        for slot in std::mem::replace(&mut self.live, live) {
            if self.slots[slot].turn != self.turn {
                // An end that is refused is none.
                let _ = self.slots[slot].write(None, step, store);
            }
        }
        refused
    }
}
