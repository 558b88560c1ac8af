//! Samples out of entries: counts, sizes and unwrapped labels, with the labels that a grouping leaves (Loki `log/metrics_extraction.go`).

use super::hints::Demand;
use super::label_filter::LabelTest;
use super::label_sets::{LabelSetId, LabelSets};
use super::names::NameId;
use super::{Pipeline, StageError, StageProblem, convert, order};
use crate::labels::Labels;
use crate::logql::ast::{Conversion, LabelFilter, LogRange, Stage};
use crate::time::Nanoseconds;

/// What is said of a label that cannot be converted.
const EXTRACTION_ERROR: &str = "SampleExtractionErr";

/// What a sample of a line is, where no label is unwrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleOf {
    /// 1 for every line.
    Count,
    /// The length of the line in bytes.
    Bytes,
}

/// A label whose value is the sample.
#[derive(Clone)]
struct Unwrapped {
    name: NameId,
    conversion: Option<Conversion>,
    filters: Vec<LabelTest>,
}

/// Makes samples out of the entries of a stream.
#[derive(Clone)]
pub struct Extractor {
    pipeline: Pipeline,
    of: SampleOf,
    unwrapped: Option<Unwrapped>,
    groups: Vec<NameId>,
    without: bool,
    no_labels: bool,
    sets: LabelSets,
    /// The labels of an entry whose labels are those of the stream.
    of_stream: Option<LabelSetId>,
}

/// Label sets of samples.
pub type Samples = LabelSets;

impl Extractor {
    /// The samples of a range. `demand` holds the grouping that decides which labels are left: that of the aggregation over the range, or of
    /// a `sum` right around it; `unwrapped` of it is not looked at.
    ///
    /// # Errors
    /// A stage that cannot be compiled.
    pub fn compile(
        range: &LogRange,
        of: SampleOf,
        demand: &Demand<'_>,
        now: Nanoseconds,
    ) -> Result<Extractor, StageError> {
        let stages: Vec<Stage> = match of {
            SampleOf::Count => order::without_idle_formats(&range.query.stages),
            SampleOf::Bytes => range.query.stages.clone(),
        };
        let mut groups = demand.groups.to_vec();
        let mut without = demand.without;
        let mut after: &[LabelFilter] = &[];
        if let Some(unwrap) = &range.unwrap {
            after = &unwrap.filters;
            if groups.is_empty() || without {
                without = true;
                groups.push(unwrap.label.clone());
            }
        }
        let demand = Demand {
            groups: &groups,
            without,
            no_labels: demand.no_labels,
            unwrapped: range.unwrap.as_ref().map(|unwrap| unwrap.label.as_str()),
        };
        let mut pipeline = Pipeline::for_demand(&stages, after, now, Some(&demand))?;
        let unwrapped = match &range.unwrap {
            None => None,
            Some(unwrap) => {
                let mut filters = Vec::new();
                for filter in &unwrap.filters {
                    let test = LabelTest::new(filter, &mut pipeline.space.names);
                    filters.push(test.map_err(|StageProblem(message)| StageError { message, span: filter.span })?);
                }
                let name = pipeline.space.names.intern(unwrap.label.as_bytes());
                Some(Unwrapped { name, conversion: unwrap.conversion, filters })
            }
        };
        let group_ids = groups.iter().map(|name| pipeline.space.names.intern(name.as_bytes())).collect();
        pipeline.space.pin();
        Ok(Extractor {
            pipeline,
            of,
            unwrapped,
            groups: group_ids,
            without,
            no_labels: demand.no_labels,
            sets: LabelSets::default(),
            of_stream: None,
        })
    }

    /// Goes on with the entries of another stream.
    pub fn set_stream(&mut self, labels: &Labels) {
        self.pipeline.set_stream(labels);
        self.of_stream = None;
    }

    /// Whether no entry without structured metadata of the stream yields a sample, whatever its line.
    pub fn refuses_stream(&self) -> bool {
        self.pipeline.refuses_stream()
    }

    /// The label sets of the samples so far.
    pub fn sets(&self) -> &LabelSets {
        &self.sets
    }

    /// The label sets, once all entries are read.
    pub fn into_sets(self) -> LabelSets {
        self.sets
    }

    /// The sample of an entry of the stream, if it has one. An entry with an error has all its labels, the error among them.
    pub fn extract<'m>(
        &mut self,
        time: Nanoseconds,
        line: &[u8],
        metadata: impl IntoIterator<Item = (&'m str, &'m str)>,
    ) -> Option<(f64, LabelSetId)> {
        let written = self.pipeline.run(time, line, metadata)?;
        let value = match &self.unwrapped {
            None => match self.of {
                SampleOf::Count => 1.0,
                SampleOf::Bytes if written => self.pipeline.written.len() as f64,
                SampleOf::Bytes => line.len() as f64,
            },
            Some(unwrapped) => {
                let space = &mut self.pipeline.space;
                let text = space.get(unwrapped.name).filter(|text| !text.is_empty())?;
                let converted = match unwrapped.conversion {
                    None => convert::number(text),
                    Some(Conversion::Bytes) => convert::bytes(text).map(|bytes| bytes as f64),
                    Some(Conversion::Duration | Conversion::DurationSeconds) => {
                        convert::duration(text).map(Nanoseconds::seconds)
                    }
                };
                let value = converted.unwrap_or_else(|details| {
                    space.set_error(EXTRACTION_ERROR, Some(&details));
                    0.0
                });
                // Joined by `and`: each of them runs.
                let mut kept = true;
                for filter in &unwrapped.filters {
                    kept &= filter.holds(space);
                }
                if !kept {
                    return None;
                }
                value
            }
        };
        Some((value, self.labels()))
    }

    /// The labels of the entry that was read last, grouped.
    fn labels(&mut self) -> LabelSetId {
        let space = &self.pipeline.space;
        let mut pairs: Vec<(&[u8], &[u8])> = Vec::new();
        if space.has_error() {
            space.for_each(|name, value| pairs.push((name, value)));
            return self.sets.intern(&mut pairs);
        }
        if self.no_labels {
            return self.sets.intern(&mut pairs);
        }
        let plain = space.has_base_labels_only();
        if let Some(known) = self.of_stream.filter(|_| plain) {
            return known;
        }
        if self.groups.is_empty() {
            match plain {
                true => space.for_each_id(|id, value| pairs.push((space.names.text(id), value))),
                false => space.for_each(|name, value| pairs.push((name, value))),
            }
        } else if self.without {
            space.for_each_id(|id, value| {
                if !self.groups.contains(&id) {
                    pairs.push((space.names.text(id), value));
                }
            });
        } else {
            let named = self.groups.iter().filter_map(|id| Some((space.names.text(*id), space.grouped(*id)?)));
            pairs.extend(named);
        }
        let id = self.sets.intern(&mut pairs);
        if plain {
            self.of_stream = Some(id);
        }
        id
    }
}
