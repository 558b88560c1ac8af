//! The functions of Loki's templates: its own (`log/fmt.go`) and those that it takes from `Masterminds/sprig`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use chrono::{DateTime, Utc};

use super::call::{Body, Function, Param};
use super::decimal::{self, Operation};
use super::functions::{bytes, text};
use super::moment::Zone;
use super::value::{TextType, Value, Whole};
use super::{Environment, base64, clock, clock_read, escape, pattern, words};
use crate::number::{parse_go_float, parse_go_integer, parse_size};
use crate::syntax::strings::quoted;
use crate::time::Nanoseconds;

use Param::{Any, Float, Int, Text, Time};

type Answer = Result<Value, String>;

/// Bytes that a function writes at most.
const MAX_TEXT: usize = 64 << 20;

const fn one(name: &'static str, body: fn(&mut Environment<'_, '_>, &[Value]) -> Answer) -> Function {
    Function::new(name, &[Text], body)
}

const fn two(name: &'static str, body: fn(&mut Environment<'_, '_>, &[Value]) -> Answer) -> Function {
    Function::new(name, &[Text, Text], body)
}

const fn numbers(name: &'static str, body: fn(&mut Environment<'_, '_>, &[Value]) -> Answer) -> Function {
    Function::variadic(name, &[Any], Any, Body::Plain(body))
}

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("__line__", &[], |environment, _| Ok(Value::text(environment.entry()?.line))),
    Function::new("__timestamp__", &[], |environment, _| Ok(time_value(moment(environment.entry()?.time.0)))),
    Function::new("now", &[], |environment, _| Ok(time_value(moment(environment.entry()?.now.0)))),
    one("ToLower", |_, args| Ok(Value::text(words::lower(&text(args, 0))))),
    one("ToUpper", |_, args| Ok(Value::text(words::upper(&text(args, 0))))),
    one("lower", |_, args| Ok(Value::text(words::lower(&text(args, 0))))),
    one("upper", |_, args| Ok(Value::text(words::upper(&text(args, 0))))),
    one("title", |_, args| Ok(Value::text(titled(&text(args, 0))))),
    Function::new("Replace", &[Text, Text, Text, Int], |_, args| {
        let count = int(args, 3);
        Ok(Value::text(replaced(&text(args, 0), &text(args, 1), &text(args, 2), usize::try_from(count).ok())))
    }),
    Function::new("replace", &[Text, Text, Text], |_, args| {
        Ok(Value::text(replaced(&text(args, 2), &text(args, 0), &text(args, 1), None)))
    }),
    two("Trim", |_, args| Ok(Value::text(trimmed(&text(args, 0), &text(args, 1), true, true)))),
    two("TrimLeft", |_, args| Ok(Value::text(trimmed(&text(args, 0), &text(args, 1), true, false)))),
    two("TrimRight", |_, args| Ok(Value::text(trimmed(&text(args, 0), &text(args, 1), false, true)))),
    two("trimAll", |_, args| Ok(Value::text(trimmed(&text(args, 1), &text(args, 0), true, true)))),
    two("TrimPrefix", |_, args| Ok(Value::text(without_prefix(bytes(args, 0), bytes(args, 1))))),
    two("TrimSuffix", |_, args| Ok(Value::text(without_suffix(bytes(args, 0), bytes(args, 1))))),
    two("trimPrefix", |_, args| Ok(Value::text(without_prefix(bytes(args, 1), bytes(args, 0))))),
    two("trimSuffix", |_, args| Ok(Value::text(without_suffix(bytes(args, 1), bytes(args, 0))))),
    one("TrimSpace", |_, args| Ok(Value::text(text(args, 0).trim()))),
    one("trim", |_, args| Ok(Value::text(text(args, 0).trim()))),
    Function::new("regexReplaceAll", &[Text, Text, Text], |_, args| {
        let regex = pattern::compiled(&text(args, 0))?;
        Ok(Value::text(&*regex.replace_all(&text(args, 1), &*text(args, 2))))
    }),
    Function::new("regexReplaceAllLiteral", &[Text, Text, Text], |_, args| {
        let regex = pattern::compiled(&text(args, 0))?;
        Ok(Value::text(&*regex.replace_all(&text(args, 1), regex::NoExpand(&text(args, 2)))))
    }),
    two("count", |_, args| Ok(Value::int(pattern::compiled(&text(args, 0))?.find_iter(&text(args, 1)).count()))),
    one("urldecode", |_, args| escape::unescape_query(bytes(args, 0)).map(Value::text)),
    one("urlencode", |_, args| Ok(Value::text(escape::query(bytes(args, 0))))),
    one("bytes", |_, args| parse_size(&text(args, 0)).map(|size| Value::Float(size as f64))),
    one("duration", |_, args| seconds(&text(args, 0))),
    one("duration_seconds", |_, args| seconds(&text(args, 0))),
    Function::new("unixEpoch", &[Time], |_, args| Ok(Value::text(time(args, 0).timestamp().to_string()))),
    Function::new("unixEpochMillis", &[Time], |_, args| Ok(Value::text(time(args, 0).timestamp_millis().to_string()))),
    Function::new("unixEpochNanos", &[Time], |_, args| {
        let time = time(args, 0);
        // As Go's wraps around.
        let nanos = i128::from(time.timestamp()) * 1_000_000_000 + i128::from(time.timestamp_subsec_nanos());
        Ok(Value::text((nanos as i64).to_string()))
    }),
    Function::new("toDateInZone", &[Text, Text, Text], |_, args| {
        let read = clock_read::read(&text(args, 0), &text(args, 2), &Zone::named(&text(args, 1)));
        Ok(Value::Time(read.unwrap_or_else(|| year_one().into())))
    }),
    two("toDate", |_, args| {
        let read = clock_read::read(&text(args, 0), &text(args, 1), &Zone::Utc);
        Ok(Value::Time(read.unwrap_or_else(|| year_one().into())))
    }),
    one("unixToTime", |_, args| unix_to_time(&text(args, 0)).map(time_value)),
    Function::new("date", &[Text, Any], |environment, args| {
        let time = match args.get(1) {
            Some(Value::Time(time)) => time.utc,
            Some(Value::TimePointer(time)) => **time,
            Some(Value::Int(seconds, Whole::Int | Whole::Int32 | Whole::Int64)) => {
                DateTime::from_timestamp(*seconds, 0).unwrap_or_else(year_one)
            }
            _ => moment(environment.entry()?.now.0),
        };
        Ok(Value::text(clock::layout(&time.into(), &text(args, 0))))
    }),
    Function::new("alignLeft", &[Int, Text], |_, args| aligned(int(args, 0), &text(args, 1), true)),
    Function::new("alignRight", &[Int, Text], |_, args| aligned(int(args, 0), &text(args, 1), false)),
    one("b64enc", |_, args| Ok(Value::text(base64::encode(bytes(args, 0))))),
    one("b64dec", |_, args| Ok(Value::text(base64::decode(bytes(args, 0)).unwrap_or_else(String::into_bytes)))),
    Function::new("trunc", &[Int, Text], |_, args| Ok(Value::text(truncated(int(args, 0), bytes(args, 1))))),
    Function::new("substr", &[Int, Int, Text], |_, args| substring(int(args, 0), int(args, 1), bytes(args, 2))),
    two("contains", |_, args| Ok(Value::Bool(memchr::memmem::find(bytes(args, 1), bytes(args, 0)).is_some()))),
    two("hasPrefix", |_, args| Ok(Value::Bool(bytes(args, 1).starts_with(bytes(args, 0))))),
    two("hasSuffix", |_, args| Ok(Value::Bool(bytes(args, 1).ends_with(bytes(args, 0))))),
    Function::new("indent", &[Int, Text], |_, args| indented("", int(args, 0), &text(args, 1))),
    Function::new("nindent", &[Int, Text], |_, args| indented("\n", int(args, 0), &text(args, 1))),
    Function::new("repeat", &[Int, Text], |_, args| repeated(&text(args, 1), int(args, 0)).map(Value::text)),
    Function::new("int", &[Any], |_, args| Ok(Value::Int(whole(args.first()), Whole::Int))),
    Function::new("float64", &[Any], |_, args| Ok(Value::Float(float(args.first())))),
    Function::variadic(
        "add",
        &[],
        Any,
        Body::Plain(|_, args| Ok(int64(args.iter().fold(0, |sum, arg| sum.wrapping_add(whole(Some(arg))))))),
    ),
    Function::new("sub", &[Any, Any], |_, args| Ok(int64(whole(args.first()).wrapping_sub(whole(args.get(1)))))),
    Function::new("div", &[Any, Any], |_, args| divided(args, i64::wrapping_div)),
    Function::new("mod", &[Any, Any], |_, args| divided(args, i64::wrapping_rem)),
    numbers("mul", |_, args| Ok(int64(args.iter().fold(1, |product, arg| product.wrapping_mul(whole(Some(arg))))))),
    numbers("max", |_, args| Ok(int64(args.iter().map(|arg| whole(Some(arg))).max().unwrap_or(0)))),
    numbers("min", |_, args| Ok(int64(args.iter().map(|arg| whole(Some(arg))).min().unwrap_or(0)))),
    Function::variadic(
        "addf",
        &[],
        Any,
        Body::Plain(|_, args| decimal::fold(0.0, &floats(args), Operation::Add).map(Value::Float)),
    ),
    numbers("subf", |_, args| folded(args, Operation::Subtract)),
    numbers("mulf", |_, args| folded(args, Operation::Multiply)),
    numbers("divf", |_, args| folded(args, Operation::Divide)),
    numbers("maxf", |_, args| Ok(Value::Float(extreme(&floats(args), f64::max)))),
    numbers("minf", |_, args| Ok(Value::Float(extreme(&floats(args), f64::min)))),
    Function::new("ceil", &[Any], |_, args| Ok(Value::Float(float(args.first()).ceil()))),
    Function::new("floor", &[Any], |_, args| Ok(Value::Float(float(args.first()).floor()))),
    Function::variadic("round", &[Any, Int], Float, Body::Plain(|_, args| Ok(Value::Float(rounded(args))))),
    one("fromJson", |_, args| Ok(serde_json::from_slice(bytes(args, 0)).map_or(Value::Nil, from_json))),
    Function::variadic(
        "default",
        &[Any],
        Any,
        Body::Plain(|_, args| {
            let given = args.get(1).filter(|given| given.truth() || !has_length_or_size(given));
            Ok(given.or(args.first()).cloned().unwrap_or(Value::Nil))
        }),
    ),
];

