//! Who needs whom, as far as a lock says it: which ways lead to a package.
//!
//! Markers and extras are not weighed: a way that is only taken on another platform is a way too.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use toml::{Table, Value};
use uv_normalize::PackageName;

use super::asked::LockForm;

/// Who needs whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    /// What each needs.
    needs: BTreeMap<String, BTreeSet<String>>,
    /// Where ways begin: the project, its groups, a list of requirements.
    starts: BTreeSet<String>,
    /// The packages that the project's tools are locked with.
    tools: BTreeMap<String, BTreeSet<String>>,
}

/// Where ways to tools begin.
const TOOLS: &str = "tools of .dhtconfig";

impl Graph {
    /// Reads what a lock says; `pyproject` is the text of the project's `pyproject.toml`, which tells
    /// where ways begin when the lock does not.
    pub fn of(form: LockForm, lock: &str, pyproject: &str) -> Self {
        let mut graph = Self::default();
        if form == LockForm::Requirements {
            graph.read_remarks(lock);
            return graph;
        }
        let table: Table = toml::from_str(lock).unwrap_or_default();
        let lists = ["package", "packages"].into_iter();
        let lists = lists.filter_map(|key| table.get(key)?.as_array());
        for package in lists.flatten().filter_map(Value::as_table) {
            graph.read_package(package);
        }
        if graph.starts.is_empty() {
            graph.read_pyproject(&toml::from_str(pyproject).unwrap_or_default());
        }
        graph
    }

    /// Takes in what another lock of the project says.
    pub fn merge(&mut self, other: Self) {
        for (name, needs) in other.needs {
            self.needs.entry(name).or_default().extend(needs);
        }
        self.starts.extend(other.starts);
        self.tools.extend(other.tools);
    }

