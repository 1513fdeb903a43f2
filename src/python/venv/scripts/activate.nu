# Makes this environment the one of the current nu:
#
#     overlay use .venv/bin/activate.nu
#
# and `deactivate` leaves it. The environment is found from the place of this file.

const programs = path self .
const virtual_env = path self ..

export-env {
    let prompt = (
        open --raw ($virtual_env | path join pyvenv.cfg)
        | lines
        | where {|line| $line starts-with "prompt = " }
        | each {|line| $line | str replace "prompt = " "" }
        | append ($virtual_env | path basename)
        | first
    )
    let name = if "Path" in $env { "Path" } else { "PATH" }
    let list = ($env | get $name)
    let list = if ($list | describe) == "string" { $list | split row (char esep) } else { $list }
    load-env {
        $name: ($list | prepend $programs)
        VIRTUAL_ENV: $virtual_env
        VIRTUAL_ENV_PROMPT: $prompt
    }
    hide-env --ignore-errors PYTHONHOME
    if not ("VIRTUAL_ENV_DISABLE_PROMPT" in $env) {
        let below = ($env.PROMPT_COMMAND? | default "")
        $env.PROMPT_COMMAND = {||
            let text = if ($below | describe) == "closure" { do $below } else { $below }
            $"\(($prompt)\) ($text)"
        }
    }
}

export alias deactivate = overlay hide activate --keep-env [PWD]
