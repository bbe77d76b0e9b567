//! The principles of METHOD as properties, over generated people.

mod people;
mod principles;
mod unknown_dates;
