//! Every way in which a token may be wrong, tried on real signatures; and keys that
//! change under a verifier that runs.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;

use super::fixture::*;
use super::*;
use crate::access::{Permission, Role};
use crate::config::KeySource;

struct Tried {
    _folder: tempfile::TempDir,
    path: PathBuf,
    verifier: Verifier,
}

fn tried(signers: &[&Signer]) -> Tried {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    std::fs::write(&path, set(signers)).unwrap();
    let verifier = Verifier::open(&tokens(KeySource::File(path.clone())), now()).unwrap();
    Tried { _folder: folder, path, verifier }
}

fn ed() -> Signer {
    Signer::of(Algorithm::EdDsa, "ed")
}

#[test]
fn each_algorithm_is_believed_with_a_key_of_its_kind() {
    let signers =
        [Signer::of(Algorithm::Rs256, "rsa"), Signer::of(Algorithm::Es256, "ec"), Signer::of(Algorithm::EdDsa, "ed")];
    let tried = tried(&signers.iter().collect::<Vec<_>>());
    for signer in &signers {
        let identity = tried.verifier.verify(&signer.sign(&claims()), now()).unwrap();
        assert_eq!((identity.actor.as_ref(), identity.roles.as_ref()), ("officer", &[Role::Reader][..]));
        assert!(identity.permissions.hold(Permission::ReadLists));
        assert_eq!(identity.scope.areas().unwrap().len(), 1);
    }
}

#[test]
fn a_token_without_a_signature_is_never_believed() {
    let signer = ed();
    let tried = tried(&[&signer]);
    for alg in ["none", "None", "NONE", ""] {
        let header = json!({"alg": alg, "kid": "ed"});
        let unsigned = format!("{}.{}.", encoded(&header), encoded(&claims()));
        assert_eq!(tried.verifier.verify(&unsigned, now()), Err(TokenFault::Algorithm), "{alg:?}");
    }
    let stripped = signer.sign(&claims());
    let stripped = &stripped[..=stripped.rfind('.').unwrap()];
    assert_eq!(tried.verifier.verify(stripped, now()), Err(TokenFault::Signature));
}

#[test]
fn the_public_key_is_no_secret_to_sign_with() {
    let signer = Signer::of(Algorithm::Rs256, "rsa");
    let tried = tried(&[&signer]);
    let pem = format!("-----BEGIN RSA PUBLIC KEY-----\n{}\n", URL_SAFE_NO_PAD.encode(signer.public()));
    for secret in [signer.public(), pem.into_bytes()] {
        let signed = format!("{}.{}", encoded(&json!({"alg": "HS256", "kid": "rsa"})), encoded(&claims()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), signed.as_bytes());
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag));
        assert_eq!(tried.verifier.verify(&token, now()), Err(TokenFault::Algorithm));
    }
}

#[test]
fn the_algorithm_is_the_key_s_and_not_the_token_s() {
    let (rsa, ed) = (Signer::of(Algorithm::Rs256, "rsa"), ed());
    let tried = tried(&[&rsa, &ed]);
    let header = json!({"alg": "RS256", "kid": "ed"});
    assert_eq!(
        tried.verifier.verify(&ed.sign_under(&header, &claims().to_string()), now()),
        Err(TokenFault::Algorithm)
    );
    // One issuer key's name over another's signature.
    let header = json!({"alg": "RS256", "kid": "rsa"});
    assert_eq!(
        tried.verifier.verify(&ed.sign_under(&header, &claims().to_string()), now()),
        Err(TokenFault::Signature)
    );
}

#[test]
fn another_s_key_under_a_known_name_is_not_believed() {
    let (mine, other) = (ed(), ed());
    let tried = tried(&[&mine]);
    assert_eq!(tried.verifier.verify(&other.sign(&claims()), now()), Err(TokenFault::Signature));
    let stranger = Signer::of(Algorithm::EdDsa, "stranger");
    assert_eq!(tried.verifier.verify(&stranger.sign(&claims()), now()), Err(TokenFault::UnknownKey));
}

#[test]
fn a_token_that_names_no_key_is_tried_with_the_only_one_and_never_with_several() {
    let (one, two) = (ed(), Signer::of(Algorithm::EdDsa, "two"));
    let unnamed = one.sign_under(&json!({"alg": "EdDSA"}), &claims().to_string());
    assert!(tried(&[&one]).verifier.verify(&unnamed, now()).is_ok());
    assert_eq!(tried(&[&one, &two]).verifier.verify(&unnamed, now()), Err(TokenFault::UnknownKey));
}

