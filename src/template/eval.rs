//! Commands of a pipeline: values, fields, calls of functions and methods.

use super::call::{Body, Function, Param, Signature};
use super::exec::{Execution, Result};
use super::methods::{self, Method};
use super::syntax::{Command, Operand, OperandKind, Place};
use super::value::{Value, Whole};
use super::{builtins, print};

/// The value of a command; `last` is the result of the one before it in the pipeline, which it gets as an argument.
pub(super) fn command<'t>(
    execution: &mut Execution<'t, '_, '_>,
    dot: &Value,
    command: &'t Command,
    last: Option<Value>,
) -> Result<Value> {
    let Some((first, args)) = command.operands.split_first() else { return Ok(Value::Nil) };
    let place = Place::Operand(first);
    match &first.kind {
        OperandKind::Field(names) => {
            execution.at(place);
            return fields(execution, dot, dot.clone(), first, names, args, last);
        }
        OperandKind::Chain(from, names) => {
            execution.at(place);
            return chain(execution, dot, first, from, names, args, last);
        }
        OperandKind::Function(called) => {
            execution.at(place);
            return function(execution, dot, called, Place::Command(command), args, last);
        }
        OperandKind::Variable(name, names) => {
            execution.at(place);
            return variable(execution, dot, first, name, names, args, last);
        }
        OperandKind::Pipe(pipe) => {
            no_arguments(execution, first, args, &last)?;
            return execution.pipeline(dot, pipe);
        }
        _ => {}
    }
    execution.at(place);
    no_arguments(execution, first, args, &last)?;
    match &first.kind {
        OperandKind::Bool(truth) => Ok(Value::Bool(*truth)),
        OperandKind::Dot => Ok(dot.clone()),
        OperandKind::Number(number) => execution.constant(first, number),
        OperandKind::String(_, bytes) => Ok(Value::text(bytes)),
        _ => execution.fail("nil is not a command"),
    }
}

fn no_arguments(
    execution: &Execution<'_, '_, '_>,
    first: &Operand,
    args: &[Operand],
    last: &Option<Value>,
) -> Result<()> {
    if args.is_empty() && last.is_none() {
        return Ok(());
    }
    execution.fail(format!("can't give argument to non-function {first}"))
}

/// `(...).a.b`
pub(super) fn chain<'t>(
    execution: &mut Execution<'t, '_, '_>,
    dot: &Value,
    operand: &'t Operand,
    from: &'t Operand,
    names: &'t [String],
    args: &'t [Operand],
    last: Option<Value>,
) -> Result<Value> {
    let receiver = execution.argument(dot, None, from)?;
    fields(execution, dot, receiver, operand, names, args, last)
}

/// `$x`, or `$x.a.b`.
pub(super) fn variable<'t>(
    execution: &mut Execution<'t, '_, '_>,
    dot: &Value,
    operand: &'t Operand,
    name: &'t str,
    names: &'t [String],
    args: &'t [Operand],
    last: Option<Value>,
) -> Result<Value> {
    let value = execution.variable(name)?;
    if names.is_empty() {
        no_arguments(execution, operand, args, &last)?;
        return Ok(value);
    }
    fields(execution, dot, value, operand, names, args, last)
}

/// Fields of a value one after the other; the last of them may be a method with arguments.
pub(super) fn fields<'t>(
    execution: &mut Execution<'t, '_, '_>,
    dot: &Value,
    receiver: Value,
    operand: &'t Operand,
    names: &'t [String],
    args: &'t [Operand],
    last: Option<Value>,
) -> Result<Value> {
    let Some((name, before)) = names.split_last() else { return Ok(receiver) };
    let mut value = receiver;
    for name in before {
        value = field(execution, dot, value, operand, name, &[], None)?;
    }
    field(execution, dot, value, operand, name, args, last)
}

