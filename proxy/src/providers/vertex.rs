//! Gemini's interface at Google Cloud, and Anthropic's models there.
//! Source: Google's "Vertex AI REST API", `projects.locations.publishers.models`.

use deltallm_dialects::{dialect::DialectId, embedding::EmbeddingVendorId};
use deltallm_shared::providers::Wire;

use super::{Vendor, Words, escaped, gemini};
use crate::snapshot::Deployment;

/// Where a deployment stands that does not say it.
const DEFAULT_REGION: &str = "global";

/// See the module.
pub struct Vertex;

impl Vendor for Vertex {
    fn wire(&self) -> Wire {
        Wire::Vertex
    }

    fn chat(&self, _deployment: &Deployment) -> DialectId {
        DialectId::GeminiGenerate
    }

    fn embedding(&self) -> Option<EmbeddingVendorId> {
        Some(EmbeddingVendorId::Vertex)
    }

    fn makes_images(&self) -> bool {
        true
    }

    fn path(&self, words: Words, deployment: &Deployment, streams: bool) -> String {
        let base = deployment.base_path.trim_end_matches("/v1").trim_end_matches("/v1beta1");
        let (project, region) =
            (deployment.project.as_deref().unwrap_or_default(), region(deployment.region.as_deref()));
        let model = deployment.upstream_model.as_str();
        let method = gemini::method_of(words, model, streams);
        let (project, region, model) = (escaped(project, b""), escaped(region, b""), escaped(model, b"@"));
        format!("{base}/v1/projects/{project}/locations/{region}/publishers/google/models/{model}:{method}")
    }

    fn model_is_in_path(&self, _deployment: &Deployment) -> bool {
        true
    }
}

fn region(given: Option<&str>) -> &str {
    given.filter(|region| !region.is_empty()).unwrap_or(DEFAULT_REGION)
}
