//! Templates of blocks and pages: ours, and those of people, which come over them by their names.
//!
//! The language is tera's. A template is called as its file without `.md.tera`, and so is the kind of block that it makes.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tera::{Context, Error, ErrorKind, Kwargs, ReportError, State, Tera};

use super::page::Page;
use crate::text::{Diagnostic, LineColumn, Source, Span, listed, nearest, yaml};

/// How files of templates end.
const SUFFIX: &str = ".md.tera";
/// The most bytes that a template may write, and the longest that it may take: one that loops has to end.
const MOST_BYTES: usize = 4 << 20;
const LONGEST: Duration = Duration::from_secs(10);
/// The largest file of a template.
const LARGEST: u64 = 1 << 20;

/// The templates that are built in, by name.
const OURS: [(&str, &str); 9] = [
    ("alert", include_str!("templates/alert.md.tera")),
    ("causes", include_str!("templates/causes.md.tera")),
    ("escalate", include_str!("templates/escalate.md.tera")),
    ("new", include_str!("templates/new.md.tera")),
    ("page", include_str!("templates/page.md.tera")),
    ("queries", include_str!("templates/queries.md.tera")),
    ("timeline", include_str!("templates/timeline.md.tera")),
    ("triage", include_str!("templates/triage.md.tera")),
    ("verify", include_str!("templates/verify.md.tera")),
];

/// Templates that are ready to be rendered.
#[derive(Debug)]
pub struct Templates {
    tera: Arc<Tera>,
    /// By the names of their files.
    sources: BTreeMap<String, Source>,
}

