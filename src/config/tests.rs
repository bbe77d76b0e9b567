//! The rules that settings keep, tried on sources made by hand.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, FromArgMatches};

use super::sources::Sources;
use super::*;

fn given(file: Option<&str>, environment: &[(&str, &str)], flags: &[&str]) -> Result<Settings, Invalid> {
    let folder = tempfile::tempdir().unwrap();
    let path = file.map(|text| {
        let path = folder.path().join("steelyard.toml");
        std::fs::write(&path, text).unwrap();
        path
    });
    let command = Flags::augment_args(clap::Command::new("serve").no_binary_name(true));
    let flags = Flags::from_arg_matches(&command.try_get_matches_from(flags).unwrap()).unwrap();
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    settle(&Sources { file: path, environment, flags: flags.given }).map(|(settings, _)| settings)
}

fn problems(outcome: Result<Settings, Invalid>) -> Vec<(String, Option<String>, String)> {
    let violations = outcome.expect_err("must be refused").violations;
    violations.into_iter().map(|v| (v.key, v.source, v.problem)).collect()
}

#[test]
fn defaults_are_those_of_the_reference_page() {
    let settings = given(None, &[], &["--memory"]).unwrap();
    assert_eq!(settings.grpc.listen.to_string(), "127.0.0.1:50051");
    let store = Store {
        home: Home::Memory,
        cache_bytes: 128 << 20,
        segment_bytes: 64 << 20,
        ballast_bytes: 64 << 20,
        min_free_bytes: 256 << 20,
        open_within: Duration::from_mins(2),
    };
    assert_eq!(settings.store, store);
    let backup = Backup {
        directory: None,
        every: Some(Duration::from_hours(1)),
        full_every: Duration::from_hours(24),
        journal_bytes: 512 << 20,
        keep_full: 3,
    };
    assert_eq!(settings.backup, backup);
    assert_eq!(settings.health.listen, Some("127.0.0.1:9090".parse().unwrap()));
    assert_eq!(settings.lists, Lists { as_of: None, policy: None, stale_after: Duration::from_hours(26) });
    assert_eq!(settings.limits.message_bytes, 4 << 20);
    assert_eq!(settings.limits.page_pins, 16);
    assert_eq!(settings.shutdown.grace, Duration::from_secs(20));
    assert_eq!(settings.log, Log { format: LogFormat::Text, level: "info".to_owned() });
}

#[test]
fn a_flag_overrules_the_environment_and_that_the_file() {
    let file = "data_dir = \"/from/file\"\nas_of = 2026-01-01\n[shutdown]\ngrace_seconds = 1\n[store]\ncache_mb = 32\n";
    let environment = [("STEELYARD_SHUTDOWN_GRACE_SECONDS", "2"), ("STEELYARD_STORE_CACHE_MB", "64")];
    let settings = given(Some(file), &environment, &["--store-cache-mb", "256"]).unwrap();
    assert_eq!(settings.store.home, Home::Directory(PathBuf::from("/from/file")));
    assert_eq!(settings.lists.as_of.unwrap().to_string(), "2026-01-01");
    assert_eq!(settings.shutdown.grace, Duration::from_secs(2));
    assert_eq!(settings.store.cache_bytes, 256 << 20);
}

#[test]
fn the_schedule_of_reviews_is_the_published_one_unless_a_force_has_its_own() {
    let settings = given(None, &[], &["--memory"]).unwrap();
    assert_eq!(settings.retention, Periods::PUBLISHED);
    let file = "memory = true\n[retention]\ngroup_3_clear_years = 7\n";
    let settings = given(Some(file), &[("STEELYARD_RETENTION_GROUP_1_UNTIL_AGE", "90")], &[]).unwrap();
    assert_eq!(settings.retention, Periods { group_3_clear_years: 7, group_1_until_age: 90, ..Periods::PUBLISHED });
    let problems = problems(given(Some("memory = true\n[retention]\ngroup_2_clear_years = 0\n"), &[], &[]));
    assert_eq!(problems[0].2, "must be a whole number from 1 to 100");
}

#[test]
fn a_directory_named_as_a_number_keeps_its_name() {
    let settings = given(None, &[("STEELYARD_DATA_DIR", "0010")], &[]).unwrap();
    assert_eq!(settings.store.home, Home::Directory(PathBuf::from("0010")));
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let settings = given(None, &[("STEELYARD_AS_OF", ""), ("STEELYARD_DATA_DIR", "d")], &[]).unwrap();
    assert_eq!(settings.lists.as_of, None);
}

