//! A value as it was written, understood or not: so that all mistakes are told at once.

use std::fmt;
use std::time::Duration;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::class::Class;
use crate::duration;
use crate::timeout::Reserve;

/// A value as it was written.
///
/// Reading a text stops at the first value that does not parse. To tell all that is wrong with a
/// policy at once, a value that was not understood is kept as it is, and
/// [`Policy::with`](crate::Policy::with) reports it together with all the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Written<T>(Reading<T>);

#[derive(Clone, Debug, PartialEq)]
enum Reading<T> {
    /// It was understood.
    Value(T),
    /// It was not, and why.
    Ill { given: Given, message: String },
}

/// What was written, so that it can be written again.
#[derive(Clone, Debug, PartialEq)]
enum Given {
    Number(f64),
    Text(String),
}

/// A value that is written as a number or as text.
pub(crate) trait Scalar: Sized {
    /// What it may be written as.
    const FORMS: &str;

    fn from_number(number: f64) -> Result<Self, String>;

    fn from_text(text: &str) -> Result<Self, String>;

    fn to_text(&self) -> String;
}

// === impl Written ===

impl<T> Written<T> {
    /// The value.
    ///
    /// # Errors
    ///
    /// Says what is wrong with what was written, and what to write instead.
    pub fn value(&self) -> Result<&T, &str> {
        match &self.0 {
            Reading::Value(value) => Ok(value),
            Reading::Ill { message, .. } => Err(message),
        }
    }
}

impl<T> From<T> for Written<T> {
    fn from(value: T) -> Written<T> {
        Written(Reading::Value(value))
    }
}

impl<T: Scalar> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Reading::Value(value) => serializer.serialize_str(&value.to_text()),
            Reading::Ill {
                given: Given::Number(number),
                ..
            } => serializer.serialize_f64(*number),
            Reading::Ill {
                given: Given::Text(text),
                ..
            } => serializer.serialize_str(text),
        }
    }
}

impl<'de, T: Scalar> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Written<T>, D::Error> {
        deserializer.deserialize_any(WrittenVisitor(std::marker::PhantomData))
    }
}

struct WrittenVisitor<T>(std::marker::PhantomData<T>);

impl<T: Scalar> Visitor<'_> for WrittenVisitor<T> {
    type Value = Written<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::FORMS)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Written<T>, E> {
        self.visit_f64(number as f64)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Written<T>, E> {
        self.visit_f64(number as f64)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Written<T>, E> {
        Ok(Written(match T::from_number(number) {
            Ok(value) => Reading::Value(value),
            Err(message) => Reading::Ill {
                given: Given::Number(number),
                message,
            },
        }))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Written<T>, E> {
        Ok(Written(match T::from_text(text) {
            Ok(value) => Reading::Value(value),
            Err(message) => Reading::Ill {
                given: Given::Text(text.to_owned()),
                message,
            },
        }))
    }
}

// === impl Scalar ===

impl Scalar for Duration {
    const FORMS: &str = duration::FORMS;

    fn from_number(number: f64) -> Result<Duration, String> {
        duration::from_seconds(number)
    }

    fn from_text(text: &str) -> Result<Duration, String> {
        duration::parse(text)
    }

    fn to_text(&self) -> String {
        duration::show(*self)
    }
}

impl Scalar for Reserve {
    const FORMS: &str = "\"share\", \"off\", a number of seconds, or text such as `10s`";

    fn from_number(number: f64) -> Result<Reserve, String> {
        duration::from_seconds(number).map(Reserve::Fixed)
    }

    fn from_text(text: &str) -> Result<Reserve, String> {
        match text {
            "share" => Ok(Reserve::Share),
            _ => duration::parse(text).map(Reserve::Fixed),
        }
    }

    fn to_text(&self) -> String {
        match self {
            Reserve::Share => "share".to_owned(),
            Reserve::Fixed(fixed) => duration::show(*fixed),
            Reserve::Off => "off".to_owned(),
        }
    }
}

impl Scalar for Class {
    const FORMS: &str = "the name of a class";

    fn from_number(number: f64) -> Result<Class, String> {
        Class::from_text(&number.to_string())
    }

    fn from_text(text: &str) -> Result<Class, String> {
        text.parse::<Class>().map_err(|unknown| unknown.to_string())
    }

    fn to_text(&self) -> String {
        self.name().to_owned()
    }
}
