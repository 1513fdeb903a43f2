//! Where it all happens: one scratch folder on one file system, with a cache or store for each tool.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use dhtl_test_kit::ProjectBuilder;
use rayon::ThreadPool;

use crate::args::Args;
use crate::floors::Tree;
use crate::process::measure;

/// The scratch folder and the programs.
pub struct Lab<'a> {
    /// What was asked for.
    pub args: &'a Args,
    /// The threads of the floors.
    pub pool: ThreadPool,
    scratch: PathBuf,
    project: PathBuf,
    made: AtomicU32,
}

impl<'a> Lab<'a> {
    /// Makes the scratch folder; one that stands is refused, since its deletion would spoil the first figures.
    pub fn new(args: &'a Args) -> io::Result<Self> {
        if let Some(parent) = args.scratch.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::create_dir(&args.scratch).map_err(|e| {
            io::Error::other(format!(
                "scratch folder `{}`: {e}; name one that is not there",
                args.scratch.display()
            ))
        })?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(args.threads)
            .build()
            .map_err(io::Error::other)?;
        Ok(Self {
            args,
            pool,
            scratch: args.scratch.canonicalize()?,
            project: args.project.canonicalize()?,
            made: AtomicU32::new(0),
        })
    }

    /// Fills both caches and makes the reference environment, by hardlinks out of uv's cache.
    pub fn prepare(&self) -> io::Result<()> {
        ProjectBuilder::at(self.reference())
            .copy_of(&self.project)
            .build();
        measure(
            self.uv(&self.reference())
                .args(["sync", "--frozen", "--link-mode", "hardlink"]),
        )?;
        if self.has_dhtl() {
            let folder = self.fresh_project();
            measure(&mut self.dhtl(&folder, &["regenerate", "--yes", "--link-mode", "hardlink"]))?;
        }
        Ok(())
    }

    /// The project whose `.venv` the floors copy.
    pub fn reference(&self) -> PathBuf {
        self.scratch.join("reference")
    }

    /// A path below the scratch folder that nothing has had before.
    pub fn fresh(&self, what: &str) -> PathBuf {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        self.scratch.join(format!("{number:04}-{what}"))
    }

    /// A copy of the project, without an environment.
    pub fn fresh_project(&self) -> PathBuf {
        ProjectBuilder::at(self.fresh("project"))
            .copy_of(&self.project)
            .build()
    }

    /// Whether dhtl takes part.
    pub fn has_dhtl(&self) -> bool {
        self.args.dhtl.is_some()
    }

    /// uv, in a project, with the cache of this lab.
    pub fn uv(&self, project: &Path) -> Command {
        let mut command = Command::new(&self.args.uv);
        command
            .arg("--quiet")
            .current_dir(project)
            .env("UV_CACHE_DIR", self.scratch.join("uv-cache"))
            .env("UV_PYTHON", &self.args.python)
            .env("UV_PYTHON_DOWNLOADS", "never");
        without_leanings(&mut command);
        command
    }

    /// dhtl, in a project, with the store of this lab. Only called when there is one.
    pub fn dhtl(&self, project: &Path, args: &[&str]) -> Command {
        let program = self.args.dhtl.as_deref().unwrap_or(Path::new("dhtl"));
        let program = program
            .canonicalize()
            .unwrap_or_else(|_| program.to_path_buf());
        let mut command = Command::new(program);
        command
            .args(args)
            .arg("-C")
            .arg(project)
            .current_dir(project)
            .env("DHT_HOME", self.scratch.join("dht"))
            .env_remove("DHT_STORE");
        if args.first() == Some(&"regenerate") {
            command.arg("--python").arg(&self.args.python);
        }
        without_leanings(&mut command);
        command
    }

    /// What is compared, in one line for above the table.
    pub fn describe(&self, tree: &Tree) -> io::Result<String> {
        let mut versions = vec![version(&self.args.uv)?];
        if let Some(dhtl) = &self.args.dhtl {
            versions.push(version(dhtl)?);
        }
        Ok(format!(
            "{}; {} files, {} folders, {} MB; {} runs each, floors with {} threads",
            versions.join(", "),
            tree.files(),
            tree.folders(),
            tree.bytes / 1_000_000,
            self.args.runs,
            self.args.threads,
        ))
    }

    /// Deletes the scratch folder, now that nothing is timed any more.
    pub fn finish(&self, keep: bool) -> io::Result<()> {
        if keep {
            Ok(())
        } else {
            fs::remove_dir_all(&self.scratch)
        }
    }
}

/// The calling shell's own wishes are not part of the comparison: an environment in use, and bytecode switched off.
fn without_leanings(command: &mut Command) {
    for name in [
        "VIRTUAL_ENV",
        "PYTHONDONTWRITEBYTECODE",
        "UV_PROJECT_ENVIRONMENT",
        "UV_LINK_MODE",
    ] {
        command.env_remove(name);
    }
}

/// A program's Python, freed of the same wishes.
pub fn python(venv: &Path) -> Command {
    let mut command = Command::new(venv.join("bin/python"));
    without_leanings(&mut command);
    command
}

fn version(program: &Path) -> io::Result<String> {
    let said = Command::new(program).arg("--version").output()?;
    Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
}
