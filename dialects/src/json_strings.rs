//! Finds strings of a JSON document by where they stand, in one pass and without parsing the rest, so that they can be replaced
//! in place. For documents that are here whole.

use std::ops::Range;

use bytes::Bytes;

use crate::multipart::Edit;

/// Deeper documents are not looked into; see `request_index` for the same bound.
const MAX_DEPTH: usize = 128;

/// A string value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it stands, quotes included.
    pub at: Range<usize>,
    /// Its text.
    pub text: String,
    /// The path of keys to it, `*` for an entry of an array.
    pub path: Vec<String>,
}

impl Found {
    /// Another text in its place.
    pub fn replaced_by(&self, text: &str) -> Edit {
        Edit { at: self.at.start as u64..self.at.end as u64, text: serde_json::to_vec(text).unwrap_or_default().into() }
    }
}

/// All string values whose path is wanted. Of a document that is not valid or too deep, those before the fault.
pub fn find(json: &[u8], wanted: impl Fn(&[String]) -> bool) -> Vec<Found> {
    search(json, wanted).0
}

/// The same; `None` where the document is too deep or cut off, so that not all of it was looked at.
pub fn find_whole(json: &[u8], wanted: impl Fn(&[String]) -> bool) -> Option<Vec<Found>> {
    let (found, is_whole) = search(json, wanted);
    is_whole.then_some(found)
}

fn search(json: &[u8], wanted: impl Fn(&[String]) -> bool) -> (Vec<Found>, bool) {
    let (mut found, mut path, mut levels, mut at) = (Vec::new(), Vec::<String>::new(), Vec::<Level>::new(), 0);
    while let Some(&byte) = json.get(at) {
        match byte {
            b'{' | b'[' => {
                if levels.len() >= MAX_DEPTH {
                    return (found, false);
                }
                let is_object = byte == b'{';
                levels.push(Level { is_object, at_value: !is_object });
                path.push(if is_object { String::new() } else { "*".to_owned() });
            }
            b'}' | b']' => {
                levels.pop();
                path.pop();
            }
            b':' | b',' => {
                if let Some(level) = levels.last_mut().filter(|level| level.is_object) {
                    level.at_value = byte == b':';
                }
            }
            b'"' => {
                let end = string_end(json, at + 1);
                let Some(raw) = json.get(at..=end) else { return (found, false) };
                match levels.last() {
                    Some(level) if !level.at_value => {
                        if let (Some(key), Ok(text)) = (path.last_mut(), serde_json::from_slice::<String>(raw)) {
                            *key = text;
                        }
                    }
                    Some(_) if wanted(&path) => {
                        if let Ok(text) = serde_json::from_slice(raw) {
                            found.push(Found { at: at..end + 1, text, path: path.clone() });
                        }
                    }
                    _ => {}
                }
                at = end;
            }
            _ => {}
        }
        at += 1;
    }
    (found, true)
}

struct Level {
    is_object: bool,
    at_value: bool,
}

/// Where the string that began before `from` ends: the place of its closing quote.
fn string_end(json: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(step) = json.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += step;
        if json[at] == b'"' {
            return at;
        }
        at += 2;
    }
    json.len()
}

/// A document with some places changed, which do not overlap.
pub fn apply(json: &Bytes, mut edits: Vec<Edit>) -> Bytes {
    if edits.is_empty() {
        return json.clone();
    }
    edits.sort_by_key(|edit| (edit.at.start, edit.at.end));
    let (mut out, mut from) = (Vec::with_capacity(json.len() + edits.len() * 48), 0);
    for edit in edits {
        let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(json.len());
        out.extend_from_slice(&json[from..at(edit.at.start).max(from)]);
        out.extend_from_slice(&edit.text);
        from = at(edit.at.end).max(from);
    }
    out.extend_from_slice(&json[from..]);
    out.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_id(path: &[String]) -> bool {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        matches!(path.as_slice(), ["id"] | ["data", "*", "id"] | ["input", .., "file_id"])
    }

    #[test]
    fn strings_are_found_by_their_place_and_replaced() {
        let json = Bytes::from_static(br#" {"id" : "a\"1", "metadata":{"id":"no"}, "ids":["id"], "data":[{"id":"b"},{"x":{"id":"no"},"i\u0064":"c"}], "input":[{"content":[{"file_id":"d"}]}], "n":1}"#);
        let found = find(&json, is_id);
        let texts: Vec<&str> = found.iter().map(|found| found.text.as_str()).collect();
        assert_eq!(texts, ["a\"1", "b", "c", "d"]);
        let edits = found.iter().map(|found| found.replaced_by(&format!("<{}>", found.text))).collect();
        let changed: serde_json::Value = serde_json::from_slice(&apply(&json, edits)).unwrap();
        assert_eq!((changed["id"].as_str(), changed["data"][1]["id"].as_str()), (Some("<a\"1>"), Some("<c>")));
        assert_eq!(
            (changed["metadata"]["id"].as_str(), changed["input"][0]["content"][0]["file_id"].as_str()),
            (Some("no"), Some("<d>"))
        );
    }

    #[test]
    fn what_was_not_looked_at_is_not_whole() {
        let deep = |levels: usize| format!(r#"{{"x":{}{},"id":"a"}}"#, "[".repeat(levels), "]".repeat(levels));
        assert_eq!(find_whole(deep(100).as_bytes(), is_id).map(|found| found.len()), Some(1));
        assert_eq!(find_whole(deep(200).as_bytes(), is_id), None);
        assert_eq!(find_whole(br#"{"id":"a"#, is_id), None);
    }

    proptest! {
        #[test]
        fn any_bytes_do_no_harm(json in r#"[\[\]{},:"\\id *]{0,60}"#) {
            for found in find(json.as_bytes(), |_| true) {
                prop_assert!(found.at.end <= json.len());
            }
        }
    }
}