#[test]
fn a_changed_claim_breaks_the_signature() {
    let signer = ed();
    let tried = tried(&[&signer]);
    let token = signer.sign(&claims());
    let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    let mut raised = claims();
    raised["roles"] = json!(["administrator"]);
    parts[1] = encoded(&raised);
    assert_eq!(tried.verifier.verify(&parts.join("."), now()), Err(TokenFault::Signature));
}

#[test]
fn time_is_kept_with_the_leeway_and_no_more() {
    let signer = ed();
    let tried = tried(&[&signer]);
    let second = now().as_second();
    let at = |name: &str, moment: i64| {
        let mut claims = claims();
        claims[name] = json!(moment);
        tried.verifier.verify(&signer.sign(&claims), now()).map(|_| ())
    };
    assert_eq!(at("exp", second - 29), Ok(()));
    assert_eq!(at("exp", second - 30), Err(TokenFault::Expired));
    assert_eq!(at("nbf", second + 30), Ok(()));
    assert_eq!(at("nbf", second + 31), Err(TokenFault::NotYetValid));
    assert!(matches!(at("exp", i64::MAX), Err(TokenFault::Claims(_))));
}

#[test]
fn a_remembered_token_still_expires() {
    let signer = ed();
    let tried = tried(&[&signer]);
    let token = signer.sign(&claims());
    assert!(tried.verifier.verify(&token, now()).is_ok());
    assert_eq!(tried.verifier.remembered.count(), 1);
    let later = now() + SignedDuration::from_secs(630);
    assert_eq!(tried.verifier.verify(&token, later), Err(TokenFault::Expired));
    assert_eq!(tried.verifier.remembered.count(), 0);
}

#[test]
fn issuer_and_audience_are_exactly_those_of_the_settings() {
    let signer = ed();
    let tried = tried(&[&signer]);
    let with = |name: &str, value: serde_json::Value| {
        let mut claims = claims();
        claims[name] = value;
        tried.verifier.verify(&signer.sign(&claims), now()).map(|_| ())
    };
    assert_eq!(with("iss", json!("https://issuer.example/")), Err(TokenFault::Issuer));
    assert_eq!(with("aud", json!("other")), Err(TokenFault::Audience));
    assert_eq!(with("aud", json!(["other", "another"])), Err(TokenFault::Audience));
    assert_eq!(with("aud", json!([])), Err(TokenFault::Audience));
    assert_eq!(with("aud", json!(["other", "steelyard"])), Ok(()));
    assert!(matches!(with("aud", json!({"steelyard": true})), Err(TokenFault::Claims(_))));
}

#[test]
fn a_claim_that_is_needed_and_missing_is_named() {
    let signer = ed();
    let tried = tried(&[&signer]);
    for claim in ["iss", "aud", "exp", "sub", "roles"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(claim);
        assert_eq!(tried.verifier.verify(&signer.sign(&claims), now()), Err(TokenFault::Missing(claim)));
    }
}

#[test]
fn a_claim_that_is_there_twice_is_refused() {
    let signer = ed();
    let tried = tried(&[&signer]);
    for twice in ["\"sub\":\"chief\"", "\"roles\":[\"administrator\"]", "\"exp\":9999999999", "\"areas\":[\"*\"]"] {
        let text = claims().to_string().replacen('{', &format!("{{{twice},"), 1);
        let outcome = tried.verifier.verify(&signer.sign_under(&signer.header(), &text), now());
        assert_eq!(outcome, Err(TokenFault::Claims("a claim is there twice".to_owned())), "{twice}");
    }
}

#[test]
fn roles_and_permissions_that_do_not_exist_are_refused_by_name() {
    let signer = ed();
    let tried = tried(&[&signer]);
    let mut wrong = claims();
    wrong["roles"] = json!(["reader", "king"]);
    wrong["permissions"] = json!(["erase_subjects"]);
    let Err(TokenFault::Claims(told)) = tried.verifier.verify(&signer.sign(&wrong), now()) else { panic!("believed") };
    assert!(told.contains("\"king\", which is no role") && told.contains("\"erase_subjects\""), "{told}");
}