impl Templates {
    /// Our templates, and over them those of a folder, which need not be there.
    ///
    /// # Errors
    /// Templates that cannot be read, that are no templates, or that include each other in a circle.
    pub fn load(folder: &Path) -> Result<Templates, Vec<Diagnostic>> {
        let mut sources: BTreeMap<String, Source> = BTreeMap::new();
        for (name, text) in OURS {
            sources.insert(format!("{name}{SUFFIX}"), Source::new(format!("<built-in {name}{SUFFIX}>"), text));
        }
        let mut problems = Vec::new();
        for path in files(folder) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match yaml::read_file_within(&path, LARGEST) {
                Ok(source) => _ = sources.insert(name, source),
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut tera = Tera::default();
        tera.autoescape_on(Vec::<String>::new());
        tera.register_filter("cell", |text: &str, _: Kwargs, _: &State<'_>| cell(text));
        tera.register_filter("code", |text: &str, _: Kwargs, _: &State<'_>| code(text));
        let texts: Vec<(&str, &str)> = sources.iter().map(|(name, source)| (name.as_str(), source.text())).collect();
        match tera.add_raw_templates(texts) {
            Ok(()) => Ok(Templates { tera: Arc::new(tera), sources }),
            Err(error) => Err(vec![diagnose(&error, &sources)]),
        }
    }

    /// The kinds of blocks that there are templates for.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.sources.keys().filter_map(|name| name.strip_suffix(SUFFIX))
    }

    /// The template of a kind.
    pub fn source(&self, kind: &str) -> Option<&Source> {
        self.sources.get(&format!("{kind}{SUFFIX}"))
    }

    /// Renders the template of a kind.
    ///
    /// # Errors
    /// What is undefined in it, at its place; a template that does not end.
    pub fn render(&self, kind: &str, context: Context) -> Result<String, Diagnostic> {
        let name = format!("{kind}{SUFFIX}");
        let tera = self.tera.clone();
        let (send, receive) = mpsc::channel();
        let file = name.clone();
        // Tera has no budget of its own. A thread that does not end ends with the process, which has nothing else to do.
        let work = move || {
            let mut text = Bounded(Vec::new());
            let rendered = tera.render_to(&file, &context, &mut text).map(|()| text.0);
            let _ = send.send(rendered);
        };
        std::thread::Builder::new()
            .stack_size(crate::syntax::STACK_BYTES)
            .spawn(work)
            .map_err(|error| Diagnostic::error(format!("cannot start a thread: {error}")))?;
        let source = self.sources.get(&name);
        let whole = |problem: Diagnostic| match source {
            Some(source) => problem.at(source, Span::default()),
            None => problem,
        };
        match receive.recv_timeout(LONGEST) {
            Ok(Ok(text)) => String::from_utf8(text).map_err(|error| whole(Diagnostic::error(error.to_string()))),
            Ok(Err(error)) if matches!(error.kind(), ErrorKind::Io(_)) => {
                let problem = Diagnostic::error(format!("the template writes more than {} MiB", MOST_BYTES >> 20));
                Err(whole(problem.help("a loop in it goes round too often")))
            }
            Ok(Err(error)) => Err(diagnose(&error, &self.sources)),
            Err(_) => {
                let problem = Diagnostic::error(format!("the template has not ended after {} s", LONGEST.as_secs()));
                Err(whole(problem.help("a loop in it goes round too often")))
            }
        }
    }
}

/// A text that may become only so long.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST_BYTES {
            return Err(io::Error::other("too much"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(SUFFIX));
    paths.sort();
    paths
}

fn diagnose(error: &Error, sources: &BTreeMap<String, Source>) -> Diagnostic {
    let whole = |name: &str, problem: Diagnostic| match sources.get(name) {
        Some(source) => problem.at(source, Span::default()),
        None => problem,
    };
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => at(report, sources),
        ErrorKind::CircularInclude { tpl, include_chain } => {
            let problem = Diagnostic::error(format!("{tpl} includes itself: {}", include_chain.join(" includes ")));
            whole(tpl, problem.help("take one of the includes out"))
        }
        ErrorKind::CircularExtend { tpl, inheritance_chain } => {
            let problem = Diagnostic::error(format!("{tpl} extends itself: {}", inheritance_chain.join(" extends ")));
            whole(tpl, problem.help("take one of the `extends` out"))
        }
        ErrorKind::MissingParent { current, parent } => {
            let problem = Diagnostic::error(format!("{current} extends {parent}, which is not there"));
            whole(current, problem.help(others(parent, sources)))
        }
        ErrorKind::TemplateNotFound(name) => {
            Diagnostic::error(format!("there is no template {name}")).help(others(name, sources))
        }
        other => Diagnostic::error(format!("a template: {other}")),
    }
}

fn others(name: &str, sources: &BTreeMap<String, Source>) -> String {
    let names = || sources.keys().map(String::as_str);
    match nearest(name, names()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are {}", listed(names())),
    }
}

/// An error of tera at its place. What there is instead of an undefined name is help, not message.
fn at(report: &ReportError, sources: &BTreeMap<String, Source>) -> Diagnostic {
    let message = report.message();
    let (message, instead) = message.split_once(". Available ").unwrap_or((message, ""));
    let mut words = message.trim_end_matches('.').chars();
    let lower: String = words.next().into_iter().flat_map(char::to_lowercase).chain(words).collect();
    let problem = Diagnostic::error(format!("the template: {lower}"));
    let problem = match instead.split_once(": ") {
        Some((what, names)) => {
            let names: Vec<&str> = names.split(", ").collect();
            let wanted = lower.split('`').nth(1).unwrap_or_default();
            problem.help(match nearest(wanted, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are the {what} {}", listed(names)),
            })
        }
        None => problem,
    };
    let Some(source) = sources.get(report.filename()) else { return problem };
    let span = report.span();
    let offset = |line: usize, column: usize| source.offset(LineColumn { line, column: column + 1 });
    let (start, end) = (offset(span.start_line, span.start_col), offset(span.end_line, span.end_col));
    let place = Span::new(start, end.max(start));
    let mut problem = problem.at(source, place);
    if lower.contains("undefined") && !lower.contains('`') {
        // Tera names what is undefined only where it is one name.
        let written = source.text().get(place.start..place.end).unwrap_or_default();
        problem.message = format!("the template: `{}` is undefined", written.trim());
    }
    problem
}

/// A text for a cell of a table: on one line, and with no bar of its own.
pub fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// A text as inline code, whatever backticks are in it.
pub fn code(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let ticks = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

/// Whether a text would be taken for markers of blocks.
pub fn has_markers(made: &str) -> bool {
    let page = Page::read(&Source::new("<block>", made));
    page.comments.iter().any(|comment| page.text(*comment).contains("firedrill:"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn render(files: &[(&str, &str)], kind: &str) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let told = |problem: Diagnostic| {
            let text = problem.render(false).replace(&format!("{}/", folder.path().display()), "");
            text.lines().map(str::trim).collect::<Vec<_>>().join("\n")
        };
        let templates = Templates::load(folder.path()).map_err(|problems| told(problems[0].clone()))?;
        let mut context = Context::new();
        context.insert("alerts", &["A", "B"]);
        templates.render(kind, context).map_err(told)
    }

    #[test]
    fn our_templates_are_templates_and_people_override_them() {
        assert!(render(&[], "nothing").unwrap_err().contains("there is no template nothing.md.tera"));
        let files = [
            ("alert.md.tera", "{% for alert in alerts %}{{ alert }} {% endfor %}"),
            ("x.md.tera", "<{% include \"alert.md.tera\" %}>"),
        ];
        assert_eq!(render(&files, "x").unwrap(), "<A B >");
    }

    #[test]
    fn what_is_undefined_has_its_place_and_a_hint() {
        let told = render(&[("x.md.tera", "one\n{{ alert }}\n")], "x").unwrap_err();
        assert!(told.contains("--> x.md.tera:2:4") && told.contains("`alert` is not defined"), "{told}");
        assert!(told.contains("did you mean `alerts`?"), "{told}");
        let told = render(&[("x.md.tera", "one\n{% if %}\n")], "x").unwrap_err();
        assert!(told.contains("--> x.md.tera:2:"), "{told}");
        let told = render(&[("x.md.tera", "{{ alerts | nope }}")], "x").unwrap_err();
        assert!(told.contains("nope"), "{told}");
    }

    #[test]
    fn templates_end_or_are_refused() {
        let told =
            render(&[("x.md.tera", "{% include \"y.md.tera\" %}"), ("y.md.tera", "{% include \"x.md.tera\" %}")], "x");
        assert!(told.as_ref().unwrap_err().contains("includes itself"), "{told:?}");
        let told = render(&[("x.md.tera", "{% include \"x.md.tera\" %}")], "x").unwrap_err();
        assert!(told.contains("x.md.tera includes itself"), "{told}");
        let long = "{% for a in range(end=99999) %}{{ \"0123456789012345678901234567890123456789012345678901234567890123456789\" }}{% endfor %}";
        assert!(render(&[("x.md.tera", long)], "x").unwrap_err().contains("more than 4 MiB"));
    }

    #[test]
    fn texts_fit_into_cells_and_code() {
        assert_eq!(cell("a |\n b"), "a \\| b");
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("`a` b"), "`` `a` b ``");
        assert!(has_markers("x\n<!-- firedrill:end -->\n") && !has_markers("`<!-- firedrill:end -->`"));
    }
}
