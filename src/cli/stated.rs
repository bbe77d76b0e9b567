//! What a command states of whoever runs it: a token, a certificate, why it asks and
//! for whom. A token comes from a file or from the environment, never from a flag,
//! which others on the machine can read; and it is sent in the clear to this machine
//! alone. It is told nowhere.

use std::path::{Path, PathBuf};

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::transport::{Certificate, ClientTlsConfig, Identity};
use tonic::{Request, Status};

use super::exit::{Exit, Failure};

/// Variable that holds a token.
const TOKEN: &str = "STEELYARD_TOKEN";

/// Most bytes of a file with a token, a certificate or a key.
const FILE_BYTES: u64 = 1 << 20;

/// Who asks, and why.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct StatedArgs {
    /// File with the token to send; STEELYARD_TOKEN may hold the token itself
    #[arg(long, value_name = "FILE", env = "STEELYARD_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Authority that vouches for an https:// server, in PEM
    #[arg(long, value_name = "FILE", env = "STEELYARD_SERVER_CA")]
    tls_ca: Option<PathBuf>,
    /// Certificate to show to the server, in PEM
    #[arg(long, value_name = "FILE", env = "STEELYARD_CLIENT_CERTIFICATE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Private key of that certificate, in PEM
    #[arg(long, value_name = "FILE", env = "STEELYARD_CLIENT_KEY", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// Code of the purpose for which this is asked; it is kept in the audit
    #[arg(long, value_name = "CODE", env = "STEELYARD_PURPOSE")]
    purpose: Option<String>,
    /// Officer on whose behalf this is asked; kept in the audit
    #[arg(long, value_name = "OFFICER")]
    on_behalf_of: Option<String>,
    /// Whether the environment may hold a token: for whoever was started with these as flags.
    #[arg(skip = true)]
    environment: bool,
}

/// What goes with every call.
#[derive(Clone, Debug, Default)]
pub struct Stated {
    authorization: Option<MetadataValue<Ascii>>,
    purpose: Option<MetadataValue<Ascii>>,
    on_behalf_of: Option<MetadataValue<Ascii>>,
}

impl Interceptor for Stated {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let stated = [
            ("authorization", &self.authorization),
            ("x-purpose-code", &self.purpose),
            ("x-on-behalf-of", &self.on_behalf_of),
        ];
        for (name, value) in stated {
            if let Some(value) = value {
                request.metadata_mut().insert(name, value.clone());
            }
        }
        Ok(request)
    }
}

impl StatedArgs {
    /// A token in a file, and nothing else.
    pub fn of_token_file(path: &Path) -> Self {
        Self { token_file: Some(path.to_owned()), ..Self::default() }
    }

    /// What goes with every call to a server, which is reached encrypted or is on this machine.
    ///
    /// # Errors
    /// A file cannot be read, a value cannot be sent, or a token would go over the network in the clear.
    pub fn stated(&self, uri: &http::Uri) -> anyhow::Result<Stated> {
        self.stated_with(uri, if self.environment { std::env::var(TOKEN).ok() } else { None })
    }

