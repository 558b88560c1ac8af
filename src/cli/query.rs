//! `firedrill query`: asks a replay what a Prometheus, or a Loki, would have answered that day.

use std::path::PathBuf;

use clap::ValueEnum;

use super::{Exit, output, query_logs};
use crate::drill::{self, Playback, discover};
use crate::engine::{Matrix, Mode, Steps};
use crate::logql;
use crate::promql;
use crate::promql::ast::ValueType;
use crate::promql::eval::Profile;
use crate::promql::eval::Query;
use crate::report::result::{self, Answer};
use crate::syntax::ParseError;
use crate::text::{Diagnostic, Source};
use crate::time::{Duration, MAX_STEPS, Timestamp};

/// Ask a replay: an instant query, or a range query with --from, --to and --step
#[derive(clap::Args)]
#[command(after_help = "Examples:
  firedrill query 'increase(vm_http_request_errors_total[5m])' --replay incidents/vmagent-remote-write --at 15:32
  firedrill query vmagent_remotewrite_pending_data_bytes --replay incidents/vmagent-remote-write \\
      --from 15:00 --to 16:10 --step 5m --format csv
  firedrill query --logql '{job=\"devvm-journal\"} |= \"ws close\" | logfmt | dur_ms > 60000' --replay incidents/t3-drop-attribution
  firedrill query --logql 'sum by (level) (count_over_time({filename=~\".+\"} | logfmt [5m]))' --logs app.log

The answer is the one that somebody would have seen at that time: samples that arrived later are not in it.
--hindsight asks after the fact. Rules have been evaluated, so recorded series and ALERTS can be asked for.

With --logql the expression is LogQL as Loki 3.7 evaluates it. Log lines are asked for from --from on and before --to, all of
them unless told otherwise, the newest first; metric queries as in PromQL. The lines of a file that names no streams are one
stream, {filename=\"...\"}.")]
pub struct Args {
    /// A PromQL expression; a LogQL one with --logql
    #[arg(allow_hyphen_values = true)]
    pub(super) expr: String,
    /// The replay, or a folder with one in it
    #[arg(long, value_name = "PATH", required_unless_present = "logs")]
    pub(super) replay: Option<PathBuf>,
    /// The expression is LogQL, over the log lines of the replay or of --logs
    #[arg(long)]
    logql: bool,
    /// A file of log lines in place of a replay: text, JSON, journald's or a saved answer of Loki; implies --logql
    #[arg(long, value_name = "FILE", conflicts_with_all = ["replay", "variant"])]
    pub(super) logs: Option<PathBuf>,
    /// How the lines of --logs write their time, as strftime does [default: found out]
    #[arg(long, value_name = "PATTERN", requires = "logs")]
    pub(super) time: Option<String>,
    /// The field of JSON lines that holds their time [default: found out]
    #[arg(long, value_name = "NAME", requires = "logs")]
    pub(super) field: Option<String>,
    /// The most log lines of an answer [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) limit: Option<u32>,
    /// The oldest log lines first
    #[arg(long)]
    pub(super) forward: bool,
    /// Another day of the replay than its base
    #[arg(long, value_name = "NAME")]
    pub(super) variant: Option<String>,
    /// The time of an instant query: `15:32`, a full date, or a mark such as `stuck.from+5m` [default: the end]
    #[arg(long, value_name = "TIME", conflicts_with_all = ["from", "to", "step"])]
    pub(super) at: Option<String>,
    /// The first step of a range query
    #[arg(long, value_name = "TIME", requires = "to")]
    pub(super) from: Option<String>,
    /// The last step of a range query
    #[arg(long, value_name = "TIME", requires = "from")]
    pub(super) to: Option<String>,
    /// The distance between the steps [default: the replay's interval]
    #[arg(long, value_name = "DURATION", requires = "from")]
    pub(super) step: Option<Duration>,
    /// See all samples, those that arrived later too
    #[arg(long)]
    hindsight: bool,
    /// The most samples that the day may have [default: `limits` of firedrill.yaml, else 50 million]
    #[arg(long, value_name = "N")]
    max_samples: Option<u64>,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Table,
    /// As Prometheus' HTTP API answers, or Loki's
    Json,
    Csv,
}

pub fn run(args: Args) -> Exit {
    if args.logql || args.logs.is_some() {
        return output::finish(query_logs::answer(&args));
    }
    output::finish(answer(&args).map(|answer| match args.format {
        Format::Table => result::to_table(&answer),
        Format::Json => result::to_json(&answer).to_string() + "\n",
        Format::Csv => result::to_csv(&answer),
    }))
}

