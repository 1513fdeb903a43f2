//! Options that say which packages and which Python are meant, in uv's words.

use std::str::FromStr;

use clap::Args;
use uv_normalize::{ExtraName, GroupName};

use crate::model::groups::GroupRequest;
use crate::model::platform::{COMMON, ParsePlatformError, Platform};

/// A platform, or all that are common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlatformArg {
    /// The five that most people have.
    All,
    /// One.
    One(Platform),
}

impl FromStr for PlatformArg {
    type Err = ParsePlatformError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            text => text.parse().map(Self::One),
        }
    }
}

/// Returns the platforms that were asked for, each once, in the order of asking.
pub fn platforms(asked: &[PlatformArg]) -> Vec<Platform> {
    let each = asked.iter().flat_map(|asked| match asked {
        PlatformArg::All => COMMON.to_vec(),
        PlatformArg::One(platform) => vec![*platform],
    });
    let mut found = Vec::new();
    for platform in each {
        if !found.contains(&platform) {
            found.push(platform);
        }
    }
    found
}

/// Groups and extras.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Selection")]
pub struct GroupArgs {
    /// Includes a dependency group.
    #[arg(long, value_name = "GROUP")]
    pub group: Vec<GroupName>,
    /// Leaves out a dependency group.
    #[arg(long, value_name = "GROUP")]
    pub no_group: Vec<GroupName>,
    /// Installs a dependency group alone.
    #[arg(long, value_name = "GROUP", conflicts_with_all = ["group", "all_groups"])]
    pub only_group: Vec<GroupName>,
    /// Includes every dependency group.
    #[arg(long)]
    pub all_groups: bool,
    /// Leaves out the default groups.
    #[arg(long)]
    pub no_default_groups: bool,
    /// Leaves out the group `dev`.
    #[arg(long)]
    pub no_dev: bool,
    /// Installs the group `dev` alone.
    #[arg(long, conflicts_with_all = ["no_dev", "group", "all_groups"])]
    pub only_dev: bool,
    /// Includes an extra of the project.
    #[arg(long, value_name = "EXTRA")]
    pub extra: Vec<ExtraName>,
    /// Leaves out an extra, with `--all-extras`.
    #[arg(long, value_name = "EXTRA")]
    pub no_extra: Vec<ExtraName>,
    /// Includes every extra of the project.
    #[arg(long)]
    pub all_extras: bool,
}

impl From<&GroupArgs> for GroupRequest {
    fn from(args: &GroupArgs) -> Self {
        Self {
            groups: args.group.iter().cloned().collect(),
            no_groups: args.no_group.iter().cloned().collect(),
            only_groups: args.only_group.iter().cloned().collect(),
            extras: args.extra.iter().cloned().collect(),
            no_extras: args.no_extra.iter().cloned().collect(),
            all_groups: args.all_groups,
            all_extras: args.all_extras,
            no_dev: args.no_dev,
            only_dev: args.only_dev,
            no_default_groups: args.no_default_groups,
        }
    }
}
