//! `firedrill query --logql`: asks the log lines of a replay, or of a file, what a Loki would have answered.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, NaiveTime, Utc};

use super::output;
use super::query::{Args, Format};
use crate::drill::{self, discover};
use crate::labels::Labels;
use crate::logql::answer;
use crate::logql::ast::{Expr, LogQuery, Query};
use crate::logql::eval::Grid;
use crate::logql::log_query::{self, Bounds, Direction};
use crate::logql::parse;
use crate::recording::{LineOptions, Lines, TimePattern, Zone, read_lines};
use crate::replay::Day;
use crate::report::{logs, result};
use crate::store::LogStore;
use crate::text::{Diagnostic, Source};
use crate::time::{MAX_STEPS, Nanoseconds, Timestamp};

/// Entries that are shown unless told otherwise, as in Loki.
const DEFAULT_LIMIT: usize = 100;

type Problems = Vec<Diagnostic>;

/// The lines that are asked, and how people write times of them.
struct Lot {
    logs: Arc<LogStore>,
    start: Nanoseconds,
    /// The first moment that is too late.
    end: Nanoseconds,
    day: Option<Arc<Day>>,
}

/// The answer as text.
pub fn answer(args: &Args) -> Result<String, Problems> {
    let source = Source::new("<expr>", args.expr.clone());
    let query = parse(&args.expr).map_err(|error| {
        let span = error.span;
        vec![error.diagnostic().at(&source, span)]
    })?;
    let lot = match (&args.logs, &args.replay) {
        (Some(path), _) => of_file(path, args)?,
        (None, Some(path)) => of_replay(path, args)?,
        (None, None) => return Err(vec![Diagnostic::error("nothing to ask").help("name --replay, or --logs")]),
    };
    match query {
        Query::Log(query) => entries(&query, &lot, args, &source),
        Query::Metric(expr) => samples(&expr, &lot, args, &source),
    }
}

fn of_replay(path: &Path, args: &Args) -> Result<Lot, Problems> {
    let incident = drill::load(&discover::find_one(path)?, &super::config()?)?;
    output::warn(&incident.warnings);
    let day = incident.replay.variant(args.variant.as_deref())?;
    // Streams without a line on this day are there all the same.
    if day.logs.is_empty() {
        return Err(vec![
            Diagnostic::error("this day has no log lines").help("add `logs` to the replay, or ask a file with --logs"),
        ]);
    }
    let logs = day.log_store().map_err(|error| vec![Diagnostic::error(error.to_string())])?;
    let (start, end) = (nanoseconds(day.start()), Nanoseconds(nanoseconds(day.end()).0.saturating_add(1)));
    Ok(Lot { logs, start, end, day: Some(day) })
}

/// Nanoseconds up to 1971-01-01.
const SECOND_YEAR: i64 = 365 * 86_400 * 1_000_000_000;

fn of_file(path: &Path, args: &Args) -> Result<Lot, Problems> {
    let lines = read(path, args)?;
    if let Some(remark) = lines.remark(&path.display().to_string()) {
        output::note(&remark);
    }
    let name = path.display().to_string();
    let own = Labels::from_pairs([("filename", name.as_str())]);
    let mut logs = LogStore::default();
    let (mut start, mut end) = (Nanoseconds(i64::MAX), Nanoseconds(i64::MIN));
    let mut last: Option<Nanoseconds> = None;
    for entry in lines.entries {
        let mut time = entry.time;
        if entry.stream.is_none() {
            // Loki keeps one of two equal lines of one time; in a file, both were written.
            time = last.map_or(time, |last| time.max(Nanoseconds(last.0.saturating_add(1))));
            last = Some(time);
        }
        (start, end) = (start.min(time), end.max(time));
        let labels = entry.stream.as_ref().filter(|labels| !labels.is_empty()).unwrap_or(&own);
        logs.append(labels, time, entry.line.as_bytes(), entry.metadata)
            .map_err(|error| vec![Diagnostic::error(format!("{name}: {error}"))])?;
    }
    if logs.entries() == 0 {
        return Err(vec![Diagnostic::error(format!("{name} holds no log lines"))]);
    }
    if args.time.is_none() && last.is_some() && start.0 < SECOND_YEAR {
        let message = format!("{name}: the year of its lines was not found out, so they are taken to be of 1970");
        let help = "where they have a date or a zone, say how it is written: --time '%d/%b/%Y:%H:%M:%S %z'";
        output::warn(&[Diagnostic::warning(message).help(help)]);
    }
    Ok(Lot { logs: Arc::new(logs), start, end: Nanoseconds(end.0.saturating_add(1)), day: None })
}

/// Fields that hold the time in most JSON logs.
const TIME_FIELDS: [&str; 6] = ["ts", "time", "timestamp", "@timestamp", "t", "datetime"];

