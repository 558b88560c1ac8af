//! Random log queries and metric queries that are well-typed, and lines for them.

use super::common::dice::Dice;

const SELECTORS: [&str; 4] = ["{app=~\".+\"}", "{app=\"a\"}", "{app!=\"a\"}", "{app=~\"a|b\", pod=\"\"}"];
const LABELS: [&str; 8] = ["a", "b", "c", "app", "a_b", "m", "a_extracted", "nosuch"];
const NUMBERS: [&str; 8] = ["0", "1", "2.5", "-1", "1e3", "5s", "1KB", "NaN"];
const TEXTS: [&str; 10] = ["", "a", "1", "x.*", "(?i)a|b", "^$", "10.0.0.0/8", "::1-::9", "\u{e4}", "a+b[c-d]"];
const OPERATORS: [&str; 8] = ["=", "!=", "=~", "!~", "==", ">", ">=", "<"];
const TEMPLATES: [&str; 16] = [
    "{{.a}}-{{.b}}",
    "{{ __line__ | upper | trunc 3 }}{{ __timestamp__ | unixEpoch }}",
    "{{ range $k, $v := fromJson __line__ }}{{ $k }}={{ $v }} {{ end }}",
    "{{ .a | int }}{{ .b | float64 | ceil }}{{ add 1 (int .a) }}{{ divf .a .b }}{{ round .a 2 }}",
    "{{ regexReplaceAll \"(a+)b\" __line__ \"${1}c\" }}{{ regexReplaceAllLiteral \"a\" __line__ \"$1\" }}",
    "{{ __line__ | urldecode }}{{ __line__ | b64dec }}{{ __line__ | urlencode }}{{ __line__ | b64enc }}",
    "{{ __line__ | unixToTime }}{{ toDate \"2006-01-02\" __line__ | unixEpoch }}",
    "{{ __line__ | duration }}{{ __line__ | bytes }}{{ __line__ | duration_seconds }}",
    "{{ alignLeft 5 __line__ }}{{ alignRight 5 __line__ }}{{ indent 2 __line__ }}{{ nindent 1 .a }}",
    "{{ title __line__ }}{{ substr 1 4 __line__ }}{{ trunc -3 __line__ }}{{ repeat 3 .a }}{{ replace .a \"\" .b }}",
    "{{ toDateInZone \"02/Jan/2006:15:04:05 -0700\" \"Europe/Berlin\" __line__ }}{{ count \"a\" __line__ }}",
    "{{ if eq .a \"1\" }}x{{ else if and .b (contains \"a\" __line__) }}y{{ end }}{{ default 5 .c }}",
    "{{ printf \"%5.2f %q %x %v\" (float64 .a) .b .c 1 }}{{ len __line__ }}{{ index .a 0 }}",
    "{{ max 1 2 3 }}{{ min .a 2 }}{{ mod 7 0 }}{{ div 7 0 }}{{ subf 1 .a }}{{ mulf 2 .a }}{{ floor .a }}",
    "{{ trimPrefix .a .b }}{{ trimAll .a __line__ }}{{ hasPrefix .a .b }}{{ trim __line__ }}{{ lower .a }}",
    "{{ with $x := .a }}{{ $x }}{{ end }}{{ now | date \"2006\" }}{{ .nosuch.deeper }}",
];

/// Decides what is asked.
pub struct LogQueries<'a>(pub &'a mut Dice);

