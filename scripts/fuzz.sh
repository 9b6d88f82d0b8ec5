#!/usr/bin/env bash
# Runs every fuzz target of the main module, one after the other, each for the time given.
#
#   scripts/fuzz.sh [TIME]    for example 20s, 5m; default 20s
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
time=${1:-20s}

output=$(mktemp)
trap 'rm -f "$output"' EXIT
count=0
while IFS= read -r package; do
  # go test -list prints the targets and a closing line of its own, which does not begin with Fuzz.
  listing=$(go test -list '^Fuzz' "$package")
  for target in $(grep '^Fuzz' <<<"$listing"); do
    printf '==> %s %s\n' "$package" "$target"
    if ! go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package" | tee "$output"; then
      # The fuzzer sometimes reports the end of its own time as a failure (golang.org/issue/75804); one that it found has an input.
      grep -q '^ *context deadline exceeded$' "$output" && ! grep -q 'Failing input' "$output" || exit 1
    fi
    count=$((count + 1))
  done
done < <(git grep -l --untracked '^func Fuzz' -- '*_test.go' | xargs -r -n1 dirname | sort -u | sed 's#^#./#')

[[ $count -gt 0 ]] || { echo "fuzz: no fuzz target was found" >&2; exit 1; }
printf '==> %d fuzz targets held for %s each\n' "$count" "$time"
