//! Random expressions that are well-typed.

use super::common::dice::Dice;

const NAMES: [&str; 14] =
    ["c_total", "c_total", "d_total", "g", "g", "k", "odd", "h", "h", "gh", "n", "mixed", "lat_bucket", "target_info"];
const MATCHERS: [&str; 10] = [
    "",
    "",
    "",
    "",
    "{job=\"x\"}",
    "{instance!=\"a\"}",
    "{instance=~\"a|b\"}",
    "{zone=\"\"}",
    "{zone=~\".+\"}",
    "{zone!~\"z1\"}",
];
const MODIFIERS: [&str; 12] = [
    "",
    "",
    "",
    "",
    "",
    "",
    " offset 1m",
    " offset -90s",
    " @ 1600043000",
    " @ start()",
    " @ end()",
    " @ 1600042999.5 offset 3m",
];
const RANGES: [&str; 7] = ["1m", "2m", "5m", "5m", "90s", "15m", "31s"];
const BY: [&str; 7] =
    ["", "", " by (job)", " by (instance, zone)", " without (instance)", " by (__name__)", " without (zone, job)"];

/// Names of series that are numbers all along.
const NUMBERS: [&str; 8] = ["c_total", "c_total", "d_total", "g", "k", "odd", "lat_bucket", "target_info"];

pub struct Expressions<'a> {
    pub dice: &'a mut Dice,
    /// Selectors are those of numbers.
    pub numbers_only: bool,
}

