//! Scripts that start Python: the files that entry points ask for, and rewritten `#!python` lines.
//!
//! Law: a launcher names no folder. It finds `python` beside itself when it runs, so that its
//! bytes are the same on every machine and its environment may be moved. On POSIX it is one file
//! that both `sh` and Python can read: for `sh`, a command up to `exec`; for Python, a string.

use super::entry_points::EntryPoint;

/// Follows symbolic links to the launcher, then starts the `python` that stands beside it.
///
/// `readlink` is asked only where there is a link. There is no backslash and no three single
/// quotes in a row inside, since Python reads it as a string.
const TRAMPOLINE: &str = r#"'''':
self=$0
case $self in */*) ;; *) self=./$self ;; esac
while [ -L "$self" ]; do
    link=$(readlink -- "$self")
    case $link in
    /*) self=$link ;;
    *) self=${self%/*}/$link ;;
    esac
done
exec "${self%/*}/python" "$0" "$@"
'''"#;

/// Lets a program call itself `foo`, not `foo.exe`, in its messages.
const HIDE_EXE: &str =
    "    if sys.argv[0].endswith(\".exe\"):\n        sys.argv[0] = sys.argv[0][:-4]\n";

/// The programs that `distlib` ships to start a script on Windows.
#[derive(Debug, Clone, Copy)]
pub struct WindowsLauncher<'a> {
    /// Starts `python.exe` in the console: `t64.exe`.
    pub console: &'a [u8],
    /// Starts `pythonw.exe` without a console: `w64.exe`.
    pub gui: &'a [u8],
}

fn call(script: &EntryPoint, prepare: &str) -> String {
    let EntryPoint { module, object, .. } = script;
    let name = object.split('.').next().unwrap_or(object);
    format!(
        "import sys\nfrom {module} import {name}\n\n\
         if __name__ == \"__main__\":\n{prepare}    sys.exit({object}())\n"
    )
}

/// Returns the launcher of an entry point for POSIX.
pub fn posix(script: &EntryPoint) -> Vec<u8> {
    format!("#!/bin/sh\n{TRAMPOLINE}\n{}", call(script, "")).into_bytes()
}

/// Returns the launcher of an entry point for Windows: a program, the line that says where Python
/// is, and a zip archive with `__main__.py`.
pub fn windows(script: &EntryPoint, launcher: &WindowsLauncher<'_>) -> Vec<u8> {
    let (program, python) = if script.gui {
        (launcher.gui, "pythonw.exe")
    } else {
        (launcher.console, "python.exe")
    };
    let mut bytes = program.to_vec();
    bytes.extend_from_slice(format!("#!<launcher_dir>\\{python}\r\n").as_bytes());
    bytes.extend(zip_of_main(call(script, HIDE_EXE).as_bytes()));
    bytes
}

/// Packs `content` as `__main__.py`, stored, dated 1980-01-01.
fn zip_of_main(content: &[u8]) -> Vec<u8> {
    const NAME: &[u8] = b"__main__.py";
    const MIDNIGHT_1980_01_01: u32 = 0x0021_0000;
    let size = u32::try_from(content.len()).expect("because a launcher has a few lines");
    let name_length = NAME.len() as u16;
    // Version needed, flags, method, time and date, checksum, sizes, lengths of name and extra.
    let mut common = Vec::new();
    for field in [20_u16, 0, 0] {
        common.extend(field.to_le_bytes());
    }
    for field in [MIDNIGHT_1980_01_01, libdeflater::crc32(content), size, size] {
        common.extend(field.to_le_bytes());
    }
    for field in [name_length, 0] {
        common.extend(field.to_le_bytes());
    }

    let mut zip = b"PK\x03\x04".to_vec();
    zip.extend(&common);
    zip.extend(NAME);
    zip.extend(content);
    let directory = zip.len() as u32;
    zip.extend(b"PK\x01\x02\x14\x00");
    zip.extend(&common);
    // Comment length, disk, internal and external attributes, offset of the local header.
    zip.extend([0; 14]);
    zip.extend(NAME);
    let directory_size = zip.len() as u32 - directory;
    zip.extend(b"PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00");
    zip.extend(directory_size.to_le_bytes());
    zip.extend(directory.to_le_bytes());
    zip.extend([0; 2]);
    zip
}

/// Whether a file of `.data/scripts` starts with the placeholder that installers replace.
pub fn is_placeholder(script: &[u8]) -> bool {
    script.starts_with(b"#!python")
}

/// Replaces the placeholder line of a script for POSIX.
///
/// Comments at the head of the script stay at its head, since one of them may declare the
/// encoding. Where a documentation string follows, it is joined to the trampoline's, so that a
/// `from __future__` below it stays where Python allows it.
pub fn rewrite_posix(script: &[u8]) -> Vec<u8> {
    let rest = after_first_line(script);
    let head = head_length(rest);
    let (head, body) = rest.split_at(head);
    let mut bytes = b"#!/bin/sh\n".to_vec();
    bytes.extend_from_slice(head);
    if !head.is_empty() && !head.ends_with(b"\n") {
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(TRAMPOLINE.as_bytes());
    if starts_with_string(body) {
        bytes.extend_from_slice(b" \\");
    }
    bytes.push(b'\n');
    bytes.extend_from_slice(body);
    bytes
}

/// Replaces the placeholder line of a script for Windows, where the `py` launcher reads it and
/// takes this form for the Python of the active environment.
pub fn rewrite_windows(script: &[u8]) -> Vec<u8> {
    let python = if script.starts_with(b"#!pythonw") {
        "pythonw"
    } else {
        "python"
    };
    let mut bytes = format!("#!/usr/bin/env {python}\n").into_bytes();
    bytes.extend_from_slice(after_first_line(script));
    bytes
}

fn after_first_line(script: &[u8]) -> &[u8] {
    match script.iter().position(|&byte| byte == b'\n') {
        Some(end) => &script[end + 1..],
        None => &[],
    }
}

/// Returns the length of the blank lines and comments that `script` starts with.
fn head_length(script: &[u8]) -> usize {
    script
        .split_inclusive(|&byte| byte == b'\n')
        .take_while(|line| {
            let line = line.trim_ascii();
            line.is_empty() || line.starts_with(b"#")
        })
        .map(<[u8]>::len)
        .sum()
}

/// Whether the first token is a string that Python takes for documentation.
fn starts_with_string(body: &[u8]) -> bool {
    let body = match body {
        [b'r' | b'R' | b'u' | b'U', rest @ ..] => rest,
        _ => body,
    };
    matches!(body.first(), Some(b'"' | b'\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script() -> EntryPoint {
        EntryPoint {
            module: "foo.cli".to_owned(),
            object: "App.run".to_owned(),
            gui: false,
        }
    }

    #[test]
    fn a_launcher_imports_the_first_name_and_calls_the_whole() {
        let text = String::from_utf8(posix(&script())).unwrap();
        assert!(text.contains("from foo.cli import App\n"));
        assert!(text.contains("sys.exit(App.run())"));
    }

    #[test]
    fn the_trampoline_is_one_python_string() {
        let inside = TRAMPOLINE
            .strip_prefix("'''")
            .unwrap()
            .strip_suffix("'''")
            .unwrap();
        assert!(!inside.contains("'''"));
        assert!(!inside.contains('\\'));
    }

    #[test]
    fn comments_stay_above_and_documentation_is_joined() {
        let text = rewrite_posix(b"#!python -x\n# coding: latin-1\n\n'''doc'''\nimport x\n");
        let text = String::from_utf8(text).unwrap();
        assert!(text.starts_with("#!/bin/sh\n# coding: latin-1\n\n'''':\n"));
        assert!(text.ends_with("''' \\\n'''doc'''\nimport x\n"));
        let text = String::from_utf8(rewrite_posix(b"#!pythonw")).unwrap();
        assert!(text.ends_with("\"$@\"\n'''\n"));
    }

    #[test]
    fn a_windows_launcher_ends_in_a_zip_archive() {
        let launcher = WindowsLauncher {
            console: b"MZ-console",
            gui: b"MZ-gui",
        };
        let bytes = windows(&script(), &launcher);
        let line = b"#!<launcher_dir>\\python.exe\r\n";
        let rest = bytes
            .strip_prefix(b"MZ-console")
            .unwrap()
            .strip_prefix(line)
            .unwrap();
        let archive = crate::python::wheel::Archive::read(rest).unwrap();
        assert_eq!(archive.files().next().unwrap().0.as_str(), "__main__.py");
    }
}
