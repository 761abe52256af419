//! The price catalogue: what a model costs and can do, embedded in the binary, no network ever.
//!
//! The data is one text of sorted lines (`prices.tsv`, made by `scripts/build-price-catalogue.py`). A look-up is a binary
//! search over that text and parses only the line it hits, so the catalogue costs nothing at start and next to no memory.
//! Names match exactly: a guess by prefix would bill a model nobody has priced.

mod model_info;
mod table;

pub use model_info::{Capability, Mode, ModelInfo, Price, PriceKind, ServiceTier};

use table::Table;

static TABLE: Table = Table::new(include_str!("prices.tsv"));

/// The model's entry, when the catalogue names exactly this model of exactly this provider.
pub fn lookup(provider: &str, model: &str) -> Option<&'static ModelInfo> {
    TABLE.lookup(provider, model)
}

/// All models of a provider, or those of one mode, sorted by name.
pub fn models_of(provider: &str, mode: Option<Mode>) -> Vec<&'static ModelInfo> {
    TABLE.of_provider(provider).filter(|info| mode.is_none_or(|mode| info.mode == mode)).collect()
}

/// Which edition of the prices this is, such as `litellm-1.109.1`. Stands in every priced record.
pub fn version() -> &'static str {
    TABLE.version()
}

#[cfg(test)]
mod tests;
