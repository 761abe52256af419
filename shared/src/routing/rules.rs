//! What settings may not say. One list of rules for `config.yaml` and for the API.

use std::collections::HashSet;

use super::{RouteTrace, RoutingSettings};

/// One rule that is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The setting, as the API names it: `hedge.percentile`.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

const DAY_MS: u64 = 86_400_000;
const HOUR_MS: u64 = 3_600_000;
/// Longer lists of fallbacks help nobody: the trace would not even show their ends.
const MAX_FALLBACKS: usize = RouteTrace::MAX_STEPS;
const MAX_NAME_CHARS: usize = 200;

impl RoutingSettings {
    /// Every rule that these settings break. `group`: whose they are; `None`: the router's.
    pub fn mistakes(&self, group: Option<&str>) -> Vec<Mistake> {
        let mut found = Found(Vec::new());
        found.range("num_retries", self.num_retries, 0, RouteTrace::MAX_STEPS as u64);
        for (field, value, least, most) in [
            ("timeout_ms", self.timeout_ms, 1, DAY_MS),
            ("connect_timeout_ms", self.connect_timeout_ms, 1, HOUR_MS),
            ("first_byte_timeout_ms", self.first_byte_timeout_ms, 1, DAY_MS),
            ("chunk_timeout_ms", self.chunk_timeout_ms, 1, DAY_MS),
            ("retry_after_ms", self.retry_after_ms, 0, HOUR_MS),
            ("max_retry_wait_ms", self.max_retry_wait_ms, 0, HOUR_MS),
            ("cooldown_time_ms", self.cooldown_time_ms, 0, DAY_MS),
            ("error_window_ms", self.error_window_ms, 1000, HOUR_MS),
        ] {
            found.range(field, value, least, most);
        }
        found.range("max_error_percent", self.max_error_percent, 1, 100);
        found.range("min_requests", self.min_requests, 1, 1_000_000);
        self.lists(group, &mut found);
        self.traffic(group, &mut found);
        found.0
    }

    fn lists(&self, group: Option<&str>, found: &mut Found) {
        for (field, list) in [
            ("fallbacks", &self.fallbacks),
            ("context_window_fallbacks", &self.context_window_fallbacks),
            ("content_policy_fallbacks", &self.content_policy_fallbacks),
            ("default_fallbacks", &self.default_fallbacks),
        ] {
            let Some(list) = list else { continue };
            if list.len() > MAX_FALLBACKS {
                found.add(field, format!("may name {MAX_FALLBACKS} groups at most"));
            }
            let mut seen = HashSet::new();
            for name in list {
                found.name(field, name);
                if group == Some(name) {
                    found.add(field, format!("leads from `{name}` back to itself"));
                } else if !seen.insert(name) {
                    found.add(field, format!("names `{name}` twice"));
                }
            }
        }
        if group.is_some() && self.default_fallbacks.is_some() {
            found.add("default_fallbacks", "is of the router; a group has `fallbacks`".to_owned());
        }
    }

    fn traffic(&self, group: Option<&str>, found: &mut Found) {
        if let Some(hedge) = &self.hedge {
            found.range("hedge.percentile", Some(hedge.percentile), 50, 99);
            found.range("hedge.max_share_percent", Some(hedge.max_share_percent), 0, 100);
            found.range("hedge.min_delay_ms", Some(hedge.min_delay_ms), 0, HOUR_MS);
        }
        if let Some(mirror) = &self.mirror {
            found.name("mirror.model", &mirror.model);
            found.range("mirror.percent", Some(mirror.percent), 0, 100);
            if group == Some(&mirror.model) {
                found.add("mirror.model", format!("cannot be `{}` itself", mirror.model));
            }
        }
        if let Some(canary) = &self.canary {
            found.range("canary.percent", Some(canary.percent), 0, 100);
            found.range("canary.max_error_percent", Some(canary.max_error_percent), 1, 100);
            found.range("canary.min_requests", Some(canary.min_requests), 1, 1_000_000);
            match (canary.deployment_id, canary.tag.as_deref()) {
                (None, None) => found.add("canary", "names what is on trial: `deployment_id` or `tag`".to_owned()),
                (Some(_), Some(_)) => found.add("canary", "names either `deployment_id` or `tag`".to_owned()),
                (Some(_), None) if group.is_none() => {
                    found.add("canary.deployment_id", "is of a group; a router's canary has a `tag`".to_owned());
                }
                (None, Some(tag)) => found.name("canary.tag", tag),
                (Some(_), None) => {}
            }
        }
        if let Some(queue) = &self.queue {
            found.range("queue.max_wait_ms", Some(queue.max_wait_ms), 0, HOUR_MS);
            found.range("queue.max_waiting", Some(queue.max_waiting), 1, 100_000);
        }
        if let Some(check) = &self.active_check {
            found.range("active_check.interval_ms", Some(check.interval_ms), 1000, DAY_MS);
        }
    }
}

