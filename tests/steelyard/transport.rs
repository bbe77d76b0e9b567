//! A server behind TLS, as somebody at a command line meets it: over a real socket,
//! with certificates and tokens in files, both changed while it runs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use crate::harness::{Server, steelyard, within};
use crate::issuer::Issuer;
use crate::people::AS_OF;

const PATIENCE: Duration = Duration::from_secs(30);

/// Authorities, certificates and tokens in files.
struct Ground {
    home: TempDir,
    issuer: Issuer,
}

impl Ground {
    fn new() -> Self {
        let ground = Self { home: tempfile::tempdir().expect("there must be room"), issuer: Issuer::new() };
        ground.issue("servers", &["localhost"]);
        ground.issue("clients", &["nightly.test", "desk.test"]);
        ground.issue("strangers", &["nightly.test"]);
        ground.mapped(
            "[[certificate]]\ndns = \"nightly.test\"\nactor = \"nightly-run\"\nroles = [\"reader\"]\nareas = [\"*\"]\n",
        );
        fs::write(ground.path("token"), ground.issuer.token("analyst-1", &["reader"], &["*"]))
            .expect("must be written");
        ground
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a temporary path must be text").to_owned()
    }

    /// A new authority, and certificates of it by these names; whatever had their names is replaced.
    fn issue(&self, authority: &str, names: &[&str]) {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key can be made");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority signs itself");
        fs::write(self.path(&format!("{authority}.pem")), issuer.pem()).expect("must be written");
        for name in names {
            let key = KeyPair::generate().expect("a key can be made");
            let params = CertificateParams::new(vec![(*name).to_owned()]).expect("a name");
            let leaf = params.signed_by(&key, &issuer).expect("can be signed");
            fs::write(self.path(&format!("{authority}-{name}.pem")), leaf.pem()).expect("must be written");
            let path = self.path(&format!("{authority}-{name}.key"));
            fs::write(&path, key.serialize_pem()).expect("must be written");
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("can be closed to others");
        }
    }

    fn mapped(&self, table: &str) {
        fs::write(self.path("certificates.toml"), table).expect("must be written");
    }

    fn server(&self, clients: &str) -> Server {
        let mut arguments = vec!["--memory".to_owned(), "--as-of".to_owned(), AS_OF.to_owned()];
        let stated = [
            ("--tls-certificate", self.text("servers-localhost.pem")),
            ("--tls-key", self.text("servers-localhost.key")),
            ("--tls-client-ca", self.text("clients.pem")),
            ("--tls-client-certificates", clients.to_owned()),
            ("--tls-reload-seconds", "1".to_owned()),
            ("--access-certificates-file", self.text("certificates.toml")),
        ];
        arguments.extend(stated.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]));
        arguments.extend(self.issuer.arguments());
        Server::with(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// A list asked for by somebody with this certificate and, perhaps, a token.
    fn list(&self, server: &Server, certificate: Option<&str>, token: bool) -> Output {
        let mut command = self.command(server, certificate, token);
        command.output().expect("must run")
    }

    fn command(&self, server: &Server, certificate: Option<&str>, token: bool) -> Command {
        let url = server.url().replace("http://127.0.0.1", "https://localhost");
        let mut command = steelyard();
        command.args(["list", "all", "--server", &url, "--tls-ca", &self.text("servers.pem")]);
        if let Some(name) = certificate {
            let files = [format!("{name}.pem"), format!("{name}.key")].map(|name| self.text(&name));
            command.args(["--tls-certificate", &files[0], "--tls-key", &files[1]]);
        }
        if token {
            command.args(["--token-file", &self.text("token")]);
        }
        command
    }
}

/// Whether a list came. Nobody is held, which is an answer too.
fn listed(output: &Output) -> bool {
    output.status.code().is_some_and(|code| code <= 1) && output.stderr.is_empty()
}

fn said(output: &Output) -> String {
    format!(
        "{:?}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn somebody_at_a_command_line_is_known_by_certificate_or_token_and_by_nothing_else() {
    let ground = Ground::new();
    let server = ground.server("optional");
    for (certificate, token) in [(Some("clients-nightly.test"), false), (None, true), (Some("clients-desk.test"), true)]
    {
        let output = ground.list(&server, certificate, token);
        assert!(listed(&output), "{certificate:?}, {token}: {}", said(&output));
    }
    // Nobody, a certificate that no entry names, and one that passes for the named one, of another authority.
    for (certificate, exit) in
        [(None, Some(77)), (Some("clients-desk.test"), Some(77)), (Some("strangers-nightly.test"), Some(69))]
    {
        let output = ground.list(&server, certificate, false);
        assert_eq!(output.status.code(), exit, "{certificate:?}: {}", said(&output));
        assert_eq!(said(&output).contains("refuses this certificate"), exit == Some(69), "{}", said(&output));
    }
    // The token of one and the certificate of another contradict each other.
    let output = ground.list(&server, Some("clients-nightly.test"), true);
    assert_eq!(output.status.code(), Some(77), "{}", said(&output));
    // Without TLS nothing is said to a server that speaks it, least of all a token.
    let mut plain = steelyard();
    let output = plain.args(["list", "all", "--server", &server.url()]).output().expect("must run");
    assert_eq!(output.status.code(), Some(69), "{}", said(&output));
    server.kill();

    let server = ground.server("required");
    assert!(listed(&ground.list(&server, Some("clients-nightly.test"), false)));
    let output = ground.list(&server, None, true);
    assert_eq!(output.status.code(), Some(69), "a token is no certificate: {}", said(&output));
    server.kill();
}

#[test]
fn certificates_and_whom_they_speak_for_are_changed_while_the_server_runs() {
    let ground = Ground::new();
    let server = ground.server("optional");
    let nightly = || ground.list(&server, Some("clients-nightly.test"), false);
    assert!(listed(&nightly()));

    // Whom certificates speak for. What cannot be read changes nothing.
    ground.mapped("[[certificate]]\nsha256 = \"no digest\"\n");
    std::thread::sleep(Duration::from_secs(3));
    let output = nightly();
    assert!(listed(&output), "{}", said(&output));
    ground.mapped("[[certificate]]\ndns = \"desk.test\"\nactor = \"desk-1\"\nroles = [\"reader\"]\nareas = [\"*\"]\n");
    let refused = within(PATIENCE, || Some(nightly()).filter(|output| output.status.code() == Some(77)));
    assert!(refused.is_some(), "a certificate that nothing names any more speaks for nobody");
    assert!(listed(&ground.list(&server, None, true)), "tokens go on");

    // The server's own certificate, of another authority.
    ground.issue("servers", &["localhost"]);
    let renewed = within(PATIENCE, || Some(ground.list(&server, None, true)).filter(listed));
    assert!(renewed.is_some(), "the new certificate is shown: {}", said(&ground.list(&server, None, true)));
    server.kill();
}
