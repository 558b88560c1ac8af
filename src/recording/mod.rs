//! What was recorded: series and log lines, from files as other programs write them.
//!
//! A file says by itself what it is where it can (an answer of an HTTP API, OpenMetrics); what it cannot say (the zone of
//! its times, how they are written) is asked for. Everything that is wrong with a file has its place in the file.

mod answer;
mod csv;
mod exposition;
mod file;
mod line_file;
mod pattern;
mod saved_streams;
mod series;
mod series_file;
mod times;

pub use line_file::{Entry, LineOptions, Lines, read_lines};
pub use pattern::{TimePattern, Zone};
pub use series::{RecordedSeries, Recording, rename};
pub use series_file::{SeriesOptions, read_series};