struct Found(Vec<Mistake>);

impl Found {
    fn add(&mut self, field: &'static str, reason: String) {
        self.0.push(Mistake { field, reason });
    }

    fn range(&mut self, field: &'static str, value: Option<impl Into<u64>>, least: u64, most: u64) {
        if value.map(Into::into).is_some_and(|value| !(least..=most).contains(&value)) {
            let unit = if field.ends_with("_ms") { " ms" } else { "" };
            self.add(field, format!("lies between {least} and {most}{unit}"));
        }
    }

    fn name(&mut self, field: &'static str, name: &str) {
        let is_long = name.chars().count() > MAX_NAME_CHARS;
        if name.trim().is_empty() || is_long || name.chars().any(char::is_control) {
            self.add(
                field,
                format!("holds a name that is empty, longer than {MAX_NAME_CHARS} characters or not of one line"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(settings: &str, group: Option<&str>) -> Vec<&'static str> {
        let settings: RoutingSettings = serde_json::from_str(settings).unwrap();
        settings.mistakes(group).into_iter().map(|mistake| mistake.field).collect()
    }

    #[test]
    fn each_rule_names_its_field() {
        for (settings, field) in [
            (r#"{"num_retries":21}"#, "num_retries"),
            (r#"{"timeout_ms":0}"#, "timeout_ms"),
            (r#"{"max_error_percent":101}"#, "max_error_percent"),
            (r#"{"fallbacks":["a"]}"#, "fallbacks"),
            (r#"{"content_policy_fallbacks":["b","b"]}"#, "content_policy_fallbacks"),
            (r#"{"context_window_fallbacks":[" "]}"#, "context_window_fallbacks"),
            (r#"{"default_fallbacks":["b"]}"#, "default_fallbacks"),
            (r#"{"hedge":{"percentile":100}}"#, "hedge.percentile"),
            (r#"{"hedge":{"max_share_percent":101}}"#, "hedge.max_share_percent"),
            (r#"{"mirror":{"model":"a","percent":1}}"#, "mirror.model"),
            (r#"{"mirror":{"model":"b","percent":101}}"#, "mirror.percent"),
            (r#"{"canary":{"percent":1}}"#, "canary"),
            (r#"{"canary":{"tag":"new","percent":101}}"#, "canary.percent"),
            (r#"{"queue":{"max_wait_ms":1,"max_waiting":0}}"#, "queue.max_waiting"),
            (r#"{"active_check":{"interval_ms":1}}"#, "active_check.interval_ms"),
        ] {
            assert_eq!(fields(settings, Some("a")), [field], "{settings}");
        }
        let canary = r#"{"canary":{"deployment_id":"0198f3c1-0000-7000-8000-000000000000","percent":1}}"#;
        assert_eq!(fields(canary, None), ["canary.deployment_id"]);
    }

    #[test]
    fn settings_without_a_mistake_have_none() {
        let group = r#"{"num_retries":0,"fallbacks":["b","c"],"hedge":{},"canary":{"tag":"new","percent":5}}"#;
        assert!(fields(group, Some("a")).is_empty());
        assert!(fields(r#"{"default_fallbacks":["a"],"mirror":{"model":"b","percent":1}}"#, None).is_empty());
        assert!(RoutingSettings::default().mistakes(None).is_empty());
    }
}
