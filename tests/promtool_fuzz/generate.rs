//! Random rule files, and test groups without expectations, from a seed.

use std::fmt::Write;

use super::common::dice::Dice;

/// Evaluations and samples go up to this.
const MINUTES: u64 = 20;

const MATCHERS: [&str; 9] =
    ["", "", "", "", "{job=\"a\"}", "{job!=\"a\"}", "{job=~\"a|b\"}", "{zone=\"\"}", "{zone=~\".+\"}"];
const MODIFIERS: [&str; 9] = ["", "", "", "", "", " offset 1m", " offset 90s", " @ 300", " @ start()"];
const TEMPLATES: [&str; 16] = [
    "{{ $value }}",
    "{{ $value | humanize }} of {{ $labels.job }}",
    "{{ $labels.job | toUpper }}/{{ $labels.zone | title }}",
    "{{ printf \"%.2f\" $value }} {{ printf \"%v\" $labels.zone }}",
    "{{ humanizeDuration $value }} {{ humanize1024 $value }}",
    "{{ humanizePercentage $value }}",
    "{{ if gt $value 2.0 }}high{{ else }}low{{ end }}",
    // Groups of an aggregation come in an order that promtool leaves to chance.
    "{{ range query \"sum by (job) (m0)\" | sortByLabel \"job\" }}{{ .Labels.job }}={{ .Value }} {{ end }}",
    "{{ with query \"count(m1)\" }}{{ . | first | value }}{{ end }}",
    "{{ $externalLabels.cluster }} {{ $externalURL }}",
    // promtool fails at `externalURL`: nobody tells it one.
    "{{ $externalURL }}/graph?g0.expr={{ \"up == 0\" | urlquery }}",
    "{{ reReplaceAll \"(a|b)\" \"<$1>\" $labels.job }} {{ match \"a.*\" $labels.job }}",
    // Templates that fail are left out: what they say is worded by Go.
    "{{ graphLink \"up\" }} {{ with query \"count(m2)\" }}{{ strvalue (first .) }}{{ end }}",
    "{{- /* nothing */ -}} plain {{ len $labels.job }}",
    "{{ $labels }}",
    "none",
];

/// What one test file is made from.
pub struct Scenario {
    /// `rules-SEED-0.yaml` and so on.
    pub rules: Vec<String>,
    /// The file up to `tests:`.
    pub head: String,
    pub groups: Vec<TestGroup>,
}

/// One item of `tests`.
pub struct TestGroup {
    /// All fields but the cases.
    pub fields: String,
    /// Names and times, in seconds.
    pub alerts: Vec<(String, u64)>,
    pub expressions: Vec<(String, u64)>,
}

struct Writer {
    dice: Dice,
    /// How many recording rules there are.
    records: u64,
}

pub fn scenario(seed: u64) -> Scenario {
    Writer { dice: Dice::new(seed), records: 0 }.scenario(seed)
}

impl Writer {
    fn scenario(&mut self, seed: u64) -> Scenario {
        let mut names = Vec::new();
        let rules: Vec<String> = (0..1 + self.dice.below(2)).map(|file| self.rule_file(file, &mut names)).collect();
        let files: Vec<String> = (0..rules.len()).map(|file| format!("rules-{seed}-{file}.yaml")).collect();
        // promtool leaves the order of all others to chance.
        let mut order = names.clone();
        if self.dice.one_in(2) {
            order.reverse();
        }
        let interval = self.dice.pick(&["1m", "1m", "1m", "30s", "90s", "2m"]);
        let fuzzy = self.dice.one_in(3);
        let files = if self.dice.one_in(4) { format!("'rules-{seed}-?.yaml'") } else { files.join(", ") };
        let mut head = format!("rule_files: [{files}]\ngroup_eval_order: [{}]\n", order.join(", "));
        if interval != "1m" || self.dice.one_in(2) {
            let _ = writeln!(head, "evaluation_interval: {interval}");
        }
        if fuzzy {
            head.push_str("fuzzy_compare: true\n");
        }
        let groups = (0..1 + self.dice.below(3)).map(|group| self.group(group)).collect();
        Scenario { rules, head, groups }
    }

