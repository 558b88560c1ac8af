//! Reads a runbook: its fields, its queries, its conditions, each checked where it stands.

use std::path::Path;

use super::document::{CauseDoc, ConditionDoc, FORMAT, QueryDoc, RunbookDoc};
use super::model::{
    Asks, Cause, Comparison, Condition, Escalation, Expression, Link, Quantifier, Query, Runbook, Tests,
};
use crate::logql::pipeline::Pipeline;
use crate::logql::{self, ast as log};
use crate::promql::ast::{Binary, Expr, ExprKind, UnaryOp, ValueType};
use crate::promql::{self};
use crate::replay::{Later, NO_CAUSE, Reader, Text, hint};
use crate::syntax::BinaryOp;
use crate::text::yaml::read_documents;
use crate::text::{Diagnostic, Located, Source, Span};
use crate::time::{Duration, Nanoseconds};

/// The time in which log lines are counted where nothing else says.
const OVER: Duration = Duration(300_000);

/// How long a log may be quiet where nothing else says.
const QUIET: Duration = Duration(3_600_000);

/// Whether a text is a runbook, as far as its first key tells.
pub fn is_runbook(text: &str) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().filter(|line| !line.trim_start().starts_with(['#', '%']) && !line.trim().is_empty());
    let first = lines.find(|line| line.trim_end() != "---").and_then(|line| line.split_once(':'));
    first.is_some_and(|(key, value)| {
        key.trim().trim_matches(['"', '\'']) == "firedrill"
            && value.trim().trim_matches(['"', '\'']).starts_with("runbook/")
    })
}

/// Reads a runbook.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub fn read(source: &Source) -> Result<Runbook, Vec<Diagnostic>> {
    let documents = read_documents(source).map_err(|problem| vec![problem])?;
    let [tree] = documents.as_slice() else {
        let message = format!("{} YAML documents where a runbook is one", documents.len());
        return Err(vec![Diagnostic::error(message).at(source, Span::default())]);
    };
    let help = format!("begin the file with `firedrill: {FORMAT}`");
    let format = tree.get("firedrill");
    if format.and_then(|format| format.text()) != Some(FORMAT) {
        let (what, span) = match format {
            None => ("this is no runbook: it does not say its format", tree.span),
            Some(format) => ("an unknown format of runbooks", format.span),
        };
        return Err(vec![Diagnostic::error(what).help(help).at(source, span)]);
    }
    let reader = Reader::new(source);
    let read = reader.read::<RunbookDoc>(tree).map(|doc| runbook(doc, &reader));
    match read {
        Some(runbook) if reader.is_clean() => Ok(runbook),
        _ => {
            let mut problems = reader.into_problems();
            problems.sort_by_key(|problem| problem.place.as_ref().map(|(_, span)| *span));
            Err(problems)
        }
    }
}

fn runbook(doc: RunbookDoc, reader: &Reader<'_>) -> Runbook {
    let source = reader.source;
    let nothing = |list: &str, help: &str| {
        let problem = Diagnostic::error(format!("a runbook without {list}")).help(help.to_owned());
        reader.problem(Span::new(0, doc.firedrill.span.end), problem);
    };
    if doc.alerts.is_empty() {
        nothing("alerts", "write `alerts: [NAME]`: the alerts that it is for");
    }
    if doc.causes.is_empty() {
        nothing("causes", "write `causes: [{name: ..., title: ..., when: [...]}]`");
    }
    for text in [&doc.title, &doc.owner].into_iter().chain(&doc.alerts) {
        if text.text.trim().is_empty() {
            reader.problem(text.span, Diagnostic::error("an empty text"));
        }
    }
    // A query that cannot be read keeps its place, so that what compares it is not told to name another.
    let names: Vec<Text> = doc.queries.0.iter().map(|(name, _)| name.clone()).collect();
    let queries: Vec<Option<Query>> =
        doc.queries.0.iter().map(|(name, entry)| query(name, &entry.read(reader)?, reader)).collect();
    let conditions = Conditions { reader, names: &names, queries: &queries };
    let causes: Vec<Cause> = doc.causes.iter().filter_map(|entry| conditions.cause(entry)).collect();
    for (at, cause) in causes.iter().enumerate() {
        if causes[..at].iter().any(|earlier| earlier.name.text == cause.name.text) {
            let problem = Diagnostic::error(format!("two causes are called `{}`", cause.name.text));
            reader.problem(cause.name.span, problem.help("every cause has a name of its own"));
        }
    }
    let escalate_when = doc.escalate_when.iter().filter_map(|entry| conditions.escalation(entry)).collect();
    let success = conditions.list(&doc.success);
    // The file is refused unless all was read, and then no place has moved.
    let queries = queries.into_iter().flatten().collect();
    Runbook {
        source: source.clone(),
        name: Path::new(source.name()).file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        title: doc.title,
        owner: doc.owner,
        alerts: doc.alerts,
        do_first: doc.do_first,
        queries,
        causes,
        escalate_when,
        escalate: doc.escalate,
        success,
        about: doc.about,
        links: doc.links.into_iter().map(|link| Link { title: link.title, url: link.url }).collect(),
    }
}

