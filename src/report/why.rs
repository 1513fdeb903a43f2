//! What `dhtl why` tells.

use schemars::JsonSchema;
use serde::Serialize;

use crate::project::why::{FileState, FileWhy, PackageWhy, Why};
use crate::ui::Ui;
use crate::ui::output::OutputError;

/// How many ways are shown to a person before the rest is counted.
const SHOWN: usize = 20;

/// What `dhtl why` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WhyReport {
    /// What was found.
    pub found: Why,
}

impl WhyReport {
    /// Tells whether what was asked about is as it must be.
    pub fn is_right(&self) -> bool {
        match &self.found {
            Why::Package(_) => true,
            Why::File(file) => !matches!(file.state, FileState::Modified | FileState::Missing),
        }
    }

    /// Tells a person.
    pub fn tell(&self, ui: &Ui) -> Result<(), OutputError> {
        match &self.found {
            Why::Package(package) => tell_package(package, ui),
            Why::File(file) => tell_file(file, ui),
        }
    }
}

fn tell_package(package: &PackageWhy, ui: &Ui) -> Result<(), OutputError> {
    match &package.version {
        Some(version) => ui.data(format!("{} {version}", package.name))?,
        None => ui.data(format!("{} (not in this environment)", package.name))?,
    }
    if let Some(entry) = &package.entry {
        ui.data(format!("  entry: {entry}"))?;
    }
    if let Some(files) = package.files {
        ui.data(format!("  files: {files}"))?;
    }
    if let Some(folder) = &package.folder {
        ui.data(format!("  refers to the project's folder `{folder}`"))?;
    }
    if package.ways.is_empty() && package.folder.as_deref() == Some(".") {
        ui.data("  it is the project itself")?;
    } else if package.ways.is_empty() && package.known {
        ui.data("  nothing in the lock needs it: it is asked for itself")?;
    } else if package.ways.is_empty() {
        ui.data("  the lock does not say who needs it")?;
    } else {
        ui.data("  needed by:")?;
    }
    for way in package.ways.iter().take(SHOWN) {
        ui.data(format!("    {}", way.join(" → ")))?;
    }
    if package.ways.len() > SHOWN {
        ui.data(format!("    and {} more", package.ways.len() - SHOWN))?;
    }
    Ok(())
}

fn tell_file(file: &FileWhy, ui: &Ui) -> Result<(), OutputError> {
    ui.data(&file.path)?;
    let origin = match (&file.package, file.generated) {
        (Some(package), true) => format!("made here for {}", package.name),
        (None, true) => "made for this environment".to_owned(),
        (Some(package), false) => {
            let version = package.version.as_deref().unwrap_or_default();
            format!("from {} {version}", package.name)
        }
        (None, false) if file.state == FileState::Folder => {
            format!("a folder of {}", file.owners.join(", "))
        }
        (None, false) => "from no package: it was added".to_owned(),
    };
    ui.data(format!("  {origin}"))?;
    if let (Some(source), Some(package)) = (&file.source, &file.package)
        && let Some(entry) = &package.entry
    {
        ui.data(format!("  entry: {entry}, `{source}`"))?;
    }
    if let (Some(digest), Some(size)) = (&file.digest, file.size) {
        ui.data(format!("  must be: {digest}, {size} bytes"))?;
    }
    for loser in &file.losers {
        ui.data(format!(
            "  {loser} has another file at this path, which is not used"
        ))?;
    }
    let state = match file.state {
        FileState::Intact => "intact",
        FileState::Modified => "modified",
        FileState::Missing => "missing",
        FileState::Added | FileState::Folder => "",
    };
    if !state.is_empty() {
        ui.data(format!("  is: {state}"))?;
    }
    for way in file.package.iter().flat_map(|it| it.ways.first()) {
        ui.data(format!("  needed by: {}", way.join(" → ")))?;
    }
    if matches!(file.state, FileState::Modified | FileState::Missing) {
        ui.hint("run `dhtl validate-env --fix` to put it back");
    }
    Ok(())
}