    fn rule_file(&mut self, file: u64, names: &mut Vec<String>) -> String {
        let mut out = String::from("groups:\n");
        for group in 0..1 + self.dice.below(3) {
            let name = format!("g{file}{group}");
            let _ = writeln!(out, "- name: {name}");
            names.push(name);
            if self.dice.one_in(4) {
                let _ = writeln!(out, "  query_offset: {}", self.dice.pick(&["1m", "30s", "2m", "0s"]));
            }
            if self.dice.one_in(8) {
                let _ = writeln!(out, "  limit: {}", 1 + self.dice.below(3));
            }
            if self.dice.one_in(6) {
                let _ = writeln!(out, "  interval: {}", self.dice.pick(&["30s", "5m"]));
            }
            if self.dice.one_in(6) {
                out.push_str("  labels: {team: core, severity: none}\n");
            }
            out.push_str("  rules:\n");
            for _ in 0..1 + self.dice.below(4) {
                self.rule(&mut out);
            }
        }
        out
    }

    fn rule(&mut self, out: &mut String) {
        let expr = self.expr(2);
        if self.dice.one_in(2) {
            // Two rules that write one series end most tests.
            let name = if self.dice.one_in(20) { 0 } else { self.records };
            self.records += 1;
            let _ = writeln!(out, "  - record: r{name}\n    expr: '{expr}'");
            if self.dice.one_in(4) {
                let _ = writeln!(out, "    labels: {{{}}}", self.dice.pick(&["zone: x", "zone: ''", "to: y"]));
            }
            return;
        }
        let threshold = match self.dice.below(3) {
            0 => String::new(),
            _ => format!(" {} {}", self.dice.pick(&[">", "<", "==", "!=", ">="]), self.dice.below(5)),
        };
        let _ = writeln!(out, "  - alert: A{}\n    expr: '({expr}){threshold}'", self.dice.below(3));
        let _ = writeln!(out, "    for: {}", self.dice.pick(&["0s", "0s", "1m", "2m", "3m", "90s"]));
        if self.dice.one_in(3) {
            let _ = writeln!(out, "    keep_firing_for: {}", self.dice.pick(&["1m", "2m", "90s"]));
        }
        let mut pairs = |field: &str, names: &[&str]| {
            if self.dice.one_in(2) {
                let _ = writeln!(out, "    {field}:");
                for name in names.iter().take(1 + self.dice.below(names.len() as u64) as usize) {
                    let text = serde_json::to_string(self.dice.pick(&TEMPLATES)).expect("a string");
                    let _ = writeln!(out, "      {name}: {text}");
                }
            }
        };
        pairs("labels", &["severity", "zone", "v"]);
        pairs("annotations", &["summary", "description"]);
    }

    fn selector(&mut self) -> String {
        match self.dice.below(16) {
            0 => "ALERTS".to_owned(),
            1 => format!("ALERTS{{alertname=\"A{}\",alertstate=\"firing\"}}", self.dice.below(3)),
            2 => format!("ALERTS_FOR_STATE{{alertname=\"A{}\"}}", self.dice.below(3)),
            3..=6 => format!("r{}{}", self.dice.below(4), self.dice.pick(&MATCHERS)),
            _ => format!("m{}{}", self.dice.below(3), self.dice.pick(&MATCHERS)),
        }
    }

    fn range(&mut self) -> String {
        let range = self.dice.pick(&["1m", "2m", "3m", "5m", "90s"]);
        let modifier = self.dice.pick(&MODIFIERS);
        if self.dice.one_in(4) {
            let step = self.dice.pick(&["1m", "30s", "", "45s"]);
            return format!("({})[{range}:{step}]{modifier}", self.expr(1));
        }
        format!("{}[{range}]{modifier}", self.selector())
    }

