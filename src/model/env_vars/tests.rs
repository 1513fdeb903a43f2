use super::*;

fn used(text: &str) -> Vec<(String, Access, usize)> {
    let found = in_python(text).into_iter();
    found
        .map(|used| (used.name, used.access, used.line))
        .collect()
}

fn name(text: &str) -> VariableName {
    VariableName::new(text).unwrap()
}

#[test]
fn reads_what_os_offers() {
    let source = r#"
import os, sys
from os import environ as env, getenv
KEY = os.environ["API_KEY"]
LEVEL = os.environ.get(
    "LOG_LEVEL",
    "info",
)
a = getenv('REGION') or env["BUCKET"]
if "DEBUG" in os.environ: x = os.environ["DEBUG"]
os.environ["WRITTEN"] = "1"
assert os.environ["COMPARED"] == "1"
del os.environ["GONE"]
"#;
    let expected = [
        ("API_KEY", Access::Must, 4),
        ("BUCKET", Access::Must, 9),
        ("COMPARED", Access::Must, 12),
        ("DEBUG", Access::Must, 10),
        ("DEBUG", Access::Guarded, 10),
        ("LOG_LEVEL", Access::May, 5),
        ("REGION", Access::May, 9),
    ];
    let expected = expected.map(|(name, access, line)| (name.to_owned(), access, line));
    assert_eq!(used(source), expected);
}

#[test]
fn is_not_fooled() {
    let source = r##"
import os
"""os.environ["IN_A_DOCSTRING"]"""
# os.environ["IN_A_COMMENT"]
text = 'os.environ["IN_A_STRING"]'
os.environ[f"{x}_COMPUTED"]
os.environ["A" "B"]
os.environ[name]
self.os.environ["NOT_OS"]
getenv("NOT_IMPORTED")
os.environ["HOME"], os.getenv("XDG_CACHE_HOME")
os.environ["bad name"]
broken = "no end
os.getenv(r"RAW", b"")
"##;
    assert_eq!(used(source), [("RAW".to_owned(), Access::May, 14)]);
    for text in [
        "os.environ[",
        "\"",
        "'''",
        "\\",
        "import os\nos.environ[\"X",
        "ä\\\n",
        "f'",
    ] {
        assert_eq!(used(text), [], "{text}");
    }
}

#[test]
fn reads_settings_classes() {
    let source = r#"
class Base(BaseSettings):
    """Settings."""
    model_config = SettingsConfigDict(env_prefix="app_", extra="ignore")
    kind: ClassVar[str] = "x"
    _private: int = 1
    database_url: PostgresDsn
    pool: int = 5
    token: SecretStr = Field(..., description="x")
    other: str = Field(validation_alias="OTHER_NAME")
    hosts: dict[str, int] = pydantic.Field(default_factory=dict)

    @property
    def shown(self) -> str:
        local: str = "no"
        return local

class Sub(Base):
    extra: str

class Unrelated:
    field: str
"#;
    let expected = [
        ("APP_DATABASE_URL", Access::Must, 7),
        ("APP_HOSTS", Access::May, 11),
        ("APP_POOL", Access::May, 8),
        ("APP_TOKEN", Access::Must, 9),
        ("EXTRA", Access::Must, 19),
        ("OTHER_NAME", Access::Must, 10),
    ];
    let expected = expected.map(|(name, access, line)| (name.to_owned(), access, line));
    assert_eq!(used(source), expected);
}

#[test]
fn reads_files_of_variables() {
    let text = "# A remark\nexport A=1\nB=\n# C=3\nKEY=\"-----BEGIN\nD=not this\n-----\"\nE='' # none\nnot a line\nF=x # y\n";
    let found: Vec<_> = dotenv::read(text)
        .into_iter()
        .map(|entry| {
            (
                entry.name.to_string(),
                entry.has_value,
                entry.active,
                entry.line,
            )
        })
        .collect();
    let expected = [
        ("A", true, true, 2),
        ("B", false, true, 3),
        ("C", true, false, 4),
        ("KEY", true, true, 5),
        ("E", false, true, 8),
        ("F", true, true, 10),
    ];
    assert_eq!(
        found,
        expected.map(|(name, value, active, line)| (name.to_owned(), value, active, line))
    );
}

#[test]
fn the_author_decides_then_the_sources_then_the_example() {
    let evidence = Evidence {
        template: EnvTemplate {
            required: vec![name("A")],
            optional: vec![name("B")],
        },
        examples: BTreeMap::from([(".env.example".to_owned(), dotenv::read("C=1\nD=1\n# E=\n"))]),
        sources: BTreeMap::from([(
            "a.py".to_owned(),
            in_python(
                "import os\nos.getenv('A')\nos.environ['B']\nos.getenv('C')\nos.environ.setdefault('G', '')\nos.environ['G']\nos.environ['H']",
            ),
        )]),
    };
    let found: Vec<_> = variables(&evidence)
        .into_iter()
        .map(|variable| {
            format!(
                "{} {} {}",
                variable.name,
                variable.need,
                variable.places.len()
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "A required 2",
            "B optional 2",
            "C optional 2",
            "D required 1",
            "E optional 1",
            "G optional 2",
            "H required 1"
        ]
    );
}

#[test]
fn adding_changes_nothing_that_is_there() {
    let evidence = Evidence {
        examples: BTreeMap::new(),
        template: EnvTemplate::default(),
        sources: BTreeMap::from([(
            "a.py".to_owned(),
            in_python("import os\nos.environ['A']\nos.getenv('B')\nos.environ['C']"),
        )]),
    };
    let variables = variables(&evidence);
    let before = "A=secret\r\n# C=";
    let after = dotenv::with(before, &dotenv::lacking(before, &variables));
    assert_eq!(
        after,
        "A=secret\r\n# C=\r\n\r\n# optional; see a.py\r\n# B=\r\n"
    );
    assert!(dotenv::lacking(&after, &variables).is_empty());
    assert_eq!(
        dotenv::with("", &[&variables[0]]),
        "# required; see a.py\nA=\n"
    );
}
