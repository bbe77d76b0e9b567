//! Every persona at once, on one server, through the API.

use std::collections::BTreeMap;

use steelyard::pb;

use crate::harness::Server;
use crate::personas::{Persona, everybody};

/// What is wrong with where a persona stands.
fn faults(persona: &Persona, standings: &BTreeMap<(String, i32), pb::Standing>, subject_ref: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let Some(standing) = standings.get(&(subject_ref.to_owned(), persona.list.into())) else {
        return vec![format!("{subject_ref} is not on {:?}", persona.list)];
    };
    let band = pb::Band::try_from(standing.effective_band).unwrap_or_default();
    let place = format!(
        "{subject_ref} ({}): {band:?} with {} = T {} R {} H {}, position {}",
        persona.who, standing.composite, standing.threat, standing.risk, standing.harm, standing.position
    );
    if let Some((given, what)) = persona.indefensible {
        if band != given {
            faults
                .push(format!("{place}; the method gave {given:?}, which could not be defended ({what}): look again"));
        }
    } else if !persona.bands.contains(&band) {
        faults.push(format!("{place}; a sergeant would accept {:?}: {}", persona.bands, persona.why));
    }
    if let Some(provisional) = persona.provisional
        && provisional != standing.provisional
    {
        faults.push(format!("{place}; provisional must be {provisional}: {}", persona.why));
    }
    for other in persona.above {
        match standings.get(&((*other).to_owned(), persona.list.into())) {
            Some(below) if below.position > standing.position => {}
            Some(_) => faults.push(format!("{place}; must stand above {other}: {}", persona.why)),
            None => faults.push(format!("{place}; {other} is not on {:?}", persona.list)),
        }
    }
    faults
}

#[tokio::test]
async fn everybody_stands_where_a_sergeant_would_accept() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    let mut everybody: Vec<(String, Persona)> = Vec::new();
    for persona in everybody_with_records(&mut client).await {
        everybody.push(persona);
    }
    assert!(everybody.len() >= 30, "at least thirty people are written down");
    let mut standings = BTreeMap::new();
    for list in [
        pb::List::Cohort,
        pb::List::Children,
        pb::List::Candidates,
        pb::List::Outstanding,
        pb::List::Wanted,
        pb::List::BailFailed,
        pb::List::Warrants,
        pb::List::Recalls,
        pb::List::All,
    ] {
        for standing in client.whole(list, 1_000).await {
            standings.insert((standing.subject_ref.clone(), i32::from(list)), standing);
        }
    }
    let faults: Vec<String> =
        everybody.iter().flat_map(|(subject_ref, persona)| faults(persona, &standings, subject_ref)).collect();
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), everybody.len(), faults.join("\n"));
    let twins = ["THREE-SYSTEMS", "ONE-SYSTEM"].map(|twin| {
        let standing = &standings[&(twin.to_owned(), i32::from(pb::List::All))];
        (standing.composite, standing.threat, standing.risk, standing.harm)
    });
    assert_eq!(twins[0], twins[1], "three systems that hold one crime must weigh as one");
}

async fn everybody_with_records(client: &mut crate::harness::Client) -> Vec<(String, Persona)> {
    let mut named = Vec::new();
    for persona in everybody() {
        let records = persona.somebody.clone().records();
        let subject_ref = records[0].subject_ref.clone();
        for records in records.chunks(1_000) {
            client.write(records.to_vec()).await;
        }
        named.push((subject_ref, persona));
    }
    named
}
