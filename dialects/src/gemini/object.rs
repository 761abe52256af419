//! Objects of protobuf's JSON form, read field by field. Values stay raw text until somebody asks for them, so arguments and
//! schemas keep the order and the numbers that the client wrote.

use std::collections::BTreeMap;

use deltallm_shared::error::{ApiError, ErrorCode};
use serde::Deserialize;
use serde_json::{Map, Number, Value, value::RawValue};

/// An object whose fields are taken one after the other.
#[derive(Debug)]
pub(super) struct Object<'a> {
    /// Where it stands: `contents[0].parts[1]`; empty for the body.
    path: String,
    /// By name in camelCase: the name as it came, and the value.
    fields: BTreeMap<String, (String, &'a RawValue)>,
}

impl<'a> Object<'a> {
    /// Reads an object. Names in snake_case become camelCase; fields that are null are not there.
    pub fn read(raw: &'a RawValue, path: &str) -> Result<Self, ApiError> {
        let fields: BTreeMap<String, &'a RawValue> = parse(raw, path, "an object")?;
        let fields = fields.into_iter().filter(|(_, value)| value.get() != "null");
        let fields = fields.map(|(name, value)| (camel(name.clone()), (name, value)));
        Ok(Self { path: path.to_owned(), fields: fields.collect() })
    }

    /// The path of a field.
    pub fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Whether there is such a field.
    pub fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// Takes a field as it is.
    pub fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        self.fields.remove(name).map(|(_, value)| value)
    }

    /// Gives a field back that was taken.
    pub fn put_back(&mut self, name: &str, value: &'a RawValue) {
        self.fields.insert(name.to_owned(), (name.to_owned(), value));
    }

    /// Takes a field as any JSON value.
    pub fn take_value(&mut self, name: &str) -> Result<Option<Value>, ApiError> {
        self.take_as(name, "JSON")
    }

    /// Takes a text.
    pub fn take_text(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        self.take_as(name, "a string")
    }

    /// Takes a truth value.
    pub fn take_bool(&mut self, name: &str) -> Result<Option<bool>, ApiError> {
        self.take_as(name, "true or false")
    }

    /// Takes a number, which may stand in a text.
    pub fn take_number(&mut self, name: &str) -> Result<Option<Number>, ApiError> {
        let Some(raw) = self.take(name) else { return Ok(None) };
        let text = raw.get();
        let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        let number = serde_json::from_str(inner).map_err(|_| self.wrong(name, "a number"))?;
        Ok(Some(number))
    }

    /// Takes a whole number; `40.0` is one too.
    pub fn take_integer(&mut self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(number) = self.take_number(name)? else { return Ok(None) };
        let text = number.to_string();
        let whole = number.as_i64().or_else(|| text.strip_suffix(".0")?.parse().ok());
        whole.map(Some).ok_or_else(|| self.wrong(name, "an integer"))
    }

    /// Takes a whole number that is not negative.
    pub fn take_count(&mut self, name: &str) -> Result<Option<u64>, ApiError> {
        let Some(number) = self.take_integer(name)? else { return Ok(None) };
        u64::try_from(number).map(Some).map_err(|_| self.wrong(name, "an integer that is not negative"))
    }

    /// Takes a list; one element may stand without its list.
    pub fn take_list(&mut self, name: &str) -> Result<Vec<&'a RawValue>, ApiError> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(raw) if raw.get().starts_with('[') => parse(raw, &self.path_of(name), "a list"),
            Some(raw) => Ok(vec![raw]),
        }
    }

    /// Takes a list of texts.
    pub fn take_texts(&mut self, name: &str) -> Result<Vec<String>, ApiError> {
        let list = self.take_list(name)?;
        list.into_iter().map(|raw| parse(raw, &self.path_of(name), "a list of strings")).collect()
    }

    /// Takes an object.
    pub fn take_object(&mut self, name: &str) -> Result<Option<Object<'a>>, ApiError> {
        let Some(raw) = self.take(name) else { return Ok(None) };
        Object::read(raw, &self.path_of(name)).map(Some)
    }

    /// What nobody took, under Google's names.
    pub fn rest(self) -> Result<Map<String, Value>, ApiError> {
        let Self { path, fields } = self;
        fields.into_iter().map(|(name, (_, raw))| Ok((name, parse(raw, &path, "JSON")?))).collect()
    }

    /// What nobody took, under the names that it came with.
    pub fn unknown(self) -> Result<Map<String, Value>, ApiError> {
        let Self { path, fields } = self;
        fields.into_values().map(|(name, raw)| Ok((name, parse(raw, &path, "JSON")?))).collect()
    }

    /// The error for a field of the wrong type.
    pub fn wrong(&self, name: &str, wanted: &str) -> ApiError {
        wrong(&self.path_of(name), wanted)
    }

    fn take_as<T: Deserialize<'a>>(&mut self, name: &str, wanted: &str) -> Result<Option<T>, ApiError> {
        let Some(raw) = self.take(name) else { return Ok(None) };
        parse(raw, &self.path_of(name), wanted).map(Some)
    }
}

