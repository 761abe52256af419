//! Every input file through every pair of dialects, against the files under `golden/expected/`.
//!
//! `UPDATE_GOLDEN=1 cargo nextest run -p deltallm-dialects golden` writes them; read the difference by eye.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use bytes::BytesMut;
use deltallm_dialects::canonical::{Event, Unsupported};
use deltallm_dialects::dialect::{CLIENT_DIALECTS, VENDOR_DIALECTS, client_dialect, vendor_dialect};
use deltallm_shared::error::{ApiError, ErrorCode};
use serde_json::{Value, json};

use crate::cases::{MODEL, asked, golden_dir, inputs, path_model};

/// Compares what comes out with the files of one kind, and says everything that is wrong at once.
struct Book {
    dir: PathBuf,
    updates: bool,
    written: BTreeSet<PathBuf>,
    wrong: Vec<String>,
}

impl Book {
    fn open(kind: &str) -> Self {
        let updates = std::env::var_os("UPDATE_GOLDEN").is_some();
        Self { dir: golden_dir().join("expected").join(kind), updates, written: BTreeSet::new(), wrong: Vec::new() }
    }

    fn json(&mut self, name: &str, actual: &Value) {
        self.text(name, &format!("{}\n", serde_json::to_string_pretty(actual).unwrap()));
    }

    /// A body that should be JSON.
    fn body(&mut self, name: &str, actual: &[u8]) {
        match serde_json::from_slice(actual) {
            Ok(value) => self.json(name, &value),
            Err(error) => self.wrong(name, &format!("{error}: {}", String::from_utf8_lossy(actual))),
        }
    }

    fn text(&mut self, name: &str, actual: &str) {
        let path = self.dir.join(name);
        if self.updates {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, actual).unwrap();
        }
        match fs::read_to_string(&path) {
            Err(_) => self.wrong(name, "there is no such file"),
            Ok(expected) if expected != actual => self.wrong(name, &difference(&expected, actual)),
            Ok(_) => {}
        }
        self.written.insert(path);
    }

    fn wrong(&mut self, name: &str, what: &str) {
        self.wrong.push(format!("{}/{name}: {what}", self.dir.display()));
    }

    fn close(mut self) {
        for path in files_under(&self.dir) {
            if !self.written.contains(&path) {
                if self.updates {
                    fs::remove_file(&path).unwrap();
                } else {
                    self.wrong.push(format!("{}: nothing makes this file any more", path.display()));
                }
            }
        }
        assert!(
            self.wrong.is_empty(),
            "{}\n\n{} wrong. UPDATE_GOLDEN=1 writes what comes out; read it before you commit it.",
            self.wrong.join("\n"),
            self.wrong.len()
        );
    }
}

fn files_under(dir: &PathBuf) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files_under(&path) } else { vec![path] }).collect()
}

/// The first line that differs.
fn difference(expected: &str, actual: &str) -> String {
    let mut lines = expected.lines().zip(actual.lines()).zip(1..);
    match lines.find(|((old, new), _)| old != new) {
        Some(((old, new), line)) => format!("line {line} is\n  {new}\nand should be\n  {old}"),
        None => format!("{} lines come out, {} are expected", actual.lines().count(), expected.lines().count()),
    }
}

fn told(error: &ApiError) -> Value {
    json!({"refused": {"code": error.code.code(), "param": error.param, "message": error.message}})
}

#[test]
fn golden_requests() {
    let mut book = Book::open("requests");
    for case in inputs("requests") {
        let Some(client) = client_dialect(case.dialect) else { continue };
        let name = format!("{}/{}", client.id().name(), case.name);
        let mut request = match client.read_request(&case.bytes, path_model(client.id()), false) {
            Ok(request) => request,
            Err(error) => {
                book.wrong(&name, &format!("cannot be read: {error} ({:?})", error.param));
                continue;
            }
        };
        assert_eq!(request.model, MODEL, "{name}");
        "vendor-model".clone_into(&mut request.model);
        for vendor in VENDOR_DIALECTS {
            let mut unsupported = Unsupported::new("acme", false);
            let name = format!("{name}.{}.json", vendor.id().name());
            match vendor.write_request(&request, &mut unsupported) {
                Err(error) => book.json(&name, &told(&error)),
                Ok(body) if unsupported.dropped.is_empty() => book.body(&name, &body),
                Ok(body) => match serde_json::from_slice::<Value>(&body) {
                    Ok(body) => book.json(&name, &json!({"left_out": unsupported.dropped, "body": body})),
                    Err(_) => book.body(&name, &body),
                },
            }
        }
    }
    book.close();
}

#[test]
fn golden_answers() {
    let mut book = Book::open("answers");
    for case in inputs("answers") {
        let Some(vendor) = vendor_dialect(case.dialect) else { continue };
        let name = format!("{}/{}", vendor.id().name(), case.name);
        match vendor.read_answer(&case.bytes) {
            Err(error) => book.wrong(&name, &error.to_string()),
            Ok(answer) => {
                for client in CLIENT_DIALECTS {
                    let id = client.id();
                    book.body(&format!("{name}.{}.json", id.name()), &client.write_answer(&answer, &asked(id)));
                }
            }
        }
    }
    book.close();
}

#[test]
fn golden_streams() {
    let mut book = Book::open("streams");
    for case in inputs("streams") {
        let Some(vendor) = vendor_dialect(case.dialect) else { continue };
        let name = format!("{}/{}", vendor.id().name(), case.name);
        let (mut reader, mut events) = (vendor.stream_reader(), Vec::new());
        let read = reader.read(&case.bytes, &mut events).and_then(|()| reader.finish(&mut events));
        if let Err(error) = read {
            book.wrong(&name, &error.to_string());
            continue;
        }
        for client in CLIENT_DIALECTS {
            let id = client.id();
            let (mut writer, mut out) = (client.stream_writer(&asked(id)), BytesMut::new());
            for event in &events {
                match event {
                    Event::Error(failure) => writer.error(&failure.tell(MODEL, &[]), &mut out),
                    event => writer.write(event, &mut out),
                }
            }
            book.text(&format!("{name}.{}.sse", id.name()), str::from_utf8(&out).unwrap());
        }
    }
    book.close();
}

#[test]
fn golden_errors() {
    let mut book = Book::open("errors");
    for case in inputs("errors") {
        let Some(vendor) = vendor_dialect(case.dialect) else { continue };
        let failure = vendor.read_error(case.status, &case.bytes);
        let value = json!({
            "class": format!("{:?}", failure.class),
            "code": failure.code,
            "param": failure.param,
            "message": failure.message,
        });
        book.json(&format!("{}/{}.{}.json", vendor.id().name(), case.name, case.status), &value);
    }
    book.close();
}

#[test]
fn golden_envelopes() {
    let mut book = Book::open("envelopes");
    for client in CLIENT_DIALECTS {
        let envelope = |code: &ErrorCode| {
            let error = ApiError::about(*code, "messages[0].role", "Words for the caller.");
            let body = client.write_error(&error);
            (code.code().to_owned(), serde_json::from_slice(&body).unwrap_or(Value::Null))
        };
        let envelopes: serde_json::Map<String, Value> = ErrorCode::ALL.iter().map(envelope).collect();
        book.json(&format!("{}.json", client.id().name()), &Value::Object(envelopes));
    }
    book.close();
}
