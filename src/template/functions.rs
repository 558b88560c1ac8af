//! The functions of Prometheus' templates (`template/template.go`), and those that `tree` writes into a template.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use gotmpl::{FuncMap, TemplateError, Value, ValueFunc};
use regex::Regex;

use super::{format, links, printf, value, with_running};
use crate::labels::search_regex;
use crate::time::Duration;

/// Prints a value as Go does; appended to every action.
pub(super) const PRINT: &str = "\0print";
/// Reads fields of a value: the value, then names.
pub(super) const FIELD: &str = "\0field";
/// Calls the last of some fields with arguments: the value, how many names, names, arguments.
pub(super) const CALL: &str = "\0call";
/// Passes on what can be ranged over.
pub(super) const RANGE: &str = "\0range";
/// Makes a struct a text, for functions that print.
pub(super) const PLAIN: &str = "\0plain";

/// Functions of Go's templates, which `gotmpl` has.
const BUILTINS: &[&str] = &[
    "and", "call", "html", "index", "slice", "js", "len", "not", "or", "print", "printf", "println", "urlquery", "eq",
    "ge", "gt", "le", "lt", "ne",
];

/// Whether a function exists.
pub(super) fn is_known(name: &str) -> bool {
    BUILTINS.contains(&name) || all().contains_key(name)
}

/// All functions but Go's own.
pub(super) fn all() -> &'static FuncMap {
    static FUNCTIONS: OnceLock<FuncMap> = OnceLock::new();
    FUNCTIONS.get_or_init(|| {
        let mut map = FuncMap::new();
        let mut add = |name: &str, arity: usize, function: fn(&Args<'_>) -> Result<Value, String>| {
            let name: Arc<str> = name.into();
            let inner = Arc::clone(&name);
            let function: ValueFunc = Arc::new(move |args: &[Value]| {
                if arity != ANY && args.len() != arity {
                    let (expected, got) = (arity, args.len());
                    return Err(TemplateError::ArgCount { name: inner.to_string(), expected, got });
                }
                let failed = |message| {
                    TemplateError::Exec(format!("error calling {}: {message}", inner.trim_start_matches('\0')))
                };
                function(&Args(args)).map_err(failed)
            });
            map.insert(name.to_string(), function);
        };
        add("query", 1, |args| query(args.text(0)?));
        add("first", 1, |args| {
            args.list(0)?.first().cloned().ok_or_else(|| "first() called on vector with no elements".to_owned())
        });
        add("label", 2, |args| sample_label(args, 1, args.text(0)?));
        add("strvalue", 1, |args| sample_label(args, 0, "__value__"));
        add("value", 1, |args| value::field(args.sample(0)?, "Value"));
        add("sortByLabel", 2, sort_by_label);
        add("args", ANY, |args| {
            let named = args.0.iter().enumerate().map(|(at, arg)| (format!("arg{at}").into(), arg.clone()));
            Ok(Value::Map(Arc::new(named.collect::<BTreeMap<Arc<str>, Value>>())))
        });
        add("reReplaceAll", 3, |args| {
            let pattern = regex(args.text(0)?)?;
            text(pattern.replace_all(args.text(2)?, args.text(1)?))
        });
        add("match", 2, |args| Ok(Value::Bool(regex(args.text(0)?)?.is_match(args.text(1)?))));
        add("safeHtml", 1, |args| text(args.text(0)?));
        add("title", 1, |args| text(title(args.text(0)?)));
        add("toUpper", 1, |args| text(args.text(0)?.chars().map(|c| single(c, c.to_uppercase())).collect::<String>()));
        add("toLower", 1, |args| text(args.text(0)?.chars().map(|c| single(c, c.to_lowercase())).collect::<String>()));
        add("graphLink", 1, |args| text(links::expression_link(args.text(0)?, 0)));
        add("tableLink", 1, |args| text(links::expression_link(args.text(0)?, 1)));
        add("stripPort", 1, |args| text(links::strip_port(args.text(0)?)));
        add("stripDomain", 1, |args| text(links::strip_domain(args.text(0)?)));
        add("urlQueryEscape", 1, |args| text(gotmpl::url_encode(args.text(0)?)));
        add("externalURL", 0, |_| text(with_running(|running| running.external_url.clone()).unwrap_or_default()));
        add("pathPrefix", 0, |_| text(with_running(|running| links::path(&running.external_url)).unwrap_or_default()));
        add("now", 0, |_| Ok(Value::Float(with_running(|running| running.time.seconds()).unwrap_or_default())));
        add("humanize", 1, |args| text(format::humanize(args.number(0)?)));
        add("humanize1024", 1, |args| text(format::humanize1024(args.number(0)?)));
        add("humanizeDuration", 1, |args| text(format::humanize_duration(args.number(0)?)));
        add("humanizePercentage", 1, |args| text(format!("{}%", format::significant(args.number(0)? * 100.0, 4))));
        add("humanizeTimestamp", 1, |args| {
            let seconds = args.number(0)?;
            if !seconds.is_finite() {
                return text(format::significant(seconds, 4));
            }
            text(format::time(format::time_of(seconds)?))
        });
        add("toTime", 1, |args| Ok(value::time(format::time_of(args.number(0)?)?)));
        add("toDuration", 1, |args| {
            let nanos = args.number(0)? * 1e9;
            // A float that an int64 cannot hold becomes the smallest one on amd64.
            let fits = nanos >= i64::MIN as f64 && nanos < i64::MAX as f64;
            Ok(value::duration(if fits { nanos as i64 } else { i64::MIN }))
        });
        add("parseDuration", 1, |args| {
            let written = args.text(0)?;
            let (sign, rest) = written.strip_prefix('-').map_or((1.0, written), |rest| (-1.0, rest));
            let duration: Duration = rest.parse().map_err(|error| format!("{error}"))?;
            Ok(Value::Float(sign * duration.seconds()))
        });
        add("index", ANY, index);
        add("print", ANY, |args| text(printf::sprint(args.0)));
        add("println", ANY, |args| text(printf::sprintln(args.0)));
        add("printf", ANY, |args| match args.0.split_first() {
            Some((Value::String(layout), rest)) => text(printf::sprintf(layout, rest)),
            Some((other, _)) => Err(format!("expected string; found {}", value::print(other))),
            None => Err("wrong number of args for printf: want at least 1 got 0".to_owned()),
        });
        add(PRINT, 1, |args| text(value::print(args.get(0)?)));
        add(PLAIN, 1, |args| {
            let plain = args.get(0)?;
            if value::kind(plain).is_some() { text(value::print(plain)) } else { Ok(plain.clone()) }
        });
        add(FIELD, ANY, |args| {
            args.0
                .iter()
                .skip(1)
                .try_fold(args.get(0)?.clone(), |at, name| value::field(&at, name.as_str().unwrap_or_default()))
        });
        add(CALL, ANY, call);
        add(RANGE, 1, |args| match args.get(0)? {
            map @ Value::Map(_) if value::kind(map).is_none() => Ok(map.clone()),
            other @ (Value::List(_) | Value::Int(_) | Value::Uint(_)) => Ok(other.clone()),
            other => Err(format!("range can't iterate over {}", value::print(other))),
        });
        map
    })
}