fn field<'t>(
    execution: &mut Execution<'t, '_, '_>,
    dot: &Value,
    receiver: Value,
    operand: &'t Operand,
    name: &'t str,
    args: &'t [Operand],
    last: Option<Value>,
) -> Result<Value> {
    if matches!(receiver, Value::Nil) {
        return Ok(Value::Nil);
    }
    let type_name = receiver.type_name();
    if receiver.is_nil_interface() {
        return execution.fail(format!("nil pointer evaluating {type_name}.{name}"));
    }
    let receiver = receiver.concrete();
    if let Some(method) = methods::find(&receiver, name) {
        return call(execution, dot, Callee::Method(method, receiver), Place::Operand(operand), name, args, last);
    }
    let has_arguments = !args.is_empty() || last.is_some();
    let found = match &receiver {
        Value::Data(data) => match name {
            "Labels" => Some(Value::Labels(data.labels.clone())),
            "ExternalLabels" => Some(Value::Labels(data.external_labels.clone())),
            "ExternalURL" => Some(Value::text(&data.external_url)),
            "Value" => Some(Value::interface(Value::sample(&data.value))),
            _ => None,
        },
        Value::Sample(sample) => match name {
            "Labels" => Some(Value::Labels(sample.labels.clone())),
            "Value" => Some(Value::interface(Value::sample(&sample.value))),
            _ => None,
        },
        Value::Histogram(histogram) => match name {
            "Schema" => Some(Value::Int(i64::from(histogram.schema), Whole::Int32)),
            "ZeroThreshold" => Some(Value::Float(histogram.zero_threshold)),
            "ZeroCount" => Some(Value::Float(histogram.zero_count)),
            "Count" => Some(Value::Float(histogram.count)),
            "Sum" => Some(Value::Float(histogram.sum)),
            _ => None,
        },
        Value::Time(_) | Value::TimePointer(_) if matches!(name, "wall" | "ext" | "loc") => {
            return execution.fail(format!("{name} is an unexported field of struct type {type_name}"));
        }
        Value::Labels(_) | Value::Args(_) if has_arguments => {
            return execution.fail(format!("{name} is not a method but has arguments"));
        }
        // A key that is missing has the zero value, `missingkey=zero`.
        Value::Labels(labels) => Some(Value::text(labels.get(name))),
        Value::Args(found) => Some(Value::interface(found.get(name).cloned().unwrap_or(Value::Nil))),
        _ => None,
    };
    match found {
        Some(_) if has_arguments => execution.fail(format!("{name} has arguments but cannot be invoked as function")),
        Some(value) => Ok(value),
        None => execution.fail(format!("can't evaluate field {name} in type {type_name}")),
    }
}

/// What is called.
enum Callee {
    Function(&'static Function),
    Method(&'static Method, Value),
}

impl Callee {
    fn signature(&self) -> Signature {
        match self {
            Callee::Function(function) => function.signature,
            Callee::Method(method, _) => method.signature,
        }
    }
}

/// A call of a function; `place` is what messages of the function itself point at.
pub(super) fn function<'t>(
    execution: &mut Execution<'t, '_, '_>,
    dot: &Value,
    function: &'static Function,
    place: Place<'t>,
    args: &'t [Operand],
    last: Option<Value>,
) -> Result<Value> {
    call(execution, dot, Callee::Function(function), place, function.name, args, last)
}

fn call<'t>(
    execution: &mut Execution<'t, '_, '_>,
    dot: &Value,
    callee: Callee,
    place: Place<'t>,
    name: &str,
    args: &'t [Operand],
    last: Option<Value>,
) -> Result<Value> {
    let Signature { fixed, more } = callee.signature();
    let given = args.len() + usize::from(last.is_some());
    let wanted = fixed.len();
    if more.is_some() && given < wanted {
        let got = args.len();
        return execution.fail(format!("wrong number of args for {name}: want at least {wanted} got {got}"));
    }
    if more.is_none() && given != wanted {
        return execution.fail(format!("wrong number of args for {name}: want {wanted} got {given}"));
    }
    if let Callee::Method(Method { refused: Some(why), .. }, _) = callee {
        return execution.fail(why);
    }
    if let Callee::Function(Function { body: body @ (Body::And | Body::Or), .. }) = &callee {
        return short_circuit(execution, dot, matches!(body, Body::Or), args, last);
    }
    let param = |at: usize| fixed.get(at).copied().or(more).unwrap_or(Param::Any);
    let mut values = Vec::with_capacity(given);
    for (at, arg) in args.iter().enumerate() {
        values.push(execution.argument(dot, Some(param(at)), arg)?);
    }
    let written = match (args.first(), &last) {
        (Some(arg), _) => arg.to_string(),
        (None, Some(last)) => print::reflected(last),
        (None, None) => String::new(),
    };
    if let Some(last) = last {
        let accepted = param(args.len()).accept(last);
        values.push(accepted.or_else(|message| execution.fail(message))?);
    }
    let result = match &callee {
        Callee::Method(method, receiver) => (method.body)(receiver, &values),
        Callee::Function(Function { body: Body::Plain(body), .. }) => body(&mut execution.environment, &values),
        Callee::Function(_) => builtins::call(&written, &values),
    };
    result.or_else(|message| {
        execution.at(place);
        execution.fail(format!("error calling {name}: {message}"))
    })
}

/// The first argument that decides, or the last one; those behind it are not evaluated.
fn short_circuit<'t>(
    execution: &mut Execution<'t, '_, '_>,
    dot: &Value,
    decides: bool,
    args: &'t [Operand],
    last: Option<Value>,
) -> Result<Value> {
    let mut value = Value::Nil;
    for arg in args {
        value = execution.argument(dot, Some(Param::Reflect), arg)?;
        if value.truth() == decides {
            return Ok(value);
        }
    }
    Ok(last.unwrap_or(value))
}
