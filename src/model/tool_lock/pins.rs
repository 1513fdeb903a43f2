//! Where the builds of a Python and the programs of uv come from, by platform.

use std::collections::BTreeMap;

use crate::model::location::CleanUrl;
use crate::model::platform::Platform;
use crate::model::python::PythonRequest;
use crate::model::selection::Sha256;

/// What the lock pins beside packages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins {
    /// The builds of the project's Python.
    pub python: Option<PythonPins>,
    /// uv.
    pub uv: Option<UvPins>,
}

/// The builds of one exact Python.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonPins {
    /// The Python.
    pub python: PythonRequest,
    /// The archive for each platform that there is one for.
    pub builds: BTreeMap<Platform, PinnedFile>,
}

/// The wheels of one version of uv.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UvPins {
    /// The version.
    pub version: String,
    /// The wheel for each platform.
    pub wheels: BTreeMap<Platform, PinnedFile>,
}

/// One file, by its address and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedFile {
    /// Where it is published.
    pub url: CleanUrl,
    /// The hash of its bytes.
    pub sha256: Sha256,
}

impl Pins {
    /// Returns the build of `python` for `platform`, if it is pinned.
    pub fn build(&self, python: &PythonRequest, platform: Platform) -> Option<&PinnedFile> {
        let pins = self.python.as_ref()?;
        (pins.python == *python)
            .then(|| pins.builds.get(&platform))
            .flatten()
    }

    /// Returns the wheel of uv for `platform`, if it is pinned and published where uv is: a project
    /// does not choose which program runs, only which version of uv.
    pub fn uv(&self, platform: Platform) -> Option<&PinnedFile> {
        let pins = self.uv.as_ref()?;
        let wheel = pins.wheels.get(&platform)?;
        let url = wheel.url.as_url();
        let is_uv = uv_filename(wheel)
            .is_some_and(|name| name.starts_with(&format!("uv-{}-py3-none-", pins.version)));
        let published = url.scheme() == "https" && url.host_str() == Some("files.pythonhosted.org");
        (published && url.port().is_none() && is_uv).then_some(wheel)
    }
}

/// Returns the name of a wheel in its address.
pub fn uv_filename(wheel: &PinnedFile) -> Option<&str> {
    let name = wheel.url.as_url().path_segments()?.next_back()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    (name.ends_with(".whl") && name.bytes().all(plain)).then_some(name)
}
