//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Measures dhtl and uv side by side and prints a markdown table.
#[derive(Debug, Parser)]
#[command(name = "compare", version)]
pub struct Args {
    /// The project to make environments of: a folder with `pyproject.toml` and `uv.lock`.
    #[arg(long)]
    pub project: PathBuf,
    /// The uv program.
    #[arg(long, default_value = "uv")]
    pub uv: PathBuf,
    /// The dhtl program; without it, only uv and the floors are measured.
    #[arg(long)]
    pub dhtl: Option<PathBuf>,
    /// A second project of the same name, to switch to and from.
    #[arg(long)]
    pub other: Option<PathBuf>,
    /// A folder of the lock's wheels, for the cold scenario; filled by pip when it is empty.
    #[arg(long)]
    pub wheels: Option<PathBuf>,
    /// Where everything is made. Must be one file system, with room for about 40 MB a run.
    #[arg(long, default_value = "target/compare")]
    pub scratch: PathBuf,
    /// The interpreter's exact version.
    #[arg(long, default_value = "3.11.7")]
    pub python: String,
    /// Runs of each subject.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub runs: u32,
    /// Threads of the floors.
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// Only these scenarios: warm-hardlink, warm-symlink, bytecode, no-change, switch, validate, deep, cold.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// Modules whose first import is measured with `bytecode`.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "pandas,sklearn.ensemble,matplotlib.pyplot,polars,pyarrow,django.forms,statsmodels.api,fastapi"
    )]
    pub imports: Vec<String>,
    /// Keep the scratch folder.
    #[arg(long)]
    pub keep: bool,
}

impl Args {
    /// Whether a scenario was asked for.
    pub fn wants(&self, scenario: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == scenario)
    }
}
