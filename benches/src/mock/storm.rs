//! Bad weather: a share of the requests fails, each time in another way, so that a gateway meets all kinds of faults in one run.

use super::options::MockOptions;

/// What the N-th failure is; then it starts anew.
const WAYS: [fn(&mut MockOptions); 7] = [
    |options| options.status = 500,
    |options| options.reset_before_headers = true,
    |options| options.status = 503,
    // Before any content: a stream has only said who speaks, an unstreamed answer is half there.
    |options| options.reset_after_chunks = Some(0),
    |options| options.status = 529,
    |options| options.close_after_chunks = Some(0),
    |options| {
        options.status = 429;
        options.retry_after = options.retry_after.or(Some(1));
    },
];

/// The options of the `nth` request with the same tag, from 1: its own, or with a fault where it is hit.
pub fn blow(mut options: MockOptions, nth: u64) -> MockOptions {
    let Some(every) = options.storm.map(u64::from) else { return options };
    if nth > 0 && nth.is_multiple_of(every) {
        let ways = u64::try_from(WAYS.len()).unwrap_or(1);
        let way = usize::try_from((nth / every - 1) % ways).unwrap_or(0);
        if let Some(spoil) = WAYS.get(way) {
            spoil(&mut options);
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_nth_request_fails_and_all_ways_come_up() {
        let options = MockOptions { storm: Some(5), ..MockOptions::default() };
        let failed: Vec<(u64, MockOptions)> =
            (1..=35).map(|nth| (nth, blow(options.clone(), nth))).filter(|(_, blown)| *blown != options).collect();
        assert_eq!(failed.iter().map(|(nth, _)| *nth).collect::<Vec<_>>(), [5, 10, 15, 20, 25, 30, 35]);
        let statuses: Vec<u16> = failed.iter().map(|(_, options)| options.status).collect();
        assert_eq!(statuses, [500, 200, 503, 200, 529, 200, 429]);
        assert_eq!(blow(MockOptions::default(), 5), MockOptions::default());
    }
}
