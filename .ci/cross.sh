# The code is linted for Windows and macOS too. Debian's rustc-web brings the sources of std, so std is built for the
# target; its version floats with security updates and is printed, not pinned. These lanes lint, they run nothing.

# CI's own tools and Debian's toolchain first on PATH; its stable compiler accepts -Zbuild-std only with RUSTC_BOOTSTRAP.
with_debian_rust() {
  PATH=$CI_VENV/bin:/usr/bin:$PATH RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/cross "$@"
}

cross_windows() {
  with_debian_rust /usr/bin/cargo clippy --workspace --all-targets --locked -Zbuild-std --target x86_64-pc-windows-gnu -- -D warnings
}

cross_macos() {
  with_debian_rust cargo-zigbuild clippy --workspace --all-targets --locked -Zbuild-std --target aarch64-apple-darwin -- -D warnings
}
