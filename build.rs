//! Turns the protos into Rust without a system protoc, and refuses to build
//! when a reference table differs from the checksum written beside it.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost::Message;
use sha2::{Digest, Sha256};

const PROTOS: [&str; 15] = [
    "steelyard/v1/audit.proto",
    "steelyard/v1/cohort.proto",
    "steelyard/v1/common.proto",
    "steelyard/v1/evaluation.proto",
    "steelyard/v1/evidence.proto",
    "steelyard/v1/lifecycle.proto",
    "steelyard/v1/maintenance.proto",
    "steelyard/v1/movement.proto",
    "steelyard/v1/outstanding.proto",
    "steelyard/v1/policy.proto",
    "steelyard/v1/ranking.proto",
    "steelyard/v1/rescore.proto",
    "steelyard/v1/supervision.proto",
    "steelyard/store/v1/audit.proto",
    "steelyard/store/v1/ledger.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    compile_protos()?;
    check_reference_tables(Path::new("reference"))
}

fn compile_protos() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let descriptors = protox::compile(PROTOS, ["proto"])?;
    let encoded = descriptors.encode_to_vec();
    fs::write(out.join("steelyard.descriptors.bin"), &encoded)?;

    tonic_prost_build::configure()
        .compile_well_known_types(true)
        .extern_path(".google.protobuf", "::pbjson_types")
        .btree_map(".")
        // A decision holds a whole standing; no other record should be as large as one.
        .boxed(".steelyard.v1.Record.kind.cohort_decision")
        .codec_path("crate::api::codec::WholeMessages")
        .compile_fds(descriptors)?;
    pbjson_build::Builder::new().register_descriptors(&encoded)?.btree_map([".steelyard"]).build(&[".steelyard.v1"])?;
    Ok(())
}

/// Every file named in `SHA256SUMS` must be what it says, and every table must be named there.
fn check_reference_tables(root: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={}", root.display());
    let sums = fs::read_to_string(root.join("SHA256SUMS"))?;
    let mut named = BTreeMap::new();
    for line in sums.lines() {
        let (sum, name) =
            line.split_once("  ").ok_or_else(|| format!("reference/SHA256SUMS: not `sum  name`: {line}"))?;
        named.insert(name.to_owned(), sum.to_owned());
    }
    for folder in ["costs", "offences", "predictors"] {
        for entry in fs::read_dir(root.join(folder))? {
            let path = entry?.path();
            // What a table is of is told beside it.
            if path.extension().is_some_and(|extension| extension == "md") {
                continue;
            }
            let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
            let found = hex(&Sha256::digest(fs::read(&path)?));
            match named.remove(&name) {
                Some(sum) if sum == found => {}
                Some(sum) => {
                    return Err(format!(
                        "reference/{name} has sha256 {found}, SHA256SUMS says {sum}: a table \
                         changes only together with its provenance and checksum"
                    )
                    .into());
                }
                None => return Err(format!("reference/{name} is not in SHA256SUMS").into()),
            }
        }
    }
    if let Some(name) = named.keys().next() {
        return Err(format!("reference/{name} is in SHA256SUMS but missing").into());
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String must succeed");
        text
    })
}
