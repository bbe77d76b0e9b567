//! What a token's claims or a certificate's entry grant, in words, and the identity
//! that these make. Everything wrong is told at once. A word that is not known is
//! refused and never passed over: a misspelt area would otherwise not limit, and a
//! misspelt role would be missed by somebody who needs it.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{Identity, Permission, Permissions, Role, Scope};
use crate::domain::word::List;

/// Most characters of an actor.
const ACTOR: usize = 128;
/// Most names in one claim.
const NAMES: usize = 64;
/// Most characters of an area, as records name them.
const AREA: usize = 32;
/// Whoever may see everything says so with this one word.
const EVERY: &str = "*";

/// What is granted to somebody, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Grant {
    /// Roles by name. At least one.
    pub roles: Option<Vec<String>>,
    /// Areas by name, or `*` alone for the whole force. Left out: nobody is seen.
    pub areas: Option<Vec<String>>,
    /// Lists by name, or `*` alone. Left out: all.
    pub lists: Option<Vec<String>>,
    /// Permissions beyond those of the roles: `see_children`, `see_sensitive_intelligence`.
    pub permissions: Option<Vec<String>>,
}

/// One thing wrong with what is granted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{claim} {problem}")]
pub struct GrantFault {
    /// The claim or field.
    pub claim: &'static str,
    /// What is wrong with it. Never quotes more than a word.
    pub problem: String,
}

impl Grant {
    /// The identity of `actor` with this.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn identity(&self, actor: &str) -> Result<Identity, Vec<GrantFault>> {
        let mut faults = Vec::new();
        if !(1..=ACTOR).contains(&actor.chars().count()) || actor.chars().any(char::is_control) {
            faults.push(fault("actor", format!("must be 1 to {ACTOR} printable characters")));
        }
        let roles = self.roles(&mut faults);
        let areas = self.areas(&mut faults);
        let lists = self.lists(&mut faults);
        let granted = self.granted(&mut faults);
        if faults.is_empty() {
            Ok(Identity::new(actor, &roles, granted, Scope::new(areas, lists)))
        } else {
            Err(faults)
        }
    }

    fn roles(&self, faults: &mut Vec<GrantFault>) -> Vec<Role> {
        let names = bounded("roles", self.roles.as_ref(), faults);
        if names.is_empty() {
            faults.push(fault("roles", "must name at least one role".to_owned()));
        }
        let mut roles = Vec::new();
        for name in names {
            match name.parse() {
                Ok(role) => roles.push(role),
                Err(()) => faults.push(fault("roles", format!("names {}, which is no role", quoted(name)))),
            }
        }
        roles
    }

    fn areas(&self, faults: &mut Vec<GrantFault>) -> Option<BTreeSet<Box<str>>> {
        let names = bounded("areas", self.areas.as_ref(), faults);
        if every("areas", names, faults) {
            return None;
        }
        for name in names {
            if !(1..=AREA).contains(&name.chars().count()) || name.chars().any(char::is_control) {
                faults.push(fault("areas", format!("names {}; an area has 1 to {AREA} characters", quoted(name))));
            }
        }
        Some(names.iter().map(|name| name.as_str().into()).collect())
    }

    fn lists(&self, faults: &mut Vec<GrantFault>) -> Option<BTreeSet<List>> {
        let names = bounded("lists", Some(self.lists.as_ref()?), faults);
        if every("lists", names, faults) {
            return None;
        }
        let mut lists = BTreeSet::new();
        for name in names {
            match list(name) {
                Some(list) => {
                    lists.insert(list);
                }
                None => faults.push(fault("lists", format!("names {}, which is no list", quoted(name)))),
            }
        }
        Some(lists)
    }

    fn granted(&self, faults: &mut Vec<GrantFault>) -> Permissions {
        const BY_NAME: [Permission; 2] = [Permission::SeeChildren, Permission::SeeSensitiveIntelligence];
        let mut granted = Permissions::NONE;
        for name in bounded("permissions", self.permissions.as_ref(), faults) {
            match name.parse::<Permission>() {
                Ok(permission) if BY_NAME.contains(&permission) => {
                    granted = granted.union(Permissions::of(&[permission]));
                }
                Ok(_) => {
                    let problem = format!("names {}, which comes with a role and is not granted by name", quoted(name));
                    faults.push(fault("permissions", problem));
                }
                Err(()) => {
                    faults.push(fault("permissions", format!("names {}, which is no permission", quoted(name))));
                }
            }
        }
        granted
    }
}