/// Any number of arguments.
const ANY: usize = usize::MAX;

/// Arguments of a call.
struct Args<'a>(&'a [Value]);

impl<'a> Args<'a> {
    fn get(&self, at: usize) -> Result<&'a Value, String> {
        self.0.get(at).ok_or_else(|| format!("argument {} is missing", at + 1))
    }

    fn text(&self, at: usize) -> Result<&'a str, String> {
        let value = self.get(at)?;
        value.as_str().ok_or_else(|| format!("expected string; found {}", value::print(value)))
    }

    fn list(&self, at: usize) -> Result<&'a [Value], String> {
        match self.get(at)? {
            Value::List(items) => Ok(items),
            other => Err(format!("expected the result of a query; found {}", value::print(other))),
        }
    }

    fn sample(&self, at: usize) -> Result<&'a Value, String> {
        let sample = self.get(at)?;
        match value::kind(sample) {
            Some(value::SAMPLE) => Ok(sample),
            _ => Err(format!("expected an element of a query's result; found {}", value::print(sample))),
        }
    }

    /// A number: floats, integers, durations, and texts that hold one.
    fn number(&self, at: usize) -> Result<f64, String> {
        match self.get(at)? {
            Value::Float(float) => Ok(*float),
            Value::Int(int) => Ok(*int as f64),
            Value::Uint(int) => Ok(*int as f64),
            Value::String(text) => parse_float(text),
            duration if value::kind(duration) == Some(value::DURATION) => Ok(value::amount(duration) as f64 / 1e9),
            other => {
                let kind = value::kind(other).filter(|kind| *kind == value::HISTOGRAM);
                Err(format!("can't convert {} to float", kind.unwrap_or(other.type_name())))
            }
        }
    }
}

