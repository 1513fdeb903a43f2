//! Four real projects over the network: what is made of their locks is what uv makes of them, file by file.
//!
//! uv is told the platform that environments are made for here. What may differ, and nothing else:
//! `INSTALLER`, the order of `RECORD`, launchers, bytecode, `.pth` files, which are relative here, what
//! a compiler writes, which holds the folder of the build, and the hash of `uv_cache.json` in `RECORD`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use dhtl_test_kit::host::pyenv_build;
use dhtl_test_kit::snapshot::Item;
use dhtl_test_kit::{Output, Sandbox, Snapshot};

const PYTHON: &str = "3.11.7";
const SITE: &str = "lib/python3.11/site-packages";
/// Where the locks say that repositories are; the test puts them elsewhere.
const REPOSITORIES: &str = "file:///repositories";
/// The commit that the lock names. It is the same wherever it is made: author and time are given.
const COMMIT: &str = "5c48291f71abc8fa8b1ad7c79037fe866b4d0e87";

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(path)
}

struct Project {
    sandbox: Sandbox,
    folder: PathBuf,
    /// Options for `dhtl` alone.
    own: Vec<String>,
    /// The files that a compiler of this machine writes.
    compiled: &'static [&'static str],
}

impl Project {
    fn new(name: &str) -> Self {
        let build = pyenv_build(PYTHON).expect("a pyenv build");
        let versions = build.parent().and_then(Path::parent).unwrap();
        let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_dhtl"))
            .with_host_program("uv")
            .with_path(build.join("bin"))
            .with_path("/usr/bin")
            .with_path("/bin")
            .with_network()
            .with_var("PYENV_ROOT", versions)
            .with_var("UV_PYTHON_DOWNLOADS", "never");
        let source = fixture("projects").join(name);
        let folder = sandbox.project(name).copy_of(&source).build();
        Self {
            sandbox,
            folder,
            own: Vec::new(),
            compiled: &[],
        }
    }

    /// Makes the repository that the lock names, in the sandbox.
    fn with_repository(mut self, name: &str) -> Self {
        let at = self.sandbox.root().join("repositories");
        let folder = dhtl_test_kit::ProjectBuilder::at(at.join(name))
            .copy_of(&fixture("repositories").join(name))
            .build();
        let git = |args: &[&str]| {
            let mut run = self.sandbox.run("/usr/bin/git").in_folder(&folder);
            for role in ["AUTHOR", "COMMITTER"] {
                run = run
                    .var(format!("GIT_{role}_NAME"), "a")
                    .var(format!("GIT_{role}_EMAIL"), "a@example.org")
                    .var(format!("GIT_{role}_DATE"), "2024-03-01T00:00:00Z");
            }
            run.args(args).output().success()
        };
        let _ = git(&["init", "-q", "-b", "main"]);
        let _ = git(&["add", "."]);
        let _ = git(&["commit", "-q", "-m", "one"]);
        assert_eq!(git(&["rev-parse", "HEAD"]).stdout.trim(), COMMIT);
        let place = url::Url::from_directory_path(&at).unwrap();
        for file in ["pyproject.toml", "uv.lock"] {
            let path = self.folder.join(file);
            let text = fs::read_to_string(&path).unwrap();
            let text = text.replace(&format!("{REPOSITORIES}/"), place.as_str());
            fs::write(&path, text).unwrap();
        }
        let allow = ["--allow-folder".to_owned(), at.to_str().unwrap().to_owned()];
        self.own.extend(allow);
        self
    }

    fn uv(&self, args: &[&str], groups: &[&str]) -> Output {
        let uv = self.sandbox.root().join("bin/uv");
        let run = self.sandbox.run(uv).args(args).args(groups);
        run.in_folder(&self.folder).output()
    }

    fn dhtl(&self, args: &[&str]) -> Output {
        let run = self.sandbox.dhtl_run().args(args).in_folder(&self.folder);
        run.output()
    }

