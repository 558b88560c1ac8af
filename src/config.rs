//! `firedrill.yaml`: where drills lie, and what holds for all of them.

use std::path::Path;

use glob::{MatchOptions, Pattern, PatternError};
use regex::Regex;

use crate::labels::METRIC_NAME;
use crate::promql::eval::{FEATURES, Profile};
use crate::replay;
use crate::rules::{Language, ReadOptions};
use crate::text::yaml::{self, Mapping, Problems};
use crate::text::{Diagnostic, Located, Source};
use crate::time::Duration;

/// What `firedrill.yaml` says; without a file, the default.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Files and folders that are searched for drills when none are named.
    pub paths: Vec<Located>,
    /// What the rule files under a path, or of a pattern such as `vendor/**`, are written in; the longest that fits decides.
    pub languages: Vec<(Located, Language)>,
    /// Labels of the system as a whole, as `external_labels` of Prometheus.
    pub external_labels: Vec<(String, Located)>,
    /// Parts of PromQL that Prometheus has switched off, which are on in all drills and tests.
    pub features: Vec<String>,
    pub render: Option<Render>,
    pub runbooks: Runbooks,
    pub limits: Limits,
}

/// How rule files are made from charts or programs.
#[derive(Clone, Debug)]
pub struct Render {
    pub command: Located,
    /// The folder that the command writes.
    pub output: Located,
    /// How long it may take.
    pub timeout: Option<Duration>,
}

/// Where runbooks are, and what is asked of them.
#[derive(Clone, Debug, Default)]
pub struct Runbooks {
    /// The folder of the pages, with `templates` in it.
    pub folder: Option<Located>,
    /// Rule files and folders whose alerts need a runbook; none: the rules that the replays name.
    pub rules: Vec<Located>,
    /// The annotation that links to a runbook.
    pub annotation: Option<Located>,
    /// A pattern for the links, whose groups the path may use.
    pub url: Option<(Located, Regex)>,
    /// The path of a page.
    pub path: Option<Located>,
    /// The most lines of a page.
    pub max_lines: Option<u64>,
    /// Findings that are put up with.
    pub ignore: Vec<Ignore>,
}

/// Findings of a name that are put up with.
#[derive(Clone, Debug)]
pub struct Ignore {
    pub finding: Located,
    /// Only in this file, folder or pattern.
    pub within: Option<Located>,
    /// Only about this alert.
    pub alert: Option<Located>,
    pub reason: Located,
}

impl Ignore {
    /// Whether it speaks of a file.
    pub fn covers(&self, path: &Path) -> bool {
        self.within.as_ref().is_none_or(|place| fits(place, path))
    }
}

/// Limits on what a drill may use; `None` where a default holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub max_samples: Option<u64>,
    /// Of one day.
    pub max_series: Option<u64>,
    /// Evaluations of one day, from start to end.
    pub max_steps: Option<u64>,
    /// Of one replay, rule file, test file or recorded file.
    pub max_file_bytes: Option<u64>,
}

impl Limits {
    /// Those of a day; `max_samples` comes over what is written.
    pub fn of_day(self, max_samples: Option<u64>) -> replay::Limits {
        let usual = replay::Limits::default();
        replay::Limits {
            max_samples: max_samples.or(self.max_samples).unwrap_or(usual.max_samples),
            max_series: self.max_series.unwrap_or(usual.max_series),
            max_steps: self.max_steps.unwrap_or(usual.max_steps),
        }
    }
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// Everything that is wrong with the file.
    pub fn read(source: &Source) -> Result<Config, Vec<Diagnostic>> {
        let documents = yaml::read_documents(source).map_err(|problem| vec![problem])?;
        let problems = Problems::new(source);
        let mut config = Config::default();
        if let [_, second, ..] = documents.as_slice() {
            problems.at(second, Diagnostic::error("a second document in the configuration").help("write one document"));
        }
        if let Some(top) = documents.first().and_then(|top| Mapping::of(top, "firedrill.yaml", &problems)) {
            config.fill(&top, &problems);
            top.finish();
        }
        let found = problems.into_inner();
        if found.is_empty() { Ok(config) } else { Err(found) }
    }