    fn expr(&mut self, depth: u32) -> String {
        if depth == 0 {
            return format!("{}{}", self.selector(), self.dice.pick(&MODIFIERS));
        }
        let less = depth - 1;
        match self.dice.below(26) {
            22 => format!("histogram_quantile(0.9, h{})", self.dice.pick(&MATCHERS)),
            23 => {
                // Of a difference promtool 3.5 does not ask whether hints about resets contradict each other.
                let function = self.dice.pick(&["histogram_count", "histogram_sum", "histogram_avg"]);
                let of = self.dice.pick(&[
                    "sum by (job) (h)",
                    "h offset 1m",
                    "h * 2",
                    "last_over_time(h[3m])",
                    "h offset 30s",
                ]);
                format!("{function}({of})")
            }
            24 => {
                let range = self.dice.pick(&["2m", "5m", "90s"]);
                format!(
                    "{}(h[{range}])",
                    self.dice.pick(&["changes", "resets", "count_over_time", "present_over_time"])
                )
            }
            25 => format!("{}({{__name__=~\"m0|m1\"}})", self.dice.pick(&["sum", "-", "abs"])),
            0..=3 => format!("{}{}", self.selector(), self.dice.pick(&MODIFIERS)),
            4 => format!("sum by (job) ({})", self.expr(less)),
            5 => format!("{} without (zone) ({})", self.dice.pick(&["count", "max", "avg", "stddev"]), self.expr(less)),
            6 => format!(
                "{}({})",
                self.dice.pick(&["increase", "rate", "irate", "delta", "changes", "resets"]),
                self.range()
            ),
            7..=9 => {
                let function = self.dice.pick(&["sum", "avg", "count", "max", "min", "last", "present", "stddev"]);
                format!("{function}_over_time({})", self.range())
            }
            10 => format!("quantile_over_time(0.9, {})", self.range()),
            11 => format!("absent({})", self.selector()),
            12 => format!("absent_over_time({})", self.range()),
            13 => format!("({}) or ({})", self.expr(less), self.expr(less)),
            14 => format!("({}) unless on (job) ({})", self.expr(less), self.expr(less)),
            15 => format!("({}) and on (job) ({})", self.expr(less), self.expr(less)),
            16 => {
                let op = self.dice.pick(&["+", "-", "*", "/", "%", "^", "> bool"]);
                let one = format!("max by (job, zone) ({})", self.expr(less));
                format!("({one}) {op} on (job, zone) (min by (job, zone) ({}))", self.expr(less))
            }
            17 => format!("({}) * on (job) group_left () sum by (job) ({})", self.expr(less), self.expr(less)),
            18 => format!("label_replace({}, \"zone\", \"z-$1\", \"job\", \"(.*)\")", self.expr(less)),
            19 => format!("({}) / {}", self.expr(less), self.dice.pick(&["3", "7", "0", "1e3"])),
            20 => {
                let function = self.dice.pick(&["abs", "ceil", "exp", "ln", "sqrt", "timestamp", "-", "sgn"]);
                format!("{function}({})", self.expr(less))
            }
            _ => self
                .dice
                .pick(&["vector(time() / 60)", "vector(1)", "vector(scalar(m1))", "time()", "minute()"])
                .to_owned(),
        }
    }

