//! The shipped data keeps its promises, and the search finds every line of it.

use std::collections::BTreeSet;

use super::{Capability, Mode, PriceKind, ServiceTier, lookup, models_of, version};
use crate::money::UnitPrice;

const TEXT: &str = include_str!("prices.tsv");

fn lines() -> impl Iterator<Item = &'static str> {
    TEXT.lines().skip(1)
}

fn price(text: &str) -> Option<UnitPrice> {
    text.parse().ok()
}

#[test]
fn known_prices_are_exact() {
    let mini = lookup("openai", "gpt-4o-mini").unwrap();
    assert_eq!((mini.provider, mini.model, mini.mode), ("openai", "gpt-4o-mini", Mode::Chat));
    assert_eq!(mini.price(PriceKind::Input), price("0.00000015"));
    assert_eq!(mini.price(PriceKind::Output), price("0.0000006"));
    assert_eq!(mini.price(PriceKind::CacheRead), price("0.000000075"));
    assert_eq!(mini.price_at(PriceKind::Input, ServiceTier::Batch, 10), price("0.000000075"));
    assert_eq!(mini.max_input_tokens, Some(128_000));
    assert_eq!(mini.max_output_tokens, Some(16_384));
    let list = mini.prices.unwrap();
    assert_eq!(Some(list.input), price("0.00000015"));
    assert_eq!(Some(list.output), price("0.0000006"));
    assert_eq!(list.cache_write, None);
    assert!(mini.can(Capability::Vision) && mini.can(Capability::Tools));
    assert!(!mini.can(Capability::AudioInput));

    let sonnet = lookup("anthropic", "claude-sonnet-4-5").unwrap();
    assert_eq!(sonnet.price(PriceKind::Input), price("0.000003"));
    assert_eq!(sonnet.price(PriceKind::Output), price("0.000015"));
    assert_eq!(sonnet.price(PriceKind::CacheWrite5m), price("0.00000375"));
    assert_eq!(sonnet.price(PriceKind::CacheWrite1h), price("0.000006"));
    assert_eq!(sonnet.price(PriceKind::AudioInput), None);
}

#[test]
fn a_long_prompt_takes_the_price_of_its_step() {
    let plus = lookup("dashscope", "qwen-plus-2025-09-11").unwrap();
    let input = |tokens| plus.price_at(PriceKind::Input, ServiceTier::Standard, tokens);
    assert_eq!(input(256_000), price("0.0000004"));
    assert_eq!(input(256_001), price("0.0000012"));
    // No batch price is known: the standard one of the same step holds.
    assert_eq!(plus.price_at(PriceKind::Input, ServiceTier::Batch, 300_000), price("0.0000012"));
}

#[test]
fn a_price_with_a_missing_half_is_no_price() {
    let embedding = lookup("openai", "text-embedding-3-small").unwrap();
    assert_eq!(embedding.prices.map(|prices| prices.input), price("0.00000002"));
    let half = lines().filter_map(|line| {
        let (provider, model) = line.split('\t').next()?.split_once('/')?;
        lookup(provider, model).filter(|info| info.mode == Mode::Chat && info.prices.is_some())
    });
    for info in half {
        assert!(info.price(PriceKind::Input).is_some() && info.price(PriceKind::Output).is_some());
    }
}

#[test]
fn names_match_exactly_or_not_at_all() {
    assert!(lookup("openai", "gpt-4o-mini-of-tomorrow").is_none());
    assert!(lookup("openai", "gpt-4o-min").is_none());
    assert!(lookup("openai", "").is_none());
    assert!(lookup("", "").is_none());
    assert!(lookup("zzzz", "zzzz").is_none());
    assert!(lookup("OpenAI", "gpt-4o-mini").is_none());
    assert!(lookup("openai", "gpt-4o-mini\tchat").is_none());
    assert!(lookup("# litellm-", "1").is_none());
}

#[test]
fn every_line_is_sorted_unique_whole_and_found() {
    let mut last = "";
    for line in lines() {
        let name = line.split('\t').next().unwrap();
        assert!(last.as_bytes() < name.as_bytes(), "{name} after {last}");
        last = name;
        let (provider, model) = name.split_once('/').unwrap();
        let info = lookup(provider, model).unwrap_or_else(|| panic!("{name} is not found"));
        assert_eq!((info.provider, info.model), (provider, model));
        assert_eq!(line.split('\t').count(), 8, "{name}");
        for price in info.price_list() {
            assert!(price.per_unit >= UnitPrice::FREE, "{name} {price:?}");
        }
        let places: BTreeSet<_> = info.price_list().iter().map(|p| (p.kind, p.tier, p.above_tokens)).collect();
        assert_eq!(places.len(), info.price_list().len(), "{name} has one price twice");
        for capability in info.capabilities() {
            assert!(Capability::from_name(capability).is_some(), "{name}: {capability}");
        }
    }
}

#[test]
fn the_catalogue_is_large_enough_to_be_whole() {
    assert!(lines().count() > 4_000);
    assert!(models_of("openai", Some(Mode::Chat)).len() > 50);
    assert!(models_of("anthropic", None).len() > 15);
    assert!(models_of("openai", Some(Mode::Embedding)).iter().any(|info| info.model == "text-embedding-3-small"));
    assert!(models_of("nobody", None).is_empty());
    // `azure` must not swallow `azure_ai`.
    assert!(models_of("azure", None).iter().all(|info| info.provider == "azure"));
    let all: usize = lines()
        .map(|line| line.split('/').next().unwrap())
        .collect::<BTreeSet<_>>()
        .iter()
        .map(|p| models_of(p, None).len())
        .sum();
    assert_eq!(all, lines().count());
}

#[test]
fn the_version_names_the_edition() {
    assert!(version().starts_with("litellm-1."), "{}", version());
}