/// The lines of a file. How it writes its times is found out, unless it is told.
fn read(path: &Path, args: &Args) -> Result<Lines, Problems> {
    let epoch = (Timestamp(0), Timestamp(0));
    let pattern = |written: &str| TimePattern::new(written, Zone::UTC, None, epoch);
    let mut options = LineOptions {
        time: None,
        zone: Zone::UTC,
        field: args.field.clone(),
        line: None,
        metadata: Vec::new(),
        at: None,
        matching: None,
        untimed_objects: true,
        max_bytes: super::config()?.max_file_bytes(),
    };
    if let Some(written) = &args.time {
        options.time = Some(pattern(written).map_err(|problem| vec![problem])?);
    }
    let told = options.field.is_some() || options.time.is_some();
    let problem = match read_lines(path, &options) {
        Ok(lines) => return Ok(lines),
        Err(problem) if told => return Err(vec![problem]),
        Err(problem) => problem,
    };
    let Ok(bytes) = std::fs::read(path) else { return Err(vec![problem]) };
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(1 << 16)]);
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let object: Option<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(first).ok();
    if let Some(object) = object {
        options.field = TIME_FIELDS.iter().find(|field| object.contains_key(**field)).map(|field| (*field).to_owned());
    }
    if options.field.is_none() {
        options.time = text.lines().take(50).find_map(TimePattern::propose).and_then(|written| pattern(written).ok());
    }
    if options.field.is_none() && options.time.is_none() {
        return Err(vec![
            problem.help("say how its lines write their time: --time '%Y-%m-%d %H:%M:%S', or --field NAME for JSON"),
        ]);
    }
    read_lines(path, &options).map_err(|problem| vec![problem])
}

fn nanoseconds(time: Timestamp) -> Nanoseconds {
    Nanoseconds(time.0.saturating_mul(1_000_000))
}

impl Lot {
    fn time(&self, written: &Option<String>, other: Nanoseconds) -> Result<Nanoseconds, Problems> {
        let Some(written) = written else { return Ok(other) };
        if let Some(day) = &self.day {
            return day.time_of(written).map(nanoseconds).map_err(|problem| vec![problem]);
        }
        let found = DateTime::parse_from_rfc3339(written).ok().map(|time| time.to_utc());
        let found = found.or_else(|| {
            let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
            formats
                .iter()
                .find_map(|format| NaiveDateTime::parse_from_str(written, format).ok())
                .map(|time| time.and_utc())
        });
        let found = found.or_else(|| {
            let clock =
                ["%H:%M:%S%.f", "%H:%M"].iter().find_map(|format| NaiveTime::parse_from_str(written, format).ok())?;
            let day: DateTime<Utc> = DateTime::from_timestamp_nanos(self.start.0);
            Some(day.date_naive().and_time(clock).and_utc())
        });
        found.and_then(|time| time.timestamp_nanos_opt()).map(Nanoseconds).ok_or_else(|| {
            vec![
                Diagnostic::error(format!("`{written}` is no time"))
                    .help("write 15:32, 2025-11-14 15:32:10 or RFC 3339, in UTC"),
            ]
        })
    }

    fn range(&self, args: &Args) -> Result<(Nanoseconds, Nanoseconds), Problems> {
        let (from, to) = (self.time(&args.from, self.start)?, self.time(&args.to, self.end)?);
        if to < from {
            return Err(vec![Diagnostic::error("the range ends before it begins").help("--from before --to")]);
        }
        Ok((from, to))
    }
}

fn entries(query: &LogQuery, lot: &Lot, args: &Args, source: &Source) -> Result<String, Problems> {
    if args.at.is_some() {
        return Err(vec![
            Diagnostic::error("log lines are asked for in a range, not at one time")
                .at(source, query.span)
                .help("use --from and --to, or count them: count_over_time({...}[5m])"),
        ]);
    }
    let (start, end) = lot.range(args)?;
    let direction = if args.forward { Direction::Forward } else { Direction::Backward };
    let limit = args.limit.map_or(DEFAULT_LIMIT, |limit| limit as usize);
    let found = log_query::run(query, &lot.logs, Bounds { start, end, direction, limit }, end)
        .map_err(|error| vec![Diagnostic::error(error.message.clone()).at(source, error.span)])?;
    Ok(match args.format {
        Format::Table => logs::to_text(&found, direction, limit, output::look()),
        Format::Json => logs::to_json(&found),
        Format::Csv => logs::to_csv(&found, direction),
    })
}

fn samples(expr: &Expr, lot: &Lot, args: &Args, source: &Source) -> Result<String, Problems> {
    let found = if args.from.is_some() || args.to.is_some() || args.step.is_some() {
        let (start, end) = lot.range(args)?;
        let step = match (args.step, &lot.day) {
            (Some(step), _) => Nanoseconds(step.0.saturating_mul(1_000_000)),
            (None, Some(day)) => Nanoseconds(day.interval.0.saturating_mul(1_000_000)),
            (None, None) => Nanoseconds(((end.0.saturating_sub(start.0)) / 1_000_000_000 / 250).max(1) * 1_000_000_000),
        };
        if step <= Nanoseconds::ZERO {
            return Err(vec![Diagnostic::error("a range that never steps").help("a --step above 0s")]);
        }
        let grid = Grid::range(start, end, step);
        if grid.steps > MAX_STEPS {
            let problem =
                Diagnostic::error(format!("{} steps are more than the {MAX_STEPS} that Loki allows", grid.steps));
            return Err(vec![problem.help("a larger --step, or a shorter range")]);
        }
        answer::range(expr, &lot.logs, &grid)
    } else {
        // The last entry still counts.
        let at = lot.time(&args.at, Nanoseconds(lot.end.0.saturating_sub(1)))?;
        answer::instant(expr, &lot.logs, at)
    };
    let found = found.map_err(|error| vec![Diagnostic::error(error.message.clone()).at(source, error.span)])?;
    Ok(match args.format {
        Format::Json => logs::samples_to_json(&found),
        Format::Table => result::to_table(&logs::answer(found)),
        Format::Csv => result::to_csv(&logs::answer(found)),
    })
}
