//! The series of a test group, as promtool loads them: one line each, `SERIES VALUES`, in a block of lines that the first
//! empty line ends (Prometheus `promql/promqltest/test.go`, `parseLoad`).

use std::collections::HashMap;

use super::{InputSeries, TestFile, TestGroup};
use crate::labels::Labels;
use crate::promql::series_values::{SampleRun, parse_series_line};
use crate::store::{AppendError, MetricStore, Moment, SeriesId};
use crate::syntax::ParseError;
use crate::text::yaml::Node;
use crate::text::{Diagnostic, Located, Source, Span};
use crate::time::{Duration, Timestamp};

/// What was loaded.
#[derive(Debug, Default)]
pub struct Input {
    pub store: MetricStore,
    /// The time of the last value that is written for each series, a gap included.
    pub ends: HashMap<SeriesId, Timestamp>,
    /// What promtool drops without a word.
    pub warnings: Vec<Diagnostic>,
}

/// Loads the samples of a group of a file that promtool loads for it: those up to its last tick, at most `max_samples`.
///
/// # Errors
/// As `load`.
pub fn load_series(file: &TestFile, group: &TestGroup, max_samples: u64) -> Result<Input, Vec<Diagnostic>> {
    load(&file.source, group, file.tick(group, group.longest()), max_samples)
}

/// Loads the samples of a group of a file up to a time, at most `max_samples`.
///
/// # Errors
/// Series and values that cannot be read, with their places; too many samples.
pub fn load(source: &Source, group: &TestGroup, until: Timestamp, max_samples: u64) -> Result<Input, Vec<Diagnostic>> {
    let mut input = Input::default();
    let mut problems = Vec::new();
    let mut room = max_samples;
    let mut first_of = HashMap::new();
    let mut text = String::new();
    'block: for (index, series) in group.input_series.iter().enumerate() {
        // promtool composes text and reads it line by line; a line break in the values begins another series.
        text.clear();
        text.extend([written(&series.series), " ", written(&series.values)]);
        let mut start = 0;
        for line in text.split('\n') {
            let trimmed = line.trim();
            let offset = start + (line.len() - line.trim_start().len());
            start += line.len() + 1;
            if trimmed.is_empty() || trimmed.starts_with('#') {
                let rest = text.get(start..).unwrap_or_default();
                if index + 1 < group.input_series.len() || !rest.trim().is_empty() {
                    input.warnings.push(dropped(source, &group.input_series, index));
                }
                break 'block;
            }
            let (labels, runs) = match parse_series_line(trimmed) {
                Ok(parsed) => parsed,
                Err(error) => {
                    problems.push(unreadable(source, series, error.shifted(offset)));
                    continue;
                }
            };
            let id = input.store.id_or_create(&labels);
            let values = runs.iter().fold(0, |sum: u64, run| sum.saturating_add(run.count()));
            let spaces = i64::try_from(values.saturating_sub(1)).unwrap_or(i64::MAX);
            let end = Timestamp(group.start.0.saturating_add(group.interval.0.saturating_mul(spaces)));
            input.ends.insert(id, end);
            if let Some(first) = first_of.insert(id, &series.series) {
                input.warnings.push(overwritten(source, first, &series.series, &labels));
                input.store.withdraw(id);
            }
            let filled = match fill(&mut input.store, id, &runs, group, until, &mut room) {
                Ok(filled) => filled,
                Err((run, error)) => {
                    let help = "write a histogram that a server would store";
                    let error = ParseError::new(run, error).hint(help).shifted(offset);
                    problems.push(unreadable(source, series, error));
                    continue;
                }
            };
            if !filled {
                let problem = Diagnostic::error(format!("the input series have more than {max_samples} samples"));
                let help = "write fewer, or allow more with --max-samples or `limits` in firedrill.yaml";
                return Err(vec![located(source, &series.values).diagnose_all(problem.help(help))]);
            }
        }
    }
    if problems.is_empty() { Ok(input) } else { Err(problems) }
}

fn written(text: &Node) -> &str {
    text.text().unwrap_or_default()
}

fn located(source: &Source, text: &Node) -> Located {
    text.located(source).unwrap_or_else(|| Located::new("", source, text.span, Vec::new()))
}

/// An error in the text of a series, a blank and its values, at its place in the file.
fn unreadable(source: &Source, series: &InputSeries, error: ParseError) -> Diagnostic {
    let (span, problem) = (error.span, error.diagnostic());
    let values_start = written(&series.series).len() + 1;
    if span.start < values_start {
        return located(source, &series.series).diagnose(span, problem);
    }
    let part = Span::new(span.start - values_start, span.end.saturating_sub(values_start));
    located(source, &series.values).diagnose(part, problem)
}

/// An empty line or a comment, which ends the block.
fn dropped(source: &Source, all: &[InputSeries], index: usize) -> Diagnostic {
    let later = all.len() - index - 1;
    let what = match later {
        0 => "what follows in these values is dropped".to_owned(),
        1 => "what follows in these values and 1 later series are dropped".to_owned(),
        later => format!("what follows in these values and {later} later series are dropped"),
    };
    let place = if written(&all[index].values).is_empty() { &all[index].series } else { &all[index].values };
    located(source, place).diagnose_all(
        Diagnostic::warning(format!("an empty line or a comment ends all input series: {what}"))
            .help("write all values of a series in one line, or in a folded block (`>-`) without empty lines"),
    )
}

fn overwritten(source: &Source, first: &Node, again: &Node, labels: &Labels) -> Diagnostic {
    let line = source.place(first.span.start).line;
    located(source, again).diagnose_all(
        Diagnostic::warning(format!("the series {} is given twice: only the last one counts", labels.as_metric()))
            .help(format!("the first is in line {line}; remove one, or tell them apart by a label")),
    )
}

/// Appends the values of a series up to a time. `false` where there is no room for them.
///
/// Errors: what is refused, and why.
fn fill(
    store: &mut MetricStore,
    id: SeriesId,
    runs: &[SampleRun],
    group: &TestGroup,
    until: Timestamp,
    room: &mut u64,
) -> Result<bool, (Span, String)> {
    let mut time = group.start;
    for run in runs {
        if time > until {
            break;
        }
        let run = match run {
            SampleRun::Floats(run) => run,
            SampleRun::Histograms(run) if group.multiplied => {
                return Err((run.span, "vmalert-tool knows no native histograms".to_owned()));
            }
            SampleRun::Histograms(run) => {
                for histogram in run.histograms() {
                    if time > until {
                        break;
                    }
                    let Some(left) = room.checked_sub(1) else { return Ok(false) };
                    *room = left;
                    let appended = store.append_histogram(id, time, &histogram, Moment::arrival(time));
                    appended.map_err(|error: AppendError| (run.span, error.to_string()))?;
                    time = time + group.interval;
                }
                continue;
            }
        };
        if run.first.is_none() {
            let passed = i64::try_from(run.count).map_or(i64::MAX, |count| group.interval.0.saturating_mul(count));
            time = time + Duration(passed);
            continue;
        }
        for (nth, value) in run.values().enumerate() {
            let value = match (group.multiplied, value) {
                (true, Some(_)) => run.first.map(|first| first + run.step * nth as f64),
                (_, value) => value,
            };
            if time > until {
                break;
            }
            let Some(left) = room.checked_sub(1) else { return Ok(false) };
            *room = left;
            if let Some(value) = value {
                // Times only grow, so that nothing is refused.
                let _ = store.append(id, time, value, Moment::arrival(time));
            }
            time = time + group.interval;
        }
    }
    Ok(true)
}
