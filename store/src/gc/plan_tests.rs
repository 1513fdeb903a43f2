//! The plan against small stores that are written down, and against many that are made up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use proptest::prelude::*;

use super::plan::*;
use crate::format::root::{Generation, Root};
use crate::id::{Digest, EntryId, Fingerprint};

fn entry(number: u8) -> EntryId {
    EntryId(Digest::of(&[0, number]))
}

fn environment(number: u8) -> Fingerprint {
    Fingerprint(Digest::of(&[1, number]))
}

fn root(number: u8, presence: Presence, environment: Fingerprint) -> RootFacts {
    let standing = match presence {
        Presence::Standing => vec![environment],
        _ => Vec::new(),
    };
    RootFacts {
        name: number.to_string(),
        root: Root::new(PathBuf::from(format!("/{number}/.venv")), environment),
        presence,
        standing,
    }
}

/// A store with entries 0 to 9, of which each has a content of its own and shares one with the next.
fn facts(environments: &[(u8, &[u8])]) -> Facts {
    let entry_facts = |number: u8| EntryFacts {
        made: i64::from(number),
        shares: vec![(100 + u64::from(number), 10), (u64::from(number) / 2, 5)],
        ..EntryFacts::default()
    };
    Facts {
        environments: environments
            .iter()
            .map(|(number, entries)| {
                let facts = EnvironmentFacts {
                    entries: entries.iter().copied().map(entry).collect(),
                    environments: Vec::new(),
                    used: i64::from(*number) * 100,
                };
                (environment(*number), facts)
            })
            .collect(),
        entries: (0..10)
            .map(|number| (entry(number), entry_facts(number)))
            .collect(),
        ..Facts::default()
    }
}

fn limits() -> Limits {
    Limits {
        generations: 1,
        now: 1000,
        ..Limits::default()
    }
}

fn gone(facts: &Facts, limits: &Limits) -> Vec<u8> {
    let plan = plan(facts, limits).unwrap();
    (0..10)
        .filter(|number| plan.entries.contains(&entry(*number)))
        .collect()
}

#[test]
fn everything_goes_that_no_root_reaches() {
    let mut facts = facts(&[(1, &[0, 1]), (2, &[1, 2])]);
    assert_eq!(gone(&facts, &limits()).len(), 10);
    facts
        .roots
        .push(root(1, Presence::Standing, environment(1)));
    assert_eq!(gone(&facts, &limits()), [2, 3, 4, 5, 6, 7, 8, 9]);
    let plan = plan(&facts, &limits()).unwrap();
    assert_eq!(plan.environments, BTreeSet::from([environment(2)]));
}

#[test]
fn a_root_stays_unless_it_is_surely_gone() {
    for (presence, kept) in [
        (Presence::Standing, true),
        (Presence::Moved, true),
        (Presence::Unmounted, true),
        (Presence::Unclear, true),
        (Presence::Gone, false),
    ] {
        let mut facts = facts(&[(1, &[0])]);
        facts.roots.push(root(1, presence, environment(1)));
        let plan = plan(&facts, &limits()).unwrap();
        assert_eq!(!plan.entries.contains(&entry(0)), kept, "{presence:?}");
        assert_eq!(plan.roots.len(), usize::from(!kept));
    }
}

#[test]
fn presence_is_told_by_place_witness_and_mount() {
    let standing = Place::Standing(vec![environment(1)]);
    for (place, held, mounted, expected) in [
        (&standing, false, true, Presence::Standing),
        (&Place::Unclear, false, true, Presence::Unclear),
        (&Place::Absent, true, true, Presence::Moved),
        (&Place::Absent, true, false, Presence::Moved),
        (&Place::Absent, false, false, Presence::Unmounted),
        (&Place::Absent, false, true, Presence::Gone),
    ] {
        assert_eq!(Presence::of(place, held, mounted), expected);
    }
}

