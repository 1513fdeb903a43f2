//! Files that are refused, and what each refusal must say.

/// A file that is wrong: its text, the line, the key, and what the message must say.
pub(super) type Case = (&'static str, usize, Option<&'static str>, &'static str);

pub(super) const MALFORMED: &[Case] = &[
    // The file as a whole.
    ("", 1, None, "says nothing"),
    ("# only a remark\n", 1, None, "says nothing"),
    ("just a text", 1, None, "expected a section, found a text"),
    (
        "- version: \"2.0\"",
        1,
        None,
        "expected a section, found a list",
    ),
    (
        "version: \"2.0\"\n---\nversion: \"2.0\"\n",
        2,
        None,
        "second document",
    ),
    (
        "python: {version: \"3.11.7\"}\n",
        1,
        Some("version"),
        "is missing",
    ),
    // YAML itself.
    (
        "version: \"2.0\"\npython:\n\tversion: \"3.11.7\"\n",
        3,
        None,
        "token",
    ),
    (
        "version: \"2.0\"\ntools: {pytest: \"7.4.0\"\n",
        3,
        None,
        "flow mapping",
    ),
    (
        "version: \"2.0\"\ngit: lfs: true\n",
        2,
        None,
        "mapping values are not allowed",
    ),
    ("version: \"2.0\nx", 2, None, "quoted scalar"),
    (
        "version: \"2.0\"\npython: *nowhere\n",
        2,
        None,
        "unknown anchor",
    ),
    (
        "version: \"2.0\"\npython: !exec {version: \"3.11.7\"}\n",
        2,
        Some("python"),
        "tags",
    ),
    (
        "version: \"2.0\"\nx: &x {lfs: true}\ngit:\n  <<: *x\n",
        4,
        Some("git.<<"),
        "merging",
    ),
    // Keys.
    (
        "version: \"2.0\"\npyhton:\n  version: \"3.11.7\"\n",
        2,
        Some("pyhton"),
        "did you mean `python`?",
    ),
    (
        "version: \"2.0\"\ngit:\n  hooks:\n    pre-commit: true\n",
        4,
        Some("git.hooks.pre-commit"),
        "did you mean `pre_commit`?",
    ),
    (
        "version: \"2.0\"\nplatform_deps:\n  linux: {snap: [x]}\n",
        3,
        Some("platform_deps.linux.snap"),
        "known here are apt, yum, dnf",
    ),
    (
        "version: \"2.0\"\nversion: \"2.0\"\n",
        2,
        Some("version"),
        "a second time",
    ),
    (
        "version: \"2.0\"\ngit:\n  lfs: true\n  lfs: false\n",
        4,
        Some("git.lfs"),
        "a second time",
    ),
    (
        "version: \"2.0\"\ntools:\n  pre-commit: \"3.3.3\"\n  pre_commit: \"3.3.3\"\n",
        4,
        Some("tools.pre_commit"),
        "a second time",
    ),
    (
        "version: \"2.0\"\n? [a, b]\n: x\n",
        2,
        None,
        "expected a key",
    ),
    (
        "version: \"2.0\"\n\"a b\": x\n",
        2,
        Some("a b"),
        "a key is made of",
    ),
    // Values without a type that fits.
    (
        "version: 2.0\n",
        1,
        Some("version"),
        "write it in quotes, \"2.0\"",
    ),
    (
        "version: \"2.0\"\npython:\n  version: 3.10\n",
        3,
        Some("python.version"),
        "YAML reads 3.10 as 3.1",
    ),
    (
        "version: \"2.0\"\ntools:\n  ruff: 0.10 # a remark\n",
        3,
        Some("tools.ruff"),
        "`0.10` is a number",
    ),
    (
        "version: \"2.0\"\npython:\n",
        2,
        Some("python"),
        "there is no value",
    ),
    (
        "version: \"2.0\"\ndependencies:\n  lock_files: uv.lock\n",
        3,
        Some("dependencies.lock_files"),
        "expected a list, found a text",
    ),
    (
        "version: \"2.0\"\ngit:\n  lfs: yes\n",
        3,
        Some("git.lfs"),
        "write `true` or `false`",
    ),
    (
        "version: \"2.0\"\npython: \"3.11.7\"\n",
        2,
        Some("python"),
        "expected a section, found a text",
    ),
    (
        "version: \"2.0\"\ntools: [pytest]\n",
        2,
        Some("tools"),
        "expected a section, found a list",
    ),
    // Formats and versions.
    (
        "version: \"3.0\"\nnews: true\n",
        1,
        Some("version"),
        "is newer than 2.0",
    ),
    (
        "version: \"1.0\"\n",
        1,
        Some("version"),
        "is older than 2.0",
    ),
    ("version: two\n", 1, Some("version"), "expected \"2.0\""),
    (
        "version: \"2.0\"\ndht_version: \"999.0.0\"\nnews: true\n",
        2,
        Some("dht_version"),
        "needs dhtl 999.0.0 or newer",
    ),
    (
        "version: \"2.0\"\ndht_version: \">=0.1\"\n",
        2,
        Some("dht_version"),
        "such as \"0.1.0\"",
    ),
    // Python.
    (
        "version: \"2.0\"\npython:\n  version: \"3.11\"\n",
        3,
        Some("python.version"),
        "exact Python version",
    ),
    (
        "version: \"2.0\"\npython:\n  version: \">=3.11.7\"\n",
        3,
        Some("python.version"),
        "exact Python version",
    ),
    (
        "version: \"2.0\"\npython:\n  version: ../../x\n",
        3,
        Some("python.version"),
        "exact Python version",
    ),
    (
        "version: \"2.0\"\npython:\n  version: /bin/sh\n",
        3,
        Some("python.version"),
        "exact Python version",
    ),
    (
        "version: \"2.0\"\npython:\n  version: 3.12.1;id\n",
        3,
        Some("python.version"),
        "exact Python version",
    ),
    (
        "version: \"2.0\"\npython:\n  implementation: cpython\n",
        3,
        Some("python.version"),
        "is missing",
    ),
    (
        "version: \"2.0\"\npython:\n  version: \"3.11.7\"\n  implementation: cpyton\n",
        4,
        Some("python.implementation"),
        "did you mean `cpython`?",
    ),
    // Dependencies and tools.
    (
        "version: \"2.0\"\ndependencies:\n  strategy: pipenv\n",
        3,
        Some("dependencies.strategy"),
        "`uv`, `pip-tools` or `poetry`",
    ),
    (
        "version: \"2.0\"\ndependencies:\n  lock_files:\n    - uv.lock\n    - ../uv.lock\n",
        5,
        Some("dependencies.lock_files[1]"),
        "path inside the project",
    ),
    (
        "version: \"2.0\"\ndependencies:\n  lock_files: [/etc/passwd]\n",
        3,
        Some("dependencies.lock_files[0]"),
        "path inside the project",
    ),
    (
        "version: \"2.0\"\ndependencies:\n  groups: [\"-x\"]\n",
        3,
        Some("dependencies.groups[0]"),
        "name of a group",
    ),
    (
        "version: \"2.0\"\ntools:\n  pytest: \">=7\"\n",
        3,
        Some("tools.pytest"),
        "expected version to start with a number",
    ),
    (
        "version: \"2.0\"\ntools:\n  -pytest: \"7.4.0\"\n",
        3,
        Some("tools.-pytest"),
        "-pytest",
    ),
    // Names that reach a package manager.
    (
        "version: \"2.0\"\nplatform_deps:\n  linux:\n    apt: [\"-oDPkg::Pre-Invoke::=sh -c id\"]\n",
        4,
        Some("platform_deps.linux.apt[0]"),
        "package of apt",
    ),
    (
        "version: \"2.0\"\nplatform_deps:\n  linux:\n    apt:\n      - zstd\n      - zstd-\n",
        6,
        Some("platform_deps.linux.apt[1]"),
        "package of apt",
    ),
    (
        "version: \"2.0\"\nplatform_deps:\n  linux:\n    dnf: [./evil.rpm]\n",
        4,
        Some("platform_deps.linux.dnf[0]"),
        "RPM package",
    ),
    (
        "version: \"2.0\"\nplatform_deps:\n  linux:\n    yum: [https://x/e.rpm]\n",
        4,
        Some("platform_deps.linux.yum[0]"),
        "RPM package",
    ),
    (
        "version: \"2.0\"\nplatform_deps:\n  darwin:\n    brew: [user/tap/formula]\n",
        4,
        Some("platform_deps.darwin.brew[0]"),
        "other taps",
    ),
    (
        "version: \"2.0\"\nplatform_deps:\n  windows:\n    choco: [packages.config]\n",
        4,
        Some("platform_deps.windows.choco[0]"),
        "Chocolatey",
    ),
    (
        "version: \"2.0\"\nplatform_deps:\n  linux:\n    pacman: [\"a\\nb\"]\n",
        4,
        Some("platform_deps.linux.pacman[0]"),
        "package of pacman",
    ),
    // Programs, variables, checksums.
    (
        "version: \"2.0\"\nbinaries:\n  required:\n    - name: node\n      version: \"18.17.0\"\n      installer: uv-tool\n",
        6,
        Some("binaries.required[0].installer"),
        "did you mean `uv tool`?",
    ),
    (
        "version: \"2.0\"\nbinaries:\n  required:\n    - name: node\n",
        4,
        Some("binaries.required[0].version"),
        "is missing",
    ),
    (
        "version: \"2.0\"\nbinaries:\n  required:\n    - {name: node, version: latest}\n",
        4,
        Some("binaries.required[0].version"),
        "exact version",
    ),
    (
        "version: \"2.0\"\nenv_template:\n  required: [DATABASE-URL]\n",
        3,
        Some("env_template.required[0]"),
        "name of an environment variable",
    ),
    (
        "version: \"2.0\"\nfingerprint: {created_at: yesterday}\n",
        2,
        Some("fingerprint.created_at"),
        "a moment such as",
    ),
    (
        "version: \"2.0\"\nfingerprint: {platform: plan9-x86_64}\n",
        2,
        Some("fingerprint.platform"),
        "not a platform",
    ),
    (
        "version: \"2.0\"\nvalidation:\n  venv_checksum: md5:00\n",
        3,
        Some("validation.venv_checksum"),
        "no checksum",
    ),
    (
        "version: \"2.0\"\nvalidation:\n  environments: {linux-riscv: x}\n",
        3,
        Some("validation.environments.linux-riscv"),
        "not a platform",
    ),
    (
        "version: \"2.0\"\nassembly: {conflicts: maybe}\n",
        2,
        Some("assembly.conflicts"),
        "`allow` or `deny`",
    ),
    // What setup writes.
    (
        "version: \"2.0\"\nassembly: {activation_hook: sometimes}\n",
        2,
        Some("assembly.activation_hook"),
        "write `true` or `false`",
    ),
    (
        "version: \"2.0\"\nplatform_deps:\n  generic: [PostgreSQL]\n",
        3,
        Some("platform_deps.generic[0]"),
        "such as `postgresql-client`",
    ),
    (
        "version: \"2.0\"\ngit:\n  submodules: [vendor/x, ../y]\n",
        3,
        Some("git.submodules[1]"),
        "path inside the project",
    ),
    (
        "version: \"2.0\"\nbinaries:\n  required:\n    - {name: \"a b\", version: \"1.0.0\"}\n",
        4,
        Some("binaries.required[0].name"),
        "the name of a program",
    ),
    (
        "version: \"2.0\"\nbinaries: [node]\n",
        2,
        Some("binaries"),
        "expected a section, found a list",
    ),
    (
        "version: \"2.0\"\nenv_template:\n  requierd: [X]\n",
        3,
        Some("env_template.requierd"),
        "did you mean `required`?",
    ),
    (
        "version: \"2.0\"\nvalidation:\n  config_checksum: blake3:12\n",
        3,
        Some("validation.config_checksum"),
        "checksum",
    ),
    (
        "version: \"2.0\"\ndependencies:\n  hash_validation: \"true\"\n",
        3,
        Some("dependencies.hash_validation"),
        "write `true` or `false`",
    ),
];
