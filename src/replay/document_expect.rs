//! What alerting did, or must do, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::deserialize::{Entries, Text};
use super::tree::Node;

/// What alerting did (`happened`) or must do (`expect`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Expectations")]
pub struct ExpectDoc {
    /// One entry for each alert instance: a selector and what it does. Where a selector selects several instances, one of
    /// them has to meet all of the entry; `never` holds for every one. As in
    /// `- 'RequestErrorsToAPI{path="/api/v1/write"}': {active: {at: "15:09:00"}, times: 1}` or `- ServiceDown: never`.
    #[serde(default)]
    pub alerts: Vec<AlertEntryDoc>,
    /// Every other alert and label set: `silent` (nothing else fires), or `{severity: page}` (nothing else with
    /// these labels fires).
    #[serde(default)]
    pub others: Option<OthersDoc>,
    /// Queries and what they return.
    #[serde(default)]
    pub queries: Vec<QueryDoc>,
    /// Which cause a runbook must name.
    #[serde(default)]
    pub triage: Option<TriageDoc>,
}

/// A selector and what the alerts that it selects do.
#[derive(Clone, Debug)]
pub struct AlertEntryDoc {
    pub selector: Text,
    pub does: AlertDoc,
}

/// What an alert does: each line that is written must hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertDoc {
    /// When its condition begins to hold (Prometheus' ActiveAt), or `never`.
    #[serde(default)]
    pub active: Option<OccursDoc>,
    /// When it fires (`for` has passed), or `never`.
    #[serde(default)]
    pub fires: Option<OccursDoc>,
    /// When it resolves after it fired, or `never`.
    #[serde(default)]
    pub resolves: Option<OccursDoc>,
    /// How often it begins to fire, over all label sets that the selector selects.
    #[serde(default)]
    pub times: Option<u32>,
    /// It fires for at least this long, the longest firing counts.
    #[serde(default)]
    pub lasts: Option<Text>,
    /// Its state at a time: `{"15:32": firing, stuck.from: inactive}`; `inactive`, `pending` or `firing`.
    #[serde(default)]
    pub state: Entries<Text>,
    /// All that fires at a time, and nothing else of what the selector selects:
    /// `{"15:32": [{labels: {severity: page}}], "15:09": []}`.
    #[serde(default)]
    pub firing: Entries<Vec<FiringDoc>>,
    /// Why it is right that no series of this alert is in the replay; without it an alert that reads nothing
    /// is BLIND, and `never` fails.
    #[serde(default)]
    pub blind: Option<Text>,
}

/// An alert instance that fires.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FiringDoc {
    /// All its labels; `alertname` may be left out where the selector says it.
    #[serde(default)]
    pub labels: Entries<Text>,
    /// All its annotations as they stand then; not compared unless written.
    #[serde(default)]
    pub annotations: Option<Entries<Text>>,
}

/// When something happens: `at` a time, `within` some time `after` a mark (after `start` unless written), or
/// `before` or `after` a time.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhenDoc {
    /// Exactly then.
    #[serde(default)]
    pub at: Option<Text>,
    /// Not later than so long after `after`.
    #[serde(default)]
    pub within: Option<Text>,
    /// Not earlier than this.
    #[serde(default)]
    pub after: Option<Text>,
    /// Not later than this.
    #[serde(default)]
    pub before: Option<Text>,
}

/// `never`, or when.
#[derive(Clone, Debug)]
pub enum OccursDoc {
    Never(Text),
    When(WhenDoc, crate::text::Span),
}

/// `silent`, or the labels of the alerts that must be silent.
#[derive(Clone, Debug)]
pub enum OthersDoc {
    Silent(Text),
    Labels(Vec<(Text, Text)>),
}

/// A query and what it returns. One of `promql`, `logql`, `document`; `at`, or `from`, `to` and `step`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryDoc {
    /// A PromQL query.
    #[serde(default)]
    pub promql: Option<Text>,
    /// A LogQL query. At one time, a query for lines asks for those of the hour before, as Loki does where nothing says since when;
    /// in a range, for those from the first time on and before the last.
    #[serde(default)]
    pub logql: Option<Text>,
    /// A place in a document whose queries are all run, PromQL and LogQL: `incident.md#key-metrics`.
    #[serde(default)]
    pub document: Option<Text>,
    /// An instant query at this time or mark.
    #[serde(default)]
    pub at: Option<Text>,
    /// A range query from here on.
    #[serde(default)]
    pub from: Option<Text>,
    /// The last step of a range query.
    #[serde(default)]
    pub to: Option<Text>,
    /// The step of a range query; the replay's `interval` unless written.
    #[serde(default)]
    pub step: Option<Text>,
    /// Exactly what comes back: a number, or a list of `{label: value, ..., value: 2.2}`; a range query's rows
    /// have `values: [...]`. Of a query for log lines: how many there are, or the lines, oldest first.
    #[serde(default)]
    #[schemars(with = "Option<ReturnsDoc>")]
    pub returns: Option<Node>,
    /// `something` or `nothing`.
    #[serde(default)]
    pub selects: Option<Text>,
    /// How far a value may be off: a figure (`0.01`), or a part of the value that is expected (`1%` of 200 are 2, of 0 is 0);
    /// nothing unless written.
    #[serde(default)]
    pub tolerance: Option<Text>,
}

/// What a query returns.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "describes `returns` in the schema; it is read from the tree")]
pub enum ReturnsDoc {
    Number(Text),
    Rows(Vec<std::collections::BTreeMap<String, serde_json::Value>>),
    Lines(Vec<Text>),
}

/// Which cause a runbook must name, and none other before it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TriageDoc {
    /// The runbook's name (`vmagent` is `runbooks/vmagent.yaml` in this folder or one above), or its path.
    pub runbook: Text,
    /// The cause, or `none`: the runbook must not name any.
    pub cause: Text,
    /// At the latest so long after `after`; to the end of the day unless written.
    #[serde(default)]
    pub within: Option<Text>,
    /// From when on: a time, a mark, or `page` for the moment at which the first of the runbook's alerts fires. `page` unless written;
    /// for `none`, the start, as soon as every target has been scraped.
    #[serde(default)]
    pub after: Option<Text>,
    /// Why it is right that nobody can say anything of a cause on this day; without it, a cause that is not named because its conditions
    /// have no data is BLIND.
    #[serde(default)]
    pub blind: Option<Text>,
}
