//! How much of a long answer is asked for, alike for every command that lists, and
//! following its pages.

use tonic::{Response, Status};

use crate::pb;

/// Rows a page where nothing is asked for.
const DEFAULT_ROWS: u32 = 50;
/// Most rows a page.
const MOST_ROWS: u32 = 1_000;

/// Flags of a command that lists.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Paging {
    /// Rows a page, 1 to 1,000 [default: 50]
    #[arg(long, visible_alias = "page-size", value_name = "ROWS")]
    pub limit: Option<u32>,
    /// Follow the list to its end, page after page
    #[arg(long)]
    pub all: bool,
    /// Go on from this token of an earlier answer in JSON; the other arguments must be the same
    #[arg(long, value_name = "TOKEN", conflicts_with = "all")]
    pub page_token: Option<String>,
}

impl Paging {
    /// Rows a page.
    pub fn size(&self) -> u32 {
        self.limit.unwrap_or(if self.all { MOST_ROWS } else { DEFAULT_ROWS })
    }

    /// Token of the page to begin with.
    pub fn token(&self) -> String {
        self.page_token.clone().unwrap_or_default()
    }
}

/// How far the pages of an answer are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// One page.
    OnePage,
    /// Until a page has a row: the server looks at a bounded number of entries for each, and may find none.
    FirstRow,
    /// To the end.
    End,
}

impl Follow {
    /// To the end with `--all`, or else as far as `otherwise`.
    pub const fn all(all: bool, otherwise: Self) -> Self {
        if all { Self::End } else { otherwise }
    }
}

/// A request whose answer comes in pages.
pub trait Paged: Clone {
    /// A page, or several joined.
    type Answer;

    /// Where the token of the page wanted goes.
    fn token(&mut self) -> &mut String;

    /// Token of the page that follows.
    fn next(answer: &mut Self::Answer) -> &mut String;

    /// Whether there are no rows.
    fn is_empty(answer: &Self::Answer) -> bool;

    /// Joins the page that follows.
    fn join(answer: &mut Self::Answer, page: Self::Answer);
}

macro_rules! paged {
    ($($request:ident => $answer:ident.$rows:ident),+ $(,)?) => {$(
        impl Paged for pb::$request {
            type Answer = pb::$answer;

            fn token(&mut self) -> &mut String {
                &mut self.page_token
            }

            fn next(answer: &mut pb::$answer) -> &mut String {
                &mut answer.next_page_token
            }

            fn is_empty(answer: &pb::$answer) -> bool {
                answer.$rows.is_empty()
            }

            fn join(answer: &mut pb::$answer, page: pb::$answer) {
                answer.$rows.extend(page.$rows);
                answer.next_page_token = page.next_page_token;
            }
        }
    )+};
}

paged! {
    ListStandingsRequest => ListStandingsResponse.standings,
    ListSupervisionGapsRequest => ListSupervisionGapsResponse.gaps,
    ListVictimUpdatesRequest => ListVictimUpdatesResponse.updates,
    ListMovementsRequest => ListMovementsResponse.movements,
    ListDecisionsRequest => ListDecisionsResponse.decisions,
    ListAuditEventsRequest => ListAuditEventsResponse.events,
    ListSubjectAccessRequest => ListSubjectAccessResponse.accesses,
    ListDisclosuresRequest => ListDisclosuresResponse.disclosures,
    ListRetentionDueRequest => ListRetentionDueResponse.due,
}

/// Asks for pages as far as wanted, and joins them as if they were one. What else a page says is that of the first.
///
/// # Errors
/// The server's refusal.
pub async fn follow<Q: Paged>(
    mut request: Q,
    far: Follow,
    mut ask: impl AsyncFnMut(Q) -> Result<Response<Q::Answer>, Status>,
) -> Result<Q::Answer, Status> {
    let mut answer = ask(request.clone()).await?.into_inner();
    loop {
        let on = match far {
            Follow::OnePage => false,
            Follow::FirstRow => Q::is_empty(&answer),
            Follow::End => true,
        };
        if !on || Q::next(&mut answer).is_empty() {
            return Ok(answer);
        }
        *request.token() = std::mem::take(Q::next(&mut answer));
        Q::join(&mut answer, ask(request.clone()).await?.into_inner());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five pages; the first, the second and the fourth hold nothing.
    async fn followed(far: Follow) -> (Vec<u64>, String) {
        let pages: [&[u64]; 5] = [&[], &[], &[9, 8], &[], &[7]];
        let answer = follow(pb::ListAuditEventsRequest::default(), far, async |request| {
            let place: usize = if request.page_token.is_empty() { 0 } else { request.page_token.parse().unwrap() };
            let event = |number: &u64| pb::AuditEvent { number: *number, ..Default::default() };
            let next_page_token = if place == 4 { String::new() } else { (place + 1).to_string() };
            let events = pages[place].iter().map(event).collect();
            Ok(Response::new(pb::ListAuditEventsResponse { events, next_page_token, ..Default::default() }))
        });
        let answer = answer.await.unwrap();
        (answer.events.into_iter().map(|event| event.number).collect(), answer.next_page_token)
    }

    #[tokio::test]
    async fn pages_are_followed_as_far_as_wanted_and_no_further() {
        assert_eq!(followed(Follow::OnePage).await, (vec![], "1".to_owned()));
        assert_eq!(followed(Follow::FirstRow).await, (vec![9, 8], "3".to_owned()));
        assert_eq!(followed(Follow::End).await, (vec![9, 8, 7], String::new()));
    }
}
