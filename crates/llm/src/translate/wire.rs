//! What both vocabularies are written with: text and JSON that stay in the body they came in.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Fields that are in no documentation as of writing, or that a pair has no word for.
pub(super) type Extra = serde_json::Map<String, serde_json::Value>;

/// A JSON string, borrowed where it has no escapes.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// Any JSON, byte for byte.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Json<'a>(Cow<'a, RawValue>);

/// What may be one string or a list.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Content<'a, P> {
    Text(Text<'a>),
    Parts(Vec<P>),
}

/// What may be one word or an object.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Choice<'a, O> {
    Word(Text<'a>),
    Object(O),
}

/// `value` as JSON.
pub(super) fn json(value: &impl Serialize) -> Bytes {
    // Memory takes all that is written to it, and every key of ours is a string.
    serde_json::to_vec(value).map(Bytes::from).unwrap_or_default()
}

// === impl Text ===

impl<'a> Text<'a> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What stands behind the first `at` bytes.
    pub(super) fn split_off(self, at: usize) -> Self {
        match self.0 {
            Cow::Borrowed(text) => Self(Cow::Borrowed(text.get(at..).unwrap_or_default())),
            Cow::Owned(mut text) => Self(Cow::Owned(text.split_off(at))),
        }
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

// === impl Json ===

impl<'a> Json<'a> {
    /// `text` as JSON, if it is an object.
    pub(super) fn object(text: Text<'a>) -> Result<Self, String> {
        let json = match text.0 {
            Cow::Borrowed(text) => serde_json::from_str::<&RawValue>(text).map(Cow::Borrowed),
            Cow::Owned(text) => RawValue::from_string(text).map(Cow::Owned),
        };
        match json {
            Ok(json) if json.get().starts_with('{') => Ok(Self(json)),
            Ok(_) => Err("it is JSON, but no object".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    pub(super) fn get(&self) -> &str {
        self.0.get()
    }

    pub(super) fn is_object(&self) -> bool {
        self.get().starts_with('{')
    }

    /// The JSON itself, as a string.
    pub(super) fn into_text(self) -> Text<'a> {
        match self.0 {
            Cow::Borrowed(json) => Text(Cow::Borrowed(json.get())),
            Cow::Owned(json) => Text(Cow::Owned(String::from(Box::<str>::from(json)))),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|json| Self(Cow::Borrowed(json)))
    }
}

// === impl Content ===

impl<'de: 'a, 'a, P: Deserialize<'de>> Deserialize<'de> for Content<'a, P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts<'a, P>(PhantomData<(&'a (), P)>);

        impl<'de: 'a, 'a, P: Deserialize<'de>> Visitor<'de> for Parts<'a, P> {
            type Value = Content<'a, P>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Content::Text(text.into()))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Content::Text(text.to_owned().into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, parts: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(parts)).map(Content::Parts)
            }
        }

        deserializer.deserialize_any(Parts(PhantomData))
    }
}

// === impl Choice ===

impl<'de: 'a, 'a, O: Deserialize<'de>> Deserialize<'de> for Choice<'a, O> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<'a, O>(PhantomData<(&'a (), O)>);

        impl<'de: 'a, 'a, O: Deserialize<'de>> Visitor<'de> for Either<'a, O> {
            type Value = Choice<'a, O>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an object")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Choice::Word(text.into()))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Choice::Word(text.to_owned().into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
                O::deserialize(MapAccessDeserializer::new(fields)).map(Choice::Object)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}