#[test]
fn a_header_with_extensions_or_of_another_type_is_refused() {
    let signer = ed();
    let tried = tried(&[&signer]);
    for (name, value) in [("crit", json!(["exp"])), ("crit", json!([])), ("typ", json!("dpop+jwt")), ("kid", json!(7))]
    {
        let mut header = signer.header();
        header[name] = value;
        let outcome = tried.verifier.verify(&signer.sign_under(&header, &claims().to_string()), now());
        assert!(matches!(outcome, Err(TokenFault::Malformed(_))), "{name}: {outcome:?}");
    }
    let twice = URL_SAFE_NO_PAD.encode("{\"alg\":\"none\",\"alg\":\"EdDSA\",\"kid\":\"ed\"}");
    let outcome = tried.verifier.verify(&format!("{twice}.{}.AAAA", encoded(&claims())), now());
    assert!(matches!(outcome, Err(TokenFault::Malformed(_))), "{outcome:?}");
}

#[test]
fn what_is_no_token_is_malformed() {
    let tried = tried(&[&ed()]);
    for text in ["", ".", "..", "...", "a.b", "a.b.c.d", "a=.b.c", "e30.e30.", "é.b.c", "W10.e30.AA"] {
        let outcome = tried.verifier.verify(text, now());
        assert!(matches!(outcome, Err(TokenFault::Malformed(_))), "{text:?}: {outcome:?}");
    }
    assert_eq!(tried.verifier.verify(&"a".repeat(MOST_BYTES + 1), now()), Err(TokenFault::TooLong));
}

#[test]
fn a_binding_other_than_to_a_certificate_is_not_believed() {
    let signer = ed();
    let tried = tried(&[&signer]);
    let bound = |confirmation: serde_json::Value| {
        let mut claims = claims();
        claims["cnf"] = confirmation;
        tried.verifier.read(&signer.sign(&claims), now()).map(|verified| verified.bound_to)
    };
    assert_eq!(bound(json!({"x5t#S256": URL_SAFE_NO_PAD.encode([7; 32])})), Ok(Some([7; 32])));
    for other in [json!({"jkt": "abc"}), json!({"x5t#S256": "abc"}), json!({})] {
        assert!(matches!(bound(other), Err(TokenFault::Claims(_))));
    }
}

#[test]
fn a_flood_of_tokens_that_are_not_believed_drives_nobody_out() {
    let (signer, other) = (ed(), ed());
    let tried = tried(&[&signer]);
    assert!(tried.verifier.verify(&signer.sign(&claims()), now()).is_ok());
    for number in 0..200 {
        let mut claims = claims();
        claims["jti"] = json!(number);
        assert!(tried.verifier.verify(&other.sign(&claims), now()).is_err());
    }
    assert_eq!(tried.verifier.remembered.count(), 1);
    for number in 0..200 {
        let mut claims = claims();
        claims["jti"] = json!(number);
        assert!(tried.verifier.verify(&signer.sign(&claims), now()).is_ok());
    }
    assert!(tried.verifier.remembered.count() <= 16, "{}", tried.verifier.remembered.count());
}

#[test]
fn keys_rotate_under_a_running_verifier_and_the_old_are_dropped() {
    let (old, new) = (Signer::of(Algorithm::EdDsa, "old"), Signer::of(Algorithm::Es256, "new"));
    let tried = tried(&[&old]);
    assert!(tried.verifier.verify(&old.sign(&claims()), now()).is_ok());
    std::fs::write(&tried.path, set(&[&new])).unwrap();
    let token = new.sign(&claims());
    // The first token of an unknown key has the keys read again; nothing else does, within an hour.
    until("the new key", || tried.verifier.verify(&token, now()).is_ok());
    assert_eq!(tried.verifier.verify(&old.sign(&claims()), now()), Err(TokenFault::UnknownKey));
}

#[test]
fn a_key_set_that_cannot_be_used_leaves_the_old_one_for_a_time_and_no_longer() {
    let (signer, stranger) = (ed(), Signer::of(Algorithm::EdDsa, "stranger"));
    let tried = tried(&[&signer]);
    std::fs::write(&tried.path, "{\"keys\": [").unwrap();
    assert_eq!(tried.verifier.verify(&stranger.sign(&claims()), now()), Err(TokenFault::UnknownKey));
    assert!(tried.verifier.verify(&signer.sign(&claims()), now()).is_ok());
    let mut lasting = claims();
    lasting["exp"] = json!(now().as_second() + 1_000_000);
    let lasting = signer.sign(&lasting);
    assert!(tried.verifier.verify(&lasting, now() + SignedDuration::from_hours(2)).is_ok());
    let later = now() + SignedDuration::from_secs(7_201);
    assert_eq!(tried.verifier.verify(&lasting, later), Err(TokenFault::KeysTooOld));
}

