//! A value together with its place.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, SeqAccess, Visitor};

use super::mistake::Mistake;
use super::node::{Node, Span, Value};

/// A value with its place.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Span,
    /// Whether an environment variable holds it, so that it must not be shown.
    pub(super) hidden: bool,
}

// === impl At ===

impl At<String> {
    /// The text in backquotes, unless an environment variable holds it.
    pub(super) fn shown(&self) -> String {
        if self.hidden {
            "of its environment variable".to_owned()
        } else {
            format!("`{}`", self.value)
        }
    }
}

/// The name by which [`At`] asks for a value together with its place.
pub(super) const NAME: &str = "secondwind::At";

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<At<T>, D::Error> {
        struct AtVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for AtVisitor<T> {
            type Value = At<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value with its place")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<At<T>, A::Error> {
                let mut number = || seq.next_element()?.ok_or_else(lost::<A::Error>);
                let span = Span {
                    file: number()?,
                    line: number()?,
                    column: number()?,
                    start: number()?,
                    len: number()?,
                };
                let hidden = seq.next_element()?.ok_or_else(lost)?;
                let value = seq.next_element()?.ok_or_else(lost)?;
                Ok(At { value, span, hidden })
            }
        }

        fn lost<E: serde::de::Error>() -> E {
            E::custom("the place of a value is known only here")
        }

        deserializer.deserialize_newtype_struct(NAME, AtVisitor(PhantomData))
    }
}

/// The numbers of a place, then the value.
pub(super) struct Placed<'de> {
    node: &'de Node,
    state: u8,
}

impl<'de> Placed<'de> {
    pub(super) fn new(node: &'de Node) -> Placed<'de> {
        Placed { node, state: 0 }
    }
}

impl<'de> SeqAccess<'de> for Placed<'de> {
    type Error = Mistake;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Mistake> {
        let span = self.node.span;
        let number = match self.state {
            0 => span.file,
            1 => span.line,
            2 => span.column,
            3 => span.start,
            4 => span.len,
            5 => {
                self.state += 1;
                let hidden = matches!(self.node.value, Value::Env(_));
                return seed.deserialize(hidden.into_deserializer()).map(Some);
            }
            6 => {
                self.state += 1;
                return seed.deserialize(self.node).map(Some);
            }
            _ => return Ok(None),
        };
        self.state += 1;
        seed.deserialize(number.into_deserializer()).map(Some)
    }
}