    /// Takes in a tool of the project, and the packages that it is locked with.
    pub fn add_tool<'a>(&mut self, tool: &str, packages: impl IntoIterator<Item = &'a str>) {
        let packages = packages.into_iter().map(normal);
        self.tools.insert(normal(tool), packages.collect());
    }

    fn add(&mut self, from: &str, to: &str) {
        let needs = self.needs.entry(from.to_owned()).or_default();
        needs.insert(normal(to));
    }

    fn read_package(&mut self, package: &Table) {
        let text = |key: &str| package.get(key).and_then(Value::as_str);
        let Some(name) = text("name").map(normal) else {
            return;
        };
        let source = package.get("source").and_then(Value::as_table);
        let is_own = source.is_some_and(|source| {
            let kinds = ["editable", "virtual"];
            kinds.iter().any(|kind| source.contains_key(*kind))
        });
        if is_own {
            self.starts.insert(name.clone());
        }
        match package.get("dependencies") {
            Some(Value::Array(list)) => self.read_list(&name, list),
            // Poetry: names are keys.
            Some(Value::Table(table)) => {
                for key in table.keys() {
                    self.add(&name, key);
                }
            }
            _ => {}
        }
        // uv: what extras and groups add.
        for (key, word) in [
            ("optional-dependencies", "extra"),
            ("dev-dependencies", "group"),
        ] {
            let Some(Value::Table(table)) = package.get(key) else {
                continue;
            };
            for (label, list) in table {
                let from = match is_own {
                    true => format!("{name} ({word} {label})"),
                    false => name.clone(),
                };
                if is_own {
                    self.starts.insert(from.clone());
                }
                self.read_list(&from, list.as_array().map_or(&[], Vec::as_slice));
            }
        }
    }

    fn read_list(&mut self, from: &str, list: &[Value]) {
        for item in list {
            if let Some(name) = item.get("name").and_then(Value::as_str) {
                self.add(from, name);
            }
        }
    }

    fn read_pyproject(&mut self, table: &Table) {
        let at = |path: &[&str]| {
            let mut value = table.get(path[0])?;
            for key in &path[1..] {
                value = value.get(*key)?;
            }
            Some(value)
        };
        let text = |path: &[&str]| at(path).and_then(Value::as_str).map(normal);
        let own = text(&["project", "name"]).or_else(|| text(&["tool", "poetry", "name"]));
        let own = own.unwrap_or_else(|| "the project".to_owned());
        let mut lists: Vec<(String, Vec<String>)> = Vec::new();
        let mut take = |label: String, value: Option<&Value>| {
            lists.extend(value.map(|value| (label, names(value))));
        };
        take(own.clone(), at(&["project", "dependencies"]));
        take(own.clone(), at(&["tool", "poetry", "dependencies"]));
        take(
            format!("{own} (group dev)"),
            at(&["tool", "poetry", "dev-dependencies"]),
        );
        for (path, word) in [
            (&["project", "optional-dependencies"][..], "extra"),
            (&["dependency-groups"][..], "group"),
        ] {
            for (label, list) in at(path).and_then(Value::as_table).into_iter().flatten() {
                take(format!("{own} ({word} {label})"), Some(list));
            }
        }
        let groups = at(&["tool", "poetry", "group"]).and_then(Value::as_table);
        for (label, group) in groups.into_iter().flatten() {
            take(format!("{own} (group {label})"), group.get("dependencies"));
        }
        for (from, names) in lists {
            self.starts.insert(from.clone());
            for name in names.iter().filter(|name| *name != "python") {
                self.add(&from, name);
            }
        }
    }

    /// Reads the remarks in which compilers of requirements say who needs a package: `# via a`, or
    /// `# via` and a name on each line below.
    fn read_remarks(&mut self, text: &str) {
        let mut package: Option<String> = None;
        let mut listing = false;
        for line in text.lines() {
            let trimmed = line.trim();
            let Some(remark) = trimmed.strip_prefix('#').map(str::trim) else {
                if let Some(name) = requirement_name(trimmed) {
                    package = Some(name);
                }
                listing = false;
                continue;
            };
            let Some(package) = &package else { continue };
            let by = match remark.strip_prefix("via") {
                Some(rest) => {
                    listing = true;
                    rest.trim()
                }
                None if listing => remark,
                None => continue,
            };
            for name in by
                .split(", ")
                .map(str::trim)
                .filter(|name| !name.is_empty())
            {
                self.read_by(name, package);
            }
        }
    }

    fn read_by(&mut self, by: &str, package: &str) {
        let list = by.strip_prefix("-r ").or_else(|| by.strip_prefix("-c "));
        if list.is_none() && !by.contains(" (") && by.parse::<PackageName>().is_ok() {
            self.add(&normal(by), package);
            return;
        }
        let start = list.unwrap_or(by).to_owned();
        self.add(&start, package);
        self.starts.insert(start);
    }

    /// Tells whether the lock says anything of who needs whom.
    pub fn is_empty(&self) -> bool {
        self.needs.is_empty()
    }

    /// Returns who needs `name` directly.
    pub fn dependents(&self, name: &str) -> Vec<&str> {
        let needing = self.needs.iter();
        let needing = needing.filter(|(_, needs)| needs.contains(name));
        needing.map(|(from, _)| from.as_str()).collect()
    }

    /// Returns the shortest way from a start to `name` over each of those that need it directly, the
    /// shortest first.
    pub fn ways(&self, name: &str) -> Vec<Vec<String>> {
        let mut ways: Vec<Vec<String>> = self
            .dependents(name)
            .into_iter()
            .filter_map(|dependent| {
                let mut way = self.way_to(dependent, name)?;
                way.push(name.to_owned());
                Some(way)
            })
            .collect();
        ways.sort_by(|left, right| (left.len(), left).cmp(&(right.len(), right)));
        let start = |way: &[&str]| {
            [&[TOOLS], way]
                .concat()
                .iter()
                .map(|it| (*it).to_owned())
                .collect()
        };
        if self.tools.contains_key(name) {
            ways.push(start(&[name]));
        } else if ways.is_empty() {
            // What a tool is locked with says not which of it needs which.
            let with_it = self
                .tools
                .iter()
                .filter(|(_, packages)| packages.contains(name));
            ways.extend(with_it.map(|(tool, _)| start(&[tool, name])));
        }
        ways
    }

    /// Finds the shortest way from a start to `to` that does not pass `without`.
    fn way_to(&self, to: &str, without: &str) -> Option<Vec<String>> {
        let mut from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut queue: VecDeque<&str> = self.starts.iter().map(String::as_str).collect();
        let mut seen: BTreeSet<&str> = queue.iter().copied().collect();
        while let Some(current) = queue.pop_front() {
            if current == to {
                let mut way = vec![to.to_owned()];
                let mut step = to;
                while let Some(before) = from.get(step) {
                    way.push((*before).to_owned());
                    step = before;
                }
                way.reverse();
                return Some(way);
            }
            for next in self.needs.get(current).into_iter().flatten() {
                if next != without && seen.insert(next) {
                    from.insert(next, current);
                    queue.push_back(next);
                }
            }
        }
        None
    }
}