/// Whether a value may be empty; times never are.
fn has_length_or_size(value: &Value) -> bool {
    !matches!(value.inner(), Value::Time(_) | Value::TimePointer(_))
}

fn int(args: &[Value], at: usize) -> i64 {
    match args.get(at) {
        Some(Value::Int(int, _)) => *int,
        _ => 0,
    }
}

fn int64(int: i64) -> Value {
    Value::Int(int, Whole::Int64)
}

fn time(args: &[Value], at: usize) -> DateTime<Utc> {
    match args.get(at) {
        Some(Value::Time(time)) => time.utc,
        _ => year_one(),
    }
}

fn time_value(time: DateTime<Utc>) -> Value {
    Value::Time(time.into())
}

/// Go's zero time, which stands for what cannot be read.
fn year_one() -> DateTime<Utc> {
    DateTime::from_timestamp(-62_135_596_800, 0).unwrap_or_default()
}

fn moment(nanos: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_nanos(nanos)
}

fn unix_to_time(written: &str) -> Result<DateTime<Utc>, String> {
    let fail = |why: &str| format!("unable to parse time '{written}': {why}");
    let signed = written.strip_prefix(['+', '-']).unwrap_or(written);
    if signed.is_empty() || !signed.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(fail(&format!("strconv.ParseInt: parsing {}: invalid syntax", quoted(written))));
    }
    let out_of_range = |_| fail(&format!("strconv.ParseInt: parsing {}: value out of range", quoted(written)));
    let value: i64 = written.parse().map_err(out_of_range)?;
    let found = match written.len() {
        5 => DateTime::from_timestamp(value * 86400, 0),
        10 => DateTime::from_timestamp(value, 0),
        13 => DateTime::from_timestamp_millis(value),
        16 => DateTime::from_timestamp_micros(value),
        19 => Some(moment(value)),
        _ => None,
    };
    found.ok_or_else(|| fail("%!w(<nil>)"))
}

