//! What a rule file says: groups of rules, in the order they are written, each value with its place.

use crate::logql;
use crate::promql::ast::Expr;
use crate::text::{Diagnostic, Located, Source, Span};
use crate::time::Duration;

/// One file of rules, as read.
#[derive(Clone, Debug)]
pub struct RuleFile {
    pub source: Source,
    /// In the order of the file; groups of a language that is not run are among them, without rules.
    pub groups: Vec<Group>,
    /// Documents of other kinds in a file of Kubernetes manifests.
    pub skipped_documents: usize,
    /// What is odd and no error: rules of equal names and labels, documents that Prometheus would not read.
    pub warnings: Vec<Diagnostic>,
}

/// Rules that are evaluated together, one after the other.
#[derive(Clone, Debug)]
pub struct Group {
    pub name: Located,
    /// The file it is from.
    pub file: Source,
    /// The whole group.
    pub span: Span,
    /// Time between evaluations; `None`: the global one.
    pub interval: Option<Duration>,
    /// How far back of the evaluation time its queries ask; `None`: the global one.
    pub query_offset: Option<Duration>,
    /// The most alerts (or series of a recording rule) a rule may yield; `None`: no limit (0 in the file).
    pub limit: Option<u64>,
    /// Labels of every rule, in the order written; already merged into the rules.
    pub labels: Vec<(String, Located)>,
    pub language: Language,
    pub rules: Vec<Rule>,
    /// How many rules are not in `rules`, for they are in a language that is not run.
    pub unread: usize,
}

/// What the expressions of a group are written in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Language {
    Promql,
    Logql,
    /// VictoriaMetrics' extension of PromQL: what is PromQL too is evaluated as that, the rest is not.
    Metricsql,
    /// Another language, which is not run: the reason, for people.
    Skipped(String),
}

/// An alert or a recording rule.
#[derive(Clone, Debug)]
pub struct Rule {
    pub kind: RuleKind,
    /// The alert's name, or the name of the series that is recorded.
    pub name: Located,
    pub query: Query,
    /// The expression as written; spans in `query` are spans of this text.
    pub expr: Located,
    /// The group's labels, replaced by the rule's own where both have one, sorted by name (Prometheus `rules.FromMaps`).
    pub labels: Vec<(String, Located)>,
    /// Whether rules in PromQL can read what it writes: they cannot where Loki evaluates it, unless that is remote-written.
    pub readable: bool,
    /// The whole rule.
    pub span: Span,
}

/// What a rule does with the result.
#[derive(Clone, Debug)]
pub enum RuleKind {
    Alert {
        /// How long the condition has to hold before the alert fires; zero: at once.
        for_: Duration,
        /// How long the alert goes on firing when the condition has ended.
        keep_firing_for: Duration,
        /// Templates, sorted by name.
        annotations: Vec<(String, Located)>,
    },
    Record,
}

/// The expression of a rule.
#[derive(Clone, Debug)]
pub enum Query {
    Promql(Expr),
    /// Loki evaluates metric queries alone.
    Logql(logql::ast::Expr),
    /// MetricsQL that PromQL does not know, kept as text in `Rule::expr`.
    Metricsql,
}

/// An expression that yields samples, or a part of one, in its language.
#[derive(Clone, Copy, Debug)]
pub enum Expression<'a> {
    Promql(&'a Expr),
    Logql(&'a logql::ast::Expr),
}

impl Expression<'_> {
    /// Its place in the text of the whole expression.
    pub fn span(&self) -> Span {
        match self {
            Expression::Promql(expr) => expr.span,
            Expression::Logql(expr) => expr.span,
        }
    }
}

impl<'a> From<&'a Expr> for Expression<'a> {
    fn from(expr: &'a Expr) -> Expression<'a> {
        Expression::Promql(expr)
    }
}

impl<'a> From<&'a logql::ast::Expr> for Expression<'a> {
    fn from(expr: &'a logql::ast::Expr) -> Expression<'a> {
        Expression::Logql(expr)
    }
}

impl Rule {
    pub fn is_alert(&self) -> bool {
        matches!(self.kind, RuleKind::Alert { .. })
    }

    /// The PromQL expression; `None` for a rule in another language.
    pub fn promql(&self) -> Option<&Expr> {
        match &self.query {
            Query::Promql(expr) => Some(expr),
            Query::Logql(_) | Query::Metricsql => None,
        }
    }

    /// The LogQL expression; `None` for a rule in another language.
    pub fn logql(&self) -> Option<&logql::ast::Expr> {
        match &self.query {
            Query::Logql(expr) => Some(expr),
            Query::Promql(_) | Query::Metricsql => None,
        }
    }

    /// The expression that is evaluated; `None` for a rule in a language that is not.
    pub fn expression(&self) -> Option<Expression<'_>> {
        match &self.query {
            Query::Promql(expr) => Some(expr.into()),
            Query::Logql(expr) => Some(expr.into()),
            Query::Metricsql => None,
        }
    }
}

impl RuleFile {
    /// Rules of all groups, in order.
    pub fn rules(&self) -> impl Iterator<Item = (&Group, &Rule)> {
        self.groups.iter().flat_map(|group| group.rules.iter().map(move |rule| (group, rule)))
    }
}
