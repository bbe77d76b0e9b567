//! Whether somebody who holds an answer holds it still. An answer is known by the
//! revision at which what it tells of last changed, by what was asked and by whom; a
//! page of a list also by the snapshot that its next page is of, so that nobody keeps
//! a page whose token has expired. The call is made and audited all the same.

use http::{HeaderMap, HeaderValue, header};

use crate::access::Caller;
use crate::domain::Revision;
use crate::ranking::pins::{Holder, PinId};
use crate::service::paging::holder;

/// What an answer is known by, in its extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The revision at which what it tells of last changed.
    pub changed: Revision,
    /// The snapshot that its next page is of.
    pub next_page_of: Option<PinId>,
    /// Who pages.
    pub holder: Holder,
    /// Digest of what the caller may see, and of what changes without a revision.
    pub seen: [u8; 32],
}

impl Known {
    /// An answer to a caller about what last changed at a revision. `stale` changes by itself.
    pub fn of(caller: &Caller, store: &str, stale: bool, changed: Revision) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&caller.scope_digest());
        hasher.update(&[u8::from(stale)]);
        hasher.update(store.as_bytes());
        Self { changed, next_page_of: None, holder: holder(caller), seen: *hasher.finalize().as_bytes() }
    }

    /// The tag of an answer to what was asked in these words.
    pub fn tag(&self, asked: &str) -> String {
        let page = self.next_page_of.map_or_else(|| "0".to_owned(), |pin| format!("{}", pin.0 + 1));
        format!("W/\"{}.{page}.{}\"", self.changed.0, self.digest(asked))
    }

    fn digest(&self, asked: &str) -> String {
        blake3::keyed_hash(&self.seen, asked.as_bytes()).to_hex()[..20].to_owned()
    }

    /// The tag among those that a client holds under which it holds this answer still. `pages`: whether the pages of a
    /// snapshot can still be read on.
    pub fn held(&self, asked: &str, headers: &HeaderMap, pages: impl Fn(PinId) -> bool) -> Option<HeaderValue> {
        let stated = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut tags = stated.flat_map(|value| value.split(',')).map(str::trim);
        let held = tags.find(|tag| {
            let Some((changed, page, digest)) = parts(tag) else { return false };
            let same = changed == self.changed.0 && digest == self.digest(asked);
            same && (page == 0) == self.next_page_of.is_none() && (page == 0 || pages(PinId(page - 1)))
        })?;
        HeaderValue::from_str(held).ok()
    }
}

/// What a tag of ours says.
fn parts(tag: &str) -> Option<(u64, u64, &str)> {
    let inner = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?;
    let mut parts = inner.splitn(3, '.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(changed: u64, page: Option<u64>) -> Known {
        let known = Known::of(&Caller::loopback(), "store", false, Revision(changed));
        Known { next_page_of: page.map(PinId), ..known }
    }

    fn held(known: &Known, asked: &str, tags: &str) -> bool {
        let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, tags.parse().unwrap())]);
        known.held(asked, &headers, |pin| pin == PinId(4)).is_some()
    }

    #[test]
    fn an_answer_is_held_until_what_it_tells_of_changes() {
        let before = known(7, None);
        let tags = format!("\"other\", {}", before.tag("list=1"));
        assert!(held(&before, "list=1", &tags));
        assert!(!held(&before, "list=2", &tags), "something else was asked");
        assert!(!held(&known(8, None), "list=1", &tags), "it changed");
        let stale = Known::of(&Caller::loopback(), "store", true, Revision(7));
        assert!(!held(&stale, "list=1", &tags), "the lists have become old");
        let other = Known::of(&Caller::nobody(), "store", false, Revision(7));
        assert!(!held(&other, "list=1", &tags), "somebody else asks");
    }

    #[test]
    fn a_page_is_held_for_as_long_as_its_next_page_can_be_read() {
        let now = known(7, Some(9));
        assert!(held(&now, "a", &known(7, Some(4)).tag("a")));
        assert!(!held(&now, "a", &known(7, Some(3)).tag("a")), "its snapshot is gone");
        assert!(!held(&now, "a", &known(7, None).tag("a")), "it had no next page");
        assert!(!held(&known(7, None), "a", &known(7, Some(4)).tag("a")), "it has no next page any more");
    }
}
