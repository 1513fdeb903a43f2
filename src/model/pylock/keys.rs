//! The keys that lock-version 1.0 knows.
//!
//! The specification asks that a reader which knows the major version but not the minor one goes
//! on; so unknown keys are refused in 1.0 and passed over in 1.1 and later.

use toml::de::{DeTable, DeValue};

struct Shape {
    keys: &'static [&'static str],
    tables: &'static [(&'static str, &'static Shape)],
}

const FREE: Shape = Shape {
    keys: &[],
    tables: &[],
};
const VCS: Shape = Shape {
    keys: &[
        "type",
        "url",
        "path",
        "requested-revision",
        "commit-id",
        "subdirectory",
    ],
    tables: &[],
};
const DIRECTORY: Shape = Shape {
    keys: &["path", "editable", "subdirectory"],
    tables: &[],
};
const ARCHIVE: Shape = Shape {
    keys: &[
        "url",
        "path",
        "size",
        "upload-time",
        "hashes",
        "subdirectory",
    ],
    tables: &[],
};
const FILE: Shape = Shape {
    keys: &["name", "upload-time", "url", "path", "size", "hashes"],
    tables: &[],
};
const PACKAGE: Shape = Shape {
    keys: &[
        "name",
        "version",
        "marker",
        "requires-python",
        "dependencies",
        "index",
        "attestation-identities",
        "tool",
        "vcs",
        "directory",
        "archive",
        "sdist",
        "wheels",
    ],
    tables: &[
        ("vcs", &VCS),
        ("directory", &DIRECTORY),
        ("archive", &ARCHIVE),
        ("sdist", &FILE),
        ("wheels", &FILE),
    ],
};
const LOCK: Shape = Shape {
    keys: &[
        "lock-version",
        "environments",
        "requires-python",
        "extras",
        "dependency-groups",
        "default-groups",
        "created-by",
        "packages",
        "tool",
    ],
    tables: &[("packages", &PACKAGE)],
};

/// Finds the first key that lock-version 1.0 does not know: its path and its byte offset.
pub(super) fn first_unknown(lock: &DeTable<'_>) -> Option<(String, usize)> {
    unknown_in_table(lock, &LOCK, "")
}

fn unknown_in_table(table: &DeTable<'_>, shape: &Shape, path: &str) -> Option<(String, usize)> {
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        let here = if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        };
        if !shape.keys.contains(&name) {
            return Some((here, key.span().start));
        }
        let inner = shape.tables.iter().find(|(table, _)| *table == name);
        let inner = inner.map_or(&FREE, |(_, shape)| *shape);
        if inner.keys.is_empty() {
            continue;
        }
        match value.get_ref() {
            DeValue::Table(table) => {
                if let Some(found) = unknown_in_table(table, inner, &here) {
                    return Some(found);
                }
            }
            DeValue::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    if let DeValue::Table(table) = item.get_ref()
                        && let Some(found) =
                            unknown_in_table(table, inner, &format!("{here}[{index}]"))
                    {
                        return Some(found);
                    }
                }
            }
            _ => {}
        }
    }
    None
}
