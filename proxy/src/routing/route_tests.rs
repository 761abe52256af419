use std::time::Duration;

use deltallm_shared::{
    ids::DeploymentId,
    routing::{EffectiveRouting, Fault, RoutingSettings},
};

use super::*;
use crate::{routing::now, snapshot::Deployment};

/// A snapshot of groups, each with its settings and the names of its deployments, which are asked in their order.
struct World {
    snapshot: Snapshot,
    log: RouteLog,
}

fn deployment(group: &str, name: &str, tier: usize) -> Arc<Deployment> {
    let record = serde_json::json!({
        "id": DeploymentId::from_text(name), "model_name": group, "provider": "mock", "upstream_model": name, "priority": tier,
    });
    Arc::new(Deployment::compile(&serde_json::from_value(record).unwrap(), Default::default(), false).unwrap())
}

impl World {
    fn of(groups: &[(&str, &[&str], &str)]) -> Self {
        let mut snapshot = Snapshot::default();
        for (name, deployments, settings) in groups {
            let mut settings: RoutingSettings = serde_json::from_str(settings).unwrap();
            settings.strategy = Some(deltallm_shared::routing::Strategy::PriorityBased);
            let deployments = deployments.iter().enumerate().map(|(tier, one)| deployment(name, one, tier)).collect();
            let group = Group::new((*name).to_owned(), deployments, EffectiveRouting::of(&settings));
            snapshot.models.insert((*name).to_owned(), Arc::new(group));
        }
        Self { snapshot, log: RouteLog::new(std::time::Instant::now()) }
    }

    fn route(&self, overrides: Overrides) -> Route {
        Route::set_out(Arc::clone(self.snapshot.group("a").unwrap()), None, overrides, Facts::default())
    }

    fn set_aside(&self, group: &str, name: &str) {
        let found = self.snapshot.group(group).unwrap().iter().find(|one| one.upstream_model == name).cloned();
        found.unwrap().stats.told(Some(now().after(Duration::from_mins(1))), None);
    }

    fn first(&mut self, route: &mut Route) -> String {
        let next = route.first(&self.snapshot, &mut self.log, |_| Ok(())).map_err(ApiError::from).unwrap();
        next.deployment.upstream_model.clone()
    }

    /// Who is asked after each of these faults, with a `~` where it is waited before.
    fn after(&mut self, route: &mut Route, faults: &[Fault]) -> Vec<String> {
        let mut asked = Vec::new();
        for fault in faults {
            let (left, snapshot) = (Duration::from_mins(1), &self.snapshot);
            let Some(next) = route.after((*fault, None), left, snapshot, &mut self.log, |_| Ok(())) else { break };
            let wait = if next.wait.is_zero() { "" } else { "~" };
            asked.push(format!("{wait}{}", next.deployment.upstream_model));
        }
        asked
    }
}

const FOUR: [Fault; 4] = [Fault::Server; 4];

#[test]
fn the_group_then_those_who_stand_in_then_the_same_after_a_wait() {
    let settings = r#"{"num_retries":2,"fallbacks":["b","c"]}"#;
    let mut world = World::of(&[("a", &["a1", "a2"], settings), ("b", &["b1"], "{}"), ("c", &["c1"], "{}")]);
    let mut route = world.route(Overrides::default());
    assert_eq!(world.first(&mut route), "a1");
    let asked = world.after(&mut route, &[Fault::Server; 9]);
    assert_eq!(asked[..3], ["a2", "b1", "c1"]);
    assert_eq!(asked.len(), 4, "three of the group, and one for each that stands in: {asked:?}");
    assert!(asked[3].starts_with('~'), "{asked:?}");
}

