//! The tags of the wheels that a target takes, best first.

use uv_platform_tags::{Arch as TagArch, Os as TagOs, Platform as TagPlatform, Tags, TagsOptions};

use super::Target;
use crate::model::platform::{Arch, Os};
use crate::model::python::Implementation;

/// The wheels that a target takes, at rising demands on the machine.
///
/// Every host uses the same levels, whatever it runs itself, so a lock selects the same files
/// everywhere. A package takes its wheel from the first level that has one:
///
/// 1. The *baseline*: glibc 2.28, musl 1.2, macOS 13. It is what uv means by `--python-platform
///    linux` and `macos`.
/// 2. *Before building*: glibc 2.34, macOS 14. Each Linux distribution and macOS that is still
///    maintained has it, so such a wheel is better than a build from source.
/// 3. *Last resort*: glibc 2.40, macOS 26, for packages that have neither a wheel of a lower level
///    nor source code. Older machines cannot load them, but there is nothing else to offer.
#[derive(Debug, Clone)]
pub struct Levels {
    /// Tried in turn before a source archive is built.
    pub preferred: Vec<Tags>,
    /// Tried in turn when there is no source archive.
    pub last_resort: Vec<Tags>,
}

impl Target {
    /// Returns the tags of this target.
    pub fn levels(&self) -> Levels {
        let levels = |systems: &[TagOs]| systems.iter().map(|os| self.tags(os.clone())).collect();
        let glibc = |minor| TagOs::Manylinux { major: 2, minor };
        let macos = |major| TagOs::Macos { major, minor: 0 };
        let (preferred, last_resort) = match self.platform.os {
            Os::Linux => (vec![glibc(28), glibc(34)], vec![glibc(40)]),
            Os::LinuxMusl => (vec![TagOs::Musllinux { major: 1, minor: 2 }], vec![]),
            Os::Darwin => (vec![macos(13), macos(14)], vec![macos(26)]),
            Os::Windows => (vec![TagOs::Windows], vec![]),
        };
        Levels {
            preferred: levels(&preferred),
            last_resort: levels(&last_resort),
        }
    }

    fn tags(&self, os: TagOs) -> Tags {
        let arch = match self.platform.arch {
            Arch::X86_64 => TagArch::X86_64,
            Arch::Arm64 => TagArch::Aarch64,
        };
        let version = (self.python.version.major, self.python.version.minor);
        // PyPy's tags carry the version of its C interface, 7.3 for every Python since 3.6.
        let (name, release) = match self.python.implementation {
            Implementation::CPython => ("cpython", version),
            Implementation::PyPy => ("pypy", (7, 3)),
        };
        let options = TagsOptions {
            manylinux_compatible: true,
            gil_disabled: false,
            debug_enabled: false,
            is_cross: true,
        };
        Tags::from_env(TagPlatform::new(os, arch), version, name, release, options)
            .expect("because every implementation and platform of a target is one the crate knows")
    }
}
