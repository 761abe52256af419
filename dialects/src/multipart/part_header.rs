//! The header of one part of a form: what the part is called and what it holds.

use deltallm_shared::error::ApiError;

use super::{about, broken};

/// What the header of a part says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PartHeader {
    pub name: String,
    pub filename: Option<String>,
    pub content_type: String,
}

/// Reads the lines between a boundary and the blank line.
pub(super) fn read(lines: &[u8]) -> Result<PartHeader, ApiError> {
    let text = std::str::from_utf8(lines).map_err(|_| broken("a part's header is not UTF-8"))?;
    let (mut header, mut disposition) = (PartHeader::default(), None);
    for line in text.split("\r\n").filter(|line| !line.is_empty()) {
        // A line that begins with a blank continues the one before by old rules and is a new one by newer ones.
        if line.starts_with([' ', '\t']) || line.contains(['\r', '\n', '\0']) {
            return Err(broken("a part's header has a folded or broken line"));
        }
        let Some((name, value)) = line.split_once(':') else { return Err(broken("a part's header has no colon")) };
        match name.to_ascii_lowercase().as_str() {
            "content-disposition" if disposition.is_some() => {
                return Err(broken("a part has two `content-disposition` lines"));
            }
            "content-disposition" => disposition = Some(value),
            "content-type" => value.trim().clone_into(&mut header.content_type),
            "content-transfer-encoding" if !is_plain(value.trim()) => return Err(broken("a part is encoded")),
            _ => {}
        }
    }
    let disposition = disposition.ok_or_else(|| broken("a part has no `content-disposition`"))?;
    let (kind, rest) = disposition.split_once(';').unwrap_or((disposition, ""));
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err(broken("a part is not `form-data`"));
    }
    let parameters = parameters(rest).ok_or_else(|| broken("a `content-disposition` cannot be read"))?;
    let mut name = None;
    for (key, value) in parameters {
        let slot = match key.to_ascii_lowercase().as_str() {
            "name" => &mut name,
            "filename" => &mut header.filename,
            // Only for characters beyond ASCII in the file's name; a field's name never has this form (RFC 7578, 4.2).
            "filename*" => {
                header.filename.get_or_insert_default();
                continue;
            }
            "name*" => return Err(broken("a part's name is written in an extended form")),
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err(broken("a part has two names"));
        }
    }
    header.name = name.ok_or_else(|| broken("a part has no name"))?;
    let plain = header.name.trim().to_ascii_lowercase();
    let is_ours = super::FIELDS.contains(&plain.as_str());
    if is_ours && plain != header.name {
        return Err(about(&plain, format!("`{plain}` is written in an unusual way in the form.")));
    }
    if is_ours && header.filename.is_some() {
        return Err(about(&plain, format!("`{plain}` must be a field of the form, not a file.")));
    }
    Ok(header)
}

/// Whether a part's bytes stand there as they are.
fn is_plain(encoding: &str) -> bool {
    ["7bit", "8bit", "binary"].iter().any(|usual| encoding.eq_ignore_ascii_case(usual))
}

/// Parameters of a header value: `a=b; c="d"`. `None` where they cannot be read in one way only.
pub(super) fn parameters(text: &str) -> Option<Vec<(String, String)>> {
    let (mut found, mut rest) = (Vec::new(), text.trim());
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let name = name.trim();
        if name.is_empty() || name.contains([';', '"', ' ']) {
            return None;
        }
        let after = after.trim_start();
        let (value, tail) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        found.push((name.to_owned(), value));
        let tail = tail.trim_start();
        rest = match tail.strip_prefix(';') {
            Some(next) => next.trim(),
            None if tail.is_empty() => tail,
            None => return None,
        };
    }
    Some(found)
}

/// A quoted text up to its closing quote, and what follows. Browsers write a backslash of a path as it is and a quote as
/// `%22` or `\"`; any other backslash stays.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' if quoted[at + 1..].starts_with('"') => {
                characters.next();
                value.push('"');
            }
            other => value.push(other),
        }
    }
    None
}
