//! What other tables are held to.
#![expect(clippy::float_cmp, reason = "a figure that nothing touched is the same")]

use std::fmt::Write as _;

use super::maximum::by_maximum;
use super::*;
use crate::domain::offence::OffenceCode;
use crate::reference::tables;
use crate::scoring::harm::{Catalogue, Classified, HarmStep};

fn policy() -> Policy {
    Policy::reference()
}

fn cjs(code: &str) -> OffenceCode {
    OffenceCode { cjs: Some(tables().cjs(code).expect("must be a CJS code")), ho: None }
}

fn ho(code: &str) -> OffenceCode {
    OffenceCode { cjs: None, ho: Some(tables().ho(code).expect("must be a Home Office code")) }
}

fn force(text: &str) -> HarmTable {
    read("force", "A force's own.", text, tables()).expect("must read")
}

/// The index's own figures times `unit`, as a force would write them.
fn index_times(unit: f64) -> String {
    let mut bare = policy();
    bare.harm.overrides.clear();
    let resolver = Resolver::new(tables(), &bare);
    let mut text = "code,harm_days\n".to_owned();
    for (place, offence) in tables().cjs_offences() {
        let figure = resolver.cjs(place);
        if matches!(figure.step, HarmStep::IndexByCjs | HarmStep::IndexByHo) {
            let _ = writeln!(text, "{},{}", offence.code, figure.days * unit);
        }
    }
    text
}

#[test]
fn the_index_in_any_unit_is_the_index() {
    let plain = Catalogue::new(tables(), &policy());
    for unit in [0.25, 1.0, 24.0] {
        let swapped = Catalogue::with(tables(), &policy(), &force(&index_times(unit)));
        let mut same = 0;
        for (place, _) in tables().cjs_offences() {
            let code = OffenceCode { cjs: Some(place), ho: None };
            let (was, is): (&Classified, &Classified) = (plain.classify(code), swapped.classify(code));
            if matches!(was.step, HarmStep::IndexByCjs | HarmStep::IndexByHo) {
                assert!((was.days - is.days).abs() < 1e-6 * was.days, "{was:?} {is:?}");
                assert_eq!((is.step, is.estimated), (HarmStep::OtherTable, false));
                same += 1;
            }
        }
        assert!(same > 4_000, "{same}");
    }
}

#[test]
fn the_order_of_maximum_sentences_is_kept_and_so_is_the_harm_of_all_codes_together() {
    let table = maximum_sentence();
    let swapped = Catalogue::with(tables(), &policy(), table);
    let mut bare = policy();
    bare.harm.overrides.clear();
    let resolver = Resolver::new(tables(), &bare);
    let mut seen: Vec<(f64, f64)> = Vec::new();
    let (mut by_index, mut by_table) = (0.0, 0.0);
    for (place, _) in tables().cjs_offences() {
        let Some(told) = table.cjs.get(&place) else { continue };
        let class = swapped.classify(OffenceCode { cjs: Some(place), ho: None });
        seen.push((told.days, class.days));
        let figure = resolver.cjs(place);
        if matches!(figure.step, HarmStep::IndexByCjs | HarmStep::IndexByHo) {
            by_index += figure.days;
            by_table += class.days;
        }
    }
    seen.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    assert!(seen.windows(2).all(|pair| pair[0].1 <= pair[1].1), "a longer sentence is never less harm");
    assert!(seen.len() > 7_000);
    let apart = (by_index - by_table).abs() / by_index;
    println!("over the codes of both: {by_index} days by the index, {by_table} by the table");
    assert!(apart < 0.05, "{by_index} {by_table}");
}

#[test]
fn only_that_life_is_longest_matters() {
    let longest = by_maximum(tables(), 6_000.0);
    let (one, other) =
        (Catalogue::with(tables(), &policy(), maximum_sentence()), Catalogue::with(tables(), &policy(), &longest));
    for (place, _) in tables().cjs_offences() {
        let code = OffenceCode { cjs: Some(place), ho: None };
        assert_eq!(one.classify(code), other.classify(code));
    }
    let life = |code| one.classify(cjs(code)).days;
    assert_eq!(life("COML025"), life("SX03001"), "life for murder is life for rape");
    assert!(life("COML025") > life("TH68010"));
}

