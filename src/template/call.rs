//! What templates call: functions with the types of their parameters, and how values fit them.

use super::value::{TextType, Value, Whole};
use super::{Environment, builtins, entry_functions, functions};

/// The type of a parameter, as far as it decides what may be passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Param {
    /// `interface {}`
    Any,
    /// `reflect.Value`: anything, and interfaces stay interfaces.
    Reflect,
    Text,
    Samples,
    Sample,
    Int,
    Float,
    Duration,
    Time,
}

impl Param {
    /// Go's name of the type.
    pub fn type_name(self) -> &'static str {
        match self {
            Param::Any => "interface {}",
            Param::Reflect => "reflect.Value",
            Param::Text => "string",
            Param::Samples => "template.queryResult",
            Param::Sample => "*template.sample",
            Param::Int => "int",
            Param::Float => "float64",
            Param::Duration => "time.Duration",
            Param::Time => "time.Time",
        }
    }

    pub fn can_be_nil(self) -> bool {
        matches!(self, Param::Any | Param::Reflect | Param::Samples | Param::Sample)
    }

    /// A value as this parameter takes it.
    ///
    /// # Errors
    /// What Go says of a value of another type.
    pub fn accept(self, value: Value) -> Result<Value, String> {
        match (self, value) {
            (_, Value::Nil) if self.can_be_nil() => Ok(Value::Nil),
            (_, Value::Nil) => Err(format!("invalid value; expected {}", self.type_name())),
            (Param::Reflect, value) => Ok(value),
            (Param::Any, value) => Ok(value.concrete()),
            (_, value) if value.is_nil_interface() => Err(self.refuse(&value)),
            (_, value) => match (self, value.concrete()) {
                (Param::Text, text @ Value::Text(_, TextType::String)) => Ok(text),
                (Param::Samples, samples @ Value::Samples(_)) => Ok(samples),
                (Param::Sample, sample @ Value::Sample(_)) => Ok(sample),
                (Param::Int, int @ Value::Int(_, Whole::Int)) => Ok(int),
                (Param::Float, float @ Value::Float(_)) => Ok(float),
                (Param::Duration, duration @ Value::Int(_, Whole::Duration)) => Ok(duration),
                (Param::Duration, Value::DurationPointer(nanos)) => Ok(Value::Int(*nanos, Whole::Duration)),
                (Param::Time, time @ Value::Time(_)) => Ok(time),
                (Param::Time, Value::TimePointer(time)) => Ok(Value::Time((*time).into())),
                (_, other) => Err(self.refuse(&other)),
            },
        }
    }

    fn refuse(self, value: &Value) -> String {
        format!("wrong type for value; expected {}; got {}", self.type_name(), value.type_name())
    }
}

/// Parameters of a function or method.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signature {
    pub fixed: &'static [Param],
    /// The type of any number of further ones.
    pub more: Option<Param>,
}

/// A function; the arguments fit the signature.
#[derive(Debug)]
pub(super) struct Function {
    pub name: &'static str,
    pub signature: Signature,
    pub body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    /// Evaluates no further than the first false argument.
    And,
    /// Evaluates no further than the first true argument.
    Or,
    /// Go's `call`, which knows how its first argument is written.
    Call,
    Plain(fn(&mut Environment<'_, '_>, &[Value]) -> Result<Value, String>),
}

impl Function {
    pub const fn new(
        name: &'static str,
        fixed: &'static [Param],
        body: fn(&mut Environment<'_, '_>, &[Value]) -> Result<Value, String>,
    ) -> Function {
        Function { name, signature: Signature { fixed, more: None }, body: Body::Plain(body) }
    }

    /// One with any number of further arguments.
    pub const fn variadic(name: &'static str, fixed: &'static [Param], more: Param, body: Body) -> Function {
        Function { name, signature: Signature { fixed, more: Some(more) }, body }
    }
}

/// Whose functions a template has beside Go's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Prometheus' alerts.
    Alert,
    /// Loki's entries.
    Entry,
}

/// The function of a name.
pub(super) fn find(dialect: Dialect, name: &str) -> Option<&'static Function> {
    let own = match dialect {
        Dialect::Alert => functions::FUNCTIONS,
        Dialect::Entry => entry_functions::FUNCTIONS,
    };
    own.iter().chain(builtins::FUNCTIONS).find(|function| function.name == name)
}
