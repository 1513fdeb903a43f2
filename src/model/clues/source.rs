//! Projects without `pyproject.toml`: what `setup.cfg` and `setup.py` say. Neither is run here.

use std::str::FromStr;

use uv_normalize::PackageName;
use uv_pep440::VersionSpecifiers;

/// What a `setup.cfg` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetupCfg {
    /// `[metadata] name`.
    pub name: Option<PackageName>,
    /// `[options] python_requires`.
    pub requires_python: Option<VersionSpecifiers>,
    /// `[options] install_requires`, a requirement each.
    pub requires: Vec<String>,
}

/// Reads a `setup.cfg`, as setuptools' declarative configuration writes it.
pub fn setup_cfg(text: &str) -> SetupCfg {
    let mut found = SetupCfg::default();
    let mut section = "";
    let mut key = String::new();
    for line in text.lines() {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = bare.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            section = name;
            key.clear();
            continue;
        }
        let value = if line.starts_with([' ', '\t']) {
            bare
        } else {
            let (name, value) = bare.split_once(['=', ':']).unwrap_or((bare, ""));
            key = name.trim().replace('-', "_");
            value.trim()
        };
        if value.is_empty() {
            continue;
        }
        match (section, key.as_str()) {
            ("metadata", "name") => found.name = PackageName::from_str(value).ok(),
            ("options", "python_requires") => {
                found.requires_python = VersionSpecifiers::from_str(value).ok();
            }
            ("options", "install_requires") => {
                let several = value.split(';').map(str::trim);
                match value.contains(" ; ") || value.contains("; ") {
                    // A marker; else `;` separates, as setuptools allows.
                    true => found.requires.push(value.to_owned()),
                    false => found.requires.extend(several.map(str::to_owned)),
                }
            }
            _ => {}
        }
    }
    found
}

/// Returns the name that a `setup.py` gives as a plain text: `name="demo"`.
pub fn setup_py_name(text: &str) -> Option<PackageName> {
    let mut rest = text;
    while let Some(at) = rest.find("name") {
        let before = rest[..at].chars().next_back();
        let after = rest[at + 4..].trim_start();
        rest = &rest[at + 4..];
        let is_key = before.is_none_or(|it| it.is_whitespace() || it == '(' || it == ',');
        let Some(value) = after.strip_prefix('=').filter(|_| is_key) else {
            continue;
        };
        let value = value.trim_start();
        let Some(quote) = value.chars().next().filter(|it| ['"', '\''].contains(it)) else {
            continue;
        };
        if let Some((name, _)) = value[1..].split_once(quote)
            && let Ok(name) = PackageName::from_str(name)
        {
            return Some(name);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_declarative_project() {
        let found = setup_cfg(
            "[metadata]\nname = Demo_Cfg\nversion = attr: demo.v\n\n[options]\npackages = find:\npython_requires = >=3.9\ninstall_requires =\n    # the web\n    requests>=2,<3\n    tomli; python_version < \"3.11\"\n[options.extras_require]\ndev =\n    pytest\n",
        );
        assert_eq!(found.name.unwrap().to_string(), "demo-cfg");
        assert_eq!(found.requires_python.unwrap().to_string(), ">=3.9");
        assert_eq!(
            found.requires,
            ["requests>=2,<3", "tomli; python_version < \"3.11\""]
        );
    }

    #[test]
    fn tells_a_name_that_is_written_out() {
        let name = |text: &str| setup_py_name(text).map(|name| name.to_string());
        assert_eq!(
            name("setup(\n    name = 'My.Demo',\n    x=1)").as_deref(),
            Some("my-demo")
        );
        assert_eq!(name("filename='x'\nsetup(name=NAME)\n"), None);
    }
}
