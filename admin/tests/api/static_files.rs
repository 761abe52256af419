//! The dashboard's files: what is sent, with which headers, and what is not.

use std::path::Path;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::harness::{Admin, admin::send};

const CSP: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                   frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// Whether the dashboard was built before this binary was.
fn is_built() -> bool {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/dist/index.html")).exists()
}

/// A request as it stands, which an HTTP library would have tidied up.
async fn raw(admin: &Admin, path: &str) -> String {
    let mut socket = TcpStream::connect(admin.public).await.unwrap();
    socket.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn nothing_outside_the_dashboard_is_sent() {
    let (admin, _) = Admin::start().await;
    for path in [
        "/../Cargo.toml",
        "/../../etc/passwd",
        "/assets/../../../etc/passwd",
        "/assets/..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%5c..%5cetc%5cpasswd",
        "//etc/passwd",
        "/assets//etc/passwd",
        "/assets/%00",
        "/assets/",
        "/.env",
        "/config.yaml",
    ] {
        let answer = raw(&admin, path).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(!answer.contains("root:") && !answer.contains("[package]"), "{path}: {answer}");
        // The page itself is all that may be sent for what could be a route of it.
        assert!(matches!(status, "400" | "404") || answer.contains("<!doctype html>"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn every_answer_tells_the_browser_to_be_careful() {
    let (admin, _) = Admin::start().await;
    for path in ["/", "/keys", "/assets/missing.js", "/api/v1/me", "/health/liveness", "/api/nothing"] {
        let reply = send(admin.request("GET", path)).await;
        assert_eq!(reply.header("content-security-policy"), CSP, "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(reply.header("x-frame-options"), "DENY", "{path}");
    }
    assert_eq!(send(admin.request("GET", "/api/v1/me")).await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn the_page_is_sent_for_its_own_routes_only() {
    let (admin, _) = Admin::start().await;
    let expected = if is_built() { 200 } else { 503 };
    for path in ["/", "/keys", "/keys/01890000-0000-7000-8000-000000000000", "/requests?status=error"] {
        let reply = send(admin.request("GET", path)).await;
        assert_eq!(reply.status, expected, "{path}");
        assert!(reply.header("content-type").starts_with("text/html"), "{path}");
        assert_eq!(reply.header("cache-control"), "no-cache", "{path}");
        assert!(is_built() || reply.text.contains("npm run build"), "{path}");
    }
    for path in ["/api/x", "/assets/x.js", "/internal/v1/config", "/health/x", "/metrics/x", "/missing.css"] {
        send(admin.request("GET", path)).await.refused(404, "not_found", None);
    }
    send(admin.request("POST", "/")).await.refused(405, "method_not_allowed", None);
}

#[tokio::test]
async fn files_are_compressed_and_remembered() {
    if !is_built() {
        // The branch without a dashboard is in the test above.
        return;
    }
    let (admin, _) = Admin::start().await;
    let page = send(admin.request("GET", "/")).await;
    let start = page.text.find("/assets/").unwrap();
    let asset = page.text[start..].split('"').next().unwrap();
    let plain = send(admin.request("GET", asset)).await;
    assert_eq!((plain.status, plain.header("content-encoding")), (200, ""));
    assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(plain.header("vary"), "accept-encoding");
    for encoding in ["br", "gzip"] {
        let packed = admin.request("GET", asset).header("accept-encoding", encoding).send().await.unwrap();
        if plain.text.len() > 1024 {
            assert_eq!(packed.headers()["content-encoding"], encoding);
        }
        let tag = packed.headers()["etag"].to_str().unwrap().to_owned();
        assert!(packed.bytes().await.unwrap().len() <= plain.text.len());
        let again = admin.request("GET", asset).header("accept-encoding", encoding).header("if-none-match", tag);
        assert_eq!(send(again).await.status, 304);
    }
    let head = send(admin.request("HEAD", "/")).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}
