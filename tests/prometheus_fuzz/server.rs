//! A Prometheus server of its own for one data set, on a port of this machine, ended with its owner.

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use firedrill::histogram::{Bucket, FloatHistogram, ResetHint, Sample};
use firedrill::labels::Labels;
use firedrill::number::is_stale;
use firedrill::time::Timestamp;
use serde_json::Value;

/// How long it may take until the server answers.
const START: Duration = Duration::from_secs(60);

pub struct Server {
    process: Child,
    url: String,
    agent: ureq::Agent,
    _folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// Starts a server without data.
    pub fn start(prometheus: &Path, features: &[&str]) -> Server {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("prometheus.yml");
        std::fs::write(&config, "global: {scrape_interval: 15s, evaluation_interval: 1m}\n").expect("written");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let process = Command::new(prometheus)
            .current_dir(folder.path())
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.enable-remote-write-receiver"])
            .args(["--storage.tsdb.retention.time=100y", "--log.level=error"])
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg(format!("--enable-feature={}", features.join(",")))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus starts");
        let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
        let agent = config.timeout_global(Some(Duration::from_secs(60))).build().new_agent();
        let server = Server { process, url: format!("http://127.0.0.1:{port}"), agent, _folder: folder };
        let began = Instant::now();
        while !server.is_ready() {
            assert!(began.elapsed() < START, "prometheus does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    fn is_ready(&self) -> bool {
        let answer = self.agent.get(format!("{}/-/ready", self.url)).call();
        answer.is_ok_and(|answer| answer.status() == 200)
    }

    /// Sends samples in that order. What is in one request is stored kind by kind, so no series changes its kind in one.
    pub fn write(&self, samples: &[(Labels, Timestamp, Sample)]) {
        let mut rest = samples;
        while !rest.is_empty() {
            let mut kinds: HashMap<&Labels, (bool, bool)> = HashMap::new();
            let mut many = 0;
            for (labels, _, sample) in rest.iter().take(2000) {
                // Behind a histogram a stale marker is stored as one.
                let kind = (sample.histogram().is_some(), sample.float().is_some_and(is_stale));
                if *kinds.entry(labels).or_insert(kind) != kind {
                    break;
                }
                many += 1;
            }
            let samples;
            (samples, rest) = rest.split_at(many);
            let mut request = Vec::new();
            for (labels, time, sample) in samples {
                message(&mut request, 1, |series| write_series(series, labels, *time, sample));
            }
            let body = snap::raw::Encoder::new().compress_vec(&request).expect("it is small");
            let sent = self.agent.post(format!("{}/api/v1/write", self.url));
            let sent = sent.header("Content-Encoding", "snappy").content_type("application/x-protobuf").send(&body);
            let mut answer = sent.expect("an answer");
            let text = answer.body_mut().read_to_string().unwrap_or_default();
            assert_eq!(answer.status(), 204, "{text}");
        }
    }

    /// Such as `3.14.0`.
    pub fn version(&self) -> String {
        let mut answer = self.agent.get(format!("{}/api/v1/status/buildinfo", self.url)).call().expect("an answer");
        let text = answer.body_mut().read_to_string().expect("text");
        let said: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        said["data"]["version"].as_str().unwrap_or_else(|| panic!("no version: {text}")).to_owned()
    }

    /// Asks the HTTP API.
    pub fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let mut answer = self
            .agent
            .post(format!("{}/api/v1/{path}", self.url))
            .send_form(parameters.iter().copied())
            .expect("an answer");
        let text = answer.body_mut().with_config().limit(1 << 30).read_to_string().expect("text");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

/// A message of protobuf inside of another one.
fn message(out: &mut Vec<u8>, field: u64, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = Vec::new();
    fill(&mut inner);
    bytes(out, field, &inner);
}

fn bytes(out: &mut Vec<u8>, field: u64, content: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, content.len() as u64);
    out.extend(content);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn number(out: &mut Vec<u8>, field: u64, value: u64) {
    varint(out, field << 3);
    varint(out, value);
}

fn signed(out: &mut Vec<u8>, field: u64, value: i64) {
    number(out, field, (value << 1 ^ value >> 63) as u64);
}

fn double(out: &mut Vec<u8>, field: u64, value: f64) {
    varint(out, field << 3 | 1);
    out.extend(value.to_bits().to_le_bytes());
}

fn doubles(out: &mut Vec<u8>, field: u64, values: impl Iterator<Item = f64>) {
    let content: Vec<u8> = values.flat_map(|value| value.to_bits().to_le_bytes()).collect();
    bytes(out, field, &content);
}

/// A `TimeSeries` of remote write with one sample.
fn write_series(out: &mut Vec<u8>, labels: &Labels, time: Timestamp, sample: &Sample) {
    for (name, value) in labels.iter() {
        message(out, 1, |label| {
            bytes(label, 1, name.as_bytes());
            bytes(label, 2, value.as_bytes());
        });
    }
    match sample {
        Sample::Float(value) => message(out, 2, |out| {
            double(out, 1, *value);
            number(out, 2, time.0 as u64);
        }),
        Sample::Histogram(histogram) => message(out, 4, |out| write_histogram(out, histogram, time)),
    }
}

fn write_histogram(out: &mut Vec<u8>, histogram: &FloatHistogram, time: Timestamp) {
    double(out, 2, histogram.count);
    double(out, 3, histogram.sum);
    signed(out, 4, i64::from(histogram.schema));
    double(out, 5, histogram.zero_threshold);
    double(out, 7, histogram.zero_count);
    // Buckets are counted from the one that ends at 1; of custom ones from the first.
    let spans = |out: &mut Vec<u8>, field: u64, buckets: &[Bucket]| {
        let mut next = 0;
        for run in buckets.chunk_by(|a, b| b.index == a.index + 1) {
            message(out, field, |span| {
                signed(span, 1, i64::from(run[0].index - next));
                number(span, 2, run.len() as u64);
            });
            next = run[run.len() - 1].index + 1;
        }
    };
    spans(out, 8, &histogram.negative);
    doubles(out, 10, histogram.negative.iter().map(|bucket| bucket.count));
    spans(out, 11, &histogram.positive);
    doubles(out, 13, histogram.positive.iter().map(|bucket| bucket.count));
    let hint = match histogram.hint {
        ResetHint::Unknown => 0,
        ResetHint::Reset => 1,
        ResetHint::NotReset => 2,
        ResetHint::Gauge => 3,
    };
    number(out, 14, hint);
    number(out, 15, time.0 as u64);
    doubles(out, 16, histogram.custom_values.iter().copied());
}
