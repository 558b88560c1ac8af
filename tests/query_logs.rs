//! `firedrill query --logql`, by the binary: over files of lines and over replays.

use std::fs;

use assert_cmd::Command;

const LINES: &str = "2025-11-14 15:00:00.123 level=info msg=\"started\" status=200 took=12ms
2025-11-14 15:00:02.000 level=error msg=\"failed\" status=500 took=3s
  at stack line
2025-11-14 15:00:05.000 level=info msg=\"ok\" status=200 took=10ms
";

/// Exit code, stdout and stderr of a query over a file.
fn asked(file: &str, text: &str, args: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(file), text).expect("a file");
    let mut command = Command::cargo_bin("firedrill").expect("the binary is built with the tests");
    let output = command.current_dir(folder.path()).arg("query").args(args).output().expect("the binary runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn raw_lines_are_one_stream() {
    let (code, out, _) =
        asked("app.log", LINES, &["--logs", "app.log", r#"{filename="app.log"} | logfmt | took > 1s"#]);
    assert_eq!(code, Some(0));
    assert_eq!(
        out,
        "{filename=\"app.log\", level=\"error\", msg=\"failed\", status=\"500\", took=\"3s\"}\n\
         2025-11-14T15:00:02Z  error  2025-11-14 15:00:02.000 level=error msg=\"failed\" status=500 took=3s\n"
    );
    let count = r#"sum by (level) (count_over_time({filename=~".+"} | logfmt | level!="" [1m]))"#;
    let (_, out, _) = asked("app.log", LINES, &["--logs", "app.log", count]);
    assert_eq!(out, "{level=\"error\"}  1\n{level=\"info\"}   2\n");
}

#[test]
fn answers_have_the_shape_of_loki_s_api() {
    let saved = r#"{"status":"success","data":{"resultType":"streams","result":[{"stream":{"a":"1"},"values":[["3","x"],["2","y"]]}]}}"#;
    let (_, out, _) = asked("saved.json", saved, &["--logs", "saved.json", r#"{a="1"}"#, "--format", "json"]);
    assert_eq!(out, format!("{saved}\n"));
    let (_, out, _) = asked("saved.json", saved, &["--logs", "saved.json", r#"{a="1"}"#, "--forward", "--limit", "1"]);
    assert_eq!(out, "{a=\"1\"}\n1970-01-01T00:00:00.000000002Z  y\nthe oldest 1 entries; --limit shows more\n");
}

#[test]
fn what_is_wrong_has_a_place_and_help() {
    for (query, says) in [
        (r#"{filename=~".+"} | line_format "{{ .a | nosuch }}""#, "function \"nosuch\" not defined"),
        (r#"{filename=~".+"} | json a="b..c""#, "cannot parse expression [b..c]"),
        (r#"{filename=~".+"} |= ip("10.0.0")"#, "ip: invalid pattern"),
        (r#"{filename=~".+"} | logfmt | "#, "<expr>:1:"),
        (r#"rate({filename=~".+"} | logfmt | unwrap msg [1m])"#, "SampleExtractionErr"),
    ] {
        let (code, out, errors) = asked("app.log", LINES, &["--logs", "app.log", query]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{query}");
        assert!(errors.contains(says) && errors.contains("<expr>:1:"), "{query}: {errors}");
    }
    let (code, _, errors) = asked("app.log", "no times\nat all\n", &["--logs", "app.log", r#"{filename=~".+"}"#]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("--time"), "{errors}");
    let (code, _, errors) = asked("app.log", LINES, &["--logs", "app.log", r#"{filename=~".+"}"#, "--at", "15:00"]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("--from and --to"), "{errors}");
}

#[test]
fn times_whose_year_is_not_known_are_warned_of() {
    let all = r#"{filename=~".+"}"#;
    let lines = "01-Mar-2026 10:00:01.123 INFO a\n02-Mar-2026 10:00:01.123 INFO b\n";
    let (code, _, errors) = asked("app.log", lines, &["--logs", "app.log", all]);
    assert!(code == Some(0) && errors.contains("the year of its lines was not found out"), "{errors}");
    let (code, out, errors) = asked("app.log", lines, &["--logs", "app.log", all, "--time", "%d-%b-%Y %H:%M:%S%.3f"]);
    assert!(code == Some(0) && errors.is_empty() && out.contains("2026-03-02"), "{out}{errors}");
    let (code, _, errors) = asked("app.log", LINES, &["--logs", "app.log", all]);
    assert!(code == Some(0) && !errors.contains("the year"), "{errors}");
}