fn parse<'a, T: Deserialize<'a>>(raw: &'a RawValue, path: &str, wanted: &str) -> Result<T, ApiError> {
    serde_json::from_str(raw.get()).map_err(|_| wrong(path, wanted))
}

fn wrong(path: &str, wanted: &str) -> ApiError {
    match path {
        "" => ApiError::new(ErrorCode::InvalidRequest, format!("The body must be {wanted}.")),
        path => ApiError::about(ErrorCode::InvalidRequest, path, format!("`{path}` must be {wanted}.")),
    }
}

/// `system_instruction` to `systemInstruction`. A leading underscore stays.
fn camel(name: String) -> String {
    let Some(first) = name.char_indices().skip(1).find(|(_, char)| *char == '_').map(|(at, _)| at) else { return name };
    let (mut camel, mut raises) = (name[..first].to_owned(), false);
    for char in name[first..].chars() {
        if char == '_' {
            raises = true;
        } else if std::mem::take(&mut raises) {
            camel.push(char.to_ascii_uppercase());
        } else {
            camel.push(char);
        }
    }
    camel
}

/// JSON text without the white space between its tokens; everything else stays byte for byte.
pub(super) fn compact(json: &str) -> String {
    let (mut out, mut in_text, mut escaped) = (String::with_capacity(json.len()), false, false);
    for char in json.chars() {
        if in_text {
            in_text = escaped || char != '"';
            escaped = char == '\\' && !escaped;
        } else if char.is_ascii_whitespace() {
            continue;
        } else {
            in_text = char == '"';
        }
        out.push(char);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_both_spellings() {
        let spellings = ["systemInstruction", "system_instruction", "_responseJsonSchema", "topK", "top_k"];
        let camels = ["systemInstruction", "systemInstruction", "_responseJsonSchema", "topK", "topK"];
        assert_eq!(spellings.map(|name| camel(name.to_owned())), camels);
    }

    #[test]
    fn only_white_space_between_tokens_goes() {
        let pretty = "{\n  \"a b\": [1.50, \"x \\\" y\"],\r\n\t\"c\": \"\\\\\" }";
        assert_eq!(compact(pretty), r#"{"a b":[1.50,"x \" y"],"c":"\\"}"#);
    }

    #[test]
    fn numbers_may_stand_in_texts_and_a_list_may_be_left_out() {
        let raw =
            RawValue::from_string(r#"{"seed":"7","top_k":40.0,"stopSequences":"x","n":-1,"t":null}"#.into()).unwrap();
        let mut object = Object::read(&raw, "generationConfig").unwrap();
        assert_eq!(object.take_integer("seed").unwrap(), Some(7));
        assert_eq!(object.take_count("topK").unwrap(), Some(40));
        assert_eq!(object.take_texts("stopSequences").unwrap(), ["x"]);
        assert_eq!(object.take_count("n").unwrap_err().param.as_deref(), Some("generationConfig.n"));
        assert!(!object.has("t"));
    }
}