#[test]
fn without_retries_those_who_stand_in_have_one_attempt_each() {
    let mut world =
        World::of(&[("a", &["a1", "a2"], r#"{"num_retries":0,"fallbacks":["b"]}"#), ("b", &["b1", "b2"], "{}")]);
    let mut route = world.route(Overrides::default());
    world.first(&mut route);
    assert_eq!(world.after(&mut route, &FOUR), ["b1"]);
}

#[test]
fn a_wait_for_one_that_is_well_is_better_than_one_that_is_set_aside() {
    let mut world = World::of(&[("a", &["a1", "a2"], r#"{"num_retries":1}"#)]);
    world.set_aside("a", "a2");
    let mut route = world.route(Overrides::default());
    assert_eq!(world.first(&mut route), "a1");
    assert_eq!(world.after(&mut route, &FOUR), ["~a1"]);
}

#[test]
fn where_waiting_does_not_help_one_that_is_set_aside_is_asked() {
    let mut world = World::of(&[("a", &["a1", "a2"], "{}")]);
    world.set_aside("a", "a2");
    let mut route = world.route(Overrides::default());
    world.first(&mut route);
    assert_eq!(world.after(&mut route, &[Fault::Auth]), ["a2"]);
}

#[test]
fn who_stands_in_comes_before_a_group_that_is_set_aside_whole() {
    let mut world = World::of(&[("a", &["a1"], r#"{"fallbacks":["b"]}"#), ("b", &["b1"], "{}")]);
    world.set_aside("a", "a1");
    let mut route = world.route(Overrides::default());
    assert_eq!(world.first(&mut route), "b1");
    assert_eq!((route.group().name.as_str(), route.fallback()), ("b", Some(FallbackKind::General)));
    assert_eq!(route.take_new_fallback(), Some(FallbackKind::General));
    assert_eq!(route.take_new_fallback(), None, "counted once");
}

#[test]
fn a_group_that_was_not_well_at_first_is_not_lost() {
    let mut world = World::of(&[("a", &["a1"], r#"{"num_retries":0,"fallbacks":["b"]}"#), ("b", &["b1"], "{}")]);
    world.set_aside("a", "a1");
    world.set_aside("b", "b1");
    let mut route = world.route(Overrides::default());
    assert_eq!(world.first(&mut route), "a1", "the last one of a group is asked all the same");
    world.snapshot.group("b").unwrap().iter().for_each(|one| one.stats.told(None, None));
    assert_eq!(world.after(&mut route, &FOUR), ["b1"]);
}

#[test]
fn each_kind_has_its_own_list_before_the_general_one() {
    let settings = r#"{"fallbacks":["c"],"context_window_fallbacks":["b"]}"#;
    let groups: [(&str, &[&str], &str); 3] =
        [("a", &["a1", "a2"], settings), ("b", &["b1"], "{}"), ("c", &["c1"], "{}")];
    let mut world = World::of(&groups);
    for (fault, expected) in
        [(Fault::ContextWindow, &["b1", "c1"][..]), (Fault::ContentPolicy, &["c1"]), (Fault::BadRequest, &[])]
    {
        let mut route = world.route(Overrides::default());
        world.first(&mut route);
        assert_eq!(world.after(&mut route, &[fault, fault, fault]), expected, "{fault:?}");
    }
}

#[test]
fn a_caller_says_where_to_go_or_nowhere() {
    let mut world = World::of(&[
        ("a", &["a1"], r#"{"num_retries":0,"fallbacks":["b"]}"#),
        ("b", &["b1"], "{}"),
        ("c", &["c1"], "{}"),
    ]);
    for (named, expected) in [(vec!["c".to_owned()], &["c1"][..]), (Vec::new(), &[])] {
        let mut route = world.route(Overrides { fallbacks: Some(named), ..Overrides::default() });
        world.first(&mut route);
        assert_eq!(world.after(&mut route, &FOUR), expected);
    }
}

#[test]
fn what_one_deployment_has_is_asked_of_it_alone() {
    let mut world = World::of(&[("a", &["a1", "a2"], r#"{"fallbacks":["b"]}"#), ("b", &["b1"], "{}")]);
    let group = Arc::clone(world.snapshot.group("a").unwrap());
    let pinned = group.get(1).cloned();
    let mut route = Route::set_out(group, pinned.clone(), Overrides::default(), Facts::default());
    assert_eq!(world.first(&mut route), "a2");
    assert_eq!(world.after(&mut route, &[Fault::Server, Fault::Auth]), ["~a2"]);
    let mut once = Route::once(pinned.unwrap(), Facts::default());
    assert_eq!(world.after(&mut once, &FOUR), Vec::<String>::new(), "asking twice could do a thing twice");
}
