//! `line_format`: another line, written by a template (Loki `log/fmt.go`, `LineFormatter`).

use super::label_sets::labels_of;
use super::labels::LabelSpace;
use super::names::{NameId, Names};
use super::{StageProblem, Verdict};
use crate::template::{Entry, EntryTemplate, PlainPart};
use crate::time::Nanoseconds;

/// What is said of an entry for which a template fails.
pub(super) const ERROR: &str = "TemplateFormatErr";

/// A template, compiled for labels by number.
#[derive(Clone)]
pub(super) struct Template {
    template: EntryTemplate,
    /// Its parts, where they are texts and labels alone.
    plain: Option<Vec<Plain>>,
    now: Nanoseconds,
}

#[derive(Clone)]
enum Plain {
    Text(Box<[u8]>),
    Label(NameId),
}

impl Template {
    pub fn new(name: &'static str, text: &str, now: Nanoseconds, names: &mut Names) -> Result<Template, String> {
        let template = EntryTemplate::parse(name, text)?;
        let plain = template.plain_parts().map(|parts| {
            let parts = parts.into_iter().map(|part| match part {
                PlainPart::Text(text) => Plain::Text(text.into_bytes().into()),
                PlainPart::Label(label) => Plain::Label(names.intern(label.as_bytes())),
            });
            parts.collect()
        });
        Ok(Template { template, plain, now })
    }

    pub fn fields(&self) -> Vec<String> {
        self.template.fields()
    }

    /// Whether the output can be written without the labels as a whole.
    pub fn is_plain(&self) -> bool {
        self.plain.is_some()
    }

    /// Appends the output for the labels as they are, where that can be told part by part.
    pub fn write_plain(&self, space: &LabelSpace, out: &mut Vec<u8>) {
        for part in self.plain.iter().flatten() {
            match part {
                Plain::Text(text) => out.extend_from_slice(text),
                Plain::Label(name) => out.extend_from_slice(template_value(space, *name)),
            }
        }
    }

    /// The output for labels that were taken down.
    pub fn expand(&self, labels: &crate::labels::Labels, time: Nanoseconds, line: &[u8]) -> Result<Vec<u8>, String> {
        self.template.expand(labels.clone(), Entry { line, time, now: self.now })
    }
}

/// The value of a label as a template sees it: the error is one of them.
fn template_value(space: &LabelSpace, name: NameId) -> &[u8] {
    match space.names.text(name) {
        b"__error__" if space.has_error() => space.error().as_bytes(),
        b"__error_details__" if !space.error_details().is_empty() && !space.is_unchanged() => {
            space.error_details().as_bytes()
        }
        _ => space.get(name).unwrap_or_default(),
    }
}

/// The stage.
#[derive(Clone)]
pub(super) struct LineFormatter {
    /// The label that is the whole line.
    only: Option<NameId>,
    template: Template,
}

impl LineFormatter {
    pub fn new(text: &str, now: Nanoseconds, names: &mut Names) -> Result<LineFormatter, StageProblem> {
        let template = Template::new("line", text, now, names)
            .map_err(|why| StageProblem(format!("invalid line template: {why}")))?;
        let only = template.template.only_label().map(|label| names.intern(label.as_bytes()));
        Ok(LineFormatter { only, template })
    }

    pub fn required(&self, names: &mut Vec<String>) {
        names.extend(self.template.fields());
    }

    /// The other line goes to `out`; a line whose template fails stays.
    pub fn process(&self, time: Nanoseconds, line: &[u8], space: &mut LabelSpace, out: &mut Vec<u8>) -> Verdict {
        out.clear();
        if let Some(only) = self.only {
            out.extend_from_slice(space.get(only).unwrap_or_default());
            return Verdict::Replace;
        }
        if self.template.is_plain() {
            self.template.write_plain(space, out);
            return Verdict::Replace;
        }
        match self.template.expand(&labels_of(space), time, line) {
            Ok(text) => {
                *out = text;
                Verdict::Replace
            }
            Err(why) => {
                space.set_error(ERROR, Some(&why));
                Verdict::Keep
            }
        }
    }
}
