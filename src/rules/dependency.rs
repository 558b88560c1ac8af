//! Which rules may read what which rules write, and the order of evaluation that follows from it.

use std::collections::{BTreeSet, HashMap};

use crate::labels::{Labels, METRIC_NAME, MatchOp, Matcher};

use super::{Expression, Group, Rule, RuleKind};
use crate::text::Located;

/// The names of the series that alerts write (Prometheus `rules/alerting.go`).
pub const ALERTS: &str = "ALERTS";
pub const ALERTS_FOR_STATE: &str = "ALERTS_FOR_STATE";

const ALERT_NAME: &str = "alertname";

/// What is known of the series that a rule writes, before it runs.
pub struct Output<'a> {
    names: Vec<&'a str>,
    /// Labels whose value is fixed; of all others nothing is known.
    fixed: Vec<(&'a str, &'a str)>,
}

impl<'a> Output<'a> {
    pub fn of(rule: &'a Rule) -> Output<'a> {
        let written = rule.labels.iter().map(|(name, value)| (name.as_str(), value.value.as_str()));
        match rule.kind {
            // What nobody can read is as if it were not written.
            _ if !rule.readable => Output { names: Vec::new(), fixed: Vec::new() },
            RuleKind::Record => Output { names: vec![&rule.name.value], fixed: written.collect() },
            RuleKind::Alert { .. } => Output {
                names: vec![ALERTS, ALERTS_FOR_STATE],
                // A template may expand to anything; `alertstate` and `alertname` are set after the rule's labels.
                fixed: written
                    .filter(|(name, value)| !value.contains("{{") && *name != "alertstate" && *name != ALERT_NAME)
                    .chain([(ALERT_NAME, rule.name.value.as_str())])
                    .collect(),
            },
        }
    }

    fn fixed(&self, label: &str) -> Option<&'a str> {
        self.fixed.iter().find(|(name, _)| *name == label).map(|(_, value)| *value)
    }

    /// Whether a series that the rule writes may meet all matchers.
    pub fn may_match(&self, matchers: &[Matcher]) -> bool {
        matchers.iter().all(|matcher| match matcher.name.as_ref() {
            METRIC_NAME => self.names.iter().any(|name| matcher.matches(name)),
            label => self.fixed(label).is_none_or(|value| matcher.matches(value)),
        })
    }

    /// The names of the series.
    pub fn names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.names.iter().copied()
    }

    /// Whether the rule may write a series.
    pub fn may_write(&self, labels: &Labels) -> bool {
        self.names.contains(&labels.name()) && self.fixed.iter().all(|(label, value)| labels.get(label) == *value)
    }

    /// Whether both may write one series.
    fn may_meet(&self, other: &Output<'_>) -> bool {
        self.names.iter().any(|name| other.names.contains(name))
            && self.fixed.iter().all(|(label, value)| other.fixed(label).is_none_or(|theirs| theirs == *value))
    }
}

/// Rules that have to be evaluated together, tick by tick, because each may read what another writes; or a single
/// one that can be evaluated for many ticks at once.
#[derive(Debug, PartialEq, Eq)]
pub struct Component {
    /// Indices of rules, increasing.
    pub rules: Vec<usize>,
    pub stepwise: bool,
}

/// What rules write, to be asked who may write what a selector selects.
pub struct Writers<'a> {
    outputs: Vec<Output<'a>>,
    by_name: HashMap<&'a str, Vec<usize>>,
    everybody: Vec<usize>,
}

