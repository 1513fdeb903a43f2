use super::*;
use crate::model::location::Location;
use crate::model::pylock::{LockOrigin, LockPolicy};
use crate::model::python::{Implementation, PythonRequest};

const HASH: &str = "08695f5cb7ed6e0531a20572697297273c47b8cae5a63ffc6d6ed5c201be6e44";

fn lock(head: &str, packages: &[&str]) -> Pylock {
    let mut text = format!("lock-version = \"1.0\"\ncreated-by = \"test\"\n{head}\n");
    for package in packages {
        text.push_str("[[packages]]\n");
        text.push_str(package);
        text.push('\n');
    }
    let origin = LockOrigin {
        file: "pylock.toml".into(),
        folder: "/project".into(),
    };
    Pylock::parse(&text, &origin, &LockPolicy::default()).unwrap()
}

/// A package with these files, each a tag of a wheel or `sdist`.
fn files(name: &str, tags: &[&str]) -> String {
    let file = |file: String| {
        format!("{{ url = \"https://h/{file}\", hashes = {{ sha256 = \"{HASH}\" }} }}")
    };
    let wheels: Vec<_> = tags
        .iter()
        .filter(|tag| **tag != "sdist")
        .map(|tag| file(format!("{name}-1.0-{tag}.whl")))
        .collect();
    let sdist = if tags.contains(&"sdist") {
        format!("sdist = {}\n", file(format!("{name}-1.0.tar.gz")))
    } else {
        String::new()
    };
    format!(
        "name = \"{name}\"\nversion = \"1.0\"\n{sdist}wheels = [{}]\n",
        wheels.join(", ")
    )
}

fn target(platform: &str, python: &str) -> Target {
    Target {
        platform: platform.parse().unwrap(),
        python: PythonRequest {
            implementation: Implementation::CPython,
            version: python.parse().unwrap(),
        },
    }
}

fn chosen(tags: &[&str], target: &Target) -> String {
    let lock = lock("", &[&files("a", tags)]);
    match select(&lock, target, &GroupRequest::default()) {
        Ok(selection) => match &selection.packages[0].source {
            Source::Wheel(archive) => archive
                .filename
                .trim_start_matches("a-1.0-")
                .trim_end_matches(".whl")
                .to_owned(),
            Source::Sdist { .. } => "sdist".to_owned(),
            other => panic!("{other:?}"),
        },
        Err(error) => error.to_string(),
    }
}

#[test]
fn takes_the_wheel_with_the_best_tag() {
    let all = [
        "sdist",
        "py3-none-any",
        "cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64",
        "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
        "cp311-cp311-manylinux_2_28_x86_64",
        "cp311-cp311-manylinux_2_34_x86_64",
        "cp311-cp311-manylinux_2_28_aarch64",
        "cp311-cp311-musllinux_1_2_x86_64",
        "cp311-cp311-musllinux_1_1_x86_64",
        "cp311-cp311-macosx_10_9_universal2",
        "cp311-cp311-macosx_11_0_arm64",
        "cp311-cp311-macosx_14_0_arm64",
        "cp311-cp311-win_amd64",
        "cp311-cp311-win_arm64",
        "cp312-cp312-manylinux_2_28_x86_64",
        "pp311-pypy311_pp73-manylinux_2_28_x86_64",
    ];
    for (platform, python, expected) in [
        (
            "linux-x86_64",
            "3.11.7",
            "cp311-cp311-manylinux_2_28_x86_64",
        ),
        (
            "linux-x86_64",
            "3.12.1",
            "cp312-cp312-manylinux_2_28_x86_64",
        ),
        (
            "linux-x86_64",
            "3.13.0",
            "cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64",
        ),
        (
            "linux-arm64",
            "3.11.7",
            "cp311-cp311-manylinux_2_28_aarch64",
        ),
        ("linux-arm64", "3.13.0", "py3-none-any"),
        (
            "linux-musl-x86_64",
            "3.11.7",
            "cp311-cp311-musllinux_1_2_x86_64",
        ),
        ("darwin-arm64", "3.11.7", "cp311-cp311-macosx_11_0_arm64"),
        (
            "darwin-x86_64",
            "3.11.7",
            "cp311-cp311-macosx_10_9_universal2",
        ),
        ("windows-x86_64", "3.11.7", "cp311-cp311-win_amd64"),
        ("windows-arm64", "3.11.7", "cp311-cp311-win_arm64"),
    ] {
        assert_eq!(
            chosen(&all, &target(platform, python)),
            expected,
            "{platform} {python}"
        );
    }
    let mut pypy = target("linux-x86_64", "3.11.7");
    pypy.python.implementation = Implementation::PyPy;
    assert_eq!(
        chosen(&all, &pypy),
        "pp311-pypy311_pp73-manylinux_2_28_x86_64"
    );
}

