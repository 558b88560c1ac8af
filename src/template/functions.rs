//! The functions of Prometheus' templates (`template/template.go`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::call::{Body, Function, Param};
use super::value::{Samples, TextType, Value, Whole};
use super::{Environment, clock, escape, format, links, methods, pattern, words};
use crate::number::{format_g, parse_go_float};
use crate::time::Duration;

use Param::{Any, Sample, Text};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("query", &[Text], |environment, args| {
        let context = environment.alert()?;
        let found = (context.query)(&text(args, 0), context.time)?;
        Ok(Value::Samples(Samples::new(found)))
    }),
    Function::new("first", &[Param::Samples], |_, args| {
        samples(args, 0).get(0).map(Value::Sample).ok_or_else(|| "first() called on vector with no elements".to_owned())
    }),
    Function::new("label", &[Text, Sample], |_, args| Ok(Value::text(sample(args, 1)?.labels.get(&text(args, 0))))),
    Function::new("strvalue", &[Sample], |_, args| Ok(Value::text(sample(args, 0)?.labels.get("__value__")))),
    Function::new("value", &[Sample], |_, args| Ok(Value::sample(&sample(args, 0)?.value))),
    Function::new("sortByLabel", &[Text, Param::Samples], |_, args| {
        let samples = samples(args, 1);
        samples.sort_by_label(&text(args, 0));
        Ok(Value::Samples(samples))
    }),
    Function::variadic(
        "args",
        &[],
        Any,
        Body::Plain(|_, args| {
            let named = args.iter().enumerate().map(|(at, arg)| (format!("arg{at}"), arg.clone()));
            Ok(Value::Args(Rc::new(named.collect::<BTreeMap<String, Value>>())))
        }),
    ),
    Function::new("reReplaceAll", &[Text, Text, Text], |_, args| {
        pattern::replace_all(&text(args, 0), &text(args, 1), &text(args, 2)).map(Value::text)
    }),
    Function::new("match", &[Text, Text], |_, args| pattern::is_match(&text(args, 0), &text(args, 1)).map(Value::Bool)),
    Function::new("safeHtml", &[Text], |_, args| Ok(Value::Text(bytes(args, 0).into(), TextType::Html))),
    Function::new("title", &[Text], |_, args| Ok(Value::text(words::title(&text(args, 0))))),
    Function::new("toUpper", &[Text], |_, args| Ok(Value::text(words::upper(&text(args, 0))))),
    Function::new("toLower", &[Text], |_, args| Ok(Value::text(words::lower(&text(args, 0))))),
    Function::new("graphLink", &[Text], |_, args| Ok(Value::text(links::expression_link(bytes(args, 0), 0)))),
    Function::new("tableLink", &[Text], |_, args| Ok(Value::text(links::expression_link(bytes(args, 0), 1)))),
    Function::new("stripPort", &[Text], |_, args| Ok(Value::text(links::strip_port(&text(args, 0))))),
    Function::new("stripDomain", &[Text], |_, args| Ok(Value::text(links::strip_domain(&text(args, 0))))),
    Function::new("urlQueryEscape", &[Text], |_, args| Ok(Value::text(escape::query(bytes(args, 0))))),
    Function::new("externalURL", &[], |environment, _| Ok(Value::text(address(environment)?))),
    Function::new("pathPrefix", &[], |environment, _| Ok(Value::text(links::path(address(environment)?)))),
    Function::new("now", &[], |environment, _| Ok(Value::Float(environment.alert()?.time.seconds()))),
    Function::new("humanize", &[Any], |_, args| Ok(Value::text(format::humanize(number(args)?)))),
    Function::new("humanize1024", &[Any], |_, args| Ok(Value::text(format::humanize1024(number(args)?)))),
    Function::new("humanizeDuration", &[Any], |_, args| Ok(Value::text(format::humanize_duration(number(args)?)))),
    Function::new("humanizePercentage", &[Any], |_, args| {
        Ok(Value::text(format!("{}%", format_g(number(args)? * 100.0, 4))))
    }),
    Function::new("humanizeTimestamp", &[Any], |_, args| {
        let seconds = number(args)?;
        match clock::time_of(seconds) {
            Ok(time) => Ok(Value::text(clock::text(&Value::Time(time.into())).unwrap_or_default())),
            Err(error) if error == clock::NO_TIME => Ok(Value::text(format_g(seconds, 4))),
            Err(error) => Err(error),
        }
    }),
    Function::new("toTime", &[Any], |_, args| clock::time_of(number(args)?).map(methods::time_pointer)),
    Function::new("toDuration", &[Any], |_, args| {
        Ok(Value::DurationPointer(Rc::new(clock::nanoseconds(number(args)? * 1e9))))
    }),
    Function::new("parseDuration", &[Text], |_, args| parse_duration(&text(args, 0)).map(Value::Float)),
];

/// The address of the server. promtool has none, and fails as Go does where a pointer is nil.
fn address<'x>(environment: &mut Environment<'_, 'x>) -> Result<&'x str, String> {
    let context = environment.alert()?;
    let nil = || "runtime error: invalid memory address or nil pointer dereference".to_owned();
    context.serves.then_some(context.external_url).ok_or_else(nil)
}

pub(super) fn bytes(args: &[Value], at: usize) -> &[u8] {
    match args.get(at) {
        Some(Value::Text(text, _)) => text,
        _ => &[],
    }
}

