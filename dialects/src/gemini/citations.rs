//! What an answer is based on: `groundingMetadata` (searches) and `citationMetadata` (recitations).
//!
//! Google counts positions in bytes of the text's UTF-8, the canonical form in characters.

use serde_json::{Map, Value, json};

use crate::canonical::Citation;

const GROUNDING: &str = "groundingMetadata";
const RECITATION: &str = "citationMetadata";

/// How many searches the model made.
pub(super) fn searches(grounding: &Value) -> u64 {
    let lists =
        ["webSearchQueries", "imageSearchQueries"].into_iter().filter_map(|name| grounding.get(name)?.as_array());
    let queries = lists.flatten().filter(|query| query.as_str().is_some_and(|query| !query.is_empty()));
    queries.count() as u64
}

/// Reads `groundingMetadata`. The first citation carries it whole, for clients that speak the same dialect.
pub(super) fn of_grounding(grounding: Value, text: &str) -> Vec<Citation> {
    let sources: Vec<Citation> = list(&grounding, "groundingChunks").map(source).collect();
    let mut found = Vec::new();
    for support in list(&grounding, "groundingSupports") {
        let segment = support.get("segment");
        // Protobuf leaves a zero out.
        let start = segment.map(|segment| position(segment, "startIndex").unwrap_or(0));
        let end = segment.and_then(|segment| position(segment, "endIndex"));
        for index in list(support, "groundingChunkIndices").filter_map(Value::as_u64) {
            let Some(source) = usize::try_from(index).ok().and_then(|index| sources.get(index)) else { continue };
            let start = start.filter(|_| end.is_some()).and_then(|byte| characters(text, byte));
            let end = end.and_then(|byte| characters(text, byte));
            found.push(Citation { start, end, ..source.clone() });
        }
    }
    if found.is_empty() {
        found = sources;
    }
    if found.is_empty() && grounding.as_object().is_some_and(|fields| !fields.is_empty()) {
        // What has to be shown beside the answer is there, even where no word is based on it.
        found.push(Citation::default());
    }
    if let Some(first) = found.first_mut() {
        first.own = Some(json!({ GROUNDING: grounding }));
    }
    found
}

/// Reads `citationMetadata`, whose list Vertex AI calls `citations`.
pub(super) fn of_recitation(recitation: &Value, text: &str) -> Vec<Citation> {
    let sources = list(recitation, "citationSources").chain(list(recitation, "citations"));
    let citations = sources.map(|source| Citation {
        url: field(source, "uri"),
        title: field(source, "title"),
        cited_text: None,
        start: characters(text, position(source, "startIndex").unwrap_or(0)),
        end: position(source, "endIndex").and_then(|byte| characters(text, byte)),
        own: Some(json!({ RECITATION: source })),
    });
    citations.collect()
}

/// A citation and the part of the answer's text that it belongs to, in bytes.
pub(super) type Placed<'a> = (&'a Citation, std::ops::Range<usize>);

