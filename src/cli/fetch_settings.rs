//! The settings of fetching as the environment gives them.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::vars;
use crate::env::fetch::simple_index::is_public;
use crate::env::fetch::{Certificates, Credential, FetchSettings, Netrc, Proxies, Secret};
use crate::model::location::CleanUrl;

/// A variable has a value that cannot be used. The value is not shown: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable `{name}` is not {wanted}")]
pub struct InvalidVariable {
    /// The variable.
    pub name: String,
    /// What it should be.
    pub wanted: &'static str,
}

type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

impl FetchSettings {
    /// Returns the defaults, changed by the variables that `lookup` finds ([`vars::read`]).
    ///
    /// # Errors
    ///
    /// A variable that cannot be understood.
    pub fn from_environment(lookup: Lookup<'_>) -> Result<Self, InvalidVariable> {
        let mut settings = Self {
            offline: flag(lookup, vars::DHT_OFFLINE)? || flag(lookup, vars::UV_OFFLINE)?,
            local_folders: local_folders(lookup),
            netrc: Some(netrc(lookup)),
            certificates: certificates(lookup),
            proxies: proxies(lookup)?,
            ..Self::default()
        };
        let downloads = [
            vars::DHT_CONCURRENT_DOWNLOADS,
            vars::UV_CONCURRENT_DOWNLOADS,
        ];
        if let Some(count) = number(lookup, &downloads)? {
            settings.connections = usize::try_from(count).unwrap_or(usize::MAX);
        }
        if let Some(seconds) = number(lookup, &[vars::DHT_HTTP_TIMEOUT, vars::UV_HTTP_TIMEOUT])? {
            settings.stall_timeout = Duration::from_secs(seconds);
        }
        settings.read_indexes(lookup)?;
        Ok(settings)
    }

    /// Adds an index that the project names, with the login that the environment has for its name.
    pub fn add_named_index(&mut self, name: &str, url: &Url, lookup: Lookup<'_>) {
        let user = text(lookup, &vars::index_username(name));
        let password = text(lookup, &vars::index_password(name));
        if user.is_some() || password.is_some() {
            let password = Secret::new(password.unwrap_or_default());
            let login = Credential::new(url, user.unwrap_or_default(), password);
            self.credentials.extend(login);
        }
        self.add_index(Some(name), url);
    }

    fn read_indexes(&mut self, lookup: Lookup<'_>) -> Result<(), InvalidVariable> {
        let defaults = [
            vars::DHT_INDEX_URL,
            vars::UV_DEFAULT_INDEX,
            vars::UV_INDEX_URL,
            vars::PIP_INDEX_URL,
        ];
        for name in defaults {
            let Some(value) = text(lookup, name) else {
                continue;
            };
            let index = self.read_index(name, &value, lookup)?;
            if self.index.is_none() && !is_public(index.as_url()) {
                self.index = Some(index);
            }
        }
        for name in [vars::UV_INDEX, vars::UV_EXTRA_INDEX_URL] {
            for value in text(lookup, name).unwrap_or_default().split_whitespace() {
                self.read_index(name, value, lookup)?;
            }
        }
        Ok(())
    }

    /// Reads `URL` or `NAME=URL`.
    fn read_index(
        &mut self,
        variable: &str,
        value: &str,
        lookup: Lookup<'_>,
    ) -> Result<CleanUrl, InvalidVariable> {
        let named = value.split_once('=').filter(|(name, _)| {
            let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
            !name.is_empty() && name.chars().all(plain)
        });
        let address = named.map_or(value, |(_, url)| url);
        let url = Url::parse(address.trim()).ok().filter(|url| url.has_host());
        let url = url.ok_or_else(|| invalid(variable, "the address of an index"))?;
        if let Some((name, _)) = named {
            self.add_named_index(name, &url, lookup);
        } else {
            self.add_index(None, &url);
        }
        Ok(CleanUrl::new(url))
    }
}

fn invalid(name: &str, wanted: &'static str) -> InvalidVariable {
    let name = name.to_owned();
    InvalidVariable { name, wanted }
}

fn text(lookup: Lookup<'_>, name: &str) -> Option<String> {
    let value = lookup(name)?.into_string().ok()?;
    (!value.trim().is_empty()).then_some(value)
}

fn flag(lookup: Lookup<'_>, name: &str) -> Result<bool, InvalidVariable> {
    let Some(value) = text(lookup, name) else {
        return Ok(false);
    };
    match value.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" | "y" | "t" => Ok(true),
        "0" | "false" | "no" | "off" | "n" | "f" => Ok(false),
        _ => Err(invalid(name, "`true` or `false`")),
    }
}

fn number(lookup: Lookup<'_>, names: &[&str]) -> Result<Option<u64>, InvalidVariable> {
    for name in names {
        if let Some(value) = text(lookup, name) {
            let number = value.trim().parse().ok().filter(|&number| number > 0);
            let number = number.ok_or_else(|| invalid(name, "a whole number above 0"))?;
            return Ok(Some(number));
        }
    }
    Ok(None)
}

