//! Random rule groups and input series, from a seed.

use std::fmt::Write;

use firedrill::labels::Labels;
use firedrill::number::stale_marker;
use firedrill::time::Timestamp;

use super::common::dice::Dice;

pub const MINUTE: i64 = 60_000;
pub const TICKS: i64 = 16;

pub struct InputSample {
    pub time: Timestamp,
    pub value: f64,
    pub arrival: Timestamp,
}

pub struct Input {
    pub labels: Labels,
    pub samples: Vec<InputSample>,
    /// The same in the notation of test files.
    pub notation: String,
}

pub struct Scenario {
    pub seed: u64,
    /// A rule file.
    pub rules: String,
    pub inputs: Vec<Input>,
}

/// What a scenario may hold.
#[derive(Clone, Copy, PartialEq)]
pub enum Scope {
    Everything,
    /// What promtool evaluates, and always alike.
    Promtool,
}

const NAMES: [&str; 8] = ["m0", "m1", "m2", "r0", "r1", "r2", "r3", "m0"];
const MATCHERS: [&str; 8] = ["", "", "", "", "{l=\"a\"}", "{l!=\"a\"}", "{l=~\"a|b\"}", "{l=\"\"}"];
const MODIFIERS: [&str; 10] = ["", "", "", "", "", " offset 1m", " offset -1m", " offset 2m", " @ 300", " @ start()"];

struct Writer {
    dice: Dice,
    scope: Scope,
    /// Expressions that are written somewhere already, with their depth: what rules have in common is evaluated once.
    said: Vec<(u32, String)>,
}

impl Writer {
    fn selector(&mut self) -> String {
        match self.dice.below(24) {
            0 => "ALERTS".to_owned(),
            1 => format!("ALERTS{{alertname=\"A{}\",alertstate=\"firing\"}}", self.dice.below(3)),
            2 => format!("ALERTS_FOR_STATE{{alertname=\"A{}\"}}", self.dice.below(3)),
            3 => format!("{{__name__=~\"{}|{}\"}}", self.dice.pick(&NAMES), self.dice.pick(&NAMES)),
            4 => "{l=\"b\"}".to_owned(),
            _ => format!("{}{}", self.dice.pick(&NAMES), self.dice.pick(&MATCHERS)),
        }
    }

    fn instant(&mut self) -> String {
        let selector = self.selector();
        format!("{selector}{}", self.dice.pick(&MODIFIERS))
    }

    fn range(&mut self) -> String {
        let range = self.dice.pick(&["1m", "2m", "3m", "5m"]);
        let modifier = self.dice.pick(&MODIFIERS);
        if self.dice.one_in(3) {
            let step = self.dice.pick(&["1m", "30s", "", "2m"]);
            let inner = self.expr(1);
            return format!("({inner})[{range}:{step}]{modifier}");
        }
        format!("{}[{range}]{modifier}", self.selector())
    }

    fn expr(&mut self, depth: u32) -> String {
        if self.dice.one_in(4) {
            let at = self.dice.below(1 + self.said.len() as u64) as usize;
            if let Some((_, said)) = self.said.get(at).filter(|(deep, _)| *deep <= depth) {
                // The same in other words.
                let respelt = said.replace(" by (l) (", " by(l)(").replace("_over_time(", "_over_time( ");
                return if self.dice.one_in(2) { respelt } else { said.clone() };
            }
        }
        let expr = self.new_expr(depth);
        self.said.push((depth, expr.clone()));
        expr
    }

