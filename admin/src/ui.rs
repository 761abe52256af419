//! The dashboard's files, embedded in the binary.
//!
//! Files are found by their exact name in a table, so there is no path to traverse. Each is compressed once, when it is first
//! asked for. Names under `/assets/` hold a hash of their content and are kept for good; everything else is asked for again
//! each time, with its ETag.

use std::{borrow::Cow, collections::HashMap, io::Write, sync::OnceLock};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
};
use bytes::Bytes;
use deltallm_shared::{crypto, error::ErrorCode};
use flate2::{Compression, write::GzEncoder};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use crate::error::AdminError;

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const REVALIDATE: &str = "no-cache";
const INDEX: &str = "index.html";
/// What belongs to other parts of the service; the dashboard's router never owns a path below them.
const NOT_PAGES: [&str; 5] = ["api", "assets", "internal", "health", "metrics"];
/// Smaller files gain nothing.
const COMPRESS_FROM_BYTES: usize = 1024;

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>DeltaLLM</title></head><body>\
     <h1>The dashboard is not in this binary</h1><p>Build it and compile again: <code>npm ci &amp;&amp; npm run build</code> \
     in <code>ui/</code>, then <code>cargo build -p deltallm-admin</code>. The API is at <code>/api/v1</code>.</p></body></html>";

#[derive(RustEmbed)]
#[folder = "../ui/dist/"]
struct Dist;

struct File {
    content: Cow<'static, [u8]>,
    content_type: String,
    etag: String,
    brotli: OnceLock<Option<Bytes>>,
    gzip: OnceLock<Option<Bytes>>,
}

fn files() -> &'static HashMap<String, File> {
    static FILES: OnceLock<HashMap<String, File>> = OnceLock::new();
    FILES.get_or_init(|| Dist::iter().filter_map(|path| Some((path.to_string(), file(&path)?))).collect())
}

fn file(path: &str) -> Option<File> {
    let embedded = Dist::get(path)?;
    let mime = embedded.metadata.mimetype();
    let content_type = if mime.starts_with("text/") && !mime.contains("charset") {
        format!("{mime}; charset=utf-8")
    } else {
        mime.to_owned()
    };
    let etag = format!("\"{}\"", crypto::hex(&Sha256::digest(&embedded.data)[..16]));
    Some(File { content: embedded.data, content_type, etag, brotli: OnceLock::new(), gzip: OnceLock::new() })
}

/// Answers everything that no other route took: a file, or the page that shows the dashboard's own routes.
pub async fn serve(request: HttpRequest) -> Result<HttpResponse, AdminError> {
    let path = request.path().trim_start_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let code = if NOT_PAGES.contains(&first) { ErrorCode::NotFound } else { ErrorCode::MethodNotAllowed };
        return Err(AdminError::caller(code, "There is nothing here that takes this method."));
    }
    let name = if path.is_empty() { INDEX } else { path };
    if let Some(file) = files().get(name) {
        return Ok(send(&request, name, file));
    }
    // A name with an extension is a file that is not there; a route of the dashboard has none.
    let last = path.rsplit('/').next().unwrap_or_default();
    if NOT_PAGES.contains(&first) || last.contains('.') || path.contains("..") {
        return Err(AdminError::caller(ErrorCode::NotFound, "There is nothing at this address."));
    }
    Ok(match files().get(INDEX) {
        Some(index) => send(&request, INDEX, index),
        None => HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE)
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CACHE_CONTROL, REVALIDATE))
            .body(NOT_BUILT),
    })
}

fn send(request: &HttpRequest, name: &str, file: &'static File) -> HttpResponse {
    let lifetime = if name.starts_with("assets/") { IMMUTABLE } else { REVALIDATE };
    let (encoding, etag, body) = choose(request, name, file);
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag));
    let mut response = HttpResponse::build(if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    response
        .insert_header((header::CACHE_CONTROL, lifetime))
        .insert_header((header::ETAG, etag))
        .insert_header((header::VARY, "accept-encoding"));
    if is_known {
        return response.finish();
    }
    response.insert_header((header::CONTENT_TYPE, file.content_type.as_str()));
    if let Some(encoding) = encoding {
        response.insert_header((header::CONTENT_ENCODING, encoding));
    }
    response.body(body)
}

/// The best form that the browser takes. Each form has an ETag of its own, as they differ in bytes.
fn choose(request: &HttpRequest, name: &str, file: &'static File) -> (Option<&'static str>, String, Bytes) {
    let plain = || {
        let body = match &file.content {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::copy_from_slice(bytes),
        };
        (None, file.etag.clone(), body)
    };
    let is_text = ["html", "js", "css", "svg", "json", "txt", "map", "webmanifest"];
    let extension = name.rsplit('.').next().unwrap_or_default();
    if file.content.len() < COMPRESS_FROM_BYTES || !is_text.contains(&extension) {
        return plain();
    }
    let accepted =
        request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let tagged = |name: &str| format!("{}-{name}\"", file.etag.trim_end_matches('"'));
    if accepts(accepted, "br")
        && let Some(body) = file.brotli.get_or_init(|| brotli(&file.content))
    {
        return (Some("br"), tagged("br"), body.clone());
    }
    if accepts(accepted, "gzip")
        && let Some(body) = file.gzip.get_or_init(|| gzip(&file.content))
    {
        return (Some("gzip"), tagged("gzip"), body.clone());
    }
    plain()
}

fn accepts(header: &str, encoding: &str) -> bool {
    header.split(',').any(|part| {
        let mut words = part.split(';').map(str::trim);
        let is_named = words.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        is_named && !words.any(|word| matches!(word.replace(' ', "").as_str(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

fn brotli(content: &[u8]) -> Option<Bytes> {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 64 * 1024, 9, 22);
    writer.write_all(content).ok()?;
    Some(writer.into_inner().into())
}

fn gzip(content: &[u8]) -> Option<Bytes> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::best());
    writer.write_all(content).ok()?;
    writer.finish().ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_read_with_their_refusals() {
        assert!(accepts("gzip, deflate, br", "br"));
        assert!(accepts("br;q=0.5", "br"));
        assert!(!accepts("br;q=0, gzip", "br"));
        assert!(!accepts("", "gzip"));
    }

    #[test]
    fn both_compressions_give_the_content_back() {
        let content = "dashboard ".repeat(500).into_bytes();
        let mut plain = Vec::new();
        let packed = brotli(&content).unwrap();
        brotli::BrotliDecompress(&mut packed.as_ref(), &mut plain).unwrap();
        assert_eq!(plain, content);
        let packed = gzip(&content).unwrap();
        let mut plain = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed.as_ref()), &mut plain).unwrap();
        assert_eq!(plain, content);
    }
}
