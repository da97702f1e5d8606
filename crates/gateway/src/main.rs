//! The `secondwind` command.
fn main() {}