    fn new_expr(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self.instant();
        }
        let less = depth - 1;
        match self.dice.below(24) {
            0..=3 => self.instant(),
            4 => format!("sum({})", self.expr(less)),
            5 => format!("sum by (l) ({})", self.expr(less)),
            6 => format!("count without (l) ({})", self.expr(less)),
            7 => format!("max by (l) ({})", self.expr(less)),
            8 => {
                let op = self.dice.pick(&[">", "<", "==", "!=", ">=", "> bool"]);
                format!("({}) {op} {}", self.expr(less), self.dice.below(6))
            }
            9 => format!("{}({})", self.dice.pick(&["increase", "rate", "delta", "changes"]), self.range()),
            10..=12 => {
                let function = self.dice.pick(&["sum", "count", "max", "last", "present"]);
                format!("{function}_over_time({})", self.range())
            }
            13 => format!("absent({})", self.instant()),
            14 if self.scope == Scope::Everything => format!("topk(1, {})", self.expr(less)),
            14 => format!("group by (l) ({})", self.expr(less)),
            15 => format!("({}) or ({})", self.expr(less), self.expr(less)),
            16 => format!("({}) unless on (l) ({})", self.expr(less), self.expr(less)),
            17 => format!("({}) and on (l) ({})", self.expr(less), self.expr(less)),
            18 => {
                let op = self.dice.pick(&["+", "-", "*"]);
                format!("({}) {op} on (l) ({})", self.expr(less), self.expr(less))
            }
            19 => format!("({}) * on (l) group_left () ({})", self.expr(less), self.expr(less)),
            20 => format!("-({})", self.expr(less)),
            21 => format!(
                "label_replace({}, \"l\", \"z\", \"l\", \"{}\")",
                self.expr(less),
                self.dice.pick(&["a", "b", ".*"])
            ),
            22 => format!("({}) + {}", self.expr(less), self.dice.below(3)),
            _ => {
                self.dice.pick(&["vector(time() / 60)", "vector(1)", "vector(scalar(m1))", "timestamp(m0)"]).to_owned()
            }
        }
    }

    fn rule(&mut self, out: &mut String) {
        let expr =
            if self.dice.one_in(20) { self.dice.pick(&["time()", "scalar(m1)"]).to_owned() } else { self.expr(2) };
        let alert = self.dice.one_in(2);
        if alert {
            let _ = writeln!(out, "  - alert: A{}", self.dice.below(3));
        } else {
            let _ = writeln!(out, "  - record: r{}", self.dice.below(4));
        }
        let _ = writeln!(out, "    expr: '{expr}'");
        if alert {
            let _ = writeln!(out, "    for: {}", self.dice.pick(&["0s", "0s", "1m", "2m", "3m", "90s"]));
            let _ = writeln!(out, "    keep_firing_for: {}", self.dice.pick(&["0s", "0s", "1m", "2m", "3m"]));
            if self.dice.one_in(3) {
                out.push_str("    annotations:\n      told: '{{ $labels.l }} is {{ $value }} of {{ with query \"sum(m1)\" }}{{ . | first | value }}{{ end }}'\n      first: '{{ if eq $labels.l \"a\" }}yes{{ end }}'\n");
            }
        }
        let labels: &[&str] = match alert {
            true => &[
                "v: '{{ $value }}'",
                "l: x",
                "severity: page",
                "severity: ticket",
                "l: '{{ $labels.l }}{{ $labels.none }}'",
                "none: '{{ $labels.none }}'",
                "q: '{{ with query \"r0\" }}{{ . | first | value }}{{ end }}'",
                "e: '{{ with query \"r1\" }}{{ template \"x\" }}{{ else }}{{ .None.None }}{{ end }}'",
            ],
            false => &["l: x", "l: ''", "to: y", "to: z"],
        };
        // What a failing template says is worded by the template engine; promtool's words are Go's.
        let labels = if self.scope == Scope::Promtool && alert { &labels[..7] } else { labels };
        if self.dice.one_in(3) {
            let _ = writeln!(out, "    labels:\n      {}", self.dice.pick(labels));
        }
    }

    fn input(&mut self, name: &str, label: &str) -> Input {
        let spacing = MINUTE;
        let mut samples = Vec::new();
        let mut notation = String::new();
        let born = if self.dice.one_in(3) { self.dice.below(8) as i64 } else { 0 };
        let mut value = self.dice.below(5) as f64;
        let late = self.scope == Scope::Everything && self.dice.one_in(4);
        for index in 0..TICKS {
            let gap = index < born || self.dice.one_in(7);
            value = match self.dice.below(6) {
                0 => 0.0,
                1 => value + 0.5,
                2 | 3 => value + 1.0,
                4 => self.dice.below(8) as f64,
                _ => value,
            };
            if gap {
                notation.push_str("_ ");
                continue;
            }
            let stale = self.dice.one_in(9);
            let _ = if stale { write!(notation, "stale ") } else { write!(notation, "{value} ") };
            let time = Timestamp(index * spacing);
            let delay = if late && self.dice.one_in(2) { self.dice.below(4) as i64 * MINUTE } else { 0 };
            let value = if stale { stale_marker() } else { value };
            samples.push(InputSample { time, value, arrival: Timestamp(time.0 + delay) });
        }
        let labels = Labels::from_pairs([("__name__", name), ("l", label)]);
        Input { labels, samples, notation: notation.trim_end().to_owned() }
    }
}

pub fn scenario(seed: u64, scope: Scope) -> Scenario {
    let mut writer = Writer { dice: Dice::new(seed), scope, said: Vec::new() };
    let mut rules = String::from("groups:\n");
    for group in 0..1 + writer.dice.below(3) {
        let _ = writeln!(rules, "- name: g{group}");
        if scope == Scope::Everything && writer.dice.one_in(3) {
            let _ = writeln!(rules, "  interval: {}", writer.dice.pick(&["30s", "2m", "90s", "1m"]));
        }
        if writer.dice.one_in(3) {
            let _ = writeln!(rules, "  query_offset: {}", writer.dice.pick(&["1m", "30s", "2m", "0s"]));
        }
        if writer.dice.one_in(5) {
            let _ = writeln!(rules, "  limit: {}", 1 + writer.dice.below(2));
        }
        rules.push_str("  rules:\n");
        for _ in 0..1 + writer.dice.below(4) {
            writer.rule(&mut rules);
        }
    }
    let mut inputs = Vec::new();
    for name in ["m0", "m1", "m2"] {
        for label in ["a", "b", ""] {
            if writer.dice.below(3) > 0 {
                inputs.push(writer.input(name, label));
            }
        }
    }
    if writer.dice.one_in(12) {
        inputs.push(writer.input("r0", "a"));
    }
    Scenario { seed, rules, inputs }
}
