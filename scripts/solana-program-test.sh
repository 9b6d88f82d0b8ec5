#!/usr/bin/env bash
# Runs the tests of the Solana program on the real runtime (LiteSVM), with the pinned Rust. What is built stays in the cache, as
# compiling the runtime takes minutes.
#
#   scripts/solana-program-test.sh [ARGUMENT...]   arguments go to the test programs, as a pattern does
#   scripts/solana-program-test.sh --build         compiles them and runs nothing
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cargo=$(scripts/tools.sh path solana-cargo)
CARGO_TARGET_DIR=$(scripts/tools.sh where)/solana-program-tests
export CARGO_TARGET_DIR CARGO_INCREMENTAL=0
cd bridgecontracts/solana/tests
# The runtime a little optimised: signature checks are the tests' time. Without debug information: that is the build's.
# Poseidon's tables, which no test needs, take the optimiser six minutes.
build=(test --locked --config 'profile.dev.debug=false' --config 'profile.dev.package."*".opt-level=1'
  --config 'profile.dev.package.solana-poseidon.opt-level=0' --config 'profile.dev.build-override.opt-level=0')
case ${1:-} in
  --build) exec "$cargo" "${build[@]}" --no-run ;;
  *) exec "$cargo" "${build[@]}" -- "$@" ;;
esac