    /// Has uv and then dhtl install the lock with these groups, and compares. Returns the packages.
    fn agrees(&self, groups: &[&str]) -> BTreeSet<String> {
        let venv = self.folder.join(".venv");
        let [ours, theirs] = ["ours", "theirs"].map(|name| self.sandbox.root().join(name));
        if venv.exists() {
            fs::rename(&venv, &ours).unwrap();
        }
        let platform = format!("{}-manylinux_2_28", std::env::consts::ARCH);
        let sync = ["sync", "-q", "--frozen", "--python-platform", &platform];
        let _ = self.uv(&sync, groups).success();
        let _ = fs::remove_dir_all(&theirs);
        fs::rename(&venv, &theirs).unwrap();
        if ours.exists() {
            fs::rename(&ours, &venv).unwrap();
        }

        let mut args = vec!["regenerate"];
        args.extend(self.own.iter().map(String::as_str));
        args.extend(groups);
        let _ = self.dhtl(&args).success();
        let _ = self
            .uv(&["sync", "--check", "--frozen"], groups)
            .success()
            .warns("Would make no changes");
        let _ = self
            .uv(&["pip", "check"], &[])
            .success()
            .warns("All installed packages are compatible");
        self.compare(&theirs.join(SITE), &venv.join(SITE));
        args[0] = "validate-env";
        args.push("--deep");
        let _ = self.dhtl(&args).success();
        let names = fs::read_dir(venv.join(SITE)).unwrap();
        names
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| Some(name.strip_suffix(".dist-info")?.to_owned()))
            .collect()
    }

    /// Asserts that two folders of packages hold the same.
    fn compare(&self, theirs: &Path, ours: &Path) {
        let read =
            |folder: &Path| Snapshot::of(folder).without(|path| path.contains("__pycache__"));
        let (left, right) = (read(theirs), read(ours));
        assert!(left.items.len() > 1000, "{}", left.items.len());
        let paths: BTreeSet<&String> = left.items.keys().chain(right.items.keys()).collect();
        let mut wrong = Vec::new();
        for path in paths {
            let same = match (left.items.get(path), right.items.get(path)) {
                (Some(left), Some(right)) if content(left) == content(right) => true,
                (Some(Item::File { .. }), Some(Item::File { .. })) => {
                    self.may_differ(path, theirs, ours)
                }
                _ => false,
            };
            if !same {
                wrong.push(path);
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    fn may_differ(&self, path: &str, theirs: &Path, ours: &Path) -> bool {
        let text = |folder: &Path| fs::read_to_string(folder.join(path)).unwrap();
        let name = path.rsplit('/').next().unwrap();
        if self.compiled.iter().any(|file| path.starts_with(file)) {
            return true;
        }
        match name {
            "INSTALLER" => true,
            "RECORD" => self.rows(&text(theirs)) == self.rows(&text(ours)),
            _ if name.ends_with(".pth") => {
                let lines = |text: String, site: &Path| -> Vec<PathBuf> {
                    let lines = text.lines().map(|line| site.join(line));
                    lines.map(|path| path.canonicalize().unwrap()).collect()
                };
                let found = text(ours);
                !found.starts_with('/') && lines(found, ours) == lines(text(theirs), theirs)
            }
            _ => false,
        }
    }

    /// The rows of a `RECORD`: path, then hash and size where they may not differ.
    fn rows(&self, text: &str) -> BTreeMap<String, String> {
        let rows = text.lines().map(|line| {
            let path = line.rsplitn(3, ',').last().unwrap().to_owned();
            let free = path.starts_with("../../../bin/")
                || path.ends_with("/INSTALLER")
                || path.ends_with("/uv_cache.json")
                || path.ends_with(".pth")
                || self.compiled.iter().any(|file| path.starts_with(file));
            let rest = if free { "" } else { &line[path.len()..] };
            let rest = rest.to_owned();
            (path, rest)
        });
        rows.collect()
    }

    fn says(&self, program: &str, args: &[&str]) -> String {
        let program = self.folder.join(".venv/bin").join(program);
        self.sandbox
            .run(program)
            .args(args)
            .output()
            .success()
            .stdout
    }
}

/// What two files have to have in common: the bytes, and whether they can be run.
fn content(item: &Item) -> (&str, bool) {
    match item {
        Item::Folder { .. } => ("folder", false),
        Item::File { mode, digest, .. } => (digest, mode & 0o100 != 0),
        Item::Symlink { target } => (target, false),
    }
}

#[test]
fn the_locks_name_no_index_but_the_public_one() {
    for name in ["web", "science", "workspace", "sources"] {
        let lock = fs::read_to_string(fixture("projects").join(name).join("uv.lock")).unwrap();
        let hosts = lock.split("://").skip(1);
        let hosts: BTreeSet<&str> = hosts.filter_map(|rest| rest.split('/').next()).collect();
        // An empty host is that of `file:///repositories`.
        let expected = ["", "files.pythonhosted.org", "pypi.org"];
        assert!(hosts.is_subset(&expected.into()), "{name}: {hosts:?}");
        assert!(!lock.contains("http://"), "{name}");
        for (at, _) in lock.match_indices("file://") {
            assert!(lock[at..].starts_with(REPOSITORIES), "{name}");
        }
    }
}

#[test]
#[ignore = "network"]
fn a_web_application() {
    let project = Project::new("web");
    let all = project.agrees(&[]);
    assert!(all.len() > 150, "{all:?}");
    let versions =
        "import django, fastapi, sqlalchemy, PIL, psycopg; print(fastapi.FastAPI.__name__)";
    assert_eq!(project.says("python", &["-c", versions]), "FastAPI\n");
    assert_eq!(project.says("parcel-desk", &[]), "parcel-desk\n");
    // The same folder, changed in place to other groups and an extra.
    let some = project.agrees(&["--no-default-groups", "--extra", "graphql"]);
    assert!(some.len() < all.len() && !some.is_subset(&all), "{some:?}");
}

#[test]
#[ignore = "network"]
fn a_stack_for_data_science() {
    let project = Project::new("science");
    let all = project.agrees(&[]);
    assert!(all.len() > 60, "{all:?}");
    let sum = "import numpy, pandas, scipy.linalg, sklearn, matplotlib; print(numpy.ones(3).sum())";
    assert_eq!(project.says("python", &["-c", sum]), "3.0\n");
}

#[test]
#[ignore = "network"]
fn a_workspace_of_members() {
    let project = Project::new("workspace");
    let all = project.agrees(&[]);
    assert!(all.len() > 50, "{all:?}");
    let members: Vec<&String> = all.iter().filter(|it| it.starts_with("harbour")).collect();
    let expected = ["api-1.2.0", "cli-1.0.1", "core-1.0.0", "worker-0.9.0"];
    assert_eq!(
        members,
        expected
            .map(|it| format!("harbour_{it}"))
            .iter()
            .collect::<Vec<_>>()
    );
    for (program, said) in [
        ("harbour", "cli"),
        ("harbour-api", "api"),
        ("harbour-worker", "worker"),
    ] {
        assert_eq!(project.says(program, &[]), format!("harbour-{said}\n"));
    }
}

#[test]
#[ignore = "network"]
fn packages_from_sources_and_repositories() {
    let mut project = Project::new("sources").with_repository("buoy");
    project.compiled = &["markupsafe/_speedups."];
    let all = project.agrees(&[]);
    assert!(all.len() > 100, "{all:?}");
    for program in ["lightship", "buoy", "rope"] {
        assert_eq!(project.says(program, &[]), format!("{program}\n"));
    }
    let import = "import anchor, lamps, docopt, sgmllib, sqlparse, markupsafe._speedups; print(sqlparse.__version__)";
    assert_eq!(project.says("python", &["-c", import]), "0.5.5\n");
    // Nothing is built twice, nor is uv or git needed for it.
    fs::remove_dir_all(project.folder.join(".venv")).unwrap();
    let mut args = vec!["regenerate", "--offline"];
    args.extend(project.own.iter().map(String::as_str));
    let run = project.sandbox.dhtl_run().args(args).var("PATH", "");
    let _ = run.in_folder(&project.folder).output().success();
    assert_eq!(project.says("lightship", &[]), "lightship\n");
}
