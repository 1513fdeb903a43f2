//! `direct_url.json`: where a package that comes from no index came from (PEP 610).
//!
//! The bytes are those that uv writes: keys in this order, no spaces, no credentials.

use std::path::Path;

use serde::Serialize;
use url::Url;

use crate::model::location::{CleanUrl, Location};
use crate::model::selection::{SelectedPackage, Source};

#[derive(Serialize)]
struct DirectUrl<'a> {
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    archive_info: Option<ArchiveInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dir_info: Option<DirInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vcs_info: Option<VcsInfo<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subdirectory: Option<&'a str>,
}

#[derive(Serialize)]
struct ArchiveInfo {}

#[derive(Serialize)]
struct DirInfo {
    editable: bool,
}

#[derive(Serialize)]
struct VcsInfo<'a> {
    vcs: &'static str,
    commit_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_revision: Option<&'a str>,
}

/// Returns the content of the `direct_url.json` that belongs to a package; `None` for one from an
/// index, which has none.
///
/// Files and folders of this machine are named by their absolute path, as PEP 610 asks: such a
/// file belongs to one machine and one place of the project.
pub fn direct_url(package: &SelectedPackage) -> Option<String> {
    if !package.direct {
        return None;
    }
    let empty = |url: String| DirectUrl {
        url,
        archive_info: None,
        dir_info: None,
        vcs_info: None,
        subdirectory: None,
    };
    let content = match &package.source {
        Source::Wheel(archive) => DirectUrl {
            archive_info: Some(ArchiveInfo {}),
            ..empty(location_url(&archive.location)?)
        },
        Source::Sdist {
            archive,
            subdirectory,
        } => DirectUrl {
            archive_info: Some(ArchiveInfo {}),
            subdirectory: subdirectory.as_deref(),
            ..empty(location_url(&archive.location)?)
        },
        Source::Git {
            url,
            commit,
            requested_revision,
            subdirectory,
        } => DirectUrl {
            vcs_info: Some(VcsInfo {
                vcs: "git",
                commit_id: commit,
                requested_revision: requested_revision.as_deref(),
            }),
            subdirectory: subdirectory.as_deref(),
            ..empty(clean(url))
        },
        Source::Directory { path, editable } => DirectUrl {
            dir_info: Some(DirInfo {
                editable: *editable,
            }),
            ..empty(path_url(path)?)
        },
    };
    Some(serde_json::to_string(&content).expect("because strings and flags are always JSON"))
}

/// Returns the content for a package that was installed from the archive at `path`, absolute.
pub fn of_archive(path: &Path) -> String {
    let content = DirectUrl {
        url: path_url(path).unwrap_or_default(),
        archive_info: Some(ArchiveInfo {}),
        dir_info: None,
        vcs_info: None,
        subdirectory: None,
    };
    serde_json::to_string(&content).expect("because strings are always JSON")
}

fn location_url(location: &Location) -> Option<String> {
    match location {
        Location::Url(url) => Some(clean(url)),
        Location::File(path) => path_url(path),
    }
}

fn clean(url: &CleanUrl) -> String {
    url.as_url().as_str().to_owned()
}

/// Returns the address of a file or folder; `None` for a path that is not absolute.
pub(super) fn path_url(path: &Path) -> Option<String> {
    Url::from_file_path(path).ok().map(String::from)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::model::selection::Archive;

    fn package(source: Source) -> SelectedPackage {
        SelectedPackage {
            name: "a".parse().unwrap(),
            version: None,
            source,
            direct: true,
        }
    }

    fn archive(location: Location) -> Archive {
        Archive {
            location,
            filename: "a-1.tar.gz".to_owned(),
            sha256: None,
            also: Vec::new(),
            size: None,
        }
    }

    /// The expected texts were written by uv 0.13.9.
    #[test]
    fn writes_what_uv_writes() {
        let url = |text: &str| CleanUrl::new(text.parse().unwrap());
        let git = |subdirectory: Option<&str>, revision: Option<&str>| Source::Git {
            url: url("file:///tmp/sel/gitdep.git"),
            commit: "0963cfcd278e41f04556ebc9a4e4fc7a3c747a18".to_owned(),
            requested_revision: revision.map(str::to_owned),
            subdirectory: subdirectory.map(str::to_owned),
        };
        for (source, expected) in [
            (
                git(Some("sub"), Some("v1")),
                r#"{"url":"file:///tmp/sel/gitdep.git","vcs_info":{"vcs":"git","commit_id":"0963cfcd278e41f04556ebc9a4e4fc7a3c747a18","requested_revision":"v1"},"subdirectory":"sub"}"#,
            ),
            (
                Source::Wheel(archive(Location::Url(url(
                    "https://h/a-1-py3-none-any.whl",
                )))),
                r#"{"url":"https://h/a-1-py3-none-any.whl","archive_info":{}}"#,
            ),
            (
                Source::Sdist {
                    archive: archive(Location::File("/srv/my files/a-1.tar.gz".into())),
                    subdirectory: None,
                },
                r#"{"url":"file:///srv/my%20files/a-1.tar.gz","archive_info":{}}"#,
            ),
            (
                Source::Directory {
                    path: "/home/me/lib".into(),
                    editable: true,
                },
                r#"{"url":"file:///home/me/lib","dir_info":{"editable":true}}"#,
            ),
            (
                Source::Directory {
                    path: "/home/me/lib".into(),
                    editable: false,
                },
                r#"{"url":"file:///home/me/lib","dir_info":{"editable":false}}"#,
            ),
        ] {
            assert_eq!(direct_url(&package(source)).as_deref(), Some(expected));
        }
        let mut from_index = package(git(None, None));
        from_index.direct = false;
        assert_eq!(direct_url(&from_index), None);
    }
}