#[test]
fn the_levels_are_the_same_for_every_machine() {
    let linux = target("linux-x86_64", "3.11.7");
    let new = "cp311-cp311-manylinux_2_39_x86_64";
    let recent = "cp311-cp311-manylinux_2_34_x86_64";
    assert_eq!(chosen(&["sdist", recent], &linux), recent);
    assert_eq!(chosen(&["sdist", new], &linux), "sdist");
    assert_eq!(chosen(&[new], &linux), new);
    assert_eq!(chosen(&[new, "py3-none-any"], &linux), "py3-none-any");
    let mac = target("darwin-arm64", "3.11.7");
    assert_eq!(
        chosen(&["cp311-cp311-macosx_15_0_arm64"], &mac),
        "cp311-cp311-macosx_15_0_arm64"
    );
}

#[test]
fn of_equal_tags_the_higher_build_number_wins() {
    let linux = target("linux-x86_64", "3.11.7");
    assert_eq!(
        chosen(
            &["1-py3-none-any", "2-py3-none-any", "py3-none-any"],
            &linux
        ),
        "2-py3-none-any"
    );
}

#[test]
fn a_lock_without_a_fitting_file_names_the_tags() {
    let found = chosen(
        &["cp310-cp310-win_amd64", "cp311-cp311-macosx_11_0_arm64"],
        &target("linux-x86_64", "3.11.7"),
    );
    assert_eq!(
        found,
        "cannot select a file of `a 1.0` for cpython 3.11.7 on linux-x86_64: it has no source \
         archive that may be built, and wheels for cp310-cp310-win_amd64, cp311-cp311-macosx_11_0_arm64 only; wanted \
         is cp311-cp311-manylinux_2_28_x86_64 or a more general tag"
    );
}

#[test]
fn markers_decide_per_target() {
    let marked = |name: &str, marker: &str| {
        format!("{}marker = \"{marker}\"", files(name, &["py3-none-any"]))
    };
    let lock = lock(
        "",
        &[
            &marked(
                "win",
                "sys_platform == 'win32' and platform_machine == 'AMD64'",
            ),
            &marked(
                "mac",
                "platform_system == 'Darwin' and platform_machine == 'arm64'",
            ),
            &marked(
                "linux",
                "sys_platform == 'linux' and platform_machine == 'x86_64'",
            ),
            &marked("old", "python_full_version < '3.11.5'"),
            &marked("pypy", "platform_python_implementation == 'PyPy'"),
            &marked(
                "posix",
                "os_name == 'posix' and implementation_name == 'cpython'",
            ),
        ],
    );
    let names = |platform: &str, python: &str| {
        let selection = select(&lock, &target(platform, python), &GroupRequest::default()).unwrap();
        let names: Vec<_> = selection
            .packages
            .iter()
            .map(|package| package.name.to_string())
            .collect();
        names.join(" ")
    };
    assert_eq!(names("linux-x86_64", "3.11.4"), "linux old posix");
    assert_eq!(names("linux-x86_64", "3.11.5"), "linux posix");
    assert_eq!(names("darwin-arm64", "3.12.0"), "mac posix");
    assert_eq!(names("darwin-x86_64", "3.12.0"), "posix");
    assert_eq!(names("windows-x86_64", "3.12.0"), "win");
}

