//! Go's `fmt.Sprintf`, `Sprint` and `Sprintln` for the values of templates.

use gotmpl::Value;

use super::{format, value};

/// The most digits of a width or a precision; Go has the same limit.
const MAX_WIDTH: usize = 1_000_000;

/// `Sprint`: a space between operands where neither is a text.
pub(super) fn sprint(args: &[Value]) -> String {
    let mut out = String::new();
    for (at, arg) in args.iter().enumerate() {
        let text = |value: &Value| matches!(value, Value::String(_));
        if at > 0 && !text(arg) && !text(&args[at - 1]) {
            out.push(' ');
        }
        out.push_str(&plain(arg));
    }
    out
}

/// `Sprintln`.
pub(super) fn sprintln(args: &[Value]) -> String {
    args.iter().map(plain).collect::<Vec<_>>().join(" ") + "\n"
}

/// `%v`; a nil is `<nil>` here, other than at the end of an action.
fn plain(value: &Value) -> String {
    if matches!(value, Value::Nil) { "<nil>".to_owned() } else { value::print(value) }
}

/// One `%...`: its flags, width and precision.
#[derive(Clone, Copy, Default)]
struct Directive {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// `Sprintf`, with Go's remarks on verbs that do not fit and on arguments that are missing or left over.
pub(super) fn sprintf(layout: &str, args: &[Value]) -> String {
    let mut out = String::new();
    let mut rest = layout;
    let mut used = 0;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let mut directive = Directive::default();
        let mut remarks = String::new();
        rest = directive.read(rest, args, &mut used, &mut remarks);
        out.push_str(&remarks);
        let Some(verb) = rest.chars().next() else {
            out.push_str("%!(NOVERB)");
            break;
        };
        rest = &rest[verb.len_utf8()..];
        match (verb, args.get(used)) {
            ('%', _) => out.push('%'),
            (_, None) => out.push_str(&format!("%!{verb}(MISSING)")),
            (_, Some(arg)) => {
                used += 1;
                out.push_str(&directive.format(verb, arg));
            }
        }
    }
    out.push_str(rest);
    if used < args.len() {
        let extra: Vec<String> = args[used..].iter().map(typed).collect();
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    out
}

/// `float64=1e+06`, as Go describes an argument that does not fit.
fn typed(value: &Value) -> String {
    match value {
        Value::Nil => "<nil>".to_owned(),
        other => format!("{}={}", type_name(other), plain(other)),
    }
}

/// The name of a value's type in Go.
fn type_name(value: &Value) -> &'static str {
    match (value::kind(value), value) {
        (Some(value::TIME), _) => "*time.Time",
        (Some(value::DURATION), _) => "*time.Duration",
        (Some(value::SAMPLE), _) => "*template.sample",
        (_, Value::Nil) => "<nil>",
        (_, Value::Bool(_)) => "bool",
        (_, Value::Int(_)) => "int",
        (_, Value::Uint(_)) => "uint64",
        (_, Value::Float(_)) => "float64",
        (_, Value::String(_)) => "string",
        (_, Value::List(_)) => "template.queryResult",
        (_, Value::Map(_)) => "map[string]string",
        _ => "func",
    }
}

