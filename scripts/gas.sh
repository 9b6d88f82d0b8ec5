#!/usr/bin/env bash
# Measures what the bridges' transactions cost, gas on Ethereum and compute units on Solana, prints both tables and writes
# bench/gas.json. The tests of each bridge hold what is committed there against what they measure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! TRINE_SOLANA_GAS=$work/solana.json scripts/solana-program-test.sh units::compute_units_do_not_grow >"$work/log" 2>&1; then
  cat "$work/log" >&2
  exit 1
fi
go run ./bridgecontracts/ethereum/gasbench -solana "$work/solana.json" -out bench/gas.json
