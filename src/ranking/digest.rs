//! One number for everything that the lists say: who stands where, and by what
//! scores. Two stores whose standings have the same digest rank alike to the
//! bit. It says nothing of revision, day or policy: compare those beside it.

use blake3::Hasher;

use super::key::band_place;
use super::query::Start;
use super::{Filter, Sight, Standings};
use crate::domain::word::List;

/// Names the encoding. Whoever changes that changes this.
const CONTEXT: &str = "steelyard 2026 standings digest 1";

/// BLAKE3 (key derivation mode, context `steelyard 2026 standings digest 1`) over all lists in the order of the
/// contract, empty ones too. Numbers are big-endian. For each list:
///
/// | bytes | what |
/// |---|---|
/// | 1 | number of the list in the contract |
/// | 4 | people on it |
///
/// and for each person on it, best first:
///
/// | bytes | what |
/// |---|---|
/// | 4 | rank |
/// | 4, n | length of the subject's reference in bytes, and the reference |
/// | 4 | composite of the list's family, milli-points |
/// | 4, 4, 4 | threat, risk, harm, milli-points |
/// | 1, 1 | effective and computed band of the list's family: 0 VERY_HIGH to 3 LOW |
pub fn standings_digest(standings: &Standings) -> [u8; 32] {
    let mut hasher = Hasher::new_derive_key(CONTEXT);
    let mut line = Vec::new();
    for list in List::ALL.iter().copied() {
        let rows = standings.page(list, &Filter::default(), &Sight::EVERYBODY, Start::Top, usize::MAX).rows;
        let number = u8::try_from(i32::from(list.proto())).expect("a list's number must fit in a byte");
        hasher.update(&[number]).update(&length(rows.len()));
        for placed in rows {
            let (row, dossier) = standings.person(placed.subject).expect("who stands on a list must be held");
            let (composed, reference) = (row.composed(list.family()), dossier.subject_ref());
            line.clear();
            line.extend(placed.rank.to_be_bytes());
            line.extend(length(reference.len()));
            line.extend(reference.as_bytes());
            for points in [composed.point, row.threat, row.risk, row.harm] {
                line.extend(points.get().to_be_bytes());
            }
            line.extend([band_place(composed.effective), band_place(composed.computed)]);
            hasher.update(&line);
        }
    }
    *hasher.finalize().as_bytes()
}

fn length(of: usize) -> [u8; 4] {
    u32::try_from(of).expect("lists and references must be shorter than 4 GiB").to_be_bytes()
}