impl Directive {
    /// Reads flags, width and precision; what is left starts with the verb.
    fn read<'t>(&mut self, mut rest: &'t str, args: &[Value], used: &mut usize, remarks: &mut String) -> &'t str {
        loop {
            match rest.as_bytes().first() {
                Some(b'-') => (self.minus, self.zero) = (true, false),
                Some(b'+') => self.plus = true,
                Some(b'#') => self.sharp = true,
                Some(b' ') => self.space = true,
                Some(b'0') => self.zero = !self.minus,
                _ => break,
            }
            rest = &rest[1..];
        }
        (self.width, rest) = number(rest, args, used, remarks, "%!(BADWIDTH)");
        if let Some(behind) = rest.strip_prefix('.') {
            let (precision, behind) = number(behind, args, used, remarks, "%!(BADPREC)");
            (self.precision, rest) = (Some(precision.unwrap_or(0)), behind);
        }
        rest
    }

    fn format(&self, verb: char, arg: &Value) -> String {
        if verb == 'T' {
            return self.pad(type_name(arg).to_owned(), false);
        }
        let formatted = match arg {
            Value::Float(float) => self.float(verb, *float).map(|text| (text, true)),
            Value::Int(int) => self.integer(verb, i128::from(*int)).map(|text| (text, true)),
            Value::Uint(int) => self.integer(verb, i128::from(*int)).map(|text| (text, true)),
            Value::Bool(truth) if matches!(verb, 'v' | 't') => Some((truth.to_string(), false)),
            Value::Nil if verb == 'v' => Some(("<nil>".to_owned(), false)),
            Value::String(text) => self.text(verb, text).map(|text| (text, false)),
            Value::List(_) | Value::Map(_) if verb == 'v' || verb == 's' => Some((plain(arg), false)),
            _ => None,
        };
        match formatted {
            Some((text, number)) => self.pad(text, number),
            None => format!("%!{verb}({})", typed(arg)),
        }
    }

    fn text(&self, verb: char, text: &str) -> Option<String> {
        let cut: String = match self.precision {
            Some(precision) => text.chars().take(precision).collect(),
            None => text.to_owned(),
        };
        let hex = |byte: u8| if verb == 'x' { format!("{byte:02x}") } else { format!("{byte:02X}") };
        match verb {
            'v' | 's' => Some(cut),
            'q' => Some(quoted(&cut)),
            'x' | 'X' => Some(text.bytes().take(self.precision.unwrap_or(usize::MAX)).map(hex).collect()),
            _ => None,
        }
    }

    fn integer(&self, verb: char, int: i128) -> Option<String> {
        let magnitude = int.unsigned_abs();
        let digits = match verb {
            'v' | 'd' => magnitude.to_string(),
            'b' => format!("{}{magnitude:b}", if self.sharp { "0b" } else { "" }),
            'o' => format!("{}{magnitude:o}", if self.sharp { "0" } else { "" }),
            'O' => format!("0o{magnitude:o}"),
            'x' => format!("{}{magnitude:x}", if self.sharp { "0x" } else { "" }),
            'X' => format!("{}{magnitude:X}", if self.sharp { "0X" } else { "" }),
            'c' => return Some(character(int).to_string()),
            'q' => return Some(format!("'{}'", character(int))),
            'U' => return Some(format!("U+{magnitude:04X}")),
            _ => return None,
        };
        let digits = match self.precision {
            Some(precision) => format!("{digits:0>precision$}"),
            None => digits,
        };
        Some(format!("{}{digits}", self.sign(int < 0)))
    }

    fn float(&self, verb: char, float: f64) -> Option<String> {
        let sign = self.sign(float.is_sign_negative() && !float.is_nan());
        if !matches!(verb, 'v' | 'g' | 'G' | 'e' | 'E' | 'f' | 'F') {
            return None;
        }
        if float.is_nan() {
            return Some(if self.plus { "+NaN".to_owned() } else { format!("{sign}NaN") });
        }
        if float.is_infinite() {
            return Some(format!("{}Inf", if sign.is_empty() && !self.space { "+" } else { sign }));
        }
        let size = float.abs();
        let digits = match verb {
            'f' | 'F' => format!("{size:.*}", self.precision.unwrap_or(6)),
            'e' | 'E' => exponential(size, self.precision.unwrap_or(6)),
            _ => match self.precision {
                Some(precision) => format::significant(size, precision.max(1)),
                None => format::shortest(size),
            },
        };
        let digits = if matches!(verb, 'E' | 'G') { digits.to_uppercase() } else { digits };
        Some(format!("{sign}{digits}"))
    }

    fn sign(&self, negative: bool) -> &'static str {
        match (negative, self.plus, self.space) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            _ => "",
        }
    }

    fn pad(&self, text: String, number: bool) -> String {
        let missing = self.width.unwrap_or(0).saturating_sub(text.chars().count());
        if missing == 0 {
            return text;
        }
        if self.minus {
            return text + &" ".repeat(missing);
        }
        let finite = !text.ends_with("Inf") && !text.ends_with("NaN");
        if self.zero && number && finite && self.precision_allows_zeros(&text) {
            let digits = text.find(|c: char| c.is_ascii_alphanumeric()).unwrap_or(0);
            return format!("{}{}{}", &text[..digits], "0".repeat(missing), &text[digits..]);
        }
        " ".repeat(missing) + &text
    }

    /// A precision of an integer gives its digits, and zeros do not fill the width then.
    fn precision_allows_zeros(&self, text: &str) -> bool {
        self.precision.is_none() || text.contains(['.', 'e', 'E'])
    }
}

/// A width or precision, in digits or as `*`.
fn number<'t>(
    rest: &'t str,
    args: &[Value],
    used: &mut usize,
    remarks: &mut String,
    bad: &str,
) -> (Option<usize>, &'t str) {
    if let Some(behind) = rest.strip_prefix('*') {
        let given = args.get(*used).and_then(Value::as_int).and_then(|int| usize::try_from(int).ok());
        *used = (*used + 1).min(args.len());
        let given = given.filter(|given| *given <= MAX_WIDTH);
        if given.is_none() {
            remarks.push_str(bad);
        }
        return (given, behind);
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    (rest[..digits].parse().ok().filter(|number| *number <= MAX_WIDTH), &rest[digits..])
}

fn character(int: i128) -> char {
    u32::try_from(int).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// `%e`: an exponent of at least two digits, with its sign.
fn exponential(size: f64, precision: usize) -> String {
    let text = format!("{size:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{mantissa}e{sign}{exponent:0>2}")
}

/// A text in double quotes with Go's escapes.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push(c),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_format_as_in_go() {
        let float = |value: f64| Value::Float(value);
        for (layout, arg, text) in [
            ("%.2f", float(1.005), "1.00"),
            ("%.2f", float(f64::NEG_INFINITY), "-Inf"),
            ("%5.1f|", float(2.25), "  2.2|"),
            ("%-6.1f|", float(2.25), "2.2   |"),
            ("%06.1f", float(-2.25), "-002.2"),
            ("%+d", Value::Int(5), "+5"),
            ("%05d", Value::Int(-5), "-0005"),
            ("%d", float(1e6), "%!d(float64=1e+06)"),
            ("%s", float(0.0), "%!s(float64=0)"),
            ("%v", float(1e6), "1e+06"),
            ("%e", float(1234.5), "1.234500e+03"),
            ("%.3g", float(1234.5), "1.23e+03"),
            ("%T", float(1.0), "float64"),
            ("%q", Value::String("a\"b".into()), "\"a\\\"b\""),
            ("%5s|", Value::String("µ".into()), "    µ|"),
            ("%x", Value::Int(255), "ff"),
            ("100%%%v", Value::Nil, "100%<nil>"),
            ("%d%d", Value::Int(1), "1%!d(MISSING)"),
            ("x", Value::Int(1), "x%!(EXTRA int=1)"),
            ("%v%", Value::Int(1), "1%!(NOVERB)"),
        ] {
            assert_eq!(sprintf(layout, &[arg]), text, "{layout}");
        }
    }
}