#[test]
fn a_set_with_a_private_key_or_with_two_keys_of_one_name_is_refused_whole() {
    let (one, two) = (ed(), ed());
    let mut private = one.jwk();
    private["d"] = json!("AAAA");
    let read = |keys: serde_json::Value| {
        KeySet::read(json!({ "keys": keys }).to_string().as_bytes()).map(|set| set.is_empty())
    };
    assert_eq!(read(json!([private])), Err(KeySetFault::Private(0)));
    assert_eq!(read(json!([{"kty": "oct", "k": "AAAA"}])), Err(KeySetFault::Private(0)));
    assert_eq!(read(json!([one.jwk(), two.jwk()])), Err(KeySetFault::Ambiguous));
    let mut broken = one.jwk();
    broken["x"] = json!("AAAA");
    assert_eq!(read(json!([broken])), Err(KeySetFault::Key(0)));
    let mut for_encryption = one.jwk();
    for_encryption["use"] = json!("enc");
    assert_eq!(read(json!([for_encryption])), Ok(true));
    assert_eq!(read(json!(vec![json!({"kty": "future"}); 65])), Err(KeySetFault::TooMany));
}

#[test]
fn a_server_without_any_usable_key_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    let open = || Verifier::open(&tokens(KeySource::File(path.clone())), now()).map(|_| ());
    assert!(matches!(open(), Err(KeysFault::Unreadable { .. })));
    std::fs::write(&path, "{\"keys\": []}").unwrap();
    assert!(matches!(open(), Err(KeysFault::Set { fault: KeySetFault::Empty, .. })));
}

/// An issuer's server: answers over TLS with the body it is given, until the test ends. Gives port and authority.
fn issuer(body: Arc<Mutex<String>>) -> (u16, String) {
    let ca = crate::access::transport::fixture::Authority::new("issuer CA");
    let leaf = ca.issue(&["localhost"], |_| {});
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(leaf.chain(), leaf.private())
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(Arc::new(config.clone())).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
            let mut request = [0; 4_096];
            if !matches!(stream.read(&mut request), Ok(1..)) {
                continue;
            }
            let body = body.lock().unwrap().clone();
            let answer =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
            drop(stream.write_all(answer.as_bytes()).and_then(|()| stream.flush()));
            stream.conn.send_close_notify();
            drop(stream.flush());
        }
    });
    (port, ca.pem())
}

#[test]
fn keys_are_fetched_over_https_from_an_issuer_that_is_vouched_for() {
    let (old, new) = (Signer::of(Algorithm::EdDsa, "old"), Signer::of(Algorithm::Rs256, "new"));
    let body = Arc::new(Mutex::new(set(&[&old])));
    let (port, authority) = issuer(Arc::clone(&body));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, authority).unwrap();
    let source =
        |authority: Option<PathBuf>| KeySource::Url { url: format!("https://localhost:{port}/keys"), authority };
    let verifier = Verifier::open(&tokens(source(Some(path.clone()))), now()).unwrap();
    assert!(verifier.verify(&old.sign(&claims()), now()).is_ok());
    *body.lock().unwrap() = set(&[&new]);
    let token = new.sign(&claims());
    until("the new key", || verifier.verify(&token, now()).is_ok());

    let stranger = crate::access::transport::fixture::Authority::new("another CA");
    std::fs::write(&path, stranger.pem()).unwrap();
    let outcome = Verifier::open(&tokens(source(Some(path))), now());
    assert!(matches!(outcome, Err(KeysFault::Unfetched { .. })), "{outcome:?}");
    "{}".clone_into(&mut body.lock().unwrap());
    assert!(Verifier::open(&tokens(source(None)), now()).is_err());
}

proptest! {
    /// Whatever is sent: an answer, and never belief.
    #[test]
    fn nothing_that_was_not_signed_is_believed(text in "[A-Za-z0-9_.=-]{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        thread_local! {
            static TRIED: Tried = tried(&[&Signer::of(Algorithm::EdDsa, "ed")]);
        }
        TRIED.with(|tried| {
            prop_assert!(tried.verifier.verify(&text, now()).is_err());
            let part = URL_SAFE_NO_PAD.encode(&bytes);
            let header = encoded(&json!({"alg": "EdDSA", "kid": "ed"}));
            for token in [format!("{header}.{part}.{part}"), format!("{part}.{part}.{part}"), format!("{header}.{text}.{part}")] {
                prop_assert!(tried.verifier.verify(&token, now()).is_err());
            }
            Ok(())
        })?;
        drop(claims::Claims::read(&bytes));
        drop(KeySet::read(&bytes));
    }
}
