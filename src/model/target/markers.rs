//! The values of environment markers (PEP 508) for a target.

use uv_pep440::Version;
use uv_pep508::{MarkerEnvironment, MarkerEnvironmentBuilder};

use super::Target;
use crate::model::platform::{Arch, Os};
use crate::model::python::Implementation;

/// The release of PyPy that markers see. Real markers ask for `implementation_name`, never for a
/// release of PyPy, and a target knows the language's version only.
const PYPY_RELEASE: &str = "7.3.0";

impl Target {
    /// Returns the values of every marker.
    ///
    /// `platform_release` and `platform_version` are empty: they name one machine's kernel.
    pub fn marker_environment(&self) -> MarkerEnvironment {
        let Platform {
            os_name,
            sys_platform,
            platform_system,
            platform_machine,
        } = platform(self.platform.os, self.platform.arch);
        let version = &self.python.version;
        let full = version.to_string();
        let short = format!("{}.{}", version.major, version.minor);
        let (name, title, release) = match self.python.implementation {
            Implementation::CPython => ("cpython", "CPython", full.as_str()),
            Implementation::PyPy => ("pypy", "PyPy", PYPY_RELEASE),
        };
        MarkerEnvironment::try_from(MarkerEnvironmentBuilder {
            implementation_name: name,
            implementation_version: release,
            os_name,
            platform_machine,
            platform_python_implementation: title,
            platform_release: "",
            platform_system,
            platform_version: "",
            python_full_version: &full,
            python_version: &short,
            sys_platform,
        })
        .expect("because a PythonVersion is always a PEP 440 version")
    }

    /// Returns the version of Python without its pre-release part: what `requires-python` is held
    /// against, so that 3.14.0rc1 satisfies `>=3.14` as it does for pip and uv.
    pub fn python_release(&self) -> Version {
        let version = &self.python.version;
        Version::new([version.major, version.minor, version.patch].map(u64::from))
    }
}

struct Platform {
    os_name: &'static str,
    sys_platform: &'static str,
    platform_system: &'static str,
    platform_machine: &'static str,
}

const fn platform(os: Os, arch: Arch) -> Platform {
    let (os_name, sys_platform, platform_system) = match os {
        Os::Linux | Os::LinuxMusl => ("posix", "linux", "Linux"),
        Os::Darwin => ("posix", "darwin", "Darwin"),
        Os::Windows => ("nt", "win32", "Windows"),
    };
    let platform_machine = match (os, arch) {
        (Os::Windows, Arch::X86_64) => "AMD64",
        (Os::Windows, Arch::Arm64) => "ARM64",
        (_, Arch::X86_64) => "x86_64",
        (Os::Darwin, Arch::Arm64) => "arm64",
        (_, Arch::Arm64) => "aarch64",
    };
    Platform {
        os_name,
        sys_platform,
        platform_system,
        platform_machine,
    }
}
