//! Where the files of a wheel go: from paths in the archive to paths in the entry's tree, and to
//! the paths that `RECORD` gives once the tree is part of an environment. Pure.
//!
//! The tree of a wheel has four tops, which assembly maps to the layout of an environment:
//! `site-packages` (purelib and platlib), `scripts`, `headers` and `data`.

use dht_store::TreePath;

use super::entry_points;
use super::error::WheelError;
use crate::model::platform::Layout;

/// The layout that paths in `RECORD` are written for.
#[derive(Debug, Clone, Copy)]
pub struct Scheme<'a> {
    /// POSIX or Windows.
    pub layout: Layout,
    /// The folder of the standard library: `python3.11`.
    pub python_lib: &'a str,
    /// The normalised name of the distribution, which names its folder of headers.
    pub distribution: &'a str,
}

/// A file's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The path in the entry's tree.
    pub tree: TreePath,
    /// The path that `RECORD` gives: relative to `site-packages`, with slashes.
    pub record: String,
    /// Whether it is a script, which is always executable.
    pub script: bool,
}

/// The part of an environment that a file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Top {
    SitePackages,
    Scripts,
    Headers,
    Data,
}

impl Scheme<'_> {
    /// Returns the place of `rest` below `top`.
    pub(super) fn place(&self, top: Top, rest: &str) -> Result<Place, WheelError> {
        let (up, bin) = match self.layout {
            Layout::Posix => ("../../..", "bin"),
            Layout::Windows => ("../..", "Scripts"),
        };
        let (folder, record) = match top {
            Top::SitePackages => ("site-packages", rest.to_owned()),
            Top::Scripts => ("scripts", format!("{up}/{bin}/{rest}")),
            Top::Headers => {
                let (lib, name) = (self.python_lib, self.distribution);
                ("headers", format!("{up}/include/site/{lib}/{name}/{rest}"))
            }
            Top::Data => ("data", format!("{up}/{rest}")),
        };
        Ok(Place {
            tree: TreePath::new(&format!("{folder}/{rest}"))?,
            record,
            script: top == Top::Scripts,
        })
    }

    /// Returns the top and the path below it of `path` in the archive. `data_folder` is the name
    /// of the wheel's `.data` folder. `None` for the folders that `.data` consists of.
    pub(super) fn split<'p>(
        &self,
        path: &'p TreePath,
        data_folder: &str,
        is_folder: bool,
    ) -> Result<Option<(Top, &'p str)>, WheelError> {
        let refuse = |reason| WheelError::Placement {
            path: path.clone(),
            reason,
        };
        let (first, below) = path.as_str().split_once('/').unwrap_or((path.as_str(), ""));
        if first != data_folder {
            return Ok(Some((Top::SitePackages, path.as_str())));
        }
        let (key, rest) = below.split_once('/').unwrap_or((below, ""));
        let top = match key {
            "" if is_folder => return Ok(None),
            "purelib" | "platlib" => Top::SitePackages,
            "scripts" => Top::Scripts,
            "headers" => Top::Headers,
            "data" => Top::Data,
            _ => return Err(refuse("the `.data` folder has no such part")),
        };
        if rest.is_empty() {
            return if is_folder {
                Ok(None)
            } else {
                Err(refuse("it should be a folder"))
            };
        }
        match top {
            Top::Scripts if is_folder || rest.contains('/') => {
                return Err(refuse("scripts have no folders"));
            }
            Top::Scripts => entry_points::check_name(rest)?,
            Top::Data => check_data(rest).map_err(refuse)?,
            Top::SitePackages | Top::Headers => {}
        }
        Ok(Some((top, rest)))
    }
}

/// Refuses files that would replace a part of the environment itself.
fn check_data(rest: &str) -> Result<(), &'static str> {
    let folded = rest.to_lowercase();
    let top = folded.split('/').next().unwrap_or_default();
    // What the environment knows of itself, and uv's lock, are not compared with any package.
    if folded == "pyvenv.cfg" || [".dht", ".lock"].contains(&top) {
        return Err("it would replace a file of the environment");
    }
    let script = ["bin/", "scripts/"]
        .iter()
        .find_map(|folder| folded.strip_prefix(folder));
    match script {
        Some(name) if !name.contains('/') && entry_points::check_name(name).is_err() => {
            Err("it would replace a file of the environment")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(layout: Layout, path: &str) -> Result<Option<String>, WheelError> {
        let scheme = Scheme {
            layout,
            python_lib: "python3.11",
            distribution: "foo-bar",
        };
        let path = TreePath::new(path).unwrap();
        let split = scheme.split(&path, "Foo_Bar-1.0.data", false)?;
        split
            .map(|(top, rest)| scheme.place(top, rest).map(|place| place.record))
            .transpose()
    }

    #[test]
    fn record_paths_are_those_of_the_assembled_environment() {
        for (path, posix, windows) in [
            ("foo/a.py", "foo/a.py", "foo/a.py"),
            ("Foo_Bar-1.0.data/purelib/p.py", "p.py", "p.py"),
            (
                "Foo_Bar-1.0.data/scripts/s",
                "../../../bin/s",
                "../../Scripts/s",
            ),
            (
                "Foo_Bar-1.0.data/headers/a/x.h",
                "../../../include/site/python3.11/foo-bar/a/x.h",
                "../../include/site/python3.11/foo-bar/a/x.h",
            ),
            (
                "Foo_Bar-1.0.data/data/share/x",
                "../../../share/x",
                "../../share/x",
            ),
        ] {
            assert_eq!(record(Layout::Posix, path).unwrap().unwrap(), posix);
            assert_eq!(record(Layout::Windows, path).unwrap().unwrap(), windows);
        }
    }

    #[test]
    fn bad_input_26_parts_of_data_that_no_wheel_has() {
        for path in [
            "Foo_Bar-1.0.data/unknown/x",
            "Foo_Bar-1.0.data/x",
            "Foo_Bar-1.0.data/scripts",
            "Foo_Bar-1.0.data/scripts/python3",
            "Foo_Bar-1.0.data/scripts/activate",
            "Foo_Bar-1.0.data/scripts/sub/x",
            "Foo_Bar-1.0.data/data/bin/python",
            "Foo_Bar-1.0.data/data/Scripts/python.exe",
            "Foo_Bar-1.0.data/data/pyvenv.cfg",
            "Foo_Bar-1.0.data/data/.dht/state.json",
            "Foo_Bar-1.0.data/data/.DHT/x",
            "Foo_Bar-1.0.data/data/.lock",
        ] {
            assert!(record(Layout::Posix, path).is_err(), "{path}");
        }
    }
}
