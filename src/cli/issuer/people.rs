//! The people of the demonstration force who sign in, and what each may: one of every
//! kind that the pages are for. None of them exists.

use serde_json::{Value, json};

/// Somebody who signs in.
#[derive(Debug)]
pub struct Person {
    /// The name under which they are known here.
    pub name: &'static str,
    /// What they are called.
    pub called: &'static str,
    /// What they do, for whoever chooses.
    pub does: &'static str,
    /// Their roles.
    pub roles: &'static [&'static str],
    /// Areas of which they see people.
    pub areas: &'static [&'static str],
    /// Permissions granted by name.
    pub permissions: &'static [&'static str],
}

const WHOLE: &[&str] = &["*"];

/// Everybody who signs in.
pub const PEOPLE: &[Person] = &[
    Person {
        name: "DEMO-READER",
        called: "A reader in Northgate",
        does: "Reads lists of one area, and why people stand where they stand.",
        roles: &["reader"],
        areas: &["Northgate"],
        permissions: &[],
    },
    Person {
        name: "DEMO-OM",
        called: "An offender manager in Northgate",
        does: "Manages nominals of one area, and keeps outstanding files.",
        roles: &["offender_manager"],
        areas: &["Northgate"],
        permissions: &[],
    },
    Person {
        name: "DEMO-DETECTIVE",
        called: "A detective in Northgate and Harbour",
        does: "Looks for outstanding suspects of two areas.",
        roles: &["detective"],
        areas: &["Northgate", "Harbour"],
        permissions: &[],
    },
    Person {
        name: "DEMO-SUPERVISOR",
        called: "A supervisor",
        does: "Supervises the whole force: reviews files, overrides bands, exports lists.",
        roles: &["supervisor"],
        areas: WHOLE,
        permissions: &["see_children"],
    },
    Person {
        name: "DEMO-PANEL",
        called: "The cohort panel",
        does: "Selects and deselects, for the whole force.",
        roles: &["cohort_panel"],
        areas: WHOLE,
        permissions: &["see_children"],
    },
    Person {
        name: "DEMO-AUDITOR",
        called: "An auditor",
        does: "Reads who looked at whom, and what it was about.",
        roles: &["auditor"],
        areas: WHOLE,
        permissions: &[],
    },
    Person {
        name: "DEMO-ADMINISTRATOR",
        called: "An administrator",
        does: "Keeps the store: merges, restricts and erases. Reads no list.",
        roles: &["administrator"],
        areas: WHOLE,
        permissions: &[],
    },
    Person {
        name: "DEMO-FORCE",
        called: "The whole force",
        does: "May everything and sees everybody, as nobody in a real force does.",
        roles: &[
            "reader",
            "analyst",
            "offender_manager",
            "detective",
            "supervisor",
            "cohort_panel",
            "evidence_writer",
            "batch",
            "policy_author",
            "policy_approver",
            "auditor",
            "administrator",
        ],
        areas: WHOLE,
        permissions: &["see_children", "see_sensitive_intelligence"],
    },
    Person {
        name: "DEMO-NOBODY",
        called: "Somebody without a role",
        does: "Has an account at the force and nothing to do here: is refused.",
        roles: &[],
        areas: &[],
        permissions: &[],
    },
];

impl Person {
    /// The person of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PEOPLE.iter().find(|person| person.name == name)
    }

    /// What a token claims of them.
    pub fn claims(&self) -> Value {
        json!({
            "sub": self.name,
            "roles": self.roles,
            "areas": self.areas,
            "permissions": self.permissions,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Role;
    use crate::access::grant::Grant;

    #[test]
    fn everybody_but_one_has_roles_that_there_are() {
        for person in PEOPLE {
            let grant: Grant = serde_json::from_value(person.claims()).unwrap();
            assert_eq!(grant.identity(person.name).is_err(), person.name == "DEMO-NOBODY", "{}", person.name);
        }
        assert_eq!(Person::named("DEMO-FORCE").unwrap().roles.len(), Role::ALL.len());
    }
}