#[test]
fn an_address_that_others_can_reach_needs_tls_and_tokens() {
    for address in ["0.0.0.0:50051", "[::]:50051", "192.0.2.7:50051"] {
        let problems = problems(given(None, &[], &["--memory", "--grpc-listen", address]));
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].1.as_deref(), Some("flag --grpc-listen"));
        assert!(
            problems[0].2.contains("needs TLS (`tls.certificate` and `tls.key`), and callers who say who they are"),
            "{problems:?}"
        );
    }
    assert!(given(None, &[], &["--memory", "--grpc-listen", "[::1]:0"]).is_ok());
}

#[test]
fn every_violation_is_told_at_once_with_its_source() {
    let file = "[log]\nformat = \"xml\"\n[limits]\npage_pins = 0\nmessage_bytes = [1]\n";
    let environment = [("STEELYARD_AS_OF", "2026-02-30")];
    let problems = problems(given(Some(file), &environment, &["--log-level", "loud"]));
    let told: Vec<_> = problems.iter().map(|(key, ..)| key.as_str()).collect();
    assert_eq!(told, ["data_dir", "as_of", "limits.message_bytes", "limits.page_pins", "log.format", "log.level"]);
    assert_eq!(problems[1].1.as_deref(), Some("environment STEELYARD_AS_OF"));
    assert!(problems[3].1.as_deref().unwrap().starts_with("file "), "{problems:?}");
    assert_eq!(problems[3].2, "must be a whole number from 1 to 256");
    assert_eq!(problems[5].1.as_deref(), Some("flag --log-level"));
}

#[test]
fn a_name_that_is_no_setting_is_refused_with_the_nearest() {
    let file = "memory = true\n[grpc]\nlisen = \"127.0.0.1:1\"\n[tls]\ncert = \"x\"\n";
    let problems = problems(given(Some(file), &[("STEELYARD_LOG_LEVLE", "info")], &[]));
    let told: Vec<_> = problems.iter().map(|(key, _, problem)| (key.as_str(), problem.as_str())).collect();
    assert_eq!(
        told,
        [
            ("grpc.lisen", "is no setting; did you mean grpc.listen?"),
            ("tls.cert", "is no setting"),
            ("STEELYARD_LOG_LEVLE", "is no setting; did you mean STEELYARD_LOG_LEVEL?"),
        ]
    );
}

#[test]
fn variables_of_a_kubernetes_service_are_no_settings_and_no_violations() {
    let environment = [
        ("STEELYARD_SERVICE_HOST", "10.0.0.1"),
        ("STEELYARD_SERVICE_PORT_GRPC", "50051"),
        ("STEELYARD_PORT", "tcp://10.0.0.1:50051"),
        ("STEELYARD_PORT_50051_TCP_ADDR", "10.0.0.1"),
        ("STEELYARD_SERVER", "http://127.0.0.1:50051"),
    ];
    assert!(given(None, &environment, &["--memory"]).is_ok());
}

#[test]
fn a_directory_and_memory_contradict_each_other() {
    let problems = problems(given(Some("data_dir = \"d\"\n"), &[], &["--memory"]));
    assert_eq!(problems[0].0, "data_dir");
    assert!(problems[0].2.contains("give one of the two"));
}

#[test]
fn a_directory_without_a_name_is_no_directory() {
    for given in [given(None, &[], &["--data-dir", ""]), given(Some("data_dir = \"\"\n"), &[], &[])] {
        let problems = problems(given);
        assert_eq!((problems.len(), problems[0].0.as_str()), (1, "data_dir"));
        assert!(problems[0].2.contains("name a directory"), "{}", problems[0].2);
    }
}

#[test]
fn a_scalar_where_a_table_belongs_is_refused_and_hides_nothing() {
    let problems = problems(given(Some("grpc = 5\nmemory = true\n"), &[], &[]));
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].0, "grpc");
}

#[test]
fn a_file_that_is_missing_or_not_toml_is_a_violation() {
    let missing = Sources {
        file: Some(PathBuf::from("/nowhere/steelyard.toml")),
        environment: vec![("STEELYARD_MEMORY".to_owned(), "true".to_owned())],
        flags: Vec::new(),
    };
    let problems_of_missing = problems(settle(&missing).map(|(settings, _)| settings));
    assert_eq!(problems_of_missing[0].0, "config");
    let broken = problems(given(Some("memory = = true"), &[("STEELYARD_MEMORY", "true")], &[]));
    assert_eq!(broken[0].0, "config");
    assert!(broken[0].2.starts_with("is not valid TOML"), "{broken:?}");
}

