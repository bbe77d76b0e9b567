//! Notes in the words of the ledger: see [`crate::supervision::note`].

use prost::Message;

use crate::domain::word::Band;
use crate::store::pb::{NotedFile, NotedVictim, OutstandingNoted};
use crate::supervision::note::Noted;
use crate::supervision::victims::Linked;

/// Digest of a note, whoever it is of; 0 where no file is open.
pub fn digest(noted: &OutstandingNoted) -> u64 {
    if noted.files.is_empty() {
        return 0;
    }
    let bare = OutstandingNoted { subject_ref: String::new(), ..noted.clone() };
    let hash = blake3::hash(&bare.encode_to_vec());
    // 0 means something else.
    u64::from_be_bytes(*hash.as_bytes().first_chunk().expect("32 bytes hold 8")) | 1
}

/// The band of a note.
pub fn band(number: u32) -> Option<Band> {
    i32::try_from(number).ok().and_then(Band::from_proto)
}

/// A note for the ledger.
pub fn stored(subject_ref: &str, noted: Option<Noted>) -> OutstandingNoted {
    let subject_ref = subject_ref.to_owned();
    let Some(Noted { band, areas, files }) = noted else {
        return OutstandingNoted { subject_ref, ..OutstandingNoted::default() };
    };
    let victim = |victim: Linked| NotedVictim {
        victim_ref: victim.reference.into(),
        vulnerable: victim.vulnerable,
        repeat: victim.repeat,
    };
    let file = |(id, victims): (Box<str>, Vec<Linked>)| NotedFile {
        outstanding_id: id.into(),
        victims: victims.into_iter().map(victim).collect(),
    };
    let band = u32::try_from(i32::from(band.proto())).expect("a band's number must not be negative");
    let areas = areas.into_iter().map(String::from).collect();
    OutstandingNoted { subject_ref, band, files: files.into_iter().map(file).collect(), areas }
}

/// A note from the ledger; `None` where no file was open, or the band is unknown to this version.
pub fn read(noted: OutstandingNoted) -> Option<Noted> {
    let victim = |victim: NotedVictim| Linked {
        reference: victim.victim_ref.into(),
        vulnerable: victim.vulnerable,
        repeat: victim.repeat,
    };
    let file = |file: NotedFile| (file.outstanding_id.into(), file.victims.into_iter().map(victim).collect());
    let band = band(noted.band)?;
    let areas = noted.areas.into_iter().map(Box::from).collect();
    (!noted.files.is_empty()).then(|| Noted { band, areas, files: noted.files.into_iter().map(file).collect() })
}
