//! The scripts that make an environment the one of a shell. Their texts are constant: each finds its
//! environment from its own place when it is read, and takes the prompt from `pyvenv.cfg`.

use super::{VenvFile, content, programs};
use crate::model::platform::Layout;

/// Every script that a POSIX shell, fish, csh, nu or PowerShell reads.
const SCRIPTS: [(&str, &str); 5] = [
    ("activate", include_str!("scripts/activate.sh")),
    ("activate.csh", include_str!("scripts/activate.csh")),
    ("activate.fish", include_str!("scripts/activate.fish")),
    ("activate.nu", include_str!("scripts/activate.nu")),
    ("activate.ps1", include_str!("scripts/activate.ps1")),
];
/// The scripts of `cmd`, whose lines must end in CR LF.
const BATCH: [(&str, &str); 2] = [
    ("activate.bat", include_str!("scripts/activate.bat")),
    ("deactivate.bat", include_str!("scripts/deactivate.bat")),
];

/// Renders the scripts of a layout.
pub fn render(layout: Layout) -> Vec<VenvFile> {
    let folder = programs(layout);
    let mut files: Vec<VenvFile> = SCRIPTS
        .iter()
        .map(|(name, text)| content(&format!("{folder}/{name}"), text.as_bytes().to_vec()))
        .collect();
    if layout == Layout::Windows {
        files.extend(BATCH.iter().map(|(name, text)| {
            let text = text.replace('\n', "\r\n");
            content(&format!("{folder}/{name}"), text.into_bytes())
        }));
    }
    files
}
