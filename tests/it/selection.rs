//! Locks of real projects, held against what uv itself would install.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dhtl::env::select::select;
use dhtl::model::groups::GroupRequest;
use dhtl::model::pylock::{LockOrigin, LockPolicy, Pylock};
use dhtl::model::python::{Implementation, PythonRequest};
use dhtl::model::selection::{Selection, Source};
use dhtl::model::target::Target;
use dhtl::tools::runner::{Call, Cancel};
use dhtl::tools::uv::{ExportRequest, Freshness, Uv};
use dhtl_test_kit::host::{host_program, pyenv_build};

const PYTHON: &str = "3.11.7";

fn uv() -> PathBuf {
    host_program("uv").expect("uv on PATH")
}

fn python() -> PathBuf {
    pyenv_build(PYTHON)
        .expect("a pyenv build")
        .join("bin/python3")
}

/// Runs uv in a project and returns everything it told.
fn run_uv(project: &Path, args: &[&str]) -> String {
    let call = Call::new(&uv())
        .folder(project)
        .without_env(["VIRTUAL_ENV"]);
    let output = call.args(args).run(&Cancel::default()).unwrap();
    output.stderr + &String::from_utf8(output.stdout).unwrap()
}

struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let project = Self { folder };
        project.lock();
        project
    }

    fn lock(&self) {
        let python = python();
        run_uv(
            self.path(),
            &["lock", "-q", "--python", python.to_str().unwrap()],
        );
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn export(&self, groups: &GroupRequest) -> String {
        let request = ExportRequest {
            project: self.path(),
            groups,
            freshness: Freshness::Frozen,
            all_packages: false,
            packages: &[],
            python: None,
        };
        Uv::at(&uv()).export(&request, &Cancel::default()).unwrap()
    }

    fn select(&self, groups: &GroupRequest, platform: &str) -> Selection {
        let origin = LockOrigin {
            file: self.path().join("uv.lock"),
            folder: self.path().to_owned(),
        };
        let policy = LockPolicy {
            allowed_folders: vec![std::env::temp_dir()],
            ..LockPolicy::default()
        };
        let lock = Pylock::parse(&self.export(groups), &origin, &policy).unwrap();
        let target = Target {
            platform: platform.parse().unwrap(),
            python: PythonRequest {
                implementation: Implementation::CPython,
                version: PYTHON.parse().unwrap(),
            },
        };
        select(&lock, &target, &GroupRequest::default()).unwrap()
    }

    /// What `uv sync` would install here, as `name==version` or the name alone of a folder.
    fn synced(&self, flags: &[&str]) -> BTreeSet<String> {
        let python = python();
        let mut args = vec![
            "sync",
            "--frozen",
            "--dry-run",
            "--python",
            python.to_str().unwrap(),
        ];
        args.extend(flags);
        installed(&run_uv(self.path(), &args))
    }

    /// What uv would install on another platform from the exported lock.
    fn synced_for(&self, platform: &str) -> BTreeSet<String> {
        let text = self.export(&GroupRequest::default());
        std::fs::write(self.path().join("pylock.toml"), text).unwrap();
        let (target, python) = (self.path().join("target"), python());
        let flags = [
            "pip",
            "sync",
            "--dry-run",
            "--preview",
            "--python-platform",
            platform,
        ];
        let mut args = flags.to_vec();
        args.extend([
            "--python",
            python.to_str().unwrap(),
            "--target",
            target.to_str().unwrap(),
        ]);
        args.push("pylock.toml");
        let found = installed(&run_uv(self.path(), &args));
        std::fs::remove_file(self.path().join("pylock.toml")).unwrap();
        found
    }
}

fn installed(told: &str) -> BTreeSet<String> {
    let added = told
        .lines()
        .filter_map(|line| line.trim().strip_prefix("+ "));
    added
        .map(|line| {
            let name = line.split_whitespace().next().unwrap_or_default();
            // uv tells where folders and commits come from, and not always their version.
            let direct = line.contains(" @ ") || line.contains("(from ");
            if direct {
                name.split("==").next().unwrap().to_owned()
            } else {
                name.to_owned()
            }
        })
        .collect()
}

fn named(selection: &Selection) -> BTreeSet<String> {
    let packages = selection.packages.iter();
    packages
        .map(|package| match &package.version {
            Some(version) if !package.direct => format!("{}=={version}", package.name),
            _ => package.name.to_string(),
        })
        .collect()
}

