//! A value that follows a JSON Schema: arguments of a tool, a structured answer.

use serde_json::{Map, Value, json};

/// Deepest nesting that is followed: a schema may refer to itself.
const DEPTH_MAX: usize = 12;

/// Makes a value by `schema`; `city` is what stands wherever a city is asked for.
pub fn instance(schema: &Value, city: &str) -> Value {
    Maker { root: schema, city }.make(schema, "", 0)
}

struct Maker<'a> {
    root: &'a Value,
    city: &'a str,
}

impl Maker<'_> {
    fn make(&self, schema: &Value, name: &str, depth: usize) -> Value {
        if depth > DEPTH_MAX {
            return Value::Null;
        }
        if let Some(value) = schema.get("const") {
            return value.clone();
        }
        if let Some(first) = schema.get("enum").and_then(Value::as_array).and_then(|values| values.first()) {
            return first.clone();
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|path| self.resolve(path)) {
            return self.make(target, name, depth + 1);
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            if let Some(first) = schema.get(key).and_then(Value::as_array).and_then(|all| all.first()) {
                return self.make(first, name, depth + 1);
            }
        }
        match kind(schema).as_str() {
            "object" => self.object(schema, depth),
            "array" => {
                let count = schema.get("minItems").and_then(Value::as_u64).unwrap_or(1).clamp(1, 8);
                let item = schema.get("items").map_or(Value::Null, |items| self.make(items, name, depth + 1));
                (0..count).map(|_| item.clone()).collect()
            }
            "integer" => schema.get("minimum").filter(|least| least.as_i64() > Some(21)).cloned().unwrap_or(json!(21)),
            "number" => schema.get("minimum").filter(|least| least.as_i64() > Some(21)).cloned().unwrap_or(json!(21.5)),
            "boolean" => Value::Bool(true),
            "null" => Value::Null,
            _ => self.text(name),
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return json!({});
        };
        let required = schema.get("required").and_then(Value::as_array);
        let is_wanted =
            |name: &String| required.is_none_or(|names| names.is_empty() || names.iter().any(|known| known == name));
        let members = properties.iter().filter(|(name, _)| is_wanted(name));
        Value::Object(members.map(|(name, of)| (name.clone(), self.make(of, name, depth + 1))).collect::<Map<_, _>>())
    }

    fn text(&self, name: &str) -> Value {
        match name {
            "city" | "location" | "place" | "town" => Value::from(self.city),
            "unit" => Value::from("celsius"),
            _ => Value::from(format!("a {}", if name.is_empty() { "text" } else { name })),
        }
    }

    /// `#/$defs/Name`
    fn resolve(&self, path: &str) -> Option<&Value> {
        self.root.pointer(path.strip_prefix('#')?)
    }
}

/// The type in lower case (Gemini writes `OBJECT`); of several the first that is not `null`.
fn kind(schema: &Value) -> String {
    let named = match schema.get("type") {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        Some(one) => one.as_str(),
        None => None,
    };
    let implied = || if schema.get("properties").is_some() { "object" } else { "string" };
    named.unwrap_or_else(implied).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_follows_its_schema() {
        let schema = json!({
            "type": "object",
            "properties": {
                "city": { "type": "string" },
                "celsius": { "type": "integer" },
                "unit": { "enum": ["c", "f"] },
                "days": { "type": "array", "items": { "$ref": "#/$defs/Day" }, "minItems": 2 },
                "note": { "type": ["string", "null"] },
                "left_out": { "type": "string" },
            },
            "required": ["city", "celsius", "unit", "days", "note"],
            "$defs": { "Day": { "type": "object", "properties": { "is_dry": { "type": "boolean" } } } },
        });
        let made = json!({
            "city": "Rome", "celsius": 21, "unit": "c",
            "days": [{ "is_dry": true }, { "is_dry": true }], "note": "a note",
        });
        assert_eq!(instance(&schema, "Rome"), made);
    }

    #[test]
    fn geminis_upper_case_types_are_the_same() {
        let schema = json!({ "type": "OBJECT", "properties": { "n": { "type": "NUMBER" } } });
        assert_eq!(instance(&schema, "Rome"), json!({ "n": 21.5 }));
    }

    #[test]
    fn a_schema_that_contains_itself_comes_to_an_end() {
        let schema = json!({
            "$ref": "#/$defs/Node",
            "$defs": { "Node": { "type": "object", "properties": { "next": { "$ref": "#/$defs/Node" } } } },
        });
        assert!(instance(&schema, "Rome").to_string().ends_with("null}}}}}}"));
    }
}