/// After a kill, the root names what was being made while the former environment still stands.
#[test]
fn what_stands_and_what_is_being_made_are_both_kept() {
    let mut facts = facts(&[(1, &[0]), (2, &[1]), (3, &[2])]);
    let mut making = root(1, Presence::Standing, environment(2));
    making.standing = vec![environment(1), environment(3)];
    facts.roots.push(making);
    let none = Limits {
        generations: 0,
        ..limits()
    };
    assert_eq!(gone(&facts, &none), [3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn the_latest_generations_stay() {
    let mut facts = facts(&[(1, &[0]), (2, &[1]), (3, &[2])]);
    let mut root = root(1, Presence::Standing, environment(3));
    root.root.former = [(2, 2), (1, 1)]
        .map(|(generation, number)| Generation {
            generation,
            environment: environment(number),
            left: 0,
        })
        .to_vec();
    facts.roots.push(root);
    assert_eq!(gone(&facts, &limits())[..2], [0, 3]);
    // Nobody knows which one stands at a place that cannot be looked at.
    facts.roots[0].presence = Presence::Unmounted;
    assert_eq!(gone(&facts, &limits())[..1], [3]);
}

#[test]
fn running_commands_and_the_tools_of_dhtl_keep_what_they_use() {
    let mut facts = facts(&[(1, &[0, 1])]);
    facts.pins = BTreeSet::from([environment(1).0, entry(5).0]);
    let limits = Limits {
        own: BTreeSet::from([entry(7)]),
        ..limits()
    };
    assert_eq!(gone(&facts, &limits), [2, 3, 4, 6, 8, 9]);
}

#[test]
fn nothing_goes_while_it_is_not_known_what_a_root_reaches() {
    let mut facts = facts(&[]);
    facts
        .roots
        .push(root(1, Presence::Standing, environment(9)));
    let error = plan(&facts, &limits()).unwrap_err();
    assert_eq!(error.fingerprint, environment(9));
    facts.roots[0].presence = Presence::Gone;
    assert!(plan(&facts, &limits()).is_ok());
}

#[test]
fn what_was_used_lately_stays_for_an_age() {
    let facts = facts(&[(1, &[0]), (9, &[1])]);
    let limits = Limits {
        max_age: Some(995),
        ..limits()
    };
    // Made at 5 or later, or named by an environment that was used at 900.
    assert_eq!(gone(&facts, &limits), [2, 3, 4]);
}

#[test]
fn what_was_used_last_stays_for_a_size() {
    let mut facts = facts(&[(1, &[0]), (2, &[9])]);
    let limits = |excess| Limits {
        excess: Some(excess),
        ..limits()
    };
    assert_eq!(gone(&facts, &limits(0)), [0; 0]);
    // The oldest is 1; its second content is shared with 0 and stays.
    assert_eq!(gone(&facts, &limits(1)), [1]);
    assert_eq!(gone(&facts, &limits(11)), [1, 2]);
    facts
        .roots
        .push(root(1, Presence::Standing, environment(1)));
    let all = gone(&facts, &limits(1_000_000));
    assert_eq!(all, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn shared_content_is_counted_once_and_given_back_last() {
    let facts = facts(&[]);
    let all = plan(&facts, &limits()).unwrap();
    assert_eq!(all.bytes, 10 * 10 + 5 * 5);
    let division = super::division(&facts);
    assert_eq!(division[&entry(0)], (10, 5));
}

prop_compose! {
    fn any_facts()(
        documents in prop::collection::vec(prop::collection::vec(0u8..10, 0..5), 1..6),
        roots in prop::collection::vec((0u8..6, 0usize..5, prop::collection::vec(0u8..6, 0..4)), 0..6),
        pins in prop::collection::btree_set(0u8..10, 0..3),
    ) -> Facts {
        let named: Vec<(u8, &[u8])> = documents
            .iter()
            .enumerate()
            .map(|(number, entries)| (u8::try_from(number).unwrap(), entries.as_slice()))
            .collect();
        let mut facts = facts(&named);
        let presences = [
            Presence::Standing,
            Presence::Moved,
            Presence::Unmounted,
            Presence::Unclear,
            Presence::Gone,
        ];
        let count = u8::try_from(documents.len()).unwrap();
        for (index, (current, presence, former)) in roots.into_iter().enumerate() {
            let index = u8::try_from(index).unwrap();
            let mut root = root(index, presences[presence], environment(current % count));
            root.root.former = former
                .into_iter()
                .map(|number| Generation {
                    generation: 1,
                    environment: environment(number),
                    left: 0,
                })
                .collect();
            facts.roots.push(root);
        }
        facts.pins = pins.into_iter().map(|number| entry(number).0).collect();
        facts
    }
}

fn any_limits() -> impl Strategy<Value = Limits> {
    let age = prop::option::of(0u64..1200);
    let excess = prop::option::of(0u64..200);
    (0usize..4, age, excess).prop_map(|(generations, max_age, excess)| Limits {
        generations,
        max_age,
        excess,
        now: 1000,
        ..Limits::default()
    })
}

proptest! {
    /// Whatever the limits: nothing goes that a living root or a running command reaches, every entry
    /// goes or has a reason to stay, and a document that stays has all its entries.
    #[test]
    fn no_plan_takes_what_is_needed(facts in any_facts(), limits in any_limits()) {
        let plan = plan(&facts, &limits).unwrap();
        for root in facts.roots.iter().filter(|root| root.presence != Presence::Gone) {
            let needed = &facts.environments[&root.root.environment].entries;
            prop_assert!(!plan.environments.contains(&root.root.environment));
            prop_assert!(needed.iter().all(|entry| !plan.entries.contains(entry)));
        }
        prop_assert!(facts.pins.iter().all(|pin| !plan.entries.contains(&EntryId(*pin))));
        for id in facts.entries.keys() {
            prop_assert_eq!(plan.entries.contains(id), !plan.keepers.contains_key(id));
        }
        for (fingerprint, environment) in &facts.environments {
            let whole = environment.entries.iter().all(|entry| !plan.entries.contains(entry));
            prop_assert!(plan.environments.contains(fingerprint) || whole);
        }
    }

    /// Less is kept with tighter limits, and what is reached is the same with and without reasons.
    #[test]
    fn limits_only_add_to_what_is_kept(facts in any_facts(), limits in any_limits()) {
        let strict = Limits { max_age: None, excess: None, ..limits.clone() };
        let all: BTreeMap<_, _> = plan(&facts, &strict).unwrap().keepers;
        let loose = plan(&facts, &limits).unwrap().keepers;
        prop_assert!(all.keys().all(|id| loose.contains_key(id)));
        let marks = mark(&facts, &limits).unwrap();
        let reached = reached(&facts, &limits).unwrap();
        prop_assert_eq!(marks.environments, reached.environments);
        prop_assert!(marks.entries.keys().eq(reached.entries.keys()));
        prop_assert!(marks.entries.keys().eq(all.keys()));
    }
}
