//! Looks into a JSON document while it passes by, in pieces of any size and without holding it.
//!
//! An answer with pictures or sound in it has megabytes of base64 and a few bytes that matter. The scanner keeps the values
//! at a few paths and counts the entries of an array; everything else is stepped over. It does not judge whether the
//! document is valid: of one that is not, it finds what it finds.

/// A value longer than this is not kept.
const MAX_KEPT_BYTES: usize = 64 << 10;
/// A key longer than this is none of ours.
const MAX_KEY_BYTES: usize = 64;
/// How deep paths reach.
const MAX_PATH: usize = 3;

/// Looks into one document.
#[derive(Debug, Default)]
pub struct JsonScan {
    /// Paths of members whose values are kept: `usage`, `response.usage`.
    wanted: &'static [&'static str],
    /// Path of the array whose entries are counted.
    counted: &'static str,
    frames: Vec<Frame>,
    /// How deep the scanner is beyond `frames`.
    deeper: usize,
    string: Option<Text>,
    kept: Vec<(&'static str, Vec<u8>)>,
    /// The value that is being kept, and whether it grew too long.
    keeping: Option<Keeping>,
    count: u64,
    is_whole: bool,
}

#[derive(Debug)]
struct Frame {
    is_object: bool,
    is_counted: bool,
    key: Vec<u8>,
    /// Whether the next value belongs to `key`; in an array, whether an entry has begun.
    at_value: bool,
}

#[derive(Debug)]
struct Text {
    is_key: bool,
    escaped: bool,
}

#[derive(Debug)]
struct Keeping {
    path: &'static str,
    depth: usize,
    bytes: Vec<u8>,
}

