#!/usr/bin/env bash
# Builds the bridge's Solana program from its source, to the same bytes in every folder and on every machine.
#
#   scripts/solana-program.sh           writes bridgecontracts/solana/artifact/trine_bridge.so (SBPF v3, what clusters deploy) and
#                                       trine_bridge_v0.so (SBPF v0, for Surfpool)
#   scripts/solana-program.sh --check   writes nothing there and fails when what lies there is not what the source gives
#
# What the last build of this source gave is kept in the cache by a hash of the source and the toolchain, so that --check builds
# only what was not built here before.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly program=bridgecontracts/solana/program artifact=bridgecontracts/solana/artifact name=trine_bridge
linker=$(scripts/tools.sh path sbpf-linker)
cargo=$(scripts/tools.sh path solana-cargo)
cache=$(scripts/tools.sh where)/solana-program-builds
work=
trap '[[ -z $work ]] || rm -rf "$work"' EXIT

# sources lists what the build reads, tracked or not yet.
sources() {
  git ls-files -z --cached --others --exclude-standard -- "$program" scripts/solana-program.sh | sort -zu
}

# build DIR builds both programs into DIR.
build() {
  local root arch registry flags target=$work/target
  root=$(cd "$program" && pwd)
  # Nothing of the caller's may steer the compiler, and a build starts empty: cargo compares times, not contents.
  unset RUSTFLAGS CARGO_BUILD_RUSTFLAGS CARGO_BUILD_TARGET RUSTC_WRAPPER
  export CARGO_TARGET_DIR=$target CARGO_INCREMENTAL=0 CARGO_TARGET_BPFEL_UNKNOWN_NONE_LINKER=$linker
  "$cargo" fetch --locked --quiet --manifest-path "$root/Cargo.toml"
  # Panics name their source file, so its folder must not depend on where it lies. What separates the flags is a unit separator.
  flags="--remap-path-prefix=$root=/program"
  for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do flags+=$'\x1f'"--remap-path-prefix=$registry=/crates"; done
  flags+=$'\x1f-Cpanic=abort\x1f-Clink-arg=--llvm-args=--bpf-stack-size=4096'
  # The machine reads words wherever they lie; without this, every copied key is 32 loads and stores of a byte.
  flags+=$'\x1f-Clink-arg=--cpu-features=+allows-misaligned-mem-access'
  for arch in v3 v0; do
    (cd "$root" && CARGO_ENCODED_RUSTFLAGS="$flags" "$cargo" rustc --locked --quiet --lib --release --target bpfel-unknown-none -- -C "link-arg=--arch=$arch")
    cp "$target/bpfel-unknown-none/release/lib$name.so" "$1/$arch.so"
  done
  rm -rf "$target"
}

key=$(
  { basename "$(dirname "$(dirname "$cargo")")"; sources | xargs -0 sha256sum; } | sha256sum | cut -c1-16
)
built=$cache/$key
if [[ ! -d $built || ${1:-} != --check ]]; then
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/.partial-XXXXXX")
  mkdir "$work/out"
  build "$work/out"
  rm -rf "$built"
  mv -T "$work/out" "$built"
fi

case ${1:-} in
  --check)
    fresh=$(cd "$built" && sha256sum <v3.so && sha256sum <v0.so)
    kept=$(sha256sum <"$artifact/$name.so" && sha256sum <"$artifact/${name}_v0.so")
    if [[ $fresh != "$kept" ]]; then
      echo "the Solana program in $artifact is not what $program gives: run 'make solana-program', look at it and commit it" >&2
      exit 1
    fi
    echo "the Solana program in $artifact is what $program gives"
    ;;
  '')
    mkdir -p "$artifact"
    install -m 0644 "$built/v3.so" "$artifact/$name.so"
    install -m 0644 "$built/v0.so" "$artifact/${name}_v0.so"
    (cd "$artifact" && sha256sum "$name.so" "${name}_v0.so")
    ;;
  *)
    echo "usage: solana-program.sh [--check]" >&2
    exit 2
    ;;
esac
