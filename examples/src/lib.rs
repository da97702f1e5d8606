//! One idea each: see `bin/`. The code of `docs/compositions.md` is compiled and run here as doctests.

#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../docs/compositions.md")]
    struct Compositions;
}
