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

work=$(mktemp -d)
building=
trap '[[ -z $building ]] || kill "$building" 2>/dev/null || true; rm -rf "$work"' EXIT
export TRINE_SOLANA_REPORT=$work/solana-report

# Compiling the Solana runtime takes minutes once. That is done beside the steps below, in the time in which they wait.
build_program_tests() {
  nice -n 19 scripts/solana-program-test.sh --build >"$work/program-tests.log" 2>&1 &
  building=$!
}

program_tests() {
  wait "$building" || { building= && cat "$work/program-tests.log" && return 1; }
  building=
  scripts/solana-program-test.sh
}

step "tools" scripts/tools.sh install
step "the Solana program's bytes" scripts/solana-program.sh --check
build_program_tests
step "lint, vet and format" make lint
step "generated files" scripts/check-generated.sh
step "contracts" make test-contracts
step "modules of their own" test_modules
step "build" make build
# The linter has vetted every package.
step "Go tests with the race detector" go test -vet=off -race -timeout 20m ./...
# Not from the cache: it does not see that the program under test changed.
step "end to end" go test -count=1 -vet=off -tags e2e -timeout 30m ./e2e/...
step "the Solana program's tests" program_tests

heading "times (total $((SECONDS / 60)) min $((SECONDS % 60)) s)"
printf '%s\n' "${times[@]}"

step "Solana chains" solana_report
