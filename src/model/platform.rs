//! The platforms that environments are made for.

use std::fmt;
use std::str::FromStr;

/// An operating system, with the C library that its wheels are built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Os {
    /// Linux with glibc.
    Linux,
    /// Linux with musl.
    LinuxMusl,
    /// macOS.
    Darwin,
    /// Windows.
    Windows,
}

/// A processor architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arch {
    /// 64-bit x86.
    X86_64,
    /// 64-bit ARM: `aarch64` on Linux, `arm64` on macOS and Windows.
    Arm64,
}

/// A platform: what an environment's bytes depend on beside the lock and the Python.
///
/// Written `linux-x86_64`, `linux-arm64`, `linux-musl-x86_64`, `darwin-arm64`, `windows-x86_64`…
/// The version of the C library and of macOS is no part of it: environments are made for a fixed
/// baseline (glibc 2.28, musl 1.2, macOS 13), so that they are the same wherever they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    /// The operating system.
    pub os: Os,
    /// The architecture.
    pub arch: Arch,
}

/// The folder layout of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layout {
    /// `bin`, `lib/python3.11/site-packages`.
    Posix,
    /// `Scripts`, `Lib/site-packages`.
    Windows,
}

/// The platforms that `--platform all` stands for.
pub const COMMON: [Platform; 5] = [
    Platform {
        os: Os::Linux,
        arch: Arch::X86_64,
    },
    Platform {
        os: Os::Linux,
        arch: Arch::Arm64,
    },
    Platform {
        os: Os::Darwin,
        arch: Arch::Arm64,
    },
    Platform {
        os: Os::Darwin,
        arch: Arch::X86_64,
    },
    Platform {
        os: Os::Windows,
        arch: Arch::X86_64,
    },
];

/// Every platform.
pub const ALL: [Platform; 8] = {
    const fn of(os: Os, arch: Arch) -> Platform {
        Platform { os, arch }
    }
    [
        of(Os::Linux, Arch::X86_64),
        of(Os::Linux, Arch::Arm64),
        of(Os::LinuxMusl, Arch::X86_64),
        of(Os::LinuxMusl, Arch::Arm64),
        of(Os::Darwin, Arch::X86_64),
        of(Os::Darwin, Arch::Arm64),
        of(Os::Windows, Arch::X86_64),
        of(Os::Windows, Arch::Arm64),
    ]
};

impl Platform {
    /// Returns the platform of this program; `None` where environments cannot be made.
    pub fn host() -> Option<Self> {
        let os = match std::env::consts::OS {
            "linux"
                if cfg!(target_env = "musl")
                    && std::path::Path::new("/lib64/ld-linux-x86-64.so.2").exists() =>
            {
                Os::Linux
            }
            "linux" if cfg!(target_env = "musl") => Os::LinuxMusl,
            "linux" => Os::Linux,
            "macos" => Os::Darwin,
            "windows" => Os::Windows,
            _ => return None,
        };
        let arch = match std::env::consts::ARCH {
            "x86_64" => Arch::X86_64,
            "aarch64" => Arch::Arm64,
            _ => return None,
        };
        Some(Self { os, arch })
    }

    /// Tells whether file systems there usually take `A` and `a` for one name.
    pub const fn folds_case(self) -> bool {
        matches!(self.os, Os::Darwin | Os::Windows)
    }

    /// Returns the folder layout that environments have there.
    pub const fn layout(self) -> Layout {
        match self.os {
            Os::Linux | Os::LinuxMusl | Os::Darwin => Layout::Posix,
            Os::Windows => Layout::Windows,
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let os = match self.os {
            Os::Linux => "linux",
            Os::LinuxMusl => "linux-musl",
            Os::Darwin => "darwin",
            Os::Windows => "windows",
        };
        let arch = match self.arch {
            Arch::X86_64 => "x86_64",
            Arch::Arm64 => "arm64",
        };
        write!(formatter, "{os}-{arch}")
    }
}

/// The text names no platform that `dhtl` knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a platform; known are linux, linux-musl, darwin and windows, each with -x86_64 or -arm64"
)]
pub struct ParsePlatformError(pub String);

impl FromStr for Platform {
    type Err = ParsePlatformError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || ParsePlatformError(text.to_owned());
        let (os, arch) = text.rsplit_once('-').ok_or_else(unknown)?;
        let os = match os {
            "linux" => Os::Linux,
            "linux-musl" => Os::LinuxMusl,
            "darwin" | "macos" => Os::Darwin,
            "windows" => Os::Windows,
            _ => return Err(unknown()),
        };
        let arch = match arch {
            "x86_64" | "amd64" => Arch::X86_64,
            "arm64" | "aarch64" => Arch::Arm64,
            _ => return Err(unknown()),
        };
        Ok(Self { os, arch })
    }
}

crate::model::parsed::as_text!(Platform);

impl schemars::JsonSchema for Platform {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Platform".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^(linux|linux-musl|darwin|windows)-(x86_64|arm64)$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_parses_every_platform() {
        for platform in COMMON {
            assert_eq!(platform.to_string().parse(), Ok(platform));
        }
        assert_eq!(
            "linux-aarch64".parse::<Platform>().unwrap().to_string(),
            "linux-arm64"
        );
        assert!("plan9-x86_64".parse::<Platform>().is_err());
    }
}
