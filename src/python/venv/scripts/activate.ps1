# Makes this environment the one of the current PowerShell:
#
#     . .venv\Scripts\activate.ps1
#
# and `deactivate` leaves it. The environment is found from the place of this file.

function global:deactivate([switch] $NonDestructive) {
    if (Test-Path variable:global:_DhtPrograms) {
        # Only the one entry is taken out, so that what was added to PATH since stays.
        $separator = [System.IO.Path]::PathSeparator
        $entries = [System.Collections.Generic.List[string]] ($env:PATH -split $separator)
        [void] $entries.Remove($global:_DhtPrograms)
        $env:PATH = $entries -join $separator
        Remove-Variable -Name _DhtPrograms -Scope Global
    }
    if (Test-Path variable:global:_DhtPythonHome) {
        $env:PYTHONHOME = $global:_DhtPythonHome
        Remove-Variable -Name _DhtPythonHome -Scope Global
    }
    if (Test-Path function:global:_DhtPrompt) {
        Set-Item -Path function:global:prompt -Value (Get-Item function:global:_DhtPrompt).ScriptBlock
        Remove-Item -Path function:global:_DhtPrompt
    }
    foreach ($name in 'VIRTUAL_ENV', 'VIRTUAL_ENV_PROMPT') {
        if (Test-Path "env:$name") {
            Remove-Item "env:$name"
        }
    }
    if (-not $NonDestructive) {
        Remove-Item function:global:deactivate
    }
}

deactivate -NonDestructive

$global:_DhtPrograms = $PSScriptRoot
$env:VIRTUAL_ENV = Split-Path -Parent -Path $PSScriptRoot
$env:PATH = $PSScriptRoot + [System.IO.Path]::PathSeparator + $env:PATH

if (Test-Path env:PYTHONHOME) {
    $global:_DhtPythonHome = $env:PYTHONHOME
    Remove-Item env:PYTHONHOME
}

$env:VIRTUAL_ENV_PROMPT = Split-Path -Leaf -Path $env:VIRTUAL_ENV
foreach ($line in Get-Content -LiteralPath (Join-Path $env:VIRTUAL_ENV 'pyvenv.cfg') -Encoding UTF8) {
    if ($line.StartsWith('prompt = ') -and $line.Length -gt 9) {
        $env:VIRTUAL_ENV_PROMPT = $line.Substring(9)
    }
}

if (-not $env:VIRTUAL_ENV_DISABLE_PROMPT) {
    Set-Item -Path function:global:_DhtPrompt -Value (Get-Item function:prompt).ScriptBlock
    function global:prompt {
        Write-Host -NoNewline -ForegroundColor Green "($env:VIRTUAL_ENV_PROMPT) "
        _DhtPrompt
    }
}

# `dhtl setup --hook` asks for this.
if ((Test-Path -LiteralPath (Join-Path $env:VIRTUAL_ENV '.dht/on-activation')) -and (Get-Command dhtl -ErrorAction SilentlyContinue)) {
    & dhtl -C (Split-Path -Parent -Path $env:VIRTUAL_ENV) validate-env --quick --quiet
    if ($LASTEXITCODE -ne 0) {
        Write-Warning 'Environment drift detected; "dhtl validate-env" tells what'
    }
}
