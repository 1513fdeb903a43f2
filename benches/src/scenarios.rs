//! The scenarios, in the order in which they are run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::cold;
use crate::floors::Tree;
use crate::lab::{Lab, python};
use crate::process::{Sample, measure};
use crate::stats::{Row, Subject, alternate};

/// Measures one scenario.
pub type Scenario = fn(&Lab<'_>, &Tree) -> io::Result<Vec<Row>>;

/// Every scenario by name.
pub fn all() -> Vec<(&'static str, Scenario)> {
    vec![
        ("warm-hardlink", warm_hardlink),
        ("warm-symlink", warm_symlink),
        ("bytecode", bytecode),
        ("no-change", no_change),
        ("switch", switch),
        ("validate", validate),
        ("deep", deep),
        ("cold", cold::cold),
    ]
}

const UV_SYNC: [&str; 3] = ["sync", "--frozen", "--offline"];
const DHTL_REGENERATE: [&str; 3] = ["regenerate", "--offline", "--yes"];

/// A sync of a fresh project; the project comes back too.
fn uv_fresh(lab: &Lab<'_>, more: &[&str]) -> io::Result<(PathBuf, Sample)> {
    let project = lab.fresh_project();
    let sample = measure(lab.uv(&project).args(UV_SYNC).args(more))?;
    Ok((project, sample))
}

fn dhtl_fresh(lab: &Lab<'_>, more: &[&str]) -> io::Result<(PathBuf, Sample)> {
    let project = lab.fresh_project();
    let args = [&DHTL_REGENERATE, more].concat();
    let sample = measure(&mut lab.dhtl(&project, &args))?;
    Ok((project, sample))
}

/// Caches full, no environment: hardlinks.
fn warm_hardlink(lab: &Lab<'_>, tree: &Tree) -> io::Result<Vec<Row>> {
    let mut subjects = vec![Subject::new("uv", |_| {
        Ok(uv_fresh(lab, &["--link-mode", "hardlink"])?.1)
    })];
    if lab.has_dhtl() {
        subjects.push(Subject::new("dhtl", |_| {
            Ok(dhtl_fresh(lab, &["--link-mode", "hardlink"])?.1)
        }));
    }
    subjects.push(Subject::new("floor: mkdir and linkat", |_| {
        Ok(Sample::of_wall(tree.link_into(
            &lab.fresh("floor"),
            &lab.pool,
            false,
        )?))
    }));
    subjects.push(Subject::new("mkdir, statx and linkat", |_| {
        Ok(Sample::of_wall(tree.link_into(
            &lab.fresh("floor"),
            &lab.pool,
            true,
        )?))
    }));
    alternate("warm-hardlink", lab.args.runs, subjects)
}

/// Caches full, no environment: symlinks.
fn warm_symlink(lab: &Lab<'_>, tree: &Tree) -> io::Result<Vec<Row>> {
    let mut subjects = vec![
        Subject::new("uv", |_| Ok(uv_fresh(lab, &["--link-mode", "symlink"])?.1)),
        Subject::new("uv at its fastest: hardlink", |_| {
            Ok(uv_fresh(lab, &["--link-mode", "hardlink"])?.1)
        }),
    ];
    if lab.has_dhtl() {
        // The first time compiles the bytecode; this is about every time after it.
        dhtl_fresh(lab, &["--link-mode", "symlink"])?;
        subjects.push(Subject::new("dhtl: every file", |_| {
            Ok(dhtl_fresh(lab, &["--link-mode", "symlink"])?.1)
        }));
        subjects.push(Subject::new("dhtl --quick: folders alone", |_| {
            Ok(dhtl_fresh(lab, &["--link-mode", "symlink", "--quick"])?.1)
        }));
    }
    subjects.push(Subject::new(
        "floor: a symlink for each top-level name",
        |_| {
            let (_, wall) = tree.symlink_tops(&lab.fresh("floor"))?;
            Ok(Sample::of_wall(wall))
        },
    ));
    alternate("warm-symlink", lab.args.runs, subjects)
}

/// Caches full, no environment, and then the first import of large libraries.
fn bytecode(lab: &Lab<'_>, _tree: &Tree) -> io::Result<Vec<Row>> {
    let code = format!("import {}", lab.args.imports.join(", "));
    let import = |project: &Path| measure(python(&project.join(".venv")).args(["-c", &code]));
    let standing = standing_uv(lab, &["--compile-bytecode"])?;
    let mut subjects = vec![
        Subject::new("uv, then import", |_| {
            let (project, sample) = uv_fresh(lab, &["--link-mode", "hardlink"])?;
            Ok(sample.and(import(&project)?))
        }),
        Subject::new("uv --compile-bytecode, then import", |_| {
            let (project, sample) =
                uv_fresh(lab, &["--link-mode", "hardlink", "--compile-bytecode"])?;
            Ok(sample.and(import(&project)?))
        }),
    ];
    if lab.has_dhtl() {
        let with_bytecode = ["--link-mode", "hardlink", "--compile-bytecode"];
        // The first time compiles; this is about every time after it.
        dhtl_fresh(lab, &with_bytecode)?;
        subjects.push(Subject::new(
            "dhtl --compile-bytecode, then import",
            move |_| {
                let (project, sample) = dhtl_fresh(lab, &with_bytecode)?;
                Ok(sample.and(import(&project)?))
            },
        ));
    }
    subjects.push(Subject::new("floor: import with bytecode", |_| {
        import(&standing)
    }));
    alternate("bytecode", lab.args.runs, subjects)
}

fn standing_uv(lab: &Lab<'_>, more: &[&str]) -> io::Result<PathBuf> {
    let more = [&["--link-mode", "hardlink"], more].concat();
    Ok(uv_fresh(lab, &more)?.0)
}

fn standing_dhtl(lab: &Lab<'_>) -> io::Result<PathBuf> {
    Ok(dhtl_fresh(lab, &["--link-mode", "hardlink"])?.0)
}

/// The environment stands and is right.
fn no_change(lab: &Lab<'_>, tree: &Tree) -> io::Result<Vec<Row>> {
    let project = standing_uv(lab, &[])?;
    let mut subjects = vec![Subject::new("uv: names and versions", |_| {
        measure(
            lab.uv(&project)
                .args(UV_SYNC)
                .args(["--link-mode", "hardlink"]),
        )
    })];
    if lab.has_dhtl() {
        let project = standing_dhtl(lab)?;
        let args = [&DHTL_REGENERATE[..], &["--link-mode", "hardlink"]].concat();
        let quick = [&args[..], &["--quick"]].concat();
        let same = project.clone();
        subjects.push(Subject::new("dhtl: every file", move |_| {
            measure(&mut lab.dhtl(&project, &args))
        }));
        subjects.push(Subject::new(
            "dhtl --quick: inputs and folders",
            move |_| measure(&mut lab.dhtl(&same, &quick)),
        ));
    }
    subjects.push(look_floor(lab, tree));
    alternate("no-change", lab.args.runs, subjects)
}

fn look_floor<'a>(lab: &'a Lab<'_>, tree: &'a Tree) -> Subject<'a> {
    Subject::new("floor: statx of each file", |_| {
        Ok(Sample::of_wall(tree.look_at_each(&lab.pool)?))
    })
}

