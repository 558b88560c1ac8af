//! A runbook as a machine runs it: queries, conditions over them, causes.

use crate::labels::Matcher;
use crate::logql;
use crate::promql;
use crate::replay::Text;
use crate::syntax::BinaryOp;
use crate::text::{Located, Source, Span};

/// A table of causes, and what people read beside it.
#[derive(Clone, Debug)]
pub struct Runbook {
    pub source: Source,
    /// The file's name without `.yaml`.
    pub name: String,
    pub title: Text,
    pub owner: Text,
    /// Never empty.
    pub alerts: Vec<Text>,
    pub do_first: Vec<Text>,
    pub queries: Vec<Query>,
    /// Never empty; no two have one name.
    pub causes: Vec<Cause>,
    pub escalate_when: Vec<Escalation>,
    pub escalate: Option<Text>,
    pub success: Vec<Condition>,
    pub about: Option<Text>,
    pub links: Vec<Link>,
}

/// A named query.
#[derive(Clone, Debug)]
pub struct Query {
    pub name: Text,
    pub asks: Asks,
    pub shows: Option<Text>,
    pub unit: Option<Text>,
}

/// What is asked, in which language.
#[derive(Clone, Debug)]
pub struct Asks {
    /// As it is written.
    pub text: Located,
    pub expression: Expression,
    /// The same for all that ask the same.
    pub key: String,
}

#[derive(Clone, Debug)]
pub enum Expression {
    /// It yields an instant vector.
    Promql(promql::ast::Expr),
    Logql {
        /// A metric query that yields series; the number of the lines where the text is a log query.
        expr: logql::ast::Expr,
        /// Whether the text is a query for log lines, which are counted.
        lines: bool,
        /// The lines of each selector in the time in which the log may be quiet: without any there is no data. Empty where absence
        /// speaks (`absent_over_time`).
        streams: Vec<logql::ast::Expr>,
    },
}

/// A cause and what belongs to it.
#[derive(Clone, Debug)]
pub struct Cause {
    pub name: Text,
    pub title: Text,
    pub requires: Vec<Condition>,
    /// Never empty.
    pub when: Vec<Condition>,
    pub signs: Vec<Condition>,
    pub fix: Vec<Text>,
    pub undo: Vec<Text>,
    pub verify: Vec<Text>,
    pub next: Option<Text>,
}

/// When more has to be done, and what.
#[derive(Clone, Debug)]
pub struct Escalation {
    pub condition: Condition,
    pub then: Text,
}

/// A condition, and what it means in words.
#[derive(Clone, Debug)]
pub struct Condition {
    pub that: Text,
    pub tests: Tests,
    pub place: Span,
}

#[derive(Clone, Debug)]
pub enum Tests {
    /// It holds where the expression selects something.
    Selects(Box<Asks>),
    /// It holds where the values of a named query are so.
    Compares(Comparison),
}

/// `query: drops, of: {leg="internal"}, all: value == 0`.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Its place among the queries of the runbook.
    pub query: usize,
    /// Those of the series that are asked for; empty for all.
    pub of: Vec<Matcher>,
    pub quantifier: Quantifier,
    pub op: BinaryOp,
    pub figure: f64,
    /// How many series there are when all is there; at least 1.
    pub series: usize,
    /// As it is written: `value > 12`.
    pub written: Text,
}

/// How many of the series have to meet a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    Any,
    All,
    None,
}

impl Quantifier {
    pub const fn as_str(self) -> &'static str {
        match self {
            Quantifier::Any => "any",
            Quantifier::All => "all",
            Quantifier::None => "none",
        }
    }
}

/// Where to read more.
#[derive(Clone, Debug)]
pub struct Link {
    pub title: Text,
    pub url: Text,
}

impl Runbook {
    pub fn query(&self, name: &str) -> Option<&Query> {
        self.queries.iter().find(|query| query.name.text == name)
    }

    /// The place of a cause among the causes.
    pub fn cause(&self, name: &str) -> Option<usize> {
        self.causes.iter().position(|cause| cause.name.text == name)
    }

    /// What a condition asks.
    pub fn asks<'a>(&'a self, condition: &'a Condition) -> &'a Asks {
        match &condition.tests {
            Tests::Selects(asks) => asks,
            Tests::Compares(comparison) => &self.queries[comparison.query].asks,
        }
    }
}

impl Query {
    /// The unit of its values; of log lines, lines.
    pub fn unit(&self) -> Option<&str> {
        let lines = matches!(self.asks.expression, Expression::Logql { lines: true, .. });
        self.unit.as_ref().map(|unit| unit.text.as_str()).or(lines.then_some("lines"))
    }
}

impl Cause {
    /// All its conditions: what it requires, the evidence, the signs.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.requires.iter().chain(&self.when).chain(&self.signs)
    }
}

impl Condition {
    /// Whether two conditions ask the same, in whatever words they say so.
    pub fn is_same(&self, other: &Condition) -> bool {
        match (&self.tests, &other.tests) {
            (Tests::Selects(one), Tests::Selects(other)) => one.key == other.key,
            (Tests::Compares(one), Tests::Compares(other)) => {
                (one.query, one.quantifier, one.op, one.series)
                    == (other.query, other.quantifier, other.op, other.series)
                    && one.figure == other.figure
                    && one.of == other.of
            }
            _ => false,
        }
    }
}

impl Asks {
    pub fn new(text: Located, expression: Expression) -> Asks {
        let key = match &expression {
            Expression::Promql(expr) => format!("promql {expr}"),
            Expression::Logql { expr, .. } => format!("logql {expr}"),
        };
        Asks { text, expression, key }
    }

    /// `promql` or `logql`.
    pub const fn language(&self) -> &'static str {
        match self.expression {
            Expression::Promql(_) => "promql",
            Expression::Logql { .. } => "logql",
        }
    }
}
