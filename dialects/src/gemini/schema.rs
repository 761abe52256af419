//! Google's own schema object (a part of OpenAPI 3.0) as JSON Schema, which all others want.

use serde_json::{Map, Value, json};

/// Members whose value is itself a schema, a list of schemas, or schemas by name.
const NESTED: [&str; 2] = ["items", "additionalProperties"];
const NESTED_LISTS: [&str; 2] = ["anyOf", "prefixItems"];
const NESTED_BY_NAME: [&str; 2] = ["properties", "defs"];

/// Types in lower case, `nullable` as a type, numbers that protobuf wrote as text as numbers. JSON Schema stays as it is.
pub(super) fn to_json_schema(schema: Value) -> Value {
    let Value::Object(fields) = schema else { return schema };
    let is_nullable = fields.get("nullable").and_then(Value::as_bool);
    let mut out = Map::new();
    for (name, value) in fields {
        let name = spelled(name);
        let value = match (name.as_str(), value) {
            ("nullable", _) => continue,
            ("format", Value::String(format)) if format == "enum" => continue,
            ("type", Value::String(kind)) if kind == "TYPE_UNSPECIFIED" => continue,
            ("type", Value::String(kind)) => type_name(&kind, is_nullable == Some(true)),
            (
                "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties" | "maxProperties",
                Value::String(count),
            ) => count.parse::<u64>().map_or(Value::String(count), Value::from),
            (name, value) if NESTED.contains(&name) => to_json_schema(value),
            (name, Value::Array(list)) if NESTED_LISTS.contains(&name) => {
                list.into_iter().map(to_json_schema).collect()
            }
            (name, Value::Object(map)) if NESTED_BY_NAME.contains(&name) => {
                Value::Object(map.into_iter().map(|(name, schema)| (name, to_json_schema(schema))).collect())
            }
            (_, value) => value,
        };
        out.insert(name, value);
    }
    if is_nullable == Some(true) {
        allow_null(&mut out);
    }
    Value::Object(out)
}

fn type_name(kind: &str, is_nullable: bool) -> Value {
    let kind = kind.to_ascii_lowercase();
    if is_nullable && kind != "null" { json!([kind, "null"]) } else { Value::String(kind) }
}

/// A list of allowed values and a choice between schemas have to name null too.
fn allow_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    if !schema.contains_key("type")
        && let Some(Value::Array(choices)) = schema.get_mut("anyOf")
    {
        choices.push(json!({"type": "null"}));
    }
}

/// The members of Google's schema in both spellings; everything else is JSON Schema's own.
fn spelled(name: String) -> String {
    match name.as_str() {
        "any_of" => "anyOf",
        "max_items" => "maxItems",
        "min_items" => "minItems",
        "max_length" => "maxLength",
        "min_length" => "minLength",
        "max_properties" => "maxProperties",
        "min_properties" => "minProperties",
        "property_ordering" => "propertyOrdering",
        "additional_properties" => "additionalProperties",
        _ => return name,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn googles_schema_becomes_json_schema() {
        let google = json!({
            "type": "OBJECT",
            "properties": {
                "type": {"type": "STRING", "format": "enum", "enum": ["a", "b"], "nullable": true},
                "tags": {"type": "ARRAY", "items": {"type": "INTEGER", "nullable": true}, "min_items": "1"},
                "either": {"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}], "nullable": true},
            },
            "required": ["type"],
            "propertyOrdering": ["type", "tags"],
        });
        let expected = json!({
            "type": "object",
            "properties": {
                "type": {"type": ["string", "null"], "enum": ["a", "b", null]},
                "tags": {"type": "array", "items": {"type": ["integer", "null"]}, "minItems": 1},
                "either": {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]},
            },
            "required": ["type"],
            "propertyOrdering": ["type", "tags"],
        });
        assert_eq!(to_json_schema(google), expected);
    }

    #[test]
    fn json_schema_stays() {
        let schema = json!({
            "type": ["object", "null"],
            "properties": {"nullable": {"type": "boolean"}, "city": {"$ref": "#/$defs/city"}},
            "$defs": {"city": {"type": "string", "format": "date"}},
            "additionalProperties": false,
        });
        assert_eq!(to_json_schema(schema.clone()), schema);
    }
}