/// A name that can be written in replays and on command lines.
fn name(text: &Text, of: &str, reader: &Reader<'_>) -> Option<()> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let problem = match text.text.as_str() {
        "" => Diagnostic::error(format!("{of} without a name")),
        other if !other.chars().all(fits) => Diagnostic::error(format!("`{other}` is not a name for {of}")),
        _ => return Some(()),
    };
    reader.problem(text.span, problem.help("write letters, digits and `-`: leg-down"));
    None
}

fn query(written: &Text, doc: &QueryDoc, reader: &Reader<'_>) -> Option<Query> {
    name(written, "a query", reader)?;
    let asks = match (&doc.promql, &doc.logql) {
        (Some(text), None) => {
            for other in [&doc.over, &doc.quiet].into_iter().flatten() {
                let problem = Diagnostic::error("this is for LogQL");
                reader.problem(other.span, problem.help("a PromQL query has its range in brackets: `rate(x[5m])`"));
            }
            promql_asks(text, reader)
        }
        (None, Some(text)) => {
            let over = duration(doc.over.as_ref(), OVER, reader);
            let quiet = duration(doc.quiet.as_ref(), QUIET, reader);
            let asks = logql_asks(text, Some(over?), quiet?, reader);
            if let (Some(Asks { expression: Expression::Logql { lines: false, .. }, .. }), Some(over)) =
                (&asks, &doc.over)
            {
                let problem = Diagnostic::error("`over` is for a query for log lines, and this yields numbers");
                reader.problem(over.span, problem.help("its range is in its brackets: `rate({...}[5m])`"));
            }
            asks
        }
        _ => {
            let problem = Diagnostic::error("a query is one of `promql` and `logql`");
            reader.problem(written.span, problem.help("write `promql: up == 0`"));
            None
        }
    };
    Some(Query { name: written.clone(), asks: asks?, shows: doc.shows.clone(), unit: doc.unit.clone() })
}

/// A time above zero.
fn duration(text: Option<&Text>, usual: Duration, reader: &Reader<'_>) -> Option<Duration> {
    let Some(text) = text else { return Some(usual) };
    match text.text.trim().parse() {
        Ok(duration) if duration > Duration::ZERO => Some(duration),
        _ => {
            let problem = Diagnostic::error(format!("`{}` is not a length of time", text.text));
            reader.problem(text.span, problem.help("write a number and a unit: 90s, 15m, 1h30m"));
            None
        }
    }
}

fn promql_asks(text: &Text, reader: &Reader<'_>) -> Option<Asks> {
    let located = text.located(reader.source);
    let expr = match promql::parse(&located) {
        Ok(expr) => expr,
        Err(error) => {
            reader.syntax(text, "this is no PromQL", &error, "write an expression such as `up == 0`");
            return None;
        }
    };
    let help = match expr.value_type() {
        ValueType::Vector => return Some(Asks::new(located, Expression::Promql(expr))),
        ValueType::Scalar => match compares_with_bool(&expr) {
            Some((Binary { op, lhs, rhs, .. }, _)) => {
                &format!("write `vector({lhs}) {op} {rhs}`, which selects where it is so")
            }
            None => &format!("write it over series: `up == 0`; or make it one: `vector({expr})`"),
        },
        ValueType::Matrix => "wrap the range in a function: `rate(x[5m])`",
        ValueType::String => "write an expression over series: `up == 0`",
    };
    not_a_vector(&located, expr.span, &format!("a {}", expr.value_type()), help, reader)
}

