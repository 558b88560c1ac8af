//! Math and dates equal Go's to the bit: compared with what a running Prometheus answered, over the HTTP API, to
//! `exp(vector(1.5))` and the like.

use firedrill::number::math;
use firedrill::promql::functions::elementwise;

/// Calls `check` with the words of every line.
fn each_line(table: &str, mut check: impl FnMut(&[&str])) {
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        check(&words);
    }
}

fn number(word: &str) -> f64 {
    word.parse().unwrap_or_else(|_| panic!("not a number: {word}"))
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

#[test]
fn math_equals_go_to_the_bit() {
    let mut wrong = Vec::new();
    each_line(include_str!("go_math.txt"), |words| {
        let numbers: Vec<f64> = words[1..].iter().map(|word| number(word)).collect();
        let (got, expected) = match (words[0], numbers.as_slice()) {
            ("pow", [x, y, expected]) => (math::pow(*x, *y), *expected),
            ("atan2", [y, x, expected]) => (math::atan2(*y, *x), *expected),
            ("mod", [x, y, expected]) => (x % y, *expected),
            (name, [x, expected]) => (elementwise(name).unwrap()(*x, &[]), *expected),
            _ => panic!("{words:?}"),
        };
        if !same(got, expected) {
            wrong.push(format!("{} {got:?}", words.join(" ")));
        }
    });
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn dates_equal_go() {
    each_line(include_str!("go_dates.txt"), |words| {
        let got = elementwise(words[0]).unwrap()(number(words[1]), &[]);
        assert_eq!(got, number(words[2]), "{words:?}");
    });
}
