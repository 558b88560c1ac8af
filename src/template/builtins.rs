//! The functions of Go's templates (`text/template/funcs.go`).

use std::rc::Rc;

use super::call::{Body, Function, Param};
use super::value::{Value, Whole};
use super::{compare, escape, print, printf};

use Param::{Any, Reflect, Text};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::variadic("and", &[Reflect], Reflect, Body::And),
    Function::variadic("or", &[Reflect], Reflect, Body::Or),
    Function::variadic("call", &[Reflect], Reflect, Body::Call),
    Function::new("not", &[Reflect], |_, args| Ok(Value::Bool(!args[0].truth()))),
    Function::variadic("html", &[], Any, Body::Plain(|_, args| Ok(Value::text(escape::html(&joined(args)))))),
    Function::variadic("js", &[], Any, Body::Plain(|_, args| Ok(Value::text(escape::js(&joined(args)))))),
    Function::variadic("urlquery", &[], Any, Body::Plain(|_, args| Ok(Value::text(escape::query(&joined(args)))))),
    Function::variadic("print", &[], Any, Body::Plain(|_, args| Ok(Value::text(printf::sprint(args))))),
    Function::variadic("println", &[], Any, Body::Plain(|_, args| Ok(Value::text(printf::sprintln(args))))),
    Function::variadic(
        "printf",
        &[Text],
        Any,
        Body::Plain(|_, args| match args {
            [Value::Text(layout, _), rest @ ..] => Ok(Value::text(printf::sprintf(layout, rest))),
            _ => Err("the layout is missing".to_owned()),
        }),
    ),
    Function::new("len", &[Reflect], |_, args| length(&args[0])),
    Function::variadic("index", &[Reflect], Reflect, Body::Plain(|_, args| index(&args[0], &args[1..]))),
    Function::variadic("slice", &[Reflect], Reflect, Body::Plain(|_, args| slice(&args[0], &args[1..]))),
    Function::variadic(
        "eq",
        &[Reflect],
        Reflect,
        Body::Plain(|_, args| compare::equals_any(&args[0], &args[1..]).map(Value::Bool)),
    ),
    Function::new("ne", &[Reflect, Reflect], |_, args| {
        compare::equals_any(&args[0], &args[1..]).map(|equal| Value::Bool(!equal))
    }),
    Function::new("lt", &[Reflect, Reflect], |_, args| compare::less(&args[0], &args[1]).map(Value::Bool)),
    Function::new("le", &[Reflect, Reflect], |_, args| compare::less_or_equal(&args[0], &args[1]).map(Value::Bool)),
    Function::new("gt", &[Reflect, Reflect], |_, args| {
        compare::less_or_equal(&args[0], &args[1]).map(|not_greater| Value::Bool(!not_greater))
    }),
    Function::new("ge", &[Reflect, Reflect], |_, args| {
        compare::less(&args[0], &args[1]).map(|less| Value::Bool(!less))
    }),
];

/// Arguments as one text: as `print` makes it, but of what pointers point at.
fn joined(args: &[Value]) -> Vec<u8> {
    let nothing = Value::text("<no value>");
    let shown = args.iter().map(|arg| if matches!(arg, Value::Nil) { &nothing } else { arg });
    printf::join(shown, |printer, arg| match arg {
        sample @ Value::Sample(_) => printer.out.extend_from_slice(print::indirect(sample).as_bytes()),
        other => printer.arg(other, 'v'),
    })
}

/// `call`: no value of an alert is a function.
pub(super) fn call(written: &str, args: &[Value]) -> Result<Value, String> {
    match args.first().map(Value::inner) {
        None | Some(Value::Nil) => Err("call of nil".to_owned()),
        Some(other) => Err(format!("non-function {written} of type {}", other.type_name())),
    }
}

