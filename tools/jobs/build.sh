# Sourced by ./run and the scripts beside this one: installs packages, and builds.
# shellcheck shell=bash disable=SC2034
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# The packages for building, by their names in Debian and Ubuntu.
build_packages=(g++ cmake ninja-build libcli11-dev libfmt-dev nlohmann-json3-dev zlib1g-dev node-d3)
# What the servers in peers/ are built on.
peer_packages=(libevent-dev libev-dev libuv1-dev libasio-dev golang-go nodejs python3)
# What echomux-mpi is built on, and what makes hosts for it here.
mpi_packages=(openmpi-bin libopenmpi-dev iproute2 procps util-linux)
# What most tests need besides, and what a few do. One with a '?' before its name is wanted where the
# system offers it: what needs it is skipped elsewhere.
test_packages=(libgtest-dev libgmock-dev git groff-base iproute2 procps python3 python3-jsonschema zsh)
further_test_packages=(strace '?gnuplot-nox' '?chromium' '?chromium-driver' '?python3-selenium'
  '?libfaketime' '?libhdrhistogram-java' '?ncat' '?socat' "${peer_packages[@]/#/?}" "${mpi_packages[@]/#/?}")
# What lessons and exercises call besides.
course_packages=(inetutils-telnet netcat-openbsd socat strace util-linux)
# Any JDK will do.
command -v javac >/dev/null || further_test_packages+=('?default-jdk-headless')

# Names, of these packages, those that are to be installed: in the arrays missing and wanted (those
# with a '?').
look_for() {
  local package
  missing=() wanted=()
  for package in "$@"; do
    dpkg-query --show --showformat '${db:Status-Status}' "${package#\?}" 2>/dev/null |
      grep --quiet '^installed$' && continue
    if [[ $package == \?* ]]; then wanted+=("${package#\?}"); else missing+=("$package"); fi
  done
}

# Makes sure that these packages are there. A user who may install nothing gets as far as it goes
# without, and not_installed says what is missing.
not_installed=
need() {
  local missing wanted as_root=()
  if ! command -v apt-get >/dev/null; then
    can_build || fail "this is neither Debian nor Ubuntu. Install what they call:" "${@#\?}"
    return 0 # libraries that are missing are downloaded
  fi
  look_for "$@"
  ((${#missing[@]} > 0)) || offered wanted
  ((${#missing[@]} + ${#wanted[@]} > 0)) || return 0
  if ((EUID != 0)); then
    as_root=(sudo)
    sudo -v 2>/dev/null || {
      not_installed="to install what is missing, run as root: apt-get install ${missing[*]} ${wanted[*]}"
      tell "$not_installed"
      can_build || exit 1
      return 0
    }
  fi
  {
    "${as_root[@]}" apt-get update --quiet --quiet
    offered wanted
    tell "installing with apt-get${as_root[*]:+ through sudo}:" "${missing[@]}" "${wanted[@]}"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install --yes --quiet --quiet --no-install-recommends "${missing[@]}" "${wanted[@]}"
  } >&2
}

can_build() {
  type cmake ninja c++ >/dev/null 2>&1
}

# Leaves in the array of this name only the packages that can be installed.
offered() {
  local -n packages=$1
  local package kept=()
  for package in "${packages[@]}"; do
    if apt-cache show "$package" >/dev/null 2>&1; then kept+=("$package"); fi
  done
  packages=("${kept[@]}")
}

# Configures PRESET and builds TARGETs: build PRESET [-DOPTION=VALUE…] -- TARGET…
# Quiet unless something is wrong. Warnings are errors in CI.
build() {
  local preset=$1 options=() log
  shift
  [[ -z ${CI:-} ]] || options+=(-DECHOMUX_WERROR=ON)
  while [[ $1 != -- ]]; do options+=("$1") && shift; done
  shift
  log=$(mktemp)
  tell "building ($preset)"
  cmake --preset "$preset" "${options[@]}" >"$log" 2>&1 &&
    cmake --build --preset "$preset" --target "$@" >>"$log" 2>&1 || {
    cat "$log" >&2
    rm -f "$log"
    fail "the build failed${not_installed:+; $not_installed}"
  }
  grep --after-context=5 'warning:' "$log" >&2 || true
  rm -f "$log"
}

# Builds these targets of the default preset without the tests, or with them.
build_program() {
  need "${build_packages[@]}"
  build default -DECHOMUX_TESTS=OFF -- "$@"
}

build_tests() {
  need "${build_packages[@]}" libgtest-dev libgmock-dev python3
  build default -DECHOMUX_TESTS=ON -- "$@"
}

tell() {
  echo "run:" "$@" >&2
}

fail() {
  tell "$@"
  exit 1
}

usage() {
  tell "usage: ./run" "$@"
  exit 2
}