impl Expressions<'_> {
    /// A scalar or a vector.
    pub fn query(&mut self) -> String {
        if self.dice.one_in(25) { self.scalar(2) } else { self.vector(3) }
    }

    fn numbers_if(&mut self, numbers_only: bool, f: impl FnOnce(&mut Self) -> String) -> String {
        let before = self.numbers_only;
        self.numbers_only |= numbers_only;
        let text = f(self);
        self.numbers_only = before;
        text
    }

    fn selector(&mut self) -> String {
        match self.dice.below(25) {
            0 => "{__name__=~\"c_total|d_total\"}".to_owned(),
            1 if !self.numbers_only => "{__name__=~\"g|k|h\", job=\"x\"}".to_owned(),
            2 => "{\"no labels µ\"}".to_owned(),
            3 => "missing".to_owned(),
            _ => {
                let names: &[&str] = if self.numbers_only { &NUMBERS } else { &NAMES };
                format!("{}{}", self.dice.pick(names), self.dice.pick(&MATCHERS))
            }
        }
    }

    fn range(&mut self, depth: u32) -> String {
        let (range, modifier) = (self.dice.pick(&RANGES), self.dice.pick(&MODIFIERS));
        if depth > 0 && self.dice.one_in(5) {
            let step = self.dice.pick(&["1m", "30s", "", "45s", "2m"]);
            return format!("({})[{range}:{step}]{modifier}", self.vector(depth - 1));
        }
        format!("{}[{range}]{modifier}", self.selector())
    }

    fn scalar(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self
                .dice
                .pick(&["0", "1", "2", "0.5", "-1", "3.7", "1e3", "NaN", "Inf", "time()", "pi()"])
                .to_owned();
        }
        match self.dice.below(6) {
            0 => format!("scalar({})", self.vector(depth - 1)),
            1 => {
                let op = self.dice.pick(&["+", "-", "*", "/", "%", "^", "== bool", "> bool"]);
                format!("({} {op} {})", self.scalar(depth - 1), self.scalar(depth - 1))
            }
            2 => format!("-{}", self.scalar(0)),
            _ => self.scalar(0),
        }
    }

    fn vector(&mut self, depth: u32) -> String {
        if depth == 0 {
            return format!("{}{}", self.selector(), self.dice.pick(&MODIFIERS));
        }
        let less = depth - 1;
        match self.dice.below(30) {
            0..=2 => format!("{}{}", self.selector(), self.dice.pick(&MODIFIERS)),
            3..=6 => {
                let functions = [
                    "rate",
                    "rate",
                    "increase",
                    "delta",
                    "irate",
                    "idelta",
                    "changes",
                    "resets",
                    "sum_over_time",
                    "avg_over_time",
                    "min_over_time",
                    "max_over_time",
                    "count_over_time",
                    "last_over_time",
                    "first_over_time",
                    "present_over_time",
                    "absent_over_time",
                    "stddev_over_time",
                    "stdvar_over_time",
                    "deriv",
                    "ts_of_max_over_time",
                    "ts_of_min_over_time",
                    "ts_of_first_over_time",
                    "ts_of_last_over_time",
                ];
                let function = self.dice.pick(&functions);
                // Prometheus 3.5 stretches histograms to below zero, rounds their means otherwise, and may forget that the name of
                // what comes from a subquery is to be dropped.
                let of_numbers = matches!(function, "rate" | "increase" | "avg_over_time");
                let depth = if function == "last_over_time" { 0 } else { less };
                let range = self.numbers_if(of_numbers, |own| own.range(depth));
                format!("{function}({range})")
            }
            7 => format!("quantile_over_time({}, {})", self.scalar(0), self.range(less)),
            8 => format!("predict_linear({}, {})", self.range(less), self.scalar(0)),
            9 => format!("double_exponential_smoothing({}, 0.3, 0.6)", self.range(less)),
            10..=13 => {
                let op =
                    self.dice.pick(&["sum", "sum", "avg", "avg", "min", "max", "count", "group", "stddev", "stdvar"]);
                let vector = self.numbers_if(op == "avg", |own| own.vector(less));
                format!("{op}{} ({vector})", self.dice.pick(&BY))
            }
            14 => {
                let op = self.dice.pick(&["topk", "bottomk", "limitk", "quantile", "limit_ratio"]);
                let by = self.dice.pick(&BY);
                if matches!(op, "quantile" | "limit_ratio") {
                    let parameter = self.dice.pick(&["0", "0.5", "0.9", "-0.3", "1"]);
                    return format!("{op}{by} ({parameter}, {})", self.vector(less));
                }
                // Of what was computed, series come in an order that Prometheus leaves to chance, and equals with them.
                format!("{op}{by} ({}, {})", 1 + self.dice.below(4), self.vector(0))
            }
            15 => format!("count_values{} (\"v\", {})", self.dice.pick(&BY), self.vector(less)),
            16..=18 => {
                let op =
                    self.dice.pick(&["+", "-", "*", "/", "%", "^", "==", "!=", ">", "<", ">=", "<= bool", "> bool"]);
                if self.dice.one_in(2) {
                    format!("({}) {op} {}", self.vector(less), self.scalar(1))
                } else {
                    format!("{} {op} ({})", self.scalar(1), self.vector(less))
                }
            }
            19..=21 => {
                let op = self.dice.pick(&["+", "-", "*", "/", "==", "!=", ">", "< bool", "atan2", "%"]);
                let matching = self.dice.pick(&[
                    "",
                    "",
                    "on (instance, job)",
                    "ignoring (zone)",
                    "on (job) group_left ()",
                    "on (instance) group_right ()",
                    "ignoring (zone) group_left (zone)",
                    "on (instance, job) group_left (version)",
                ]);
                format!("({}) {op} {matching} ({})", self.vector(less), self.vector(less))
            }
            22 => {
                let op = self.dice.pick(&["and", "or", "unless"]);
                let matching = self.dice.pick(&["", "", "on (job)", "ignoring (zone)", "on ()"]);
                format!("({}) {op} {matching} ({})", self.vector(less), self.vector(less))
            }
            23 => {
                let function = self.dice.pick(&[
                    "abs",
                    "ceil",
                    "floor",
                    "exp",
                    "ln",
                    "log2",
                    "log10",
                    "sqrt",
                    "sgn",
                    "round",
                    "sin",
                    "cos",
                    "tan",
                    "asin",
                    "atan",
                    "sinh",
                    "tanh",
                    "asinh",
                    "deg",
                    "rad",
                    "-",
                    "timestamp",
                    "day_of_week",
                    "hour",
                    "minute",
                    "month",
                    "days_in_month",
                    "year",
                    "absent",
                    "sort",
                    "sort_desc",
                    "scalar",
                ]);
                match function {
                    "scalar" => format!("vector(scalar({}))", self.vector(less)),
                    function => format!("{function}({})", self.vector(less)),
                }
            }
            24 => {
                let function = self.dice.pick(&["clamp_min", "clamp_max", "round"]);
                format!("{function}({}, {})", self.vector(less), self.scalar(0))
            }
            25 => format!("clamp({}, {}, {})", self.vector(less), self.scalar(0), self.scalar(0)),
            26 => match self.dice.below(4) {
                0 => format!("label_join({}, \"to\", \"-\", \"job\", \"instance\")", self.vector(less)),
                1 => format!("label_replace({}, \"instance\", \"$1\", \"job\", \"(x)\")", self.vector(less)),
                2 => format!("sort_by_label({}, \"instance\")", self.vector(less)),
                _ => format!("label_replace({}, \"zone\", \"<$1>\", \"instance\", \"(.*)\")", self.vector(less)),
            },
            27..=28 => {
                let function =
                    self.dice.pick(&["histogram_count", "histogram_sum", "histogram_avg", "histogram_stddev"]);
                match self.dice.below(4) {
                    0 => format!("histogram_quantile({}, {})", self.scalar(0), self.vector(less)),
                    // Prometheus 3.5 knows no share below the first bound of classic and of custom buckets.
                    1 => format!("histogram_fraction(0.5, 4, h{})", self.dice.pick(&MATCHERS)),
                    _ => format!("{function}({})", self.vector(less)),
                }
            }
            _ => format!("vector({})", self.scalar(1)),
        }
    }
}
