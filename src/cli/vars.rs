//! Every environment variable that `dhtl` knows, and the one place where variables are read.
//!
//! A variable of our own begins with `DHT_`. Those of other tools are honoured where the user would
//! expect one setting to serve all tools; ours comes first where both are set.

use std::ffi::OsString;

macro_rules! variables {
    ($($(#[doc = $meaning:literal])+ $name:ident;)+) => {
        $($(#[doc = $meaning])+ pub const $name: &str = stringify!($name);)+

        /// Every variable with its meaning, in the order of this file.
        pub const ALL: &[(&str, &str)] = &[$((stringify!($name), concat!($($meaning),+))),+];
    };
}

variables! {
    /// The folder of dhtl's own files, instead of `.dht` in the home folder.
    DHT_HOME;
    /// The store, instead of the folder `store` in `DHT_HOME`.
    DHT_STORE;
    /// Stores that are only read, where ours lacks something; separated by the system's path separator.
    DHT_STORE_PATHS;
    /// The size that the store may have, such as `20GiB`: `regenerate` collects garbage when it has brought something in and the store is larger.
    DHT_STORE_MAX_SIZE;
    /// How many former environments of each project are kept, as `--keep-generations`.
    DHT_KEEP_GENERATIONS;
    /// Folders outside of the project that a lock may name, as `--allow-folder`; separated by the system's path separator.
    DHT_ALLOW_FOLDERS;
    /// Origins that a lock may name although they are not secure, as `--allow-origin`; separated by commas.
    DHT_ALLOW_ORIGINS;
    /// Takes another build of Python where the pinned one cannot be reached, as `--any-python`.
    DHT_ANY_PYTHON;
    /// How hard archives are compressed, as `--level`.
    DHT_EXPORT_LEVEL;
    /// Never uses the network when set to a true value (`1`, `true`, `yes`, `on`).
    DHT_OFFLINE;
    /// The Python, as `--python`.
    DHT_PYTHON;
    /// The only source of the Python, as `--python-strategy`: `uv`, `pyenv`, `system` or `docker`.
    DHT_PYTHON_STRATEGY;
    /// How files come from the store, as `--link-mode`: `auto`, `hardlink`, `symlink`, `clone` or `copy`.
    DHT_LINK_MODE;
    /// Whether modules are compiled, as `--compile-bytecode`.
    DHT_COMPILE_BYTECODE;
    /// Fails if the lock does not match the project's metadata, as `--locked`.
    DHT_LOCKED;
    /// When to use colours, as `--color`: `auto`, `always` or `never`.
    DHT_COLOR;
    /// Shows no progress bars, as `--no-progress`.
    DHT_NO_PROGRESS;
    /// Folders of wheels and source archives that are used, by name and digest, before the network; separated by the system's path separator.
    DHT_FIND_LINKS;
    /// The simple index that replaces the public one where that cannot be reached.
    DHT_INDEX_URL;
    /// How many transfers run at once.
    DHT_CONCURRENT_DOWNLOADS;
    /// How long to wait for the next byte from a server, in seconds.
    DHT_HTTP_TIMEOUT;
    /// As `DHT_OFFLINE`.
    UV_OFFLINE;
    /// As `DHT_FIND_LINKS`, separated by commas; addresses in it are left out.
    UV_FIND_LINKS;
    /// As `DHT_INDEX_URL`; may begin with `NAME=`.
    UV_DEFAULT_INDEX;
    /// As `UV_DEFAULT_INDEX`, uv's older name.
    UV_INDEX_URL;
    /// Further indexes, separated by spaces, each `URL` or `NAME=URL`: logins in them are used for their addresses.
    UV_INDEX;
    /// As `UV_INDEX`, uv's older name.
    UV_EXTRA_INDEX_URL;
    /// As `DHT_CONCURRENT_DOWNLOADS`.
    UV_CONCURRENT_DOWNLOADS;
    /// As `DHT_HTTP_TIMEOUT`.
    UV_HTTP_TIMEOUT;
    /// As `DHT_INDEX_URL`, pip's name.
    PIP_INDEX_URL;
    /// The file of logins, instead of `.netrc` in the home folder.
    NETRC;
    /// A file of certificate authorities (PEM) to trust instead of the system's.
    SSL_CERT_FILE;
    /// Folders of certificate authorities (PEM) to trust instead of the system's.
    SSL_CERT_DIR;
    /// The proxy for `https` addresses. Lower case works too, for all four.
    HTTPS_PROXY;
    /// The proxy for `http` addresses.
    HTTP_PROXY;
    /// The proxy for both.
    ALL_PROXY;
    /// Hosts that are reached without a proxy, separated by commas.
    NO_PROXY;
    /// Where programs are looked up.
    PATH;
    /// Where pyenv keeps its versions, instead of `.pyenv` in the home folder.
    PYENV_ROOT;
    /// The list of Python builds, in uv's format, instead of uv's own: an address or a file.
    UV_PYTHON_DOWNLOADS_JSON_URL;
    /// Where builds of CPython are fetched from, instead of their usual place.
    UV_PYTHON_INSTALL_MIRROR;
    /// Where builds of PyPy are fetched from, instead of their usual place.
    UV_PYPY_INSTALL_MIRROR;
    /// Colours nothing when it is set, unless `--color` says otherwise.
    NO_COLOR;
    /// Options of the C compiler where packages are built; what would write paths of this machine into the result is switched off.
    CFLAGS;
    /// As `CFLAGS`, for C++.
    CXXFLAGS;
    /// The user's home folder.
    HOME;
    /// The user's home folder on Windows.
    USERPROFILE;
}

/// The login's user name of the index `NAME` (uv's variable, with the name in capitals and
/// everything but letters and digits as `_`).
pub fn index_username(name: &str) -> String {
    format!("UV_INDEX_{}_USERNAME", index_key(name))
}

/// The login's password of the index `NAME`.
pub fn index_password(name: &str) -> String {
    format!("UV_INDEX_{}_PASSWORD", index_key(name))
}

fn index_key(name: &str) -> String {
    let letter = |character: char| {
        if character.is_ascii_alphanumeric() {
            character.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    name.chars().map(letter).collect()
}

/// Reads a variable of this process. An empty one counts as unset.
pub fn read(name: &str) -> Option<OsString> {
    raw(name).filter(|value| !value.is_empty())
}

/// Tells whether a variable of this process is set to nothing.
pub fn is_empty(name: &str) -> bool {
    raw(name).is_some_and(|value| value.is_empty())
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the place where variables are read"
)]
fn raw(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_is_explained_once() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), ALL.len());
        assert!(ALL.iter().all(|(_, meaning)| meaning.trim().ends_with('.')));
    }

    #[test]
    fn index_names_become_variables() {
        assert_eq!(index_username("my-co.eu"), "UV_INDEX_MY_CO_EU_USERNAME");
    }
}