fn pyproject(dependencies: &[&str]) -> String {
    let head = "[project]\nname = \"app\"\nversion = \"1\"\nrequires-python = \">=3.11\"\n";
    format!(
        "{head}dependencies = {dependencies:?}\n[dependency-groups]\ndev = [\"pytest\"]\ndocs = [\"mkdocs\"]\n"
    )
}

fn assert_agrees(project: &Project) {
    let default = GroupRequest::default();
    let here = project.select(&default, "linux-x86_64");
    assert_eq!(named(&here), project.synced(&[]));
    for (platform, name) in [
        ("windows-x86_64", "windows"),
        ("darwin-arm64", "aarch64-apple-darwin"),
        ("darwin-x86_64", "x86_64-apple-darwin"),
        ("linux-x86_64", "x86_64-unknown-linux-gnu"),
        ("linux-arm64", "aarch64-unknown-linux-gnu"),
        ("linux-musl-x86_64", "x86_64-unknown-linux-musl"),
    ] {
        let found = named(&project.select(&default, platform));
        assert_eq!(found, project.synced_for(name), "{platform}");
    }
    let no_dev = GroupRequest {
        no_dev: true,
        ..GroupRequest::default()
    };
    assert_eq!(
        named(&project.select(&no_dev, "linux-x86_64")),
        project.synced(&["--no-dev"])
    );
    let all = GroupRequest {
        all_groups: true,
        ..GroupRequest::default()
    };
    assert_eq!(
        named(&project.select(&all, "linux-x86_64")),
        project.synced(&["--all-groups"])
    );
    let only = GroupRequest {
        only_groups: ["docs".parse().unwrap()].into(),
        ..GroupRequest::default()
    };
    assert_eq!(
        named(&project.select(&only, "linux-x86_64")),
        project.synced(&["--only-group", "docs"])
    );
}

#[test]
#[ignore = "network: resolves with uv"]
fn a_web_application() {
    let text = pyproject(&[
        "django",
        "celery[redis]",
        "fastapi[standard]",
        "boto3",
        "sqlalchemy",
        "psycopg[binary]",
    ]);
    let project = Project::new(&[("pyproject.toml", &text)]);
    assert_agrees(&project);
}

#[test]
#[ignore = "network: resolves with uv"]
fn a_data_stack() {
    let text = pyproject(&[
        "jupyterlab",
        "pandas",
        "scikit-learn",
        "matplotlib",
        "polars",
        "pyarrow",
        "statsmodels",
    ]);
    let project = Project::new(&[("pyproject.toml", &text)]);
    assert_agrees(&project);
}

#[test]
#[ignore = "network: resolves with uv and git"]
fn a_workspace_with_git_and_archives() {
    let build = "[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n";
    let member = |name: &str, rest: &str| {
        format!(
            "[project]\nname = \"{name}\"\nversion = \"2\"\nrequires-python = \">=3.11\"\n{rest}\n{build}"
        )
    };
    let git = tempfile::tempdir().unwrap();
    let repository = git.path();
    let run_git = |args: &[&str]| {
        let program = host_program("git").unwrap();
        let call = Call::new(&program).folder(repository);
        call.args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
            .args(args)
            .run(&Cancel::default())
            .unwrap();
    };
    run_git(&["init", "-q", "-b", "main"]);
    std::fs::create_dir_all(repository.join("sub/dep")).unwrap();
    std::fs::write(repository.join("sub/pyproject.toml"), member("dep", "")).unwrap();
    std::fs::write(repository.join("sub/dep/__init__.py"), "").unwrap();
    run_git(&["add", "."]);
    run_git(&["commit", "-q", "-m", "one"]);
    let address = url::Url::from_file_path(repository).unwrap();
    let root = format!(
        "{}{build}[tool.uv.workspace]\nmembers = [\"packages/*\"]\n[tool.uv.sources]\nliba = {{ workspace = true }}\n\
         dep = {{ git = \"{address}\", subdirectory = \"sub\" }}\n\
         six = {{ url = \"https://files.pythonhosted.org/packages/94/e7/b2c673351809dca68a0e064b6af791aa332cf192da575fd474ed7d6f16a2/six-1.17.0.tar.gz\" }}\n",
        pyproject(&["liba", "dep", "six", "docopt"])
    );
    let project = Project::new(&[
        ("pyproject.toml", &root),
        ("app/__init__.py", ""),
        (
            "packages/a/pyproject.toml",
            &member(
                "liba",
                "dependencies = [\"idna\", \"colorama; sys_platform == 'win32'\"]",
            ),
        ),
        ("packages/a/liba/__init__.py", ""),
        ("packages/b/pyproject.toml", &member("libb", "")),
        ("packages/b/libb/__init__.py", ""),
    ]);
    let selection = project.select(&GroupRequest::default(), "linux-x86_64");
    assert_eq!(named(&selection), project.synced(&[]));
    let kind = |name: &str| {
        let package = selection
            .packages
            .iter()
            .find(|package| package.name.as_ref() == name);
        &package.unwrap().source
    };
    assert!(
        matches!(kind("app"), Source::Directory { editable: true, path } if path == project.path())
    );
    assert!(matches!(
        kind("liba"),
        Source::Directory { editable: true, .. }
    ));
    assert!(matches!(kind("dep"), Source::Git { subdirectory: Some(inner), .. } if inner == "sub"));
    assert!(matches!(kind("six"), Source::Sdist { .. }));
    assert!(matches!(kind("docopt"), Source::Sdist { .. }));
    assert!(matches!(kind("idna"), Source::Wheel(_)));
}

