#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| firedrill_fuzz::run("logql_metrics", input));
