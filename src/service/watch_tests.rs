use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::ranking::sample::{People, crowd_member, person};
use crate::service::changes::Limits;

/// People of every model.
const PEOPLE: u32 = 40;
/// Most changes of one message.
const MOST: usize = 3;

/// What a client holds, and the token that it holds with it.
#[derive(Clone, Debug)]
struct Client {
    held: BTreeMap<SubjectId, String>,
    token: Option<(u64, u64)>,
    /// An older token of the same list.
    kept: Option<(u64, u64)>,
    follower: Follower,
    complete: Option<Revision>,
    /// Whom the client may see.
    sight: Sight,
    /// People who were in sight at some time.
    seen: BTreeSet<SubjectId>,
}

/// A reader that looks so little ahead that all of its turns come up.
fn follower(stage: Stage) -> Follower {
    Follower { reach: Reach { ahead: 4, rows: 7 }, ..Follower::new(List::Candidates, stage) }
}

impl Client {
    fn new() -> Self {
        Self::seeing(Sight::EVERYBODY)
    }

    fn seeing(sight: Sight) -> Self {
        let (held, seen) = (BTreeMap::new(), BTreeSet::new());
        Self { held, token: None, kept: None, follower: follower(Stage::Begin), complete: None, sight, seen }
    }

    /// Notes who is in sight in a snapshot.
    fn look(&mut self, standings: &Standings) {
        self.seen.extend(standings.people(List::All).filter(|subject| sees(&self.sight, standings, *subject)));
    }

    /// What the client should hold.
    fn list(&self, standings: &Standings) -> BTreeMap<SubjectId, String> {
        let people = standings.people(List::Candidates).filter(|subject| sees(&self.sight, standings, *subject));
        people.map(|subject| (subject, shown(standings, subject))).collect()
    }

    /// Takes one message; whether there was one. Begins again where it is told that its revision is gone.
    fn take(&mut self, standings: &Standings, changes: &Changes) -> bool {
        let outcome = match self.follower.next(standings, &self.sight, changes, MOST) {
            Ok(outcome) => outcome,
            Err(Compacted { oldest }) => {
                assert!(self.follower.stage.rests_on().is_some_and(|revision| revision < oldest));
                // Nothing is forgotten until the server says so.
                self.follower = follower(Stage::Begin);
                self.token = None;
                return true;
            }
        };
        self.token = self.follower.stage.pair();
        match outcome {
            Outcome::Idle => return false,
            Outcome::Again | Outcome::Tell(Event::Publication(_)) => {}
            Outcome::Tell(Event::Initial(_)) => {
                self.held.clear();
                (self.kept, self.complete) = (None, None);
            }
            Outcome::Tell(Event::Changes { told, complete }) => {
                for Told { subject, kind } in told {
                    assert!(self.seen.contains(&subject), "told of somebody who never was in sight");
                    match kind {
                        Kind::Left => self.held.remove(&subject),
                        Kind::Entered | Kind::Changed => self.held.insert(subject, shown(standings, subject)),
                    };
                }
                self.complete = complete;
            }
        }
        true
    }

    /// Breaks off and goes on from its token.
    fn resume(&mut self) {
        let stage = self.token.map_or(Stage::Begin, |pair| Stage::of(pair).expect("must be of this engine"));
        self.follower = follower(stage);
    }
}

fn shown(standings: &Standings, subject: SubjectId) -> String {
    format!("{:?}", standings.row(subject).expect("must be held"))
}

fn sees(sight: &Sight, standings: &Standings, subject: SubjectId) -> bool {
    standings.row(subject).is_some_and(|row| sight.sees(row))
}

/// Everybody; those of one area; everybody but children.
fn sights(standings: &Standings) -> [Sight; 3] {
    let (names, nothing) = (standings.names(), None::<[&str; 0]>);
    names.area("A-0");
    let area = Sight::new(names, Some(["A-0"]), None::<[List; 0]>, true);
    [Sight::EVERYBODY, area, Sight::new(names, nothing, None::<[List; 0]>, false)]
}