fn fault(claim: &'static str, problem: String) -> GrantFault {
    GrantFault { claim, problem }
}

fn bounded<'a>(claim: &'static str, names: Option<&'a Vec<String>>, faults: &mut Vec<GrantFault>) -> &'a [String] {
    let names = names.map(Vec::as_slice).unwrap_or_default();
    if names.len() > NAMES {
        faults.push(fault(claim, format!("has {} names; at most {NAMES} are allowed", names.len())));
    }
    &names[..names.len().min(NAMES)]
}

/// Whether the names are the one that stands for all. Beside others it is a contradiction.
fn every(claim: &'static str, names: &[String], faults: &mut Vec<GrantFault>) -> bool {
    let every = names.iter().any(|name| name == EVERY);
    if every && names.len() > 1 {
        faults.push(fault(claim, "holds * beside other names: give one or the other".to_owned()));
    }
    every
}

/// A word as it may be told: short, and without what would break a line.
fn quoted(name: &str) -> String {
    format!("{:?}", name.chars().take(40).collect::<String>())
}

/// A list by its name in the contract, without the prefix.
fn list(name: &str) -> Option<List> {
    List::ALL.iter().copied().find(|list| list.proto().as_str_name().trim_start_matches("LIST_") == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "as a claim has it")]
    fn words(names: &[&str]) -> Option<Vec<String>> {
        Some(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn whoever_is_given_no_area_sees_nobody_and_whoever_is_given_no_list_sees_all() {
        let grant = Grant { roles: words(&["reader"]), ..Grant::default() };
        let identity = grant.identity("officer").unwrap();
        assert_eq!(identity.scope, Scope::new(Some(BTreeSet::new()), None));
        let grant = Grant { areas: words(&["*"]), lists: words(&["WANTED"]), ..grant };
        let identity = grant.identity("officer").unwrap();
        assert_eq!(identity.scope, Scope::new(None, Some([List::Wanted].into())));
        assert!(!identity.permissions.hold(Permission::SeeChildren));
    }

    #[test]
    fn only_two_permissions_are_granted_by_name() {
        let grant = |name: &str| Grant { roles: words(&["reader"]), permissions: words(&[name]), ..Grant::default() };
        for permission in Permission::ALL {
            let by_name = matches!(permission, Permission::SeeChildren | Permission::SeeSensitiveIntelligence);
            let outcome = grant(permission.name()).identity("officer");
            assert_eq!(outcome.is_ok(), by_name, "{permission}");
            assert!(outcome.is_err() || outcome.unwrap().permissions.hold(*permission));
        }
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let grant = Grant {
            roles: words(&["reader", "king"]),
            areas: words(&["*", "North"]),
            lists: words(&["LIST_WANTED"]),
            permissions: words(&["erase_subjects", "fly"]),
        };
        let faults = grant.identity("").unwrap_err();
        let told: Vec<_> = faults.iter().map(|fault| fault.claim).collect();
        assert_eq!(told, ["actor", "roles", "areas", "lists", "permissions", "permissions"]);
        assert_eq!(Grant::default().identity("officer").unwrap_err()[0].claim, "roles");
    }

    #[test]
    fn more_names_than_anybody_needs_are_refused() {
        let many: Vec<String> = (0..65).map(|number| format!("A{number}")).collect();
        let grant = Grant { roles: words(&["reader"]), areas: Some(many), ..Grant::default() };
        assert!(grant.identity("officer").unwrap_err()[0].problem.contains("at most 64"));
    }
}