    fn fill(&mut self, top: &Mapping<'_>, problems: &Problems<'_>) {
        self.paths = top.strings("paths");
        for name in top.strings("features") {
            if !FEATURES.contains(&&*name.value) {
                let problem = Diagnostic::error(format!("unknown feature {:?}", name.value));
                problems.push(name.diagnose_all(problem.help(format!("there are {}", FEATURES.join(", ")))));
            }
            self.features.push(name.value);
        }
        for (path, name) in top.pairs("languages") {
            if let Some(Err(error)) = pattern(&path) {
                let problem = Diagnostic::error(format!("this is no pattern for paths: {}", error.msg));
                problems.push(path.diagnose_all(problem.help("`*` stands for a part of a name, `**` for folders")));
                continue;
            }
            match language(&name) {
                Some(language) => self.languages.push((path, language)),
                None => {
                    let problem = Diagnostic::error(format!("unknown language {:?}", name.value))
                        .help("write promql, logql, metricsql or skip");
                    problems.push(name.diagnose_all(problem));
                }
            }
        }
        for (name, value) in top.pairs("external_labels") {
            if name.is_empty() || &*name == METRIC_NAME {
                problems.push(name.diagnose_all(Diagnostic::error("invalid name of a label")));
            } else {
                self.external_labels.push((name.value, value));
            }
        }
        if let Some(render) = top.get("render").and_then(|node| Mapping::of(node, "`render`", problems)) {
            let timeout = render.duration("timeout");
            match (render.string("command"), render.string("output")) {
                (Some(command), Some(output)) => self.render = Some(Render { command, output, timeout }),
                _ => {
                    let problem = Diagnostic::error("`render` needs `command` and `output`")
                        .help("the command writes rule files into the folder `output`");
                    problems.push(match top.key("render") {
                        Some(key) => problem.at(problems.source, key.span),
                        None => problem,
                    });
                }
            }
            render.finish();
        }
        if let Some(runbooks) = top.get("runbooks").and_then(|node| Mapping::of(node, "`runbooks`", problems)) {
            self.runbooks = read_runbooks(&runbooks, problems);
            runbooks.finish();
        }
        if let Some(limits) = top.get("limits").and_then(|node| Mapping::of(node, "`limits`", problems)) {
            self.limits = Limits {
                max_samples: limits.limit("max_samples"),
                max_series: limits.limit("max_series"),
                max_steps: limits.limit("max_steps"),
                max_file_bytes: limits.limit("max_file_bytes"),
            };
            limits.finish();
        }
    }

    /// The engine with the features that are on.
    pub fn enabled(&self, mut profile: Profile) -> Profile {
        for feature in &self.features {
            profile.enable(feature);
        }
        profile
    }

    /// How a rule file is read.
    pub fn rule_file(&self, path: &Path) -> ReadOptions {
        let features = self.enabled(Profile::prometheus()).features;
        ReadOptions { language: self.language(path).cloned(), features, ..ReadOptions::default() }
    }

    /// Reads a replay, a rule file or a test file.
    ///
    /// # Errors
    /// As `yaml::read_file_within`.
    pub fn read_file(&self, path: &Path) -> Result<Source, Diagnostic> {
        yaml::read_file_within(path, self.max_file_bytes())
    }

    /// The most bytes of a replay, a rule file, a test file or a recorded file.
    pub fn max_file_bytes(&self) -> u64 {
        self.limits.max_file_bytes.unwrap_or(yaml::MAX_FILE_BYTES)
    }

    /// The language of a rule file; `None` where the file itself shows it.
    pub fn language(&self, path: &Path) -> Option<&Language> {
        let length = |place: &str| (Path::new(place).components().count(), place.len());
        let fitting = self.languages.iter().filter(|(place, _)| fits(place, path));
        fitting.max_by_key(|(place, _)| length(place)).map(|(_, language)| language)
    }
}

fn read_runbooks(fields: &Mapping<'_>, problems: &Problems<'_>) -> Runbooks {
    let url = fields.string("url").and_then(|url| match Regex::new(&format!("^(?:{})$", url.value)) {
        Ok(pattern) => Some((url, pattern)),
        Err(error) => {
            let problem = Diagnostic::error(format!("`url` is no regular expression: {error}"));
            problems.push(url.diagnose_all(problem.help("such as 'https://wiki.example.com/(.*)'")));
            None
        }
    });
    let path = fields.string("path");
    if url.is_some() != path.is_some()
        && let Some(one) = url.as_ref().map(|(url, _)| url).or(path.as_ref())
    {
        let problem = Diagnostic::error("`url` and `path` of `runbooks` belong together");
        problems.push(one.diagnose_all(problem.help("`path` may use the groups of `url`: 'runbooks/$1.md'")));
    }
    let mut ignore = Vec::new();
    for item in fields.list("ignore") {
        let Some(item) = Mapping::of(item, "an entry of `ignore`", problems) else { continue };
        let (within, alert) = (item.string("in"), item.string("alert"));
        if let Some((place, Err(error))) = within.as_ref().and_then(|place| Some((place, pattern(place)?))) {
            problems
                .push(place.diagnose_all(Diagnostic::error(format!("this is no pattern for paths: {}", error.msg))));
        }
        match (item.string("finding"), item.string("reason").filter(|reason| !reason.trim().is_empty())) {
            (Some(finding), Some(reason)) => ignore.push(Ignore { finding, within, alert, reason }),
            (finding, _) => {
                let problem = Diagnostic::error("an entry of `ignore` needs `finding` and `reason`")
                    .help("{finding: long-page, in: runbooks/x.md, reason: why}");
                match finding {
                    Some(finding) => problems.push(finding.diagnose_all(problem)),
                    None => problems.push(problem),
                }
            }
        }
        item.finish();
    }
    Runbooks {
        folder: fields.string("folder"),
        rules: fields.strings("rules"),
        annotation: fields.string("annotation"),
        url,
        path,
        max_lines: fields.limit("max_lines"),
        ignore,
    }
}

