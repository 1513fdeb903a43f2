//! Output for programs: JSON objects that say which contract they keep.

use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::{Error, Value, json};

/// Returns `body` as an indented JSON object whose first member is `"schema": "dhtl/<name>/<version>"`.
///
/// The version grows when a member changes its meaning or goes away; new members do not change it.
///
/// # Errors
///
/// When `body` is not a JSON object, or has a member `schema` of its own.
pub fn document(name: &str, version: u32, body: &impl Serialize) -> Result<String, Error> {
    #[derive(Serialize)]
    struct Document {
        schema: String,
        #[serde(flatten)]
        body: serde_json::Map<String, Value>,
    }
    let body = match serde_json::to_value(body)? {
        Value::Object(body) if !body.contains_key("schema") => body,
        Value::Object(_) => return Err(invalid("the document has a member `schema` of its own")),
        _ => return Err(invalid("the document is not a JSON object")),
    };
    let schema = format!("dhtl/{name}/{version}");
    serde_json::to_string_pretty(&Document { schema, body })
}

/// Returns the contract of what [`document`] makes of a `T`.
pub fn schema<T: JsonSchema>(name: &str, version: u32) -> Schema {
    let mut schema = schemars::schema_for!(T);
    let kept = format!("dhtl/{name}/{version}");
    let properties = schema.ensure_object().entry("properties");
    if let Value::Object(properties) = properties.or_insert_with(|| json!({})) {
        properties.insert("schema".to_owned(), json!({ "const": kept }));
    }
    let required = schema.ensure_object().entry("required");
    if let Value::Array(required) = required.or_insert_with(|| json!([])) {
        required.insert(0, json!("schema"));
    }
    schema
}

fn invalid(problem: &str) -> Error {
    <Error as serde::ser::Error>::custom(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_its_schema_first() {
        let text = document("report", 1, &serde_json::json!({ "match": true })).unwrap();
        assert_eq!(
            text,
            "{\n  \"schema\": \"dhtl/report/1\",\n  \"match\": true\n}"
        );
    }

    #[test]
    fn refuses_what_is_no_object() {
        assert!(document("report", 1, &[1, 2]).is_err());
        assert!(document("report", 1, &serde_json::json!({ "schema": 1 })).is_err());
    }
}