    fn group(&mut self, index: u64) -> TestGroup {
        let mut fields = String::new();
        let name = if self.dice.one_in(3) { format!("unnamed#{index}") } else { format!("group {index}") };
        if !name.starts_with("unnamed") {
            let _ = writeln!(fields, "  name: {name}");
        }
        let seconds = [15, 30, 60, 60, 60, 120][self.dice.below(6) as usize];
        let _ = writeln!(fields, "  interval: {seconds}s");
        if self.dice.one_in(2) {
            fields.push_str("  external_labels: {cluster: c1, zone: outside}\n");
        }
        if self.dice.one_in(2) {
            fields.push_str("  external_url: http://example.org:9090/x\n");
        }
        fields.push_str("  input_series:\n");
        let mut metrics = vec!["m0", "m1", "m2"];
        if self.dice.one_in(20) {
            metrics.push("r0");
        }
        for metric in metrics {
            for labels in ["{job=\"a\"}", "{job=\"b\", zone=\"x\"}", "{job=\"a\", zone=\"y\"}", ""] {
                if self.dice.one_in(2) {
                    let _ = writeln!(fields, "  - series: '{metric}{labels}'\n    values: '{}'", self.values(seconds));
                }
            }
        }
        for labels in ["{job=\"a\"}", "{job=\"b\", zone=\"x\"}"] {
            if self.dice.one_in(2) {
                let _ = writeln!(fields, "  - series: 'h{labels}'\n    values: '{}'", self.histograms(seconds));
            }
        }
        fields = fields.trim_end().trim_end_matches("input_series:").trim_end().to_owned() + "\n";
        let time = |dice: &mut Dice| match dice.below(3) {
            0 => dice.below(MINUTES * 4) * 15,
            _ => dice.below(MINUTES) * 60,
        };
        let alerts = (0..self.dice.below(5))
            .map(|_| {
                // The last two names are those of no rule.
                let names = if self.dice.one_in(8) { 5 } else { 3 };
                (format!("A{}", self.dice.below(names)), time(&mut self.dice))
            })
            .collect();
        let mut expressions: Vec<(String, u64)> =
            (0..self.dice.below(6)).map(|_| (self.expr(2), time(&mut self.dice))).collect();
        expressions.push(("{__name__=~\"r.|ALERTS.*\"}".to_owned(), time(&mut self.dice)));
        TestGroup { fields, alerts, expressions }
    }

    /// Histograms, as [`Writer::values`] writes numbers. All have the same buckets, none of them empty.
    fn histograms(&mut self, seconds: u64) -> String {
        let wanted = MINUTES * 60 / seconds;
        let mut out = String::new();
        let mut count = 0;
        while count < wanted {
            let times = 1 + self.dice.below(wanted / 2 + 1);
            let [first, more] = [0; 2].map(|_| {
                let buckets = [0; 3].map(|_| 1 + self.dice.below(4));
                let (total, sum) = (buckets.iter().sum::<u64>(), self.dice.below(40));
                let [a, b, c] = buckets;
                format!("{{{{schema:0 count:{total} sum:{sum} buckets:[{a} {b} {c}]}}}}")
            });
            let (item, length) = match self.dice.below(5) {
                0 => ("_".to_owned(), 1),
                1 => ("stale".to_owned(), 1),
                2 => (format!("{first}x{times}"), times + 1),
                _ => (format!("{first}+{more}x{times}"), times + 1),
            };
            out.push_str(&item);
            out.push(' ');
            count += length;
        }
        out.trim_end().to_owned()
    }

    /// Values in the notation of test files, for about as many minutes as are evaluated.
    fn values(&mut self, seconds: u64) -> String {
        let wanted = MINUTES * 60 / seconds;
        let mut out = String::new();
        let mut count = 0;
        while count < wanted {
            let times = 1 + self.dice.below(wanted / 2 + 1);
            let (item, length) = match self.dice.below(12) {
                0 => ("_".to_owned(), 1),
                1 => (format!("_x{times}"), times),
                2 => ("stale".to_owned(), 1),
                3 if self.dice.one_in(2) => (self.dice.pick(&["NaN", "Inf", "-Inf"]).to_owned(), 1),
                4..=6 => {
                    (format!("{}+{}x{times}", self.dice.below(5), self.dice.pick(&["1", "0.1", "7.5", "0"])), times + 1)
                }
                7 => (format!("{}-{}x{times}", self.dice.below(20), self.dice.pick(&["1", "0.3"])), times + 1),
                8 => (format!("{}x{times}", self.dice.below(4)), times + 1),
                _ => (self.dice.pick(&["0", "1", "2", "0.5", "1e3", "-3"]).to_owned(), 1),
            };
            out.push_str(&item);
            out.push(' ');
            count += length;
        }
        out.trim_end().to_owned()
    }
}
