//! Replicas on one board, with the board in memory.

use deltallm_routing::stats::{Ending, HealthState};
use deltallm_shared::{config::Config, control::DeploymentRecord, routing::Fault};

use super::*;
use crate::snapshot::{Deployment, Group, Snapshot};

/// A board that can be out of reach, with a clock of its own.
#[derive(Clone, Default)]
struct Board(Arc<Mutex<Standing>>);

#[derive(Default)]
struct Standing {
    now_ms: u64,
    fields: HashMap<String, String>,
    is_down: bool,
}

impl NewsBoard for Board {
    async fn exchange(&mut self, writes: &[(String, String)], removals: &[String]) -> Result<Heard, Unreachable> {
        let mut board = self.0.lock();
        if board.is_down {
            return Err(Unreachable);
        }
        for field in removals {
            board.fields.remove(field);
        }
        board.fields.extend(writes.iter().cloned());
        Ok(Heard { now_ms: board.now_ms, fields: board.fields.clone() })
    }
}

struct Replica {
    shared: SharedHealth,
    listener: Listener,
    deployment: Arc<Deployment>,
}

impl Replica {
    fn new(name: &str, id: DeploymentId) -> Self {
        let record = serde_json::json!({ "id": id, "model_name": "m", "provider": "mock", "upstream_model": "echo" });
        let record: DeploymentRecord = serde_json::from_value(record).unwrap();
        let deployment =
            Arc::new(Deployment::compile(&record, Default::default(), Config::default().drop_params).unwrap());
        let group = Group::new("m".to_owned(), vec![Arc::clone(&deployment)], Default::default());
        let live = Arc::new(Live::default());
        let models = HashMap::from([("m".to_owned(), Arc::new(group))]);
        live.snapshot.store(Arc::new(Snapshot { models, ..Snapshot::default() }));
        Self { shared: SharedHealth::new(live, name.to_owned()), listener: Listener::default(), deployment }
    }

    async fn turn(&mut self, board: &Board) {
        self.shared.turn(&mut board.clone(), &mut self.listener).await;
    }

    /// One attempt, with its news told.
    fn attempt(&self, ending: Ending) {
        let stats = &self.deployment.stats;
        let begun = stats.begin(now(), 1);
        if let Some(transition) = stats.end(now(), begun, ending, &Default::default()) {
            self.shared.changed(self.deployment.id, "m", transition);
        }
    }

    fn fail(&self) {
        for _ in 0..3 {
            self.attempt(Ending::Failed { fault: Fault::Server, retry_after: None });
        }
    }

    fn state(&self) -> HealthState {
        self.deployment.stats.state(now())
    }
}

fn two() -> (Board, Replica, Replica) {
    let id = DeploymentId::new();
    let board = Board::default();
    board.0.lock().now_ms = 1_795_477_243_000;
    (board, Replica::new("a", id), Replica::new("b", id))
}

const WELL: Ending = Ending::Answered { first_token: None, total: Duration::from_millis(5), tokens: 1 };

#[tokio::test]
async fn what_one_finds_the_other_hears() {
    let (board, mut a, mut b) = two();
    a.fail();
    a.turn(&board).await;
    b.turn(&board).await;
    assert_eq!(b.state(), HealthState::SetAside);
    let report = b.deployment.stats.report(now());
    assert!((29_000..=30_000).contains(&report.set_aside_for_ms.unwrap()), "{report:?}");
    // The last one of a group is asked all the same; here it answers.
    b.attempt(WELL);
    b.turn(&board).await;
    a.turn(&board).await;
    assert_eq!((a.state(), b.state()), (HealthState::Healthy, HealthState::Healthy));
}

#[tokio::test]
async fn a_limit_is_heard_and_outlives_a_recovery() {
    let (board, mut a, mut b) = two();
    a.attempt(Ending::Failed { fault: Fault::RateLimit, retry_after: Some(Duration::from_secs(90)) });
    a.fail();
    a.turn(&board).await;
    b.turn(&board).await;
    b.attempt(WELL);
    b.turn(&board).await;
    a.turn(&board).await;
    assert_eq!((a.state(), b.state()), (HealthState::Limited, HealthState::Limited));
}

#[tokio::test]
async fn what_cannot_be_told_is_told_later_in_its_latest_form() {
    let (board, mut a, mut b) = two();
    board.0.lock().is_down = true;
    a.fail();
    a.turn(&board).await;
    b.turn(&board).await;
    assert_eq!(b.state(), HealthState::Healthy);
    board.0.lock().is_down = false;
    a.turn(&board).await;
    b.turn(&board).await;
    assert_eq!(b.state(), HealthState::SetAside);
    board.0.lock().is_down = true;
    a.attempt(WELL);
    a.turn(&board).await;
    a.fail();
    a.turn(&board).await;
    a.attempt(WELL);
    board.0.lock().is_down = false;
    a.turn(&board).await;
    b.turn(&board).await;
    assert_eq!(b.state(), HealthState::Healthy);
}

#[tokio::test]
async fn old_news_do_nothing_and_go_in_the_end() {
    let (board, mut a, mut b) = two();
    a.fail();
    a.turn(&board).await;
    board.0.lock().now_ms += 31_000;
    b.turn(&board).await;
    assert_eq!(b.state(), HealthState::Healthy);
    board.0.lock().now_ms += KEPT_MS;
    b.turn(&board).await;
    b.turn(&board).await;
    assert_eq!(board.0.lock().fields, HashMap::new());
}

#[tokio::test]
async fn news_of_a_deployment_that_comes_later_are_heard_then() {
    let (board, mut a, mut b) = two();
    a.fail();
    a.turn(&board).await;
    let served = b.shared.live.snapshot.swap(Arc::default());
    b.turn(&board).await;
    b.shared.live.snapshot.store(served);
    b.turn(&board).await;
    assert_eq!(b.state(), HealthState::SetAside);
}

#[tokio::test]
async fn nonsense_on_the_board_is_passed_over() {
    let (board, _, mut b) = two();
    let id = b.deployment.id;
    let nonsense = [
        (format!("{id}:set_aside"), "soon 1 x y"),
        (format!("{id}:limited"), "9"),
        (format!("{id}:other"), "1 1 x y"),
        ("nobody".to_owned(), "1 1 x y"),
        (format!("{id}"), ""),
    ];
    board.0.lock().fields.extend(nonsense.map(|(field, value)| (field, value.to_owned())));
    b.turn(&board).await;
    assert_eq!(b.state(), HealthState::Healthy);
}
