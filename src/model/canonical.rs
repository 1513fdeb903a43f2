//! Canonical bytes: JSON with one spelling, and texts with one line end.

use std::collections::BTreeMap;

use serde_json::Value;

/// Returns a value as canonical JSON (RFC 8785): keys sorted, no white space, no escapes but those
/// that JSON demands. Keys are ASCII and numbers whole wherever this is used, where the order of
/// UTF-8 and that of UTF-16 are one.
pub fn json(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, into: &mut String) {
    match value {
        Value::Object(keys) => {
            let sorted: BTreeMap<&String, &Value> = keys.iter().collect();
            into.push('{');
            for (index, (key, value)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    into.push(',');
                }
                into.push_str(&Value::from(key.as_str()).to_string());
                into.push(':');
                write(value, into);
            }
            into.push('}');
        }
        Value::Array(items) => {
            into.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    into.push(',');
                }
                write(item, into);
            }
            into.push(']');
        }
        Value::String(_) | Value::Bool(_) | Value::Null | Value::Number(_) => {
            into.push_str(&value.to_string());
        }
    }
}

/// Returns `bytes` with each CR LF as LF.
pub fn with_plain_line_ends(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\r' || rest.peek() != Some(&b'\n') {
            plain.push(byte);
        }
    }
    plain
}
