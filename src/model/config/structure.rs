//! What every part of the file keeps, whatever its section: keys are plain names and stand once,
//! values are texts, `true`/`false`, lists or sections; no numbers, no empty values, no tags.
//!
//! Numbers are refused because YAML loses them: `3.10` is 3.1.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};

/// The error text for a number.
pub(super) const NUMBER: &str = "a number stands where a text belongs";
/// The error text for a key without a value.
pub(super) const EMPTY: &str = "there is no value";
/// The error text for `!tag`.
const TAG: &str = "tags such as `!name` have no meaning here";
/// The start of an error text about a key, which follows in backticks.
pub(super) const KEY: &str = "key `";

/// Returns the error text that [`super::read()`] takes for one about the key itself.
fn about_key(key: &str, problem: impl fmt::Display) -> String {
    let shown: String = key.chars().take(60).flat_map(char::escape_debug).collect();
    format!("{KEY}{shown}`: {problem}")
}

/// A document that keeps the rules above; nothing of it is held.
pub(super) struct Structure;

impl<'de> Deserialize<'de> for Structure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk)
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = Structure;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, `true`, `false`, a list or a section")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Structure, E> {
        Ok(Structure)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Structure, E> {
        Ok(Structure)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Structure, E> {
        Err(E::custom(NUMBER))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Structure, E> {
        Err(E::custom(NUMBER))
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<Structure, E> {
        Err(E::custom(NUMBER))
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<Structure, E> {
        Err(E::custom(NUMBER))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Structure, E> {
        Err(E::custom(NUMBER))
    }

    fn visit_unit<E: Error>(self) -> Result<Structure, E> {
        Err(E::custom(EMPTY))
    }

    fn visit_none<E: Error>(self) -> Result<Structure, E> {
        Err(E::custom(EMPTY))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Structure, A::Error> {
        while items.next_element::<Structure>()?.is_some() {}
        Ok(Structure)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Structure, A::Error> {
        let mut seen: BTreeMap<String, ()> = BTreeMap::new();
        while let Some(key) = entries.next_key_seed(Key::<String>::new(&seen))? {
            seen.insert(key, ());
            entries.next_value::<Structure>()?;
        }
        Ok(Structure)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Structure, A::Error> {
        Err(A::Error::custom(TAG))
    }
}

/// Reads a key that no earlier entry has.
struct Key<'a, K, V = ()> {
    seen: &'a BTreeMap<K, V>,
    key: PhantomData<K>,
}

impl<'a, K, V> Key<'a, K, V> {
    const fn new(seen: &'a BTreeMap<K, V>) -> Self {
        Self {
            seen,
            key: PhantomData,
        }
    }
}

impl<'de, K, V> DeserializeSeed<'de> for Key<'_, K, V>
where
    K: FromStr<Err: fmt::Display> + Ord,
{
    type Value = K;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<K, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<K, V> Visitor<'_> for Key<'_, K, V>
where
    K: FromStr<Err: fmt::Display> + Ord,
{
    type Value = K;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<K, E> {
        if text == "<<" {
            let problem = "merging has no meaning here; write the keys out";
            return Err(E::custom(about_key(text, problem)));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte);
        if text.is_empty() || text.len() > super::text::MAX_NAME || !text.bytes().all(plain) {
            let problem = "a key is made of letters, digits, `_`, `-`, `.` and `/`";
            return Err(E::custom(about_key(text, problem)));
        }
        let key: K = text
            .parse()
            .map_err(|error| E::custom(about_key(text, error)))?;
        if self.seen.contains_key(&key) {
            return Err(E::custom(about_key(text, "stands here a second time")));
        }
        Ok(key)
    }
}

/// Reads a section whose keys are data; two keys that mean the same are an error.
pub(super) fn unique_map<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: FromStr<Err: fmt::Display> + Ord,
    V: Deserialize<'de>,
{
    struct Entries<K, V>(PhantomData<(K, V)>);

    impl<'de, K, V> Visitor<'de> for Entries<K, V>
    where
        K: FromStr<Err: fmt::Display> + Ord,
        V: Deserialize<'de>,
    {
        type Value = BTreeMap<K, V>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a section")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some(key) = entries.next_key_seed(Key::new(&map))? {
                let value = entries.next_value()?;
                map.insert(key, value);
            }
            Ok(map)
        }
    }

    deserializer.deserialize_map(Entries(PhantomData))
}

/// Takes `null` out of a generated schema: a key of this file is written with a value or not at all.
pub(super) fn forbid_null(schema: &mut schemars::Schema) {
    if let Some(object) = schema.as_object_mut() {
        object.values_mut().for_each(without_null);
    }
}

fn without_null(value: &mut serde_json::Value) {
    use serde_json::Value;
    let null = serde_json::json!({ "type": "null" });
    match value {
        Value::Array(items) => items.iter_mut().for_each(without_null),
        Value::Object(object) => {
            if object.get("default").is_some_and(Value::is_null) {
                object.remove("default");
            }
            if let Some(Value::Array(kinds)) = object.get_mut("type") {
                kinds.retain(|kind| kind != "null");
                if let [only] = &kinds[..] {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
                choices.retain(|choice| *choice != null);
                if let [Value::Object(only)] = &choices[..] {
                    let only = only.clone();
                    object.remove("anyOf");
                    object.extend(only);
                }
            }
            object.values_mut().for_each(without_null);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
