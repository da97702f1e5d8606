//! A JSON value of which only scalars matter: read leniently, borrowed where possible.
//!
//! Servers that speak nearly the same dialect differ in what they put into fields that nobody needs.
//! None of that may make an event unreadable.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// An array that usually has one element: that one takes no allocation.
#[derive(Debug)]
pub(super) struct Few<T> {
    /// Whether there is an array at all.
    pub(super) given: bool,
    first: Option<T>,
    further: Vec<T>,
}

/// Any JSON value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Piece<'a> {
    /// Missing, `null`, `false`, an empty object or an empty array.
    #[default]
    Nothing,
    /// A string.
    Text(Cow<'a, str>),
    /// A number that counts something.
    Number(u64),
    /// Anything else.
    Other,
}

// === impl Few ===

impl<T> Few<T> {
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.further)
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self { given: false, first: None, further: Vec::new() }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FewOf(PhantomData))
    }
}

struct FewOf<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FewOf<T> {
    type Value = Few<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Few::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut few = Few { given: true, first: seq.next_element()?, further: Vec::new() };
        while let Some(element) = seq.next_element()? {
            few.further.push(element);
        }
        Ok(few)
    }
}

// === impl Piece ===

impl Piece<'_> {
    /// Whether there is anything in it.
    pub(super) fn told(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Text(text) => !text.is_empty(),
            Self::Number(_) | Self::Other => true,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Nothing | Self::Number(_) | Self::Other => None,
        }
    }

    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Nothing | Self::Text(_) | Self::Other => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Piece<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyPiece)
    }
}

struct AnyPiece;

impl<'de> Visitor<'de> for AnyPiece {
    type Value = Piece<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Piece::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Piece::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Piece::Nothing)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(if value { Piece::Other } else { Piece::Nothing })
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Piece::Number(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Piece::Other)
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        // A time with decimals.
        Ok(if number >= 0.0 { Piece::Number(number as u64) } else { Piece::Other })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut piece = Piece::Nothing;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            piece = Piece::Other;
        }
        Ok(piece)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut piece = Piece::Nothing;
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            piece = Piece::Other;
        }
        Ok(piece)
    }
}
