//! What a call consumes by what is known before its answer, for vendors that do not say it: sound is measured, characters and
//! pictures are counted.

use deltallm_shared::{
    operation::Operation,
    pricing::{Usage, UsageSource},
};

use crate::{accounting::sound_length::sound_length_ms, call::Call};

/// Of sound whose length cannot be read: what speech in a common quality has, 128 kbit a second.
const BYTES_PER_MS: u64 = 16;

/// Runs the stage for calls about media; `None` for others.
pub async fn assume(call: &Call) -> Option<(Usage, UsageSource)> {
    let counted = |usage| Some((usage, UsageSource::Counted));
    match call.operation {
        Operation::Transcriptions | Operation::AudioTranslations => sound(call).await,
        Operation::Speech => counted(Usage { characters: characters(call), ..Usage::default() }),
        Operation::ImageGenerations | Operation::ImageEdits | Operation::ImageVariations => {
            counted(Usage { images: call.index.answers, ..Usage::default() })
        }
        // One search is what a call with up to a hundred documents is.
        Operation::Rerank => counted(Usage { searches: 1, ..Usage::default() }),
        Operation::Moderations => counted(Usage::default()),
        _ => None,
    }
}

/// Characters of the text that is spoken.
fn characters(call: &Call) -> u64 {
    let input = call.body.get(call.index.prompt.clone()).unwrap_or_default();
    serde_json::from_slice::<String>(input).map_or(0, |text| text.chars().count() as u64)
}

/// The length of the first file, read from it on a thread that may wait for the disk.
async fn sound(call: &Call) -> Option<(Usage, UsageSource)> {
    let upload = call.upload.as_ref()?;
    let file = upload.form.files.iter().find(|file| file.name == "file")?;
    let (body, at) = (upload.body.clone(), file.at.clone());
    let bytes = at.end - at.start;
    let measured = tokio::task::spawn_blocking(move || sound_length_ms(&body, at)).await.ok().flatten();
    let source = if measured.is_some() { UsageSource::Counted } else { UsageSource::Estimated };
    let audio_ms = measured.unwrap_or(bytes / BYTES_PER_MS);
    Some((Usage { audio_ms, ..Usage::default() }, source))
}