fn seconds(text: &str) -> Answer {
    text.parse::<Nanoseconds>().map(|span| Value::Float(span.seconds())).map_err(|error| error.to_string())
}

/// `strings.Title`: every letter at the start of a word in upper case.
fn titled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut previous = ' ';
    for c in text.chars() {
        let separates = match previous.is_ascii() {
            true => !(previous.is_ascii_alphanumeric() || previous == '_'),
            false => !previous.is_alphanumeric() && previous.is_whitespace(),
        };
        match separates {
            true => out.push_str(&words::upper(c.encode_utf8(&mut [0; 4]))),
            false => out.push(c),
        }
        previous = c;
    }
    out
}

fn replaced(text: &str, old: &str, new: &str, count: Option<usize>) -> String {
    match count {
        Some(count) => text.replacen(old, new, count),
        None => text.replace(old, new),
    }
}

fn trimmed<'t>(text: &'t str, cutset: &str, left: bool, right: bool) -> &'t str {
    let cut = |c: char| cutset.contains(c);
    let text = if left { text.trim_start_matches(cut) } else { text };
    if right { text.trim_end_matches(cut) } else { text }
}

fn without_prefix<'t>(text: &'t [u8], prefix: &[u8]) -> &'t [u8] {
    text.strip_prefix(prefix).unwrap_or(text)
}

