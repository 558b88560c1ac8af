//! `firedrill conformance`: answers to the cases of the real systems, to be compared with theirs.

use std::io::Write;
use std::path::PathBuf;

use super::Exit;
use crate::promql;
use crate::template::conformance::Environment;

/// Compare with the real systems: upstream test scripts and recorded answers
#[derive(clap::Args)]
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
}

#[derive(clap::Args)]
struct Cases {
    /// A file with a JSON object a line
    #[arg(long, value_name = "FILE")]
    cases: PathBuf,
}

pub fn run(args: Args) -> Exit {
    match args.kit {
        Kit::PromqlParse(cases) => answer_lines(&cases, promql::conformance::answer),
        Kit::Template(cases) => match Environment::beside(&cases.cases) {
            Ok(environment) => answer_lines(&cases, |line| environment.answer(line)),
            Err(problem) => {
                anstream::eprintln!("{problem}");
                Exit::Unusable
            }
        },
    }
}

/// Answers a file of cases line by line.
fn answer_lines(cases: &Cases, answer: impl Fn(&str) -> Result<String, serde_json::Error>) -> Exit {
    let name = cases.cases.display();
    let text = match std::fs::read_to_string(&cases.cases) {
        Ok(text) => text,
        Err(error) => {
            anstream::eprintln!("{name}: {error}");
            return Exit::Unusable;
        }
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let written = match answer(line) {
            Ok(answer) => writeln!(out, "{answer}"),
            Err(error) => {
                anstream::eprintln!("{name}:{}: {error}", at + 1);
                return Exit::Unusable;
            }
        };
        if written.is_err() {
            return Exit::Unusable;
        }
    }
    if out.flush().is_err() { Exit::Unusable } else { Exit::Holds }
}
