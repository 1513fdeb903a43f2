# Makes this environment the one of the current fish:
#
#     source .venv/bin/activate.fish
#
# and `deactivate` leaves it. The environment is found from the place of this file.

function deactivate -d "Leave the virtual environment"
    if set -q _DHT_PROGRAMS
        # Only the one entry is taken out, so that what was added to PATH since stays.
        if set -l at (contains -i -- $_DHT_PROGRAMS $PATH)
            set -e PATH[$at]
        end
    end
    if set -q _OLD_VIRTUAL_PYTHONHOME
        set -gx PYTHONHOME $_OLD_VIRTUAL_PYTHONHOME
    end
    if functions -q _dht_fish_prompt
        functions -e fish_prompt
        functions -c _dht_fish_prompt fish_prompt
        functions -e _dht_fish_prompt
    end
    set -e VIRTUAL_ENV
    set -e VIRTUAL_ENV_PROMPT
    set -e _DHT_PROGRAMS
    set -e _OLD_VIRTUAL_PYTHONHOME
    if test "$argv[1]" != nondestructive
        functions -e deactivate
    end
end

deactivate nondestructive

set -g _DHT_PROGRAMS (builtin realpath (status dirname))
set -gx VIRTUAL_ENV (dirname $_DHT_PROGRAMS)
set -gx PATH $_DHT_PROGRAMS $PATH

if set -q PYTHONHOME
    set -g _OLD_VIRTUAL_PYTHONHOME $PYTHONHOME
    set -e PYTHONHOME
end

set -gx VIRTUAL_ENV_PROMPT (string replace -rf '^prompt = (.+)$' '$1' <$VIRTUAL_ENV/pyvenv.cfg)
if test -z "$VIRTUAL_ENV_PROMPT"
    set -gx VIRTUAL_ENV_PROMPT (basename $VIRTUAL_ENV)
end

if test -z "$VIRTUAL_ENV_DISABLE_PROMPT"
    # `fish_prompt` is loaded when it is first asked for.
    functions -q fish_prompt
    functions -c fish_prompt _dht_fish_prompt
    function fish_prompt
        set -l last $status
        printf '(%s) ' $VIRTUAL_ENV_PROMPT
        # The prompt below may show the status of the last command.
        echo "exit $last" | source
        _dht_fish_prompt
    end
end

# `dhtl setup --hook` asks for this.
if test -f $VIRTUAL_ENV/.dht/on-activation; and command -sq dhtl
    dhtl -C $VIRTUAL_ENV/.. validate-env --quick --quiet
    or echo 'Warning: Environment drift detected; `dhtl validate-env` tells what' >&2
end
