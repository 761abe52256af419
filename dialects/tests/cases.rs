//! The input files under `golden/`: `<kind>/<case>.<dialect>[.<status>].<ending>`.

use std::fs;
use std::path::{Path, PathBuf};

use deltallm_dialects::dialect::{Asked, DialectId};
use serde_json::Value;

/// One input file.
pub struct Case {
    /// What it is about: `parallel_tools`.
    pub name: String,
    /// In whose words.
    pub dialect: DialectId,
    /// Of an error.
    pub status: u16,
    /// What stands in it; hexadecimal text is decoded.
    pub bytes: Vec<u8>,
}

/// `dialects/tests/golden`
pub fn golden_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The input files of a kind (`requests`, `answers`, `streams`, `errors`), by name.
pub fn inputs(kind: &str) -> Vec<Case> {
    let dir = golden_dir().join(kind);
    let entries = fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| read_case(path)).collect()
}

fn read_case(path: &Path) -> Case {
    let file = path.file_name().unwrap().to_str().unwrap();
    let words: Vec<&str> = file.split('.').collect();
    let (name, dialect, status, ending) = match words[..] {
        [name, dialect, ending] => (name, dialect, 200, ending),
        [name, dialect, status, ending] => (name, dialect, status.parse().unwrap(), ending),
        _ => panic!("{file}: should be <case>.<dialect>[.<status>].<ending>"),
    };
    let known = DialectId::ALL.into_iter().find(|id| id.name() == dialect);
    let bytes = fs::read(path).unwrap();
    Case {
        name: name.to_owned(),
        dialect: known.unwrap_or_else(|| panic!("{file}: no dialect is called {dialect}")),
        status,
        bytes: if ending == "hex" { of_hex(&bytes) } else { bytes },
    }
}

/// Blanks and lines that begin with `#` are left out.
fn of_hex(text: &[u8]) -> Vec<u8> {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"#"));
    let digits: Vec<u32> = lines.flatten().filter_map(|byte| char::from(*byte).to_digit(16)).collect();
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

/// The model in every request.
pub const MODEL: &str = "the-model";

/// The model as the path says it, in dialects where it stands there.
pub fn path_model(dialect: DialectId) -> Option<&'static str> {
    (dialect == DialectId::GeminiGenerate).then_some(MODEL)
}

/// What a writer of answers is told.
pub fn asked(client: DialectId) -> Asked {
    Asked {
        model: MODEL.to_owned(),
        unique: "0123456789abcdef0123456789abcdef".to_owned(),
        created: 1_700_000_000,
        include_usage: true,
        request: request_body(client),
    }
}

/// The body of the case `basic`, for dialects whose answers repeat it.
fn request_body(client: DialectId) -> Value {
    let path = golden_dir().join(format!("requests/basic.{}.json", client.name()));
    fs::read(path).ok().and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default()
}
