//! What can be asked of a model: the names of operations, which client paths and vendors share.

use serde::{Deserialize, Serialize};

macro_rules! operations {
    ($($(#[$doc:meta])+ $name:ident = $text:literal;)+) => {
        /// An operation, named after the interface that defines it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Operation { $($(#[$doc])+ $name,)+ }

        impl Operation {
            /// Every operation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// In records and metrics.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

operations! {
    /// OpenAI's chat completions.
    ChatCompletions = "chat_completions";
    /// OpenAI's older completions of one text.
    Completions = "completions";
    /// OpenAI's responses.
    Responses = "responses";
    /// Anthropic's messages.
    Messages = "messages";
    /// Anthropic's count of a request's tokens.
    CountMessageTokens = "count_message_tokens";
    /// Gemini's `generateContent` and `streamGenerateContent`.
    GenerateContent = "generate_content";
    /// Gemini's `countTokens`.
    CountContentTokens = "count_content_tokens";
    /// OpenAI's embeddings.
    Embeddings = "embeddings";
    /// Cohere's and Jina's reranking.
    Rerank = "rerank";
    /// OpenAI's moderations.
    Moderations = "moderations";
    /// OpenAI's pictures from a text.
    ImageGenerations = "image_generations";
    /// OpenAI's pictures from pictures and a text.
    ImageEdits = "image_edits";
    /// OpenAI's pictures like a picture.
    ImageVariations = "image_variations";
    /// OpenAI's spoken text.
    Speech = "speech";
    /// OpenAI's written-down sound.
    Transcriptions = "transcriptions";
    /// OpenAI's sound, written down in English.
    AudioTranslations = "audio_translations";
    /// OpenAI's conversation over a WebSocket.
    Realtime = "realtime";
    /// OpenAI's files.
    Files = "files";
    /// OpenAI's batches.
    Batches = "batches";
    /// Anything else of a vendor's own interface.
    PassThrough = "pass_through";
}

impl Operation {
    /// Whether it is about sound, pictures or the judging of texts: OpenAI's interfaces beside chats and embeddings, which are
    /// passed through and never translated.
    pub const fn is_media(self) -> bool {
        matches!(
            self,
            Self::Rerank
                | Self::Moderations
                | Self::ImageGenerations
                | Self::ImageEdits
                | Self::ImageVariations
                | Self::Speech
                | Self::Transcriptions
                | Self::AudioTranslations
        )
    }

    /// Whether it is a conversation with a model, which every chat model can have whatever interface it is asked by.
    pub const fn is_chat(self) -> bool {
        matches!(
            self,
            Self::ChatCompletions | Self::Completions | Self::Responses | Self::Messages | Self::GenerateContent
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_has_one_name_everywhere() {
        for operation in Operation::ALL {
            assert_eq!(serde_json::to_value(operation).unwrap(), operation.name());
        }
    }
}
