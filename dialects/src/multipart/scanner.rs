//! Reads a form in pieces of any size.

use bytes::{Buf, BytesMut};
use deltallm_shared::error::ApiError;
use memchr::memmem::Finder;

use super::{FIELDS, Field, FilePart, Form, about, broken, part_header};

const MAX_PARTS: usize = 256;
const MAX_HEADER_BYTES: usize = 16 << 10;
/// Of a field that the gateway reads; a prompt is the longest of them.
const MAX_FIELD_BYTES: usize = 256 << 10;
/// After the boundary's text: blanks, which nobody sends, and a line break.
const MAX_PADDING: usize = 64;

/// Reads a form. [`FormScanner::push`] takes its bytes as they come, [`FormScanner::finish`] says what was in it.
#[derive(Debug)]
pub struct FormScanner {
    boundary: Finder<'static>,
    /// What was pushed and not judged yet; it begins at `offset` of the body.
    window: BytesMut,
    offset: u64,
    state: State,
    form: Form,
    parts: usize,
}

#[derive(Debug)]
enum State {
    /// Before the first boundary.
    Preamble,
    /// After the dashes and the text of a boundary that began at this offset.
    AfterBoundary { began: u64 },
    /// In the header of a part whose boundary began there.
    Header { part: u64 },
    /// In the content of a part.
    Content(Content),
    /// After the last boundary; what follows is nobody's.
    Epilogue,
}

#[derive(Debug)]
struct Content {
    part: u64,
    start: u64,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Field(&'static str, Vec<u8>),
    File(FilePart),
    Other,
}

impl FormScanner {
    /// For a form whose parts are parted by this boundary, see [`super::boundary`].
    pub fn new(boundary: &str) -> Self {
        let dashed = format!("--{boundary}").into_bytes();
        Self {
            boundary: Finder::new(&dashed).into_owned(),
            window: BytesMut::new(),
            offset: 0,
            state: State::Preamble,
            form: Form { delimiter: dashed, ..Form::default() },
            parts: 0,
        }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), ApiError> {
        self.form.length += piece.len() as u64;
        if matches!(self.state, State::Epilogue) {
            return Ok(());
        }
        self.window.extend_from_slice(piece);
        while self.step()? {}
        Ok(())
    }

    /// What was in the form.
    pub fn finish(self) -> Result<Form, ApiError> {
        match self.state {
            State::Epilogue => Ok(self.form),
            _ => Err(broken("its last boundary is missing")),
        }
    }

    /// One step of reading; whether another one is possible with the bytes that are here.
    fn step(&mut self) -> Result<bool, ApiError> {
        match std::mem::replace(&mut self.state, State::Epilogue) {
            State::Preamble => self.preamble(),
            State::AfterBoundary { began } => self.after_boundary(began),
            State::Header { part } => self.header(part),
            State::Content(content) => self.content(content),
            State::Epilogue => Ok(false),
        }
    }

    /// Nobody writes a preamble, and what one reader takes for it another could take for a part.
    fn preamble(&mut self) -> Result<bool, ApiError> {
        let dashed = self.boundary.needle().len();
        if self.window.len() < dashed {
            self.state = State::Preamble;
            return Ok(false);
        }
        if !self.window.starts_with(self.boundary.needle()) {
            return Err(broken("it does not begin with the boundary that `content-type` names"));
        }
        self.skip(dashed);
        self.state = State::AfterBoundary { began: 0 };
        Ok(true)
    }

    fn after_boundary(&mut self, began: u64) -> Result<bool, ApiError> {
        if self.window.starts_with(b"--") {
            self.form.closing = began;
            self.window.clear();
            return Ok(false);
        }
        let Some(end) = memchr::memchr(b'\n', &self.window) else {
            let could_be_last = self.window.len() < 2;
            if self.window.len() > MAX_PADDING || (!could_be_last && !is_padding(&self.window)) {
                return Err(broken("a boundary is followed by something else"));
            }
            self.state = State::AfterBoundary { began };
            return Ok(false);
        };
        if end > MAX_PADDING || !self.window[..end].ends_with(b"\r") || !is_padding(&self.window[..end]) {
            return Err(broken("a boundary is followed by something else"));
        }
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(broken("it has too many parts"));
        }
        self.skip(end + 1);
        self.state = State::Header { part: began };
        Ok(true)
    }

    fn header(&mut self, part: u64) -> Result<bool, ApiError> {
        let Some(end) = memchr::memmem::find(&self.window, b"\r\n\r\n") else {
            if self.window.len() > MAX_HEADER_BYTES + 3 {
                return Err(broken("a part's header is too long"));
            }
            self.state = State::Header { part };
            return Ok(false);
        };
        if end > MAX_HEADER_BYTES {
            return Err(broken("a part's header is too long"));
        }
        let header = part_header::read(&self.window[..end])?;
        self.skip(end + 4);
        let kind = match (FIELDS.iter().find(|name| **name == header.name), header.filename) {
            (Some(name), _) => {
                if self.form.fields.iter().any(|field| field.name == *name) {
                    return Err(about(name, format!("`{name}` stands in the form twice.")));
                }
                Kind::Field(name, Vec::new())
            }
            (None, Some(filename)) => Kind::File(FilePart {
                name: header.name,
                filename,
                content_type: header.content_type,
                at: self.offset..self.offset,
            }),
            (None, None) => Kind::Other,
        };
        self.state = State::Content(Content { part, start: self.offset, kind });
        Ok(true)
    }

    fn content(&mut self, mut content: Content) -> Result<bool, ApiError> {
        let Some(at) = self.boundary.find(&self.window) else {
            // The end of the window may be the beginning of a boundary and the line break before it.
            let kept = self.boundary.needle().len() + 1;
            let judged = self.window.len().saturating_sub(kept);
            content.take(&self.window[..judged])?;
            self.skip(judged);
            self.state = State::Content(content);
            return Ok(false);
        };
        let Some(end) = at.checked_sub(2).filter(|end| &self.window[*end..at] == b"\r\n") else {
            return Err(broken("its boundary stands inside a part"));
        };
        content.take(&self.window[..end])?;
        let (value_end, began) = (self.offset + end as u64, self.offset + at as u64);
        self.skip(at + self.boundary.needle().len());
        content.close(value_end, began, &mut self.form)?;
        self.state = State::AfterBoundary { began };
        Ok(true)
    }

    fn skip(&mut self, bytes: usize) {
        self.window.advance(bytes);
        self.offset += bytes as u64;
    }
}

impl Content {
    fn take(&mut self, bytes: &[u8]) -> Result<(), ApiError> {
        let Kind::Field(name, value) = &mut self.kind else { return Ok(()) };
        if value.len() + bytes.len() > MAX_FIELD_BYTES {
            return Err(about(name, format!("`{name}` is longer than {MAX_FIELD_BYTES} bytes.")));
        }
        value.extend_from_slice(bytes);
        Ok(())
    }

    fn close(self, value_end: u64, next: u64, form: &mut Form) -> Result<(), ApiError> {
        match self.kind {
            Kind::Field(name, value) => {
                let value = String::from_utf8(value).map_err(|_| about(name, format!("`{name}` is not UTF-8.")))?;
                form.fields.push(Field { name, value, value_at: self.start..value_end, part_at: self.part..next });
            }
            Kind::File(file) => form.files.push(FilePart { at: self.start..value_end, ..file }),
            Kind::Other => {}
        }
        Ok(())
    }
}

fn is_padding(bytes: &[u8]) -> bool {
    bytes.strip_suffix(b"\r").unwrap_or(bytes).iter().all(|byte| matches!(byte, b' ' | b'\t'))
}
