//! Values as Go's `fmt` prints them (`fmt/print.go`).

use super::clock;
use super::value::{Value, Whole};
use super::verbs::Flags;

/// What `{{ value }}` writes: pointers are followed, and nothing is `<no value>`.
pub(super) fn output(out: &mut Vec<u8>, value: &Value) {
    match value.inner() {
        Value::Nil => out.extend_from_slice(b"<no value>"),
        Value::Text(text, _) => out.extend_from_slice(text),
        other => out.extend_from_slice(indirect(other).as_bytes()),
    }
}

/// `%v`.
pub(super) fn plain(value: &Value) -> String {
    with_verb(value, 'v')
}

/// Any verb without flags.
pub(super) fn with_verb(value: &Value, verb: char) -> String {
    let mut printer = Printer::default();
    printer.arg(value, verb);
    String::from_utf8_lossy(&printer.out).into_owned()
}

/// `%v` of what a pointer points at.
pub(super) fn indirect(value: &Value) -> String {
    let text = plain(value);
    match value {
        Value::Sample(_) => text.trim_start_matches('&').to_owned(),
        _ => text,
    }
}

/// What `reflect.Value.String` makes of a value.
pub(super) fn reflected(value: &Value) -> String {
    match value {
        Value::Nil => "<invalid Value>".to_owned(),
        Value::Text(text, _) => String::from_utf8_lossy(text).into_owned(),
        other => format!("<{} Value>", other.type_name()),
    }
}

/// Prints values with the flags of a directive.
#[derive(Default)]
pub(super) struct Printer {
    pub out: Vec<u8>,
    pub flags: Flags,
    /// Inside a remark, in which types do not print themselves.
    remarking: bool,
}

impl Printer {
    /// Forgets flags, width and precision.
    pub fn clear(&mut self) {
        self.flags = Flags::default();
    }

