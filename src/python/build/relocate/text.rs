//! The text files of a build that name its prefix, and how each says it relatively.

use dht_store::TreePath;

use super::relative;

/// Stands for the prefix in `_sysconfigdata`, until it is imported.
const TOKEN: &str = "@dhtl:prefix@";
/// The prefix of python-build-standalone, whose compilers are on no other machine.
const STANDALONE_PREFIX: &str = "/install";

/// How one kind of text file is rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewrite {
    /// `_sysconfigdata*.py`: filled in when it is imported.
    Sysconfig,
    /// `_sysconfig_vars*.json`: data that nothing reads at run time.
    SysconfigJson,
    /// `build-details.json` (PEP 739): relative to the folder of the file.
    BuildDetails,
    /// `config-*/Makefile`: relative to the file that `make` reads.
    Makefile,
    /// `*.pc`: relative to the file that `pkg-config` reads.
    PkgConfig,
    /// `python3.x-config`: relative to the script.
    ConfigScript,
    /// A Python script whose first line names the interpreter of the build.
    Script,
}

/// Returns how the file is to be rewritten; `None` when it stays as it is.
pub fn rewrite_of(path: &TreePath, content: &[u8], prefix: &str) -> Option<Rewrite> {
    let name = path.file_name();
    let folder = path.parent().unwrap_or("");
    if name.starts_with("_sysconfigdata") && name.ends_with(".py") {
        return Some(Rewrite::Sysconfig);
    }
    if name.starts_with("_sysconfig_vars") && name.ends_with(".json") {
        return Some(Rewrite::SysconfigJson);
    }
    if name == "build-details.json" {
        return Some(Rewrite::BuildDetails);
    }
    if name == "Makefile" && folder.contains("/config") {
        return Some(Rewrite::Makefile);
    }
    if name.ends_with(".pc") && folder.ends_with("pkgconfig") {
        return Some(Rewrite::PkgConfig);
    }
    let shebang = content.strip_prefix(b"#!")?;
    if shebang.starts_with(prefix.as_bytes())
        && shebang[prefix.len()..].starts_with(b"/bin/")
        && shebang[prefix.len() + 5..].starts_with(b"py")
    {
        return Some(Rewrite::Script);
    }
    (folder == "bin" && name.ends_with("-config")).then_some(Rewrite::ConfigScript)
}

impl Rewrite {
    /// Returns the text as it is when the build may stand anywhere.
    pub fn apply(self, path: &TreePath, text: &str, prefix: &str) -> String {
        let folder = path.parent().unwrap_or("");
        match self {
            Self::Sysconfig => sysconfig(text, prefix),
            Self::SysconfigJson => replace(text, prefix, TOKEN),
            Self::BuildDetails => text
                .replace(
                    &format!("\"{prefix}\""),
                    &format!("\"{}\"", relative(folder, "")),
                )
                .replace(&format!("\"{prefix}/"), "\""),
            Self::Makefile => {
                let here = "$(abspath $(dir $(lastword $(MAKEFILE_LIST))))";
                define(
                    text,
                    prefix,
                    &format!("{here}/{}", relative(folder, "")),
                    "$(prefix)",
                )
            }
            Self::PkgConfig => define(
                text,
                prefix,
                &format!("${{pcfiledir}}/{}", relative(folder, "")),
                "${prefix}",
            ),
            Self::ConfigScript => replace(text, prefix, "${prefix_real}").replace(
                "prefix_real=$(installed_prefix \"$0\")",
                // The original splits paths at spaces.
                "prefix_real=$(cd -P -- \"$(dirname -- \"$0\")/..\" && pwd -P)",
            ),
            Self::Script => script(text, prefix, folder),
        }
    }
}

