//! Every fault of a provider, streamed and not, alone, beside a deployment that works, and with a group to fall back to.

use std::fmt;

use deltallm_tests::{Caller, Deployment, MASTER_KEY, MODEL, Place, Reading, SpendRow, System};
use futures_util::StreamExt as _;

/// What a client may expect of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// The whole text after so many attempts.
    Whole(u32),
    /// An error answer with this status and code after so many attempts.
    Error(u16, &'static str, u32),
    /// 200, a part of the text, and an error with this code as the last event.
    Broken(&'static str),
}
use Expected::{Broken, Error, Whole};

/// A fault, and what becomes of it.
struct Row {
    name: &'static str,
    /// The options of the faulty deployment.
    options: &'static str,
    place: Place,
    /// With nobody else to ask: unstreamed, streamed.
    alone: [Expected; 2],
    /// With another deployment of the group, or with another group: unstreamed, streamed.
    spared: [Expected; 2],
    /// A pooled connection that breaks off at once may only be stale: it is asked again over another one.
    looks_stale: bool,
}

const fn row(name: &'static str, options: &'static str, alone: [Expected; 2], spared: [Expected; 2]) -> Row {
    Row { name, options, place: Place::Mock, alone, spared, looks_stale: false }
}

const fn place(name: &'static str, place: Place) -> Row {
    let alone = Error(502, "upstream_error", 3);
    Row { name, options: "chunks=4", place, alone: [alone; 2], spared: [Whole(2); 2], looks_stale: false }
}

const SERVER: Expected = Error(502, "upstream_error", 3);
const SLOW: Expected = Error(504, "upstream_timeout", 3);
const BUSY: Expected = Error(503, "upstream_overloaded", 3);
const LIMITED_FOR_LONG: Expected = Error(429, "rate_limit_exceeded", 1);
const LIMITED: Expected = Error(429, "rate_limit_exceeded", 3);
const CUT: Expected = Broken("upstream_error");
const SILENT: Expected = Broken("upstream_timeout");

/// The matrix. Three attempts are the first and `num_retries: 2`; what is spared took one of the faulty, one of the other.
static ROWS: [Row; 16] = [
    place("refused", Place::Closed),
    place("dns", Place::Nowhere),
    place("tls", Place::MockOverTls),
    Row { looks_stale: true, ..row("reset-before-headers", "reset_before_headers=1", [SERVER; 2], [Whole(2); 2]) },
    row("hang-after-headers", "hang_after_headers=1", [SLOW; 2], [Whole(2); 2]),
    row("reset-in-body", "reset_after_chunks=2", [SERVER, CUT], [Whole(2), CUT]),
    row("reset-before-content", "reset_after_chunks=0", [SERVER; 2], [Whole(2); 2]),
    row("closed-in-body", "close_after_chunks=2", [SERVER, CUT], [Whole(2), CUT]),
    row("429-for-a-minute", "status=429,retry_after=60", [LIMITED_FOR_LONG; 2], [Whole(2); 2]),
    row("429", "status=429", [LIMITED; 2], [Whole(2); 2]),
    row("500", "status=500", [SERVER; 2], [Whole(2); 2]),
    row("503", "status=503", [BUSY; 2], [Whole(2); 2]),
    row("529", "status=529", [BUSY; 2], [Whole(2); 2]),
    row("slow-first-byte", "delay_ms=60000", [SLOW; 2], [Whole(2); 2]),
    row("stalled", "stall_after_chunks=2", [SLOW, SILENT], [Whole(2), SILENT]),
    row("stalled-before-content", "stall_after_chunks=0", [SLOW; 2], [Whole(2); 2]),
];

/// Who there is besides the faulty deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Company {
    Nobody,
    Group,
    Fallback,
}

/// The whole text of a deployment that works, and what of it comes before a fault in its middle.
const TEXT: &str = " the model said that";
const PART: &str = " the model";

/// One cell of the matrix.
#[derive(Clone, Copy)]
struct Cell {
    row: &'static Row,
    is_stream: bool,
    company: Company,
}

impl Cell {
    fn all() -> Vec<Self> {
        let mut cells = Vec::new();
        for row in &ROWS {
            for is_stream in [false, true] {
                for company in [Company::Nobody, Company::Group, Company::Fallback] {
                    cells.push(Self { row, is_stream, company });
                }
            }
        }
        cells
    }