/// The environment stands, and the lock changes to and fro.
fn switch(lab: &Lab<'_>, _tree: &Tree) -> io::Result<Vec<Row>> {
    let Some(other) = &lab.args.other else {
        eprintln!("switch: left out, there is no --other project");
        return Ok(Vec::new());
    };
    let locks = [&lab.reference(), other].map(|folder| {
        ["pyproject.toml", "uv.lock"].map(|name| (name, fs::read(folder.join(name))))
    });
    let mut states = Vec::new();
    for files in locks {
        let [project, lock] = files;
        states.push([(project.0, project.1?), (lock.0, lock.1?)]);
    }
    // The standing environments are of the first lock, so the first switch is to the second.
    let change = |project: &Path, to: usize| {
        states[to % 2]
            .iter()
            .try_for_each(|(name, content)| fs::write(project.join(name), content))
    };
    let project = standing_uv(lab, &[])?;
    fetch_other(lab, &project, &change)?;
    let mut subjects = vec![Subject::new("uv", |run| {
        change(&project, run as usize + 1)?;
        measure(
            lab.uv(&project)
                .args(UV_SYNC)
                .args(["--link-mode", "hardlink"]),
        )
    })];
    if lab.has_dhtl() {
        let change = &change;
        for (name, more) in [
            ("dhtl: every file", &[][..]),
            ("dhtl --quick: what changes", &["--quick"][..]),
        ] {
            let project = standing_dhtl(lab)?;
            for state in [1, 0] {
                change(&project, state)?;
                let args = ["regenerate", "--yes", "--link-mode", "hardlink"];
                measure(&mut lab.dhtl(&project, &args))?;
            }
            let args = [&DHTL_REGENERATE[..], &["--link-mode", "hardlink"], more].concat();
            subjects.push(Subject::new(name, move |run| {
                change(&project, run as usize + 1)?;
                measure(&mut lab.dhtl(&project, &args))
            }));
        }
    }
    alternate("switch", lab.args.runs, subjects)
}

/// Goes to the second lock and back, with the network, so that uv's cache holds both.
fn fetch_other(
    lab: &Lab<'_>,
    project: &Path,
    change: &impl Fn(&Path, usize) -> io::Result<()>,
) -> io::Result<()> {
    for state in [1, 0] {
        change(project, state)?;
        measure(
            lab.uv(project)
                .args(["sync", "--frozen", "--link-mode", "hardlink"]),
        )?;
    }
    Ok(())
}

/// Is the environment right, by stat?
fn validate(lab: &Lab<'_>, tree: &Tree) -> io::Result<Vec<Row>> {
    let project = standing_uv(lab, &[])?;
    let mut subjects = vec![Subject::new("uv sync --check: names and versions", |_| {
        measure(lab.uv(&project).args(UV_SYNC).arg("--check"))
    })];
    if lab.has_dhtl() {
        let project = standing_dhtl(lab)?;
        let quick = project.clone();
        subjects.push(Subject::new("dhtl validate-env: every file", move |_| {
            measure(&mut lab.dhtl(&project, &["validate-env"]))
        }));
        subjects.push(Subject::new(
            "dhtl validate-env --quick: inputs and folders",
            move |_| measure(&mut lab.dhtl(&quick, &["validate-env", "--quick"])),
        ));
    }
    subjects.push(look_floor(lab, tree));
    alternate("validate", lab.args.runs, subjects)
}

/// Is the environment right, byte by byte? Nobody else answers that.
fn deep(lab: &Lab<'_>, tree: &Tree) -> io::Result<Vec<Row>> {
    let mut subjects = Vec::new();
    if lab.has_dhtl() {
        let project = standing_dhtl(lab)?;
        subjects.push(Subject::new("dhtl validate-env --deep", move |_| {
            measure(&mut lab.dhtl(&project, &["validate-env", "--deep"]))
        }));
    }
    subjects.push(Subject::new(
        "floor: reading and BLAKE3 of each file",
        |_| Ok(Sample::of_wall(tree.hash_each(&lab.pool)?)),
    ));
    alternate("deep", lab.args.runs, subjects)
}
