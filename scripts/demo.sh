#!/usr/bin/env bash
# Shows the whole path, from deposit to withdrawal, with the built binary; flags go to it as they are (--solana, --json, --rpc url,url).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec bin/trine devnet --demo "$@"