#[test]
fn a_code_that_the_table_does_not_tell_of_keeps_its_figure_as_an_estimate() {
    let plain = Catalogue::new(tables(), &policy());
    let swapped = Catalogue::with(tables(), &policy(), &force("code,harm_days\n034/01,40\n"));
    let (was, is) = (plain.classify(cjs("OF61102")), swapped.classify(cjs("OF61102")));
    assert_eq!((is.days, is.step, is.estimated), (was.days, HarmStep::Estimate, true));
    assert_eq!(swapped.classify(cjs("COMLA03")).step, HarmStep::Unknown, "what nobody knows stays unknown");
    let television = swapped.classify(cjs("CA03010"));
    assert_eq!((television.step, television.days), (HarmStep::NotAnOffence, 0.0));
    assert_eq!((was.category, was.violent), (is.category, is.violent), "what an offence is does not change");
}

#[test]
fn a_handful_of_codes_is_taken_as_it_stands_and_the_most_exact_line_speaks() {
    let swapped =
        Catalogue::with(tables(), &policy(), &force("code,harm_days\n046,3\n046/00,4\nTH68010,5\n034/01,40\n"));
    assert_eq!(swapped.classify(cjs("TH68010")).days, 5.0);
    assert_eq!(swapped.classify(ho("046/00")).days, 4.0);
    assert_eq!(swapped.classify(ho("034/01")).days, 40.0);
    let robbery =
        tables().cjs_offences().find(|(_, it)| tables().ho_offence(it.ho).code == "034/01" && it.is_offence());
    let (place, _) = robbery.expect("must be listed");
    assert_eq!(swapped.classify(OffenceCode { cjs: Some(place), ho: None }).days, 40.0, "of its Home Office code");
}

#[test]
fn what_the_policy_says_of_the_index_does_not_bind_another_table() {
    assert_eq!(Catalogue::new(tables(), &policy()).classify(cjs("SC15005")).step, HarmStep::Override);
    let swapped = Catalogue::with(tables(), &policy(), &force("code,harm_days\nSC15005,12.5\n"));
    let class = swapped.classify(cjs("SC15005"));
    assert_eq!((class.days, class.step, class.estimated), (12.5, HarmStep::OtherTable, false));
}

#[test]
fn every_wrong_line_is_told_at_once() {
    let text =
        "code,harm_days\nTH68010,5\nTH68010,6\nNOPE,1\n046,-1\n034/01\nCA03010,2\n000/00,1\nWRONG,many\n777,1e3\n";
    let faults: Vec<String> =
        read("force", "", text, tables()).expect_err("must be refused").iter().map(ToString::to_string).collect();
    let told = [
        "line 3: TH68010 stands on line 2 already",
        "line 4: \"NOPE\" is no CJS code, Home Office code or Home Office class that is known",
        "line 5: \"-1\" is no number of harm days from 0 to 1000000",
        "line 6: has 1 cells, not two: code,harm_days",
        "line 7: CA03010 is not an offence",
        "line 8: 000/00 stands for no code",
        "line 9: \"WRONG\" is no CJS code, Home Office code or Home Office class that is known; \"many\" is no number of \
         harm days from 0 to 1000000",
        "line 10: \"777\" is no CJS code, Home Office code or Home Office class that is known; \"1e3\" is no number of \
         harm days from 0 to 1000000",
    ];
    assert_eq!(faults, told);
    let first = |text: &str| read("force", "", text, tables()).expect_err("must be refused")[0].to_string();
    assert_eq!(first("offence,days\nTH68010,5\n"), "line 1: the header must be code,harm_days");
    assert_eq!(first("code,harm_days\n"), "line 1: no code stands below the header");
    assert_eq!(first(""), "line 1: no code stands below the header");
}

#[test]
fn a_spreadsheet_s_mark_and_spaces_do_no_harm() {
    let table = force("\u{feff}code, harm_days\r\n 046 , 3 \r\n\r\n034/01,40\r\n");
    assert_eq!((table.classes.len(), table.ho.len(), table.name()), (1, 1, "force"));
}

#[test]
fn a_name_is_plain_and_nobody_else_s() {
    assert_eq!(check_name("ons_2024-v2"), Ok(()));
    for name in ["", "Force", "a b", "maximum_sentence", "cambridge_harm_index"] {
        assert!(check_name(name).is_err(), "{name}");
    }
    assert!(check_name(&"a".repeat(65)).is_err());
}
