//! A project with two locks, a folder of wheels, and the program.

use std::fs;
use std::path::{Path, PathBuf};

use dhtl_test_kit::host::pyenv_build;
use dhtl_test_kit::{Output, Run, Sandbox, WheelBuilder};
use serde_json::Value;
use sha2::{Digest, Sha256};

const PYTHON: &str = "3.11.7";
/// Every way in which files come from the store.
pub const MODES: [&str; 5] = ["auto", "hardlink", "symlink", "clone", "copy"];
/// A program that imports what the first or the second lock has, whole or not at all.
const IMPORTS: &str = "import alpha, alpha.m3, beta, ns.one, importlib.metadata as m\n\
    version = m.version('alpha')\n\
    assert version == alpha.V == alpha.m3.V, (version, alpha.V, alpha.m3.V)\n\
    __import__('gamma' if version == '1.0' else 'delta')\n";

/// Kind, path and package of what differs.
pub type Drift = (String, String, Option<String>);

pub struct World {
    pub sandbox: Sandbox,
    pub project: PathBuf,
    locks: [String; 2],
}

impl World {
    /// Makes the project with its first lock; `None`, said aloud, where this host has no Python.
    #[expect(clippy::print_stderr, reason = "a test that is left out says so")]
    pub fn new() -> Option<Self> {
        let Some(python) = pyenv_build(PYTHON) else {
            eprintln!("SKIPPED: this host has no pyenv build of CPython {PYTHON}");
            return None;
        };
        let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_dhtl")).with_path(python.join("bin"));
        let wheels = sandbox.root().join("wheels");
        fs::create_dir(&wheels).unwrap();
        let sandbox = sandbox
            .with_var("DHT_OFFLINE", "1")
            .with_var("DHT_FIND_LINKS", &wheels);
        let one = [
            package("alpha", "1.0"),
            package("beta", "1.0"),
            package("gamma", "1.0"),
            space("one"),
        ];
        let two = [
            package("alpha", "2.0"),
            package("beta", "1.0"),
            package("delta", "1.0"),
            space("one"),
            space("two"),
        ];
        for wheel in one.iter().chain(&two) {
            wheel.write_to(&wheels);
        }
        let project = sandbox
            .project("sample")
            .pyproject(">=3.11", &["alpha"])
            .file(".python-version", PYTHON)
            .build();
        let locks = [lock(&one), lock(&two)];
        let world = Self {
            sandbox,
            project,
            locks,
        };
        world.lock(0);
        Some(world)
    }

    /// Puts one of the two locks in place.
    pub fn lock(&self, which: usize) {
        self.write_lock(&self.locks[which]);
    }

    pub fn lock_text(&self) -> &str {
        &self.locks[0]
    }

    pub fn write_lock(&self, text: &str) {
        // In one step: a run may be reading it.
        let fresh = self.project.join(".pylock.toml");
        fs::write(&fresh, text).unwrap();
        fs::rename(&fresh, self.project.join("pylock.toml")).unwrap();
    }

    pub fn run(&self, args: &[&str]) -> Run<'_> {
        self.sandbox.dhtl_run().args(args).in_folder(&self.project)
    }

    pub fn dhtl(&self, args: &[&str]) -> Output {
        self.run(args).output()
    }

    pub fn regenerate(&self, mode: &str) -> Output {
        self.dhtl(&["regenerate", "--link-mode", mode])
    }

    pub fn venv(&self) -> PathBuf {
        self.project.join(".venv")
    }

    pub fn site(&self) -> PathBuf {
        self.venv().join("lib/python3.11/site-packages")
    }

    pub fn store(&self) -> PathBuf {
        self.sandbox.home().join(".dht/store")
    }

    /// Validates and returns the exit code and each drift: kind, path, package.
    pub fn drift(&self, args: &[&str]) -> (Option<i32>, Vec<Drift>) {
        let output = self.run(&["validate-env", "--json"]).args(args).output();
        let report: Value =
            serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output}"));
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let drift = report["drift"].as_array().unwrap().iter();
        let drift = drift
            .map(|it| {
                (
                    text(&it["kind"]).unwrap(),
                    text(&it["path"]).unwrap(),
                    text(&it["package"]),
                )
            })
            .collect();
        (output.code, drift)
    }

    /// Asserts that the environment is right, byte for byte.
    #[track_caller]
    pub fn assert_right(&self, when: &str) {
        let (code, drift) = self.drift(&["--deep"]);
        assert_eq!((code, drift.as_slice()), (Some(0), [].as_slice()), "{when}");
    }

    /// Tells whether the environment's Python imports all of one lock.
    pub fn imports(&self) -> Output {
        let python = self.venv().join("bin/python");
        self.sandbox
            .run(python)
            .args(["-B", "-c", IMPORTS])
            .output()
    }

    /// Lists what no run may leave behind.
    pub fn leftovers(&self) -> Vec<String> {
        let names = |folder: &Path| -> Vec<String> {
            let listing = fs::read_dir(folder).into_iter().flatten();
            listing
                .map(|it| it.unwrap().file_name().to_string_lossy().into_owned())
                .collect()
        };
        let mut left = names(&self.store().join("staging"));
        left.extend(
            names(&self.project)
                .into_iter()
                .filter(|name| name.starts_with(".venv.")),
        );
        let own = names(&self.venv().join(".dht")).into_iter();
        let kept = ["state.json", "folders", "root", "dhtconfig.schema.json"];
        left.extend(own.filter(|name| !kept.contains(&name.as_str())));
        for folder in ["roots", "environments", "manifests", "entries"] {
            let hidden = names(&self.store().join(folder)).into_iter();
            left.extend(hidden.filter(|name| name.starts_with('.')));
        }
        left
    }
}

fn package(name: &str, version: &str) -> WheelBuilder {
    let mut wheel = WheelBuilder::new(name, version)
        .file(
            &format!("{name}/__init__.py"),
            format!("V = '{version}'\ndef main(): print(V)\n"),
        )
        .file(&format!("{name}/sub/__init__.py"), "")
        .file(&format!("{name}/sub/data.bin"), [7, 8, 9].repeat(2000))
        .console_script(name, &format!("{name}:main"));
    for index in 0..8 {
        let text = format!("# {name}\nV = '{version}'\nX = {index}\n");
        wheel = wheel.file(&format!("{name}/m{index}.py"), text);
    }
    wheel
}

fn space(part: &str) -> WheelBuilder {
    WheelBuilder::new(&format!("ns-{part}"), "1.0").file(&format!("ns/{part}.py"), "X = 1\n")
}

fn lock(wheels: &[WheelBuilder]) -> String {
    let mut text =
        "lock-version = \"1.0\"\ncreated-by = \"test\"\nrequires-python = \">=3.11\"\n".to_owned();
    for wheel in wheels {
        let file = wheel.filename();
        let mut parts = file.split('-');
        let (name, version) = (
            parts.next().unwrap().replace('_', "-"),
            parts.next().unwrap(),
        );
        let sha256: String = Sha256::digest(wheel.build())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        text.push_str(&format!(
            "\n[[packages]]\nname = \"{name}\"\nversion = \"{version}\"\nwheels = [{{ name = \"{file}\", \
             url = \"https://files.pythonhosted.org/packages/{file}\", hashes = {{ sha256 = \"{sha256}\" }} }}]\n"
        ));
    }
    text
}
