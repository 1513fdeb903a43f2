# Makes this environment the one of the current csh or tcsh:
#
#     source .venv/bin/activate.csh
#
# and `deactivate` leaves it. The environment is found from the place of this file.

set _dht_line = ( $_:q )

alias deactivate 'test $?_OLD_VIRTUAL_PATH = 1 && setenv PATH "$_OLD_VIRTUAL_PATH:q" && unset _OLD_VIRTUAL_PATH; test $?_OLD_VIRTUAL_PYTHONHOME = 1 && setenv PYTHONHOME "$_OLD_VIRTUAL_PYTHONHOME:q" && unset _OLD_VIRTUAL_PYTHONHOME; test $?_OLD_VIRTUAL_PROMPT = 1 && set prompt = "$_OLD_VIRTUAL_PROMPT:q" && unset _OLD_VIRTUAL_PROMPT; unsetenv VIRTUAL_ENV; unsetenv VIRTUAL_ENV_PROMPT; rehash; test "\!:*" = nondestructive || unalias deactivate'

deactivate nondestructive

# The shell has the file open that it reads; elsewhere than on Linux the line that was typed says it.
set _dht_programs = ""
if ( -d /proc/$$/fd ) then
    set _dht_programs = "`ls -l /proc/$$/fd | sed -n 's|^.* -> \(/.*\)/activate\.csh"\$"|\1|p' | tail -n 1`"
endif
if ( "$_dht_programs:q" == "" && $#_dht_line >= 2 ) then
    setenv _DHT_SCRIPT "$_dht_line[2]:q"
    setenv _DHT_COMMAND 'cd "$(dirname "$_DHT_SCRIPT")" && pwd'
    set _dht_programs = "`printenv _DHT_COMMAND | sh`"
    unsetenv _DHT_SCRIPT
    unsetenv _DHT_COMMAND
endif
unset _dht_line
if ( ! -f "$_dht_programs:q/activate.csh" ) then
    echo "activate.csh: this shell does not say where the script stands"
    unset _dht_programs
    exit 1
endif

set _OLD_VIRTUAL_PATH = "$PATH:q"
setenv VIRTUAL_ENV "$_dht_programs:h:q"
setenv PATH "$_dht_programs:q":"$PATH:q"

if ( $?PYTHONHOME ) then
    set _OLD_VIRTUAL_PYTHONHOME = "$PYTHONHOME:q"
    unsetenv PYTHONHOME
endif

# Through the environment, because no quoting of a path survives inside of backquotes.
setenv _DHT_COMMAND 'sed -n "s/^prompt = //p" "$VIRTUAL_ENV/pyvenv.cfg"'
setenv VIRTUAL_ENV_PROMPT "`printenv _DHT_COMMAND | sh`"
unsetenv _DHT_COMMAND
if ( "$VIRTUAL_ENV_PROMPT:q" == "" ) setenv VIRTUAL_ENV_PROMPT "$VIRTUAL_ENV:t:q"
if ( $?prompt && ! $?VIRTUAL_ENV_DISABLE_PROMPT ) then
    set _OLD_VIRTUAL_PROMPT = "$prompt:q"
    set prompt = "($VIRTUAL_ENV_PROMPT:q) $prompt:q"
endif
unset _dht_programs

rehash

# `dhtl setup --hook` asks for this.
if ( -f "$VIRTUAL_ENV:q/.dht/on-activation" ) then
    which dhtl >& /dev/null
    if ( $status == 0 ) then
        dhtl -C "$VIRTUAL_ENV:q/.." validate-env --quick --quiet
        if ( $status != 0 ) echo 'Warning: Environment drift detected; dhtl validate-env tells what'
    endif
endif