    /// Each cell has deployments of its own: none suffers from what another has earned.
    fn group(self) -> String {
        self.to_string()
    }

    fn spare(self) -> String {
        format!("{self}-spare")
    }

    fn deployments(self) -> Vec<Deployment> {
        let options = format!("chunks=4,tag={self}-faulty,{}", self.row.options);
        let faulty = Deployment::new(&self.group(), &options).at(self.row.place).tier(1);
        let good = |group: &str| Deployment::new(group, &format!("chunks=4,tag={self}-good")).tier(2);
        match self.company {
            Company::Nobody => vec![faulty],
            Company::Group => vec![faulty, good(&self.group())],
            Company::Fallback => vec![faulty, good(&self.spare())],
        }
    }

    fn expected(self) -> Expected {
        let outcomes = if self.company == Company::Nobody { self.row.alone } else { self.row.spared };
        outcomes[usize::from(self.is_stream)]
    }

    async fn ask(self, caller: &Caller) -> Reading {
        if self.is_stream { caller.ask_streamed(&self.group()).await } else { caller.ask(&self.group()).await }
    }

    /// What is not as expected in the answer.
    fn mistakes(self, reading: &Reading) -> Vec<String> {
        let mut found = Vec::new();
        let mut check = |what: &str, got: &dyn fmt::Debug, wanted: &dyn fmt::Debug| {
            if format!("{got:?}") != format!("{wanted:?}") {
                found.push(format!("{what} {got:?}, not {wanted:?}"));
            }
        };
        match self.expected() {
            Whole(attempts) => {
                check("status", &reading.status, &200);
                check("text", &reading.text, &TEXT);
                check("whole", &reading.is_whole, &true);
                check("code", &reading.code, &"");
                check("attempts", &reading.attempts, &self.made(attempts, reading));
                let is_fallback = self.company == Company::Fallback;
                check("model", &reading.model, &if is_fallback { self.spare() } else { self.group() });
                check("fallback", &reading.fallback, &if is_fallback { "general" } else { "" });
            }
            Error(status, code, attempts) => {
                check("status", &reading.status, &status);
                check("code", &reading.code, &code);
                check("whole", &reading.is_whole, &true);
                check("attempts", &reading.attempts, &self.made(attempts, reading));
                if self.row.options.contains("retry_after") {
                    check("retry-after", &reading.retry_after.is_empty(), &false);
                }
            }
            Broken(code) => {
                check("status", &reading.status, &200);
                check("text", &reading.text, &PART);
                check("whole", &reading.is_whole, &false);
                check("code", &reading.code, &code);
                check("attempts", &reading.attempts, &1);
            }
        }
        found
    }

    /// How often somebody is asked: as expected, and over pooled connections more often.
    fn made(self, expected: u32, reading: &Reading) -> u32 {
        if self.row.looks_stale { expected.max(reading.attempts) } else { expected }
    }

