#!/usr/bin/env bash
# Everything that must hold before a change lands, cheapest first. Stops at the first failure. go test comes last, so that the
# last lines are its own verdicts; the times of the steps before it are printed above them.
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

step "tools" scripts/tools.sh install
step "lint, vet and format" make lint
step "generated files" scripts/check-generated.sh
step "contracts" make test-contracts
step "modules of their own" test_modules
step "build" make build

heading "times so far (total $((SECONDS / 60)) min $((SECONDS % 60)) s), go test's own follow"
printf '%s\n' "${times[@]}"

heading "Go tests with the race detector"
go test -race -timeout 20m ./...
heading "end to end"
go test -tags e2e -timeout 30m ./e2e/...
