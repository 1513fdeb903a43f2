//! The options of every command, and what is made of them.

use std::path::PathBuf;

use clap::{ArgAction, Args};

use super::vars;
use crate::ui::output::Color;

/// The options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Works as if started in this folder.
    #[arg(short = 'C', long, global = true, value_name = "FOLDER")]
    pub directory: Option<PathBuf>,

    /// Uses nothing but what is on this machine.
    #[arg(long, global = true, env = vars::DHT_OFFLINE, value_parser = clap::builder::BoolishValueParser::new(), num_args = 0, default_missing_value = "true", default_value = "false", action = ArgAction::Set)]
    pub offline: bool,

    /// Agrees to every question; without a terminal nothing is asked, and nothing agreed.
    #[arg(short, long, global = true)]
    pub yes: bool,

    /// Prints results as JSON, in a versioned schema.
    #[arg(long, global = true)]
    pub json: bool,

    /// Says nothing but results and errors.
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// Says more; given twice, more still.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    /// When to use colours: auto, always or never.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        env = vars::DHT_COLOR
    )]
    pub color: Color,

    /// Shows no progress bars.
    #[arg(long, global = true, env = vars::DHT_NO_PROGRESS, value_parser = clap::builder::BoolishValueParser::new(), num_args = 0, default_missing_value = "true", default_value = "false", action = ArgAction::Set)]
    pub no_progress: bool,

    /// The folder of dhtl's own files [default: ~/.dht].
    #[arg(
        long,
        global = true,
        env = vars::DHT_HOME,
        value_name = "FOLDER",
        hide_env_values = true
    )]
    pub home: Option<PathBuf>,

    /// The store [default: the folder `store` in dhtl's home]. Use one on the project's file system:
    /// hardlinks cannot cross.
    #[arg(
        long,
        global = true,
        env = vars::DHT_STORE,
        value_name = "FOLDER",
        hide_env_values = true
    )]
    pub store: Option<PathBuf>,

    /// Takes another build of Python where the one that the project pins cannot be reached; the
    /// fingerprint is another one then.
    #[arg(long, global = true, env = vars::DHT_ANY_PYTHON, value_parser = clap::builder::BoolishValueParser::new(), num_args = 0, default_missing_value = "true", default_value = "false", action = ArgAction::Set)]
    pub any_python: bool,

    /// A folder outside of the project that the lock may name by an absolute path or a `file`
    /// address. Only the user can say so, never the repository.
    #[arg(
        long = "allow-folder",
        global = true,
        env = "DHT_ALLOW_FOLDERS",
        value_name = "FOLDER",
        value_delimiter = PATH_DELIMITER,
        hide_env_values = true
    )]
    pub allowed_folders: Vec<PathBuf>,

    /// An origin such as `http://mirror.internal:8080` that the lock may name although what comes
    /// from there can be read and changed on its way; hashes are still checked.
    #[arg(
        long = "allow-origin",
        global = true,
        env = "DHT_ALLOW_ORIGINS",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub allowed_origins: Vec<String>,
}

/// What stands between the folders in an environment variable.
const PATH_DELIMITER: char = if cfg!(windows) { ';' } else { ':' };
