//! From `router_settings` to the settings of the router and of its groups.

use std::collections::{BTreeMap, HashSet};

use super::{
    FileDeployment,
    check::Checker,
    diagnostic::nearest,
    raw::RawProduct,
    raw_router::{RawCanary, RawFallbacks, RawGroup, RawHedge, RawRouter, RawRouting},
    scalar::{Text, Texts},
};
use crate::routing::{ActiveCheck, ActiveCheckKind, Canary, Hedge, Mirror, Queue, RoutingSettings, Strategy, TagMatch};

/// What the file says of routing.
#[derive(Default)]
pub(super) struct Routing {
    pub router: RoutingSettings,
    pub groups: BTreeMap<String, RoutingSettings>,
    pub aliases: BTreeMap<String, String>,
}

/// The names that a fallback may mean.
struct Names<'a> {
    groups: HashSet<&'a str>,
    aliases: &'a BTreeMap<String, String>,
}

/// Where the settings of one level stand, for what is found out about them as a whole.
type Places<'a> = Vec<(&'static str, &'a Text)>;

impl Checker<'_> {
    /// `product`: what LiteLLM's users write into `litellm_settings`; `router_settings` wins.
    pub(super) fn routing(&mut self, raw: &RawRouter, product: &RawProduct, deployments: &[FileDeployment]) -> Routing {
        let groups = deployments.iter().map(|deployment| deployment.record.model_name.as_str()).collect();
        let mut aliases = BTreeMap::new();
        for (alias, target) in &raw.model_group_alias {
            if !HashSet::contains(&groups, target.as_str()) {
                self.warn(target, format!("no model `{}` in this file", target.as_str()));
            }
            aliases.insert(alias.clone(), target.as_str().to_owned());
        }
        let names = Names { groups, aliases: &aliases };
        let common = raw.common();
        let common = RawRouting {
            num_retries: common.num_retries.or(product.num_retries.as_ref()),
            timeout: common.timeout.or(product.request_timeout.as_ref()),
            allowed_fails: common.allowed_fails.or(product.allowed_fails.as_ref()),
            cooldown_time: common.cooldown_time.or(product.cooldown_time.as_ref()),
            ..common
        };
        let (mut router, mut places) = self.level(&common);
        let mut found: BTreeMap<String, RoutingSettings> = BTreeMap::new();
        // The product's lists first: an entry of the router for the same group replaces theirs.
        for lists in [&product.fallbacks, &raw.fallbacks] {
            self.lists(lists, &names, |model, list| match model {
                None => router.default_fallbacks = Some(list),
                Some(model) => found.entry(model).or_default().fallbacks = Some(list),
            });
        }
        for lists in [&product.context_window_fallbacks, &raw.context_window_fallbacks] {
            self.lists(lists, &names, |model, list| {
                let of = model.map_or(&mut router, |model| found.entry(model).or_default());
                of.context_window_fallbacks = Some(list);
            });
        }
        for lists in [&product.content_policy_fallbacks, &raw.content_policy_fallbacks] {
            self.lists(lists, &names, |model, list| {
                let of = model.map_or(&mut router, |model| found.entry(model).or_default());
                of.content_policy_fallbacks = Some(list);
            });
        }
        if let Some(list) = raw.default_fallbacks.as_ref().or(product.default_fallbacks.as_ref()) {
            router.default_fallbacks = Some(self.targets(list, &names));
            places.extend(list.as_slice().first().map(|text| ("default_fallbacks", text)));
        }
        self.judge(&router, None, &places);
        for (name, group) in &raw.group_settings {
            let model = names.meant(name);
            let (settings, places) = self.group(group, &names);
            if let (Some((_, text)), false) = (places.first(), names.groups.contains(model.as_str())) {
                self.warn(text, format!("`group_settings` are for `{model}`, and no model of this file has that name"));
            }
            self.judge(&settings, Some(&model), &places);
            let entry = found.entry(model).or_default();
            *entry = settings.over(entry);
        }
        Routing { router, groups: found, aliases }
    }

    fn group<'a>(&mut self, raw: &'a RawGroup, names: &Names<'_>) -> (RoutingSettings, Places<'a>) {
        let (mut settings, mut places) = self.level(&raw.common());
        for (field, list, into) in [
            ("fallbacks", &raw.fallbacks, &mut settings.fallbacks),
            ("context_window_fallbacks", &raw.context_window_fallbacks, &mut settings.context_window_fallbacks),
            ("content_policy_fallbacks", &raw.content_policy_fallbacks, &mut settings.content_policy_fallbacks),
        ] {
            let Some(list) = list else { continue };
            *into = Some(self.targets(list, names));
            places.extend(list.as_slice().first().map(|text| (field, text)));
        }
        (settings, places)
    }

    /// Fallbacks in LiteLLM's shape; the model `*` is every group that has none of its own.
    fn lists(&mut self, lists: &RawFallbacks, names: &Names<'_>, mut set: impl FnMut(Option<String>, Vec<String>)) {
        for (name, list) in lists.iter().flatten() {
            let targets = self.targets(list, names);
            if name == "*" {
                set(None, targets);
                continue;
            }
            let model = names.meant(name);
            if let Some(text) = list.as_slice().first() {
                let settings = RoutingSettings { fallbacks: Some(targets.clone()), ..RoutingSettings::default() };
                self.judge(&settings, Some(&model), &vec![("fallbacks", text)]);
            }
            set(Some(model), targets);
        }
    }

    fn targets(&mut self, list: &Texts, names: &Names<'_>) -> Vec<String> {
        let mut targets = Vec::new();
        for text in list.as_slice() {
            let name = names.meant(text.as_str());
            if !names.groups.contains(name.as_str()) {
                self.warn(text, format!("no model `{name}` in this file; it has to be in the database"));
            }
            targets.push(name);
        }
        targets
    }

    /// What a router and a group can both say.
    fn level<'a>(&mut self, raw: &RawRouting<'a>) -> (RoutingSettings, Places<'a>) {
        let mut places = Places::new();
        let mut at = |field, text: Option<&'a Text>| {
            places.extend(text.map(|text| (field, text)));
            text
        };
        let settings = RoutingSettings {
            strategy: raw.routing_strategy.and_then(|text| self.strategy(text)),
            num_retries: self.number(at("num_retries", raw.num_retries)),
            timeout_ms: self.optional_ms(at("timeout_ms", raw.timeout)),
            connect_timeout_ms: self.optional_ms(at("connect_timeout_ms", raw.connect_timeout)),
            first_byte_timeout_ms: self.optional_ms(at("first_byte_timeout_ms", raw.first_byte_timeout)),
            // LiteLLM's name for how long a stream may be silent.
            chunk_timeout_ms: self.optional_ms(at("chunk_timeout_ms", raw.chunk_timeout.or(raw.stream_timeout))),
            retry_after_ms: self.optional_ms(at("retry_after_ms", raw.retry_after)),
            max_retry_wait_ms: self.optional_ms(at("max_retry_wait_ms", raw.max_retry_wait)),
            allowed_fails: self.number(at("allowed_fails", raw.allowed_fails)),
            cooldown_time_ms: self.optional_ms(at("cooldown_time_ms", raw.cooldown_time)),
            max_error_percent: self.number(at("max_error_percent", raw.max_error_percent)),
            error_window_ms: self.optional_ms(at("error_window_ms", raw.error_window)),
            min_requests: self.number(at("min_requests", raw.min_requests)),
            enable_tag_filtering: raw.enable_tag_filtering,
            tag_match: raw.tag_filtering_match_any.map(|any| if any { TagMatch::Any } else { TagMatch::All }),
            hedge: raw.hedge.map(|hedge| {
                at("hedge.percentile", hedge.percentile.as_ref());
                at("hedge.min_delay_ms", hedge.min_delay.as_ref());
                at("hedge.max_share_percent", hedge.max_share_percent.as_ref());
                self.hedge(hedge)
            }),
            mirror: raw.mirror.and_then(|mirror| {
                at("mirror.model", Some(&mirror.model));
                let percent = self.number(at("mirror.percent", Some(&mirror.percent)))?;
                Some(Mirror { model: mirror.model.as_str().to_owned(), percent })
            }),
            canary: raw.canary.and_then(|canary| {
                at("canary.percent", Some(&canary.percent));
                at("canary.tag", Some(&canary.tag));
                at("canary.max_error_percent", canary.max_error_percent.as_ref());
                at("canary.min_requests", canary.min_requests.as_ref());
                self.canary(canary)
            }),
            queue: raw.queue.and_then(|queue| {
                let max_waiting = self.number(at("queue.max_waiting", queue.max_waiting.as_ref()));
                let max_wait_ms = self.optional_ms(at("queue.max_wait_ms", Some(&queue.max_wait)))?;
                Some(Queue { max_wait_ms, max_waiting: max_waiting.unwrap_or(100) })
            }),
            active_check: raw.active_check.map(|check| {
                let interval_ms = self.optional_ms(at("active_check.interval_ms", check.interval.as_ref()));
                ActiveCheck {
                    kind: check.kind.as_ref().map(|text| self.check_kind(text)).unwrap_or_default(),
                    interval_ms: interval_ms.unwrap_or(300_000),
                }
            }),
            ..RoutingSettings::default()
        };
        (settings, places)
    }

    fn hedge(&mut self, raw: &RawHedge) -> Hedge {
        Hedge {
            enabled: raw.enabled.unwrap_or(true),
            percentile: self.number(raw.percentile.as_ref()).unwrap_or(95),
            min_delay_ms: self.optional_ms(raw.min_delay.as_ref()).unwrap_or(100),
            max_share_percent: self.number(raw.max_share_percent.as_ref()).unwrap_or(5),
        }
    }

    fn canary(&mut self, raw: &RawCanary) -> Option<Canary> {
        Some(Canary {
            deployment_id: None,
            tag: Some(raw.tag.as_str().to_owned()),
            max_error_percent: self.number(raw.max_error_percent.as_ref()).unwrap_or(20),
            min_requests: self.number(raw.min_requests.as_ref()).unwrap_or(20),
            percent: self.number(Some(&raw.percent))?,
        })
    }

    fn check_kind(&mut self, text: &Text) -> ActiveCheckKind {
        match text.as_str() {
            "models" => ActiveCheckKind::Models,
            "call" => ActiveCheckKind::Call,
            other => {
                self.error(text, format!("`{other}` is no kind of check; known are `models` and `call`"));
                ActiveCheckKind::default()
            }
        }
    }

    fn strategy(&mut self, text: &Text) -> Option<Strategy> {
        let known = serde_json::from_value(text.as_str().into()).ok();
        if known.is_none() {
            let names = Strategy::NAMES.iter().map(|(_, name)| *name);
            let hint = match nearest(text.as_str(), names.clone()) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("known are {}", names.collect::<Vec<_>>().join(", ")),
            };
            self.error(text, format!("unknown strategy `{}`; {hint}", text.as_str()));
        }
        known
    }

    /// A whole number that is not negative.
    pub(super) fn number<T: TryFrom<u64>>(&mut self, text: Option<&Text>) -> Option<T> {
        let text = text?;
        let number = text.as_str().replace('_', "").parse::<u64>().ok().and_then(|number| T::try_from(number).ok());
        if number.is_none() {
            self.error(text, format!("`{}` is not a whole number that fits here", text.as_str()));
        }
        number
    }

    /// A limit: nought would be a deployment that can take nothing, which is what `weight: 0` and `blocked` are for.
    pub(super) fn limit<T: TryFrom<u64> + PartialEq + Default>(&mut self, text: Option<&Text>) -> Option<T> {
        let limit = self.number(text)?;
        if let (true, Some(text)) = (limit == T::default(), text) {
            self.error(text, "a limit is 1 or more; leave it out where there is none");
        }
        Some(limit)
    }

    /// Holds the settings of a level against the rules; what is broken is shown where it stands.
    fn judge(&mut self, settings: &RoutingSettings, group: Option<&str>, places: &Places<'_>) {
        for mistake in settings.mistakes(group) {
            let place = places.iter().find(|(field, _)| *field == mistake.field);
            // Settings without a place of their own are made of settings that have one.
            let Some((field, text)) = place.or_else(|| places.first()) else { continue };
            let name = field.strip_suffix("_ms").unwrap_or(field);
            let message = format!("`{name}` {}", mistake.reason);
            self.error(text, message);
        }
    }
}

impl Names<'_> {
    /// The group behind a name.
    fn meant(&self, name: &str) -> String {
        self.aliases.get(name).map_or(name, String::as_str).to_owned()
    }
}

#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;
