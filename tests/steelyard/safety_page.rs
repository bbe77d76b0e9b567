//! `docs/SAFETY.md` says which test proves each control. What it names must be
//! there: every test by its path, every file, every recipe. A hazard without a
//! test has to say that it is a residual risk.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn every_test_file_and_recipe_that_the_page_names_is_there() {
    let (page, tests) = (page(), tests());
    let recipes = fs::read_to_string(Path::new(ROOT).join("justfile")).expect("there must be recipes");
    let mut missing = Vec::new();
    for name in quoted(&page) {
        let there = if is_test(name) {
            tests.contains(name)
        } else if let Some(recipe) = name.strip_prefix("just ") {
            let recipe = recipe.split(' ').next().unwrap_or_default();
            recipes.lines().any(|line| {
                line.strip_prefix(recipe).is_some_and(|rest| rest.starts_with([' ', ':']) && line.contains(':'))
            })
        } else if name.starts_with("src/") || name.starts_with("tests/") {
            Path::new(ROOT).join(name).exists()
        } else {
            true
        };
        if !there {
            missing.push(name);
        }
    }
    assert!(missing.is_empty(), "docs/SAFETY.md names what is not there:\n{}", missing.join("\n"));
}

#[test]
fn every_hazard_has_a_test_or_is_called_a_residual_risk() {
    let page = page();
    let hazards: Vec<&str> = page.lines().filter(|line| line.starts_with("| H")).collect();
    assert!(hazards.len() > 20, "the table of hazards must be read: {}", hazards.len());
    for hazard in hazards {
        let proof = hazard.trim_end_matches([' ', '|']).rsplit('|').next().expect("a row has a last cell");
        assert!(quoted(proof).any(is_test) || proof.contains("residual"), "nothing proves this: {hazard}");
    }
}

/// So that a page whose names are wrong cannot pass.
#[test]
fn a_name_that_is_no_test_is_told_from_one() {
    let tests = tests();
    for name in [
        "safety_page::a_name_that_is_no_test_is_told_from_one",
        "store::journal::tests::damage::no_bytes_make_a_wrong_event",
        "store::codec::tests::a_flipped_bit_is_an_error",
        "torture::book::a_book_contradicts_loss_a_torn_group_and_a_second_application",
    ] {
        assert!(is_test(name) && tests.contains(name), "{name}");
    }
    for name in ["safety_page::page", "store::codec::a_flipped_bit_is_an_error", "torture::no_such_rule"] {
        assert!(is_test(name) && !tests.contains(name), "{name}");
    }
}

fn page() -> String {
    fs::read_to_string(Path::new(ROOT).join("docs/SAFETY.md")).expect("the page must be there")
}

/// What stands between backticks.
pub fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Whether a name is a path to a function.
pub fn is_test(name: &str) -> bool {
    name.contains("::")
        && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "_:".contains(letter))
}

/// Every test of the library and of the drills, by its path as `cargo test` prints it.
pub fn tests() -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for place in ["src", "tests/steelyard"] {
        let place = Path::new(ROOT).join(place);
        for file in sources(&place) {
            let inside = file.strip_prefix(&place).expect("it was found there").with_extension("");
            let mut module: Vec<&str> = inside.iter().map(|part| part.to_str().expect("names are text")).collect();
            if matches!(module.last(), Some(&("mod" | "lib" | "main"))) {
                module.pop();
            }
            let source = fs::read_to_string(&file).expect("a source must be readable");
            collect(&source, &module.join("::"), &mut tests);
            // A file beside its module, that the module takes in as its tests.
            if let Some(tested) = module.last().and_then(|last| last.strip_suffix("_tests")) {
                let beside = module[..module.len() - 1].iter().copied().chain([tested, "tests"]);
                collect(&source, &beside.collect::<Vec<_>>().join("::"), &mut tests);
            }
        }
    }
    tests
}

/// The tests of one file: functions after an attribute that says so.
fn collect(source: &str, module: &str, tests: &mut BTreeSet<String>) {
    let (mut marked, mut inner) = (false, "");
    for line in source.lines() {
        let code = line.trim_start();
        if line.starts_with("mod tests {") {
            inner = "tests::";
        }
        if code.starts_with("#[test]") || code.starts_with("#[tokio::test") {
            marked = true;
        } else if let Some((_, rest)) = code.split_once("fn ").filter(|_| marked && !code.starts_with("//")) {
            let name: String = rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            tests.insert(format!("{module}::{inner}{name}"));
            marked = false;
        }
    }
}

fn sources(place: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut places = vec![place.to_owned()];
    while let Some(place) = places.pop() {
        for entry in fs::read_dir(place).expect("a directory must be listed") {
            let path = entry.expect("a directory must be listed").path();
            if path.is_dir() {
                places.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}
