//! Alert templates: Go's `text/template` with the functions of Prometheus (`template/template.go`).
//!
//! `syntax` reads a template as Go's parser does, `exec` and `eval` run the tree over values that know their Go types
//! (`value`), so that what fails, fails in the same place and with the same words: a template that fails puts them into
//! the annotation. `printf`, `verbs` and `print` are Go's `fmt`.

mod base64;
mod builtins;
mod call;
mod clock;
mod clock_read;
mod compare;
pub mod conformance;
mod decimal;
mod entry;
mod entry_functions;
mod escape;
mod eval;
mod exec;
mod format;
mod functions;
mod links;
mod methods;
mod moment;
mod pattern;
mod print;
mod printf;
mod syntax;
mod value;
mod verbs;
mod words;

pub use entry::{Entry, EntryTemplate, PlainPart};
pub use format::humanize;

use std::rc::Rc;
use std::sync::Arc;

use crate::histogram;
use crate::labels::Labels;
use crate::text::Span;
use crate::time::Timestamp;
use call::Dialect;
use syntax::Program;
use value::{Data, Value};

/// What Prometheus puts in front of every template of a rule.
const PRELUDE: &str =
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}";

/// Why a template cannot be read, or fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The template is no template.
    #[error("{message}")]
    Parse {
        message: String,
        /// Where, in bytes of the template's text.
        span: Span,
    },
    /// It failed for these labels and this value.
    #[error("{0}")]
    Expand(String),
}

/// One element of a query's result.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub labels: Labels,
    pub value: histogram::Sample,
}

/// Runs an instant query.
pub type QueryFn<'a> = dyn FnMut(&str, Timestamp) -> Result<Vec<Sample>, String> + 'a;

/// What a template is expanded with.
pub struct Context<'a> {
    /// Labels of the query's result.
    pub labels: &'a Labels,
    pub value: histogram::Sample,
    pub external_labels: &'a Labels,
    pub external_url: &'a str,
    /// Whether the functions `externalURL` and `pathPrefix` know the address, as they do in a server. In promtool only
    /// `$externalURL` does.
    pub serves: bool,
    /// The evaluation time.
    pub time: Timestamp,
    pub query: &'a mut QueryFn<'a>,
}

/// What the functions of a template ask about.
enum Environment<'c, 'x> {
    Alert(&'c mut Context<'x>),
    Entry(Entry<'x>),
}

impl<'x> Environment<'_, 'x> {
    fn alert(&mut self) -> Result<&mut Context<'x>, String> {
        match self {
            Environment::Alert(context) => Ok(context),
            Environment::Entry(_) => Err("there is no alert here".to_owned()),
        }
    }

    fn entry(&self) -> Result<&Entry<'x>, String> {
        match self {
            Environment::Entry(entry) => Ok(entry),
            Environment::Alert(_) => Err("there is no log line here".to_owned()),
        }
    }
}

/// A template that has been read.
#[derive(Clone)]
pub struct Template {
    name: String,
    text: String,
    /// `None` for a text without actions, which is its own expansion.
    program: Option<Arc<Program>>,
}

/// Whether a text holds actions; if not, it expands to itself.
pub fn has_actions(text: &str) -> bool {
    text.contains("{{")
}

impl Template {
    /// Reads a template of a rule; `name` is for messages.
    ///
    /// # Errors
    /// What is wrong with the text, and where.
    pub fn parse(name: &str, text: &str) -> Result<Template, TemplateError> {
        if !has_actions(text) {
            return Ok(Template { name: name.to_owned(), text: text.to_owned(), program: None });
        }
        match syntax::parse(name, format!("{PRELUDE}{text}"), Dialect::Alert) {
            Ok(program) => {
                Ok(Template { name: name.to_owned(), text: text.to_owned(), program: Some(Arc::new(program)) })
            }
            Err((message, span)) => {
                let own = |at: usize| at.saturating_sub(PRELUDE.len()).min(text.len());
                Err(TemplateError::Parse { message, span: Span::new(own(span.start), own(span.end)) })
            }
        }
    }

    /// Whether the template asks for the results of queries.
    pub fn uses_query(&self) -> bool {
        self.program.as_ref().is_some_and(|program| program.queries)
    }