    fn stated_with(&self, uri: &http::Uri, variable: Option<String>) -> anyhow::Result<Stated> {
        let token = match (&self.token_file, variable.filter(|token| !token.is_empty())) {
            (Some(path), _) => Some(
                String::from_utf8(read(path)?)
                    .map_err(|_| usage(format!("{} holds no token: it is not text", path.display())))?,
            ),
            (None, variable) => variable,
        };
        let authorization = match token {
            Some(token) => {
                if uri.scheme_str() != Some("https") && !is_here(uri.host().unwrap_or_default()) {
                    return Err(usage("a token is not sent to another machine in the clear: use https://").into());
                }
                let mut value: MetadataValue<Ascii> = format!("Bearer {}", token.trim())
                    .parse()
                    .map_err(|_| usage("the token holds a character that no token has"))?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        Ok(Stated {
            authorization,
            purpose: sent("--purpose", self.purpose.as_ref())?,
            on_behalf_of: sent("--on-behalf-of", self.on_behalf_of.as_ref())?,
        })
    }

    /// How an encrypted connection is made. `None`: the address is not one.
    ///
    /// # Errors
    /// A file cannot be read, or the flags do not fit the address.
    pub fn tls(&self, uri: &http::Uri) -> anyhow::Result<Option<ClientTlsConfig>> {
        if uri.scheme_str() != Some("https") {
            return if self.tls_ca.is_some() || self.tls_certificate.is_some() {
                Err(usage("--tls-ca and --tls-certificate are for a server at https://").into())
            } else {
                Ok(None)
            };
        }
        let authority = self.tls_ca.as_ref();
        let authority =
            authority.ok_or_else(|| usage("https:// needs --tls-ca, the authority that vouches for the server"))?;
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(authority)?));
        Ok(Some(match (&self.tls_certificate, &self.tls_key) {
            (Some(certificate), Some(key)) => tls.identity(Identity::from_pem(read(certificate)?, read(key)?)),
            (None | Some(_), None) | (None, Some(_)) => tls,
        }))
    }
}

fn usage(problem: impl Into<String>) -> Failure {
    Failure::new(Exit::Usage, problem)
}

fn is_here(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn sent(flag: &str, value: Option<&String>) -> anyhow::Result<Option<MetadataValue<Ascii>>> {
    let problem = || usage(format!("{flag} must be 1 to 64 characters of ASCII, without line breaks"));
    let Some(text) = value else { return Ok(None) };
    if !(1..=64).contains(&text.len()) {
        return Err(problem().into());
    }
    Ok(Some(text.parse().map_err(|_| problem())?))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES).read_to_end(&mut bytes))
        .map_err(|error| Failure::new(Exit::InputMissing, format!("{} cannot be read: {error}", path.display())))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> http::Uri {
        text.parse().unwrap()
    }

    #[test]
    fn a_token_goes_in_the_clear_to_this_machine_alone() {
        let args = StatedArgs::default();
        let with = |address: &str| args.stated_with(&uri(address), Some("secret".to_owned()));
        for address in ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "https://force.example:1"] {
            assert!(with(address).unwrap().authorization.is_some(), "{address}");
        }
        let error = with("http://192.0.2.7:1").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn a_token_is_never_shown() {
        let stated = StatedArgs::default().stated_with(&uri("http://127.0.0.1:1"), Some("secret".to_owned())).unwrap();
        assert!(!format!("{stated:?}").contains("secret"), "{stated:?}");
        let error = StatedArgs::default().stated_with(&uri("http://127.0.0.1:1"), Some("sec\u{1}ret".to_owned()));
        assert!(!error.unwrap_err().to_string().contains("sec"));
    }

    #[test]
    fn what_is_stated_goes_with_every_call() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "from.a.file\n").unwrap();
        let args = StatedArgs {
            token_file: Some(path),
            purpose: Some("IOM-REVIEW".to_owned()),
            on_behalf_of: Some("PS 1234".to_owned()),
            ..StatedArgs::default()
        };
        let mut stated = args.stated_with(&uri("http://127.0.0.1:1"), Some("from.the.environment".to_owned())).unwrap();
        let request = stated.call(Request::new(())).unwrap();
        let told = |name: &str| request.metadata().get(name).unwrap().to_str().unwrap().to_owned();
        assert_eq!(told("authorization"), "Bearer from.a.file");
        assert_eq!((told("x-purpose-code"), told("x-on-behalf-of")), ("IOM-REVIEW".to_owned(), "PS 1234".to_owned()));
    }

    #[test]
    fn an_encrypted_address_needs_the_authority_and_a_plain_one_takes_none() {
        let args = StatedArgs::default();
        assert!(args.tls(&uri("https://force.example")).unwrap_err().to_string().contains("--tls-ca"));
        assert!(args.tls(&uri("http://127.0.0.1:1")).unwrap().is_none());
        let args = StatedArgs { tls_ca: Some(PathBuf::from("ca.pem")), ..args };
        assert!(args.tls(&uri("http://127.0.0.1:1")).is_err());
    }
}
