//! Bedrock's short names of formats (`ImageFormat`, `DocumentFormat`, `VideoFormat`, `AudioFormat` in its API reference), found
//! by a media type or by the extension of a file's name.

/// Of a picture.
pub(super) fn image(kind: &str) -> Option<&'static str> {
    Some(match bare(kind).as_str() {
        "image/png" | "png" => "png",
        "image/jpeg" | "image/jpg" | "jpeg" | "jpg" => "jpeg",
        "image/gif" | "gif" => "gif",
        "image/webp" | "webp" => "webp",
        _ => return None,
    })
}

/// The media type of a picture of a format.
pub(super) fn image_type(format: &str) -> &'static str {
    match format {
        "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        _ => "image/png",
    }
}

/// Of a document.
pub(super) fn document(kind: &str) -> Option<&'static str> {
    Some(match bare(kind).as_str() {
        "application/pdf" | "pdf" => "pdf",
        "text/csv" | "csv" => "csv",
        "application/msword" | "doc" => "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" | "docx" => "docx",
        "application/vnd.ms-excel" | "xls" => "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" | "xlsx" => "xlsx",
        "text/html" | "html" => "html",
        "text/plain" | "txt" => "txt",
        "text/markdown" | "md" => "md",
        _ => return None,
    })
}

/// Of a film.
pub(super) fn video(kind: &str) -> Option<&'static str> {
    Some(match bare(kind).as_str() {
        "video/x-matroska" | "mkv" => "mkv",
        "video/quicktime" | "mov" => "mov",
        "video/mp4" | "mp4" => "mp4",
        "video/webm" | "webm" => "webm",
        "video/x-flv" | "flv" => "flv",
        "video/mpeg" | "mpeg" => "mpeg",
        "mpg" => "mpg",
        "video/x-ms-wmv" | "wmv" => "wmv",
        "video/3gpp" | "3gp" => "three_gp",
        _ => return None,
    })
}

/// Of a sound.
pub(super) fn audio(kind: &str) -> Option<&'static str> {
    Some(match bare(kind).as_str() {
        "audio/mpeg" | "audio/mp3" | "mp3" => "mp3",
        "audio/opus" | "opus" => "opus",
        "audio/wav" | "audio/x-wav" | "audio/wave" | "wav" => "wav",
        "audio/aac" | "aac" => "aac",
        "audio/flac" | "audio/x-flac" | "flac" => "flac",
        "audio/mp4" | "mp4" => "mp4",
        "audio/ogg" | "ogg" => "ogg",
        "audio/x-m4a" | "audio/m4a" | "m4a" => "m4a",
        "audio/webm" | "webm" => "webm",
        "audio/pcm" | "audio/l16" | "pcm" => "pcm",
        _ => return None,
    })
}

/// Without parameters and capitals: `text/plain; charset=utf-8` → `text/plain`.
fn bare(kind: &str) -> String {
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