pub(super) fn text(args: &[Value], at: usize) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes(args, at))
}

fn samples(args: &[Value], at: usize) -> Samples {
    match args.get(at) {
        Some(Value::Samples(samples)) => samples.clone(),
        _ => Samples::new(Vec::new()),
    }
}

/// A sample, which may have been written as `nil`.
fn sample(args: &[Value], at: usize) -> Result<Rc<super::Sample>, String> {
    match args.get(at) {
        Some(Value::Sample(sample)) => Ok(Rc::clone(sample)),
        _ => Err("runtime error: invalid memory address or nil pointer dereference".to_owned()),
    }
}

/// A number: floats, whole numbers, durations, and strings that hold one.
fn number(args: &[Value]) -> Result<f64, String> {
    match args.first() {
        Some(Value::Float(float)) => Ok(*float),
        Some(Value::Int(int, Whole::Int | Whole::Int64)) => Ok(*int as f64),
        Some(Value::Int(nanos, Whole::Duration)) => {
            Ok((nanos / 1_000_000_000) as f64 + (nanos % 1_000_000_000) as f64 / 1e9)
        }
        Some(Value::Text(text, TextType::String)) => parse_float(&String::from_utf8_lossy(text)),
        other => Err(format!("can't convert {} to float", other.map_or("<nil>", Value::type_name))),
    }
}

/// A number as Go's `strconv.ParseFloat` reads it.
fn parse_float(text: &str) -> Result<f64, String> {
    parse_go_float(text).ok_or_else(|| {
        let quoted = crate::syntax::strings::quoted(text);
        // What is too large is a number with another exponent.
        let decimal = text.to_ascii_lowercase();
        let mantissa = decimal.split(['e', 'p']).next().unwrap_or_default();
        let exponent = decimal[mantissa.len()..].trim_start_matches(['e', 'p']).trim_start_matches(['+', '-']);
        let is_number = match decimal.contains("0x") {
            true => parse_go_float(&format!("{mantissa}p0")).is_some(),
            false => parse_go_float(&format!("{mantissa}e-400")).is_some(),
        };
        let whole_exponent = exponent.bytes().all(|byte| byte.is_ascii_digit());
        match is_number && whole_exponent && (mantissa.len() == decimal.len() || !exponent.is_empty()) {
            true => format!("strconv.ParseFloat: parsing {quoted}: value out of range"),
            false => format!("strconv.ParseFloat: parsing {quoted}: invalid syntax"),
        }
    })
}

/// Seconds of Prometheus' notation (`model.ParseDurationAllowNegative`).
fn parse_duration(written: &str) -> Result<f64, String> {
    let (sign, rest) = written.strip_prefix('-').map_or((1.0, written), |rest| (-1.0, rest));
    match rest.parse::<Duration>() {
        Ok(duration) => Ok(sign * duration.seconds()),
        Err(_) => Err(duration_problem(rest)),
    }
}

/// Prometheus' words for what is no duration.
fn duration_problem(text: &str) -> String {
    if text.is_empty() {
        return "empty duration string".to_owned();
    }
    let quoted = crate::syntax::strings::quoted(text);
    let malformed = format!("not a valid duration string: {quoted}");
    let mut rest = text;
    let mut units = ["y", "w", "d", "h", "m", "s", "ms"].iter();
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let unit_length = rest[digits..].find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len() - digits);
        if digits == 0 || unit_length == 0 || rest[..digits].parse::<u64>().is_err() {
            return malformed;
        }
        let unit = &rest[digits..digits + unit_length];
        if !matches!(unit, "y" | "w" | "d" | "h" | "m" | "s" | "ms") {
            return format!("unknown unit {} in duration {quoted}", crate::syntax::strings::quoted(unit));
        }
        if !units.any(|known| *known == unit) {
            return malformed;
        }
        rest = &rest[digits + unit_length..];
    }
    "duration out of range".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: `strconv.ParseFloat` and `model.ParseDuration`, as Prometheus' sources word them.
    #[test]
    fn what_is_no_number_is_said_in_the_words_of_go() {
        let error = |text: &str| parse_float(text).unwrap_err();
        assert_eq!(error("abc"), "strconv.ParseFloat: parsing \"abc\": invalid syntax");
        assert_eq!(error(""), "strconv.ParseFloat: parsing \"\": invalid syntax");
        assert_eq!(error("1e400"), "strconv.ParseFloat: parsing \"1e400\": value out of range");
        assert_eq!(error("1e"), "strconv.ParseFloat: parsing \"1e\": invalid syntax");
        assert_eq!(parse_float("0x1p4"), Ok(16.0));
    }

    #[test]
    fn what_is_no_duration_is_said_in_the_words_of_prometheus() {
        for (text, message) in [
            ("", "empty duration string"),
            ("-", "empty duration string"),
            ("5", "not a valid duration string: \"5\""),
            ("1m1h", "not a valid duration string: \"1m1h\""),
            ("5parsecs", "unknown unit \"parsecs\" in duration \"5parsecs\""),
            ("99999y", "duration out of range"),
        ] {
            assert_eq!(parse_duration(text), Err(message.to_owned()), "{text}");
        }
        assert_eq!(parse_duration("-1h30m"), Ok(-5400.0));
    }
}
