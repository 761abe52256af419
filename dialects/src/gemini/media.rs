//! Pictures, sounds, films and documents: which of them a media type means, and a media type where none is said.

use crate::canonical::{PartKind, Source};

/// The part that a media type means.
pub(super) fn part(media_type: &str, source: Source, title: Option<String>) -> PartKind {
    match media_type.split('/').next().unwrap_or_default() {
        "image" => PartKind::Image { source, detail: None },
        "audio" => PartKind::Audio { source },
        "video" => PartKind::Video { source },
        _ => PartKind::Document { source, title, citations: false },
    }
}

/// Types by the end of a URL's path.
const BY_ENDING: [(&str, &str); 28] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("bmp", "image/bmp"),
    ("avif", "image/avif"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("xml", "text/xml"),
    ("json", "application/json"),
    ("mp3", "audio/mpeg"),
    ("wav", "audio/wav"),
    ("flac", "audio/flac"),
    ("ogg", "audio/ogg"),
    ("aac", "audio/aac"),
    ("m4a", "audio/mp4"),
    ("aiff", "audio/aiff"),
    ("mp4", "video/mp4"),
    ("mov", "video/quicktime"),
    ("webm", "video/webm"),
    ("mpeg", "video/mpeg"),
    ("mkv", "video/x-matroska"),
];

/// The media type that a URL's ending means.
pub(super) fn guess(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let (_, ending) = path.rsplit('/').next()?.rsplit_once('.')?;
    let found = BY_ENDING.iter().find(|(known, _)| ending.eq_ignore_ascii_case(known));
    found.map(|(_, media_type)| *media_type)
}

/// Films there are given by the page's address, without a media type.
pub(super) fn is_youtube(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default();
    matches!(host, "youtube.com" | "www.youtube.com" | "m.youtube.com" | "youtu.be")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_of_the_path_tells_the_type() {
        assert_eq!(guess("https://example.com/cat.png"), Some("image/png"));
        assert_eq!(guess("https://example.com/a.b/CAT.JPEG?size=1.pdf#x"), Some("image/jpeg"));
        assert_eq!(guess("https://example.com/cat"), None);
        assert_eq!(guess("https://example.com"), None);
        assert!(is_youtube("https://www.youtube.com/watch?v=9hE5-98ZeCg"));
        assert!(!is_youtube("https://example.com/youtube.com/"));
    }
}
