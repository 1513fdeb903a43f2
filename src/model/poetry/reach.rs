//! Form 2.0: which packages the project reaches, and under which markers.

use std::collections::{BTreeMap, VecDeque};
use std::str::FromStr;

use uv_normalize::{ExtraName, PackageName};
use uv_pep440::Version;
use uv_pep508::MarkerTree;

use super::error::Fault;
use super::project::{self, Project, Root};
use super::raw::{Detail, RawLock, RawPackage};
use super::{constraint, spelling};

/// A package, or one extra of it.
type Node = (usize, Option<ExtraName>);

struct Graph<'a> {
    packages: Vec<&'a RawPackage>,
    by_name: BTreeMap<PackageName, Vec<usize>>,
    reached: BTreeMap<Node, MarkerTree>,
    waiting: VecDeque<Node>,
}

/// Returns the marker of each package; false for those that nothing asks for.
pub(super) fn markers(lock: &RawLock, project: &Project) -> Result<Vec<MarkerTree>, Fault> {
    let mut graph = Graph::new(lock);
    let groups = project
        .groups
        .iter()
        .map(|(name, roots)| (name.as_ref(), roots));
    for (group, roots) in std::iter::once(("main", &project.main)).chain(groups) {
        let condition = spelling::group(group)?;
        for root in roots {
            let marker = root.marker.and(condition).and(taken(lock, root));
            if !graph.enter(&root.name, &root.constraint, &root.extras, marker) {
                return Err(Fault::Missing(root.name.to_string()));
            }
        }
    }
    while let Some(node) = graph.waiting.pop_front() {
        graph.follow(&node)?;
    }
    let marker = |index| {
        graph
            .reached
            .get(&(index, None))
            .copied()
            .unwrap_or(MarkerTree::FALSE)
    };
    Ok((0..graph.packages.len()).map(marker).collect())
}

/// Returns the condition that something optional is taken: an extra of the project that names it.
fn taken(lock: &RawLock, root: &Root) -> MarkerTree {
    if !root.optional {
        return MarkerTree::TRUE;
    }
    let mut marker = MarkerTree::FALSE;
    for (extra, names) in &lock.extras {
        let named = names.iter().any(|name| {
            PackageName::from_str(first_word(name)).is_ok_and(|name| name == root.name)
        });
        if let (true, Ok(extra)) = (named, ExtraName::from_str(extra)) {
            marker = marker.or(spelling::extra(&extra));
        }
    }
    marker
}

/// Returns the name that a requirement starts with.
fn first_word(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
    &text[..end.unwrap_or(text.len())]
}

impl<'a> Graph<'a> {
    fn new(lock: &'a RawLock) -> Self {
        let packages: Vec<&RawPackage> = lock.package.iter().map(|it| it.get_ref()).collect();
        let mut by_name: BTreeMap<PackageName, Vec<usize>> = BTreeMap::new();
        for (index, package) in packages.iter().enumerate() {
            if let Ok(name) = PackageName::from_str(&package.name) {
                by_name.entry(name).or_default().push(index);
            }
        }
        Self {
            packages,
            by_name,
            reached: BTreeMap::new(),
            waiting: VecDeque::new(),
        }
    }

    /// Reaches every version that a constraint allows; tells whether there is one.
    fn enter(
        &mut self,
        name: &PackageName,
        allowed: &str,
        extras: &[ExtraName],
        marker: MarkerTree,
    ) -> bool {
        let candidates = self.by_name.get(name).cloned().unwrap_or_default();
        let several = candidates.len() > 1;
        let fits = |index: &usize| {
            !several
                || Version::from_str(&self.packages[*index].version)
                    .is_ok_and(|version| constraint::allows(allowed, &version))
        };
        let fitting: Vec<usize> = candidates.iter().copied().filter(fits).collect();
        for index in &fitting {
            // Of several versions, each is for the Pythons that it works with.
            let python = &self.packages[*index].python_versions;
            let marker = match constraint::python_marker(python) {
                Some(python) if several => marker.and(python),
                _ => marker,
            };
            self.reach((*index, None), marker);
            for extra in extras {
                self.reach((*index, Some(extra.clone())), marker);
            }
        }
        !fitting.is_empty() || marker.is_false()
    }

    fn reach(&mut self, node: Node, marker: MarkerTree) {
        let known = self
            .reached
            .get(&node)
            .copied()
            .unwrap_or(MarkerTree::FALSE);
        let wider = known.or(marker);
        if wider != known {
            self.reached.insert(node.clone(), wider);
            self.waiting.push_back(node);
        }
    }

    fn follow(&mut self, node: &Node) -> Result<(), Fault> {
        let (index, extra) = node;
        let package = self.packages[*index];
        let marker = self.reached[node];
        for (name, dependency) in &package.dependencies {
            let Ok(name) = PackageName::from_str(name) else {
                continue;
            };
            for detail in dependency.details() {
                let applies = match extra {
                    None => !detail.optional,
                    Some(extra) => brings(package, extra, &name),
                };
                if !applies {
                    continue;
                }
                let inner = inner(&detail, extra.as_ref())?;
                let allowed = detail.version.as_deref().unwrap_or("*");
                let extras = project::extras(&detail.extras);
                self.enter(&name, allowed, &extras, marker.and(inner));
            }
        }
        Ok(())
    }
}

/// Tells whether an extra of a package names a dependency.
fn brings(package: &RawPackage, extra: &ExtraName, name: &PackageName) -> bool {
    package
        .extras
        .iter()
        .filter(|(key, _)| ExtraName::from_str(key).is_ok_and(|key| key == *extra))
        .flat_map(|(_, requirements)| requirements)
        .any(|text| PackageName::from_str(first_word(text)).is_ok_and(|found| found == *name))
}

/// Returns the marker of a dependency. An extra in it is one of the package, not of the project.
fn inner(detail: &Detail, extra: Option<&ExtraName>) -> Result<MarkerTree, Fault> {
    let mut marker = match &detail.markers {
        Some(text) => crate::model::pylock::bounded_marker(text)
            .ok_or_else(|| Fault::Marker(text.chars().take(300).collect()))?,
        None => MarkerTree::TRUE,
    };
    if let Some(extra) = extra {
        marker = marker.simplify_extras(std::slice::from_ref(extra));
    }
    if let Some(python) = detail.python.as_deref().and_then(constraint::python_marker) {
        marker = marker.and(python);
    }
    Ok(marker.simplify_not_extras_with(|_| true))
}
