#!/usr/bin/env bash
# Fuzzes targets, one after the other, from their corpora, and keeps of what each finds the smallest inputs that reach as much.
#
#   fuzz/run.sh MINUTES [TARGET...]
#
# Needs a nightly toolchain, cargo-fuzz and a C++ compiler. What fails is left in fuzz/artifacts, and ends the run.
set -euo pipefail
cd "$(dirname "$0")"
minutes=${1:?how many minutes for each target}
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cargo +nightly fuzz list)
# Nothing here is unsafe, so that a sanitizer would only slow it down.
for target in "${targets[@]}"; do
  limits=(-max_total_time=$((minutes * 60)) -timeout=20 -rss_limit_mb=3000 -max_len=1024)
  dictionary=${target%%_*}.dict
  cargo +nightly fuzz run -s none "$target" -- "${limits[@]}" -dict="$dictionary" -print_final_stats=1
  cargo +nightly fuzz cmin -s none "$target" -- -max_len=1024
done
