//! Ids for tool calls that came without: the Gemini API leaves them out for older models, everybody else needs them.

/// Makes the ids of one answer: `call_<stem>_<n>`. The same answer gives the same ids however it is cut, and two answers of a
/// conversation give different ones. At most 40 characters of `[A-Za-z0-9_-]`, which every vendor takes back.
#[derive(Debug, Default)]
pub(super) struct CallIds {
    stem: String,
    made: u32,
}

const MAX_STEM: usize = 28;

impl CallIds {
    /// Takes the vendor's id of the answer.
    pub fn set_answer(&mut self, response_id: &str) {
        let fits = |char: &char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-');
        self.stem = response_id.chars().filter(fits).take(MAX_STEM).collect();
    }

    /// An id for the next call. Without a vendor's id for the answer, what is called tells answers apart.
    pub fn next(&mut self, name: &str, arguments: &str) -> String {
        if self.stem.is_empty() {
            self.stem = format!("{:016x}", fingerprint([name, arguments]));
        }
        let id = format!("call_{}_{}", self.stem, self.made);
        self.made += 1;
        id
    }
}

/// FNV-1a.
fn fingerprint(texts: [&str; 2]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_within_an_answer_and_between_answers() {
        let (mut first, mut second) = (CallIds::default(), CallIds::default());
        first.set_answer("xRS0aZC5/BNHVz7IPuaO42Qk");
        second.set_answer("another-answer-with-an-id-that-is-much-too-long-for-openai");
        let ids = [first.next("a", "{}"), first.next("a", "{}"), second.next("a", "{}")];
        assert_eq!(ids[0], "call_xRS0aZC5BNHVz7IPuaO42Qk_0");
        assert_eq!(ids[1], "call_xRS0aZC5BNHVz7IPuaO42Qk_1");
        assert!(ids[2].len() <= 40, "{}", ids[2]);
        let mut nameless = CallIds::default();
        assert_eq!(nameless.next("get_weather", r#"{"city":"Paris"}"#).len(), 5 + 16 + 2);
    }
}
