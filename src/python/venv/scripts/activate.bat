@rem Makes this environment the one of the current cmd; `deactivate` leaves it.
@rem The environment is found from the place of this file.

@if defined VIRTUAL_ENV if exist "%VIRTUAL_ENV%\Scripts\deactivate.bat" call "%VIRTUAL_ENV%\Scripts\deactivate.bat"

@for %%i in ("%~dp0..") do @set "VIRTUAL_ENV=%%~fi"
@set "_OLD_VIRTUAL_PATH=%PATH%"
@set "PATH=%VIRTUAL_ENV%\Scripts;%PATH%"

@if defined PYTHONHOME set "_OLD_VIRTUAL_PYTHONHOME=%PYTHONHOME%"
@set PYTHONHOME=

@for %%i in ("%VIRTUAL_ENV%") do @set "VIRTUAL_ENV_PROMPT=%%~nxi"
@for /f "usebackq tokens=1,* delims== " %%i in ("%VIRTUAL_ENV%\pyvenv.cfg") do @if "%%i"=="prompt" if not "%%j"=="" set "VIRTUAL_ENV_PROMPT=%%j"

@if not defined PROMPT set "PROMPT=$P$G"
@if not defined VIRTUAL_ENV_DISABLE_PROMPT set "_OLD_VIRTUAL_PROMPT=%PROMPT%"
@if not defined VIRTUAL_ENV_DISABLE_PROMPT set "PROMPT=(%VIRTUAL_ENV_PROMPT%) %PROMPT%"

@rem `dhtl setup --hook` asks for this.
@if exist "%VIRTUAL_ENV%\.dht\on-activation" for %%i in (dhtl.exe) do @if not "%%~$PATH:i"=="" dhtl -C "%VIRTUAL_ENV%\.." validate-env --quick --quiet || echo Warning: Environment drift detected; dhtl validate-env tells what
