# Form, lints, spelling and dependencies, with the main toolchain.

lint_scripts() {
  shellcheck --shell=bash --severity=style --exclude=SC1091,SC2034 .ci/run .ci/*.sh
}

lint_format() {
  cargo fmt --all --check
}

lint_clippy() {
  cargo clippy --workspace --all-targets --locked -- -D warnings
}

lint_docs() {
  RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked --quiet
}

lint_spelling() {
  typos --config .typos.toml
}

lint_dependencies() {
  "$CI_DENY/bin/cargo-deny" --locked --config .deny.toml check --hide-inclusion-graph bans licenses sources
  echo "NOT checked here: security advisories (their database is fetched from a host that CI does not reach)"
}
