//! The same scenarios through `promtool test rules`: what our run says is what promtool has to find.

use std::fmt::Write;
use std::process::Command;

use firedrill::engine::{Mode, Steps};
use firedrill::promql::{self, eval::Profile, eval::Query};
use firedrill::rules::{self, AlertState, EvaluateOptions};
use firedrill::time::Timestamp;

use super::generate::{MINUTE, Scenario, Scope, TICKS, scenario};
use super::{groups, load, options};

/// A test file that expects what our run yields, up to the first error; `None` where already the first tick fails.
fn test_file(scenario: &Scenario) -> Option<String> {
    let groups = groups(scenario);
    let whole = EvaluateOptions { group_intervals: false, ..options(7) };
    let mut store = load(&scenario.inputs);
    let run = rules::evaluate(&groups, &mut store, &whole).expect("supported");
    let end = run.errors.iter().map(|error| error.tick.0 - MINUTE).min().unwrap_or((TICKS - 1) * MINUTE);
    if end < 0 {
        return None;
    }
    let mut store = load(&scenario.inputs);
    let run =
        rules::evaluate(&groups, &mut store, &EvaluateOptions { end: Timestamp(end), ..whole }).expect("supported");
    let mut out = format!("rule_files: [rules-{}.yaml]\nevaluation_interval: 1m\ngroup_eval_order: [", scenario.seed);
    out += &groups.iter().map(|group| group.name.value.clone()).collect::<Vec<_>>().join(", ");
    let _ = writeln!(out, "]\ntests:\n- interval: 1m\n  name: seed {}\n  input_series:", scenario.seed);
    if scenario.inputs.is_empty() {
        out = out.trim_end_matches(':').trim_end_matches("input_series").trim_end().to_owned() + "\n";
    }
    for input in &scenario.inputs {
        let _ = writeln!(out, "  - {{series: '{}', values: '{}'}}", input.labels.as_metric(), input.notation);
    }
    // NaN equals nothing, so it is left out on both sides.
    let expr = "{__name__=~\"r[0-9]|ALERTS|ALERTS_FOR_STATE\"} >= -Inf";
    let parsed = promql::parse(expr).expect("valid");
    let mut query = Query::compile(&parsed, &Profile::prometheus()).expect("supported");
    out += "  promql_expr_test:\n";
    for tick in (0..=end).step_by(MINUTE as usize) {
        let matrix = query.run(&store, &Steps::instant(Timestamp(tick)), Mode::Instants).expect("runs");
        let _ = writeln!(out, "  - expr: '{expr}'\n    eval_time: {}s\n    exp_samples:", tick / 1000);
        for (labels, value) in matrix.result(0).expect("no error") {
            let value = if value.is_infinite() { ".inf".to_owned() } else { format!("{value:?}") };
            let labels = serde_json::to_string(&labels.to_string()).expect("a string");
            let _ = writeln!(out, "    - {{labels: {labels}, value: {value}}}");
        }
    }
    out += "  alert_rule_test:\n";
    for tick in (0..=end).step_by(MINUTE as usize) {
        for name in ["A0", "A1", "A2"] {
            let _ = writeln!(out, "  - alertname: {name}\n    eval_time: {}s\n    exp_alerts:", tick / 1000);
            let firing = run.alerts_at(Timestamp(tick)).filter(|(_, state)| *state == AlertState::Firing);
            for (track, _) in firing.filter(|(track, _)| track.labels.get("alertname") == name) {
                let mapped = |pairs: Vec<(String, String)>| {
                    serde_json::to_string(&pairs.into_iter().collect::<std::collections::BTreeMap<_, _>>())
                        .expect("strings")
                };
                let labels = track.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                let annotations = run.annotations(&groups, &store, track, Timestamp(tick));
                let _ =
                    writeln!(out, "    - {{exp_labels: {}, exp_annotations: {}}}", mapped(labels), mapped(annotations));
            }
        }
    }
    Some(out)
}

#[test]
fn promtool_finds_what_our_run_says() {
    let Some(promtool) = super::common::peer("promtool") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut files = Vec::new();
    for seed in 1..=300 {
        let scenario = scenario(seed, Scope::Promtool);
        let Some(test) = test_file(&scenario) else { continue };
        let file = folder.path().join(format!("test-{seed}.yaml"));
        std::fs::write(folder.path().join(format!("rules-{seed}.yaml")), &scenario.rules).expect("written");
        std::fs::write(&file, test).expect("written");
        files.push(file);
    }
    assert!(files.len() > 200, "only {} scenarios without an early error", files.len());
    let run = Command::new(promtool).args(["test", "rules"]).args(&files).output().expect("promtool runs");
    if !run.status.success() {
        let kept = folder.keep();
        let wrong = String::from_utf8_lossy(&run.stderr);
        let failed = wrong.matches("FAILED").count();
        panic!("{failed} of {} files fail, kept in {}:\n{wrong:.6000}", files.len(), kept.display());
    }
}
