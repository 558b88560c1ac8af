//! `label_format`: labels renamed, and labels written by templates (Loki `log/fmt.go`, `LabelsFormatter`).

use super::StageProblem;
use super::label_sets::labels_of;
use super::labels::{ERROR, LabelSpace};
use super::line_format::{self, Template};
use super::names::{NameId, Names};
use crate::labels::Labels;
use crate::logql::ast::{LabelFormat, LabelFormatValue};
use crate::time::Nanoseconds;

#[derive(Clone)]
enum Format {
    Rename { from: NameId, to: NameId, from_name: String },
    Template(NameId, Template),
}

#[derive(Clone)]
pub(super) struct LabelFormatter {
    formats: Vec<Format>,
    buffer: Vec<u8>,
}

impl LabelFormatter {
    pub fn new(written: &[LabelFormat], now: Nanoseconds, names: &mut Names) -> Result<LabelFormatter, StageProblem> {
        let mut formats = Vec::new();
        for (at, format) in written.iter().enumerate() {
            let name = &format.name;
            if name == ERROR {
                return Err(StageProblem(format!("{name} cannot be formatted; drop it, or filter by it")));
            }
            if written[..at].iter().any(|earlier| earlier.name == *name) {
                return Err(StageProblem(format!(
                    "multiple label name '{name}' not allowed in a single format operation; write a second label_format"
                )));
            }
            let to = names.intern(name.as_bytes());
            formats.push(match &format.value {
                LabelFormatValue::Rename(from) => {
                    Format::Rename { from: names.intern(from.as_bytes()), to, from_name: from.clone() }
                }
                LabelFormatValue::Template(text) => {
                    let template = Template::new("label", text, now, names)
                        .map_err(|why| StageProblem(format!("invalid template for label '{name}': {why}")))?;
                    Format::Template(to, template)
                }
            });
        }
        Ok(LabelFormatter { formats, buffer: Vec::new() })
    }

    pub fn required(&self, names: &mut Vec<String>) {
        for format in &self.formats {
            match format {
                Format::Rename { from_name, .. } => names.push(from_name.clone()),
                Format::Template(_, template) => names.extend(template.fields()),
            }
        }
    }

    /// All templates see the labels as they are before the first of them.
    pub fn process(&mut self, time: Nanoseconds, line: &[u8], space: &mut LabelSpace) {
        let single = self.formats.iter().filter(|format| matches!(format, Format::Template(..))).count() == 1;
        let mut seen: Option<Labels> = None;
        for format in &self.formats {
            match format {
                Format::Rename { from, to, .. } => {
                    if space.get(*from).is_some() {
                        space.copy(*from, *to);
                        space.remove(*from);
                    }
                }
                Format::Template(to, template) if single && template.is_plain() => {
                    self.buffer.clear();
                    template.write_plain(space, &mut self.buffer);
                    space.set_parsed(*to, &self.buffer);
                }
                Format::Template(to, template) => {
                    // Without any label there is nothing to keep, so that the next template looks again.
                    let labels = seen.take().filter(|labels| !labels.is_empty()).unwrap_or_else(|| labels_of(space));
                    match template.expand(&labels, time, line) {
                        Ok(text) => space.set_parsed(*to, &text),
                        Err(why) => space.set_error(line_format::ERROR, Some(&why)),
                    }
                    seen = Some(labels);
                }
            }
        }
    }
}
