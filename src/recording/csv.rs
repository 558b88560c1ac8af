//! Series as a table: a column of times and one column a series, or one row a sample.

use std::collections::HashMap;

use csv::{ReaderBuilder, StringRecord};

use super::file::body;
use super::pattern::{TimePattern, Zone};
use super::series::{Collected, Recording, Times};
use super::times;
use crate::labels::{Labels, METRIC_NAME};
use crate::number::parse_go_float;
use crate::promql::parse_series;
use crate::text::{Diagnostic, Source, Span};
use crate::time::Timestamp;

/// How a table writes its times.
#[derive(Clone, Copy, Debug)]
pub struct TableTimes<'a> {
    pub zone: Zone,
    /// `None` for what [`times::time`] reads.
    pub pattern: Option<&'a TimePattern>,
}

/// What the columns hold.
enum Columns {
    /// One series a column: its number among the collected ones.
    Wide(Vec<(usize, usize)>),
    /// One sample a row.
    Long { value: usize, series: Option<usize>, labels: Vec<usize> },
}

/// Reads a table with a heading. A cell that is no number is a problem of its series.
///
/// # Errors
/// Tables without a column of times, and cells that are no time, with their places.
pub fn read(source: &Source, times: TableTimes<'_>) -> Result<Recording, Diagnostic> {
    let table = Table::new(source);
    let mut reader = ReaderBuilder::new()
        .delimiter(table.delimiter)
        .flexible(true)
        .has_headers(false)
        .from_reader(source.text().as_bytes()[table.from..].as_ref());
    let mut row = StringRecord::new();
    let mut collected = Collected::new(source);
    let more = reader.read_record(&mut row).map_err(|error| table.broken(&error))?;
    let heading = row.clone();
    let time = heading.iter().position(is_time).or_else(|| (heading.len() > 1).then_some(0));
    let (Some(time), true) = (time, more) else {
        return Err(Diagnostic::error("a table without columns").at(source, table.cell(&heading, 0)).help(SHAPES));
    };
    let columns = columns(&heading, time, &table, &mut collected);
    let mut known: HashMap<Vec<String>, usize> = HashMap::new();
    let mut rows = 0;
    while reader.read_record(&mut row).map_err(|error| table.broken(&error))? {
        if row.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        rows += 1;
        if row.len() > heading.len() {
            let message = format!("{} cells under {} headings", row.len(), heading.len());
            return Err(Diagnostic::error(message).at(source, table.cell(&row, heading.len())).help(
                "a cell that holds a comma stands in quotes; a number has a point before its decimals (`1.5`), and no \
                     thousands separators",
            ));
        }
        let written = row.get(time).unwrap_or_default();
        let place = table.cell(&row, time);
        let at = times.read(written).ok_or_else(|| times.unreadable(written).at(source, place))?;
        let add = |series: usize, value: Result<Option<f64>, Diagnostic>, collected: &mut Collected| match value {
            Ok(Some(value)) => collected.sample_at(series, at, value, place.start),
            Ok(None) => {}
            Err(problem) => collected.problem(series, problem),
        };
        match &columns {
            Columns::Wide(series) => {
                for (column, series) in series {
                    add(*series, table.number(&row, *column), &mut collected);
                }
            }
            Columns::Long { value, series, labels } => {
                let value = table.number(&row, *value);
                if let Ok(None) = value {
                    continue;
                }
                let cells = series.iter().chain(labels);
                let key: Vec<String> = cells.map(|column| row.get(*column).unwrap_or_default().to_owned()).collect();
                let index = match known.get(&key) {
                    Some(index) => *index,
                    None => {
                        let place = table.cell(&row, series.unwrap_or(time));
                        let index = long_series(&heading, &row, *series, labels, place, &mut collected);
                        known.insert(key, index);
                        index
                    }
                };
                add(index, value, &mut collected);
            }
        }
    }
    if rows == 0 {
        return Err(Diagnostic::error("a table with a heading and nothing below it")
            .at(source, table.cell(&heading, 0))
            .help(SHAPES));
    }
    Ok(collected.finish(Times::Steps))
}

const SHAPES: &str =
    "the first row names the columns: a time and one column a series (`Time,up{job=\"a\"}`), or time, series and value";