/// Writes `groundingMetadata` and `citationMetadata` into a candidate. `text`: of the whole answer.
pub(super) fn write(citations: &[Placed<'_>], text: &str, candidate: &mut Map<String, Value>) {
    let own = |citation: &Citation, name: &str| citation.own.as_ref()?.get(name).cloned();
    let recited: Vec<Value> = citations.iter().filter_map(|(citation, _)| own(citation, RECITATION)).collect();
    if !recited.is_empty() {
        candidate.insert(RECITATION.to_owned(), json!({ "citationSources": recited }));
    }
    if let Some(grounding) = citations.iter().find_map(|(citation, _)| own(citation, GROUNDING)) {
        candidate.insert(GROUNDING.to_owned(), grounding);
        return;
    }
    let (mut chunks, mut supports): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    for (citation, range) in citations.iter().filter(|(citation, _)| own(citation, RECITATION).is_none()) {
        let chunk = json!({"web": {
            "uri": citation.url.as_deref().unwrap_or_default(),
            "title": citation.title.as_deref().unwrap_or_default(),
        }});
        let index = chunks.iter().position(|known| *known == chunk).unwrap_or(chunks.len());
        if index == chunks.len() {
            chunks.push(chunk);
        }
        let start = citation.start.and_then(|at| bytes(text, at)).unwrap_or(range.start);
        let end = citation.end.and_then(|at| bytes(text, at)).unwrap_or(range.end);
        let words = text.get(start..end).unwrap_or_default();
        supports.push(json!({
            "segment": {"startIndex": start, "endIndex": end, "text": words},
            "groundingChunkIndices": [index],
        }));
    }
    if !supports.is_empty() {
        candidate.insert(GROUNDING.to_owned(), json!({"groundingChunks": chunks, "groundingSupports": supports}));
    }
}

/// A chunk: a page, a place on the map, a piece of the caller's own documents.
fn source(chunk: &Value) -> Citation {
    let kinds = ["web", "retrievedContext", "maps", "image"];
    let Some(found) = kinds.into_iter().find_map(|kind| chunk.get(kind)) else { return Citation::default() };
    Citation {
        url: field(found, "uri").or_else(|| field(found, "sourceUri")),
        title: field(found, "title"),
        cited_text: field(found, "text"),
        ..Citation::default()
    }
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn field(value: &Value, name: &str) -> Option<String> {
    value.get(name)?.as_str().map(str::to_owned)
}

fn position(value: &Value, name: &str) -> Option<usize> {
    usize::try_from(value.get(name)?.as_u64()?).ok()
}

fn characters(text: &str, byte: usize) -> Option<u64> {
    Some(text.get(..byte)?.chars().count() as u64)
}

fn bytes(text: &str, characters: u64) -> Option<usize> {
    let characters = usize::try_from(characters).ok()?;
    text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(characters)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Schön: 18 °C. Rain.";

    fn grounding() -> Value {
        json!({
            "webSearchQueries": ["weather paris", ""],
            "searchEntryPoint": {"renderedContent": "<div></div>"},
            "groundingChunks": [{"web": {"uri": "https://a.example", "title": "a"}}, {"web": {"uri": "https://b.example"}}],
            "groundingSupports": [{"segment": {"endIndex": 15}, "groundingChunkIndices": [0, 1, 7]}],
        })
    }

    #[test]
    fn positions_are_characters_and_every_source_is_named() {
        assert_eq!(searches(&grounding()), 1);
        let found = of_grounding(grounding(), TEXT);
        let urls: Vec<_> = found.iter().map(|citation| citation.url.as_deref().unwrap()).collect();
        assert_eq!(urls, ["https://a.example", "https://b.example"]);
        assert_eq!((found[1].start, found[1].end), (Some(0), Some(13)));
        assert_eq!(TEXT.chars().take(13).collect::<String>(), "Schön: 18 °C.");
    }

    #[test]
    fn the_same_dialect_gets_everything_back() {
        let found = of_grounding(grounding(), TEXT);
        let placed: Vec<Placed<'_>> = found.iter().map(|citation| (citation, 0..TEXT.len())).collect();
        let mut candidate = Map::new();
        write(&placed, TEXT, &mut candidate);
        assert_eq!(candidate["groundingMetadata"], grounding());
    }

    #[test]
    fn another_vendors_citations_become_supports() {
        let citation = |start, end| Citation {
            url: Some("https://a.example".into()),
            title: Some("a".into()),
            start,
            end,
            ..Citation::default()
        };
        let (exact, by_part) = (citation(Some(7), Some(12)), citation(None, None));
        let mut candidate = Map::new();
        write(&[(&exact, 0..TEXT.len()), (&by_part, 16..TEXT.len())], TEXT, &mut candidate);
        let expected = json!({
            "groundingChunks": [{"web": {"uri": "https://a.example", "title": "a"}}],
            "groundingSupports": [
                {"segment": {"startIndex": 8, "endIndex": 14, "text": "18 °C"}, "groundingChunkIndices": [0]},
                {"segment": {"startIndex": 16, "endIndex": 21, "text": "Rain."}, "groundingChunkIndices": [0]},
            ],
        });
        assert_eq!(candidate["groundingMetadata"], expected);
    }
}