#[test]
fn every_key_is_called_the_same_in_every_source() {
    for key in CONCERNS.iter().flat_map(|concern| concern.keys) {
        assert_eq!(key.flag, key.name.replace(['.', '_'], "-"));
        assert_eq!(key.variable, format!("STEELYARD_{}", key.name.replace('.', "_").to_uppercase()));
    }
}

#[test]
fn backups_go_beside_the_store_unless_told_otherwise() {
    let usual = given(None, &[], &["--data-dir", "here"]).unwrap();
    assert_eq!(usual.backup.directory, Some(PathBuf::from("here/backups")));
    let told = given(None, &[], &["--data-dir", "here", "--backup-directory", "there"]).unwrap();
    assert_eq!(told.backup.directory, Some(PathBuf::from("there")));
}

#[test]
fn a_directory_for_backups_of_what_is_forgotten_is_a_contradiction() {
    let problems = problems(given(None, &[], &["--memory", "--backup-directory", "there"]));
    assert_eq!((problems.len(), problems[0].0.as_str()), (1, "backup.directory"));
    assert!(problems[0].2.contains("what is forgotten is not backed up"), "{problems:?}");
}

#[test]
fn a_journal_that_a_backup_could_not_shorten_is_refused() {
    let flags = ["--memory", "--store-segment-mb", "64", "--backup-journal-mb", "127"];
    let problems = problems(given(None, &[], &flags));
    assert_eq!((problems.len(), problems[0].0.as_str()), (1, "backup.journal_mb"));
    assert!(given(None, &[], &["--memory", "--store-segment-mb", "1", "--backup-journal-mb", "2"]).is_ok());
}

#[test]
fn backups_and_health_can_be_switched_off() {
    let settings = given(None, &[], &["--memory", "--backup-every-minutes", "0", "--health-listen", "off"]).unwrap();
    assert_eq!((settings.backup.every, settings.health.listen), (None, None));
}

#[test]
fn health_may_be_served_where_other_machines_reach_it() {
    let settings = given(None, &[], &["--memory", "--health-listen", "0.0.0.0:9090"]).unwrap();
    assert_eq!(settings.health.listen, Some("0.0.0.0:9090".parse().unwrap()));
    let problems = problems(given(None, &[], &["--memory", "--health-listen", "9090"]));
    assert!(problems[0].2.contains("neither off nor an IP address"), "{problems:?}");
}

/// Flags with which people sign in, but for the id of the client, and more.
fn signing<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let tokens = ["--access-jwks-file", "j", "--access-issuer", "i", "--access-audience", "a"];
    [&tokens, &["--signin-issuer", "https://issuer.example"][..], more].concat()
}

