# Shared by the lanes: timed steps, and where CI keeps what it installs (never inside the checkout).

CI_HOME=${DHTL_CI_HOME:-$HOME/.cache/dhtl-ci}
CI_VENV=$CI_HOME/venv
CI_DENY=$CI_HOME/deny-0.20.2
UV_VERSION=0.13.9
PYTHON_VERSION=3.11.7

# Runs a command as a named step and prints how long it took. A failing step ends the run: nothing is caught here.
step() {
  local name=$1 begin=$SECONDS
  shift
  printf '\n==> %s\n' "$name"
  "$@"
  printf '<== %s: %d s\n' "$name" "$((SECONDS - begin))"
}

# Stops with a message that says what is missing.
die() {
  printf 'ci: %s\n' "$1" >&2
  exit 1
}

# Stops unless a program can be found.
need() {
  command -v "$1" >/dev/null || die "\`$1\` is needed and was not found: $2"
}
