//! The verbs of Go's `fmt` for basic values (`fmt/format.go`): digits, signs, padding, quotes.

use super::escape::{Quote, quote};
use super::printf::decode;
use crate::number::{format_g, format_v};

/// Flags, width and precision of a directive.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    pub minus: bool,
    pub plus: bool,
    pub sharp: bool,
    pub space: bool,
    pub zero: bool,
    /// `%+v`: names of fields.
    pub plus_v: bool,
    /// `%#v`: Go's syntax.
    pub sharp_v: bool,
    pub width: Option<usize>,
    pub precision: Option<usize>,
}

impl Flags {
    /// Text in its width.
    pub fn pad(self, out: &mut Vec<u8>, text: &[u8]) {
        let missing = self.width.unwrap_or(0).saturating_sub(runes(text));
        if self.minus {
            out.extend_from_slice(text);
            out.resize(out.len() + missing, b' ');
        } else {
            out.resize(out.len() + missing, if self.zero { b'0' } else { b' ' });
            out.extend_from_slice(text);
        }
    }

    /// The same, always with spaces.
    fn pad_with_spaces(mut self, out: &mut Vec<u8>, text: &[u8]) {
        self.zero = false;
        self.pad(out, text);
    }

    /// A whole number, of which `negative` is the sign; `None` where the verb is not for them.
    pub fn integer(self, out: &mut Vec<u8>, magnitude: u64, negative: bool, verb: char) -> Option<()> {
        let digits = match verb {
            'v' | 'd' => magnitude.to_string(),
            'b' => format!("{magnitude:b}"),
            'o' | 'O' => format!("{magnitude:o}"),
            'x' => format!("{magnitude:x}"),
            'X' => format!("{magnitude:X}"),
            'c' | 'q' | 'U' => {
                self.code_point(out, if negative { magnitude.wrapping_neg() } else { magnitude }, verb);
                return Some(());
            }
            _ => return None,
        };
        let sign = match (negative, self.plus, self.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        let least = match (self.precision, self.width) {
            (Some(0), _) if magnitude == 0 => {
                self.pad_with_spaces(out, b"");
                return Some(());
            }
            (Some(precision), _) => precision,
            (None, Some(width)) if self.zero && !self.minus => width - sign.len().min(width),
            _ => 0,
        };
        let digits = format!("{}{digits}", "0".repeat(least.saturating_sub(digits.len())));
        let prefix = match verb {
            'O' => "0o",
            'b' if self.sharp => "0b",
            'o' if self.sharp && !digits.starts_with('0') => "0",
            'x' if self.sharp => "0x",
            'X' if self.sharp => "0X",
            _ => "",
        };
        // The octal zero of `#` comes before the prefix of `O`.
        let octal = if verb == 'O' && self.sharp && !digits.starts_with('0') { "0" } else { "" };
        self.pad_with_spaces(out, format!("{sign}{prefix}{octal}{digits}").as_bytes());
        Some(())
    }

    /// `%c`, `%q` and `%U` of a number.
    fn code_point(self, out: &mut Vec<u8>, code: u64, verb: char) {
        let c = u32::try_from(code).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
        match verb {
            'c' => self.pad(out, c.encode_utf8(&mut [0; 4]).as_bytes()),
            'q' => self.pad(out, &quote(c.encode_utf8(&mut [0; 4]).as_bytes(), Quote::Single, self.plus)),
            _ => {
                let mut text = format!("U+{code:0>width$X}", width = self.precision.unwrap_or(4).max(4));
                let exists = u32::try_from(code).ok().and_then(char::from_u32);
                if let Some(c) = exists.filter(|c| self.sharp && crate::syntax::strings::is_printable(*c)) {
                    text.push_str(&format!(" '{c}'"));
                }
                self.pad_with_spaces(out, text.as_bytes());
            }
        }
    }

    /// A float; `None` where the verb is not for them.
    pub fn float(self, out: &mut Vec<u8>, value: f64, verb: char) -> Option<()> {
        let sign = match (value.is_sign_negative() && !value.is_nan(), self.plus, self.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            return None;
        }
        if value.is_nan() {
            self.pad_with_spaces(out, format!("{sign}NaN").as_bytes());
            return Some(());
        }
        if value.is_infinite() {
            let sign = if sign.is_empty() { "+" } else { sign };
            self.pad_with_spaces(out, format!("{sign}Inf").as_bytes());
            return Some(());
        }
        let mut digits = self.float_digits(value.abs(), verb);
        if self.sharp && verb != 'b' {
            digits = self.with_point(&digits, verb);
        }
        let missing = self.width.unwrap_or(0).saturating_sub(sign.len() + digits.len());
        if self.zero && !self.minus && missing > 0 {
            digits.insert_str(0, &"0".repeat(missing));
        }
        self.pad(out, format!("{sign}{digits}").as_bytes());
        Some(())
    }

    /// The digits of a finite float without its sign.
    fn float_digits(self, size: f64, verb: char) -> String {
        match (verb, self.precision) {
            ('f' | 'F', precision) => format!("{size:.*}", precision.unwrap_or(6)),
            ('e', precision) => exponential(size, precision.unwrap_or(6)),
            ('E', precision) => exponential(size, precision.unwrap_or(6)).to_uppercase(),
            ('x', precision) => hexadecimal(size, precision),
            ('X', precision) => hexadecimal(size, precision).to_uppercase(),
            ('b', _) => {
                let (mantissa, exponent) = parts(size);
                format!("{mantissa}p{exponent:+}")
            }
            ('G', Some(precision)) => format_g(size, precision).to_uppercase(),
            ('G', None) => format_v(size).to_uppercase(),
            (_, Some(precision)) => format_g(size, precision),
            (_, None) => format_v(size),
        }
    }

    /// With a decimal point, and for `%g` with zeros up to the precision: the flag `#`.
    fn with_point(self, digits: &str, verb: char) -> String {
        let is_hexadecimal = matches!(verb, 'x' | 'X');
        let at = digits.find(|c: char| matches!(c, 'p' | 'P') || (!is_hexadecimal && matches!(c, 'e' | 'E')));
        let (mantissa, tail) = digits.split_at(at.unwrap_or(digits.len()));
        let mut wanted = match verb {
            'v' | 'g' | 'G' | 'x' | 'X' => self.precision.unwrap_or(6),
            _ => 0,
        };
        // The x of a prefix counts, too.
        let significant = mantissa.trim_start_matches(['0', '.']).chars().filter(|c| *c != '.').count();
        wanted = wanted.saturating_sub(if mantissa == "0" { 1 } else { significant });
        let point = if mantissa.contains('.') { "" } else { "." };
        format!("{mantissa}{point}{}{tail}", "0".repeat(wanted))
    }

    /// A text; `None` where the verb is not for them.
    pub fn text(self, out: &mut Vec<u8>, text: &[u8], verb: char) -> Option<()> {
        match verb {
            'v' if self.sharp_v => self.quoted(out, text),
            'v' | 's' => self.pad(out, self.cut(text)),
            'x' | 'X' => self.hexadecimal_bytes(out, text, verb == 'X'),
            'q' => self.quoted(out, text),
            _ => return None,
        }
        Some(())
    }

    /// As many characters as the precision lets pass.
    fn cut(self, text: &[u8]) -> &[u8] {
        let Some(precision) = self.precision else { return text };
        let mut end = 0;
        for _ in 0..precision {
            end += decode(&text[end..]).map_or(0, |(_, length)| length);
        }
        &text[..end]
    }

    fn quoted(self, out: &mut Vec<u8>, text: &[u8]) {
        let text = self.cut(text);
        let raw = self.sharp
            && std::str::from_utf8(text)
                .is_ok_and(|text| text.chars().all(|c| (!c.is_control() || c == '\t') && c != '`' && c != '\u{feff}'));
        if raw {
            self.pad(out, &[b"`", text, b"`"].concat());
        } else {
            self.pad(out, &quote(text, Quote::Double, self.plus));
        }
    }

    fn hexadecimal_bytes(self, out: &mut Vec<u8>, text: &[u8], upper: bool) {
        let text = &text[..self.precision.unwrap_or(text.len()).min(text.len())];
        let prefix = match (self.sharp, upper) {
            (false, _) => "",
            (true, false) => "0x",
            (true, true) => "0X",
        };
        let mut hex = String::new();
        for (at, byte) in text.iter().enumerate() {
            match (at, self.space) {
                (0, _) => hex.push_str(prefix),
                (_, true) => hex.push_str(&format!(" {prefix}")),
                (_, false) => {}
            }
            hex.push_str(&if upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
        }
        self.pad(out, hex.as_bytes());
    }
}

/// Characters of bytes; each byte that is no UTF-8 counts as one.
fn runes(text: &[u8]) -> usize {
    text.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum()
}

/// `%e`: an exponent of at least two digits, with its sign.
fn exponential(size: f64, precision: usize) -> String {
    let text = format!("{size:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{mantissa}e{sign}{exponent:0>2}")
}

/// Mantissa and power of two of a positive float.
fn parts(size: f64) -> (u64, i64) {
    let bits = size.to_bits();
    let (exponent, fraction) = ((bits >> 52 & 0x7ff) as i64, bits & ((1 << 52) - 1));
    match exponent {
        0 => (fraction, -1074),
        _ => (fraction | 1 << 52, exponent - 1075),
    }
}

/// `%x`: `0x1.8p+01`.
fn hexadecimal(size: f64, precision: Option<usize>) -> String {
    let (mut mantissa, mut exponent) = parts(size);
    if mantissa == 0 {
        exponent = 0;
    } else {
        // A leading one, and 60 bits behind the point.
        let shift = mantissa.leading_zeros() - 3;
        mantissa <<= shift;
        exponent += 60 - i64::from(shift);
    }
    if let Some(precision) = precision.filter(|precision| *precision < 15) {
        let cut = 60 - 4 * precision as u32;
        let (rest, half) = (mantissa & ((1 << cut) - 1), 1 << (cut - 1));
        mantissa >>= cut;
        if rest > half || (rest == half && mantissa & 1 == 1) {
            mantissa += 1;
        }
        mantissa <<= cut;
        if mantissa >> 61 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let fraction = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let fraction = match precision {
        Some(precision) => format!("{fraction:0<precision$}")[..precision].to_owned(),
        None => fraction.trim_end_matches('0').to_owned(),
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let direction = if exponent < 0 { '-' } else { '+' };
    format!("0x{}{point}{fraction}p{direction}{:02}", mantissa >> 60, exponent.abs())
}
