//! Values of a running template, with the types that Go's reflection sees in Prometheus' data: they decide what may be
//! called with what, what is compared, and what messages say.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Sample;
use super::moment::Moment;
use crate::histogram::{self, FloatHistogram};
use crate::labels::Labels;

/// What a template is executed with (`template.AlertTemplateData`).
#[derive(Debug)]
pub(super) struct Data {
    pub labels: Labels,
    pub external_labels: Labels,
    pub external_url: String,
    pub value: histogram::Sample,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    /// No value at all: `nil`, or what a nil interface held.
    Nil,
    Bool(bool),
    Int(i64, Whole),
    Float(f64),
    /// Real and imaginary part.
    Complex(f64, f64),
    /// Bytes, which are no UTF-8 where a character was cut.
    Text(Rc<[u8]>, TextType),
    /// `map[string]string`
    Labels(Labels),
    /// `map[string]interface {}`
    Args(Rc<BTreeMap<String, Value>>),
    /// `[]interface {}`
    List(Rc<Vec<Value>>),
    /// A query's result.
    Samples(Samples),
    /// One element of it, always behind a pointer.
    Sample(Rc<Sample>),
    /// A native histogram, always behind a pointer.
    Histogram(Arc<FloatHistogram>),
    Data(Rc<Data>),
    Time(Moment),
    TimePointer(Rc<DateTime<Utc>>),
    /// Nanoseconds.
    DurationPointer(Rc<i64>),
    /// What a variable of the type `interface {}` holds, before anything has looked inside. Never one in another.
    Interface(Rc<Value>),
}

/// The types whose values are whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    Int,
    Int32,
    Int64,
    /// A byte of a text.
    Byte,
    Month,
    Weekday,
    Duration,
}

/// The types whose values are texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextType {
    String,
    /// What `safeHtml` returns.
    Html,
}

/// A slice: part of elements that others may see and sort, too.
#[derive(Clone, Debug)]
pub(super) struct Samples {
    all: Rc<RefCell<Vec<Rc<Sample>>>>,
    start: usize,
    length: usize,
    capacity: usize,
}

impl Samples {
    pub fn new(samples: Vec<Sample>) -> Samples {
        let length = samples.len();
        let all = Rc::new(RefCell::new(samples.into_iter().map(Rc::new).collect()));
        Samples { all, start: 0, length, capacity: length }
    }

    pub fn len(&self) -> usize {
        self.length
    }

    pub fn capacity(&self) -> usize {
        self.capacity
    }

    pub fn get(&self, at: usize) -> Option<Rc<Sample>> {
        if at >= self.length {
            return None;
        }
        self.all.borrow().get(self.start + at).map(Rc::clone)
    }

    pub fn iter(&self) -> impl Iterator<Item = Rc<Sample>> {
        (0..self.length).filter_map(|at| self.get(at))
    }

    /// `samples[start:end:capacity]`, with `start <= end <= capacity` within what there is.
    pub fn slice(&self, start: usize, end: usize, capacity: usize) -> Samples {
        Samples {
            all: Rc::clone(&self.all),
            start: self.start + start,
            length: end - start,
            capacity: capacity - start,
        }
    }

    /// Sorts in place, for all who see the elements.
    pub fn sort_by_label(&self, name: &str) {
        let mut all = self.all.borrow_mut();
        if let Some(own) = all.get_mut(self.start..self.start + self.length) {
            own.sort_by(|a, b| a.labels.get(name).cmp(b.labels.get(name)));
        }
    }
}

/// Go's type of what a template is executed with.
const DATA_TYPE: &str =
    "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }";

impl Value {
    pub fn text(text: impl AsRef<[u8]>) -> Value {
        Value::Text(text.as_ref().into(), TextType::String)
    }

    pub fn int(int: usize) -> Value {
        Value::Int(i64::try_from(int).unwrap_or(i64::MAX), Whole::Int)
    }

    /// A field or element whose type is `interface {}`.
    pub fn interface(inner: Value) -> Value {
        Value::Interface(Rc::new(inner))
    }

    /// What a query yields for an element.
    pub fn sample(sample: &histogram::Sample) -> Value {
        match sample {
            histogram::Sample::Float(float) => Value::Float(*float),
            histogram::Sample::Histogram(histogram) => Value::Histogram(Arc::clone(histogram)),
        }
    }

    /// What an interface holds; anything else is itself.
    pub fn concrete(self) -> Value {
        match self {
            Value::Interface(inner) => Rc::unwrap_or_clone(inner),
            other => other,
        }
    }

    /// The same by reference.
    pub fn inner(&self) -> &Value {
        match self {
            Value::Interface(inner) => inner,
            other => other,
        }
    }

    /// Whether it is an interface that holds nothing.
    pub fn is_nil_interface(&self) -> bool {
        matches!(self, Value::Interface(inner) if matches!(**inner, Value::Nil))
    }

    /// Go's name of the type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Nil => "<nil>",
            Value::Bool(_) => "bool",
            Value::Int(_, Whole::Int) => "int",
            Value::Int(_, Whole::Int32) => "int32",
            Value::Int(_, Whole::Int64) => "int64",
            Value::Int(_, Whole::Byte) => "uint8",
            Value::Int(_, Whole::Month) => "time.Month",
            Value::Int(_, Whole::Weekday) => "time.Weekday",
            Value::Int(_, Whole::Duration) => "time.Duration",
            Value::Float(_) => "float64",
            Value::Complex(..) => "complex128",
            Value::Text(_, TextType::String) => "string",
            Value::Text(_, TextType::Html) => "template.HTML",
            Value::Labels(_) => "map[string]string",
            Value::Args(_) => "map[string]interface {}",
            Value::List(_) => "[]interface {}",
            Value::Samples(_) => "template.queryResult",
            Value::Sample(_) => "*template.sample",
            Value::Histogram(_) => "*histogram.FloatHistogram",
            Value::Data(_) => DATA_TYPE,
            Value::Time(_) => "time.Time",
            Value::TimePointer(_) => "*time.Time",
            Value::DurationPointer(_) => "*time.Duration",
            Value::Interface(_) => "interface {}",
        }
    }

    /// The name of the type behind pointers and interfaces.
    pub fn pointed_type_name(&self) -> &'static str {
        self.inner().type_name().trim_start_matches('*')
    }

    /// Whether `if` takes it for true.
    pub fn truth(&self) -> bool {
        match self.inner() {
            Value::Nil => false,
            Value::Bool(truth) => *truth,
            Value::Int(int, _) => *int != 0,
            Value::Float(float) => *float != 0.0,
            Value::Complex(real, imaginary) => *real != 0.0 || *imaginary != 0.0,
            Value::Text(text, _) => !text.is_empty(),
            Value::Labels(labels) => !labels.is_empty(),
            Value::Args(args) => !args.is_empty(),
            Value::List(list) => !list.is_empty(),
            Value::Samples(samples) => samples.len() > 0,
            _ => true,
        }
    }
}
