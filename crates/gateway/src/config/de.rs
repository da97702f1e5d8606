//! Reads typed values from [`Node`]s, with mistakes that know where they happened.

use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer,
    VariantAccess, Visitor,
};

use super::at::{self, Placed};
use super::cx::Cx;
use super::mistake::Mistake;
use super::node::{Entry, Node, Value};
use super::read;

/// How many mistakes are told of one value.
const MOST: usize = 200;

/// Reads a `T`. Each thing that is wrong is noted and taken out of the tree, until the rest can be
/// read; `None` if that is not enough.
pub(super) fn read<T: DeserializeOwned>(cx: &mut Cx<'_>, node: &mut Node) -> Option<T> {
    read_as(cx, node, None)
}

/// Reads the value of an entry, like [`read`].
pub(super) fn read_entry<T: DeserializeOwned>(cx: &mut Cx<'_>, entry: &mut Entry) -> Option<T> {
    read_as(cx, &mut entry.node, Some(&entry.key))
}

fn read_as<T: DeserializeOwned>(cx: &mut Cx<'_>, node: &mut Node, name: Option<&str>) -> Option<T> {
    for _ in 0..MOST {
        let mistake = match T::deserialize(&*node) {
            Ok(read) => return Some(read),
            Err(mistake) => mistake,
        };
        let path = mistake.path();
        mistake.note(cx, name, node, &path);
        if !node.remove(&path) {
            return None;
        }
    }
    None
}

// === impl Deserializer ===

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Mistake;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let visited = match &self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Int(value) => visit_int(*value, visitor),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Text(text) => visitor.visit_str(text),
            Value::Env(variable) => match read::number(&variable.text) {
                Some(Value::Int(value)) => visit_int(value, visitor),
                Some(Value::Float(value)) => visitor.visit_f64(value),
                _ => visitor.visit_str(&variable.text),
            },
            Value::List(list) => visitor.visit_seq(Items { items: list.iter(), index: 0 }),
            Value::Map(map) => {
                visitor.visit_map(Pairs { entries: map.entries.iter(), index: 0, value: None })
            }
        };
        visited.map_err(|mistake| mistake.at(self.span))
    }

    /// What a variable holds is text where text is wanted, were it all digits.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.value {
            Value::Env(variable) => {
                visitor.visit_str(&variable.text).map_err(|mistake: Mistake| mistake.at(self.span))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_str(visitor)
    }

    /// In an environment variable there is no other way to write it.
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let visited = match &self.value {
            Value::Env(variable) => match variable.text.to_ascii_lowercase().as_str() {
                "true" => visitor.visit_bool(true),
                "false" => visitor.visit_bool(false),
                _ => return self.deserialize_any(visitor),
            },
            _ => return self.deserialize_any(visitor),
        };
        visited.map_err(|mistake: Mistake| mistake.at(self.span))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        if name == at::NAME {
            return visitor.visit_seq(Placed::new(self));
        }
        visitor.visit_newtype_struct(self)
    }

    /// A list of values without their keys is not meant.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        match self.value {
            Value::List(_) => {
                let mistake: Mistake = de::Error::invalid_type(de::Unexpected::Seq, &visitor);
                Err(mistake.at(self.span))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        visitor.visit_enum(Variant(self)).map_err(|mistake| mistake.at(self.span))
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq
        tuple tuple_struct map identifier ignored_any
    }
}

fn visit_int<'de, V: Visitor<'de>>(value: i64, visitor: V) -> Result<V::Value, Mistake> {
    match u64::try_from(value) {
        Ok(value) => visitor.visit_u64(value),
        Err(_) => visitor.visit_i64(value),
    }
}

/// The items of a list.
struct Items<'de> {
    items: std::slice::Iter<'de, Node>,
    index: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = Mistake;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Mistake> {
        let Some(node) = self.items.next() else {
            return Ok(None);
        };
        let index = self.index;
        self.index += 1;
        let item = seed.deserialize(node);
        item.map(Some).map_err(|mistake| mistake.at(node.span).within(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// The entries of a mapping.
struct Pairs<'de> {
    entries: std::slice::Iter<'de, Entry>,
    index: usize,
    value: Option<&'de Node>,
}

impl<'de> de::MapAccess<'de> for Pairs<'de> {
    type Error = Mistake;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Mistake> {
        let Some(entry) = self.entries.next() else {
            return Ok(None);
        };
        self.value = Some(&entry.node);
        self.index += 1;
        let key: de::value::StrDeserializer<'_, Mistake> = entry.key.as_str().into_deserializer();
        seed.deserialize(key)
            .map(Some)
            .map_err(|mistake| mistake.in_key(entry.at).within(self.index - 1))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mistake> {
        let Some(node) = self.value.take() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        seed.deserialize(node).map_err(|mistake| mistake.at(node.span).within(self.index - 1))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// A word that names a variant.
struct Variant<'de>(&'de Node);

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Mistake;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Mistake> {
        Ok((seed.deserialize(self.0)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Mistake;

    fn unit_variant(self) -> Result<(), Mistake> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Mistake> {
        Err(de::Error::custom("a single word was expected"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Mistake> {
        Err(de::Error::custom("a single word was expected"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Mistake> {
        Err(de::Error::custom("a single word was expected"))
    }
}
