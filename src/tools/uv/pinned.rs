//! The uv that is fetched where none is on `PATH`: wheels of the public index, by hash.

use crate::model::location::{CleanUrl, Location};
use crate::model::platform::{Arch, Os, Platform};
use crate::model::selection::{Archive, Sha256};

/// The version of the pinned wheels.
pub const PINNED_VERSION: &str = "0.13.9";

struct Wheel {
    tags: &'static str,
    folder: &'static str,
    sha256: &'static str,
    size: u64,
}

const fn wheel(platform: Platform) -> Wheel {
    match (platform.os, platform.arch) {
        (Os::Linux, Arch::X86_64) => Wheel {
            tags: "manylinux_2_17_x86_64.manylinux2014_x86_64",
            folder: "3d/aa/26d64642d808de4a652579ef950d7cd2d37f080a8babf9c67c6b75fc4c3f",
            sha256: "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
            size: 17_606_939,
        },
        (Os::Linux, Arch::Arm64) | (Os::LinuxMusl, Arch::Arm64) => Wheel {
            tags: "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
            folder: "57/15/94b6cd62ac3ff6550288328e8035288875197cbc183f51554b266a69877b",
            sha256: "5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe",
            size: 18_026_789,
        },
        (Os::LinuxMusl, Arch::X86_64) => Wheel {
            tags: "musllinux_1_1_x86_64",
            folder: "fe/fe/794884de0efd3ac77a427cab21aa72c0483e100c55a42cd5cbb02c141b84",
            sha256: "2c45530751517d6c3bbc69a19473f6effe47cce047bede01ffd8af7ea7b36b25",
            size: 19_295_638,
        },
        (Os::Darwin, Arch::X86_64) => Wheel {
            tags: "macosx_10_12_x86_64",
            folder: "1e/db/08e9ef4879bd667e6d7b4705e594e5bd3e4585f10fc63cb16b9fa2fac63e",
            sha256: "c16ed11e013557536b3e60065f1b912f6407bd6518e041b961e23ef9e6b4fbf5",
            size: 17_529_974,
        },
        (Os::Darwin, Arch::Arm64) => Wheel {
            tags: "macosx_11_0_arm64",
            folder: "f3/a7/a8d7b074798c7fb3b26b37584b8fe2e29df2ccdc24ce7902caab2a53edbf",
            sha256: "66c512266d633bef48384a1f53003f41f2a8e7b36fe6e7fbfd3e0fd52d96fa63",
            size: 14_660_755,
        },
        (Os::Windows, Arch::X86_64) => Wheel {
            tags: "win_amd64",
            folder: "dd/ef/ceeabf3631117f7354787d9fb1ffe943899e59ed4b887a696ed547e47e76",
            sha256: "6a44b2ed8111d2f60d2b92627c5dccda3f7ed7570b18ce115e569cd68c28246b",
            size: 15_662_317,
        },
        (Os::Windows, Arch::Arm64) => Wheel {
            tags: "win_arm64",
            folder: "da/d1/d97a5db1f27e077e4d6329223f6b3f719c02c97e4092043f13e628558d05",
            sha256: "eeb92051c2123b9730c46b04cc843cfa4bc7d7b0aec56df431a2215ef4cb0273",
            size: 15_841_844,
        },
    }
}

/// Returns the wheel that holds uv for `platform`.
pub fn pinned_wheel(platform: Platform) -> Archive {
    let wheel = wheel(platform);
    let filename = format!("uv-{PINNED_VERSION}-py3-none-{}.whl", wheel.tags);
    let url = format!(
        "https://files.pythonhosted.org/packages/{}/{filename}",
        wheel.folder
    );
    let url = url.parse().expect("because the table holds plain folders");
    Archive {
        location: Location::Url(CleanUrl::new(url)),
        filename,
        sha256: Sha256::from_hex(wheel.sha256),
        also: Vec::new(),
        size: Some(wheel.size),
    }
}

/// Returns where the program is in the wheel, as the wheel names it.
pub fn program_in_wheel(platform: Platform) -> String {
    let suffix = match platform.os {
        Os::Windows => ".exe",
        Os::Linux | Os::LinuxMusl | Os::Darwin => "",
    };
    format!("uv-{PINNED_VERSION}.data/scripts/uv{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::python::{Implementation, PythonRequest};
    use crate::model::target::Target;

    #[test]
    fn every_platform_has_a_wheel_that_fits_it() {
        for os in [Os::Linux, Os::LinuxMusl, Os::Darwin, Os::Windows] {
            for arch in [Arch::X86_64, Arch::Arm64] {
                let platform = Platform { os, arch };
                let wheel = pinned_wheel(platform);
                assert!(wheel.sha256.is_some(), "{platform}");
                let target = Target {
                    platform,
                    python: PythonRequest {
                        implementation: Implementation::CPython,
                        version: "3.11.7".parse().unwrap(),
                    },
                };
                let name: uv_distribution_filename::WheelFilename = wheel.filename.parse().unwrap();
                assert!(
                    name.is_compatible(&target.levels().preferred[0]),
                    "{platform}"
                );
            }
        }
    }
}