#[test]
#[ignore = "network: resolves with uv"]
fn a_lock_that_does_not_match_is_stale() {
    let project = Project::new(&[("pyproject.toml", &pyproject(&["idna"]))]);
    let uv = Uv::at(&uv());
    let cancel = Cancel::default();
    let python = python();
    uv.check_lock(project.path(), Some(&python), &cancel)
        .unwrap();
    std::fs::write(
        project.path().join("pyproject.toml"),
        pyproject(&["idna", "six"]),
    )
    .unwrap();
    let error = uv
        .check_lock(project.path(), Some(&python), &cancel)
        .unwrap_err();
    assert!(
        matches!(error, dhtl::tools::uv::UvError::Stale { .. }),
        "{error}"
    );
    let groups = GroupRequest::default();
    let request = ExportRequest {
        project: project.path(),
        groups: &groups,
        freshness: Freshness::Locked,
        all_packages: false,
        packages: &[],
        python: Some(&python),
    };
    let error = uv.export(&request, &cancel).unwrap_err();
    assert!(
        matches!(error, dhtl::tools::uv::UvError::Stale { .. }),
        "{error}"
    );
}

/// The tags that a wheel's name spells together, one by one.
fn tags_of(filename: &str) -> BTreeSet<String> {
    let parts: Vec<&str> = filename.trim_end_matches(".whl").rsplitn(4, '-').collect();
    let each = |index: usize| parts[index].split('.');
    let tags = each(2).flat_map(|python| {
        each(1)
            .flat_map(move |abi| each(0).map(move |platform| format!("{python}-{abi}-{platform}")))
    });
    tags.collect()
}

#[test]
#[ignore = "network: installs with uv"]
fn the_files_are_those_that_uv_takes() {
    let text = pyproject(&[
        "numpy",
        "pandas",
        "pydantic",
        "cryptography",
        "lxml",
        "orjson",
        "markupsafe",
        "watchfiles",
        "psutil",
    ]);
    let project = Project::new(&[("pyproject.toml", &text)]);
    let python = python();
    run_uv(
        project.path(),
        &[
            "sync",
            "-q",
            "--frozen",
            // The machine may have a newer C library than the baseline.
            "--python-platform",
            "x86_64-unknown-linux-gnu",
            "--python",
            python.to_str().unwrap(),
        ],
    );
    let site = project.path().join(".venv/lib/python3.11/site-packages");
    let selection = project.select(&GroupRequest::default(), "linux-x86_64");
    let mut compared = 0;
    for package in &selection.packages {
        let Source::Wheel(archive) = &package.source else {
            continue;
        };
        let stem: Vec<&str> = archive.filename.splitn(3, '-').collect();
        let wheel = site.join(format!("{}-{}.dist-info/WHEEL", stem[0], stem[1]));
        let wheel =
            std::fs::read_to_string(&wheel).unwrap_or_else(|_| panic!("{}", wheel.display()));
        let installed = wheel.lines().filter_map(|line| line.strip_prefix("Tag: "));
        let installed: BTreeSet<String> = installed.map(|tag| tag.trim().to_owned()).collect();
        let chosen = tags_of(&archive.filename);
        assert!(
            !chosen.is_disjoint(&installed),
            "{}: {installed:?}",
            archive.filename
        );
        compared += 1;
    }
    assert!(compared > 10);
}
