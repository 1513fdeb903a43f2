//! Makes the files of a build independent of the folder that it was built for.
//!
//! Pure on bytes, and a function of the file alone: the same build gives the same tree on every
//! machine. What the build says of its own prefix is said relative to where it stands:
//! `sysconfig` looks at `sys.base_prefix` when it is imported, `make` and `pkg-config` at the place
//! of the file that they read, scripts at the interpreter beside them, and the dynamic linker at
//! `$ORIGIN`. Mach-O and PE files are left alone: builds for macOS and Windows are relocatable.

mod elf;
mod text;

use dht_store::TreePath;

pub use elf::ElfError;
pub use text::{build_prefix, patch_level};

/// How the prefix of a build is abstracted from its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relocation {
    prefix: String,
}

/// Why a file could not be made independent of the build's folder.
#[derive(Debug, thiserror::Error)]
#[error("could not make `{path}` independent of the folder that it was built for")]
pub struct RelocateError {
    /// The file in the tree of the build.
    pub path: TreePath,
    /// What is wrong with it.
    pub source: ElfError,
}

impl Relocation {
    /// Takes the prefix that the build was configured with; `None` when it is not absolute, or so
    /// short that it could not be told from other text.
    pub fn new(prefix: &str) -> Option<Self> {
        let prefix = prefix.trim_end_matches('/');
        (prefix.starts_with('/') && prefix.len() > 3).then(|| Self {
            prefix: prefix.to_owned(),
        })
    }

    /// Returns the content that the file `path` of the tree has when it stands anywhere.
    pub fn apply(&self, path: &TreePath, content: Vec<u8>) -> Result<Vec<u8>, RelocateError> {
        if content.starts_with(b"\x7fELF") {
            return elf::relocate(content, &self.prefix, path.parent().unwrap_or("")).map_err(
                |source| RelocateError {
                    path: path.clone(),
                    source,
                },
            );
        }
        let Some(rewrite) = text::rewrite_of(path, &content, &self.prefix) else {
            return Ok(content);
        };
        match String::from_utf8(content) {
            Ok(text) => Ok(rewrite.apply(path, &text, &self.prefix).into_bytes()),
            Err(error) => Ok(error.into_bytes()),
        }
    }
}

/// Returns the path that leads from the folder `from` to `to`, both relative to one root; `.` when
/// they are the same.
fn relative(from: &str, to: &str) -> String {
    let parts = |path: &str| -> Vec<String> {
        path.split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (from, to) = (parts(from), parts(to));
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let mut steps: Vec<&str> = vec![".."; from.len() - common];
    steps.extend(to[common..].iter().map(String::as_str));
    if steps.is_empty() {
        ".".to_owned()
    } else {
        steps.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_from_folder_to_folder() {
        assert_eq!(relative("bin", "lib"), "../lib");
        assert_eq!(relative("lib", "lib"), ".");
        assert_eq!(relative("lib/python3.11/lib-dynload", "lib"), "../..");
        assert_eq!(relative("", "lib"), "lib");
    }

    #[test]
    fn leaves_what_it_does_not_know() {
        let relocation = Relocation::new("/opt/build/python").unwrap();
        let path = TreePath::new("share/doc.bin").unwrap();
        let content = b"\xff\xfe /opt/build/python".to_vec();
        assert_eq!(relocation.apply(&path, content.clone()).unwrap(), content);
        assert_eq!(Relocation::new("relative"), None);
        assert_eq!(Relocation::new("/"), None);
    }
}
