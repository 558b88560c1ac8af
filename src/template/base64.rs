//! Base64 as Go's `encoding/base64` reads and writes it, with its words for what is none.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let padded = [group[0], group.get(1).copied().unwrap_or(0), group.get(2).copied().unwrap_or(0)];
        let bits = u32::from_be_bytes([0, padded[0], padded[1], padded[2]]);
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at)) as usize & 63];
            out.push(if at <= group.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

/// Line breaks do not count; groups of four digits, the last one filled up with `=`.
///
/// # Errors
/// Where it is no base64.
pub(super) fn decode(text: &[u8]) -> Result<Vec<u8>, String> {
    let corrupt = |at: usize| format!("illegal base64 data at input byte {at}");
    let mut rest = text.iter().enumerate().filter(|(_, byte)| !matches!(byte, b'\n' | b'\r'));
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    loop {
        let (mut bits, mut count) = (0_u32, 0);
        while count < 4 {
            let Some((at, byte)) = rest.next() else {
                if count == 0 {
                    return Ok(out);
                }
                return Err(corrupt(text.len() - count));
            };
            if let Some(digit) = DIGITS.iter().position(|digit| digit == byte) {
                bits = bits << 6 | digit as u32;
                count += 1;
                continue;
            }
            if *byte != b'=' || count < 2 {
                return Err(corrupt(at));
            }
            if count == 2 {
                match rest.next() {
                    Some((_, b'=')) => {}
                    Some((at, _)) => return Err(corrupt(at)),
                    None => return Err(corrupt(text.len())),
                }
            }
            if let Some((at, _)) = rest.next() {
                return Err(corrupt(at));
            }
            let bytes = (bits << (6 * (4 - count))).to_be_bytes();
            out.extend_from_slice(&bytes[1..count]);
            return Ok(out);
        }
        out.extend_from_slice(&bits.to_be_bytes()[1..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: RFC 4648, section 10, and Go's `base64_test.go`.
    #[test]
    fn text_goes_there_and_back() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(encode(plain.as_bytes()), coded);
            assert_eq!(decode(coded.as_bytes()), Ok(plain.as_bytes().to_vec()));
        }
        assert_eq!(decode(b"Zm9v\nYmFy"), Ok(b"foobar".to_vec()));
        for (bad, at) in [
            ("!!!!", 0),
            ("====", 0),
            ("x===", 1),
            ("=AAA", 0),
            ("A=AA", 1),
            ("AA=A", 3),
            ("AAA=AAAA", 4),
            ("AAAAA", 4),
            ("A", 0),
        ] {
            assert_eq!(decode(bad.as_bytes()), Err(format!("illegal base64 data at input byte {at}")), "{bad}");
        }
    }
}