/// Fills the prefix in when the module is imported: `sys.base_prefix` is the place of the build,
/// seen from the build itself and from every virtual environment on it.
fn sysconfig(text: &str, prefix: &str) -> String {
    let mut text = replace(text, prefix, TOKEN);
    if !text.contains(TOKEN) && prefix != STANDALONE_PREFIX {
        return text;
    }
    text.push_str(concat!(
        "\n\n",
        "def _place(values, token):\n",
        "    import sys\n",
        "\n",
        "    place = sys.base_prefix\n",
        "    safe = \"@%+=:,./-_\"\n",
        "    word = \"\".join(c if c.isalnum() or c in safe else \"\\\\\" + c for c in place)\n",
        "    quoted = place.replace(\"'\", \"'\\\\''\")\n",
        "    for name, value in values.items():\n",
        "        if isinstance(value, str) and token in value:\n",
        // Else what is built with this Python would name the place of this Python.
        "            for flag in (\"-Wl,-rpath,\" + token + \"/lib \", \"-Wl,-rpath,\" + token + \"/lib\"):\n",
        "                value = value.replace(flag, \"\")\n",
        "            if value.startswith(token) and not value.split()[1:]:\n",
        "                values[name] = value.replace(token, place)\n",
        "                continue\n",
        // A text of options, which is split as a shell does.
        "            first, *rest = value.split(token)\n",
        "            value, quotes = first, first.count(\"'\")\n",
        "            for part in rest:\n",
        "                value += (quoted if quotes % 2 else word) + part\n",
        "                quotes += part.count(\"'\")\n",
        "            values[name] = value\n",
        "\n\n",
    ));
    text.push_str(&format!("_place(build_time_vars, \"{TOKEN}\")\n"));
    if prefix == STANDALONE_PREFIX {
        text.push_str(concat!(
            "\n\n",
            "def _use_common_tools(values):\n",
            "    tools = {\"clang\": \"cc\", \"clang++\": \"c++\", \"llvm-ar\": \"ar\", \"gcc\": \"cc\", \"g++\": \"c++\"}\n",
            "    for name in (\"CC\", \"CXX\", \"LINKCC\", \"LDSHARED\", \"LDCXXSHARED\", \"BLDSHARED\", \"AR\"):\n",
            "        first, space, rest = str(values.get(name, \"\")).partition(\" \")\n",
            "        tool = first.rsplit(\"/\", 1)[-1]\n",
            "        for triple in (\"linux-gnu-\", \"linux-gnueabihf-\", \"linux-gnueabi-\", \"linux-musl-\"):\n",
            "            tool = tool.rsplit(triple, 1)[-1]\n",
            "        if tool in tools:\n",
            "            values[name] = tools[tool] + space + rest\n",
            "\n\n",
            "_use_common_tools(build_time_vars)\n",
        ));
    }
    text
}

/// Gives the line that defines `prefix` the value `place`, and lets every other line refer to it.
fn define(text: &str, prefix: &str, place: &str, reference: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| {
            let value = line.strip_prefix("prefix=").map(str::trim);
            if value == Some(prefix) {
                format!("prefix={place}\n")
            } else {
                replace(line, prefix, reference)
            }
        })
        .collect()
}

/// Makes a Python script start itself with the interpreter of the build, found from its own place.
///
/// To `sh` the second line is a command that never returns; to Python the second and third lines
/// are one string.
fn script(text: &str, prefix: &str, folder: &str) -> String {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let command = first["#!".len() + prefix.len() + "/bin/".len()..].trim();
    let (interpreter, options) = command.split_once(' ').unwrap_or((command, ""));
    let place = match relative(folder, "bin").as_str() {
        "." => String::new(),
        way => format!("/{way}"),
    };
    let options = match options.trim() {
        "" => String::new(),
        options => format!(" {options}"),
    };
    format!(
        "#!/bin/sh\n\"\"\"exec\" \"$(dirname -- \"$(readlink -f -- \"$0\")\"){place}/{interpreter}\"{options} \"$0\" \"$@\"\n\"\"\"\n{rest}"
    )
}

/// Replaces `prefix` where it is a whole path or the beginning of one, bare or after an option
/// (`-L/prefix/lib`), and nowhere inside of other paths (`/usr/bin/install`).
fn replace(text: &str, prefix: &str, by: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(prefix) {
        let (before, found) = rest.split_at(at);
        let after = &found[prefix.len()..];
        result.push_str(before);
        let starts = starts_path(&result);
        let ends = after
            .chars()
            .next()
            .is_none_or(|next| !next.is_alphanumeric() && !matches!(next, '_' | '-' | '.' | '+'));
        result.push_str(if starts && ends { by } else { prefix });
        rest = after;
    }
    result.push_str(rest);
    result
}

/// Whether a path that follows `before` is absolute there.
fn starts_path(before: &str) -> bool {
    let is_edge = |c: char| {
        c.is_whitespace() || matches!(c, '\'' | '"' | '=' | ',' | ':' | ';' | '(' | '`' | '#')
    };
    let word = before
        .rfind(is_edge)
        .map_or(before, |at| &before[at..])
        .trim_start_matches(is_edge);
    // `.` stands before the whole path in `WASM_ASSETS_DIR`.
    word.is_empty() || word == "." || (word.starts_with('-') && !word.contains('/'))
}

/// Returns the prefix that a `_sysconfigdata*.py` names.
pub fn build_prefix(sysconfigdata: &str) -> Option<&str> {
    let (_, value) = sysconfigdata.split_once("'prefix': '")?;
    let (prefix, _) = value.split_once('\'')?;
    (!prefix.contains('\\')).then_some(prefix)
}

