//! Packages that come from an archive of this machine: an entry like any other, and beside it what
//! names the archive's place.
//!
//! `direct_url.json` (PEP 610) holds an absolute path, so it belongs to one place of the project and
//! is made there; `RECORD` names it. The entry itself is the same everywhere.

use std::collections::BTreeMap;
use std::path::Path;

use dht_store::fs::{Dir, FsError};
use dht_store::{Generated, GeneratedKind, Manifest, TreePath};

use super::context::Context;
use super::editable::{EditableError, Note, Rendered, Site};
use crate::model::location::Location;
use crate::model::selection::{SelectedPackage, Source};
use crate::python::cache_info;
use crate::python::direct_url;
use crate::python::wheel::record;

/// Returns the path of `RECORD` in an entry; a template of an editable package has none.
pub fn record_path(manifest: &Manifest) -> Option<&TreePath> {
    manifest.nodes().iter().map(|node| &node.path).find(|path| {
        let mut steps = path.as_str().split('/');
        steps.next() == Some("site-packages")
            && steps
                .next()
                .is_some_and(|step| step.ends_with(".dist-info"))
            && steps.next() == Some("RECORD")
            && steps.next().is_none()
    })
}

/// Returns the folder or archive of this machine that a package was asked for by, relative to the
/// project; it is told to the environment, not to the entry.
pub fn place(context: &Context<'_>, package: &SelectedPackage) -> Option<String> {
    let path = match &package.source {
        Source::Directory { path, .. } => path,
        Source::Wheel(archive) | Source::Sdist { archive, .. } if package.direct => {
            match &archive.location {
                Location::File(path) => path,
                Location::Url(_) => return None,
            }
        }
        Source::Wheel(_) | Source::Sdist { .. } | Source::Git { .. } => return None,
    };
    Some(relative(context.project, path))
}

/// Returns what `direct_url.json` says of a package wherever the project stands.
pub fn placeless_url(context: &Context<'_>, package: &SelectedPackage) -> Option<String> {
    match place(context, package) {
        Some(_) => None,
        None => direct_url::direct_url(package),
    }
}

/// Returns a folder of the project, relative to it, with slashes.
pub fn relative(project: &Path, folder: &Path) -> String {
    let mut up = 0;
    let mut base = project;
    while !folder.starts_with(base) {
        let Some(parent) = base.parent() else { break };
        base = parent;
        up += 1;
    }
    let rest = folder.strip_prefix(base).unwrap_or(folder);
    let names = rest
        .components()
        .map(|name| name.as_os_str().to_string_lossy().into_owned());
    let path: Vec<String> = std::iter::repeat_n("..".to_owned(), up)
        .chain(names)
        .collect();
    if path.is_empty() {
        ".".to_owned()
    } else {
        path.join("/")
    }
}

/// Makes what names the archive at `site.folder`, whose entry is in the folder `source`.
///
/// # Errors
///
/// When the entry's `RECORD` cannot be read.
pub fn render(
    source: &Path,
    record: &TreePath,
    mounts: &BTreeMap<String, String>,
    site: &Site<'_>,
) -> Result<Rendered, EditableError> {
    let archive = site.project.join(site.folder);
    let path = source.join(record.as_str());
    let standing = Dir::open(source)
        .and_then(|dir| dir.read_file(Path::new(record.as_str())))
        .map_err(FsError::at("read", &path))?;
    let rest = record.as_str().trim_start_matches("site-packages/");
    let info = rest.trim_end_matches("/RECORD");
    let folder = match mounts.get("site-packages").map(String::as_str) {
        None | Some(".") => info.to_owned(),
        Some(to) => format!("{to}/{info}"),
    };
    let direct_url = direct_url::of_archive(&archive).into_bytes();
    let row = record::row_of(&direct_url);
    let mut rows: Vec<String> = String::from_utf8_lossy(&standing)
        .lines()
        .map(str::to_owned)
        .collect();
    rows.push(format!("{info}/direct_url.json,{},{}", row.hash, row.size));
    rows.push(format!("{info}/{},,", cache_info::FILE_NAME));
    rows.sort_unstable();
    let text = rows.join("\n") + "\n";
    let file = |name: &str, content: Vec<u8>| -> Result<Generated, EditableError> {
        Ok(Generated {
            path: TreePath::new(&format!("{folder}/{name}"))?,
            kind: GeneratedKind::File {
                executable: false,
                content,
            },
        })
    };
    Ok(Rendered {
        files: vec![
            file("direct_url.json", direct_url)?,
            file("RECORD", text.into_bytes())?,
        ],
        note: Some(Note::new(
            format!("{folder}/{}", cache_info::FILE_NAME),
            archive,
        )),
    })
}
