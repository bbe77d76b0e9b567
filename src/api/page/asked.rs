//! What the address of a page, or a form of it, says: names and values as a browser
//! sends them. Whether they are right is for the calls to say, so what is not known
//! goes on to them and is refused there, never left out.

use super::oversight::terms::Term;

/// A number of the contract that no word has.
const NO_WORD: i32 = -1;

/// What was said, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked(Vec<(String, String)>);

impl Asked {
    /// What a query string or the body of a form says. A browser ends lines with two characters; records have one.
    pub fn of(text: &[u8]) -> Self {
        let said = form_urlencoded::parse(text);
        Self(said.map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n"))).collect())
    }

    /// Only what says something, without spaces around it.
    #[must_use]
    pub fn stated(self) -> Self {
        let said = self.0.into_iter().map(|(name, value)| (name, value.trim().to_owned()));
        Self(said.filter(|(_, value)| !value.is_empty()).collect())
    }

    /// The value of a name, without spaces around it. Empty: it was not said.
    pub fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(said, _)| said == name).map_or("", |(_, value)| value.trim())
    }

    /// Whether a name was said with this value.
    pub fn holds(&self, name: &str, value: &str) -> bool {
        self.0.iter().any(|(said, held)| said == name && held.trim() == value)
    }

    /// Whether a box is ticked.
    pub fn ticked(&self, name: &str) -> bool {
        !self.one(name).is_empty()
    }

    /// Whether something was said of a name that begins so.
    pub fn begins(&self, beginning: &str) -> bool {
        self.0.iter().any(|(said, value)| said.starts_with(beginning) && !value.trim().is_empty())
    }

    /// What was said of names that begin so.
    pub fn beginning<'a>(&'a self, beginning: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let said = self.0.iter().filter(move |(said, _)| said.starts_with(beginning));
        said.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Number of the word of a name. 0: none was said.
    pub fn term<T: Term>(&self, name: &str) -> i32 {
        match self.one(name) {
            "" => 0,
            word => T::of_typed(word).map_or(NO_WORD, Term::number),
        }
    }

    /// All that was said, but with another value of one name.
    #[must_use]
    pub fn and(&self, name: &str, value: &str) -> Self {
        let kept = self.0.iter().filter(|(said, _)| said != name).cloned();
        Self(kept.chain([(name.to_owned(), value.to_owned())]).collect())
    }

    /// The address of a path with all that was said, but with another value of one name; an empty one leaves it out.
    pub fn with(&self, path: &str, name: &str, value: &str) -> String {
        let said = self.and(name, value);
        let said: Vec<_> = said.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        to(path, &said)
    }
}

/// The address of a path with these values; empty ones are left out.
pub fn to(path: &str, said: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(said.iter().filter(|(_, value)| !value.is_empty()));
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::word::{Band, SupervisionClock};

    #[test]
    fn what_is_said_is_read_and_what_is_not_a_word_goes_on_to_be_refused() {
        let asked = Asked::of(b"area=north&area=west&band=very-high&band=nonsense&clock=&never=1&note=a%0D%0Ab");
        assert!(asked.holds("area", "west") && !asked.holds("area", "east"));
        let numbers = (asked.term::<Band>("band"), asked.term::<Band>("none"), asked.term::<SupervisionClock>("area"));
        assert_eq!(numbers, (4, 0, NO_WORD));
        assert_eq!(asked.one("note"), "a\nb");
        assert!(asked.ticked("never") && !asked.ticked("clock"));
        assert!(asked.begins("ar") && !asked.begins("cl"), "the clock says nothing");
    }

    #[test]
    fn an_address_keeps_what_was_said_and_writes_every_letter_as_a_value() {
        let asked = Asked::of(b"area=a%26b&page=old&empty=");
        assert_eq!(asked.with("/supervision", "page", "x=y"), "/supervision?area=a%26b&page=x%3Dy");
        assert_eq!(asked.with("/supervision", "page", ""), "/supervision?area=a%26b");
        assert_eq!(Asked::default().with("/supervision", "page", ""), "/supervision");
        assert_eq!(to("/people", &[("ref", "a&b"), ("id", "")]), "/people?ref=a%26b");
    }
}
