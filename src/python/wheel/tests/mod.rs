//! Whole wheels, good and bad. A test of a bad input carries its number in the list of bad inputs
//! that the project keeps.

mod accepted;
mod launchers;
mod mutated;
mod refused_wheel;
mod refused_zip;

use std::collections::BTreeMap;

use dht_store::sink::MemorySink;
use dht_store::{Manifest, TreePath};
use dhtl_test_kit::WheelBuilder;
use dhtl_test_kit::zip::Zip;

use super::{InstallTarget, InstalledWheel, WheelError, WindowsLauncher, install};
use crate::model::platform::Layout;

/// What an installation made.
struct Installed {
    wheel: InstalledWheel,
    manifest: Manifest,
    content: BTreeMap<TreePath, Vec<u8>>,
}

impl Installed {
    fn text(&self, path: &str) -> &str {
        let content = self
            .content
            .get(&TreePath::new(path).unwrap())
            .unwrap_or_else(|| panic!("no `{path}` in {:?}", self.paths()));
        std::str::from_utf8(content).unwrap()
    }

    fn paths(&self) -> Vec<&str> {
        self.content.keys().map(TreePath::as_str).collect()
    }
}

fn target(layout: Layout) -> InstallTarget<'static> {
    InstallTarget {
        layout,
        folds_case: layout == Layout::Windows,
        python_lib: "python3.11".to_owned(),
        windows_launcher: Some(WindowsLauncher {
            console: b"MZ console ",
            gui: b"MZ gui ",
        }),
        direct_url: None,
        built_here: false,
    }
}

fn install_bytes(bytes: &[u8], filename: &str, layout: Layout) -> Result<Installed, WheelError> {
    let sink = MemorySink::default();
    match install(
        bytes,
        &filename.parse().unwrap(),
        &target(layout),
        &sink,
        &|_| (),
    ) {
        Ok(wheel) => {
            let (manifest, content) = sink.finish().unwrap();
            Ok(Installed {
                wheel,
                manifest,
                content,
            })
        }
        Err(error) => Err(error),
    }
}

fn install_on(wheel: &WheelBuilder, layout: Layout) -> Result<Installed, WheelError> {
    install_bytes(&wheel.build(), &wheel.filename(), layout)
}

fn install_posix(wheel: &WheelBuilder) -> Result<Installed, WheelError> {
    install_on(wheel, Layout::Posix)
}

fn demo() -> WheelBuilder {
    WheelBuilder::new("demo", "1.0").file("demo/__init__.py", "def main(): pass\n")
}

/// Installs the demonstration wheel after `tamper`; nothing may have been written on failure.
fn tampered(tamper: impl FnOnce(&mut Zip)) -> Result<Installed, WheelError> {
    let mut zip = demo().zip();
    tamper(&mut zip);
    install_untouched(&zip.build(), &demo().filename())
}

/// Installs, and checks that a refusal came before the first write.
fn install_untouched(bytes: &[u8], filename: &str) -> Result<Installed, WheelError> {
    let sink = MemorySink::default();
    let result = install(
        bytes,
        &filename.parse().unwrap(),
        &target(Layout::Posix),
        &sink,
        &|_| (),
    );
    let (manifest, content) = sink.finish().unwrap();
    match result {
        Ok(wheel) => Ok(Installed {
            wheel,
            manifest,
            content,
        }),
        Err(error) => {
            assert!(content.is_empty(), "{error}: something was written");
            Err(error)
        }
    }
}

/// Returns the message of a refusal, causes included.
fn refusal(result: Result<Installed, WheelError>) -> String {
    let error = match result {
        Ok(installed) => panic!("accepted: {:?}", installed.paths()),
        Err(error) => error,
    };
    let mut message = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        message.push_str(": ");
        message.push_str(&cause.to_string());
        source = cause.source();
    }
    message
}