#[derive(Clone, Debug)]
enum Step {
    /// People become other people.
    Write(Vec<(u32, String)>),
    /// The day moves, and some change by it.
    Publish(Vec<(u32, String)>),
    /// A client takes so many messages.
    Take(usize, usize),
    /// A client breaks off and resumes.
    Resume(usize),
    /// A client breaks off, loses the token of its last messages, and resumes from an older one.
    Forget(usize),
    /// A client keeps its token beside what it holds.
    Keep(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let people = || prop::collection::vec((0..PEOPLE, crowd_member()), 0..4);
    prop_oneof![
        5 => people().prop_map(Step::Write),
        1 => people().prop_map(Step::Publish),
        5 => (0_usize..3, 1_usize..6).prop_map(|(client, messages)| Step::Take(client, messages)),
        2 => (0_usize..3).prop_map(Step::Resume),
        1 => (0_usize..3).prop_map(Step::Forget),
        1 => (0_usize..3).prop_map(Step::Keep),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whoever_breaks_off_and_resumes_ends_with_the_list(
        crowd in prop::collection::vec(crowd_member(), PEOPLE as usize),
        steps in prop::collection::vec(step(), 0..120),
        entries in prop::sample::select(&[8_usize, 40, 1_000][..]),
    ) {
        let reference = |subject: u32| format!("S-{subject:02}");
        let people = People::of((0..PEOPLE).zip(&crowd).map(|(subject, told)| person(&reference(subject), told)));
        let mut standings = people.standings();
        let changes = Changes::with(Limits { entries, publications: 2, block: 4 });
        changes.record(None, &standings);
        let mut clients = sights(&standings).map(Client::seeing);
        for client in &mut clients {
            client.look(&standings);
        }
        for step in steps {
            let mut meta = standings.meta().clone();
            meta.revision = meta.revision.next();
            match step {
                Step::Write(written) | Step::Publish(written) if written.is_empty() => {}
                Step::Write(ref written) | Step::Publish(ref written) => {
                    if matches!(step, Step::Publish(_)) {
                        meta.as_of = meta.as_of + 1;
                    }
                    let change = |(subject, told): &(u32, String)| {
                        people.change(SubjectId(*subject), &person(&reference(*subject), told))
                    };
                    let next = standings.with(&written.iter().map(change).collect::<Vec<_>>(), meta);
                    changes.record(Some(&standings), &next);
                    standings = next;
                    for client in &mut clients {
                        client.look(&standings);
                    }
                }
                Step::Take(client, messages) => {
                    for _ in 0..messages {
                        clients[client].take(&standings, &changes);
                        if clients[client].complete == Some(standings.revision()) {
                            prop_assert_eq!(&clients[client].held, &clients[client].list(&standings), "complete is exact");
                        }
                    }
                }
                Step::Resume(client) => clients[client].resume(),
                // What was applied since is still held: only the token is older.
                Step::Forget(client) => {
                    clients[client].token = clients[client].kept;
                    clients[client].resume();
                }
                Step::Keep(client) => clients[client].kept = clients[client].token,
            }
        }
        for client in &mut clients {
            while client.take(&standings, &changes) {}
            prop_assert_eq!(&client.held, &client.list(&standings));
            prop_assert_eq!(client.follower.settled(), Some(standings.revision()));
        }
    }

    #[test]
    fn a_stage_fits_its_token(mark in 1_u64..1 << 40, ahead in 1_u32.., from in 1_u32..) {
        let (mark, from) = (Revision(mark), SubjectId(from));
        let later = Revision(mark.0 + u64::from(ahead));
        for stage in [
            Stage::Settled(mark),
            Stage::Whole { mark, from },
            Stage::Difference { since: mark, mark: later, from },
        ] {
            prop_assert_eq!(stage.pair().and_then(Stage::of), Some(stage));
        }
        let begun = Stage::Difference { since: mark, mark: later, from: SubjectId(0) };
        prop_assert_eq!(begun.pair().and_then(Stage::of), Some(Stage::Settled(mark)));
        prop_assert_eq!(Stage::Whole { mark, from: SubjectId(0) }.pair(), None);
    }
}

#[test]
fn a_token_of_another_engine_is_no_stage() {
    let (first, second) = Stage::Settled(Revision(7)).pair().expect("has a token");
    assert_eq!(Stage::of((first ^ 1 << REVISION_BITS, second)), None);
}

#[test]
fn who_comes_and_goes_between_two_messages_is_told_as_left_and_others_not_at_all() {
    let people = People::of([person("A", "band=HIGH"), person("B", ""), person("C", "")]);
    let first = people.standings();
    let changes = Changes::default();
    changes.record(None, &first);
    let mut client = Client::new();
    client.look(&first);
    while client.take(&first, &changes) {}
    assert_eq!(client.held.len(), 1);
    let with = |earlier: &Standings, revision, subject, reference, told| {
        let next = earlier.with(&[people.change(SubjectId(subject), &person(reference, told))], people.meta(revision));
        changes.record(Some(earlier), &next);
        next
    };
    let second = with(&first, 2, 1, "B", "band=HIGH");
    let third = with(&second, 3, 1, "B", "");
    let fourth = with(&third, 4, 2, "C", "managed");
    let outcome = client.follower.next(&fourth, &Sight::EVERYBODY, &changes, MOST).expect("must be kept");
    let told = vec![Told { subject: SubjectId(1), kind: Kind::Left }];
    assert_eq!(outcome, Outcome::Tell(Event::Changes { told, complete: Some(Revision(4)) }));
}