fn without_suffix<'t>(text: &'t [u8], suffix: &[u8]) -> &'t [u8] {
    text.strip_suffix(suffix).unwrap_or(text)
}

/// In a column so many characters wide.
fn aligned(width: i64, text: &str, left: bool) -> Answer {
    let length = text.chars().count();
    let Ok(width) = usize::try_from(width) else { return Ok(Value::text(text)) };
    if width > MAX_TEXT {
        return Err(format!("a width of {width} is too large"));
    }
    let pad = " ".repeat(width.saturating_sub(length));
    Ok(Value::text(match (left, width < length) {
        (true, true) => text.chars().take(width).collect(),
        (false, true) => text.chars().skip(length - width).collect(),
        (true, false) => format!("{text}{pad}"),
        (false, false) => format!("{pad}{text}"),
    }))
}

fn truncated(length: i64, text: &[u8]) -> &[u8] {
    let size = text.len() as i64;
    match length {
        0.. if size > length => &text[..length as usize],
        ..0 if size.saturating_add(length) > 0 => &text[(size + length) as usize..],
        _ => text,
    }
}

fn substring(start: i64, end: i64, text: &[u8]) -> Answer {
    let size = text.len() as i64;
    let (start, end) = match (start < 0, end < 0 || end > size) {
        (true, _) => (0, end),
        (false, true) => (start, size),
        (false, false) => (start, end),
    };
    match (usize::try_from(start), usize::try_from(end)) {
        (Ok(from), Ok(to)) if from <= to && end <= size => Ok(Value::text(&text[from..to])),
        _ => Err(format!("runtime error: slice bounds out of range [{start}:{end}]")),
    }
}

fn repeated(text: &str, count: i64) -> Result<String, String> {
    let count = usize::try_from(count).map_err(|_| "strings: negative Repeat count".to_owned())?;
    match text.len().checked_mul(count) {
        Some(size) if size <= MAX_TEXT => Ok(text.repeat(count)),
        _ => Err("the text is too long".to_owned()),
    }
}

