//! Nothing is known: caches are empty, and the wheels come from a folder over the loopback address.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use dhtl_test_kit::{LoopbackIndex, ProjectBuilder, host::pyenv_build};

use crate::floors::Tree;
use crate::lab::Lab;
use crate::process::{Sample, measure};
use crate::stats::{Row, Subject, alternate};

/// Empty caches; dhtl's store holds the Python, as the machine holds uv's.
pub fn cold(lab: &Lab<'_>, _tree: &Tree) -> io::Result<Vec<Row>> {
    let wheels = wheels(lab)?;
    let index = LoopbackIndex::serve(&wheels);
    let lock = index.rewrite_lock(&fs::read_to_string(lab.reference().join("uv.lock"))?);
    let project = |lab: &Lab<'_>| -> io::Result<PathBuf> {
        let project = lab.fresh_project();
        fs::write(project.join("uv.lock"), &lock)?;
        Ok(project)
    };
    let mut subjects = vec![Subject::new("uv (never syncs to disk)", |_| {
        let (project, cache) = (project(lab)?, lab.fresh("uv-cache"));
        let mut uv = lab.uv(&project);
        measure(
            uv.args(["sync", "--frozen", "--link-mode", "hardlink"])
                .env("UV_CACHE_DIR", cache),
        )
    })];
    if lab.has_dhtl() {
        subjects.push(Subject::new("dhtl (one sync included)", |_| {
            let (project, home) = (project(lab)?, lab.fresh("dht"));
            prime_python(lab, &home)?;
            let args = ["regenerate", "--yes", "--link-mode", "hardlink"];
            measure(lab.dhtl(&project, &args).env("DHT_HOME", home))
        }));
    }
    subjects.push(Subject::new("the sync alone, after uv", |_| {
        let (project, cache) = (project(lab)?, lab.fresh("uv-cache"));
        let mut uv = lab.uv(&project);
        measure(
            uv.args(["sync", "--frozen", "--link-mode", "hardlink"])
                .env("UV_CACHE_DIR", cache),
        )?;
        let begin = std::time::Instant::now();
        sync_file_system(&project)?;
        Ok(Sample::of_wall(begin.elapsed()))
    }));
    alternate("cold", lab.args.runs, subjects)
}

#[cfg(target_os = "linux")]
fn sync_file_system(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(fs::File::open(path)?)?)
}

#[cfg(not(target_os = "linux"))]
fn sync_file_system(_path: &Path) -> io::Result<()> {
    rustix::fs::sync();
    Ok(())
}

/// Regenerates a project without any dependency, so that the store has the Python.
fn prime_python(lab: &Lab<'_>, home: &Path) -> io::Result<()> {
    let project = ProjectBuilder::at(lab.fresh("empty"))
        .pyproject(">=3.11", &[])
        .build();
    measure(lab.uv(&project).args(["lock", "--offline"]))?;
    measure(
        lab.dhtl(&project, &["regenerate", "--yes"])
            .env("DHT_HOME", home),
    )?;
    Ok(())
}

/// The folder of wheels, filled by pip from the lock's own hashes when it is empty.
fn wheels(lab: &Lab<'_>) -> io::Result<PathBuf> {
    let folder = match &lab.args.wheels {
        Some(folder) => folder.clone(),
        None => lab.fresh("wheels"),
    };
    fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    if fs::read_dir(&folder)?.next().is_some() {
        return Ok(folder);
    }
    eprintln!(
        "cold: fetching the lock's wheels into `{}`",
        folder.display()
    );
    let requirements = lab.fresh("requirements.txt");
    let mut export = lab.uv(&lab.reference());
    export.args([
        "export",
        "--frozen",
        "--offline",
        "--no-emit-project",
        "--output-file",
    ]);
    measure(export.arg(&requirements))?;
    let build = pyenv_build(&lab.args.python).ok_or_else(|| {
        io::Error::other(format!(
            "a pyenv build of CPython {} with pip is needed",
            lab.args.python
        ))
    })?;
    let mut pip = Command::new(build.join("bin/python3"));
    pip.args([
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--require-hashes",
        "--quiet",
        "-r",
    ]);
    measure(pip.arg(&requirements).arg("-d").arg(&folder))?;
    Ok(folder)
}
