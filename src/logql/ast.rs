//! The syntax tree of LogQL. Every node knows its place, and every stage carries what its evaluation needs. Shapes follow Loki's
//! `pkg/logql/syntax/ast.go`; parentheses are no nodes, and operations on two literals are one literal, as there.

use crate::labels::Matcher;
pub use crate::syntax::{BinaryOp, Cardinality, VectorMatching};
use crate::text::Span;
use crate::time::{Duration, Nanoseconds};

/// A whole query.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// Yields entries.
    Log(LogQuery),
    /// Yields samples.
    Metric(Expr),
}

/// `{job="node"} | json | level="error"`.
#[derive(Clone, Debug, PartialEq)]
pub struct LogQuery {
    pub selector: Selector,
    pub stages: Vec<Stage>,
    pub span: Span,
}

/// The streams of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    /// In the order written.
    pub matchers: Vec<Matcher>,
    /// With its braces.
    pub span: Span,
}

/// One step of a pipeline and the bytes that it was read from, its `|` included.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    pub kind: StageKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum StageKind {
    /// Line filters without another stage between them: an entry stays if all of them hold.
    LineFilters(Vec<LineFilter>),
    /// `json`; without extractions all fields become labels.
    Json(Vec<Extraction>),
    /// `logfmt`; without extractions all pairs become labels.
    Logfmt(Logfmt),
    /// `regexp`: the pattern compiles, has a named group, and no two groups of one name.
    Regexp(String),
    /// `pattern`: the pattern is valid and has a named capture.
    Pattern(String),
    Unpack,
    LabelFilter(LabelFilter),
    /// `line_format`: a template; whether it is valid says the compilation of the pipeline.
    LineFormat(String),
    /// `label_format`; that no name is set twice is for the compilation of the pipeline to check.
    LabelFormat(Vec<LabelFormat>),
    Decolorize,
    Drop(Vec<LabelChoice>),
    Keep(Vec<LabelChoice>),
}

/// How a line filter compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineMatch {
    /// `|=`
    Contains,
    /// `!=`
    ContainsNot,
    /// `|~`
    Regex,
    /// `!~`
    RegexNot,
    /// `|>`
    Pattern,
    /// `!>`
    PatternNot,
}

impl LineMatch {
    pub const fn as_str(self) -> &'static str {
        match self {
            LineMatch::Contains => "|=",
            LineMatch::ContainsNot => "!=",
            LineMatch::Regex => "|~",
            LineMatch::RegexNot => "!~",
            LineMatch::Pattern => "|>",
            LineMatch::PatternNot => "!>",
        }
    }

    /// `!=`, `!~` and `!>` keep what does not match.
    pub const fn is_negative(self) -> bool {
        matches!(self, LineMatch::ContainsNot | LineMatch::RegexNot | LineMatch::PatternNot)
    }
}

/// `|= "a" or "b"`.
#[derive(Clone, Debug, PartialEq)]
pub struct LineFilter {
    pub op: LineMatch,
    /// The entry stays if one of them holds; never empty. A negative filter has one: `!= "a" or "b"` is read as `!= "a" != "b"`.
    pub alternatives: Vec<LinePattern>,
    pub span: Span,
}

/// What a line is compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct LinePattern {
    pub text: String,
    /// `ip("...")`. Among several alternatives Loki 3.7 compares the text as it stands all the same (`newOrFilter`).
    pub ip: bool,
}

/// `name="expression"` behind `json` and `logfmt`; the expression is the name where none is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Extraction {
    pub name: String,
    /// A path into JSON, or a key of logfmt. Whether it is one says the compilation of the pipeline.
    pub expression: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logfmt {
    /// `--strict`
    pub strict: bool,
    /// `--keep-empty`
    pub keep_empty: bool,
    pub extractions: Vec<Extraction>,
}

/// `a=b` or `a="template"`.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelFormat {
    pub name: String,
    pub value: LabelFormatValue,
}

#[derive(Clone, Debug, PartialEq)]
pub enum LabelFormatValue {
    /// The label of this name is renamed.
    Rename(String),
    Template(String),
}

/// What `drop` or `keep` names.
#[derive(Clone, Debug, PartialEq)]
pub enum LabelChoice {
    Name(String),
    /// The label, where it has such a value.
    Matcher(Matcher),
}

