//! Real builds with uv: wheels, and editable templates of every common backend.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dhtl::model::platform::Layout;
use dhtl::model::python::{Implementation, PythonRequest};
use dhtl::python::build::catalogue::{Mirrors, in_uv_list, uv_list_arguments};
use dhtl::python::cache_info;
use dhtl::python::editable::{Places, RenderTarget};
use dhtl::tools::git::Git;
use dhtl::tools::runner::{Call, Cancel};
use dhtl::tools::uv::{BuildRequest, BuildSource, EditableRequest, Uv};
use dhtl_test_kit::host::{host_program, pyenv_build};

fn uv() -> Uv {
    Uv::at(&host_program("uv").expect("uv on PATH"))
}

fn python() -> PathBuf {
    pyenv_build("3.11.7")
        .expect("a pyenv build")
        .join("bin/python3")
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

fn pyproject(backend: &str, requires: &str, more: &str) -> String {
    format!(
        "[project]\nname = \"a\"\nversion = \"1\"\ndescription = \"d\"\nrequires-python = \">=3.9\"\n[project.scripts]\na-run = \"a:main\"\n\
         [build-system]\nrequires = [\"{requires}\"]\nbuild-backend = \"{backend}\"\n{more}"
    )
}

const CODE: &str =
    "\"\"\"A module.\"\"\"\n__version__ = \"1\"\n\ndef main():\n    print(\"from\", __file__)\n";

/// Builds a template in one place, writes it for another, and runs it there.
fn round_trip(backend: &str, requires: &str, more: &str, module: &str) {
    let tree = tempfile::tempdir().unwrap();
    let at = |name: &str| tree.path().join(name);
    let (first, second, work) = (at("first"), at("it's moved"), at("work"));
    let text = pyproject(backend, requires, more);
    write(&first, &[("pyproject.toml", &text), (module, CODE)]);
    std::fs::create_dir(&work).unwrap();
    let python = python();
    let request = EditableRequest {
        member: &first,
        project: &first,
        python: &python,
        work: &work,
    };
    let cancel = Cancel::default();
    let template = uv().build_editable(&request, &cancel).unwrap();
    let first_text = first.to_str().unwrap();
    for file in &template.files {
        let text = String::from_utf8_lossy(&file.bytes);
        assert!(
            !text.contains(first_text),
            "{backend}: {} names its place",
            file.path
        );
    }
    std::fs::rename(&first, &second).unwrap();

    let venv = second.join(".venv");
    let make = Call::new(&python)
        .args(["-m", "venv", "--without-pip"])
        .arg(&venv);
    make.run(&cancel).unwrap();
    let site = venv.join("lib/python3.11/site-packages");
    let target = RenderTarget {
        cache_info: false,
        places: Places {
            member: &second,
            project: &second,
        },
        site_packages: Some(&site),
        layout: Layout::Posix,
        windows_launcher: None,
    };
    let mut written = BTreeMap::new();
    for file in template.render(&target).unwrap() {
        let path = file.path.as_str();
        let path = match path.split_once('/').unwrap() {
            ("site-packages", rest) => site.join(rest),
            ("scripts", rest) => venv.join("bin").join(rest),
            (_, rest) => venv.join(rest),
        };
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &file.bytes).unwrap();
        written.insert(
            file.path.to_string(),
            String::from_utf8_lossy(&file.bytes).into_owned(),
        );
    }
    let import = "import a; a.main(); import importlib.metadata as m; print(m.version('a'))";
    let call = Call::new(&venv.join("bin/python")).args(["-c", import]);
    let told = String::from_utf8(call.run(&cancel).unwrap().stdout).unwrap();
    assert!(
        told.contains(&format!("from {}", second.join(module).display())),
        "{backend}: {told}"
    );
    assert!(told.ends_with("\n1\n"), "{backend}: {told}");
    assert!(
        written.contains_key("scripts/a-run"),
        "{backend}: {:?}",
        written.keys()
    );
    let direct = &written["site-packages/a-1.dist-info/direct_url.json"];
    assert!(
        direct.contains("it's%20moved") && direct.contains("\"editable\":true"),
        "{direct}"
    );
    // Lines of `.pth` files hold no absolute path, so the environment moves with the project.
    let lines = written.iter().filter(|(path, _)| path.ends_with(".pth"));
    for (path, text) in lines {
        assert!(!text.contains("it's moved"), "{backend}: {path}: {text}");
    }
}

#[test]
#[ignore = "network: builds with uv"]
fn editable_templates_of_every_backend_move() {
    round_trip("hatchling.build", "hatchling", "", "src/a/__init__.py");
    round_trip("flit_core.buildapi", "flit_core", "", "a/__init__.py");
    round_trip(
        "poetry.core.masonry.api",
        "poetry-core",
        "",
        "a/__init__.py",
    );
    round_trip("uv_build", "uv_build", "", "src/a/__init__.py");
}

