//! What a replay produced: samples with the moments at which they can be seen.

mod metrics;

pub use metrics::{AppendError, MetricStore, Moment, Series, SeriesId, StoreId};
