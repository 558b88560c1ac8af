//! The format `runbook/1` as it is written: every field, with the words that its schema shows.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::replay::{Entries, Later, Text};

/// What the format calls itself; the first key of every runbook.
pub const FORMAT: &str = "runbook/1";

/// How to tell the causes of an alert apart, and what to do about each: what a machine runs, and what people read on the page.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "firedrill runbook/1", rename = "Runbook")]
pub struct RunbookDoc {
    /// The format, always `runbook/1`, and always the first key.
    #[allow(dead_code, reason = "checked before the rest is read")]
    pub firedrill: Text,
    /// One line for people: the headline of the page.
    pub title: Text,
    /// The team whose matter it is.
    pub owner: Text,
    /// The alerts that it is for. The first of them that fires is the page.
    pub alerts: Vec<Text>,
    /// What to do before anything else, one step each.
    #[serde(default)]
    pub do_first: Vec<Text>,
    /// Queries that conditions compare, by name.
    #[serde(default)]
    pub queries: Entries<QueryDoc>,
    /// What it can be, in the order in which people should think of it.
    pub causes: Vec<Later<CauseDoc>>,
    /// When somebody else has to know, or more has to be done, whatever the cause.
    #[serde(default)]
    pub escalate_when: Vec<Later<ConditionDoc>>,
    /// Whom to tell, and how.
    #[serde(default)]
    pub escalate: Option<Text>,
    /// When it is over: all of these hold.
    #[serde(default)]
    pub success: Vec<Later<ConditionDoc>>,
    /// What the alert means, for the end of the page.
    #[serde(default)]
    pub about: Option<Text>,
    /// Where to read more.
    #[serde(default)]
    pub links: Vec<LinkDoc>,
}

/// A named query: one of `promql` and `logql`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryDoc {
    /// A PromQL query that yields an instant vector.
    #[serde(default)]
    pub promql: Option<Text>,
    /// A LogQL query. One for log lines is their number: `sum(count_over_time(QUERY [over]))`, 0 where there are none.
    #[serde(default)]
    pub logql: Option<Text>,
    /// What it shows, in a few words.
    #[serde(default)]
    pub shows: Option<Text>,
    /// The unit of its values, for people: `lines`, `drops/s`.
    #[serde(default)]
    pub unit: Option<Text>,
    /// The time in which log lines are counted; 5m unless written.
    #[serde(default)]
    pub over: Option<Text>,
    /// How long the streams that a LogQL query selects may have no line at all before that is no data; 1h unless written.
    #[serde(default)]
    pub quiet: Option<Text>,
}

/// A cause. It is the one if all of `requires` and of `when` hold; it is exonerated if something of `when` does not hold while all of
/// `requires` does; otherwise nobody can say.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CauseDoc {
    /// What replays call it in `expect.triage`.
    pub name: Text,
    /// What it is, in one line for people.
    pub title: Text,
    /// What has to be there for anybody to say anything: a probe that is itself down exonerates nobody.
    #[serde(default)]
    pub requires: Vec<Later<ConditionDoc>>,
    /// The evidence: each has to hold.
    #[serde(default)]
    pub when: Vec<Later<ConditionDoc>>,
    /// What goes with it and is told, and need not hold.
    #[serde(default)]
    pub signs: Vec<Later<ConditionDoc>>,
    /// How to mend it, one step each.
    #[serde(default)]
    pub fix: Vec<Text>,
    /// How to take the mending back.
    #[serde(default)]
    pub undo: Vec<Text>,
    /// How to see that it is mended, beside `success`.
    #[serde(default)]
    pub verify: Vec<Text>,
    /// The next step, in one line.
    #[serde(default)]
    pub next: Option<Text>,
}

/// A condition: an expression that selects something (`promql` or `logql`), or a named query (`query`) and what its values are (`any`, `all`,
/// `none`). It holds, does not hold, or there is no data to tell.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConditionDoc {
    /// What it means that it holds, in words: `all three legs are clean`.
    pub that: Text,
    /// Holds where this PromQL expression selects something; no data where it would not, whatever the values.
    #[serde(default)]
    pub promql: Option<Text>,
    /// Holds where this LogQL expression, a metric query, selects something; no data where its streams have no line.
    #[serde(default)]
    pub logql: Option<Text>,
    /// The name of a query.
    #[serde(default)]
    pub query: Option<Text>,
    /// Only the series of its answer that these matchers select: `{leg="cloudflare"}`.
    #[serde(default)]
    pub of: Option<Text>,
    /// Holds where a series meets it: `value > 12`.
    #[serde(default)]
    pub any: Option<Text>,
    /// Holds where every series meets it: `value == 0`.
    #[serde(default)]
    pub all: Option<Text>,
    /// Holds where no series meets it.
    #[serde(default)]
    pub none: Option<Text>,
    /// How many series there are when all is there; what fewer leave open is no data. 1 unless written.
    #[serde(default)]
    pub series: Option<u32>,
    /// For `logql`: how long its streams may have no line at all before that is no data; 1h unless written.
    #[serde(default)]
    pub quiet: Option<Text>,
    /// What to do then; of `escalate_when` alone.
    #[serde(default)]
    pub then: Option<Text>,
}

/// Where to read more.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkDoc {
    /// What is there.
    pub title: Text,
    /// An address, or a path relative to the runbook.
    pub url: Text,
}