impl<'a> Writers<'a> {
    pub fn new(rules: &[&'a Rule]) -> Writers<'a> {
        let outputs: Vec<Output<'a>> = rules.iter().map(|rule| Output::of(rule)).collect();
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (writer, output) in outputs.iter().enumerate() {
            for name in &output.names {
                by_name.entry(name).or_default().push(writer);
            }
        }
        Writers { outputs, by_name, everybody: (0..rules.len()).collect() }
    }

    /// The rules that may write a series that meets all matchers, by index.
    pub fn of<'s>(&'s self, matchers: &'s [Matcher]) -> impl Iterator<Item = usize> + 's {
        let named = matchers.iter().find(|m| &*m.name == METRIC_NAME && m.op == MatchOp::Equal);
        let candidates = match named {
            Some(name) if name.value.is_empty() => &[],
            Some(name) => self.by_name.get(&*name.value).map_or(&[][..], Vec::as_slice),
            None => &self.everybody,
        };
        candidates.iter().copied().filter(|writer| self.outputs[*writer].may_match(matchers))
    }
}

/// Components in an order in which each comes after all that it may read. Rules that may write one series are in one
/// component, since whose sample is refused depends on who comes first.
///
/// `reads_anything` says of a rule that it reads what cannot be told beforehand (a `query` in a label's template).
pub fn components(rules: &[&Rule], writers: &Writers<'_>, reads_anything: &dyn Fn(usize) -> bool) -> Vec<Component> {
    let outputs = &writers.outputs;
    let mut edges: Vec<Vec<usize>> = vec![Vec::new(); rules.len()];
    for (reader, rule) in rules.iter().enumerate() {
        if reads_anything(reader) {
            edges[reader].extend(0..rules.len());
            continue;
        }
        for (selector, _) in rule.promql().map(|expr| expr.selectors()).unwrap_or_default() {
            edges[reader].extend(writers.of(&selector.matchers));
        }
    }
    for same_name in writers.by_name.values() {
        // All alerts write `ALERTS`, and those of different names never meet: thousands of them are not compared in pairs.
        let mut namesakes: HashMap<Option<&str>, Vec<usize>> = HashMap::new();
        for writer in same_name {
            namesakes.entry(outputs[*writer].fixed(ALERT_NAME)).or_default().push(*writer);
        }
        let unnamed = namesakes.get(&None).map_or(&[][..], Vec::as_slice);
        for (name, group) in &namesakes {
            for (nth, one) in group.iter().enumerate() {
                let others = if name.is_some() { unnamed } else { &[] };
                for other in group[nth + 1..].iter().chain(others) {
                    if outputs[*one].may_meet(&outputs[*other]) {
                        edges[*one].push(*other);
                        edges[*other].push(*one);
                    }
                }
            }
        }
    }
    for targets in &mut edges {
        targets.sort_unstable();
        targets.dedup();
    }
    strongly_connected(&edges)
}

/// Which groups may read what rules of other groups write: pairs of reader and writer, by index. A `query` in a template may read
/// anything.
pub fn reads(groups: &[Group]) -> BTreeSet<(usize, usize)> {
    let placed = || groups.iter().enumerate().flat_map(|(at, group)| group.rules.iter().map(move |rule| (at, rule)));
    let rules: Vec<&Rule> = placed().map(|(_, rule)| rule).collect();
    let group_of: Vec<usize> = placed().map(|(at, _)| at).collect();
    let writers = Writers::new(&rules);
    let mut found = BTreeSet::new();
    for (reader, rule) in placed() {
        let mut note = |writer: usize| {
            if group_of[writer] != reader {
                found.insert((reader, group_of[writer]));
            }
        };
        let asks = |texts: &[(String, Located)]| texts.iter().any(|(_, text)| text.contains("query"));
        // Templates of rules in LogQL ask Loki, which has no series.
        let alert = rule.promql().is_some().then_some(&rule.kind);
        if matches!(alert, Some(RuleKind::Alert { annotations, .. }) if asks(annotations) || asks(&rule.labels)) {
            (0..rules.len()).for_each(&mut note);
        }
        for (selector, _) in rule.promql().map(|expr| expr.selectors()).unwrap_or_default() {
            writers.of(&selector.matchers).for_each(&mut note);
        }
    }
    found
}

/// The matchers of the selectors of expressions.
#[derive(Clone, Debug, Default)]
pub struct Sources<'a> {
    pub series: Vec<&'a [Matcher]>,
    pub streams: Vec<&'a [Matcher]>,
}

impl Sources<'_> {
    /// Whether a series is among what is read.
    pub fn reads_series(&self, labels: &Labels) -> bool {
        Sources::meets(&self.series, labels)
    }

