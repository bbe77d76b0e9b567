//! What every command shares that has a management record written: an id under which
//! it is done once however often it is sent, and what the server says of it, its
//! remarks included.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;
use tonic::{Code, Response, Status};
use uuid::Uuid;

use super::client::ServerArgs;
use super::exit::Exit;
use super::output::{self, Format, OutputArgs, Page, count, indented, plain};
use crate::cli::client::Channel;

/// Flags of a command that writes.
#[derive(Clone, Debug, clap::Args)]
pub struct WriteArgs {
    /// Id of this request: sent again with the same one, it is done once [default: a new one]
    #[arg(long, value_name = "UUID")]
    request_id: Option<Uuid>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    server: ServerArgs,
}

impl WriteArgs {
    /// The id given, or a new one.
    pub fn request_id(&self) -> String {
        self.request_id.unwrap_or_else(Uuid::new_v4).to_string()
    }

    /// Connects.
    ///
    /// # Errors
    /// The address is no URL, or nobody answers there.
    pub async fn connect(&self) -> anyhow::Result<Channel> {
        self.server.connect().await
    }

    /// Prints what became of the request.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn tell(&self, receipt: &Receipt, answer: &impl Serialize) -> anyhow::Result<ExitCode> {
        output::print(&match self.output.output {
            Format::Table => receipt.told(Page::of_stdout()),
            Format::Json => output::json(answer)?,
            Format::Csv => receipt.csv()?,
        })?;
        Ok(Exit::Done.into())
    }
}

/// Where a record comes from, and under which id.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct RecordArgs {
    /// Id of the record, unique in the force [default: the server makes one]
    #[arg(long, value_name = "ID", default_value_t, hide_default_value = true)]
    pub id: String,
    /// System that the record comes from [default: steelyard]
    #[arg(long, value_name = "SYSTEM", default_value_t, hide_default_value = true)]
    pub source: String,
}

/// The answer to a write. Where it is not known whether it was done, the error says how to find out.
///
/// # Errors
/// The server's refusal.
pub fn settled<T>(outcome: Result<Response<T>, Status>, request_id: &str) -> anyhow::Result<T> {
    outcome.map(Response::into_inner).map_err(|status| {
        let unknown =
            matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown);
        let error = anyhow::Error::from(status);
        if unknown {
            error.context(format!(
                "it may have been written or not; the same again with --request-id {request_id} does it once"
            ))
        } else {
            error
        }
    })
}

/// What the server says of something written.
#[derive(Clone, Debug, Default)]
pub struct Receipt {
    /// What was done, such as "File out-7 opened".
    pub done: String,
    /// Id of the record.
    pub id: String,
    /// Revision at which it was written.
    pub revision: u64,
    /// Etag to change it by. Empty: it is not changed.
    pub etag: String,
    /// What it does not do, or what is left to do.
    pub remarks: Vec<String>,
}

impl Receipt {
    fn told(&self, page: Page) -> String {
        let mut text = format!("{} at revision {}.\n", plain(&self.done), count(self.revision));
        if !self.etag.is_empty() {
            let _ = writeln!(text, "{}", page.faint(&format!("etag {}", plain(&self.etag))));
        }
        text.push_str(&remarks(&self.remarks, page));
        text
    }

    fn csv(&self) -> anyhow::Result<String> {
        let row = [self.id.clone(), self.revision.to_string(), self.etag.clone(), self.remarks.join(" ")];
        output::csv(["id", "revision", "etag", "remarks"], [row])
    }
}

fn remarks(remarks: &[String], page: Page) -> String {
    if remarks.is_empty() {
        return String::new();
    }
    page.heading("REMARKS") + &bullets(remarks, page)
}

/// Sentences, each after a dash.
pub(super) fn bullets(sentences: &[String], page: Page) -> String {
    sentences.iter().map(|sentence| indented(&format!("- {sentence}"), 2, page.width)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt() -> Receipt {
        Receipt {
            done: "File out-7 closed".to_owned(),
            id: "out-7".to_owned(),
            revision: 20_115,
            etag: "20115-3".to_owned(),
            remarks: vec!["Still circulated as wanted: the person could be arrested again.".to_owned()],
        }
    }

    #[test]
    fn remarks_of_the_server_are_told() {
        assert_eq!(
            receipt().told(Page::PLAIN),
            "File out-7 closed at revision 20,115.\netag 20115-3\n\nREMARKS\n  \
             - Still circulated as wanted: the person could be arrested again.\n"
        );
        let quiet = Receipt { remarks: Vec::new(), etag: String::new(), ..receipt() };
        assert_eq!(quiet.told(Page::PLAIN), "File out-7 closed at revision 20,115.\n");
    }

    #[test]
    fn a_receipt_is_one_row_under_stable_headers() {
        let text = Receipt { id: "=1+1".to_owned(), remarks: Vec::new(), ..receipt() }.csv().unwrap();
        assert_eq!(text, "id,revision,etag,remarks\n'=1+1,20115,20115-3,\n");
    }

    #[test]
    fn a_write_whose_end_is_not_known_says_how_to_send_it_again() {
        let error = settled::<()>(Err(Status::unavailable("stopping")), "id-1").unwrap_err();
        let told = super::super::exit::told(&error);
        assert!(told.contains("--request-id id-1") && told.contains("stopping"), "{told}");
        assert_eq!(super::super::exit::of(&error), Exit::Unavailable);
        let refused = settled::<()>(Err(Status::invalid_argument("no")), "id-1").unwrap_err();
        assert!(!super::super::exit::told(&refused).contains("--request-id"));
    }
}
