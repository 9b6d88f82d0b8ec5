#!/usr/bin/env bash
# Installs the tools that the build and the tests use, in pinned versions, into a cache folder that survives a rebuild.
#
#   scripts/tools.sh install [GROUP...]   groups: ethereum (anvil, forge, cast, solc, OpenZeppelin), solana-program (solana-rustc,
#                                         solana-cargo, sbpf-linker), surfpool, lint, bench, solana-validator (built in about
#                                         20 minutes); default: all but the last two
#   scripts/tools.sh path NAME            prints the path of anvil, forge, cast, solc, openzeppelin (a folder), solana-rustc,
#                                         solana-cargo, sbpf-linker, surfpool.node (a Node addon), golangci-lint or benchstat,
#                                         and installs its group first when that is missing; for solana-test-validator, which is
#                                         $SOLANA_TEST_VALIDATOR, else the one on PATH, else the cached one, it installs nothing
#                                         and ends with 4 when there is none
#   scripts/tools.sh where                prints the cache folder
#
# The folder is ${TRINE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/trine}. Each toolset lies in a folder named by a hash of what it was
# made from and appears there by one rename: so a folder that exists is complete, another version never mixes with it, and a second
# run neither downloads nor builds. A lock per group lets two runs at the same time do the work once.
set -euo pipefail

readonly GOLANGCI_LINT=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
readonly BENCHSTAT=golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
readonly FOUNDRY_VERSION=1.7.1

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${TRINE_CACHE:-${XDG_CACHE_HOME:-${HOME:?set HOME or TRINE_CACHE, so that the tools have a folder}/.cache}/trine}/tools
partial= # the folder being filled, removed when the script fails half-way

say() { printf 'tools: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }
need() { command -v "$1" >/dev/null || die "'$1' is missing: install $2 and run this again"; }

# key TEXT... prints 12 hex digits that name a toolset made from TEXT on this platform.
key() { printf '%s\n' "$(uname -sm)" "$@" | sha256sum | cut -c1-12; }

dir_ethereum() { echo "$cache/ethereum-$(key "$(cat "$here"/tools/package-lock.json "$here"/tools/solc)")"; }
# A Go tool is built by the Go of this machine and can only read code up to that version, so the version is part of its name.
dir_lint() { echo "$cache/lint-$(key "$GOLANGCI_LINT" "$(go env GOVERSION)")"; }
dir_bench() { echo "$cache/bench-$(key "$BENCHSTAT" "$(go env GOVERSION)")"; }

# run LOG COMMAND... keeps the command's output in LOG and shows its end only when it fails.
run() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 9>&- && return
  tail -n 20 "$log" >&2
  die "'$*' failed. If this machine is offline: the registry must be reached once per version, afterwards $cache is enough" \
    "(copy that folder from a machine that has it, or point TRINE_CACHE at one)."
}

fill_ethereum() {
  need npm "Node.js 20 or newer with npm"
  cp "$here"/tools/{package.json,package-lock.json,.npmrc} "$1"
  # No install scripts: every binary is inside a package whose hash the lock file names, and nothing else may be fetched.
  run "$1/install.log" npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund
  mkdir "$1/bin"
  install -m 0755 "$here/tools/solc" "$1/bin/solc"
  ln -s ../node_modules/@openzeppelin/contracts "$1/bin/openzeppelin"
  local name binary
  for name in anvil forge cast; do
    binary=$1/node_modules/@foundry-rs/$name-linux-amd64/bin/$name
    if [[ -x $binary ]]; then
      ln -s "../${binary#"$1/"}" "$1/bin/$name"
    else
      link_own "$name" "$1/bin/$name"
    fi
  done
}

# link_own NAME LINK is for platforms that the npm registry has no Foundry binary for: the user's own, of the same version, serves.
link_own() {
  local own
  own=$(command -v "$1") && "$own" --version | grep -qF "Version: $FOUNDRY_VERSION" ||
    die "there is no packaged '$1' for $(uname -sm): install Foundry $FOUNDRY_VERSION, put it on PATH and run this again"
  ln -s "$own" "$2"
}

fill_go() {
  need go "Go 1.26 or newer"
  mkdir "$1/bin"
  # Away from the checkout, whose go.mod must neither steer the tool's build nor be changed by it. With the flags of the Makefile,
  # so that the standard library is compiled once for both.
  cd "$1"
  run "$1/install.log" env GOBIN="$1/bin" GOFLAGS=-trimpath GOWORK=off go install "$2"
  cd "$here"
}

# shellcheck source=tools/solana/groups.sh
source "$here/tools/solana/groups.sh"

fill_lint() { fill_go "$1" "$GOLANGCI_LINT"; }
fill_bench() { fill_go "$1" "$BENCHSTAT"; }

# install_group GROUP does nothing when the group's folder exists.
install_group() {
  case $1 in
    ethereum | solana-program | surfpool | lint | bench | solana-validator) ;;
    *) die "unknown group '$1': use ethereum, solana-program, surfpool, lint, bench or solana-validator" ;;
  esac
  local dir started=$SECONDS
  dir=$(dir_"${1//-/_}")
  [[ -d $dir ]] && return
  need flock "util-linux"
  mkdir -p "$cache" || die "cannot make the cache folder $cache: set TRINE_CACHE to one that can be written"
  exec 9>"$cache/.lock-$1"
  flock 9
  if [[ ! -d $dir ]]; then
    say "installing '$1' into $dir"
    rm -rf "$cache/.partial-$1"-?????? # what a killed run left; whoever holds the lock is the only one who fills
    partial=$(mktemp -d "$cache/.partial-$1-XXXXXX")
    fill_"${1//-/_}" "$partial"
    chmod 0755 "$partial"
    mv "$partial" "$dir"
    partial=
    say "installed '$1' in $((SECONDS - started)) s"
  fi
  exec 9>&-
}

group_of() {
  case $1 in
    anvil | forge | cast | solc | openzeppelin) echo ethereum ;;
    solana-rustc | solana-cargo | sbpf-linker) echo solana-program ;;
    surfpool.node) echo surfpool ;;
    golangci-lint) echo lint ;;
    benchstat) echo bench ;;
    *) die "unknown tool '$1': use anvil, forge, cast, solc, openzeppelin, solana-rustc, solana-cargo, sbpf-linker," \
      "surfpool.node, solana-test-validator, golangci-lint or benchstat" ;;
  esac
}

trap '[[ -z $partial ]] || rm -rf "$partial"' EXIT

case ${1:-} in
  install)
    shift
    [[ $# -gt 0 ]] || set -- ethereum solana-program surfpool lint
    for group in "$@"; do install_group "$group"; done
    ;;
  path)
    [[ $# -eq 2 ]] || die "usage: tools.sh path NAME"
    [[ $2 != solana-test-validator ]] || { find_validator; exit; }
    group=$(group_of "$2")
    install_group "$group"
    echo "$(dir_"${group//-/_}")/bin/$2"
    ;;
  where) echo "${cache%/tools}" ;;
  *) die "usage: tools.sh install [GROUP...] | path NAME | where" ;;
esac