/// Whether a path is what a place of `languages` means: it lies under it, or the pattern matches it.
pub fn fits(place: &str, path: &Path) -> bool {
    match pattern(place) {
        Some(pattern) => pattern.is_ok_and(|pattern| pattern.matches_path_with(path, BY_PART)),
        None => path.starts_with(place),
    }
}

/// `*` does not stand for `/`.
const BY_PART: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

/// A pattern for paths; `None` for a plain path.
fn pattern(place: &str) -> Option<Result<Pattern, PatternError>> {
    place.contains(['*', '?', '[']).then(|| Pattern::new(place))
}

fn language(name: &str) -> Option<Language> {
    match name {
        "promql" => Some(Language::Promql),
        "logql" => Some(Language::Logql),
        "metricsql" => Some(Language::Skipped("it is written in MetricsQL".to_owned())),
        "skip" => Some(Language::Skipped("firedrill.yaml says so".to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_with_everything_is_read() {
        let text = "paths: [incidents]
features: [promql-experimental-functions, promql-delayed-name-removal]
languages: {rules/loki: logql, rules: promql, rules/vm.yaml: metricsql, 'vendor/**/*.yaml': skip, 'vendor/*/own/*': promql}
external_labels: {cluster: home}
render: {command: make rules, output: build, timeout: 1m}
runbooks:
  annotation: runbook_url
  url: 'https://x/(.*)'
  path: 'runbooks/$1.md'
  rules: [rules]
  ignore: [{finding: long-page, in: 'runbooks/old/*.md', reason: to be split}]
limits: {max_samples: 1000000, max_series: 1000, max_steps: 100, max_file_bytes: 2000}
";
        let config = Config::read(&Source::new("firedrill.yaml", text)).unwrap();
        assert_eq!(&*config.paths[0], "incidents");
        let profile = config.enabled(Profile::prometheus());
        assert!(profile.features.experimental_functions && profile.delayed_name_removal);
        assert!(!profile.features.fill_modifiers);
        assert_eq!(config.language(Path::new("rules/loki/a.yaml")), Some(&Language::Logql));
        assert_eq!(config.language(Path::new("rules/a.yaml")), Some(&Language::Promql));
        assert!(matches!(config.language(Path::new("rules/vm.yaml")), Some(Language::Skipped(_))));
        assert_eq!(config.language(Path::new("other/a.yaml")), None);
        assert!(matches!(config.language(Path::new("vendor/x/y/a.yaml")), Some(Language::Skipped(_))));
        assert_eq!(config.language(Path::new("vendor/x/own/a.yaml")), Some(&Language::Promql));
        assert!(config.runbooks.ignore[0].covers(Path::new("runbooks/old/a.md")));
        assert!(!config.runbooks.ignore[0].covers(Path::new("runbooks/a.md")));
        let limits = Limits {
            max_samples: Some(1_000_000),
            max_series: Some(1000),
            max_steps: Some(100),
            max_file_bytes: Some(2000),
        };
        assert_eq!(config.limits, limits);
        assert_eq!(config.render.and_then(|render| render.timeout), Some(Duration::MINUTE));
    }

    #[test]
    fn unknown_fields_languages_and_features_are_refused() {
        let text = "path: [a]\nlanguages: {a: sql}\nrender: {command: x}\nfeatures: [promql]\n";
        let found = Config::read(&Source::new("firedrill.yaml", text));
        let found: Vec<String> = found.unwrap_err().iter().map(|problem| problem.render(false)).collect();
        assert_eq!(found.len(), 4, "{found:#?}");
        assert!(found[0].contains("did you mean `paths`?"), "{}", found[0]);
        assert!(found[1].contains("write promql, logql, metricsql or skip"), "{}", found[1]);
        assert!(found[3].contains("there are promql-experimental-functions, "), "{}", found[3]);
    }

    #[test]
    fn what_is_wrong_about_runbooks_has_its_place() {
        let text = "runbooks:\n  url: '('\n  path: x\n  ignore: [{finding: long-page}]\n";
        let found: Vec<String> =
            Config::read(&Source::new("f.yaml", text)).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 3, "{found:#?}");
        assert!(found[0].starts_with("f.yaml:2:9: `url` is no regular expression"), "{}", found[0]);
        assert!(found[1].starts_with("f.yaml:3:9: `url` and `path`"), "{}", found[1]);
        assert!(found[2].starts_with("f.yaml:4:22: an entry of `ignore` needs"), "{}", found[2]);
    }

    #[test]
    fn an_empty_configuration_is_the_default() {
        assert!(Config::read(&Source::new("firedrill.yaml", "")).unwrap().paths.is_empty());
    }
}
