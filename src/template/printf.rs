//! Go's `fmt.Sprintf`, `Sprint` and `Sprintln`: reads the layout, and remarks on what does not fit it.

use super::print::Printer;
use super::value::Value;

/// The largest width or precision; beyond it Go gives up on the directive.
const MAX_NUMBER: i64 = 1_000_000;

/// `Sprint`
pub(super) fn sprint(args: &[Value]) -> Vec<u8> {
    join(args.iter(), |printer, arg| printer.arg(arg, 'v'))
}

/// Arguments with a space between two of which neither is a text.
pub(super) fn join<'a>(args: impl Iterator<Item = &'a Value>, print: impl Fn(&mut Printer, &Value)) -> Vec<u8> {
    let mut printer = Printer::default();
    let mut after_text = true;
    for arg in args {
        let text = matches!(arg, Value::Text(..));
        if !text && !after_text {
            printer.out.push(b' ');
        }
        print(&mut printer, arg);
        after_text = text;
    }
    printer.out
}

/// `Sprintln`.
pub(super) fn sprintln(args: &[Value]) -> Vec<u8> {
    let mut printer = Printer::default();
    for (at, arg) in args.iter().enumerate() {
        if at > 0 {
            printer.out.push(b' ');
        }
        printer.arg(arg, 'v');
    }
    printer.out.push(b'\n');
    printer.out
}

/// `Sprintf`.
pub(super) fn sprintf(layout: &[u8], args: &[Value]) -> Vec<u8> {
    let mut reader = Reader { layout, at: 0, args, next: 0, fits: true, reordered: false, after_index: false };
    let mut printer = Printer::default();
    while let Some(literal) = reader.literal() {
        printer.out.extend_from_slice(literal);
        if reader.at >= layout.len() {
            break;
        }
        reader.at += 1;
        reader.directive(&mut printer);
    }
    if !reader.reordered && reader.next < args.len() {
        printer.clear();
        printer.out.extend_from_slice(b"%!(EXTRA ");
        for (at, arg) in args[reader.next..].iter().enumerate() {
            if at > 0 {
                printer.out.extend_from_slice(b", ");
            }
            printer.out.extend_from_slice(arg.type_name().as_bytes());
            if !matches!(arg, Value::Nil) {
                printer.out.push(b'=');
                printer.arg(arg, 'v');
            }
        }
        printer.out.push(b')');
    }
    printer.out
}

struct Reader<'a> {
    layout: &'a [u8],
    at: usize,
    args: &'a [Value],
    /// The argument that is used next.
    next: usize,
    /// Whether the indexes of the directive are well formed and in range.
    fits: bool,
    /// Whether any directive had an index, after which left-over arguments are fine.
    reordered: bool,
    /// Whether the last thing read was an index.
    after_index: bool,
}

