# Tests. The first command is the README's own.

test_all() {
  cargo nextest run --workspace --locked
}

test_docs() {
  cargo test --doc --workspace --locked --quiet
}

# Real packages from the index, a real uv, a real CPython build.
test_network() {
  [[ -x ${PYENV_ROOT:-$HOME/.pyenv}/versions/$PYTHON_VERSION/bin/python ]] ||
    die "the end-to-end tests need a pyenv build of CPython $PYTHON_VERSION"
  cargo nextest run --workspace --locked --run-ignored only --profile network
}
