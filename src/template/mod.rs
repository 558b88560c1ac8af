//! Alert templates: Go's `text/template` with the functions of Prometheus (`template/template.go`).
//!
//! `gotmpl` parses and runs the language. What Prometheus' templates need beyond it is written into the parsed tree
//! (`tree`): values print as Go's `%v` prints them, a label that is missing is empty, and variables and functions have to
//! be known when a template is read.

pub mod conformance;
mod format;
mod functions;
mod links;
mod printf;
mod scan;
mod tree;
mod value;

pub use format::humanize;

use std::cell::RefCell;
use std::collections::HashMap;

use gotmpl::Value;

use crate::histogram;
use crate::labels::Labels;
use crate::text::Span;
use crate::time::Timestamp;

/// What Prometheus puts in front of every template of a rule.
const PRELUDE: &str =
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}";

/// How often a template may ask for the result of one more query.
const MAX_QUERIES: usize = 1000;

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
    /// The evaluation time.
    pub time: Timestamp,
    pub query: &'a mut QueryFn<'a>,
}

/// A template that has been read.
#[derive(Clone)]
pub struct Template {
    name: String,
    text: String,
    /// `None` for a text without actions, which is its own expansion.
    program: Option<gotmpl::Template>,
    queries: bool,
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
        let (program, queries) = match has_actions(text) {
            true => tree::program(name, PRELUDE, text).map(|(program, queries)| (Some(program), queries))?,
            false => (None, false),
        };
        Ok(Template { name: name.to_owned(), text: text.to_owned(), program, queries })
    }

    /// Whether the template asks for the results of queries.
    pub fn uses_query(&self) -> bool {
        self.queries
    }

    /// The text for these labels and this value.
    ///
    /// # Errors
    /// What Prometheus would put into the annotation instead, without its frame.
    pub fn expand(&self, context: &mut Context<'_>) -> Result<String, TemplateError> {
        let Some(program) = &self.program else { return Ok(self.text.clone()) };
        let data = value::data(context.labels, context.external_labels, context.external_url, &context.value);
        let mut expansion = Expansion {
            time: context.time,
            external_url: context.external_url.to_owned(),
            results: HashMap::new(),
            wanted: None,
        };
        // The functions of a template cannot hold on to a query function that is only borrowed: a template runs until it
        // needs a result that is not there, and again when it is.
        for _ in 0..MAX_QUERIES {
            let (result, after) = run(program, &data, expansion);
            expansion = after;
            match expansion.wanted.take() {
                Some(query) => {
                    let found = (context.query)(&query, context.time).map(|samples| value::samples(&samples));
                    expansion.results.insert(query, found);
                }
                None => return result.map_err(|error| TemplateError::Expand(self.framed(&error.to_string()))),
            }
        }
        Err(TemplateError::Expand(self.framed(&format!("more than {MAX_QUERIES} queries"))))
    }

    fn framed(&self, message: &str) -> String {
        format!("error executing template {}: {message}", self.name)
    }
}

/// What the functions of a running template refer to.
struct Expansion {
    time: Timestamp,
    external_url: String,
    /// Results of queries so far.
    results: HashMap<String, Result<Value, String>>,
    /// The query whose result is missing.
    wanted: Option<String>,
}

thread_local! {
    /// The expansion that runs on this thread.
    static RUNNING: RefCell<Option<Expansion>> = const { RefCell::new(None) };
}

/// Runs a program with an expansion in place, and takes it out again.
fn run(program: &gotmpl::Template, data: &Value, expansion: Expansion) -> (gotmpl::Result<String>, Expansion) {
    let before = RUNNING.with(|running| running.replace(Some(expansion)));
    let result = program.execute_template_to_string(tree::MAIN, data);
    let after = RUNNING.with(|running| running.replace(before));
    let lost = || Expansion { time: Timestamp(0), external_url: String::new(), results: HashMap::new(), wanted: None };
    (result, after.unwrap_or_else(lost))
}

/// Reads or changes the running expansion; `None` outside of one.
fn with_running<T>(read: impl FnOnce(&mut Expansion) -> T) -> Option<T> {
    RUNNING.with(|running| running.borrow_mut().as_mut().map(read))
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
        assert!(expand("{{ define \"a\" }}{{ template \"a\" }}{{ end }}{{ template \"a\" }}", 0.0).is_err());
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