fn not_a_vector(text: &Located, span: Span, what: &str, help: &str, reader: &Reader<'_>) -> Option<Asks> {
    let problem = Diagnostic::error(format!("this yields {what}, where an instant vector is needed"));
    reader.extend([text.diagnose(span, problem.help(help))]);
    None
}

/// `over`: the time in which lines are counted, where lines may be asked for.
fn logql_asks(text: &Text, over: Option<Duration>, quiet: Duration, reader: &Reader<'_>) -> Option<Asks> {
    let located = text.located(reader.source);
    let query = match logql::parse(&located) {
        Ok(query) => query,
        Err(error) => {
            reader.syntax(text, "this is no LogQL", &error, "write a query such as `{job=\"app\"} |= \"error\"`");
            return None;
        }
    };
    let (expr, lines) = match (query, over) {
        (log::Query::Metric(expr), _) => {
            if matches!(expr.kind, log::ExprKind::Literal(_)) {
                return not_a_vector(&located, expr.span, "a number", "write it over series, or `vector(1)`", reader);
            }
            (expr, false)
        }
        (log::Query::Log(query), Some(over)) => (count(query, over), true),
        (log::Query::Log(query), None) => {
            let help =
                "count the lines: `sum(count_over_time({...} [5m])) > 0`; or make it a named query, which is counted";
            return not_a_vector(&located, query.span, "log lines", help, reader);
        }
    };
    let mut streams: Vec<log::Expr> = Vec::new();
    let mut absence = false;
    expr.walk(&mut |node: &log::Expr| {
        let log::ExprKind::RangeAggregate(aggregate) = &node.kind else { return };
        absence |= aggregate.op == log::RangeOp::AbsentOverTime;
        if let Err(error) = Pipeline::compile(&aggregate.range.query.stages, Nanoseconds::ZERO) {
            reader.extend([located.diagnose(error.span, Diagnostic::error(error.message))]);
        }
        let (selector, span) = (aggregate.range.query.selector.clone(), aggregate.range.query.selector.span);
        let all = count(log::LogQuery { selector, stages: Vec::new(), span }, quiet);
        if !streams.contains(&all) {
            streams.push(all);
        }
    });
    if absence {
        streams.clear();
    }
    Some(Asks::new(located, Expression::Logql { expr, lines, streams }))
}

/// How many entries of a query there are in a time: `sum(count_over_time(QUERY [over]))`.
fn count(query: log::LogQuery, over: Duration) -> log::Expr {
    let span = query.span;
    let range = log::LogRange { query, unwrap: None, range: over, offset: Nanoseconds::ZERO, span };
    let counted = log::RangeAggregate { op: log::RangeOp::CountOverTime, param: None, range, grouping: None };
    let counted = log::Expr { kind: log::ExprKind::RangeAggregate(Box::new(counted)), span };
    let sum =
        log::VectorAggregate { op: log::VectorOp::Sum, count: None, expr: counted, grouping: log::Grouping::default() };
    log::Expr { kind: log::ExprKind::VectorAggregate(Box::new(sum)), span }
}

/// What conditions are read against.
struct Conditions<'a, 'r> {
    reader: &'a Reader<'r>,
    names: &'a [Text],
    /// `None` for those that cannot be read.
    queries: &'a [Option<Query>],
}

impl Conditions<'_, '_> {
    fn cause(&self, entry: &Later<CauseDoc>) -> Option<Cause> {
        let doc = entry.read(self.reader)?;
        name(&doc.name, "a cause", self.reader)?;
        if doc.name.text == NO_CAUSE {
            let problem = Diagnostic::error("no cause can be called `none`");
            self.reader.problem(doc.name.span, problem.help("that is what replays write where no cause is expected"));
        }
        if doc.when.is_empty() {
            let problem = Diagnostic::error(format!("the cause `{}` has no evidence", doc.name.text));
            self.reader.problem(doc.name.span, problem.help("write `when:` and the conditions that hold under it"));
        }
        Some(Cause {
            requires: self.list(&doc.requires),
            when: self.list(&doc.when),
            signs: self.list(&doc.signs),
            name: doc.name,
            title: doc.title,
            fix: doc.fix,
            undo: doc.undo,
            verify: doc.verify,
            next: doc.next,
        })
    }