/// A condition on labels, and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelFilter {
    pub kind: LabelFilterKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum LabelFilterKind {
    /// `a="b"`, `a=~"b.*"`
    String(Matcher),
    /// `a > 5`
    Number(Threshold<f64>),
    /// `a > 5s`
    Duration(Threshold<Nanoseconds>),
    /// `a > 5KB`, in bytes
    Bytes(Threshold<u64>),
    /// `a = ip("10.0.0.0/8")`
    Ip(IpFilter),
    /// `and`, a comma, or nothing between the two.
    And(Box<LabelFilter>, Box<LabelFilter>),
    Or(Box<LabelFilter>, Box<LabelFilter>),
}

/// A label whose value is converted and compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold<T> {
    pub name: String,
    /// A comparison.
    pub op: BinaryOp,
    pub value: T,
}

#[derive(Clone, Debug, PartialEq)]
pub struct IpFilter {
    pub name: String,
    /// `!=`
    pub negative: bool,
    /// An address, a network or a range; whether it is one says the compilation of the pipeline.
    pub pattern: String,
}

/// `| unwrap duration(took) | took > 1`.
#[derive(Clone, Debug, PartialEq)]
pub struct Unwrap {
    pub label: String,
    pub conversion: Option<Conversion>,
    /// Conditions behind it, each of which has to hold.
    pub filters: Vec<LabelFilter>,
    pub span: Span,
}

/// How the value of a label becomes a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Conversion {
    Bytes,
    /// Seconds.
    Duration,
    /// Seconds, too.
    DurationSeconds,
}

impl Conversion {
    pub const ALL: [Conversion; 3] = [Conversion::Bytes, Conversion::Duration, Conversion::DurationSeconds];

    pub const fn as_str(self) -> &'static str {
        match self {
            Conversion::Bytes => "bytes",
            Conversion::Duration => "duration",
            Conversion::DurationSeconds => "duration_seconds",
        }
    }
}

/// `{job="node"} | logfmt | unwrap took [5m] offset 1h`.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRange {
    pub query: LogQuery,
    pub unwrap: Option<Unwrap>,
    pub range: Duration,
    /// Zero where none is written.
    pub offset: Nanoseconds,
    pub span: Span,
}

/// An expression that yields samples, and the bytes that it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    RangeAggregate(Box<RangeAggregate>),
    VectorAggregate(Box<VectorAggregate>),
    Binary(Box<Binary>),
    /// A number that matches all series.
    Literal(f64),
    /// `vector(1)`: a series without labels.
    Vector(f64),
    LabelReplace(Box<LabelReplace>),
    /// `variants(...) of (...)`: parsed and printed; no Loki evaluates it as it comes.
    Variants(Box<Variants>),
}

/// An aggregation over the entries of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RangeOp {
    CountOverTime,
    Rate,
    RateCounter,
    BytesOverTime,
    BytesRate,
    AvgOverTime,
    SumOverTime,
    MinOverTime,
    MaxOverTime,
    StdvarOverTime,
    StddevOverTime,
    QuantileOverTime,
    FirstOverTime,
    LastOverTime,
    AbsentOverTime,
}