fn indented(before: &str, spaces: i64, text: &str) -> Answer {
    let pad = repeated(" ", spaces)?;
    let lines = text.matches('\n').count() + 1;
    match pad.len().checked_mul(lines) {
        Some(size) if size <= MAX_TEXT => {
            Ok(Value::text(format!("{before}{pad}{}", text.replace('\n', &format!("\n{pad}")))))
        }
        _ => Err("the text is too long".to_owned()),
    }
}

/// A whole number, as `spf13/cast` makes one of anything: 0 where it cannot.
fn whole(value: Option<&Value>) -> i64 {
    match value.map(Value::inner) {
        Some(Value::Int(int, kind)) if *kind != Whole::Duration => *int,
        Some(Value::Float(float)) => clock::nanoseconds(*float),
        Some(Value::Bool(truth)) => i64::from(*truth),
        Some(Value::Text(text, TextType::String)) => {
            let text = String::from_utf8_lossy(text);
            let whole = without_fraction(&text);
            parse_go_integer(&whole).and_then(|int| i64::try_from(int).ok()).unwrap_or(0)
        }
        _ => 0,
    }
}

/// `12.5` without what follows the point; anything else as it is.
fn without_fraction(text: &str) -> Cow<'_, str> {
    let Some((before, after)) = text.split_once('.') else { return Cow::Borrowed(text) };
    let digits = before.strip_prefix(['-', '+']).unwrap_or(before);
    if !digits.bytes().chain(after.bytes()).all(|byte| byte.is_ascii_digit()) {
        return Cow::Borrowed(text);
    }
    if digits.is_empty() { Cow::Owned(format!("{before}0")) } else { Cow::Borrowed(before) }
}

/// A float, made the same way.
fn float(value: Option<&Value>) -> f64 {
    match value.map(Value::inner) {
        Some(Value::Float(float)) => *float,
        Some(Value::Int(int, kind)) if *kind != Whole::Duration => *int as f64,
        Some(Value::Bool(truth)) => f64::from(u8::from(*truth)),
        Some(Value::Text(text, TextType::String)) => parse_go_float(&String::from_utf8_lossy(text)).unwrap_or(0.0),
        _ => 0.0,
    }
}

fn floats(args: &[Value]) -> Vec<f64> {
    args.iter().map(|arg| float(Some(arg))).collect()
}

fn folded(args: &[Value], operation: Operation) -> Answer {
    let floats = floats(args);
    let (first, rest) = floats.split_first().ok_or("an argument is missing")?;
    decimal::fold(*first, rest, operation).map(Value::Float)
}

fn divided(args: &[Value], divide: fn(i64, i64) -> i64) -> Answer {
    match whole(args.get(1)) {
        0 => Err("runtime error: integer divide by zero".to_owned()),
        divisor => Ok(int64(divide(whole(args.first()), divisor))),
    }
}

/// NaN wins, as in Go's `math.Max`.
fn extreme(values: &[f64], choose: fn(f64, f64) -> f64) -> f64 {
    if values.iter().any(|value| value.is_nan()) {
        f64::NAN
    } else {
        values.iter().copied().reduce(choose).unwrap_or(0.0)
    }
}

/// To so many digits; a third argument says from where on it is rounded up.
fn rounded(args: &[Value]) -> f64 {
    let up_from = if args.len() > 2 { float(args.get(2)) } else { 0.5 };
    let power = 10_f64.powi(int(args, 1).clamp(-400, 400) as i32);
    let digits = power * float(args.first());
    // Go's `math.Modf` keeps the sign: a negative fraction is never large enough.
    let up = digits.fract() >= up_from;
    (if up { digits.ceil() } else { digits.floor() }) / power
}

/// What Go's `json.Unmarshal` makes of a value whose type is not known.
fn from_json(value: serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(truth) => Value::Bool(truth),
        serde_json::Value::Number(number) => Value::Float(number.as_f64().unwrap_or(0.0)),
        serde_json::Value::String(text) => Value::text(text),
        serde_json::Value::Array(elements) => Value::List(Rc::new(elements.into_iter().map(from_json).collect())),
        serde_json::Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, from_json(value)));
            Value::Args(Rc::new(fields.collect::<BTreeMap<String, Value>>()))
        }
    }
}