    fn list(&self, entries: &[Later<ConditionDoc>]) -> Vec<Condition> {
        let read = |entry: &Later<ConditionDoc>| {
            let doc = entry.read(self.reader)?;
            if let Some(then) = &doc.then {
                let problem = Diagnostic::error("`then` is for `escalate_when`");
                self.reader.problem(then.span, problem.help("what to do about a cause is its `fix`, or its `next`"));
            }
            self.condition(&doc, entry.node.span)
        };
        entries.iter().filter_map(read).collect()
    }

    fn escalation(&self, entry: &Later<ConditionDoc>) -> Option<Escalation> {
        let doc = entry.read(self.reader)?;
        let condition = self.condition(&doc, entry.node.span);
        let Some(then) = doc.then else {
            let problem = Diagnostic::error("an escalation that does not say what to do");
            self.reader.problem(entry.node.span, problem.help("write `then: revert the change`"));
            return None;
        };
        Some(Escalation { condition: condition?, then })
    }

    fn condition(&self, doc: &ConditionDoc, place: Span) -> Option<Condition> {
        let compared = [(Quantifier::Any, &doc.any), (Quantifier::All, &doc.all), (Quantifier::None, &doc.none)];
        let compared: Vec<(Quantifier, &Text)> =
            compared.into_iter().filter_map(|(quantifier, text)| Some((quantifier, text.as_ref()?))).collect();
        let of_query = [&doc.of, &doc.any, &doc.all, &doc.none].into_iter().flatten().map(|text| text.span);
        let of_query: Vec<Span> = of_query.chain(doc.series.map(|_| place)).collect();
        let tests = match (&doc.promql, &doc.logql, &doc.query) {
            (Some(text), None, None) => {
                let asks = promql_asks(text, self.reader)?;
                self.can_fail(&asks);
                Some(Tests::Selects(Box::new(asks)))
            }
            (None, Some(text), None) => {
                let quiet = duration(doc.quiet.as_ref(), QUIET, self.reader)?;
                let asks = logql_asks(text, None, quiet, self.reader)?;
                self.can_fail(&asks);
                Some(Tests::Selects(Box::new(asks)))
            }
            (None, None, Some(query)) => {
                let [(quantifier, comparison)] = compared[..] else {
                    let problem = Diagnostic::error("a named query is compared with one of `any`, `all` and `none`");
                    self.reader.problem(query.span, problem.help("write `any: value > 12`"));
                    return None;
                };
                return self.comparison(doc, query, quantifier, comparison).map(|comparison| Condition {
                    that: doc.that.clone(),
                    tests: Tests::Compares(comparison),
                    place,
                });
            }
            _ => {
                let problem = Diagnostic::error("a condition is one of `promql`, `logql` and `query`");
                let help = "write `promql: up == 0`, or `query: NAME` and `any: value > 12`";
                self.reader.problem(place, problem.help(help));
                return None;
            }
        };
        if let Some(span) = of_query.first() {
            let problem = Diagnostic::error("this goes with `query`: an expression compares by itself");
            self.reader.problem(*span, problem.help("give the expression a name under `queries`, or compare in it"));
        }
        if let (Some(quiet), Some(_)) = (&doc.quiet, &doc.promql) {
            self.reader.problem(quiet.span, Diagnostic::error("`quiet` is for LogQL").help("leave it out"));
        }
        Some(Condition { that: doc.that.clone(), tests: tests?, place })
    }

    /// Notes an expression that selects something whatever the values are, since it compares with `bool`.
    fn can_fail(&self, asks: &Asks) {
        let (instead, span) = match &asks.expression {
            Expression::Promql(expr) => {
                let Some((Binary { lhs, op, rhs, .. }, span)) = compares_with_bool(expr) else { return };
                let scalars = lhs.value_type() == ValueType::Scalar && rhs.value_type() == ValueType::Scalar;
                let lhs = if scalars { format!("vector({lhs})") } else { lhs.to_string() };
                (format!("{lhs} {op} {rhs}"), span)
            }
            Expression::Logql { expr, .. } => match &expr.kind {
                log::ExprKind::Binary(binary) if binary.return_bool => {
                    (format!("{} {} {}", binary.lhs, binary.op, binary.rhs), expr.span)
                }
                _ => return,
            },
        };
        let problem = Diagnostic::error("this always selects something: `bool` yields 0 or 1 and drops nothing");
        let help = format!("write `{instead}`, which selects what meets it");
        self.reader.extend([asks.text.diagnose(span, problem.help(help))]);
    }

