//! The gateway `secondwind`: a library with a thin command in front of it.

pub mod config;
