//! `firedrill conformance`: answers to the cases of the real systems, to be compared with theirs.

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Exit, output};
use crate::logql;
use crate::promql;
use crate::promql::script::{self, Outcome};
use crate::template::conformance::Environment;
use crate::text::yaml::read_file;

/// Compare with the real systems: upstream test scripts and recorded answers
#[derive(clap::Args)]
#[command(after_help = "Examples:
  firedrill conformance promql tests/promql/labels.test
  firedrill conformance promql-parse --cases cases.jsonl")]
pub struct Args {
    #[command(subcommand)]
    kit: Kit,
}

#[derive(clap::Subcommand)]
enum Kit {
    /// Say of each expression whether Prometheus accepts it, and how it prints it
    PromqlParse(Cases),
    /// Expand templates of alerts
    Template(Cases),
    /// Answer LogQL queries over a data set as Loki's HTTP API does
    Logql(LogqlCases),
    /// Say of each LogQL query whether Loki accepts it, and how it prints it
    LogqlParse(Queries),
    /// Run upstream's test scripts of PromQL; the last line counts the cases
    Promql(Scripts),
}

#[derive(clap::Args)]
struct Scripts {
    /// Scripts, as `promql/promqltest` has them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Show every case that fails, not only the first few of a file
    #[arg(short, long)]
    verbose: bool,
}

#[derive(clap::Args)]
struct LogqlCases {
    /// Log lines, a JSON object each: labels, ts, line, metadata
    #[arg(long, value_name = "FILE")]
    dataset: PathBuf,
    #[command(flatten)]
    cases: Cases,
}

#[derive(clap::Args)]
struct Queries {
    /// A file with a JSON object a line
    #[arg(long, value_name = "FILE")]
    queries: PathBuf,
}

#[derive(clap::Args)]
struct Cases {
    /// A file with a JSON object a line
    #[arg(long, value_name = "FILE")]
    cases: PathBuf,
}

pub fn run(args: Args) -> Exit {
    match args.kit {
        Kit::PromqlParse(cases) => answer_lines(&cases.cases, promql::conformance::answer),
        Kit::Template(cases) => match Environment::beside(&cases.cases) {
            Ok(environment) => answer_lines(&cases.cases, |line| environment.answer(line)),
            Err(problem) => {
                output::note(&problem.to_string());
                Exit::Unusable
            }
        },
        Kit::Logql(LogqlCases { dataset, cases }) => {
            let name = dataset.display();
            let read = std::fs::read_to_string(&dataset).map_err(|error| error.to_string());
            match read.and_then(|text| logql::conformance::dataset(&text).map_err(|error| error.to_string())) {
                Ok(logs) => answer_lines(&cases.cases, |line| logql::conformance::query_answer(line, &logs)),
                Err(problem) => {
                    output::note(&format!("{name}: {problem}"));
                    Exit::Unusable
                }
            }
        }
        Kit::LogqlParse(queries) => answer_lines(&queries.queries, logql::conformance::parse_answer),
        Kit::Promql(scripts) => run_scripts(&scripts),
    }
}

/// How many failures of a file are shown without `--verbose`.
const SHOWN: usize = 5;

/// Runs scripts one by one.
fn run_scripts(scripts: &Scripts) -> Exit {
    let (mut passed, mut failed) = (0, 0);
    let mut unreadable = false;
    let mut out = String::new();
    for file in &scripts.files {
        let name = file.display();
        let commands = match read_file(file).and_then(|source| script::parse(&source)) {
            Ok(commands) => commands,
            Err(error) => {
                output::complain(&[error]);
                unreadable = true;
                continue;
            }
        };
        let (mut good, mut bad) = (0, 0);
        for case in script::run(&commands) {
            match case.outcome {
                Outcome::Passed => good += 1,
                Outcome::Failed(reason) => {
                    bad += 1;
                    if scripts.verbose || bad <= SHOWN {
                        let _ = writeln!(out, "{name}:{}: {}\n    {reason}", case.line, case.expr);
                    }
                }
            }
        }
        if !scripts.verbose && bad > SHOWN {
            let _ = writeln!(out, "    ... and {} more; --verbose shows them", bad - SHOWN);
        }
        let _ = writeln!(out, "{name}: {good} passed, {bad} failed");
        if let Err(problem) = output::print(&std::mem::take(&mut out)) {
            return output::complain(&[problem]);
        }
        passed += good;
        failed += bad;
    }
    let _ = writeln!(out, "{passed} passed, {failed} failed");
    if let Err(problem) = output::print(&out) {
        return output::complain(&[problem]);
    }
    match (unreadable, failed) {
        (true, _) => Exit::Unusable,
        (false, 0) => Exit::Holds,
        (false, _) => Exit::Fails,
    }
}

/// Answers a file of cases line by line.
fn answer_lines(file: &Path, answer: impl Fn(&str) -> Result<String, serde_json::Error>) -> Exit {
    let name = file.display();
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            output::note(&format!("{name}: {error}"));
            return Exit::Unusable;
        }
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let written = match answer(line) {
            Ok(answer) => writeln!(out, "{answer}"),
            Err(error) => {
                output::note(&format!("{name}:{}: {error}", at + 1));
                return Exit::Unusable;
            }
        };
        if written.is_err() {
            return Exit::Unusable;
        }
    }
    if out.flush().is_err() { Exit::Unusable } else { Exit::Holds }
}
