//! What was recorded: series and log lines, from files as other programs write them.
//!
//! A file says by itself what it is where it can (an answer of an HTTP API, OpenMetrics); what it cannot say (the zone of
//! its times, how they are written) is asked for. Everything that is wrong with a file has its place in the file.

mod answer;
mod csv;
mod exposition;
mod file;
mod line_file;
mod pattern;
mod saved_streams;
mod series;
mod series_file;
mod times;

pub use line_file::{Entry, LineOptions, Lines, read_lines};
pub use pattern::{TimePattern, Zone};
pub use series::{RecordedSeries, Recording, rename};
pub use series_file::{SeriesOptions, read_series};

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::text::Source;
    use crate::time::Timestamp;

    const FILES: [(&str, &str); 9] = [
        (
            "a.json",
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1,"2"],[3.5,"NaN"]]}]}}"#,
        ),
        ("a.json", "{\"metric\":{\"a\":\"b\"},\"values\":[1,null],\"timestamps\":[0,15000]}\n"),
        ("a.om", "# TYPE x counter\nx_total{a=\"b\\\"\"} 1 1.5 # {t=\"1\"} 2\n{\"a.b\"} 2 3\n# EOF\n"),
        ("a.csv", "\u{feff}sep=;\nTime;\"up{a=\"\"b\"\"}\";x\n2025-11-14 15:00:00;1;\n1763132460;2;3\n"),
        ("a.csv", "Series,Time,Value\nx,2025-11-14T15:00:00Z,1\n"),
        ("a.log", "[2025-11-14 15:00:00.123][1] x\n15:06:45 y\nNov 14 15:06:45 z\n[   12.500000] w\n"),
        ("a.log", "{\"__REALTIME_TIMESTAMP\":\"1763132400000001\",\"MESSAGE\":[104,105]}\n"),
        ("a.log", r#"{"streams":[{"stream":{"a":"b"},"values":[["1","x",{"c":"d"}],["2","y"]]}]}"#),
        ("a.log", "{\"ts\":1763132400.25,\"msg\":\"a\"}\n"),
    ];

    const NEAR: (Timestamp, Timestamp) = (Timestamp(0), Timestamp(1_763_132_400_000));

    static TIMES: LazyLock<Vec<TimePattern>> = LazyLock::new(|| {
        let patterns = ["%H:%M:%S", "%b %e %H:%M:%S", "[%s%.f]", "[%Y-%m-%d %H:%M:%S%.3f]"];
        patterns.map(|time| TimePattern::new(time, Zone::UTC, None, NEAR).unwrap()).to_vec()
    });

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_broken_file_makes_a_reader_panic(
            file in 0..FILES.len(),
            from in 0.0..1.0,
            length in 0_usize..12,
            put in "[\\PC\n]{0,6}",
        ) {
            let (name, text) = FILES[file];
            let boundary = |mut at: usize| {
                at = at.min(text.len());
                while !text.is_char_boundary(at) {
                    at -= 1;
                }
                at
            };
            let from = boundary((from * text.len() as f64) as usize);
            let to = boundary(from + length).max(from);
            let source = Source::new(name, format!("{}{put}{}", &text[..from], &text[to..]));
            let _ = series_file::read_source(&source, &SeriesOptions { at: Some(NEAR.0), ..SeriesOptions::default() });
            for time in TIMES.iter().cloned().map(Some).chain([None]) {
                for field in [None, Some("ts".to_owned())] {
                    let (zone, time) = (Zone::UTC, time.clone());
                    let options = LineOptions { time, zone, field, line: None, metadata: Vec::new(), at: None, matching: None, untimed_objects: false, max_bytes: 1 << 20 };
                    let _ = line_file::read_source(&source, &options);
                }
            }
        }
    }
}