/// Returns the exact version that `patchlevel.h` names, without the `+` of a development state.
pub fn patch_level(header: &str) -> Option<&str> {
    let line = header
        .lines()
        .find_map(|line| line.trim().strip_prefix("#define PY_VERSION"))?;
    let (_, value) = line.split_once('"')?;
    let (version, _) = value.split_once('"')?;
    Some(version.trim_end_matches('+'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(path: &str, text: &str, prefix: &str) -> String {
        let path = TreePath::new(path).unwrap();
        rewrite_of(&path, text.as_bytes(), prefix)
            .unwrap()
            .apply(&path, text, prefix)
    }

    #[test]
    fn replaces_whole_paths_only() {
        let replaced = |text| replace(text, "/install", "@");
        assert_eq!(replaced("-L/install/lib"), "-L@/lib");
        assert_eq!(replaced("'/install'"), "'@'");
        assert_eq!(
            replaced("-Wl,-rpath,/install/lib --prefix=/install"),
            "-Wl,-rpath,@/lib --prefix=@"
        );
        for text in [
            "/usr/bin/install -c",
            "/installer",
            "./install-sh",
            "/install.d",
        ] {
            assert_eq!(replaced(text), text);
        }
    }

    #[test]
    fn fills_sysconfig_in_when_it_is_imported() {
        let text = "build_time_vars = {'LIBDIR': '/p/q/lib',\n 'prefix': '/p/q'}\n";
        assert_eq!(build_prefix(text), Some("/p/q"));
        let placed = apply("lib/python3.11/_sysconfigdata__linux_.py", text, "/p/q");
        assert!(!placed.contains("/p/q"), "{placed}");
        assert!(placed.contains("sys.base_prefix"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn options_are_split_right_wherever_the_build_stands() {
        let Some(build) = crate::python::disk_sink::pyenv_build("3.11.7") else {
            return;
        };
        let text = "build_time_vars = {'LIBDIR': '/p/q/lib', 'L': '-L/p/q/lib -I/p/q/include ',\n\
            'D': '/p/q/a /p/q/b', 'C': \"'--prefix=/p/q' '--x' '--y=/p/q'\"}\n";
        let placed = apply("lib/python3.11/_sysconfigdata__linux_.py", text, "/p/q");
        let program = format!(
            "import sys\nsys.base_prefix = \"/my home/it's\"\n{placed}\nimport shlex\n\
            v = build_time_vars\nprint(v['LIBDIR'], *(shlex.split(v[k]) for k in 'LDC'))\n"
        );
        let output = crate::tools::runner::Call::new(&build.join("bin/python3"))
            .args(["-I", "-S", "-B", "-c", &program])
            .run(&crate::tools::runner::Cancel::default())
            .unwrap();
        assert_eq!(
            String::from_utf8(output.stdout).unwrap().trim_end(),
            "/my home/it's/lib [\"-L/my home/it's/lib\", \"-I/my home/it's/include\"] \
             [\"/my home/it's/a\", \"/my home/it's/b\"] \
             [\"--prefix=/my home/it's\", '--x', \"--y=/my home/it's\"]"
        );
    }

    #[test]
    fn lets_tools_find_the_build_from_the_file_they_read() {
        let makefile = apply(
            "lib/python3.11/config-3.11-x86_64-linux-gnu/Makefile",
            "prefix=\t\t/p/q\nLIBDIR=\t/p/q/lib\n",
            "/p/q",
        );
        assert_eq!(
            makefile,
            "prefix=$(abspath $(dir $(lastword $(MAKEFILE_LIST))))/../../..\nLIBDIR=\t$(prefix)/lib\n"
        );
        let pc = apply(
            "lib/pkgconfig/python-3.11.pc",
            "prefix=/p/q\nlibdir=/p/q/lib\n",
            "/p/q",
        );
        assert_eq!(pc, "prefix=${pcfiledir}/../..\nlibdir=${prefix}/lib\n");
        let details = apply(
            "lib/python3.14/build-details.json",
            r#"{"base_prefix": "/p/q", "base_interpreter": "/p/q/bin/python3.14"}"#,
            "/p/q",
        );
        assert_eq!(
            details,
            r#"{"base_prefix": "../..", "base_interpreter": "bin/python3.14"}"#
        );
    }

    #[test]
    fn starts_scripts_with_the_interpreter_beside_them() {
        let text = apply(
            "bin/pydoc3.11",
            "#!/p/q/bin/python3.11\nimport pydoc\n",
            "/p/q",
        );
        assert!(text.starts_with("#!/bin/sh\n\"\"\"exec\" "), "{text}");
        assert!(text.contains("/python3.11\" \"$0\" \"$@\"\n\"\"\"\nimport pydoc\n"));
        let deep = apply(
            "lib/python3.11/config-3.11/python-config.py",
            "#!/p/q/bin/python3.11\n",
            "/p/q",
        );
        assert!(deep.contains(")/../../../bin/python3.11\""), "{deep}");
    }

    #[test]
    fn reads_the_version() {
        let header = "#define PY_MAJOR_VERSION 3\n#define PY_VERSION      \t\"3.11.7+\"\n";
        assert_eq!(patch_level(header), Some("3.11.7"));
    }
}