impl LogQueries<'_> {
    fn label(&mut self) -> &'static str {
        self.0.pick(&LABELS)
    }

    fn text(&mut self) -> String {
        format!("`{}`", self.0.pick(&TEXTS))
    }

    fn condition(&mut self) -> String {
        let label = self.label();
        match self.0.below(5) {
            0 => format!("{label} {} {}", self.0.pick(&["==", "!=", ">", ">=", "<", "<="]), self.0.pick(&NUMBERS)),
            1 => {
                format!("{label} {} ip(`{}`)", self.0.pick(&["=", "!="]), self.0.pick(&["10.0.0.0/8", "::1-::9", "1"]))
            }
            2 => {
                let op = self.0.pick(&["and", "or", ","]);
                format!("{} {op} {}", self.condition_of(label), self.condition())
            }
            3 => format!("({})", self.condition()),
            _ => self.condition_of(label),
        }
    }

    fn condition_of(&mut self, label: &str) -> String {
        format!("{label}{}{}", self.0.pick(&OPERATORS[..4]), self.text())
    }

    fn choices(&mut self) -> String {
        let more = (0..=self.0.below(3)).map(|_| match self.0.below(3) {
            0 => format!("{}=~`x.*`", self.label()),
            _ => self.label().to_owned(),
        });
        more.collect::<Vec<_>>().join(", ")
    }

    fn stage(&mut self) -> String {
        match self.0.below(20) {
            0 => "| json".to_owned(),
            1 => {
                let path = self.0.pick(&["a", "a.b", "[0]", "a[1].b", "x[0][1]", "[\"a b\"]", "a.b.c"]);
                format!("| json {}=`{path}`, c=\"b\"", self.label())
            }
            2 => "| logfmt".to_owned(),
            3 => format!("| logfmt {}", self.0.pick(&["--strict", "--keep-empty", "--strict --keep-empty"])),
            4 => format!("| logfmt {} a=\"b\", {}", self.0.pick(&["", "--strict"]), self.label()),
            5 => format!("| regexp `{}`", self.0.pick(&["(?P<a>.*)=(?P<b>[^ ]*)", "^(?P<c>\\S+)|(?P<c>x)", "(?P<m>)"])),
            6 => format!("| pattern `{}`", self.0.pick(&["<a> <_>=<b> <c>", "<m>", "x<a>", "<_>\"<a>\"<_>"])),
            7 => "| unpack".to_owned(),
            8 | 9 => format!("| line_format `{}`", self.0.pick(&TEMPLATES)),
            10 => format!("| label_format {}=`{}`", self.label(), self.0.pick(&TEMPLATES)),
            11 => format!("| label_format {}={}", self.label(), self.label()),
            12 => "| decolorize".to_owned(),
            13 => format!("| drop {}", self.choices()),
            14 => format!("| keep {}", self.choices()),
            15 => format!("{} {}", self.0.pick(&["|=", "!=", "|~", "!~"]), self.text()),
            16 => format!("|= {} or {}", self.text(), self.text()),
            17 => format!("{} `{}`", self.0.pick(&["|>", "!>"]), self.0.pick(&["<_>a<_>", "a<_>b", "<_>", "", "a"])),
            18 => format!("{} ip(`10.0.0.0/8`)", self.0.pick(&["|=", "!="])),
            _ => format!("| {}", self.condition()),
        }
    }

    /// A selector and its stages.
    pub fn log_query(&mut self) -> String {
        let selector = self.0.pick(&SELECTORS);
        let stages: Vec<String> = (0..self.0.below(5)).map(|_| self.stage()).collect();
        format!("{selector} {}", stages.join(" "))
    }

    fn grouping(&mut self) -> String {
        match self.0.below(3) {
            0 => String::new(),
            by => format!("{} ({})", ["by", "without"][by as usize - 1], self.label()),
        }
    }

    fn range(&mut self) -> String {
        let query = self.log_query();
        let length = self.0.pick(&["1s", "3s", "20s", "1h", "500ms"]);
        let offset = self.0.pick(&["", "", " offset 2s", " offset -3s"]);
        if self.0.one_in(3) {
            let ops = ["rate", "count_over_time", "bytes_rate", "bytes_over_time", "absent_over_time"];
            return format!("{}({query} [{length}]{offset})", self.0.pick(&ops));
        }
        let label = self.label();
        let unwrapped = match self.0.below(4) {
            0 => format!("bytes({label})"),
            1 => format!("duration_seconds({label})"),
            _ => label.to_owned(),
        };
        let filter = self.0.pick(&["", "", " | __error__=``", " | a > 1"]);
        let range = format!("{query} | unwrap {unwrapped}{filter} [{length}]{offset}");
        match self.0.below(12) {
            0 => format!("sum_over_time({range})"),
            1 => format!("rate({range})"),
            2 => format!("rate_counter({range})"),
            3 => format!("absent_over_time({range})"),
            4 => format!("quantile_over_time(0.{}, {range}) {}", self.0.below(10), self.grouping()),
            op => {
                let op = ["avg", "min", "max", "stdvar", "stddev", "first", "last"][op as usize - 5];
                format!("{op}_over_time({range}) {}", self.grouping())
            }
        }
    }

    /// A metric query.
    pub fn metric_query(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self.range();
        }
        let less = depth - 1;
        match self.0.below(10) {
            0..=2 => self.range(),
            3 | 4 => {
                let op = self.0.pick(&["sum", "avg", "max", "min", "count", "stddev", "stdvar"]);
                format!("{op} {} ({})", self.grouping(), self.metric_query(less))
            }
            5 => format!("{}(2, {})", self.0.pick(&["topk", "bottomk", "approx_topk"]), self.metric_query(less)),
            6 => format!("{}({})", self.0.pick(&["sort", "sort_desc"]), self.metric_query(less)),
            7 => {
                let op = self.0.pick(&["+", "/", "%", "^", ">", "== bool", "!="]);
                format!("({}) {op} {}", self.metric_query(less), self.0.pick(&["0", "2", "vector(3)"]))
            }
            8 => {
                let op = self.0.pick(&["+", "-", "*", "/", ">", "and", "or", "unless"]);
                let matching = self.0.pick(&["", "on (a)", "ignoring (b)"]);
                format!("({}) {op} {matching} ({})", self.metric_query(less), self.metric_query(less))
            }
            _ => format!("label_replace({}, \"z\", \"$1\", \"a\", \"(.).*\")", self.metric_query(less)),
        }
    }

    /// A line of pieces that stages look for, or of any bytes.
    pub fn line(&mut self) -> Vec<u8> {
        const PIECES: [&[u8]; 40] = [
            b" ",
            b"{",
            b"}",
            b"[",
            b"]",
            b"\"",
            b"\\",
            b":",
            b",",
            b"=",
            b"a",
            b"b",
            b"c",
            b"\"a\"",
            b"\"a\":",
            b"{\"a\":{\"b\":",
            b"1",
            b"-2.5e3",
            b"true",
            b"null",
            b"\\u00e4",
            b"\\ud800",
            b"\\\"",
            b"a=1",
            b"b=\"x y\"",
            b"\x1b[31m",
            b"10.0.0.1",
            b"::1",
            b"5s",
            b"10KB",
            b"\"_entry\":\"z\"",
            b"\xff",
            b"\xc3",
            "\u{fffd}\u{e4}".as_bytes(),
            b"a_extracted=3",
            b"c=9 ",
            b"{\"a\":\"1\",\"b\":[2,{\"c\":null}]}",
            b"\t",
            b"\0",
            b"m=2",
        ];
        let mut line = Vec::new();
        for _ in 0..self.0.below(16) {
            match PIECES.get(self.0.below(48) as usize) {
                Some(piece) => line.extend_from_slice(piece),
                None => line.push(self.0.below(256) as u8),
            }
        }
        line
    }
}
