//! A value as it was written, understood or not: so that all mistakes are told at once.

use std::fmt;
use std::time::Duration;

use serde::de::{Error, IntoDeserializer, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::breaker::WhenAllOpen;
use crate::class::{Class, UnknownClass};
use crate::duration;
use crate::stream::Recovery;
use crate::timeout::Reserve;

#[cfg(test)]
mod tests;

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
pub(crate) trait Scalar: Clone {
    /// What it may be written as.
    const FORMS: &str;

    fn from_integer(integer: i128) -> Result<Self, String> {
        Self::from_number(integer as f64)
    }

    fn from_number(number: f64) -> Result<Self, String> {
        Err(Self::must_be(number))
    }

    fn from_text(text: &str) -> Result<Self, String> {
        Err(Self::must_be(format_args!("`{text}`")))
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// The value as it is used, if it can be: one that was set in Rust has not been read.
    fn sound(self) -> Result<Self, String> {
        Ok(self)
    }

    fn must_be(given: impl fmt::Display) -> String {
        format!("must be {}, not {given}", Self::FORMS)
    }
}

// === impl Written ===

impl<T> Written<T> {
    /// The value as it is used.
    pub(crate) fn read(&self) -> Result<T, String>
    where
        T: Scalar,
    {
        self.value().map_err(str::to_owned).and_then(|value| value.clone().sound())
    }

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
            Reading::Value(value) => value.write(serializer),
            Reading::Ill { given: Given::Number(number), .. } => serializer.serialize_f64(*number),
            Reading::Ill { given: Given::Text(text), .. } => serializer.serialize_str(text),
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

    fn visit_u64<E: Error>(self, integer: u64) -> Result<Written<T>, E> {
        Ok(number(T::from_integer(integer.into()), integer as f64))
    }

    fn visit_i64<E: Error>(self, integer: i64) -> Result<Written<T>, E> {
        Ok(number(T::from_integer(integer.into()), integer as f64))
    }

    fn visit_f64<E: Error>(self, float: f64) -> Result<Written<T>, E> {
        Ok(number(T::from_number(float), float))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Written<T>, E> {
        Ok(Written(match T::from_text(text) {
            Ok(value) => Reading::Value(value),
            Err(message) => Reading::Ill { given: Given::Text(text.to_owned()), message },
        }))
    }
}

fn number<T>(read: Result<T, String>, number: f64) -> Written<T> {
    Written(match read {
        Ok(value) => Reading::Value(value),
        Err(message) => Reading::Ill { given: Given::Number(number), message },
    })
}

// === impl Scalar ===

/// Whole numbers from 0.
macro_rules! whole {
    ($type:ty, $forms:literal, $write:ident) => {
        impl Scalar for $type {
            const FORMS: &str = $forms;

            fn from_integer(integer: i128) -> Result<$type, String> {
                integer.try_into().map_err(|_| Self::must_be(integer))
            }

            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.$write(*self)
            }
        }
    };
}

whole!(u32, "a whole number from 0 to 4294967295", serialize_u32);
whole!(u64, "a whole number from 0", serialize_u64);

impl Scalar for f64 {
    const FORMS: &str = "a number";

    fn from_number(number: f64) -> Result<f64, String> {
        Ok(number)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(*self)
    }
}

impl Scalar for Duration {
    const FORMS: &str = duration::FORMS;

    fn from_number(number: f64) -> Result<Duration, String> {
        duration::from_seconds(number)
    }

    fn from_text(text: &str) -> Result<Duration, String> {
        duration::parse(text)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&duration::show(*self))
    }

    fn sound(self) -> Result<Duration, String> {
        duration::within(self)
    }
}

impl Scalar for Reserve {
    const FORMS: &str = "`share`, \"off\", a number of seconds, or text such as `10s`";

    fn from_number(number: f64) -> Result<Reserve, String> {
        duration::from_seconds(number).map(Reserve::Fixed)
    }

    fn from_text(text: &str) -> Result<Reserve, String> {
        match text {
            "share" => Ok(Reserve::Share),
            _ => duration::parse(text).map(Reserve::Fixed),
        }
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Reserve::Share => serializer.serialize_str("share"),
            Reserve::Fixed(fixed) => fixed.write(serializer),
            Reserve::Off => serializer.serialize_str("off"),
        }
    }

    fn sound(self) -> Result<Reserve, String> {
        match self {
            Reserve::Fixed(Duration::ZERO) => Ok(Reserve::Off),
            Reserve::Fixed(fixed) => fixed.sound().map(Reserve::Fixed),
            Reserve::Share | Reserve::Off => Ok(self),
        }
    }
}

impl Scalar for Class {
    const FORMS: &str = "the name of a class";

    fn from_text(text: &str) -> Result<Class, String> {
        text.parse().map_err(|unknown: UnknownClass| unknown.to_string())
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }
}

impl Scalar for WhenAllOpen {
    const FORMS: &str = "`fail_fast` or `least_bad`";

    fn from_text(text: &str) -> Result<WhenAllOpen, String> {
        let read = WhenAllOpen::deserialize(text.into_deserializer());
        read.map_err(|_: serde::de::value::Error| Self::must_be(format_args!("`{text}`")))
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }
}

impl Scalar for Recovery {
    const FORMS: &str = "`continue`, `buffer` or \"off\"";

    fn from_text(text: &str) -> Result<Recovery, String> {
        let read = Recovery::deserialize(text.into_deserializer());
        read.map_err(|_: serde::de::value::Error| Self::must_be(format_args!("`{text}`")))
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Recovery::Off => serializer.serialize_str("off"),
            recovery => recovery.serialize(serializer),
        }
    }
}
