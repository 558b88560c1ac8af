#!/usr/bin/env bash
# Asks Prometheus and firedrill the same random questions, many more than the tests do: expressions over random series of a
# Prometheus server of its own (at one time and over a range), and random rule files with their tests through promtool.
#
#   benches/differential.sh [SEED] [EXPRESSIONS] [RULE_FILES]
#
# Both programs are looked for in the folder FIREDRILL_PEERS and in PATH. Every difference is printed; without one it ends in
# success. The same seed asks the same questions.
set -euo pipefail
cd "$(dirname "$0")/.."
seed=${1:-1}
export FIREDRILL_PEERS=${FIREDRILL_PEERS:-$HOME/.cache/peers/bin} FIREDRILL_REQUIRE_PEERS=1
export FIREDRILL_FUZZ_SEED=$seed FIREDRILL_FUZZ_EXPRESSIONS=${2:-50000} FIREDRILL_FUZZ_FILES=${3:-2000}
cargo test --test prometheus_fuzz -- --nocapture
cargo test --test promtool_fuzz -- --nocapture