    /// Whether a stream is among what is read.
    pub fn reads_stream(&self, labels: &Labels) -> bool {
        Sources::meets(&self.streams, labels)
    }

    fn meets(read: &[&[Matcher]], labels: &Labels) -> bool {
        read.iter().any(|matchers| matchers.iter().all(|matcher| matcher.matches(labels.get(&matcher.name))))
    }
}

/// All that expressions read, also through the rules that write what they read.
pub fn sources<'a>(groups: &'a [Group], exprs: impl IntoIterator<Item = Expression<'a>>) -> Sources<'a> {
    let rules: Vec<&Rule> = groups.iter().flat_map(|group| &group.rules).collect();
    let writers = Writers::new(&rules);
    let mut found = Sources::default();
    let mut asked = vec![false; rules.len()];
    let mut open: Vec<Expression<'a>> = exprs.into_iter().collect();
    while let Some(expr) = open.pop() {
        let expr = match expr {
            Expression::Promql(expr) => expr,
            Expression::Logql(expr) => {
                found.streams.extend(expr.selectors().into_iter().map(|selector| selector.matchers.as_slice()));
                continue;
            }
        };
        for (selector, _) in expr.selectors() {
            found.series.push(selector.matchers.as_slice());
            for writer in writers.of(&selector.matchers) {
                if !std::mem::replace(&mut asked[writer], true) {
                    open.extend(rules[writer].expression());
                }
            }
        }
    }
    // Rules have many selectors in common.
    for read in [&mut found.series, &mut found.streams] {
        read.sort_by_key(|matchers| (matchers.as_ptr(), matchers.len()));
        read.dedup_by_key(|matchers| (matchers.as_ptr(), matchers.len()));
    }
    found
}

