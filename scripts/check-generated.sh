#!/usr/bin/env bash
# Fails when a generated file is not what its sources give: it generates everything again and names each file that changed.
# What differs from the last commit anyway does not matter: the tree is compared with itself, before and after.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# sums prints a line per file that git tracks or would: those in git's ignored folders are nobody's sources.
sums() {
  git ls-files -z --cached --others --exclude-standard | sort -zu |
    while IFS= read -r -d '' file; do if [[ -f $file ]]; then printf '%s\0' "$file"; fi; done | xargs -0 sha256sum
}

sums >"$work/before"
make generate
sums >"$work/after"
if ! diff "$work/before" "$work/after" >"$work/diff"; then
  echo "these generated files were out of date and have been written again; look at them and commit them:" >&2
  sed -n 's/^> [0-9a-f]*  /  /p; s/^< [0-9a-f]*  /  /p' "$work/diff" | sort -u >&2
  exit 1
fi