#[test]
fn extras_and_groups_of_a_lock_are_asked_for() {
    let marked = |name: &str, marker: &str| {
        format!("{}marker = \"{marker}\"", files(name, &["py3-none-any"]))
    };
    let lock = lock(
        "extras = [\"gui\"]\ndependency-groups = [\"dev\", \"docs\"]\ndefault-groups = [\"dev\", \"own\"]",
        &[
            &files("always", &["py3-none-any"]),
            &marked("gui", "'gui' in extras"),
            &marked("dev", "'dev' in dependency_groups"),
            &marked("docs", "'docs' in dependency_groups"),
            &marked("own", "'own' in dependency_groups"),
        ],
    );
    let names = |request: &GroupRequest| {
        let selection = select(&lock, &target("linux-x86_64", "3.11.7"), request)?;
        let names: Vec<_> = selection
            .packages
            .iter()
            .map(|package| package.name.to_string())
            .collect();
        Ok::<_, SelectError>(names.join(" "))
    };
    let ask = |change: fn(&mut GroupRequest)| {
        let mut request = GroupRequest::default();
        change(&mut request);
        names(&request).unwrap_or_else(|error| error.to_string())
    };
    assert_eq!(ask(|_| {}), "always dev own");
    assert_eq!(ask(|request| request.no_dev = true), "always own");
    assert_eq!(ask(|request| request.no_default_groups = true), "always");
    assert_eq!(
        ask(|request| request.all_extras = true),
        "always dev gui own"
    );
    assert_eq!(
        ask(|request| request.all_groups = true),
        "always dev docs own"
    );
    assert!(ask(|request| request.only_dev = true).contains("cannot select a group alone"));
    assert!(ask(|request| request.extras.extend("x".parse())).contains("cannot"));
}

#[test]
fn a_lock_for_another_python_or_system_is_refused() {
    let text = |lock: &Pylock, python: &str| {
        select(
            lock,
            &target("linux-x86_64", python),
            &GroupRequest::default(),
        )
        .unwrap_err()
        .to_string()
    };
    let lock_python = lock("requires-python = \">=3.12\"", &[]);
    assert!(text(&lock_python, "3.11.7").contains("the lock requires Python >=3.12"));
    assert!(
        select(
            &lock_python,
            &target("linux-x86_64", "3.12.0rc1"),
            &GroupRequest::default()
        )
        .is_ok()
    );
    let windows = lock("environments = [\"sys_platform == 'win32'\"]", &[]);
    assert!(text(&windows, "3.11.7").contains("made for sys_platform == 'win32' only"));
    let package = format!(
        "{}requires-python = \">=3.13\"",
        files("a", &["py3-none-any"])
    );
    assert!(text(&lock("", &[&package]), "3.11.7").contains("`a 1.0`"));
    let twice = files("a", &["py3-none-any"]);
    assert!(text(&lock("", &[&twice, &twice]), "3.11.7").contains("two entries of the lock apply"));
}

#[test]
fn direct_sources_are_told_apart() {
    let archive = |url: &str| {
        format!("name = \"a\"\narchive = {{ url = \"{url}\", hashes = {{ sha256 = \"{HASH}\" }} }}")
    };
    let pick = |package: &str| {
        let lock = lock("", &[package]);
        select(
            &lock,
            &target("linux-x86_64", "3.11.7"),
            &GroupRequest::default(),
        )
        .map(|mut selection| selection.packages.remove(0))
    };
    let wheel = pick(&archive("https://h/a-2.0-py3-none-any.whl")).unwrap();
    assert!(wheel.direct && wheel.version.unwrap().to_string() == "2.0");
    let Source::Wheel(file) = wheel.source else {
        panic!()
    };
    assert!(matches!(file.location, Location::Url(_)));
    assert!(pick(&archive("https://h/a-2.0-cp39-cp39-win_amd64.whl")).is_err());
    let sdist = pick(&archive("https://h/main.zip")).unwrap();
    assert!(sdist.direct && matches!(sdist.source, Source::Sdist { .. }));
    assert!(!pick(&files("a", &["py3-none-any"])).unwrap().direct);
}