/// Tarjan's algorithm, without recursion: components in an order in which each comes after those that it has edges to.
fn strongly_connected(edges: &[Vec<usize>]) -> Vec<Component> {
    const UNSEEN: usize = usize::MAX;
    let count = edges.len();
    let (mut index, mut low) = (vec![UNSEEN; count], vec![0; count]);
    let mut on_stack = vec![false; count];
    let (mut stack, mut found) = (Vec::new(), Vec::new());
    let mut next = 0;
    for root in 0..count {
        if index[root] != UNSEEN {
            continue;
        }
        // Nodes being visited, each with the next of its edges.
        let mut visits = vec![(root, 0)];
        while let Some((node, edge)) = visits.pop() {
            if edge == 0 {
                (index[node], low[node]) = (next, next);
                next += 1;
                stack.push(node);
                on_stack[node] = true;
            }
            if let Some(target) = edges[node].get(edge).copied() {
                visits.push((node, edge + 1));
                if index[target] == UNSEEN {
                    visits.push((target, 0));
                } else if on_stack[target] {
                    low[node] = low[node].min(index[target]);
                }
                continue;
            }
            if low[node] == index[node] {
                let mut rules = Vec::new();
                while let Some(member) = stack.pop() {
                    on_stack[member] = false;
                    rules.push(member);
                    if member == node {
                        break;
                    }
                }
                rules.sort_unstable();
                let stepwise = rules.len() > 1 || edges[node].contains(&node);
                found.push(Component { rules, stepwise });
            }
            if let Some((parent, _)) = visits.last() {
                low[*parent] = low[*parent].min(low[node]);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Source;

    #[test]
    fn components_come_after_what_they_read() {
        // 0 reads 2, 1 and 3 read each other, 3 reads 0, 4 reads itself.
        let edges = [vec![2], vec![3], vec![], vec![1, 0], vec![4]];
        let order = strongly_connected(&edges);
        let component = |rules: &[usize], stepwise| Component { rules: rules.to_vec(), stepwise };
        let expected =
            [component(&[2], false), component(&[0], false), component(&[1, 3], true), component(&[4], true)];
        assert_eq!(order, expected);
    }

    #[test]
    fn a_chain_of_many_rules_needs_no_deep_stack() {
        let edges: Vec<Vec<usize>> = (0..100_000).map(|n| if n + 1 < 100_000 { vec![n + 1] } else { vec![] }).collect();
        assert_eq!(strongly_connected(&edges).len(), 100_000);
    }

    /// The components of rules written as a list of YAML items.
    fn order(rules: &str) -> Vec<(Vec<usize>, bool)> {
        let items: String = rules.lines().map(|line| format!("  - {}\n", line.trim())).collect();
        let source = Source::new("rules.yaml", format!("groups:\n- name: g\n  rules:\n{items}"));
        let file = crate::rules::read(&source).expect("valid rules");
        let rules: Vec<&Rule> = file.rules().map(|(_, rule)| rule).collect();
        components(&rules, &Writers::new(&rules), &|_| false).into_iter().map(|c| (c.rules, c.stepwise)).collect()
    }

    #[test]
    fn a_reader_comes_after_a_later_writer() {
        let rules = "{record: a, expr: b + 1}\n{record: b, expr: input}";
        assert_eq!(order(rules), [(vec![1], false), (vec![0], false)]);
    }

    #[test]
    fn fixed_labels_tell_writers_and_readers_apart() {
        let rules = "{record: a, expr: input, labels: {to: x}}\n{record: a, expr: 'a{to=\"x\"}', labels: {to: y}}";
        assert_eq!(order(rules), [(vec![0], false), (vec![1], false)]);
        let rules = "{record: a, expr: input}\n{record: a, expr: other, labels: {to: y}}";
        assert_eq!(order(rules), [(vec![0, 1], true)]);
    }

    #[test]
    fn alerts_are_told_apart_by_name_and_by_fixed_labels() {
        let rules = "{alert: A, expr: 'ALERTS{alertname=\"B\"}'}\n{alert: B, expr: input}";
        assert_eq!(order(rules), [(vec![1], false), (vec![0], false)]);
        let rules = "{alert: A, expr: 'ALERTS{severity=\"x\"}', labels: {severity: y}}";
        assert_eq!(order(rules), [(vec![0], false)]);
        let rules = "{alert: A, expr: 'ALERTS{severity=\"x\"}', labels: {severity: '{{ $labels.s }}'}}";
        assert_eq!(order(rules), [(vec![0], true)]);
    }

    #[test]
    fn groups_read_groups() {
        let group = |name: &str, rules: &str| format!("- name: {name}\n  rules: [{rules}]\n");
        let groups = [
            group("a", "{record: x, expr: input}, {record: y, expr: x}"),
            group("b", "{alert: B, expr: y, labels: {to: b}}"),
            group("c", "{alert: C, expr: 'ALERTS{to=\"b\"}'}, {record: z, expr: other}"),
            group("d", "{alert: D, expr: other, annotations: {of: '{{ with query \"z\" }}{{ end }}'}}"),
        ];
        let source = Source::new("rules.yaml", format!("groups:\n{}", groups.concat()));
        let file = crate::rules::read(&source).expect("valid rules");
        let found: Vec<(usize, usize)> = reads(&file.groups).into_iter().collect();
        // An alert of D may have the label `to` from its expression.
        assert_eq!(found, [(1, 0), (2, 1), (2, 3), (3, 0), (3, 1), (3, 2)]);
    }

    #[test]
    fn a_selector_without_a_name_reads_everything() {
        let rules = "{record: a, expr: 'count({job=\"x\"})'}\n{record: b, expr: input}";
        assert_eq!(order(rules), [(vec![1], false), (vec![0], true)].into_iter().collect::<Vec<_>>());
    }
}