    /// Status, outcome and attempts of its record.
    fn record(self) -> (u16, &'static str, u32) {
        match self.expected() {
            Whole(attempts) => (200, "completed", attempts),
            Error(status, _, attempts) => (status, "upstream_error", attempts),
            Broken(_) => (200, "upstream_error", 1),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.is_stream { "streamed" } else { "unstreamed" };
        write!(f, "{}-{way}-{:?}", self.row.name, self.company)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_ends_as_the_table_says() {
    let cells = Cell::all();
    let fallbacks: String = cells
        .iter()
        .filter(|cell| cell.company == Company::Fallback)
        .fold(String::new(), |list, cell| list + &format!("    - {{ {}: [{}] }}\n", cell.group(), cell.spare()));
    let settings = format!(
        "router_settings:
  routing_strategy: priority-based-routing
  num_retries: 2
  retry_after: 20ms
  max_retry_wait: 2s
  connect_timeout: 3s
  first_byte_timeout: 3s
  chunk_timeout: 3s
  timeout: 40s
  fallbacks:
{fallbacks}"
    );
    let deployments = cells.iter().flat_map(|cell| cell.deployments());
    let system = System::builder().deployments(deployments).sections(&settings).start().await;
    let (caller, key) = system.caller_with_new_key("matrix").await;
    let books = system.books().await;

    let asked = futures_util::stream::iter(cells.iter().copied())
        .map(|cell| {
            // Connections of its own: what becomes of a connection after a fault is another story.
            let caller = system.caller(caller.key());
            async move { (cell, cell.ask(&caller).await) }
        })
        .buffer_unordered(12);
    let readings: Vec<(Cell, Reading)> = asked.collect().await;

    let is_call = |row: &SpendRow| row.kind == "call";
    for (cell, reading) in &readings {
        assert!(!reading.request_id.is_empty(), "{cell} has no answer: {reading:?}");
        books.call(&reading.request_id).await;
    }
    let rows = books.all().await;
    let ledger = system.upstream.ledger(0).await;
    let mut failures = Vec::new();
    for (cell, reading) in &readings {
        let mut mistakes = cell.mistakes(reading);
        let of_cell: Vec<_> = rows.iter().filter(|row| row.request_id == reading.request_id).collect();
        let (status, outcome, attempts) = cell.record();
        match of_cell.iter().filter(|row| is_call(row)).collect::<Vec<_>>()[..] {
            [row] => {
                let got = (row.status, row.outcome.as_str(), row.attempts);
                let made = cell.made(attempts, reading);
                let wanted = (i32::from(status), outcome, i32::try_from(made).unwrap());
                if got != wanted {
                    mistakes.push(format!("record {got:?}, not {wanted:?}"));
                }
                let steps = row.route["attempts"].as_array().map_or(0, Vec::len);
                // Where one could be asked, and it was, nothing was decided.
                let is_decided = attempts > 1 || cell.company == Company::Group;
                if is_decided && steps != usize::try_from(attempts).unwrap() {
                    mistakes.push(format!("{steps} attempts in the trace: {}", row.route));
                }
                if row.key_id.is_none_or(|id| id.to_string() != key.id) {
                    mistakes.push(format!("recorded for {:?}", row.key_id));
                }
            }
            ref other => mistakes.push(format!("{} records", other.len())),
        }
        if of_cell.iter().any(|row| !is_call(row) && (row.kind != "failed_attempt" || row.key_id.is_some())) {
            mistakes.push(format!("side records {of_cell:?}"));
        }
        // What the client is told about attempts is what the provider saw of them.
        let tally = |whose: &str| ledger.by_tag.get(&format!("{cell}-{whose}")).map_or(0, |tally| tally.requests);
        let is_spared = matches!(cell.expected(), Whole(_));
        let at_good = u64::from(is_spared && cell.company != Company::Nobody);
        let at_faulty =
            if cell.row.place == Place::Mock { u64::from(cell.made(attempts, reading)) - at_good } else { 0 };
        if (tally("faulty"), tally("good")) != (at_faulty, at_good) {
            let got = (tally("faulty"), tally("good"));
            mistakes.push(format!("the provider saw {got:?} requests, not {:?}", (at_faulty, at_good)));
        }
        if !mistakes.is_empty() {
            let body: String = reading.body.chars().take(300).collect();
            failures.push(format!("{cell}: {}\n    {body}", mistakes.join("; ")));
        }
    }
    assert!(failures.is_empty(), "{} of {} cells:\n{}", failures.len(), cells.len(), failures.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_serves_on_after_every_fault_or_says_that_it_ends() {
    let settings = "router_settings:
  num_retries: 1
  retry_after: 20ms
  max_retry_wait: 100ms
  connect_timeout: 300ms
  first_byte_timeout: 300ms
  chunk_timeout: 300ms
";
    let deployments =
        ROWS.iter().map(|row| Deployment::new(row.name, &format!("chunks=4,{}", row.options)).at(row.place));
    let system = System::builder().alone().deployments(deployments).sections(settings).start().await;
    let rows = ROWS.iter().flat_map(|row| [(row, false), (row, true)]);
    let rounds = rows.map(|(row, is_stream)| {
        // A pool of connections of its own: the next request goes out on the connection of the one before.
        let caller = system.caller(MASTER_KEY);
        async move {
            let mut mistakes = Vec::new();
            for round in 0..5 {
                let faulty = if is_stream { caller.ask_streamed(row.name).await } else { caller.ask(row.name).await };
                let next = caller.ask(MODEL).await;
                if faulty.status == 0 || next.status != 200 {
                    mistakes.push(format!("{} (stream: {is_stream}), {round}: {faulty:?}, then {next:?}", row.name));
                }
            }
            mistakes
        }
    });
    let mistakes = futures_util::stream::iter(rounds).buffer_unordered(8).collect::<Vec<_>>().await.concat();
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}
