#!/usr/bin/env bash
# Runs the Go benchmarks, one package after the other, and writes
#
#   bench/out/bench.txt   their lines as they come, in the form that benchstat reads (the run before it: bench/out/previous.txt)
#   bench/bench.json      one flat object: the Go version, the processor, and every figure of the summary
#
# A figure of the summary is what a benchmark reports by b.ReportMetric under a unit that is a name and no ratio, for example
# "transactions_per_second"; "ns/op" and its like have a slash and stay in bench.txt. A name reported twice is an error.
#
#   scripts/bench.sh [PATTERN]    selects benchmarks; the summary is written only by a run of all of them
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
pattern=${1:-.}
out=bench/out

mkdir -p "$out"
[[ ! -f $out/bench.txt ]] || mv "$out/bench.txt" "$out/previous.txt"
mapfile -t packages < <(git grep -l --untracked '^func Benchmark' -- '*_test.go' | xargs -r -n1 dirname | sort -u | sed 's#^#./#')
[[ ${#packages[@]} -gt 0 ]] || { echo "bench: no benchmark was found" >&2; exit 1; }

go test -run '^$' -bench "$pattern" -benchmem -timeout 60m "${packages[@]}" | tee "$out/bench.txt"

if [[ -f $out/previous.txt ]]; then
  printf '\n==> compared with the run before\n'
  "$(scripts/tools.sh path benchstat)" "$out/previous.txt" "$out/bench.txt"
fi
[[ $pattern == . ]] || exit 0

awk -v go="$(go env GOVERSION)" '
  /^cpu: / { cpu = substr($0, 6) }
  /^Benchmark/ {
    for (i = 3; i < NF; i += 2) {
      name = $(i + 1)
      if (name ~ /\//) continue
      if (name in figure) { print "bench: " name " is reported twice" > "/dev/stderr"; exit 1 }
      figure[name] = $i
      order[++n] = name
    }
  }
  END {
    printf "{\n  \"go\": \"%s\",\n  \"cpu\": \"%s\"", go, cpu
    for (i = 1; i <= n; i++) printf ",\n  \"%s\": %s", order[i], figure[order[i]]
    printf "\n}\n"
  }' "$out/bench.txt" >"$out/bench.json"
mv "$out/bench.json" bench/bench.json
