//! ListStandings with client certificates, tokens and a durable audit, against the same server without; and what a token costs
//! beside a certificate alone.

mod common;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::calls::Calls;
use common::force::Force;
use common::load::{Outcome, Secure};
use common::server::Server;
use common::verdict::{Target, heading, note, tell};
use common::{Options, copied, run};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use steelyard::pb;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const METHOD: &str = "/steelyard.v1.RankingService/ListStandings";
/// Rows on a page.
const ROWS: u32 = 50;
/// Syncs that are timed.
const SYNCS: usize = 200;

fn main() -> anyhow::Result<()> {
    run(measure)
}

fn measure(options: &Options) -> anyhow::Result<()> {
    let subjects = options.scale(100_000);
    let force = Force::of(options, subjects)?;
    let scratch = options.scratch("secured")?;
    let house = House::new(&scratch)?;
    let open = Server::on(&copied(&force.data(), &scratch.join("open"))?, &[])?;
    let with_tokens = house.arguments(true);
    let tokens = Server::on(&copied(&force.data(), &scratch.join("tokens"))?, &texts(&with_tokens))?;
    let with_certificates = house.arguments(false);
    let certificates = Server::on(&copied(&force.data(), &scratch.join("certificates"))?, &texts(&with_certificates))?;

    heading(&format!("ListStandings, {ROWS} rows BASIC, {subjects} subjects, 4 connections x 16 in flight"));
    let request = pb::ListStandingsRequest { list: pb::List::All.into(), page_size: ROWS, ..Default::default() };
    let calls = Calls::new(&scratch, "page", METHOD, &[request])?;
    let (mut rates, mut costs, mut halves) = (Vec::new(), Vec::new(), Vec::new());
    let mut last = None;
    for _ in 0..options.pairs {
        let plain = calls.at(&open.address, options.seconds)?;
        let secured = calls.secured(&tokens.address, options.seconds, &house.secure(true))?;
        let bare = calls.secured(&certificates.address, options.seconds, &house.secure(false))?;
        let sync = sync_micros(&scratch)?;
        rates.push(secured.rate() / plain.rate());
        costs.push(1.0 - secured.rate() / bare.rate());
        halves.push(secured.p50 as f64 / sync);
        last = Some((plain, secured, sync));
    }
    tell("client certificate, token and audit: of the calls without", &rates, Target::AtLeast(0.5));
    tell("of these, half take at most so many syncs of this disk", &halves, Target::AtMost(3.0));
    tell("a token that is known: part of the call", &costs, Target::AtMost(0.05));
    if let Some((plain, secured, sync)) = last {
        note(&format!("without: {}; with: {}; a sync takes {sync:.0} us", told(&plain), told(&secured)));
    }
    for server in [open, tokens, certificates] {
        server.stop()?;
    }
    fs::remove_dir_all(scratch)?;
    Ok(())
}

fn told(outcome: &Outcome) -> String {
    format!("{:.0} calls/s (p50 {} us, p99 {} us)", outcome.rate(), outcome.p50, outcome.p99)
}

fn texts(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

/// How long half of the syncs of a short write take, microseconds.
fn sync_micros(place: &Path) -> anyhow::Result<f64> {
    let path = place.join("sync");
    let mut file = File::create(&path)?;
    let mut micros = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        file.write_all(&[7; 4_096])?;
        let begun = Instant::now();
        file.sync_data()?;
        micros.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    fs::remove_file(path)?;
    micros.sort_by(f64::total_cmp);
    Ok(micros[SYNCS / 2])
}

/// An authority, an issuer, and what they gave to server and callers.
struct House {
    folder: PathBuf,
    token: String,
}

impl House {
    fn new(folder: &Path) -> anyhow::Result<Self> {
        let house = folder.join("house");
        fs::create_dir_all(&house)?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        fs::write(house.join("ca.pem"), authority.pem())?;
        for name in ["localhost", "caller"] {
            let key = KeyPair::generate()?;
            let leaf = CertificateParams::new(vec![name.to_owned()])?.signed_by(&key, &authority)?;
            fs::write(house.join(format!("{name}.pem")), leaf.pem())?;
            let path = house.join(format!("{name}.key"));
            fs::write(&path, key.serialize_pem())?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        }
        let mapped = "[[certificate]]\ndns = \"caller\"\nactor = \"bench\"\nroles = [\"reader\"]\nareas = [\"*\"]\n";
        fs::write(house.join("certificates.toml"), mapped)?;
        let key = Ed25519KeyPair::generate().ok().context("a key can be made")?;
        let public = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
        let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "bench", "alg": "EdDSA", "x": public }] });
        fs::write(house.join("jwks.json"), keys.to_string())?;
        let expires = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs() + 86_400;
        let claims = json!({
            "iss": "bench", "aud": "bench", "sub": "bench", "exp": expires, "roles": ["reader"], "areas": ["*"],
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({ "alg": "EdDSA", "typ": "JWT", "kid": "bench" })), part(&claims));
        let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).as_ref());
        Ok(Self { folder: house, token: format!("{signed}.{signature}") })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Arguments of a server that asks for a certificate, and believes tokens or certificates.
    fn arguments(&self, tokens: bool) -> Vec<String> {
        let file = |name: &str| self.path(name).to_string_lossy().into_owned();
        let mut arguments: Vec<String> = [
            ("--tls-certificate", file("localhost.pem")),
            ("--tls-key", file("localhost.key")),
            ("--tls-client-ca", file("ca.pem")),
            ("--tls-client-certificates", "required".to_owned()),
        ]
        .into_iter()
        .flat_map(|(flag, value)| [flag.to_owned(), value])
        .collect();
        let believed = if tokens {
            vec![
                ("--access-jwks-file", file("jwks.json")),
                ("--access-issuer", "bench".to_owned()),
                ("--access-audience", "bench".to_owned()),
            ]
        } else {
            vec![("--access-certificates-file", file("certificates.toml"))]
        };
        arguments.extend(believed.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]));
        arguments
    }

    fn secure(&self, token: bool) -> Secure {
        Secure {
            authority: self.path("ca.pem"),
            certificate: self.path("caller.pem"),
            key: self.path("caller.key"),
            token: token.then(|| self.token.clone()),
        }
    }
}