#[test]
#[ignore = "network: builds with uv"]
fn editable_templates_of_setuptools_move() {
    let backend =
        |more: &str, module: &str| round_trip("setuptools.build_meta", "setuptools", more, module);
    backend("", "src/a/__init__.py");
    backend("", "a/__init__.py");
    backend(
        "[tool.setuptools]\npackages = [\"a\"]\n[tool.setuptools.package-dir]\na = \"lib\"\n",
        "lib/__init__.py",
    );
}

#[test]
#[ignore = "network: builds with uv"]
fn one_source_gives_one_wheel() {
    let tree = tempfile::tempdir().unwrap();
    let source = tree.path().join("repository");
    let text = pyproject("hatchling.build", "hatchling", "");
    write(
        &source,
        &[
            ("sub/pyproject.toml", &text),
            ("sub/src/a/__init__.py", CODE),
        ],
    );
    let cancel = Cancel::default();
    let git = host_program("git").unwrap();
    let run = |args: &[&str]| {
        let call = Call::new(&git).folder(&source);
        let call = call
            .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
            .args(args);
        String::from_utf8(call.run(&cancel).unwrap().stdout)
            .unwrap()
            .trim()
            .to_owned()
    };
    run(&["init", "-q", "-b", "main"]);
    run(&["add", "."]);
    run(&["commit", "-q", "-m", "one"]);
    let commit = run(&["rev-parse", "HEAD"]);
    let url = dhtl::model::location::CleanUrl::new(url::Url::from_file_path(&source).unwrap());
    let path = git.parent().unwrap().as_os_str();
    let program = Git::locate(path, tree.path()).unwrap();
    let python = python();
    let build = |name: &str, source: BuildSource<'_>| {
        let work = tree.path().join(name);
        std::fs::create_dir(&work).unwrap();
        let request = BuildRequest {
            source,
            python: &python,
            project: tree.path(),
            work: &work,
        };
        let wheel = uv().build_wheel(&request, &cancel).unwrap();
        assert_eq!(wheel.file_name().unwrap(), "a-1-py3-none-any.whl");
        std::fs::read(wheel).unwrap()
    };
    let from_git = |name: &str| {
        let source = BuildSource::Git {
            git: Some(&program),
            url: &url,
            commit: &commit,
            subdirectory: Some("sub"),
        };
        build(name, source)
    };
    let first = from_git("one");
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert_eq!(first, from_git("two"));
    assert_eq!(
        first,
        build("three", BuildSource::Folder(&source.join("sub")))
    );

    let out = tree.path().join("sdist");
    let make =
        Call::new(&host_program("uv").unwrap()).args(["build", "-q", "--sdist", "--out-dir"]);
    make.arg(&out).arg(source.join("sub")).run(&cancel).unwrap();
    assert_eq!(
        first,
        build("four", BuildSource::Archive(&out.join("a-1.tar.gz")))
    );
}

#[test]
#[ignore = "network: installs with uv"]
fn uv_takes_an_environment_with_our_cache_files_for_its_own() {
    let tree = tempfile::tempdir().unwrap();
    let text = pyproject("hatchling.build", "hatchling", "");
    let sources = "[tool.uv.sources]\nb = { path = \"b\" }\n";
    let root = text.replace(
        "[project.scripts]",
        "dependencies = [\"b\"]\n[project.scripts]",
    ) + sources;
    let member = text.replace("name = \"a\"", "name = \"b\"");
    write(
        tree.path(),
        &[
            ("pyproject.toml", &root),
            ("src/a/__init__.py", CODE),
            ("b/pyproject.toml", &member),
            ("b/b/__init__.py", CODE),
        ],
    );
    let cancel = Cancel::default();
    let python = python();
    let call = |args: &[&str]| {
        let call = Call::new(&host_program("uv").unwrap())
            .folder(tree.path())
            .args(args);
        call.arg("--python").arg(&python).run(&cancel).unwrap();
    };
    call(&["sync", "-q"]);
    let site = tree.path().join(".venv/lib/python3.11/site-packages");
    for (name, folder) in [("a", tree.path().to_owned()), ("b", tree.path().join("b"))] {
        let file = site
            .join(format!("{name}-1.dist-info"))
            .join(cache_info::FILE_NAME);
        let ours = cache_info::of_folder(&folder).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), ours);
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, ours).unwrap();
    }
    call(&["sync", "-q", "--check", "--frozen"]);
}

#[test]
#[ignore = "network: the runs with a network have uv"]
fn uv_names_its_builds_of_a_python() {
    let python = PythonRequest {
        implementation: Implementation::CPython,
        version: "3.11.7".parse().unwrap(),
    };
    let list = uv()
        .python_list(&uv_list_arguments(&python), &Cancel::default())
        .unwrap();
    for platform in [
        "linux-x86_64",
        "linux-arm64",
        "darwin-arm64",
        "windows-x86_64",
    ] {
        let platform = platform.parse().unwrap();
        let found = in_uv_list(&list, &python, platform, &Mirrors::default()).unwrap();
        assert!(found.is_some(), "{platform}");
    }
}
