//! How much of a long answer is asked for, alike for every command that lists.

/// Rows a page where nothing is asked for.
const DEFAULT_ROWS: u32 = 50;
/// Most rows a page.
const MOST_ROWS: u32 = 1_000;

/// Flags of a command that lists.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Paging {
    /// Rows a page, 1 to 1,000 [default: 50]
    #[arg(long, visible_alias = "page-size", value_name = "ROWS")]
    pub limit: Option<u32>,
    /// Follow the list to its end, page after page
    #[arg(long)]
    pub all: bool,
    /// Go on from this token of an earlier answer in JSON; the other arguments must be the same
    #[arg(long, value_name = "TOKEN", conflicts_with = "all")]
    pub page_token: Option<String>,
}

impl Paging {
    /// Rows a page.
    pub fn size(&self) -> u32 {
        self.limit.unwrap_or(if self.all { MOST_ROWS } else { DEFAULT_ROWS })
    }

    /// Token of the page to begin with.
    pub fn token(&self) -> String {
        self.page_token.clone().unwrap_or_default()
    }
}
