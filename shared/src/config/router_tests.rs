//! What a file may say of routing, and what it is told otherwise.

use std::path::Path;

use crate::{
    config::{Config, check_text},
    routing::{ActiveCheck, ActiveCheckKind, EffectiveRouting, Strategy, TagMatch},
};

const MODELS: &str = "
model_list:
  - { model_name: a, deltallm_params: { model: mock/echo } }
  - { model_name: b, deltallm_params: { model: mock/echo } }
  - { model_name: c, deltallm_params: { model: mock/echo } }
";

fn read(text: &str) -> Result<Config, Vec<String>> {
    let text = format!("{}\n{text}", MODELS.trim());
    let result = check_text(&text, Path::new("config.yaml"), &|_: &str| None);
    result.map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn names(list: Option<&Vec<String>>) -> Vec<&str> {
    list.into_iter().flatten().map(String::as_str).collect()
}

#[test]
fn every_setting_of_a_router_is_read() {
    let config = read(
        "
router_settings:
  routing_strategy: usage-based-routing-v2
  num_retries: 3
  timeout: 90s
  stream_timeout: 20
  connect_timeout: 2s
  first_byte_timeout: 15s
  retry_after: 500ms
  max_retry_wait: 10s
  allowed_fails: 5
  cooldown_time: 45
  max_error_percent: 40
  error_window: 2m
  min_requests: 10
  enable_tag_filtering: true
  tag_filtering_match_any: true
  hedge: { percentile: 90, min_delay: 200ms, max_share_percent: 3 }
  mirror: { model: c, percent: 2 }
  canary: { tag: new, percent: 5 }
  queue: { max_wait: 3s }
  active_check: { kind: call, interval: 1m }
",
    )
    .unwrap();
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    assert_eq!(config.request_timeout.as_secs(), 90);
    let effective = EffectiveRouting::of(&config.routing);
    assert_eq!((effective.strategy, effective.retry.num_retries), (Strategy::UsageBased, 3));
    let timers = effective.timers;
    assert_eq!((timers.total.as_secs(), timers.connect.as_secs()), (90, 2));
    assert_eq!(timers.first_byte.zip(timers.chunk).map(|(a, b)| (a.as_secs(), b.as_secs())), Some((15, 20)));
    assert_eq!((effective.retry.base_wait.as_millis(), effective.retry.max_wait.as_millis()), (500, 10_000));
    let circuit = effective.circuit;
    assert_eq!((circuit.allowed_fails, circuit.cooldown.as_secs(), circuit.max_error_percent), (5, 45, 40));
    assert_eq!((circuit.window.as_secs(), circuit.min_requests), (120, 10));
    assert_eq!((effective.filters_tags, effective.tag_match), (true, TagMatch::Any));
    assert_eq!(effective.hedge.map(|hedge| (hedge.percentile, hedge.max_share_percent)), Some((90, 3)));
    assert_eq!(effective.mirror.map(|mirror| (mirror.model, mirror.percent)), Some(("c".to_owned(), 2)));
    assert_eq!(effective.canary.map(|canary| (canary.tag, canary.percent)), Some((Some("new".to_owned()), 5)));
    assert_eq!(effective.queue.map(|queue| (queue.max_wait_ms, queue.max_waiting)), Some((3000, 100)));
    assert_eq!(effective.active_check, Some(ActiveCheck { kind: ActiveCheckKind::Call, interval_ms: 60_000 }));
}

#[test]
fn fallbacks_in_litellms_shape_belong_to_their_groups_and_the_star_to_all() {
    let config = read(
        "
router_settings:
  model_group_alias: { second: b }
  fallbacks: [ { a: [second, c] }, { '*': [c] } ]
  context_window_fallbacks: [ { a: c } ]
  content_policy_fallbacks: [ { b: [] } ]
  group_settings:
    b: { num_retries: 0, fallbacks: [] }
    c: { routing_strategy: least-busy, fallbacks: [a] }
",
    )
    .unwrap();
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    assert_eq!(names(config.routing.default_fallbacks.as_ref()), ["c"]);
    assert_eq!(names(config.group_routing["a"].fallbacks.as_ref()), ["b", "c"], "an alias is its group");
    assert_eq!(names(config.group_routing["a"].context_window_fallbacks.as_ref()), ["c"]);
    let b = EffectiveRouting::of(&config.group_routing["b"].over(&config.routing));
    assert!(b.general_fallbacks.is_empty(), "an empty list is a list: {b:?}");
    assert_eq!(b.retry.num_retries, 0);
    let c = EffectiveRouting::of(&config.group_routing["c"].over(&config.routing));
    assert_eq!((c.strategy, c.general_fallbacks), (Strategy::LeastBusy, vec!["a".to_owned()]));
}

#[test]
fn the_products_section_serves_where_the_router_says_nothing() {
    let config = read(
        "
litellm_settings:
  num_retries: 7
  request_timeout: 40
  allowed_fails: 1
  default_fallbacks: [c]
  fallbacks: [ { a: [b] }, { b: [a] } ]
router_settings: { num_retries: 1, fallbacks: [ { a: [c] } ] }
general_settings: { background_health_checks: true, health_check_interval: 120 }
",
    )
    .unwrap();
    let router = &config.routing;
    assert_eq!((router.num_retries, router.timeout_ms, router.allowed_fails), (Some(1), Some(40_000), Some(1)));
    assert_eq!(names(config.group_routing["a"].fallbacks.as_ref()), ["c"]);
    assert_eq!(names(config.group_routing["b"].fallbacks.as_ref()), ["a"]);
    assert_eq!(names(router.default_fallbacks.as_ref()), ["c"]);
    let check = ActiveCheck { kind: ActiveCheckKind::Models, interval_ms: 120_000 };
    assert_eq!(router.active_check, Some(check), "their checks cost money, ours do not");
}

#[test]
fn a_deployments_limits_and_tier_are_read() {
    let text = "
model_list:
  - { model_name: a, litellm_params: { model: mock/echo, rpm: 600, tpm: 100_000, max_parallel_requests: 8, order: 2 } }
";
    let config = check_text(text, Path::new("config.yaml"), &|_: &str| None).unwrap();
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    let record = &config.deployments[0].record;
    assert_eq!((record.rpm, record.tpm, record.max_parallel_requests), (Some(600), Some(100_000), Some(8)));
    assert_eq!(record.priority, 2);
}

#[test]
fn what_cannot_be_is_an_error_with_its_place() {
    for (text, expected) in [
        (
            "router_settings: { routing_strategy: least-bussy }",
            "5:38: unknown strategy `least-bussy`; did you mean `least-busy`?",
        ),
        ("router_settings: { num_retries: -1 }", "5:33: `-1` is not a whole number that fits here"),
        ("router_settings: { num_retries: 99 }", "5:33: `num_retries` lies between 0 and 20"),
        ("router_settings: { max_error_percent: 101 }", "5:39: `max_error_percent` lies between 1 and 100"),
        ("router_settings: { timeout: 0 }", "5:29: `timeout` lies between 1 and 86400000 ms"),
        ("router_settings: { canary: { tag: x, percent: 101 } }", "5:47: `canary.percent` lies between 0 and 100"),
        (
            "router_settings: { mirror: { model: b, percent: lots } }",
            "5:49: `lots` is not a whole number that fits here",
        ),
        ("router_settings: { hedge: { percentile: 20 } }", "5:41: `hedge.percentile` lies between 50 and 99"),
        (
            "router_settings: { active_check: { kind: ping } }",
            "5:42: `ping` is no kind of check; known are `models` and `call`",
        ),
        ("router_settings: { fallbacks: [ { a: [b, a] } ] }", "5:39: `fallbacks` leads from `a` back to itself"),
        (
            "router_settings: { group_settings: { a: { fallbacks: [a] } } }",
            "5:55: `fallbacks` leads from `a` back to itself",
        ),
        (
            "router_settings: { group_settings: { a: { mirror: { model: a, percent: 1 } } } }",
            "5:60: `mirror.model` cannot be `a` itself",
        ),
        (
            "router_settings: { group_settings: { a: { num_retrys: 1 } } }",
            "5:43: unknown key `num_retrys`; did you mean `num_retries`?",
        ),
    ] {
        let errors = read(text).unwrap_err();
        assert_eq!(errors, [format!("config.yaml:{expected}")], "{text}");
    }
}

#[test]
fn a_model_that_may_be_in_the_database_is_a_warning() {
    let config =
        read("router_settings: { fallbacks: [ { a: [elsewhere] } ], group_settings: { d: { num_retries: 1 } } }");
    let warnings: Vec<_> = config.unwrap().warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "config.yaml:5:39: no model `elsewhere` in this file; it has to be in the database",
            "config.yaml:5:91: `group_settings` are for `d`, and no model of this file has that name",
        ]
    );
}

#[test]
fn the_examples_of_the_documentation_load() {
    let text = include_str!("../../../docs/routing.md");
    let examples: Vec<_> = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), 2);
    let variable = |name: &str| name.ends_with("_API_KEY").then(|| "sk-from-the-environment".to_owned());
    for example in examples {
        let config = check_text(example, Path::new("docs/routing.md"), &variable).unwrap();
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    }
}
