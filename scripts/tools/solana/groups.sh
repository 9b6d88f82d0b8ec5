# The Solana groups of tools.sh, which sources this file.
#
# solana-program compiles and tests the bridge's program: Debian's Rust, which comes with core and alloc for BPF, and the linker that
# makes a Solana program of what it emits. The packages are unpacked, not installed: that needs no root and leaves the machine as it is.
# surfpool is the embedded chain, and solana-validator the real one, which takes so long to build that it is never built unasked.

readonly SBPF_LINKER_VERSION=0.2.6
readonly VALIDATOR_VERSION=4.1.2
readonly PROGRAM_RECIPE=1 # counts changes of fill_solana_program that change what it leaves

dir_solana_program() { echo "$cache/solana-program-$(key "$SBPF_LINKER_VERSION" "$PROGRAM_RECIPE" "$(cat "$here/tools/solana/program.debs")")"; }
dir_solana_validator() { echo "$cache/solana-validator-$(key "$VALIDATOR_VERSION")"; }
dir_surfpool() { echo "$cache/surfpool-$(key "$(cat "$here/tools/surfpool/package-lock.json")")"; }

# unpack_debs LIST DIR unpacks the packages that LIST names into DIR/debian. A package that lies in $TRINE_DEBS is taken from there.
unpack_debs() {
  need apt-get "Debian 12, or a container of it: the compiler for Solana programs is taken from its packages"
  need dpkg-deb dpkg
  local list=$1 dir=$2 work=$2/debs apt name version sum file
  mkdir -p "$dir/debian" "$work/lists/partial" "$work/cache/archives/partial"
  apt=(apt-get -q -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=)
  cd "$work"
  while read -r name version sum; do
    if [[ -n ${TRINE_DEBS:-} ]] && cp "$TRINE_DEBS/${name}_${version/:/%3a}"_*.deb . 2>/dev/null; then continue; fi
    # The machine's own lists may be missing or old, and only root may renew them.
    [[ -n $(ls lists/*Packages* 2>/dev/null) ]] || run "$dir/apt-update.log" "${apt[@]}" update
    "${apt[@]}" download "$name=$version" >"$dir/apt-download.log" 2>&1 9>&- || {
      tail -n 5 "$dir/apt-download.log" >&2
      die "Debian no longer serves $name $version, or cannot be reached. Get that version of the package from Debian's archive of" \
        "old packages, put it into a folder, and run this again with TRINE_DEBS=<that folder>."
    }
  done < <(grep -v '^#' "$list")
  while read -r name version sum; do
    file=$(ls "${name}_${version/:/%3a}"_*.deb)
    [[ $(sha256sum "$file" | cut -d' ' -f1) == "$sum" ]] || die "$file is not the package that ${list##*/} names: its SHA-256 differs"
    dpkg-deb -x "$file" "$dir/debian"
  done < <(grep -v '^#' "$list")
  cd "$here"
  rm -rf "$work"
}

# missing_libraries LIBRARIES FILE... prints what the programs need and this machine has not.
missing_libraries() {
  local libraries=$1
  shift
  LD_LIBRARY_PATH=$libraries ldd "$@" | awk '/not found/ { print $1 }' | sort -u | paste -sd' '
}

# wrap NAME DIR ENVIRONMENT makes DIR/bin/solana-NAME, which runs the unpacked NAME with its own libraries.
wrap() {
  cat >"$2/bin/solana-$1" <<END
#!/bin/sh
root=\$(dirname "\$(dirname "\$(readlink -f "\$0")")")
export LD_LIBRARY_PATH="\$root/debian/usr/lib/x86_64-linux-gnu\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"$3
exec "\$root/debian/usr/bin/$1" "\$@"
END
  chmod 0755 "$2/bin/solana-$1"
}

fill_solana_program() {
  [[ $(uname -sm) == "Linux x86_64" ]] || die "the Solana program is built on Linux x86-64 only, so that its bytes are the same for everyone"
  need gcc "a C compiler (Debian: gcc libc6-dev)"
  unpack_debs "$here/tools/solana/program.debs" "$1"
  # The other byte order, which nothing here targets.
  rm -rf "$1/debian/usr/lib/rustlib/bpfeb-unknown-none"
  local missing
  missing=$(missing_libraries "$1/debian/usr/lib/x86_64-linux-gnu" "$1"/debian/usr/bin/{rustc,cargo} "$1"/debian/usr/lib/x86_64-linux-gnu/libLLVM.so.22.1)
  [[ -z $missing ]] || die "Debian's Rust needs libraries that this machine has not: $missing." \
    "On Debian 12: apt-get install libcurl4 libsqlite3-0 libssl3 libffi8 libedit2 libxml2 libtinfo6"
  mkdir "$1/bin"
  wrap rustc "$1" ""
  wrap cargo "$1" $'\nexport RUSTC="$root/bin/solana-rustc"'
  # Unoptimised, as it only hands on to LLVM: that halves the time it takes to build.
  run "$1/install.log" env -u RUSTFLAGS CARGO_PROFILE_DEV_DEBUG=false CARGO_INCREMENTAL=0 CARGO_TARGET_DIR="$1/target" \
    "$1/bin/solana-cargo" install sbpf-linker --version "$SBPF_LINKER_VERSION" --locked --debug --root "$1" --no-track
  rm -rf "$1/target"
}

fill_surfpool() {
  need npm "Node.js 20 or newer with npm"
  cp "$here"/tools/surfpool/{package.json,package-lock.json,.npmrc} "$1"
  run "$1/install.log" npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund
  local addon=node_modules/surfpool-sdk-linux-x64-gnu/surfpool-sdk.linux-x64-gnu.node
  [[ -f $1/$addon ]] || die "Surfpool is packaged for Linux x86-64 with glibc only, and this is $(uname -sm)"
  mkdir "$1/bin"
  ln -s "../$addon" "$1/bin/surfpool.node"
}

# What building the validator takes besides Rust, as a command or a file that shows that it is there, and its Debian package.
readonly validator_needs=(
  "command -v cmake:cmake" "command -v protoc:protobuf-compiler" "command -v pkg-config:pkg-config" "command -v c++:g++"
  "pkg-config --exists openssl:libssl-dev" "pkg-config --exists libudev:libudev-dev"
  "ls /usr/lib/llvm-22/lib/libclang.so:libclang-22-dev" "ls /usr/lib/llvm-22/bin/clang:clang-22"
)

# The one group that is compiled for long, so cargo's own progress is shown, and what was compiled stays when it is interrupted.
fill_solana_validator() {
  need cargo "Rust 1.95 or newer"
  local target=$cache/.solana-validator-target entry packages=()
  for entry in "${validator_needs[@]}"; do
    ${entry%%:*} >/dev/null 2>&1 || packages+=("${entry##*:}")
  done
  if [[ ${#packages[@]} -gt 0 ]]; then
    [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null ||
      die "building the validator needs: ${packages[*]}. Install them (on Debian 12, as root: apt-get install ${packages[*]}) and run this again"
    say "installing Debian's ${packages[*]}"
    run "$1/apt-update.log" apt-get -q update
    run "$1/apt-install.log" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "${packages[@]}"
  fi
  say "compiling solana-test-validator $VALIDATOR_VERSION, for about 20 minutes on 2 cores; interrupted, it goes on where it was"
  env -u RUSTFLAGS LIBCLANG_PATH=/usr/lib/llvm-22/lib CARGO_PROFILE_RELEASE_LTO=off CARGO_TARGET_DIR="$target" \
    cargo install agave-validator --version "$VALIDATOR_VERSION" --bin solana-test-validator --locked --root "$1" --no-track >&2 9>&- ||
    die "the validator could not be built; cargo says why above"
  rm -rf "$target"
}

# find_validator prints the path of a validator that is there; tests decide by the exit code 4 to go on without one.
find_validator() {
  local found
  if [[ -n ${SOLANA_TEST_VALIDATOR:-} ]]; then
    [[ -f $SOLANA_TEST_VALIDATOR && -x $SOLANA_TEST_VALIDATOR ]] ||
      die "SOLANA_TEST_VALIDATOR is '$SOLANA_TEST_VALIDATOR', which is not a program: set it to one, or unset it"
    realpath "$SOLANA_TEST_VALIDATOR"
  elif found=$(command -v solana-test-validator); then
    echo "$found"
  elif found=$(dir_solana_validator)/bin/solana-test-validator && [[ -x $found ]]; then
    echo "$found"
  else
    say "there is no solana-test-validator: 'make solana-validator' builds one into the cache, or set SOLANA_TEST_VALIDATOR to your own"
    return 4
  fi
}
