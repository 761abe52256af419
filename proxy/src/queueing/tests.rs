//! Lines on a clock that the tests turn.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use deltallm_shared::{control::KeyRecord, ids::KeyId};

use super::*;

const POLICY: routing::Queue = routing::Queue { max_wait_ms: 10_000, max_waiting: 2 };

fn queueing() -> Arc<Queueing> {
    Arc::new(Queueing::new(Arc::new(Metrics::new())))
}

fn asker(figure: u128) -> Asker {
    Asker { class: USUAL_CLASS, team: figure, key: figure }
}

fn far() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

type Wait<'a> = Pin<Box<dyn Future<Output = Result<Turn, QueueRefused>> + 'a>>;

/// Stands in line, and is there when this returns.
fn stand<'a>(queueing: &'a Queueing, who: u128, opens_at: Option<Instant>) -> Wait<'a> {
    let mut wait: Wait<'a> = Box::pin(queueing.wait("m", POLICY, asker(who), far(), opens_at));
    assert!(!is_done(&mut wait));
    wait
}

fn is_done(wait: &mut Wait<'_>) -> bool {
    matches!(poll(wait), Poll::Ready(_))
}

fn poll(wait: &mut Wait<'_>) -> Poll<Result<Turn, QueueRefused>> {
    pin!(wait).poll(&mut Context::from_waker(Waker::noop()))
}

fn counted(queueing: &Queueing) -> String {
    queueing.metrics.print().unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_attempt_lets_one_in_who_lets_the_next_one_look() {
    let queueing = queueing();
    let (mut first, mut second) = (stand(&queueing, 1, None), stand(&queueing, 2, None));
    assert!(queueing.has_line("m") && !queueing.has_line("other"));
    assert!(counted(&queueing).contains("deltallm_queue_waiting{model=\"m\"} 2"));
    queueing.one_ended("m");
    assert!(!is_done(&mut second));
    let Poll::Ready(Ok(turn)) = poll(&mut first) else { panic!("it is its turn") };
    assert!(!is_done(&mut second));
    drop(turn);
    assert!(is_done(&mut second));
    drop(second);
    assert!(!queueing.has_line("m"));
    let counted = counted(&queueing);
    assert!(counted.contains("deltallm_queue_total{outcome=\"let_in\"} 2"), "{counted}");
    assert!(counted.contains("deltallm_queue_waiting{model=\"m\"} 0"), "{counted}");
}

#[tokio::test(start_paused = true)]
async fn one_that_found_no_room_goes_back_before_those_that_came_after_it() {
    let queueing = queueing();
    let mut first = stand(&queueing, 1, None);
    tokio::time::advance(Duration::from_millis(1)).await;
    let mut second = stand(&queueing, 1, None);
    queueing.one_ended("m");
    let Poll::Ready(Ok(turn)) = poll(&mut first) else { panic!("it is its turn") };
    let mut first: Wait<'_> = Box::pin(turn.again(None));
    assert!(!is_done(&mut first) && !is_done(&mut second), "going back lets nobody else in");
    queueing.one_ended("m");
    assert!(!is_done(&mut second) && is_done(&mut first));
}

#[tokio::test(start_paused = true)]
async fn one_that_leaves_when_it_is_let_in_gives_its_turn_away() {
    let queueing = queueing();
    let (first, mut second) = (stand(&queueing, 1, None), stand(&queueing, 2, None));
    queueing.one_ended("m");
    drop(first);
    assert!(is_done(&mut second));
    assert!(counted(&queueing).contains("deltallm_queue_total{outcome=\"left\"} 1"));
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_its_time_and_a_line_has_an_end() {
    let queueing = queueing();
    let began = Instant::now();
    let (first, second) = (stand(&queueing, 1, Some(far())), stand(&queueing, 1, Some(far())));
    let third = queueing.wait("m", POLICY, asker(1), far(), None).await;
    assert_eq!(third.err(), Some(QueueRefused::Full));
    let displaced = stand(&queueing, 2, Some(far()));
    assert_eq!(second.await.err(), Some(QueueRefused::Full), "somebody who has less got its place");
    assert_eq!((first.await.err(), displaced.await.err()), (Some(QueueRefused::TimeUp), Some(QueueRefused::TimeUp)));
    assert_eq!(began.elapsed(), Duration::from_millis(POLICY.max_wait_ms));
    let own = queueing.wait("m", POLICY, asker(1), Instant::now() + Duration::from_secs(1), Some(far())).await;
    assert_eq!(own.err(), Some(QueueRefused::TimeUp));
    assert_eq!(
        began.elapsed(),
        Duration::from_millis(POLICY.max_wait_ms + 1000),
        "the request's own deadline counts too"
    );
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_limit_lets_one_in() {
    let queueing = queueing();
    let began = Instant::now();
    let later = stand(&queueing, 1, Some(began + Duration::from_secs(7)));
    let sooner = stand(&queueing, 2, Some(began + Duration::from_secs(3)));
    let turn = later.await.unwrap();
    assert_eq!((began.elapsed(), turn.waited()), (Duration::from_secs(3), Duration::from_secs(3)));
    drop(turn);
    assert!(sooner.await.is_ok());
    assert_eq!(began.elapsed(), Duration::from_secs(3));
}

#[test]
fn a_key_may_step_back_and_not_push_forward() {
    let record: KeyRecord =
        serde_json::from_value(serde_json::json!({ "id": KeyId::new(), "name": "k", "hash": "00".repeat(32) }))
            .unwrap();
    let key = Principal::Key { key: Arc::new(record), organization_id: None };
    let class = |principal: &Principal, said: &'static str| {
        let headers = HeaderMap::from_iter([(PRIORITY_HEADER.parse().unwrap(), said.parse().unwrap())]);
        Asker::of(principal, &headers).map(|asker| asker.class).map_err(|error| error.status())
    };
    assert_eq!([class(&key, "0"), class(&key, "5"), class(&key, "8")], [Ok(5), Ok(5), Ok(8)]);
    assert_eq!([class(&Principal::Master, "0"), class(&key, "10"), class(&key, "soon")], [Ok(0), Err(400), Err(400)]);
    assert_eq!(Asker::of(&key, &HeaderMap::new()).map(|asker| asker.class), Ok(5));
}
