#!/usr/bin/env bash
# Compiles DevToken.sol with the project's Solidity compiler and writes DevToken.json: {"abi": …, "bytecode": "0x…"}.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
solc=$(../../scripts/tools.sh path solc)
node -e '
  const source = require("fs").readFileSync("DevToken.sol", "utf8");
  process.stdout.write(JSON.stringify({
    language: "Solidity",
    sources: { "DevToken.sol": { content: source } },
    settings: {
      evmVersion: "osaka",
      optimizer: { enabled: true, runs: 1000000 },
      metadata: { bytecodeHash: "none", appendCBOR: false },
      outputSelection: { "*": { DevToken: ["abi", "evm.bytecode.object"] } },
    },
  }));' | "$solc" --standard-json | node -e '
  const out = JSON.parse(require("fs").readFileSync(0, "utf8"));
  for (const e of out.errors ?? []) process.stderr.write(e.formattedMessage);
  const c = out.contracts["DevToken.sol"].DevToken;
  process.stdout.write(JSON.stringify({ abi: c.abi, bytecode: "0x" + c.evm.bytecode.object }) + "\n");' >DevToken.json