impl JsonScan {
    /// Keeps the values at `wanted` and counts the entries of the array at `counted`, which may be empty for none.
    pub fn new(wanted: &'static [&'static str], counted: &'static str) -> Self {
        Self { wanted, counted, ..Self::default() }
    }

    /// Looks into a document that is here whole.
    pub fn of(json: &[u8], wanted: &'static [&'static str], counted: &'static str) -> Self {
        let mut scan = Self::new(wanted, counted);
        scan.push(json);
        scan
    }

    /// Takes the next bytes.
    pub fn push(&mut self, piece: &[u8]) {
        let mut at = 0;
        while let Some(&byte) = piece.get(at) {
            if self.string.is_some() {
                at += self.in_string(&piece[at..]);
            } else {
                self.outside(byte);
                at += 1;
            }
        }
    }

    /// The JSON of the value at a path, once it has passed whole.
    pub fn value(&self, path: &str) -> Option<&[u8]> {
        self.kept.iter().find(|(kept, _)| *kept == path).map(|(_, bytes)| bytes.trim_ascii())
    }

    /// The string at a path.
    pub fn text(&self, path: &str) -> Option<String> {
        serde_json::from_slice(self.value(path)?).ok()
    }

    /// How many entries the counted array had.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether the document's last bracket has passed.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    fn depth(&self) -> usize {
        self.frames.len() + self.deeper
    }

    /// Steps through a string; how many bytes belong to it.
    fn in_string(&mut self, bytes: &[u8]) -> usize {
        let Some(text) = &mut self.string else { return 0 };
        let is_key = text.is_key;
        let (taken, ends) = if text.escaped {
            text.escaped = false;
            (1, false)
        } else {
            match memchr::memchr2(b'"', b'\\', bytes) {
                None => (bytes.len(), false),
                Some(end) if bytes[end] == b'"' => (end + 1, true),
                Some(escape) => {
                    text.escaped = true;
                    (escape + 1, false)
                }
            }
        };
        self.keep(&bytes[..taken]);
        if is_key && let Some(frame) = self.frames.last_mut() {
            let inner = if ends { &bytes[..taken - 1] } else { &bytes[..taken] };
            let space = (MAX_KEY_BYTES + 1).saturating_sub(frame.key.len());
            frame.key.extend_from_slice(&inner[..inner.len().min(space)]);
        }
        if ends {
            self.string = None;
        }
        taken
    }

    fn outside(&mut self, byte: u8) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => self.keep(&[byte]),
            b',' | b'}' | b']' => {
                self.close_value();
                if byte == b',' {
                    self.next_member();
                    self.keep(&[byte]);
                } else {
                    self.close_bracket(byte);
                }
            }
            b':' => {
                let at_key = self.deeper == 0;
                if let Some(frame) = self.frames.last_mut().filter(|frame| at_key && frame.is_object) {
                    frame.at_value = true;
                }
                self.keep(&[byte]);
                self.begin_keeping();
            }
            _ => {
                self.begin_entry();
                self.keep(&[byte]);
                match byte {
                    b'"' => self.begin_string(),
                    b'{' | b'[' => self.open_bracket(byte == b'{'),
                    _ => {}
                }
            }
        }
    }

    /// A value begins; in the counted array it is an entry.
    fn begin_entry(&mut self) {
        if self.deeper > 0 {
            return;
        }
        if let Some(frame) = self.frames.last_mut().filter(|frame| !frame.is_object && !frame.at_value) {
            frame.at_value = true;
            self.count += u64::from(frame.is_counted);
        }
    }

    fn begin_string(&mut self) {
        let is_key = self.deeper == 0 && self.frames.last().is_some_and(|frame| frame.is_object && !frame.at_value);
        if is_key && let Some(frame) = self.frames.last_mut() {
            frame.key.clear();
        }
        self.string = Some(Text { is_key, escaped: false });
    }

    fn open_bracket(&mut self, is_object: bool) {
        if self.frames.len() >= MAX_PATH || self.deeper > 0 {
            self.deeper += 1;
            return;
        }
        let is_counted = !is_object && !self.counted.is_empty() && self.is_at(self.counted);
        self.frames.push(Frame { is_object, is_counted, key: Vec::new(), at_value: false });
    }

    fn close_bracket(&mut self, byte: u8) {
        if self.deeper > 0 {
            self.deeper -= 1;
        } else {
            self.frames.pop();
            self.is_whole |= self.frames.is_empty();
        }
        self.keep(&[byte]);
    }

    fn next_member(&mut self) {
        if self.deeper > 0 {
            return;
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.at_value = false;
        }
    }

    /// Whether the value that begins now is the one at a path.
    fn is_at(&self, path: &str) -> bool {
        let mut names = path.split('.');
        self.frames.iter().all(|frame| {
            frame.is_object && frame.at_value && names.next().is_some_and(|name| name.as_bytes() == frame.key)
        }) && names.next().is_none()
    }

    fn begin_keeping(&mut self) {
        if self.keeping.is_some() || self.deeper > 0 {
            return;
        }
        if let Some(path) = self.wanted.iter().copied().find(|path| self.is_at(path)) {
            self.keeping = Some(Keeping { path, depth: self.depth(), bytes: Vec::new() });
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if let Some(keeping) = &mut self.keeping
            && keeping.bytes.len() <= MAX_KEPT_BYTES
        {
            keeping.bytes.extend_from_slice(bytes);
        }
    }

    /// A comma or a closing bracket ends the value before it.
    fn close_value(&mut self) {
        let depth = self.depth();
        if let Some(keeping) = self.keeping.take_if(|keeping| keeping.depth == depth)
            && keeping.bytes.len() <= MAX_KEPT_BYTES
        {
            // A member that stands twice: the last one counts, as most readers have it.
            self.kept.retain(|(path, _)| *path != keeping.path);
            self.kept.push((keeping.path, keeping.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WANTED: &[&str] = &["usage", "type", "response.usage", "a.b.c"];

    fn scan(json: &[u8], size: usize) -> JsonScan {
        let mut scan = JsonScan::new(WANTED, "data");
        json.chunks(size.max(1)).for_each(|piece| scan.push(piece));
        scan
    }

    #[test]
    fn values_and_entries_are_found_in_any_split() {
        let json = br#" {"created":1,"x":{"usage":{"no":1},"data":[1,2]},"da\"ta":[9],"data":[{"b64":"aa,]}\"","u":[1,2,{}]}, {"usage":5}],"response":{"usage":{"n":[1,{"d":2}]},"type":"no"},"usage" : {"total":"{,}", "e":[]} ,"type":"x,y"}"#;
        for size in 1..=json.len() {
            let scan = scan(json, size);
            assert_eq!(scan.value("usage"), Some(br#"{"total":"{,}", "e":[]}"#.as_slice()), "pieces of {size}");
            assert_eq!(scan.value("response.usage"), Some(br#"{"n":[1,{"d":2}]}"#.as_slice()));
            assert_eq!((scan.text("type").as_deref(), scan.count(), scan.is_whole()), (Some("x,y"), 2, true));
        }
        let scan = self::scan(br#"{"a":{"b":{"c":1.50,"d":2}}}"#, 4);
        assert_eq!(scan.value("a.b.c"), Some(b"1.50".as_slice()));
    }

    #[test]
    fn empty_arrays_and_cut_documents_have_nothing() {
        assert_eq!(scan(br#"{"data":[ ]}"#, 3).count(), 0);
        assert_eq!(scan(br#"{"data":[[],[]]}"#, 3).count(), 2);
        let cut = scan(br#"{"data":[1,2],"usage":{"a":1"#, 3);
        assert_eq!((cut.value("usage"), cut.count(), cut.is_whole()), (None, 2, false));
    }

    #[test]
    fn a_value_without_end_is_not_kept() {
        let long = format!(r#"{{"usage":"{}","type":"x"}}"#, "y".repeat(100_000));
        let scan = scan(long.as_bytes(), 1000);
        assert_eq!((scan.value("usage"), scan.text("type").as_deref()), (None, Some("x")));
    }

    proptest! {
        #[test]
        fn any_bytes_do_no_harm_and_any_split_is_the_same(json in r#"[\[\]{},:"\\aus 1]{0,60}"#, size in 1_usize..9) {
            let json = format!(r#"{{"usage":{json}"#);
            let (one, other) = (scan(json.as_bytes(), size), scan(json.as_bytes(), json.len()));
            prop_assert_eq!((one.kept, one.count), (other.kept, other.count));
        }
    }
}