    /// The text for these labels and this value.
    ///
    /// # Errors
    /// What Prometheus would put into the annotation instead, without its frame.
    pub fn expand(&self, context: &mut Context<'_>) -> Result<String, TemplateError> {
        let Some(program) = &self.program else { return Ok(self.text.clone()) };
        let data = Value::Data(Rc::new(Data {
            labels: context.labels.clone(),
            external_labels: context.external_labels.clone(),
            external_url: context.external_url.to_owned(),
            value: context.value.clone(),
        }));
        match exec::execute(program, &self.name, data, Environment::Alert(context)) {
            Ok(bytes) => {
                Ok(String::from_utf8(bytes)
                    .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
            }
            Err(exec::Failure(message)) => {
                Err(TemplateError::Expand(format!("error executing template {}: {message}", self.name)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(text: &str, value: impl Into<histogram::Sample>) -> Result<String, TemplateError> {
        let value = value.into();
        let up = |instance: &str, value: f64| Sample {
            labels: Labels::from_pairs([("instance", instance)]),
            value: value.into(),
        };
        Template::parse("t", text)?.expand(&mut Context {
            labels: &Labels::from_pairs([("job", "node")]),
            value,
            external_labels: &Labels::from_pairs([("site", "eqiad")]),
            external_url: "http://prom:9090/a/",
            serves: true,
            time: Timestamp(1_763_132_940_123),
            query: &mut |text, time| match text {
                "up" => Ok(vec![up("b", 1.0), up("a", 2.0)]),
                "time" => Ok(vec![up("x", time.seconds())]),
                _ => Err("no such series".to_owned()),
            },
        })
    }

    fn text(template: &str) -> String {
        expand(template, 1234.5).unwrap_or_else(|error| format!("{error}"))
    }

    // Expected texts: `$value` is a pointer to a histogram in Go, which prints as the histogram does.
    #[test]
    fn a_histogram_prints_and_is_no_number() {
        let histogram = histogram::FloatHistogram { count: 3.0, sum: 1.5, ..Default::default() };
        let told = |template: &str| {
            let found = expand(template, histogram::Sample::Histogram(std::sync::Arc::new(histogram.clone())));
            found.unwrap_or_else(|error| error.to_string())
        };
        assert_eq!(told("{{ $value }} {{ $value.Count }} {{ .Value.Sum }}"), "{count:3, sum:1.5} 3 1.5");
        assert!(told("{{ $value | humanize }}").contains("can't convert *histogram.FloatHistogram to float"));
        assert!(told("{{ $value.Nosuch }}").contains("can't evaluate field Nosuch in type *histogram.FloatHistogram"));
    }

    #[test]
    fn labels_that_are_missing_are_empty() {
        assert_eq!(text("<{{ $labels.nosuch }}|{{ .Labels.job }}|{{ index $labels \"x\" }}>"), "<|node|>");
        assert_eq!(text("{{ if eq $labels.nosuch \"\" }}none{{ end }}{{ with $labels.nosuch }}!{{ end }}"), "none");
        assert_eq!(
            text("{{ $labels }} {{ $externalLabels.site }} {{ $externalURL }}{{ pathPrefix }}"),
            "map[job:node] eqiad http://prom:9090/a//a/"
        );
    }

    #[test]
    fn queries_are_run_as_they_are_asked_for() {
        assert_eq!(
            text("{{ range query \"up\" | sortByLabel \"instance\" }}{{ .Labels.instance }}={{ .Value }} {{ end }}"),
            "a=2 b=1 "
        );
        assert!(text("{{ query \"time\" | first | value | humanizeTimestamp }}").starts_with("2025-11-14 15:09:00.12"));
        assert!(text("{{ query \"x\" }}").contains("no such series"));
        assert!(Template::parse("t", "{{ with query \"up\" }}{{ end }}").unwrap().uses_query());
        assert!(!Template::parse("t", "{{ $value }} query").unwrap().uses_query());
    }

    #[test]
    fn a_text_without_actions_is_itself() {
        assert_eq!(text("100% }} of it"), "100% }} of it");
    }

    #[test]
    fn times_have_methods() {
        assert_eq!(
            text("{{ (toTime 0).Year }} {{ (0 | toTime).Format \"15:04\" }} {{ (toDuration 90).Minutes }}"),
            "1970 00:00 1.5"
        );
    }

    #[test]
    fn what_go_refuses_to_parse_has_a_place() {
        for (template, start) in
            [("a {{ $nosuch }}", 5), ("a {{ nosuch 1 }}", 5), ("a {{ end }}", 2), ("{{ if true }}x", 0)]
        {
            match Template::parse("t", template) {
                Err(TemplateError::Parse { span, message }) => {
                    assert!(
                        span.start.abs_diff(start) <= 5 && span.end <= template.len(),
                        "{template}: {span:?} {message}"
                    );
                }
                other => panic!("{template}: {:?}", other.err()),
            }
        }
    }

    #[test]
    fn hostile_templates_end() {
        let deep = format!("{}{}", "{{ if true }}".repeat(5000), "{{ end }}".repeat(5000));
        let _ = expand(&deep, 0.0);
        let nested = format!("{{{{ {}1{} }}}}", "(".repeat(50_000), ")".repeat(50_000));
        let _ = expand(&nested, 0.0);
        let (open, close) = ("{{ if true }}".repeat(120), "{{ end }}".repeat(120));
        for body in ["{{ template \"a\" }}".to_owned(), format!("{open}{{{{ template \"a\" }}}}{close}")] {
            let recursive = format!("{{{{ define \"a\" }}}}{body}{{{{ end }}}}{open}{{{{ template \"a\" }}}}{close}");
            assert!(expand(&recursive, 0.0).is_err());
        }
        let parentheses = format!("{open}{{{{ {}1{} }}}}{close}", "(".repeat(7), ")".repeat(7));
        assert_eq!(expand(&parentheses, 0.0).as_deref(), Ok("1"));
        assert!(expand("{{ range 9223372036854775807 }}{{ end }}", 0.0).is_err());
        for text in [
            "{{",
            "}}",
            "{{{{",
            "{{ \"",
            "{{ ` }}",
            "{{/*",
            "{{ ' }}",
            "{{ $ }}",
            "{{ . }}",
            "{{-}}",
            "{{ µ }}",
            "{{ $µ }}",
        ] {
            let _ = expand(text, 0.0);
        }
    }
}
