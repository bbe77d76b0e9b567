//! Finding a code by the words of its title.

use super::Tables;
use crate::domain::offence::{CjsIndex, HoIndex};

/// Codes found by words, each kind in order of its codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// CJS codes whose code, title or Home Office class holds every word.
    pub cjs: Vec<CjsIndex>,
    /// Home Office codes whose code, class or sub-class holds every word.
    pub ho: Vec<HoIndex>,
}

impl Tables {
    /// Codes whose titles and classes hold every word of the query, whatever the case. Offences come
    /// before what is not an offence. No words: nothing.
    pub fn search(&self, query: &str) -> Found {
        let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
        if words.is_empty() {
            return Found::default();
        }
        let holds = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
            words.iter().all(|word| texts.iter().any(|text| text.contains(word)))
        };
        let mut cjs: Vec<CjsIndex> = self
            .cjs_offences()
            .filter(|(_, offence)| holds(&[offence.code, offence.title, self.ho_offence(offence.ho).class]))
            .map(|(place, _)| place)
            .collect();
        cjs.sort_by_key(|place| (!self.cjs_offence(*place).is_offence(), *place));
        let ho = self
            .ho_offences()
            .filter(|(_, offence)| holds(&[offence.code, offence.class, offence.sub_class]))
            .map(|(place, _)| place)
            .collect();
        Found { cjs, ho }
    }

    /// Codes that look like a mistyped one: the most leading characters in common, at least three.
    pub fn near(&self, code: &str, limit: usize) -> Vec<&'static str> {
        let code = code.to_uppercase();
        let codes = self
            .cjs_offences()
            .map(|(_, offence)| offence.code)
            .chain(self.ho_offences().map(|(_, offence)| offence.code));
        let mut near: Vec<(usize, &'static str)> = codes
            .map(|known| (known.bytes().zip(code.bytes()).take_while(|(a, b)| a == b).count(), known))
            .filter(|(common, _)| *common >= 3)
            .collect();
        near.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        near.into_iter().take(limit).map(|(_, known)| known).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::reference::tables;

    #[test]
    fn every_word_must_be_there_whatever_its_case_or_order() {
        let tables = tables();
        let found = tables.search("INTENT wounding");
        assert!(found.cjs.contains(&tables.cjs("OF61017").expect("must be listed")));
        assert!(found.cjs.iter().all(|place| {
            let offence = tables.cjs_offence(*place);
            let text = format!("{} {}", offence.title, tables.ho_offence(offence.ho).class).to_lowercase();
            text.contains("wounding") && text.contains("intent")
        }));
        assert!(tables.search("no such words anywhere").cjs.is_empty());
        assert!(tables.search("  ").cjs.is_empty());
    }

    #[test]
    fn a_mistyped_code_finds_its_neighbours() {
        assert!(tables().near("TH6801X", 5).iter().all(|code| code.starts_with("TH6801")));
        assert_eq!(tables().near("QQ", 5), Vec::<&str>::new());
    }
}
