//! What the briefing asks of three services: each later part of a state no older than
//! the first was of, and a part that the caller may not see left out, not the whole.

use std::future::Future;

use tonic::{Code, Response, Status};

use super::{Listed, Morning, Moved};
use crate::cli::client;
use crate::cli::client::Channel;
use crate::cli::word::Typed;
use crate::domain::Date;
use crate::domain::word::List;
use crate::pb;

/// Lists, the two that lead first.
const LISTS: [List; 6] =
    [List::Cohort, List::Outstanding, List::Wanted, List::BailFailed, List::Recalls, List::Warrants];

/// Lists of which is told who moved on them.
const MOVED: [List; 2] = [List::Cohort, List::Outstanding];

/// What to ask for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Areas; empty: all.
    pub areas: Vec<String>,
    /// Rows of each part.
    pub top: u32,
    /// The day before, in London: the last that is over.
    pub yesterday: Date,
}

/// The state that a part must not be older than.
#[derive(Clone, Debug, Default)]
pub(super) struct Since {
    pub(super) revision: u64,
    pub(super) store: String,
}

impl Since {
    fn of(context: Option<&pb::ReadContext>) -> Self {
        context.map_or_else(Self::default, |it| Self { revision: it.revision, store: it.store.clone() })
    }
}

impl Asked {
    fn filter(&self) -> pb::StandingFilter {
        pb::StandingFilter { areas: self.areas.clone(), ..Default::default() }
    }

    pub(super) fn summary(&self, list: List, since: &Since) -> pb::GetListSummaryRequest {
        pb::GetListSummaryRequest {
            list: list.number(),
            filter: Some(self.filter()),
            min_revision: since.revision,
            store: since.store.clone(),
        }
    }

    pub(super) fn standings(&self, list: List, since: &Since) -> pb::ListStandingsRequest {
        pb::ListStandingsRequest {
            generation: 0,
            list: list.number(),
            filter: Some(self.filter()),
            view: pb::View::Basic.into(),
            page_size: self.top,
            page_token: String::new(),
            min_revision: since.revision,
            store: since.store.clone(),
        }
    }

    /// Half the rows: there are two lists of them.
    pub(super) fn movements(&self, list: List, since: &Since) -> pb::ListMovementsRequest {
        pb::ListMovementsRequest {
            list: list.number(),
            areas: self.areas.clone(),
            page_size: self.top.div_ceil(2),
            min_revision: since.revision,
            store: since.store.clone(),
            ..Default::default()
        }
    }

    pub(super) fn gaps(&self, since: &Since) -> pb::ListSupervisionGapsRequest {
        pb::ListSupervisionGapsRequest {
            filter: Some(pb::GapFilter { areas: self.areas.clone(), ..Default::default() }),
            page_size: self.top,
            min_revision: since.revision,
            store: since.store.clone(),
            ..Default::default()
        }
    }

    pub(super) fn victims(&self, since: &Since) -> pb::ListVictimUpdatesRequest {
        pb::ListVictimUpdatesRequest {
            areas: self.areas.clone(),
            overdue_only: true,
            page_size: self.top,
            min_revision: since.revision,
            store: since.store.clone(),
            ..Default::default()
        }
    }

    pub(super) fn reviews(&self, since: &Since) -> pb::ListCohortReviewsRequest {
        pb::ListCohortReviewsRequest {
            areas: self.areas.clone(),
            overdue_only: true,
            most: self.top,
            min_revision: since.revision,
            store: since.store.clone(),
            ..Default::default()
        }
    }

    pub(super) fn yesterday(&self) -> pb::GetOutstandingReturnRequest {
        let day = self.yesterday.to_string();
        pb::GetOutstandingReturnRequest { as_at: day.clone(), from: day, known_at: None, areas: self.areas.clone() }
    }
}

/// A part, or none where the caller may not see it.
pub(super) async fn part<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> Result<Option<T>, Status> {
    match call.await {
        Ok(answer) => Ok(Some(answer.into_inner())),
        Err(status) if status.code() == Code::PermissionDenied => Ok(None),
        Err(status) => Err(status),
    }
}

/// Who moved, or why nothing can be said of it.
pub(super) async fn moved(
    call: impl Future<Output = Result<Response<pb::ListMovementsResponse>, Status>>,
) -> Result<Moved, Status> {
    match part(call).await {
        Ok(Some(answer)) => Ok(Moved::Told(Box::new(answer))),
        Ok(None) => Ok(Moved::NotPermitted),
        Err(status) => match client::reason(&status) {
            Some(pb::ErrorReason::UnknownGeneration) => {
                Ok(Moved::Nothing("nothing to compare with yet: no generation of an earlier day was published"))
            }
            Some(pb::ErrorReason::GenerationNotKept) => {
                Ok(Moved::Nothing("the generation to compare with is not kept any more"))
            }
            Some(_) | None => Err(status),
        },
    }
}

/// Asks everything that the screen tells.
///
/// # Errors
/// The server refuses for another reason than that a part is not permitted.
pub async fn ask(channel: Channel, asked: &Asked, now: pbjson_types::Timestamp) -> Result<Morning, Status> {
    let mut ranking = client::ranking(channel.clone());
    let mut since = Since::default();
    let mut lists = Vec::new();
    for list in LISTS {
        let summary = part(ranking.get_list_summary(asked.summary(list, &since))).await?;
        let Some(summary) = summary else {
            lists.push((list, None));
            continue;
        };
        since = Since::of(summary.context.as_ref());
        let first = if summary.size == 0 {
            Some(pb::ListStandingsResponse::default())
        } else {
            part(ranking.list_standings(asked.standings(list, &since))).await?
        };
        lists.push((list, first.map(|first| Listed { summary, first })));
    }
    let mut movements = Vec::new();
    for list in MOVED {
        movements.push((list, moved(ranking.list_movements(asked.movements(list, &since))).await?));
    }
    let mut outstanding = client::outstanding(channel.clone());
    let mut cohort = client::cohort(channel);
    Ok(Morning {
        now,
        areas: asked.areas.clone(),
        lists,
        moved: movements,
        gaps: part(outstanding.list_supervision_gaps(asked.gaps(&since))).await?,
        victims: part(outstanding.list_victim_updates(asked.victims(&since))).await?,
        reviews: part(cohort.list_cohort_reviews(asked.reviews(&since))).await?,
        yesterday: part(outstanding.get_outstanding_return(asked.yesterday())).await?,
    })
}