impl<'a> Reader<'a> {
    /// What stands before the next `%`; `None` at the end.
    fn literal(&mut self) -> Option<&'a [u8]> {
        let rest = self.layout.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|byte| *byte == b'%').unwrap_or(rest.len());
        self.at += length;
        Some(&rest[..length])
    }

    fn peek(&self) -> Option<u8> {
        self.layout.get(self.at).copied()
    }

    /// From behind a `%` to behind its verb.
    fn directive(&mut self, printer: &mut Printer) {
        self.fits = true;
        printer.clear();
        self.flags(printer);
        self.index();
        self.width(printer);
        self.precision(printer);
        if !self.after_index {
            self.index();
        }
        let Some(first) = self.peek() else {
            printer.out.extend_from_slice(b"%!(NOVERB)");
            return;
        };
        let (verb, length) = decode(&self.layout[self.at..]).unwrap_or((char::from(first), 1));
        self.at += length;
        let remark = |printer: &mut Printer, text: &str| {
            printer.out.extend_from_slice(format!("%!{verb}({text})").as_bytes());
        };
        match self.args.get(self.next) {
            _ if verb == '%' => printer.out.push(b'%'),
            _ if !self.fits => remark(printer, "BADINDEX"),
            None => remark(printer, "MISSING"),
            Some(arg) => {
                if verb == 'v' || verb == 'w' {
                    let flags = &mut printer.flags;
                    flags.sharp_v = std::mem::take(&mut flags.sharp);
                    flags.plus_v = std::mem::take(&mut flags.plus);
                }
                printer.arg(arg, verb);
                self.next += 1;
            }
        }
    }

    fn flags(&mut self, printer: &mut Printer) {
        let flags = &mut printer.flags;
        while let Some(flag) = self.peek() {
            match flag {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                _ => break,
            }
            self.at += 1;
        }
    }

    fn width(&mut self, printer: &mut Printer) {
        if self.peek() == Some(b'*') {
            self.at += 1;
            let width = self.int_argument();
            if width.is_none() {
                printer.out.extend_from_slice(b"%!(BADWIDTH)");
            }
            let width = width.unwrap_or(0);
            if width < 0 {
                printer.flags.minus = true;
                printer.flags.zero = false;
            }
            printer.flags.width = Some(width.unsigned_abs() as usize).filter(|width| *width > 0);
            self.after_index = false;
        } else {
            printer.flags.width = self.number(self.layout.len());
            if self.after_index && printer.flags.width.is_some() {
                self.fits = false;
            }
        }
    }

    fn precision(&mut self, printer: &mut Printer) {
        if self.peek() != Some(b'.') {
            return;
        }
        self.at += 1;
        if self.after_index {
            self.fits = false;
        }
        self.index();
        if self.peek() == Some(b'*') {
            self.at += 1;
            let precision = self.int_argument().and_then(|precision| usize::try_from(precision).ok());
            if precision.is_none() {
                printer.out.extend_from_slice(b"%!(BADPREC)");
            }
            printer.flags.precision = precision;
            self.after_index = false;
        } else {
            printer.flags.precision = Some(self.number(self.layout.len()).unwrap_or(0));
        }
    }

    /// Digits before `end`; one that is too large swallows the rest.
    fn number(&mut self, end: usize) -> Option<usize> {
        let mut number: Option<i64> = None;
        while self.at < end {
            let Some(digit) = self.peek().filter(u8::is_ascii_digit) else { break };
            if number.unwrap_or(0) > MAX_NUMBER {
                self.at = end;
                return None;
            }
            number = Some(number.unwrap_or(0) * 10 + i64::from(digit - b'0'));
            self.at += 1;
        }
        number.and_then(|number| usize::try_from(number).ok())
    }

    /// A whole number among the arguments, for `*`.
    fn int_argument(&mut self) -> Option<i64> {
        let arg = self.args.get(self.next)?;
        self.next += 1;
        match arg {
            Value::Int(int, _) => Some(*int).filter(|int| (-MAX_NUMBER..=MAX_NUMBER).contains(int)),
            _ => None,
        }
    }

    /// `[3]`: the argument that is used next, from 1.
    fn index(&mut self) {
        self.after_index = false;
        if self.peek() != Some(b'[') {
            return;
        }
        self.reordered = true;
        let start = self.at;
        let close = self.layout[start..].iter().position(|byte| *byte == b']');
        let Some(close) = close.map(|length| start + length).filter(|_| self.layout.len() - start >= 3) else {
            self.fits = false;
            self.at += 1;
            return;
        };
        self.at += 1;
        let number = self.number(close).filter(|_| self.at == close);
        self.at = close + 1;
        self.after_index = number.is_some();
        match number.and_then(|number| number.checked_sub(1)).filter(|index| *index < self.args.len()) {
            Some(index) => self.next = index,
            None => self.fits = false,
        }
    }
}

/// The first character of bytes, and its length; what is no UTF-8 is one byte of U+FFFD.
pub(super) fn decode(bytes: &[u8]) -> Option<(char, usize)> {
    let length = bytes.len().min(4);
    let text = match std::str::from_utf8(&bytes[..length]) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    };
    match text.chars().next() {
        Some(c) => Some((c, c.len_utf8())),
        None if bytes.is_empty() => None,
        None => Some((char::REPLACEMENT_CHARACTER, 1)),
    }
}