impl RangeOp {
    pub const ALL: [RangeOp; 15] = [
        RangeOp::CountOverTime,
        RangeOp::Rate,
        RangeOp::RateCounter,
        RangeOp::BytesOverTime,
        RangeOp::BytesRate,
        RangeOp::AvgOverTime,
        RangeOp::SumOverTime,
        RangeOp::MinOverTime,
        RangeOp::MaxOverTime,
        RangeOp::StdvarOverTime,
        RangeOp::StddevOverTime,
        RangeOp::QuantileOverTime,
        RangeOp::FirstOverTime,
        RangeOp::LastOverTime,
        RangeOp::AbsentOverTime,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            RangeOp::CountOverTime => "count_over_time",
            RangeOp::Rate => "rate",
            RangeOp::RateCounter => "rate_counter",
            RangeOp::BytesOverTime => "bytes_over_time",
            RangeOp::BytesRate => "bytes_rate",
            RangeOp::AvgOverTime => "avg_over_time",
            RangeOp::SumOverTime => "sum_over_time",
            RangeOp::MinOverTime => "min_over_time",
            RangeOp::MaxOverTime => "max_over_time",
            RangeOp::StdvarOverTime => "stdvar_over_time",
            RangeOp::StddevOverTime => "stddev_over_time",
            RangeOp::QuantileOverTime => "quantile_over_time",
            RangeOp::FirstOverTime => "first_over_time",
            RangeOp::LastOverTime => "last_over_time",
            RangeOp::AbsentOverTime => "absent_over_time",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct RangeAggregate {
    pub op: RangeOp,
    /// The quantile; present for `quantile_over_time` alone.
    pub param: Option<f64>,
    pub range: LogRange,
    pub grouping: Option<Grouping>,
}

/// An aggregation over series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VectorOp {
    Sum,
    Avg,
    Count,
    Max,
    Min,
    Stddev,
    Stdvar,
    Bottomk,
    Topk,
    Sort,
    SortDesc,
    ApproxTopk,
}

impl VectorOp {
    pub const ALL: [VectorOp; 12] = [
        VectorOp::Sum,
        VectorOp::Avg,
        VectorOp::Count,
        VectorOp::Max,
        VectorOp::Min,
        VectorOp::Stddev,
        VectorOp::Stdvar,
        VectorOp::Bottomk,
        VectorOp::Topk,
        VectorOp::Sort,
        VectorOp::SortDesc,
        VectorOp::ApproxTopk,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            VectorOp::Sum => "sum",
            VectorOp::Avg => "avg",
            VectorOp::Count => "count",
            VectorOp::Max => "max",
            VectorOp::Min => "min",
            VectorOp::Stddev => "stddev",
            VectorOp::Stdvar => "stdvar",
            VectorOp::Bottomk => "bottomk",
            VectorOp::Topk => "topk",
            VectorOp::Sort => "sort",
            VectorOp::SortDesc => "sort_desc",
            VectorOp::ApproxTopk => "approx_topk",
        }
    }

    /// Whether the first argument says how many series stay.
    pub const fn takes_count(self) -> bool {
        matches!(self, VectorOp::Bottomk | VectorOp::Topk | VectorOp::ApproxTopk)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct VectorAggregate {
    pub op: VectorOp,
    /// How many series stay; present for those that take a count alone, and above zero.
    pub count: Option<usize>,
    pub expr: Expr,
    /// Where none is written: `by ()`.
    pub grouping: Grouping,
}

/// `by (a, b)`, `without (a, b)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grouping {
    pub without: bool,
    /// In the order written.
    pub labels: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Binary {
    pub op: BinaryOp,
    /// Where the operator stands.
    pub op_span: Span,
    pub lhs: Expr,
    pub rhs: Expr,
    /// `bool`: a comparison yields 0 or 1 and does not filter.
    pub return_bool: bool,
    pub matching: VectorMatching,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LabelReplace {
    pub expr: Expr,
    pub destination: String,
    pub replacement: String,
    pub source: String,
    /// It compiles.
    pub regex: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Variants {
    pub variants: Vec<Expr>,
    pub range: LogRange,
}

impl Query {
    pub fn span(&self) -> Span {
        match self {
            Query::Log(query) => query.span,
            Query::Metric(expr) => expr.span,
        }
    }
}

impl Expr {
    /// The expressions right below this one, in the order written.
    pub fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::RangeAggregate(_) | ExprKind::Literal(_) | ExprKind::Vector(_) => Vec::new(),
            ExprKind::VectorAggregate(aggregate) => vec![&aggregate.expr],
            ExprKind::Binary(binary) => vec![&binary.lhs, &binary.rhs],
            ExprKind::LabelReplace(replace) => vec![&replace.expr],
            ExprKind::Variants(variants) => variants.variants.iter().collect(),
        }
    }

    /// The selectors of the streams that it reads, in the order written.
    pub fn selectors(&self) -> Vec<&Selector> {
        let mut found = Vec::new();
        self.walk(&mut |part: &'_ Expr| match &part.kind {
            ExprKind::RangeAggregate(aggregate) => found.push(&aggregate.range.query.selector),
            ExprKind::Variants(variants) => found.push(&variants.range.query.selector),
            _ => {}
        });
        found
    }

    /// Calls `visit` for this expression and all below it, parents first, in the order written.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Expr)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }
}
