//! What a replay says of recorded files: series, and lines.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use super::deserialize::{Entries, TEXT_OR_FIELDS, Text};
use super::document::OneOrMany;

/// A file by its path alone, or with what it cannot say itself.
#[derive(Clone, Debug)]
pub enum FileOr<T> {
    File(Text),
    Fields(Box<T>),
}

/// Series in a file: a saved answer of Prometheus' HTTP API (`query_range`, also `query`; the whole of it, its `data`, or what
/// promtool prints with `-o json`), VictoriaMetrics' `/api/v1/export`, OpenMetrics or Prometheus text, or a table (CSV) as
/// Grafana and `firedrill query --format csv` write it. Steps at which a series has no value are its ends.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesFileDoc {
    /// The file, relative to this one.
    pub file: Text,
    /// Which series of the file, as a selector: `up{job="node"}`. They get the name and the labels of `series` on top of their
    /// own. Those that have the name and labels of `series`, unless written.
    #[serde(default, rename = "match")]
    pub matching: Option<Text>,
    /// The column of a table by its heading, where that is no series: `10.0.0.7:8080`. It gets the labels of `series`.
    #[serde(default)]
    pub column: Option<Text>,
    /// Other names for labels, before anything is selected: `{pod: instance}`; a name that is empty takes the label away.
    #[serde(default)]
    pub rename: Entries<Text>,
    /// How much later than in the file all of it is in the replay: `2h`, `-30m`.
    #[serde(default)]
    pub offset: Option<Text>,
    /// When the first sample is, a time or a mark: all of it is moved so.
    #[serde(default)]
    pub first_at: Option<Text>,
    /// When samples were taken that have no time, as in the text of `/metrics`: a time or a mark. They get the labels of `target`,
    /// as a scrape would give them.
    #[serde(default)]
    pub at: Option<Text>,
    /// How a table writes its times, as strftime and chrono have it, where it is none of the usual ways: `%d.%m.%Y %H:%M:%S`.
    #[serde(default)]
    pub time: Option<Text>,
    /// The zone of times in a table that say none: `"+01:00"`; UTC unless written. Grafana writes the times of the browser.
    #[serde(default)]
    pub zone: Option<Text>,
}

/// Log lines in a file: raw text with a time in each line, JSON lines, journald (`-o json`), a saved answer of Loki, or what
/// `logcli --output=jsonl` prints. A line without a time belongs to the line before it, and comes with it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinesFileDoc {
    /// The file, relative to this one.
    pub file: Text,
    /// How the lines write their times, as strftime and chrono have it, anywhere in a line: `[%Y-%m-%d %H:%M:%S%.3f]` (Envoy),
    /// `%b %e %H:%M:%S` (journald), `[%d/%b/%Y:%H:%M:%S %z]` (nginx), `[%s%.f]` (dmesg, with `zero`), `%+` (RFC 3339). A year or a
    /// date that is not in it is the one that is nearest to the replay. journald's JSON and answers of Loki need none.
    #[serde(default)]
    pub time: Option<Text>,
    /// The zone of times that say none: `"+01:00"`; UTC unless written.
    #[serde(default)]
    pub zone: Option<Text>,
    /// The lines are JSON objects, and this field holds the time: RFC 3339, a number since 1970, or as `time` says.
    #[serde(default)]
    pub field: Option<Text>,
    /// The lines are JSON objects, and this field holds what was written; the whole object unless given.
    #[serde(default)]
    pub line: Option<Text>,
    /// The lines are JSON objects, and these fields are kept as structured metadata: `[trace_id, _PID]`.
    #[serde(default)]
    pub metadata: Option<OneOrMany>,
    /// Lines that have no time, as dropwatch prints them: all are of this moment, a time or a mark.
    #[serde(default)]
    pub at: Option<Text>,
    /// Only lines that this regular expression (RE2) finds something in.
    #[serde(default, rename = "match")]
    pub matching: Option<Text>,
    /// When the clock was zero from which `%s` counts, a time or a mark: when the machine started, for dmesg. 1970 unless written.
    #[serde(default)]
    pub zero: Option<Text>,
    /// How much later than in the file all of it is in the replay: `2h`, `-30m`.
    #[serde(default)]
    pub offset: Option<Text>,
    /// When the first of the lines is, a time or a mark: all of them are moved so.
    #[serde(default)]
    pub first_at: Option<Text>,
}

impl FileOr<SeriesFileDoc> {
    pub fn fields(&self) -> Cow<'_, SeriesFileDoc> {
        match self {
            FileOr::Fields(fields) => Cow::Borrowed(fields),
            FileOr::File(file) => Cow::Owned(SeriesFileDoc {
                file: file.clone(),
                matching: None,
                column: None,
                rename: Entries::default(),
                offset: None,
                first_at: None,
                at: None,
                time: None,
                zone: None,
            }),
        }
    }
}

impl FileOr<LinesFileDoc> {
    pub fn fields(&self) -> Cow<'_, LinesFileDoc> {
        match self {
            FileOr::Fields(fields) => Cow::Borrowed(fields),
            FileOr::File(file) => Cow::Owned(LinesFileDoc {
                file: file.clone(),
                time: None,
                zone: None,
                field: None,
                line: None,
                metadata: None,
                at: None,
                matching: None,
                zero: None,
                offset: None,
                first_at: None,
            }),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for FileOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FileOr<T>, D::Error> {
        struct FileVisitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for FileVisitor<T> {
            type Value = FileOr<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the path of a file, or a mapping with `file`")
            }
            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<FileOr<T>, D::Error> {
                Text::deserialize(deserializer).map(FileOr::File)
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<FileOr<T>, D::Error> {
                T::deserialize(deserializer).map(|fields| FileOr::Fields(Box::new(fields)))
            }
        }
        deserializer.deserialize_newtype_struct(TEXT_OR_FIELDS, FileVisitor(std::marker::PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for FileOr<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("FileOr{}", T::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let fields = generator.subschema_for::<T>();
        json_schema!({"anyOf": [{"type": "string", "description": "The file, relative to this one."}, fields]})
    }
}
