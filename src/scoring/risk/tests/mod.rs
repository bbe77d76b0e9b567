//! Risk as rules: each test is named for the one it holds to.

mod fixture;
mod history;
mod scored;
mod two_year;
mod weighed;
