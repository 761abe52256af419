//! Where a JSON object ends that comes in pieces.

/// Counts brackets; it does not judge the rest.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonEnd {
    depth: usize,
    is_in_string: bool,
    is_escaped: bool,
    is_whole: bool,
}

impl JsonEnd {
    /// Takes the next piece.
    pub fn take(&mut self, piece: &str) {
        for byte in piece.bytes() {
            if self.is_in_string {
                match byte {
                    _ if self.is_escaped => self.is_escaped = false,
                    b'\\' => self.is_escaped = true,
                    b'"' => self.is_in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.is_in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.is_whole |= self.depth == 0;
                }
                _ => {}
            }
        }
    }

    /// Whether the object was closed: nothing but blanks can follow.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_do_not_end_an_object() {
        let mut end = JsonEnd::default();
        for piece in ["{\"a\":\"}", "\\\"}", "\\", "\\\"", ",\"b\":{}", ",\"c\":[1]"] {
            end.take(piece);
            assert!(!end.is_whole(), "{piece}");
        }
        end.take("}");
        assert!(end.is_whole());
    }

    #[test]
    fn nothing_is_not_whole() {
        let mut end = JsonEnd::default();
        end.take("  ");
        assert!(!end.is_whole());
    }
}