#[test]
fn settings_of_security_that_are_missing_or_contradict_each_other_stop_the_start_all_at_once() {
    let wrong = |flags: &[&str]| -> Vec<String> {
        let all: Vec<&str> = ["--memory"].into_iter().chain(flags.iter().copied()).collect();
        problems(given(None, &[], &all)).into_iter().map(|(key, ..)| key).collect()
    };
    let cases: &[(&[&str], &[&str])] = &[
        (&["--grpc-listen", "0.0.0.0:50051"], &["grpc.listen"]),
        (&["--grpc-listen", "0.0.0.0:50051", "--tls-certificate", "c", "--tls-key", "k"], &["grpc.listen"]),
        (&["--tls-certificate", "c"], &["tls.certificate"]),
        (&["--tls-key", "k"], &["tls.key"]),
        (
            &["--tls-certificate", "c", "--tls-key", "k", "--tls-client-certificates", "required"],
            &["tls.client_certificates"],
        ),
        (&["--access-certificates-file", "f"], &["access.certificates_file"]),
        (&["--access-jwks-file", "j"], &["access.issuer", "access.audience"]),
        (&["--access-issuer", "i", "--access-audience", "a"], &["access.issuer", "access.audience"]),
        (
            &["--tls-certificate", "c", "--access-jwks-file", "j"],
            &["tls.certificate", "access.issuer", "access.audience"],
        ),
        (
            &["--access-jwks-file", "j", "--access-issuer", "i", "--access-audience", "a", "--audit-enabled", "false"],
            &["audit.enabled"],
        ),
    ];
    for (flags, keys) in cases {
        assert_eq!(wrong(flags), *keys, "{flags:?}");
    }
    let id = ["--signin-client-id", "c"];
    let cases: &[(Vec<&str>, &[&str])] = &[
        (["--signin-issuer", "https://issuer.example", "--signin-client-id", "c"].to_vec(), &["signin.issuer"]),
        (signing(&[]), &["signin.client_id"]),
        (id.to_vec(), &["signin.client_id"]),
        (signing(&[&id[..], &["--http-listen", "off"]].concat()), &["signin.issuer"]),
        (signing(&[&id[..], &["--signin-token", "id"]].concat()), &["signin.token"]),
        (signing(&[&id[..], &["--signin-frames", "any_site"]].concat()), &["signin.frames"]),
        (signing(&[&id[..], &["--signin-session-minutes", "30"]].concat()), &["signin.idle_minutes"]),
        (
            signing(
                &[
                    &id[..],
                    &["--tls-certificate", "c", "--tls-key", "k", "--signin-public-address", "http://localhost"],
                ]
                .concat(),
            ),
            &["signin.public_address"],
        ),
    ];
    for (flags, keys) in cases {
        assert_eq!(wrong(flags), *keys, "{flags:?}");
    }
    let given_all = |more: &[&str]| given(None, &[], &[&["--memory"], &signing(more)[..]].concat());
    assert!(given_all(&["--signin-client-id", "a", "--signin-token", "id"]).is_ok_and(|it| it.signin.is_some()));
    let public =
        ["--signin-client-id", "c", "--signin-frames", "partitioned", "--signin-public-address", "https://f.example"];
    assert!(given_all(&public).is_ok());
    let sound = ["--memory", "--access-jwks-file", "j", "--access-issuer", "i", "--access-audience", "a"];
    assert!(given(None, &[], &sound).is_ok_and(|settings| settings.access.is_asked_for() && settings.audit.enabled));
    assert!(given(None, &[], &["--memory", "--audit-enabled", "false"]).is_ok_and(|settings| !settings.audit.enabled));
}

#[test]
fn a_trial_server_keeps_its_directory_and_day() {
    let day = "2026-03-31".parse().unwrap();
    let settings = Settings::trial("127.0.0.1:0".parse().unwrap(), PathBuf::from("somewhere"), day);
    assert_eq!(settings.store.home, Home::Directory(PathBuf::from("somewhere")));
    assert_eq!(settings.lists.as_of, Some(day));
    assert_eq!((settings.health.listen, settings.backup.every), (None, None));
    assert_eq!(settings.backup.directory, Some(PathBuf::from("somewhere/backups")));
}

#[test]
fn the_example_file_of_the_reference_page_is_valid() {
    let page = reference_page();
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let settings = given(Some(example), &[], &["--data-dir", "d"]).unwrap();
    assert_eq!(settings, given(None, &[], &["--data-dir", "d"]).unwrap());
}

#[test]
fn the_reference_page_in_docs_is_the_one_the_code_makes() {
    let held = include_str!("../../docs/CONFIGURATION.md");
    assert!(
        held == reference_page(),
        "docs/CONFIGURATION.md is out of date: steelyard config reference > docs/CONFIGURATION.md"
    );
}

#[test]
fn a_receiver_of_traces_over_tls_needs_its_authority_and_any_other_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("ca.pem"), folder.path().join("empty.pem"));
    std::fs::write(&good, "-----BEGIN CERTIFICATE-----\n").unwrap();
    std::fs::write(&bad, "").unwrap();
    let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());
    let of = |more: &[&str]| given(None, &[], &[&["--memory"], more].concat());
    let off = of(&[]).unwrap().tracing;
    assert_eq!((off.receiver, off.sampled, off.instance), (None, 10_000, None));
    let secure = of(&["--tracing-endpoint", "https://traces.example:4317", "--tracing-ca-file", good]).unwrap();
    assert!(secure.tracing.receiver.is_some_and(|receiver| receiver.authority.is_some()));
    for (more, key) in [
        (&["--tracing-endpoint", "https://traces.example:4317"][..], "tracing.endpoint"),
        (&["--tracing-endpoint", "http://traces.example:4317", "--tracing-ca-file", good], "tracing.ca_file"),
        (&["--tracing-endpoint", "https://traces.example:4317", "--tracing-ca-file", bad], "tracing.ca_file"),
        (&["--tracing-sample-ratio", "1.5"], "tracing.sample_ratio"),
        (&["--tracing-instance", "a b"], "tracing.instance"),
    ] {
        let keys: Vec<String> = problems(of(more)).into_iter().map(|(key, ..)| key).collect();
        assert_eq!(keys, [key], "{more:?}");
    }
}
