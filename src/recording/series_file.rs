//! Files of series: which format a file has, and what of it is taken.

use std::path::Path;

use super::csv::TableTimes;
use super::pattern::{TimePattern, Zone};
use super::series::Recording;
use super::{answer, csv, exposition, file};
use crate::text::yaml::MAX_FILE_BYTES;
use crate::text::{Diagnostic, Source};
use crate::time::Timestamp;

/// What a file cannot say by itself.
#[derive(Clone, Debug)]
pub struct SeriesOptions {
    /// The zone of times in a table that say none.
    pub zone: Zone,
    /// How a table writes its times, where it is none of the usual ways.
    pub time: Option<TimePattern>,
    /// The moment of samples that have no time.
    pub at: Option<Timestamp>,
    /// A larger file is refused.
    pub max_bytes: u64,
}

impl Default for SeriesOptions {
    fn default() -> SeriesOptions {
        SeriesOptions { zone: Zone::UTC, time: None, at: None, max_bytes: MAX_FILE_BYTES }
    }
}

/// Reads a saved answer of Prometheus, OpenMetrics or Prometheus text, VictoriaMetrics' export, or a table.
///
/// # Errors
/// Files that cannot be read or are of no such format, with the place of what is wrong; files without a sample.
pub fn read_series(path: &Path, options: &SeriesOptions) -> Result<Recording, Diagnostic> {
    read_source(&file::read_text(path, false, options.max_bytes)?, options)
}

pub(super) fn read_source(source: &Source, options: &SeriesOptions) -> Result<Recording, Diagnostic> {
    let recording = match Format::of(source) {
        Format::Answer => answer::read(source),
        Format::Exposition => exposition::read(source, options.at),
        Format::Table => csv::read(source, TableTimes { zone: options.zone, pattern: options.time.as_ref() }),
    }?;
    if recording.extent().is_none() {
        recording.whole()?;
        return Err(Diagnostic::error(format!("{} holds no samples", source.name()))
            .help("the query found nothing at that time: compare its labels and its times"));
    }
    Ok(recording)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Answer,
    Exposition,
    Table,
}

impl Format {
    /// By how the file begins; its name decides only between a table and samples as text.
    fn of(source: &Source) -> Format {
        let (text, _) = file::body(source);
        let text = text.trim_start();
        if text.starts_with(['{', '[']) && !text.lines().next().is_some_and(exposition::is_sample) {
            return Format::Answer;
        }
        let ending = Path::new(source.name()).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let comments = text.starts_with("# ") || text.starts_with("#\n");
        match ending.to_ascii_lowercase().as_str() {
            "csv" | "tsv" => Format::Table,
            "om" | "prom" | "openmetrics" => Format::Exposition,
            _ if comments || text.lines().next().is_some_and(exposition::is_sample) => Format::Exposition,
            _ => Format::Table,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_shows_its_format() {
        for (name, text, format) in [
            ("a.json", "{\"status\":\"success\"}", Format::Answer),
            ("a", " \n[]", Format::Answer),
            ("a.txt", "# TYPE up gauge\nup 1 1\n# EOF\n", Format::Exposition),
            ("a.txt", "up{job=\"a\"} 1\n", Format::Exposition),
            ("a", "{\"a.b\",c=\"d\"} 1 2\n", Format::Exposition),
            ("a.om", "nonsense", Format::Exposition),
            ("a.csv", "up 1\n", Format::Table),
            ("a", "Time,up\n1,1\n", Format::Table),
        ] {
            assert_eq!(Format::of(&Source::new(name, text)), format, "{name}: {text}");
        }
    }

    #[test]
    fn a_file_without_samples_is_refused() {
        let text = "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}";
        let problem = read_source(&Source::new("a.json", text), &SeriesOptions::default()).unwrap_err();
        assert_eq!(problem.to_string(), "a.json holds no samples");
    }
}