/// A number that is written for people, with its unit or with separators.
const FORMATTED: &str = "in Grafana, turn off `Formatted data` before `Download CSV`";
/// A number that may have a comma before its decimals, or before its thousands.
const COMMA: &str = "a number has a point before its decimals (`1.5`), and no thousands separators: export with such numbers, or \
                     replace the commas";

fn is_time(heading: &str) -> bool {
    const NAMES: [&str; 7] = ["time", "timestamp", "date", "datetime", "_time", "ts", "time (utc)"];
    NAMES.contains(&heading.trim().to_ascii_lowercase().as_str())
}

/// `Value`, or `Value #A` as Grafana heads the value of the query A.
fn is_value(heading: &str) -> bool {
    let heading = heading.trim().to_ascii_lowercase();
    heading == "value" || heading.starts_with("value #")
}

fn columns(heading: &StringRecord, time: usize, table: &Table<'_>, collected: &mut Collected) -> Columns {
    let others: Vec<usize> = (0..heading.len()).filter(|column| *column != time).collect();
    let named = |column: usize| heading.get(column).unwrap_or_default().trim();
    let value: Vec<usize> = others.iter().copied().filter(|column| is_value(named(*column))).collect();
    if let ([value], true) = (&value[..], others.len() > 1) {
        let is_series = |column: &usize| {
            matches!(named(*column).to_ascii_lowercase().as_str(), "series" | "metric" | "labels" | "field")
        };
        let series = others.iter().copied().find(is_series);
        let labels = others.iter().copied().filter(|column| column != value && Some(*column) != series).collect();
        return Columns::Long { value: *value, series, labels };
    }
    let wide = others.into_iter().filter(|column| !named(*column).is_empty());
    let wide = wide.map(|column| {
        let heading = named(column);
        let labels = parse_series(heading).unwrap_or_default();
        (column, collected.series(labels, Some(heading.to_owned()), table.cell_of_heading(column)))
    });
    Columns::Wide(wide.collect())
}

/// The series of a row: what its column of series says, and each other column as a label.
fn long_series(
    heading: &StringRecord,
    row: &StringRecord,
    series: Option<usize>,
    labels: &[usize],
    place: Span,
    collected: &mut Collected,
) -> usize {
    let cell = |column: usize| row.get(column).unwrap_or_default().trim();
    let written = series.map(cell);
    let mut found = written.and_then(|written| parse_series(written).ok()).unwrap_or_default().builder();
    for column in labels {
        let name = heading.get(*column).unwrap_or_default().trim();
        if name == "labels" || name.is_empty() {
            continue;
        }
        found.set(if name == "name" { METRIC_NAME } else { name }, cell(*column));
    }
    let labels: Labels = found.build();
    collected.series(labels, written.map(str::to_owned), place)
}

impl TableTimes<'_> {
    fn read(&self, text: &str) -> Option<Timestamp> {
        let time = match self.pattern {
            Some(pattern) => pattern.find(text, None),
            None => times::time(text, self.zone),
        };
        time.map(times::millisecond)
    }

    fn unreadable(&self, text: &str) -> Diagnostic {
        let problem = Diagnostic::error(format!("`{text}` is no time"));
        match (self.pattern, TimePattern::propose(text)) {
            (Some(pattern), _) => problem.help(format!("`time` says that times look like `{}`", pattern.written())),
            (None, Some(pattern)) => problem.help(format!("say how times are written: `time: \"{pattern}\"`")),
            (None, None) => problem.help("say how times are written: `time: \"%d.%m.%Y %H:%M:%S\"`"),
        }
    }
}

/// The text of a table, for places in it.
struct Table<'a> {
    source: &'a Source,
    /// Where its heading begins.
    from: usize,
    delimiter: u8,
}