/// A number as Go's `strconv.ParseFloat` reads it.
fn parse_float(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(float) if float.is_infinite() && text.contains(|c: char| c.is_ascii_digit()) => {
            Err(format!("strconv.ParseFloat: parsing {text:?}: value out of range"))
        }
        Ok(float) => Ok(float),
        Err(_) => Err(format!("strconv.ParseFloat: parsing {text:?}: invalid syntax")),
    }
}

fn text(text: impl AsRef<str>) -> Result<Value, String> {
    Ok(Value::String(text.as_ref().into()))
}

fn regex(pattern: &str) -> Result<Regex, String> {
    search_regex(pattern).map_err(|error| format!("error parsing regexp: {error}"))
}

/// A character in the other case, where that is one character.
fn single(old: char, mut new: impl Iterator<Item = char>) -> char {
    match (new.next(), new.next()) {
        (Some(new), None) => new,
        _ => old,
    }
}

/// The first letter of every word in upper case; other letters stay.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let characters: Vec<char> = text.chars().collect();
    let mut inside = false;
    for (at, c) in characters.iter().enumerate() {
        let next_is_letter = characters.get(at + 1).is_some_and(|next| next.is_alphabetic());
        if c.is_alphabetic() && !inside {
            out.extend(c.to_uppercase());
        } else {
            out.push(*c);
        }
        // An apostrophe or a full stop between letters does not end a word (Unicode's word boundaries).
        inside = c.is_alphanumeric() || *c == '_' || (inside && matches!(c, '\'' | '.' | ':' | '’') && next_is_letter);
    }
    out
}

/// The result of a query, or a stop until it is there.
fn query(text: &str) -> Result<Value, String> {
    let found = with_running(|running| match running.results.get(text) {
        Some(found) => found.clone(),
        None => {
            running.wanted = Some(text.to_owned());
            Err("not yet".to_owned())
        }
    });
    found.unwrap_or_else(|| Err("no query can be run here".to_owned()))
}

fn sample_label(args: &Args<'_>, at: usize, name: &str) -> Result<Value, String> {
    value::field(&value::field(args.sample(at)?, "Labels")?, name)
}

fn sort_by_label(args: &Args<'_>) -> Result<Value, String> {
    let name = args.text(0)?;
    let mut keyed = Vec::new();
    for sample in args.list(1)? {
        let label = value::field(&value::field(sample, "Labels")?, name)?;
        keyed.push((label.as_str().unwrap_or_default().to_owned(), sample.clone()));
    }
    keyed.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(Value::List(keyed.into_iter().map(|(_, sample)| sample).collect()))
}

/// Go's `index`: an element of a list, or a value of a map, empty where it has none.
fn index(args: &Args<'_>) -> Result<Value, String> {
    let mut at = args.get(0)?.clone();
    for key in args.0.iter().skip(1) {
        at = match (&at, key) {
            (map @ Value::Map(_), Value::String(name)) if value::kind(map).is_none() => value::field(map, name)?,
            (Value::Map(_), _) => return Err(format!("cannot index with {}", value::print(key))),
            (other, key) => other.index(key).map_err(|error| error.to_string())?,
        };
    }
    Ok(at)
}

/// A method with arguments, which only times have.
fn call(args: &Args<'_>) -> Result<Value, String> {
    let count = args.get(1)?.as_int().unwrap_or_default() as usize;
    let names: Vec<&str> = args.0.iter().skip(2).take(count).filter_map(Value::as_str).collect();
    let given = args.0.get(2 + count..).unwrap_or_default();
    let Some((method, fields)) = names.split_last() else {
        return Err("can't give argument to non-function".to_owned());
    };
    let mut at = args.get(0)?.clone();
    for name in fields {
        at = value::field(&at, name)?;
    }
    match (value::kind(&at), *method, given) {
        (Some(value::TIME), "Format", [Value::String(layout)]) => text(format::time_layout(value::amount(&at), layout)),
        _ => {
            value::field(&at, method)?;
            Err(format!("{method} is not a method but has arguments"))
        }
    }
}