fn local_folders(lookup: Lookup<'_>) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Some(value) = lookup(vars::DHT_FIND_LINKS) {
        folders.extend(std::env::split_paths(&value).filter(|path| !path.as_os_str().is_empty()));
    }
    for value in text(lookup, vars::UV_FIND_LINKS)
        .unwrap_or_default()
        .split(',')
    {
        let value = value.trim();
        if let Some(path) = Url::parse(value)
            .ok()
            .and_then(|url| url.to_file_path().ok())
        {
            folders.push(path);
        } else if !value.is_empty() && !value.contains("://") {
            folders.push(PathBuf::from(value));
        }
    }
    folders
}

fn netrc(lookup: Lookup<'_>) -> Netrc {
    if let Some(path) = lookup(vars::NETRC).filter(|path| !path.is_empty()) {
        return Netrc::Named(path.into());
    }
    let names: &[&str] = if cfg!(windows) {
        &["_netrc", ".netrc"]
    } else {
        &[".netrc"]
    };
    let homes = [vars::HOME, vars::USERPROFILE];
    let homes = homes
        .iter()
        .filter_map(|name| lookup(name))
        .map(PathBuf::from);
    let places = homes.flat_map(|home| names.iter().map(move |name| home.join(name)));
    Netrc::Usual(places.collect())
}

fn certificates(lookup: Lookup<'_>) -> Certificates {
    let folders = lookup(vars::SSL_CERT_DIR).unwrap_or_default();
    Certificates {
        file: lookup(vars::SSL_CERT_FILE)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from),
        folders: std::env::split_paths(&folders)
            .filter(|path| !path.as_os_str().is_empty())
            .collect(),
    }
}

fn proxies(lookup: Lookup<'_>) -> Result<Proxies, InvalidVariable> {
    let either = |name: &str| {
        let lower = name.to_ascii_lowercase();
        text(lookup, &lower)
            .map(|value| (lower, value))
            .or_else(|| text(lookup, name).map(|value| (name.to_owned(), value)))
    };
    let proxy = |name: &str| -> Result<Option<Secret>, InvalidVariable> {
        let Some((name, value)) = either(name).or_else(|| either(vars::ALL_PROXY)) else {
            return Ok(None);
        };
        let value = value.trim();
        let address = if value.contains("://") {
            value.to_owned()
        } else {
            format!("http://{value}")
        };
        let url = Url::parse(&address).ok();
        let usable = url.filter(|url| url.has_host() && matches!(url.scheme(), "http" | "https"));
        match usable {
            Some(_) => Ok(Some(Secret::new(address))),
            None => Err(invalid(&name, "the http or https address of a proxy")),
        }
    };
    let (http, https) = (proxy(vars::HTTP_PROXY)?, proxy(vars::HTTPS_PROXY)?);
    if http.is_none() && https.is_none() {
        // Elsewhere the system has no settings but these variables.
        let has_settings = cfg!(any(windows, target_os = "macos"));
        return Ok(if has_settings {
            Proxies::System
        } else {
            Proxies::None
        });
    }
    let except = either(vars::NO_PROXY).map(|(_, value)| value);
    Ok(Proxies::Given {
        http,
        https,
        except: except.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<FetchSettings, InvalidVariable> {
        FetchSettings::from_environment(&|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn row_27_settings_show_no_secret() {
        let settings = settings(&[
            (
                "UV_DEFAULT_INDEX",
                "https://me:secret1@mirror.example/simple",
            ),
            (
                "UV_INDEX",
                "co=https://co.example/simple https://x:secret2@y.example/s",
            ),
            ("UV_INDEX_CO_USERNAME", "user"),
            ("UV_INDEX_CO_PASSWORD", "secret3"),
            ("https_proxy", "http://p:secret4@proxy.example:3128"),
        ])
        .unwrap();
        assert_eq!(settings.credentials.len(), 3);
        assert_eq!(
            settings.index.as_ref().unwrap().to_string(),
            "https://mirror.example/simple"
        );
        assert!(!format!("{settings:?}").contains("secret"), "{settings:?}");
    }

    #[test]
    fn row_27_errors_show_no_secret() {
        for name in ["UV_DEFAULT_INDEX", "PIP_INDEX_URL", "HTTPS_PROXY"] {
            let error = settings(&[(name, "ftp://me:secret@h:port/")]).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
            assert!(error.to_string().contains(name));
        }
    }

    #[test]
    fn the_public_index_needs_no_replacement() {
        let public = settings(&[("UV_INDEX_URL", "https://pypi.org/simple")]).unwrap();
        assert_eq!(public.index, None);
    }

    #[test]
    fn reads_numbers_flags_and_folders() {
        let settings = settings(&[
            ("DHT_CONCURRENT_DOWNLOADS", "3"),
            ("UV_CONCURRENT_DOWNLOADS", "9"),
            ("UV_HTTP_TIMEOUT", "7"),
            ("UV_OFFLINE", "true"),
            ("UV_FIND_LINKS", "wheels,https://h.example/links"),
            ("HOME", "/home/me"),
        ])
        .unwrap();
        assert_eq!(settings.connections, 3);
        assert_eq!(settings.stall_timeout, Duration::from_secs(7));
        assert!(settings.offline);
        assert_eq!(settings.local_folders, [PathBuf::from("wheels")]);
    }

    #[test]
    fn refuses_what_it_cannot_understand() {
        assert!(settings(&[("DHT_OFFLINE", "maybe")]).is_err());
        assert!(settings(&[("DHT_CONCURRENT_DOWNLOADS", "0")]).is_err());
    }
}
