//! Supervision, pure: which activity and which review counts, what is due by
//! when, what an inspectorate's return says, whether selection follows the
//! scores. Given the same records, policy and moment it says the same anywhere.
//!
//! It reads no clock and no store, and nothing here is ever part of a score.
//!
//! - [`count`]: what counts: once for a door in a week, never for one's own review
//! - [`clocks`]: since when a clock runs, and when it is due
//! - [`victims`]: whom to tell, and when
//! - [`note`]: what the ledger notes of a person with open files
//! - [`retention`]: which review group a person is in, and by which records
//! - [`returns`]: the outstanding return
//! - [`alignment`]: fixed with fixed, flex with flex, free with free

pub mod alignment;
pub mod clocks;
pub mod count;
pub mod note;
pub mod retention;
pub mod returns;
#[cfg(test)]
mod tests;
pub mod victims;

use smallvec::SmallVec;

use crate::domain::Moment;
use crate::domain::dossier::Dossier;
use crate::domain::evidence::{Activity, Outstanding, Review, Supervision};
use crate::domain::word::Band;
use crate::policy::SupervisionPolicy;

/// Everything that supervision knows of one file.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The file.
    pub file: &'a Outstanding,
    /// What was done about it, in order of time and record id.
    pub activities: Vec<(&'a str, &'a Activity)>,
    /// Its reviews, in order of time and record id.
    pub reviews: Vec<(&'a str, &'a Review)>,
    /// Bands of the person from each moment on, oldest first; none while no file was open.
    pub bands: &'a [(Moment, Option<Band>)],
    /// When the case began, where an earlier file of the same reason closed shortly before without the person being found: a
    /// file of another number is no new case.
    pub carried: Option<Moment>,
}

impl<'a> Facts<'a> {
    /// A file with the records that name it, in any order.
    pub fn new(
        file: &'a Outstanding,
        activities: impl Iterator<Item = (&'a str, &'a Activity)>,
        reviews: impl Iterator<Item = (&'a str, &'a Review)>,
        bands: &'a [(Moment, Option<Band>)],
    ) -> Self {
        let mut activities: Vec<_> = activities.collect();
        activities.sort_unstable_by_key(|(id, activity)| (activity.done, *id));
        let mut reviews: Vec<_> = reviews.collect();
        reviews.sort_unstable_by_key(|(id, review)| (review.reviewed, *id));
        Self { file, activities, reviews, bands, carried: None }
    }

    /// These facts of one of a person's files, with what is carried over from the others.
    #[must_use]
    pub fn among(mut self, id: &str, files: &[(&str, &Outstanding)], policy: &SupervisionPolicy) -> Self {
        self.carried = count::carried(id, self.file, files, policy);
        self
    }

    /// A file of a person, as held.
    pub fn held(dossier: &'a Dossier, id: &str, file: &'a Outstanding, policy: &SupervisionPolicy) -> Self {
        let records = dossier.supervised();
        let activities = records.iter().filter_map(|held| match &held.kind {
            Supervision::Activity(activity) if activity.file.as_deref() == Some(id) => Some((&*held.id, activity)),
            Supervision::Activity(_) | Supervision::Review(_) | Supervision::Decision(_) => None,
        });
        let reviews = records.iter().filter_map(|held| match &held.kind {
            Supervision::Review(review) if &*review.file == id => Some((&*held.id, review)),
            Supervision::Review(_) | Supervision::Activity(_) | Supervision::Decision(_) => None,
        });
        let files: SmallVec<[(&str, &Outstanding); 4]> =
            dossier.files().map(|(filed, file)| (&*filed.id, file)).collect();
        Self::new(file, activities, reviews, dossier.bands_of(id)).among(id, &files, policy)
    }
}