impl<'a> Table<'a> {
    fn new(source: &'a Source) -> Table<'a> {
        let (text, mut from) = body(source);
        // What Excel is told in front of the table.
        let first = text.lines().next().unwrap_or_default();
        let mut told = None;
        if let Some(delimiter) = first.strip_prefix("sep=") {
            told = delimiter.bytes().next();
            from += text.find('\n').map_or(text.len(), |end| end + 1);
        }
        let heading = source.text()[from..].lines().next().unwrap_or_default();
        let delimiter = told.unwrap_or_else(|| delimiter(heading));
        Table { source, from, delimiter }
    }

    /// Where a cell of a row stands.
    fn cell(&self, row: &StringRecord, column: usize) -> Span {
        // The reader began behind the mark and the note for Excel; a row begins behind the rest of the line break before it,
        // and behind lines without anything.
        let start = row.position().map_or(0, |position| position.byte() as usize) + self.from;
        let breaks = self.source.text().as_bytes().iter().skip(start).take_while(|byte| matches!(byte, b'\r' | b'\n'));
        self.nth_cell(start + breaks.count(), column)
    }

    fn cell_of_heading(&self, column: usize) -> Span {
        self.nth_cell(self.from, column)
    }

    fn nth_cell(&self, start: usize, column: usize) -> Span {
        let bytes = self.source.text().as_bytes();
        let (mut quoted, mut left) = (false, column);
        let mut from = start;
        for (at, byte) in bytes.iter().enumerate().skip(start) {
            match byte {
                b'"' => quoted = !quoted,
                _ if quoted => {}
                b'\n' | b'\r' => return Span::new(from.min(at), at),
                byte if *byte == self.delimiter && left == 0 => return Span::new(from, at),
                byte if *byte == self.delimiter => {
                    left -= 1;
                    from = at + 1;
                }
                _ => {}
            }
        }
        Span::new(from.min(bytes.len()), bytes.len())
    }

    /// The number of a cell; `None` where it is empty.
    fn number(&self, row: &StringRecord, column: usize) -> Result<Option<f64>, Diagnostic> {
        let cell = row.get(column).unwrap_or_default().trim();
        if cell.is_empty() || matches!(cell, "null" | "undefined" | "-") {
            return Ok(None);
        }
        parse_go_float(cell).map(Some).ok_or_else(|| {
            let with_points = cell.contains(',') && parse_go_float(&cell.replace(',', ".")).is_some();
            let help = if with_points { COMMA } else { FORMATTED };
            Diagnostic::error(format!("`{cell}` is no number")).at(self.source, self.cell(row, column)).help(help)
        })
    }

    fn broken(&self, error: &csv::Error) -> Diagnostic {
        let at = self.from + error.position().map_or(0, |position| position.byte() as usize);
        Diagnostic::error(format!("not a table: {error}")).at(self.source, Span::new(at, at)).help(SHAPES)
    }
}

/// The one of `,`, `;` and the tab that stands most often outside of quotes and braces; a comma where there is none.
fn delimiter(heading: &str) -> u8 {
    let (mut quoted, mut counts) = (false, [(b',', 0), (b';', 0), (b'\t', 0)]);
    for byte in heading.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            _ if quoted => {}
            byte => counts.iter_mut().filter(|(delimiter, _)| *delimiter == byte).for_each(|(_, count)| *count += 1),
        }
    }
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UTC: TableTimes<'static> = TableTimes { zone: Zone::UTC, pattern: None };

    /// The heading and the labels of each series, and its samples with their seconds in the hour.
    type Row = (String, String, Vec<(i64, f64)>);

    fn read_text(text: &str) -> Result<Vec<Row>, String> {
        let found = read(&Source::new("d.csv", text), UTC).and_then(Recording::whole);
        let found = found.map_err(|problem| problem.to_string())?;
        let samples = |series: &super::super::RecordedSeries| {
            series.samples.iter().map(|(time, value)| (time.0 / 1000 % 3600, *value)).collect::<Vec<_>>()
        };
        let all = found.series.iter();
        Ok(all
            .map(|series| (series.heading.clone().unwrap_or_default(), series.labels.as_metric(), samples(series)))
            .collect())
    }

    fn row(heading: &str, labels: &str, samples: &[(i64, f64)]) -> Row {
        (heading.to_owned(), labels.to_owned(), samples.to_vec())
    }

    #[test]
    fn a_column_a_series_as_grafana_joins_them_by_time() {
        let expected = [
            row("up{instance=\"a:1\", job=\"x\"}", "up{instance=\"a:1\", job=\"x\"}", &[(0, 1.0), (60, 0.0)]),
            row("10.0.0.7:8080", "{}", &[(0, 2.5)]),
        ];
        let body = "\"Time\",\"up{instance=\"\"a:1\"\", job=\"\"x\"\"}\",10.0.0.7:8080\n\
                    2025-11-14 15:00:00,1,2.5\n2025-11-14 15:01:00,0,\n";
        assert_eq!(read_text(body).unwrap(), expected);
        // As for Excel, with a mark in front, and with milliseconds as times.
        let excel = format!("\u{feff}sep=,\r\n{}", body.replace('\n', "\r\n"));
        assert_eq!(read_text(&excel).unwrap(), expected);
        let raw = body.replace("2025-11-14 15:00:00", "1763132400000").replace("2025-11-14 15:01:00", "1763132460000");
        assert_eq!(read_text(&raw).unwrap(), expected);
    }

    #[test]
    fn semicolons_as_older_grafanas_write_them() {
        assert_eq!(
            read_text("Time;valA;valB\n2015-06-11T11:00:00.000Z;1.1;2.0\n2015-06-11T11:01:00.000Z;null;2.3\n").unwrap(),
            [row("valA", "valA", &[(0, 1.1)]), row("valB", "valB", &[(0, 2.0), (60, 2.3)])]
        );
        assert_eq!(
            read_text("\"Series\";\"Time\";\"Value\"\n\"a b\";\"2018-12-12T12:00:00+11:00\";5\n\"up{x=\"\"1\"\"}\";\"2018-12-12T12:01:00+11:00\";6\n")
                .unwrap(),
            [row("a b", "{}", &[(0, 5.0)]), row("up{x=\"1\"}", "up{x=\"1\"}", &[(60, 6.0)])]
        );
    }

    #[test]
    fn a_row_a_sample_with_labels_in_columns() {
        assert_eq!(
            read_text("Time,__name__,job,Value #A\n2025-11-14 15:00:00,up,a,1\n2025-11-14 15:00:00,up,b,0\n2025-11-14 15:01:00,up,a,1\n").unwrap(),
            [row("", "up{job=\"a\"}", &[(0, 1.0), (60, 1.0)]), row("", "up{job=\"b\"}", &[(0, 0.0)])]
        );
        assert_eq!(
            read_text("time,labels,value\n2025-11-14 15:00:00,\"{job=\"\"a\"\"}\",1\n").unwrap(),
            [row("{job=\"a\"}", "{job=\"a\"}", &[(0, 1.0)])]
        );
        assert_eq!(read_text("time,value\n1763132400,1\n").unwrap(), [row("value", "value", &[(0, 1.0)])]);
    }

    #[test]
    fn what_is_no_table_has_its_place() {
        for (text, says) in [
            ("Time,x\n2025-11-14 15:00:00,1.5 MB\n", "d.csv:2:21: `1.5 MB` is no number"),
            ("Time,x\n2025-11-14 15:00:00,1\nyesterday,2\n", "d.csv:3:1: `yesterday` is no time"),
            ("Series;Time;Value\na;2018-12-12T12:00:00Z;1,721,992\n", "d.csv:2:24: `1,721,992` is no number"),
            ("Time,x\n2025-11-14 15:00:00,1,721\n", "d.csv:2:23: 3 cells under 2 headings"),
            ("Time,x\n", "nothing below it"),
            ("text\n", "a table without columns"),
            ("Time,x\n1763132400,1\n1763132400,2\n", "d.csv:3:1: two values of x"),
            ("a,Time,x\n1,1763132460,1\n2,1763132460,1\n", "d.csv:3:3: two values of a"),
            ("sep=;\nTime;\"a;b\";x\n1763132400;1;?\n", "d.csv:3:14: `?` is no number"),
        ] {
            for text in [text.to_owned(), text.replace('\n', "\r\n")] {
                let problem = read_text(&text).unwrap_err();
                assert!(problem.contains(says), "{text:?}: {problem}");
            }
        }
    }

    #[test]
    fn a_cell_that_is_no_number_is_a_problem_of_its_series_alone() {
        let text = "Time;a;b\n2025-11-14 15:00:00;1.5;2,5\n2025-11-14 15:01:00;2;3\n";
        let found = read(&Source::new("d.csv", text), UTC).unwrap();
        assert_eq!(found.series[0].samples.len(), 2);
        assert!(found.series[0].problem.is_none());
        let problem = found.series[1].problem.as_ref().unwrap();
        assert_eq!(problem.to_string(), "d.csv:2:25: `2,5` is no number");
        assert!(problem.help.as_ref().unwrap().contains("a point before its decimals"), "{problem:?}");
    }
}
