//! The pages that the server shows by itself: lists, people, supervision and runs, in
//! the words of the field and in HTML that needs no script to be read. Every page asks
//! the contract's calls as whoever looks at it; no rule of the field lives here.

pub mod asker;