    fn comparison(
        &self,
        doc: &ConditionDoc,
        query: &Text,
        quantifier: Quantifier,
        written: &Text,
    ) -> Option<Comparison> {
        if let Some(quiet) = &doc.quiet {
            let problem = Diagnostic::error("how long a log may be quiet belongs to the query");
            self.reader.problem(quiet.span, problem.help(format!("write it under `queries: {}:`", query.text)));
        }
        let at = self.names.iter().position(|name| name.text == query.text);
        if at.is_none() {
            let names = self.names.iter().map(|name| name.text.as_str());
            let problem = Diagnostic::error(format!("no query is called `{}`", query.text));
            self.reader.problem(query.span, problem.help(hint(&query.text, "the queries are", names)));
        }
        let of = match &doc.of {
            None => Vec::new(),
            Some(text) => match promql::parse_selector(&text.text) {
                Ok(selector) => selector.matchers,
                // What is no selector may be what stands in the braces of one.
                Err(_) if promql::parse_selector(&format!("{{{}}}", text.text)).is_ok() => {
                    let problem = Diagnostic::error("matchers stand in braces");
                    self.reader.problem(text.span, problem.help(format!("write `of: '{{{}}}'`", text.text.trim())));
                    return None;
                }
                Err(error) => {
                    let otherwise = "write matchers in braces: `'{leg=\"cloudflare\"}'`";
                    self.reader.syntax(text, "these are no matchers", &error, otherwise);
                    return None;
                }
            },
        };
        let compared = comparison(written, self.reader);
        if doc.series == Some(0) {
            let problem = Diagnostic::error("a comparison of no series");
            self.reader.problem(written.span, problem.help("`series` says how many there are when all is there"));
        }
        let (query, (op, figure)) = (at?, compared?);
        // What is wrong with the query was told where it stands.
        self.queries[query].as_ref()?;
        let series = doc.series.map_or(1, |series| series as usize);
        Some(Comparison { query, of, quantifier, op, figure, series, written: written.clone() })
    }
}

/// The comparison with `bool` that an expression is, whatever stands around it; with its place.
fn compares_with_bool(expr: &Expr) -> Option<(&Binary, Span)> {
    match &expr.kind {
        ExprKind::Paren(inner) => compares_with_bool(inner),
        ExprKind::Call(call) if call.function.name == "vector" => call.args.first().and_then(compares_with_bool),
        ExprKind::Binary(binary) if binary.return_bool => Some((binary, expr.span)),
        _ => None,
    }
}

/// Reads `value > 12`.
fn comparison(text: &Text, reader: &Reader<'_>) -> Option<(BinaryOp, f64)> {
    let refuse = || {
        let problem = Diagnostic::error(format!("`{}` does not compare a value", text.text));
        reader.problem(text.span, problem.help("write `value`, one of == != < <= > >=, and a number: `value > 12`"));
        None
    };
    let Ok(expr) = promql::parse(&text.text) else { return refuse() };
    let ExprKind::Binary(binary) = &expr.kind else { return refuse() };
    let is_value = matches!(&binary.lhs.kind, ExprKind::Selector(selector)
        if selector.name == "value" && selector.matchers.len() == 1 && selector.offset.is_none() && selector.at.is_none());
    if !is_value || !binary.op.is_comparison() || binary.return_bool {
        return refuse();
    }
    let figure = match &binary.rhs.kind {
        ExprKind::Number(number) => number.value,
        ExprKind::Unary { op: UnaryOp::Minus, expr } => match &expr.kind {
            ExprKind::Number(number) => -number.value,
            _ => return refuse(),
        },
        _ => return refuse(),
    };
    if figure.is_nan() {
        return refuse();
    }
    Some((binary.op, figure))
}
