//! What goes wrong with the project's tools, and what to do next.

use super::Kind;
use super::convert::{Advice, advice, of_env_vars, of_resolve};
use crate::model::placement::PlacementError;
use crate::project::freeze::FreezeError;
use crate::project::tools::ToolError;

pub(super) fn of_tool(error: &ToolError) -> Advice {
    match error {
        ToolError::Read(_) => (Kind::Work, None),
        ToolError::Lock(_) => advice(
            Kind::Configuration,
            "remove `.dht/tools.lock`, and run `dhtl freeze-tools --write`",
        ),
        ToolError::Stale { .. } | ToolError::Place(PlacementError::NotLocked { .. }) => advice(
            Kind::Configuration,
            "run `dhtl freeze-tools --write`, and commit what it writes",
        ),
        ToolError::Place(PlacementError::OtherVersion { name, locked, .. }) => (
            Kind::Configuration,
            Some(format!(
                "set `tools.{name}` in `.dhtconfig` to the version of the lock ({locked}), or lock the other version"
            )),
        ),
        ToolError::Select { .. } => advice(
            Kind::Unsuitable,
            "choose another version of the tool in `.dhtconfig`, and run `dhtl freeze-tools --write`",
        ),
        ToolError::Folder { .. } => (Kind::Configuration, None),
    }
}

pub(super) fn of_freeze(error: &FreezeError) -> Advice {
    match error {
        FreezeError::Resolve(error) => of_resolve(error),
        FreezeError::UvSetup(_) => advice(
            Kind::Tool,
            "install uv, or run once with the network so that it can be fetched",
        ),
        FreezeError::Uv { .. } => advice(
            Kind::Tool,
            "read what uv told above; a tool that was never locked needs the network",
        ),
        FreezeError::NoSolution { name, .. } => (
            Kind::Configuration,
            Some(format!(
                "set `tools.{name}` in `.dhtconfig` to a version that is published and supports this Python"
            )),
        ),
        FreezeError::Work(_) => (Kind::Work, None),
        FreezeError::Write(error) => of_env_vars(error),
        FreezeError::Tool(error) => of_tool(error),
    }
}
