# Makes this environment the one of the current shell (bash, zsh, ksh, dash):
#
#     . .venv/bin/activate
#
# and `deactivate` leaves it. The environment is found from the place of this file.

deactivate() {
    if [ -n "${VIRTUAL_ENV-}" ] && [ -n "${_DHT_PROGRAMS-}" ]; then
        # Only the one entry is taken out, so that what was added to PATH since stays.
        _dht_path=":${PATH}:"
        case "$_dht_path" in
            *":${_DHT_PROGRAMS}:"*)
                _dht_before=${_dht_path%%":${_DHT_PROGRAMS}:"*}
                _dht_after=${_dht_path#*":${_DHT_PROGRAMS}:"}
                _dht_path="${_dht_before}:${_dht_after}"
                _dht_path=${_dht_path#:}
                PATH=${_dht_path%:}
                export PATH
                ;;
        esac
        unset _dht_path _dht_before _dht_after
    fi
    if [ -n "${_OLD_VIRTUAL_PYTHONHOME-}" ]; then
        PYTHONHOME=$_OLD_VIRTUAL_PYTHONHOME
        export PYTHONHOME
    fi
    if [ -n "${_OLD_VIRTUAL_PS1+set}" ]; then
        PS1=$_OLD_VIRTUAL_PS1
    fi
    unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT _DHT_PROGRAMS
    unset _OLD_VIRTUAL_PYTHONHOME _OLD_VIRTUAL_PS1
    hash -r 2>/dev/null || true
    if [ "${1-}" != nondestructive ]; then
        unset -f deactivate
    fi
}

deactivate nondestructive

if [ -n "${BASH_VERSION-}" ]; then
    # shellcheck disable=SC2128,SC3028,SC3054
    _dht_script=$BASH_SOURCE
elif [ -n "${ZSH_VERSION-}" ]; then
    eval '_dht_script=${(%):-%x}'
elif [ -n "${KSH_VERSION-}" ]; then
    eval '_dht_script=${.sh.file-}'
fi
if [ ! -f "${_dht_script-}" ]; then
    # Other shells do not say which file they read, but they have it open.
    _dht_script=
    for _dht_open in /proc/$$/fd/*; do
        _dht_target=$(readlink "$_dht_open" 2>/dev/null) || continue
        case "$_dht_target" in
            */activate) _dht_script=$_dht_target ;;
        esac
    done
    unset _dht_open _dht_target
fi
if [ -z "$_dht_script" ]; then
    echo "activate: this shell does not say where the script stands; use bash or zsh" >&2
    unset _dht_script
    return 1
fi

case "$_dht_script" in
    */*) ;;
    *) _dht_script="./$_dht_script" ;;
esac
_DHT_PROGRAMS=$(CDPATH= cd -- "${_dht_script%/*}" >/dev/null && pwd)
VIRTUAL_ENV=${_DHT_PROGRAMS%/*}
export VIRTUAL_ENV
unset _dht_script

PATH="$_DHT_PROGRAMS${PATH:+:}${PATH-}"
export PATH

if [ -n "${PYTHONHOME-}" ]; then
    _OLD_VIRTUAL_PYTHONHOME=$PYTHONHOME
    unset PYTHONHOME
fi

VIRTUAL_ENV_PROMPT=
while IFS= read -r _dht_line || [ -n "$_dht_line" ]; do
    case "$_dht_line" in
        "prompt = "*) VIRTUAL_ENV_PROMPT=${_dht_line#"prompt = "} ;;
    esac
done <"$VIRTUAL_ENV/pyvenv.cfg"
unset _dht_line
if [ -z "$VIRTUAL_ENV_PROMPT" ]; then
    VIRTUAL_ENV_PROMPT=${VIRTUAL_ENV##*/}
fi
export VIRTUAL_ENV_PROMPT

if [ -z "${VIRTUAL_ENV_DISABLE_PROMPT-}" ]; then
    _OLD_VIRTUAL_PS1=${PS1-}
    # In a prompt these characters would be read once more.
    case "$VIRTUAL_ENV_PROMPT" in
        *[\\\$\`%!]*) PS1="(.venv) ${PS1-}" ;;
        *) PS1="($VIRTUAL_ENV_PROMPT) ${PS1-}" ;;
    esac
fi

hash -r 2>/dev/null || true

# `dhtl setup --hook` asks for this.
if [ -f "$VIRTUAL_ENV/.dht/on-activation" ] && command -v dhtl >/dev/null 2>&1; then
    dhtl -C "$VIRTUAL_ENV/.." validate-env --quick --quiet ||
        echo 'Warning: Environment drift detected; `dhtl validate-env` tells what' >&2
fi