fn normal(name: &str) -> String {
    let parsed = name.parse::<PackageName>();
    parsed.map_or_else(|_| name.to_owned(), |name| name.to_string())
}

/// Returns the names of a list of requirements, or the keys of Poetry's table.
fn names(value: &Value) -> Vec<String> {
    match value {
        Value::Table(table) => table.keys().map(|key| normal(key)).collect(),
        Value::Array(items) => {
            let texts = items.iter().filter_map(Value::as_str);
            texts.filter_map(requirement_name).collect()
        }
        _ => Vec::new(),
    }
}

fn requirement_name(text: &str) -> Option<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let end = text.find(|c| !word(c)).unwrap_or(text.len());
    let name = text[..end].parse::<PackageName>().ok()?;
    Some(name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(graph: &Graph, name: &str) -> Vec<String> {
        graph.ways(name).iter().map(|way| way.join(" > ")).collect()
    }

    #[test]
    fn uv_says_it_all() {
        let lock = "[[package]]\nname = \"own\"\nsource = { editable = \".\" }\ndependencies = [{ name = \"web\" }]\n\
            [package.dev-dependencies]\ndev = [{ name = \"pytest\" }]\n\
            [[package]]\nname = \"web\"\ndependencies = [{ name = \"six\" }, { name = \"web\" }]\n\
            [[package]]\nname = \"pytest\"\ndependencies = [{ name = \"six\" }]\n\
            [[package]]\nname = \"six\"\n";
        let graph = Graph::of(LockForm::Uv, lock, "");
        assert_eq!(
            shown(&graph, "six"),
            ["own > web > six", "own (group dev) > pytest > six"]
        );
        assert_eq!(shown(&graph, "own"), Vec::<String>::new());
    }

    #[test]
    fn poetry_begins_with_the_project() {
        let lock = "[[package]]\nname = \"flask\"\n[package.dependencies]\nWerkzeug = \">=2\"\n[[package]]\nname = \"werkzeug\"\n";
        let project = "[tool.poetry]\nname = \"app\"\n[tool.poetry.dependencies]\npython = \"^3.9\"\nFlask = \"*\"\n";
        let graph = Graph::of(LockForm::Poetry, lock, project);
        assert_eq!(shown(&graph, "werkzeug"), ["app > flask > werkzeug"]);
    }

    #[test]
    fn compiled_requirements_say_it_in_remarks() {
        let lock = "flask==3 \\\n    --hash=sha256:aa\n    # via -r requirements.in\nwerkzeug==3 \\\n    --hash=sha256:bb\n    # via\n    #   flask\n    #   moto\nsix==1\n    # via werkzeug\n";
        let graph = Graph::of(LockForm::Requirements, lock, "");
        assert_eq!(
            shown(&graph, "six"),
            ["requirements.in > flask > werkzeug > six"]
        );
        assert_eq!(graph.dependents("werkzeug"), ["flask", "moto"]);
    }
}