fn length(value: &Value) -> Result<Value, String> {
    if value.is_nil_interface() {
        return Err("len of nil pointer".to_owned());
    }
    match value.inner() {
        Value::Nil => Err("reflect: call of reflect.Value.Type on zero Value".to_owned()),
        Value::Text(text, _) => Ok(Value::int(text.len())),
        Value::Labels(labels) => Ok(Value::int(labels.len())),
        Value::Args(args) => Ok(Value::int(args.len())),
        Value::List(list) => Ok(Value::int(list.len())),
        Value::Samples(samples) => Ok(Value::int(samples.len())),
        other => Err(format!("len of type {}", other.pointed_type_name())),
    }
}

/// A number within what is indexed; its length is allowed, and fails later where it has to.
fn position(index: &Value, limit: usize) -> Result<usize, String> {
    match index.inner() {
        Value::Int(int, _) => {
            let within = usize::try_from(*int).ok().filter(|at| *at <= limit);
            within.ok_or_else(|| format!("index out of range: {int}"))
        }
        Value::Nil => Err("cannot index slice/array with nil".to_owned()),
        other => Err(format!("cannot index slice/array with type {}", other.type_name())),
    }
}

/// The key of a map of texts.
fn key(index: &Value) -> Result<String, String> {
    match index.inner() {
        Value::Text(text, super::value::TextType::String) => Ok(String::from_utf8_lossy(text).into_owned()),
        Value::Nil => Err("value is nil; should be of type string".to_owned()),
        other => Err(format!("value has type {}; should be string", other.type_name())),
    }
}

/// Go's `index x 1 2`: `x[1][2]`.
fn index(item: &Value, indexes: &[Value]) -> Result<Value, String> {
    if matches!(item.inner(), Value::Nil) {
        return Err("index of untyped nil".to_owned());
    }
    let mut item = item.inner().clone();
    for index in indexes {
        if item.is_nil_interface() {
            return Err("index of nil pointer".to_owned());
        }
        item = match item.inner() {
            Value::Text(text, _) => {
                let at = position(index, text.len())?;
                let byte = text.get(at).ok_or("reflect: string index out of range")?;
                Value::Int(i64::from(*byte), Whole::Byte)
            }
            Value::Samples(samples) => {
                let at = position(index, samples.len())?;
                samples.get(at).map(Value::Sample).ok_or("reflect: slice index out of range")?
            }
            Value::List(list) => {
                let at = position(index, list.len())?;
                Value::interface(list.get(at).cloned().ok_or("reflect: slice index out of range")?)
            }
            Value::Labels(labels) => Value::text(labels.get(&key(index)?)),
            Value::Args(args) => Value::interface(args.get(&key(index)?).cloned().unwrap_or(Value::Nil)),
            other => return Err(format!("can't index item of type {}", other.pointed_type_name())),
        };
    }
    Ok(item)
}

/// Go's `slice x 1 2`: `x[1:2]`.
fn slice(item: &Value, indexes: &[Value]) -> Result<Value, String> {
    let item = item.inner();
    if indexes.len() > 3 && !matches!(item, Value::Nil) {
        return Err(format!("too many slice indexes: {}", indexes.len()));
    }
    let (length, capacity) = match item {
        Value::Nil => return Err("slice of untyped nil".to_owned()),
        Value::Text(..) if indexes.len() == 3 => return Err("cannot 3-index slice a string".to_owned()),
        Value::Text(text, _) => (text.len(), text.len()),
        Value::List(list) => (list.len(), list.len()),
        Value::Samples(samples) => (samples.len(), samples.capacity()),
        other => return Err(format!("can't slice item of type {}", other.pointed_type_name())),
    };
    let mut bounds = [0, length, capacity];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = position(index, capacity)?;
    }
    let [start, end, most] = bounds;
    if start > end {
        return Err(format!("invalid slice index: {start} > {end}"));
    }
    if end > most {
        return Err(format!("invalid slice index: {end} > {most}"));
    }
    match item {
        Value::Text(text, kind) => Ok(Value::Text(text[start..end].into(), *kind)),
        Value::List(list) => Ok(Value::List(Rc::new(list[start..end].to_vec()))),
        Value::Samples(samples) => Ok(Value::Samples(samples.slice(start, end, most))),
        other => Ok(other.clone()),
    }
}