    fn write(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// An argument of a function that prints.
    pub fn arg(&mut self, value: &Value, verb: char) {
        match (value, verb) {
            (_, 'T') => {
                self.flags.text(&mut self.out, value.type_name().as_bytes(), 's');
            }
            (Value::Nil, 'v') => self.flags.pad(&mut self.out, b"<nil>"),
            (Value::Nil, _) => self.remark(value, verb),
            _ => self.value(value, verb, true),
        }
    }

    /// A verb that does not fit: `%!d(string=abc)`.
    fn remark(&mut self, value: &Value, verb: char) {
        self.write(&format!("%!{verb}({}", value.type_name()));
        if !matches!(value, Value::Nil) {
            self.write("=");
            let outside = std::mem::replace(&mut self.remarking, true);
            self.value(value, 'v', true);
            self.remarking = outside;
        }
        self.write(")");
    }

    /// A value: an argument, or one inside of another.
    fn value(&mut self, value: &Value, verb: char, outermost: bool) {
        // `%w` is for errors, which no template has.
        if verb == 'w' && !self.remarking {
            return self.remark(value, verb);
        }
        if self.prints_itself(value, verb) {
            return;
        }
        let flags = self.flags;
        let out = &mut self.out;
        let printed = match value {
            Value::Interface(inner) if matches!(**inner, Value::Nil) => {
                self.write(if flags.sharp_v { "interface {}(nil)" } else { "<nil>" });
                return;
            }
            Value::Interface(inner) => return self.value(inner, verb, false),
            Value::Nil => {
                self.write("<nil>");
                return;
            }
            Value::Bool(truth) => matches!(verb, 'v' | 't').then(|| flags.pad(out, truth.to_string().as_bytes())),
            Value::Int(byte, Whole::Byte) if verb == 'v' && flags.sharp_v => {
                let hexadecimal = Flags { sharp: true, ..flags };
                hexadecimal.integer(out, byte.unsigned_abs(), false, 'x')
            }
            Value::Int(int, _) => flags.integer(out, int.unsigned_abs(), *int < 0, verb),
            Value::DurationPointer(nanos) => flags.integer(out, nanos.unsigned_abs(), **nanos < 0, verb),
            // Other verbs would show its fields, which nobody asks for.
            Value::Histogram(histogram) => flags.text(out, histogram.to_string().as_bytes(), verb),
            Value::Float(float) => flags.float(out, *float, verb),
            Value::Complex(real, imaginary) => self.complex(*real, *imaginary, verb),
            Value::Text(text, _) => flags.text(out, text, verb),
            Value::Labels(labels) => {
                let pairs = labels.iter().map(|(name, value)| (Value::text(name), Value::text(value)));
                self.map(value, pairs.collect(), verb);
                return;
            }
            Value::Args(args) => {
                let pairs = args.iter().map(|(name, value)| (Value::text(name), Value::interface(value.clone())));
                self.map(value, pairs.collect(), verb);
                return;
            }
            Value::List(list) => {
                let (open, comma, close) = match flags.sharp_v {
                    true => ("[]interface {}{", ", ", "}"),
                    false => ("[", " ", "]"),
                };
                self.write(open);
                for (at, element) in list.iter().enumerate() {
                    self.write(if at > 0 { comma } else { "" });
                    self.value(&Value::interface(element.clone()), verb, false);
                }
                self.write(close);
                return;
            }
            Value::Samples(samples) => {
                let (open, comma, close) = match flags.sharp_v {
                    true => ("template.queryResult{", ", ", "}"),
                    false => ("[", " ", "]"),
                };
                self.write(open);
                for (at, sample) in samples.iter().enumerate() {
                    self.write(if at > 0 { comma } else { "" });
                    self.value(&Value::Sample(sample), verb, false);
                }
                self.write(close);
                return;
            }
            Value::Sample(_) if !outermost && !matches!(verb, 'v' | 'p' | 'b' | 'o' | 'd' | 'x' | 'X') => None,
            Value::Sample(sample) => {
                // Go prints the address of one inside of another value, which nobody can compare.
                self.write("&");
                let fields = [
                    ("Labels", Value::Labels(sample.labels.clone())),
                    ("Value", Value::interface(Value::sample(&sample.value))),
                ];
                self.structure("template.sample", &fields, verb);
                return;
            }
            Value::Data(data) => {
                let fields = [
                    ("Labels", Value::Labels(data.labels.clone())),
                    ("ExternalLabels", Value::Labels(data.external_labels.clone())),
                    ("ExternalURL", Value::text(&data.external_url)),
                    ("Value", Value::interface(Value::sample(&data.value))),
                ];
                self.structure(value.type_name(), &fields, verb);
                return;
            }
            Value::Time(time) => {
                self.structure("time.Time", &clock::fields(&time.utc, verb), verb);
                return;
            }
            Value::TimePointer(time) => {
                self.write("&");
                self.structure("time.Time", &clock::fields(time, verb), verb);
                return;
            }
        };
        if printed.is_none() {
            self.remark(value, verb);
        }
    }

    /// Types with a text of their own (`fmt.Stringer`, `fmt.GoStringer`).
    fn prints_itself(&mut self, value: &Value, verb: char) -> bool {
        if self.remarking {
            return false;
        }
        let text = match value {
            Value::Time(time) if self.flags.sharp_v => clock::go_syntax(time),
            Value::TimePointer(time) if self.flags.sharp_v => clock::go_syntax(&(**time).into()),
            _ if self.flags.sharp_v || !matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') => return false,
            other => match clock::text(other) {
                Some(text) => text,
                None => return false,
            },
        };
        let verb = if self.flags.sharp_v { 's' } else { verb };
        self.flags.text(&mut self.out, text.as_bytes(), verb);
        true
    }

    fn complex(&mut self, real: f64, imaginary: f64, verb: char) -> Option<()> {
        let (start, plus) = (self.out.len(), self.flags.plus);
        self.out.push(b'(');
        if self.flags.float(&mut self.out, real, verb).is_none() {
            self.out.truncate(start);
            return None;
        }
        self.flags.plus = true;
        self.flags.float(&mut self.out, imaginary, verb);
        self.write("i)");
        self.flags.plus = plus;
        Some(())
    }

    fn map(&mut self, map: &Value, pairs: Vec<(Value, Value)>, verb: char) {
        let sharp = self.flags.sharp_v;
        match sharp {
            true => self.write(&format!("{}{{", map.type_name())),
            false => self.write("map["),
        }
        for (at, (key, value)) in pairs.iter().enumerate() {
            self.write(match (at, sharp) {
                (0, _) => "",
                (_, true) => ", ",
                (_, false) => " ",
            });
            self.value(key, verb, false);
            self.write(":");
            self.value(value, verb, false);
        }
        self.write(if sharp { "}" } else { "]" });
    }

    fn structure(&mut self, type_name: &str, fields: &[(&str, Value)], verb: char) {
        let Flags { sharp_v, plus_v, .. } = self.flags;
        if sharp_v {
            self.write(type_name);
        }
        self.write("{");
        for (at, (name, value)) in fields.iter().enumerate() {
            self.write(match (at, sharp_v) {
                (0, _) => "",
                (_, true) => ", ",
                (_, false) => " ",
            });
            if sharp_v || plus_v {
                self.write(&format!("{name}:"));
            }
            self.value(value, verb, false);
        }
        self.write("}");
    }
}
