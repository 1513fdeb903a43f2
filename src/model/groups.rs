//! Which dependency groups and extras an environment takes, as flags and configuration ask for it.
//!
//! A request is what was said; [`GroupRequest::groups_of`] and [`GroupRequest::extras_of`] turn it
//! into names against what a lock or a project offers. The rules are uv's: default groups unless
//! refused, a refused group loses against nothing, a group that does not exist is an error.

use std::collections::BTreeSet;

use uv_normalize::{ExtraName, GroupName};

/// The groups and extras that were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupRequest {
    /// Groups to add to the default ones.
    pub groups: BTreeSet<GroupName>,
    /// Groups to leave out, whatever else asks for them.
    pub no_groups: BTreeSet<GroupName>,
    /// Groups to install alone, without the project and its dependencies.
    pub only_groups: BTreeSet<GroupName>,
    /// Extras to add.
    pub extras: BTreeSet<ExtraName>,
    /// Extras to leave out when all were asked for.
    pub no_extras: BTreeSet<ExtraName>,
    /// Every group.
    pub all_groups: bool,
    /// Every extra.
    pub all_extras: bool,
    /// Leave out the group `dev`.
    pub no_dev: bool,
    /// Install nothing but the group `dev`.
    pub only_dev: bool,
    /// Do not take the default groups.
    pub no_default_groups: bool,
}

/// A group or extra was asked for that is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {kind} `{name}`; known are: {known}")]
pub struct UnknownName {
    kind: &'static str,
    name: String,
    known: String,
}

impl UnknownName {
    fn new<T: ToString>(kind: &'static str, name: &T, known: &BTreeSet<T>) -> Self {
        let known: Vec<String> = known.iter().map(T::to_string).collect();
        Self {
            kind,
            name: name.to_string(),
            known: if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            },
        }
    }
}

impl GroupRequest {
    /// Returns whether the project's own dependencies are left out (`--only-group`, `--only-dev`).
    pub fn only(&self) -> bool {
        self.only_dev || !self.only_groups.is_empty()
    }

    /// Returns the groups to install out of `known`, where `defaults` are taken unless refused.
    ///
    /// # Errors
    ///
    /// When a named group is not known. Default groups, `dev` in particular, need not exist.
    pub fn groups_of(
        &self,
        known: &BTreeSet<GroupName>,
        defaults: &BTreeSet<GroupName>,
    ) -> Result<BTreeSet<GroupName>, UnknownName> {
        let named = [&self.groups, &self.no_groups, &self.only_groups];
        if let Some(unknown) = named
            .into_iter()
            .flatten()
            .find(|name| !known.contains(name))
        {
            return Err(UnknownName::new("dependency group", unknown, known));
        }
        let dev = known.iter().filter(|name| name.as_ref() == "dev");
        let mut groups = self.groups.clone();
        if self.only() {
            groups.extend(self.only_groups.iter().cloned());
            if self.only_dev {
                groups.extend(dev.clone().cloned());
            }
        } else if self.all_groups {
            groups.extend(known.iter().cloned());
        } else if !self.no_default_groups {
            groups.extend(defaults.intersection(known).cloned());
        }
        groups.retain(|name| !self.no_groups.contains(name));
        if self.no_dev {
            groups.retain(|name| name.as_ref() != "dev");
        }
        Ok(groups)
    }

    /// Returns the extras to install out of `known`.
    ///
    /// # Errors
    ///
    /// When a named extra is not known.
    pub fn extras_of(
        &self,
        known: &BTreeSet<ExtraName>,
    ) -> Result<BTreeSet<ExtraName>, UnknownName> {
        // Without `--all-extras` there is nothing to leave out.
        let left_out = self.no_extras.iter().filter(|_| self.all_extras);
        let mut named = self.extras.iter().chain(left_out);
        if let Some(unknown) = named.find(|name| !known.contains(name)) {
            return Err(UnknownName::new("extra", unknown, known));
        }
        let mut extras = if self.all_extras {
            known.clone()
        } else {
            self.extras.clone()
        };
        extras.retain(|name| !self.no_extras.contains(name));
        Ok(extras)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> BTreeSet<GroupName> {
        text.split_whitespace()
            .map(|name| name.parse().unwrap())
            .collect()
    }

    #[test]
    fn default_groups_are_taken_unless_refused() {
        let known = names("dev docs test");
        let taken = |request: GroupRequest| request.groups_of(&known, &names("dev")).unwrap();
        assert_eq!(taken(GroupRequest::default()), names("dev"));
        let with_test = GroupRequest {
            groups: names("test"),
            ..Default::default()
        };
        assert_eq!(taken(with_test.clone()), names("dev test"));
        assert_eq!(
            taken(GroupRequest {
                no_dev: true,
                ..with_test.clone()
            }),
            names("test")
        );
        assert_eq!(
            taken(GroupRequest {
                no_default_groups: true,
                ..with_test
            }),
            names("test")
        );
        let all = GroupRequest {
            all_groups: true,
            no_groups: names("docs"),
            ..Default::default()
        };
        assert_eq!(taken(all), names("dev test"));
        let only = GroupRequest {
            only_groups: names("docs"),
            ..Default::default()
        };
        assert!(only.only());
        assert_eq!(taken(only), names("docs"));
    }

    #[test]
    fn an_unknown_name_is_named_with_the_known_ones() {
        let request = GroupRequest {
            groups: names("tset"),
            ..Default::default()
        };
        let error = request
            .groups_of(&names("dev test"), &names("dev"))
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no dependency group `tset`; known are: dev, test"
        );
    }
}
