//! Events written under an older schema are carried as they are.

use std::fs;

use super::super::{Incarnation, Until, restore};
use super::*;

/// A store that release 0.1.0 wrote.
fn of_schema_1(home: &Path) -> SledStore {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store-schema-1");
    let engine = home.join("sled");
    fs::create_dir_all(&engine).unwrap();
    for name in ["conf", "snap.0000000000000155"] {
        fs::copy(fixture.join(name), engine.join(name)).unwrap();
    }
    let data = zstd::stream::decode_all(&*fs::read(fixture.join("db.zst")).unwrap()).unwrap();
    fs::write(engine.join("db"), data).unwrap();
    open(home)
}

#[test]
fn events_of_schema_1_are_restored_unchanged() {
    let place = Place::new();
    let store = of_schema_1(&place.path("old"));
    let head = store.head().unwrap();
    assert!(head.revision.0 > 100, "{head}");
    place.between(&store, 0, 100);
    place.between(&store, 100, head.revision.0);
    let plan = place.catalogue().plan(Until::End).unwrap();
    let target = place.path("restored");
    restore(&plan, None, Until::End, &target, Incarnation::New, &mut Unpaced).unwrap();
    let restored = all(&open(&target));
    assert!(restored.iter().all(|event| event.schema_version() == 1));
    assert!(restored == all(&store));
}
