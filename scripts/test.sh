#!/usr/bin/env bash
# Everything that must hold before a change lands, cheapest first. Stops at the first failure.
#
# Tests that need a Solana chain run on solana-test-validator where there is one, and otherwise, as far as it shows things truly, on
# Surfpool. The last lines say which it was, what was not run and how to get a validator; it is go test that prints them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

times=()
heading() { printf '\n==> %s\n' "$1"; }

# step NAME COMMAND... runs one step under a heading and notes its time.
step() {
  local name=$1 started=$SECONDS
  shift
  heading "$name"
  "$@" || { printf '==> %s: failed after %d s (%s)\n' "$name" $((SECONDS - started)) "$*" >&2; exit 1; }
  times+=("$(printf '%6d s  %s' $((SECONDS - started)) "$name")")
}

# test_modules tests what is a module of its own, as each example is: the main module's ./... leaves them out.
test_modules() {
  local file
  while IFS= read -r file; do
    (cd "$(dirname "$file")" && go vet ./... && go test ./...) || return 1
  done < <(git ls-files '*/go.mod')
}

# solana_report prints what the tests before it noted. It is run in the package's own folder, where go test passes on what a test prints.
solana_report() { (cd internal/solanatest/ran && go test -count=1 -args -of "$TRINE_SOLANA_REPORT"); }

TRINE_SOLANA_REPORT=$(mktemp)
export TRINE_SOLANA_REPORT
trap 'rm -f "$TRINE_SOLANA_REPORT"' EXIT

step "tools" scripts/tools.sh install
step "lint, vet and format" make lint
step "generated files" scripts/check-generated.sh
step "contracts" make test-contracts
step "the Solana program's bytes" scripts/solana-program.sh --check
step "the Solana program's tests" scripts/solana-program-test.sh
step "modules of their own" test_modules
step "build" make build
step "Go tests with the race detector" go test -race -timeout 20m ./...
step "end to end" go test -tags e2e -timeout 30m ./e2e/...

heading "times (total $((SECONDS / 60)) min $((SECONDS % 60)) s)"
printf '%s\n' "${times[@]}"

step "Solana chains" solana_report
