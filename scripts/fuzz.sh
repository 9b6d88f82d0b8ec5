#!/usr/bin/env bash
# Runs every fuzz target of the main module, one after the other, each for the time given.
#
#   scripts/fuzz.sh [TIME]    for example 20s, 5m; default 20s
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
time=${1:-20s}

count=0
while IFS= read -r package; do
  # go test -list prints the targets and a closing line of its own, which does not begin with Fuzz.
  listing=$(go test -list '^Fuzz' "$package")
  for target in $(grep '^Fuzz' <<<"$listing"); do
    printf '==> %s %s\n' "$package" "$target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package"
    count=$((count + 1))
  done
done < <(git grep -l --untracked '^func Fuzz' -- '*_test.go' | xargs -r -n1 dirname | sort -u | sed 's#^#./#')

[[ $count -gt 0 ]] || { echo "fuzz: no fuzz target was found" >&2; exit 1; }
printf '==> %d fuzz targets held for %s each\n' "$count" "$time"
