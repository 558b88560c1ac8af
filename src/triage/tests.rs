//! Runbooks read and evaluated against canned answers.

use std::cell::RefCell;
use std::collections::HashMap;

use super::{Answer, Answers, Conclusion, Runbook, Status, Truth, evaluate, read};
use crate::engine::EvalError;
use crate::labels::Labels;
use crate::text::Source;
use crate::time::Timestamp;
use crate::{logql, promql};

/// Answers by the text of the query: its series, at one time.
#[derive(Default)]
struct Canned {
    answers: HashMap<&'static str, Vec<(Labels, f64)>>,
    asked: RefCell<Vec<String>>,
}

impl Canned {
    fn of(answers: &[(&'static str, &[(&str, f64)])]) -> Canned {
        let series = |(leg, value): &(&str, f64)| match *leg {
            "" => (Labels::empty(), *value),
            leg => (Labels::from_pairs([("leg", leg)]), *value),
        };
        let answers = answers.iter().map(|(text, rows)| (*text, rows.iter().map(series).collect())).collect();
        Canned { answers, asked: RefCell::default() }
    }

    fn answer(&self, text: String) -> Answer {
        let rows = self.answers.get(text.as_str()).cloned().unwrap_or_default();
        self.asked.borrow_mut().push(text);
        Answer {
            series: rows.into_iter().map(|(labels, value)| (labels, vec![Some(value)])).collect(),
            ..Answer::default()
        }
    }
}

impl Answers for Canned {
    fn promql(&self, expr: &promql::ast::Expr, _: &[Timestamp]) -> Result<Answer, EvalError> {
        Ok(self.answer(expr.to_string()))
    }
    fn logql(&self, expr: &logql::ast::Expr, _: &[Timestamp]) -> Result<Answer, EvalError> {
        Ok(self.answer(expr.to_string()))
    }
}

const NOW: [Timestamp; 1] = [Timestamp(0)];

fn book(text: &str) -> Runbook {
    let head = "firedrill: runbook/1\ntitle: t\nowner: o\nalerts: [A]\n";
    let found = read(&Source::new("runbooks/x.yaml", format!("{head}{text}")));
    found.unwrap_or_else(|problems| panic!("{}", problems.iter().map(|p| p.render(false) + "\n").collect::<String>()))
}

/// The truth of one condition on answers.
fn truth(queries: &str, condition: &str, answers: &[(&'static str, &[(&str, f64)])]) -> Truth {
    let text = format!("queries: {{{queries}}}\ncauses: [{{name: c, title: c, when: [{{that: x, {condition}}}]}}]\n");
    let (book, canned) = (book(&text), Canned::of(answers));
    let found = evaluate(&book, &canned, &NOW).unwrap();
    found.truth(&book.causes[0].when[0], 0)
}

/// Everything that is wrong with a runbook: places and messages.
fn wrong(text: &str) -> Vec<String> {
    let problems = read(&Source::new("r.yaml", text)).unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn an_expression_holds_does_not_or_has_no_data() {
    let condition = "promql: up == 0";
    assert_eq!(truth("", condition, &[("up == 0", &[("", 0.0)])]), Truth::Holds);
    assert_eq!(truth("", condition, &[("up == bool 0", &[("", 0.0)])]), Truth::Fails);
    assert_eq!(truth("", condition, &[]), Truth::NoData);
    // Absence speaks for itself.
    assert_eq!(truth("", "promql: absent(up)", &[]), Truth::Fails);
}

#[test]
fn nan_is_no_data_whether_it_is_selected_or_not() {
    let nan: &[_] = &[("", f64::NAN)];
    let some: &[_] = &[("a", f64::NAN), ("b", 2.0)];
    assert_eq!(truth("", "promql: a / b", &[("a / b", nan)]), Truth::NoData);
    assert_eq!(truth("", "promql: a != 1", &[("a != 1", nan)]), Truth::NoData);
    assert_eq!(truth("", "promql: a != 1", &[("a != 1", some)]), Truth::Holds);
    // A comparison drops NaN, and what it yields without filtering is 0.
    let (open, seen): (&[_], _) = (&[("", 0.0)], |values| [("a > bool 1", &[("", 0.0)] as &[_]), ("a", values)]);
    assert_eq!(truth("", "promql: a > 1", &seen(nan)), Truth::NoData);
    assert_eq!(truth("", "promql: a > 1", &seen(open)), Truth::Fails);
}

#[test]
fn an_or_does_not_hold_only_where_both_sides_have_data() {
    let condition = "promql: a > 1 or (b > 2)";
    let (a, b): (&[_], &[_]) = (&[("", 0.0)], &[("", 0.0)]);
    assert_eq!(truth("", condition, &[("a > bool 1", a)]), Truth::NoData);
    assert_eq!(truth("", condition, &[("a > bool 1", a), ("b > bool 2", b)]), Truth::Fails);
}

#[test]
fn a_comparison_is_of_any_all_or_none_of_the_series() {
    let legs: &[(&str, f64)] = &[("cloudflare", 3.0), ("internal", 0.0)];
    let of = |condition: &str, legs: &[(&str, f64)]| {
        truth("d: {promql: drops}", &format!("query: d, {condition}"), &[("drops", legs)])
    };
    assert_eq!(of("any: value > 2", legs), Truth::Holds);
    assert_eq!(of("any: value > 3", legs), Truth::Fails);
    assert_eq!(of("all: value >= 0", legs), Truth::Holds);
    assert_eq!(of("all: value == 0", legs), Truth::Fails);
    assert_eq!(of("none: value > 3", legs), Truth::Holds);
    assert_eq!(of("none: value != 0", legs), Truth::Fails);
    assert_eq!(of("of: '{leg=\"internal\"}', all: value < 1", legs), Truth::Holds);
    assert_eq!(of("of: '{leg=~\"cloud.*\"}', all: value <= -1", legs), Truth::Fails);
    for condition in ["any: value > 2", "all: value > 2", "none: value > 2"] {
        assert_eq!(of(condition, &[]), Truth::NoData, "{condition}");
        assert_eq!(of(&format!("of: '{{leg=\"x\"}}', {condition}"), legs), Truth::NoData, "{condition}");
    }
}

#[test]
fn fewer_series_than_there_should_be_leave_open_what_they_do_not_decide() {
    let of = |condition: &str, legs: &[(&str, f64)]| {
        truth("d: {promql: drops}", &format!("query: d, series: 3, {condition}"), &[("drops", legs)])
    };
    let two: &[(&str, f64)] = &[("a", 0.0), ("b", 1.0)];
    assert_eq!(of("any: value > 0", two), Truth::Holds);
    assert_eq!(of("any: value > 1", two), Truth::NoData);
    assert_eq!(of("all: value > 0", two), Truth::Fails);
    assert_eq!(of("all: value >= 0", two), Truth::NoData);
    assert_eq!(of("none: value > 0", two), Truth::Fails);
    assert_eq!(of("none: value > 1", two), Truth::NoData);
    assert_eq!(of("none: value > 1", &[("a", 0.0), ("b", 1.0), ("c", 0.0)]), Truth::Holds);
}

#[test]
fn a_value_that_is_no_number_is_no_data() {
    let of = |condition: &str, value: f64| {
        truth("d: {promql: x}", &format!("query: d, {condition}"), &[("x", &[("", value)])])
    };
    assert_eq!(of("any: value > 1", f64::NAN), Truth::NoData);
    assert_eq!(of("none: value > 1", f64::NAN), Truth::NoData);
    assert_eq!(of("all: value != 1", f64::NAN), Truth::NoData);
    assert_eq!(of("any: value == +Inf", f64::INFINITY), Truth::Holds);
}

#[test]
fn a_query_that_filters_has_data_where_its_series_are() {
    let of = |condition: &str, answers: &[(&'static str, &[(&str, f64)])]| {
        truth("d: {promql: x > 5}", &format!("query: d, {condition}"), answers)
    };
    let below: (&'static str, &[(&str, f64)]) = ("x > bool 5", &[("a", 0.0)]);
    assert_eq!(of("any: value > 6", &[below]), Truth::Fails);
    assert_eq!(of("none: value > 6", &[below]), Truth::Holds);
    // Of nothing, everything could be said.
    assert_eq!(of("all: value > 6", &[below]), Truth::NoData);
    assert_eq!(of("none: value > 6", &[]), Truth::NoData);
    assert_eq!(of("of: '{leg=\"b\"}', none: value > 6", &[below]), Truth::NoData);
}

#[test]
fn log_lines_are_counted_and_a_quiet_log_has_none() {
    let query = "l: {logql: '{job=\"x\"} |= \"error\"', over: 10m, quiet: 2h}";
    let count = "sum(count_over_time({job=\"x\"} |= \"error\"[10m]))";
    let all = "sum(count_over_time({job=\"x\"}[2h]))";
    let of = |answers: &[(&'static str, &[(&str, f64)])]| truth(query, "query: l, all: value == 0", answers);
    assert_eq!(of(&[(count, &[("", 3.0)])]), Truth::Fails);
    assert_eq!(of(&[(all, &[("", 9.0)])]), Truth::Holds);
    assert_eq!(of(&[]), Truth::NoData);
    let logql = "logql: 'sum(rate({job=\"x\"} |= \"e\" [5m])) > 1'";
    assert_eq!(truth("", logql, &[("sum(count_over_time({job=\"x\"}[1h]))", &[("", 9.0)])]), Truth::Fails);
    assert_eq!(truth("", logql, &[]), Truth::NoData);
}

const TWO: &str = "queries: {d: {promql: drops}, up: {promql: up}}
causes:
  - name: network
    title: the network
    when: [{that: it drops, query: d, any: value > 0}]
  - name: user
    title: the user
    requires: [{that: the probe is up, query: up, all: value == 1}]
    when: [{that: clean, query: d, none: value > 0}, {that: busy, promql: load > 1}]
    signs: [{that: it drops, query: d, any: value > 0}]
";

#[test]
fn a_probe_that_is_down_exonerates_nobody() {
    let book = book(TWO);
    let at = |answers: &[(&'static str, &[(&str, f64)])]| {
        let canned = Canned::of(answers);
        let found = evaluate(&book, &canned, &NOW).unwrap();
        let statuses = [0, 1].map(|at| found.status(&book.causes[at], 0));
        (statuses, found.conclusion(0))
    };
    use Status::{Exonerated, Holds, Unknown};
    let (up, down): ((&'static str, &[_]), (&'static str, &[_])) = (("up", &[("", 1.0)]), ("up", &[("", 0.0)]));
    let (clean, busy): ((&'static str, &[_]), (&'static str, &[_])) =
        (("drops", &[("a", 0.0)]), ("load > 1", &[("", 2.0)]));
    let drops: (&'static str, &[_]) = ("drops", &[("a", 2.0)]);
    assert_eq!(at(&[up, clean, busy]), ([Exonerated, Holds], Conclusion::Cause(1)));
    assert_eq!(at(&[down, clean, busy]), ([Exonerated, Unknown], Conclusion::Nothing { unknown: vec![1] }));
    assert_eq!(at(&[clean, busy]), ([Exonerated, Unknown], Conclusion::Nothing { unknown: vec![1] }));
    assert_eq!(at(&[up, drops, busy]), ([Holds, Exonerated], Conclusion::Cause(0)));
    assert_eq!(at(&[down, drops, busy]), ([Holds, Unknown], Conclusion::Cause(0)));
    // No data on the load: drops alone exonerate, a clean probe does not convict.
    assert_eq!(at(&[up, drops]), ([Holds, Exonerated], Conclusion::Cause(0)));
    assert_eq!(at(&[up, clean]), ([Exonerated, Unknown], Conclusion::Nothing { unknown: vec![1] }));
    assert_eq!(at(&[]), ([Unknown, Unknown], Conclusion::Nothing { unknown: vec![0, 1] }));
}

#[test]
fn two_causes_that_hold_are_no_conclusion() {
    let book = book(
        "causes:
  - {name: a, title: a, when: [{that: x, promql: x > 1}]}
  - {name: b, title: b, when: [{that: y, promql: x > 0}]}
",
    );
    let canned = Canned::of(&[("x > 1", &[("", 2.0)]), ("x > 0", &[("", 2.0)])]);
    let found = evaluate(&book, &canned, &NOW).unwrap();
    assert_eq!(found.conclusion(0), Conclusion::Several(vec![0, 1]));
}

#[test]
fn evidence_of_two_causes_is_known_as_shared_and_each_query_is_asked_once() {
    let book = book(TWO);
    let canned = Canned::of(&[("drops", &[("a", 2.0)]), ("up", &[("", 1.0)])]);
    let found = evaluate(&book, &canned, &NOW).unwrap();
    assert_eq!(*canned.asked.borrow(), ["drops", "up", "load > 1", "load", "load > bool 1"]);
    assert_eq!(found.cause_at(0, 0).when[0].shared, [1]);
    assert_eq!(found.cause_at(1, 0).signs[0].shared, [0]);
    assert!(found.cause_at(1, 0).when[0].shared.is_empty());
}

#[test]
fn what_an_expression_compares_is_told_where_it_does_not_hold() {
    let book = book("causes: [{name: a, title: a, when: [{that: x, promql: 'rate(x[5m]) > 1'}]}]\n");
    let canned = Canned::of(&[("rate(x[5m])", &[("a", 0.5)]), ("rate(x[5m]) > bool 1", &[("a", 0.0)])]);
    let found = evaluate(&book, &canned, &NOW).unwrap();
    let told = &found.cause_at(0, 0).when[0];
    assert_eq!((told.truth, told.values[0].1), (Truth::Fails, 0.5));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let text = "firedrill: runbook/1
title: t
owner: o
alerts: [A]
queries:
  scalar: {promql: 1 + 1}
  range: {promql: 'up[5m]'}
  broken: {promql: 'rate(up'}
  both: {promql: up, logql: '{a=\"b\"}'}
  lines: {logql: '{a=\"b\"}', over: never}
  fine: {promql: up}
causes:
  - name: none
    title: x
    when:
      - {that: a, promql: 'time()'}
      - {that: b, logql: '{a=\"b\"}'}
      - {that: c, query: fien, any: value > 1}
      - {that: d, query: fine, any: value > x}
      - {that: e, query: fine, any: value > 1, all: value > 2}
      - {that: f, promql: up, any: value > 1}
      - {that: g}
      - {that: h, query: fine, of: 'leg=a', any: value > 1}
      - {that: i, query: fine, any: value > 1, then: run}
      - {that: j, query: broken, any: value > 1}
  - {name: twice, title: x, when: []}
  - {name: twice, title: x, when: [{that: a, promql: up == 0}], sings: []}
escalate_when: [{that: a, promql: up == 0}]
";
    let expected = [
        "r.yaml:6:20: this yields a scalar, where an instant vector is needed",
        "r.yaml:7:20: this yields a range vector, where an instant vector is needed",
        "r.yaml:8:28: this is no PromQL: ",
        "r.yaml:9:3: a query is one of `promql` and `logql`",
        "r.yaml:10:35: `never` is not a length of time",
        "r.yaml:13:11: no cause can be called `none`",
        "r.yaml:16:28: this yields a scalar, where an instant vector is needed",
        "r.yaml:17:27: this yields log lines, where an instant vector is needed",
        "r.yaml:18:26: no query is called `fien`",
        "r.yaml:19:37: `value > x` does not compare a value",
        "r.yaml:20:26: a named query is compared with one of `any`, `all` and `none`",
        "r.yaml:21:36: this goes with `query`: an expression compares by itself",
        "r.yaml:22:9: a condition is one of `promql`, `logql` and `query`",
        "r.yaml:23:40: these are no matchers: ",
        "r.yaml:24:54: `then` is for `escalate_when`",
        "r.yaml:26:12: the cause `twice` has no evidence",
        "r.yaml:27:12: two causes are called `twice`",
        "r.yaml:27:65: unknown field `sings`",
        "r.yaml:28:17: an escalation that does not say what to do",
    ];
    let found = wrong(text);
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (one, expected) in found.iter().zip(expected) {
        assert!(one.starts_with(expected), "{expected}\n{found:#?}");
    }
}

#[test]
fn what_is_no_runbook_says_so() {
    assert_eq!(wrong("title: t\n"), ["r.yaml:1:1: this is no runbook: it does not say its format"]);
    assert_eq!(wrong("firedrill: runbook/2\n"), ["r.yaml:1:12: an unknown format of runbooks"]);
    assert_eq!(wrong(""), ["r.yaml:1:1: 0 YAML documents where a runbook is one"]);
    let empty = wrong("firedrill: runbook/1\ntitle: t\nowner: ''\nalerts: []\ncauses: []\n");
    assert_eq!(
        empty,
        ["r.yaml:1:1: a runbook without alerts", "r.yaml:1:1: a runbook without causes", "r.yaml:3:8: an empty text",]
    );
}

#[test]
fn a_runbook_is_known_by_its_first_key() {
    for (text, is) in [
        ("firedrill: runbook/1\n", true),
        ("# words\n---\n\"firedrill\": 'runbook/1'\n", true),
        ("firedrill: runbook/9\n", true),
        ("firedrill: replay/1\n", false),
        ("title: x\nfiredrill: runbook/1\n", false),
        ("", false),
    ] {
        assert_eq!(super::is_runbook(text), is, "{text:?}");
    }
}
