//! What a replay produced: samples with the moments at which they can be seen, and log entries.

mod histogram_chunk;
mod histograms;
mod logs;
mod metrics;
mod shape;

pub use histograms::Histograms;
pub use logs::{LineTooLong, LogEntry, LogStore, LogStream};
pub use metrics::{AppendError, MetricStore, Moment, Series, SeriesId, StoreId};
pub use shape::Shape;