fn answer(args: &Args) -> Result<Answer, Vec<Diagnostic>> {
    let source = Source::new("<expr>", args.expr.clone());
    let at = |error: ParseError| {
        let span = error.span;
        let problem = error.diagnostic().at(&source, span);
        let logql = logql::parse(&args.expr).is_ok();
        vec![if logql { problem.help("this is LogQL: ask the log lines with --logql") } else { problem }]
    };
    let config = super::config()?;
    let expr = promql::parse_with(&args.expr, config.enabled(Profile::prometheus()).features).map_err(at)?;
    let Some(replay) = &args.replay else {
        return Err(vec![Diagnostic::error("nothing to ask").help("name --replay")]);
    };
    let incident = drill::load(&discover::find_one(replay)?, &config)?;
    output::warn(&incident.warnings);
    let limits = super::limits(args.max_samples, &config);
    let day = incident.replay.variant(args.variant.as_deref())?;
    let time = |written: &Option<String>, other: Timestamp| match written {
        Some(written) => day.time_of(written).map_err(|error| vec![error]),
        None => Ok(other),
    };
    let (mode, mut steps) = if args.from.is_some() {
        let (from, to) = (time(&args.from, day.start())?, time(&args.to, day.end())?);
        let step = args.step.unwrap_or(day.interval);
        if step <= Duration::ZERO || to < from {
            return Err(vec![
                Diagnostic::error("a range that never steps").help("--from before --to, and a --step above 0s"),
            ]);
        }
        let count = Steps::count(from, to, step);
        if count > MAX_STEPS as i64 {
            let problem =
                Diagnostic::error(format!("{count} steps are more than the {MAX_STEPS} that Prometheus allows"));
            return Err(vec![problem.help("a larger --step, or a shorter range")]);
        }
        (Mode::Range { start: from, end: to, step }, Steps::range(from, to, step))
    } else {
        let at = time(&args.at, day.end())?;
        (Mode::Instants, Steps(vec![Playback::seen_at(at)]))
    };
    if let Some(last) = steps.0.last().map(|step| step.time).filter(|_| !args.hindsight) {
        let seen = Playback::seen_at(last).frontier;
        steps.0.iter_mut().for_each(|step| step.frontier = seen);
    }
    if args.hindsight {
        steps.0.iter_mut().for_each(|step| step.frontier = crate::store::Moment::END);
    }
    let playback = Playback::new(&incident, day.clone(), limits)?;
    let mut query = Query::compile_for(&expr, playback.profile(), mode)
        .map_err(|error| vec![Diagnostic::error(error.message.clone()).at(&source, error.span)])?;
    if let Some(text) = query.text() {
        return Ok(Answer::String(steps.0.first().map(|step| step.time).unwrap_or_default(), text.to_owned()));
    }
    let failed =
        |error: crate::engine::EvalError| vec![Diagnostic::error(error.message.clone()).at(&source, error.span)];
    if query.value_type() == ValueType::Matrix {
        let Some(step) = steps.0.first().filter(|_| mode == Mode::Instants) else {
            return Err(vec![
                Diagnostic::error("a range query cannot return a range vector")
                    .at(&source, expr.span)
                    .help("ask for it --at one time, or wrap it in a function such as rate"),
            ]);
        };
        return query.run_range_vector(&playback.generated.store, *step).map(Answer::Matrix).map_err(failed);
    }
    let matrix = query.run(&playback.generated.store, &steps, mode).map_err(failed)?;
    if let Some(error) = matrix.errors.values().next() {
        return Err(failed(error.clone()));
    }
    Ok(shape(&query, &matrix, &steps, mode))
}

/// The answer in the shape of its type.
fn shape(query: &Query, matrix: &Matrix, steps: &Steps, mode: Mode) -> Answer {
    if let Mode::Range { .. } = mode {
        let series = matrix.head().labels.iter().enumerate().map(|(column, labels)| {
            let samples = matrix.column_samples(column);
            let samples = samples.filter_map(|(step, sample)| Some((steps.0.get(step)?.time, sample)));
            (labels.clone(), samples.collect())
        });
        return Answer::Matrix(series.collect());
    }
    let at = steps.0.first().map(|step| step.time).unwrap_or_default();
    match query.value_type() {
        ValueType::Scalar => Answer::Scalar(at, matrix.at(0).next().map_or(f64::NAN, |(_, value)| value)),
        _ => Answer::Vector(at, matrix.samples(0).map(|(labels, sample)| (labels.clone(), sample)).collect()),
    }
}
