//! Shows the services' warnings and errors in the terminal; everything else stays in their log files.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Seek as _, SeekFrom},
    path::PathBuf,
    thread,
    time::Duration,
};

use super::log_file::cut_if_large;

const POLL: Duration = Duration::from_millis(250);
/// More than that at once helps nobody.
const MAX_LINES_PER_POLL: usize = 10;

/// Follows log files. They are written by the services themselves, so neither a slow terminal nor the end of the launcher can
/// hold a service up.
pub struct Echo {
    logs: Vec<Followed>,
}

struct Followed {
    name: &'static str,
    path: PathBuf,
    offset: u64,
}

impl Echo {
    /// Follows each log from its present end.
    pub fn of(logs: impl IntoIterator<Item = (&'static str, PathBuf)>) -> Self {
        let followed = |(name, path): (_, PathBuf)| {
            let offset = path.metadata().map_or(0, |metadata| metadata.len());
            Followed { name, path, offset }
        };
        Self { logs: logs.into_iter().map(followed).collect() }
    }

    /// Goes on until the process ends.
    pub fn start(mut self) {
        thread::spawn(move || {
            loop {
                for log in &mut self.logs {
                    log.show_new_lines();
                    cut_if_large(&log.path);
                }
                thread::sleep(POLL);
            }
        });
    }
}

impl Followed {
    fn show_new_lines(&mut self) {
        let length = self.path.metadata().map_or(0, |metadata| metadata.len());
        if length < self.offset {
            self.offset = 0;
        }
        if length == self.offset {
            return;
        }
        let Ok(mut file) = File::open(&self.path) else { return };
        if file.seek(SeekFrom::Start(self.offset)).is_err() {
            return;
        }
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        let mut shown = 0;
        while let Ok(read @ 1..) = reader.read_until(b'\n', &mut line) {
            if line.last() != Some(&b'\n') {
                // Half a line: the rest comes with the next look.
                break;
            }
            self.offset += read as u64;
            let text = String::from_utf8_lossy(&line);
            if is_warning(&text) {
                shown += 1;
                if shown <= MAX_LINES_PER_POLL {
                    eprintln!("[{}] {}", self.name, text.trim_end());
                }
            }
            line.clear();
        }
        if shown > MAX_LINES_PER_POLL {
            eprintln!("[{}] … and {} more in {}", self.name, shown - MAX_LINES_PER_POLL, self.path.display());
        }
    }
}

/// Levels stand near the start of a line: `2026-11-23T16:00:00Z  WARN …`, or `{"timestamp":…,"level":"WARN",…`. A panic and
/// PostgreSQL's own have their words.
fn is_warning(line: &str) -> bool {
    let start: String = line.chars().take(80).collect();
    [" WARN ", " ERROR ", "\"level\":\"WARN\"", "\"level\":\"ERROR\"", "panicked at", "PANIC:"]
        .iter()
        .any(|word| start.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_told_from_the_rest() {
        assert!(is_warning("2026-11-23T16:00:00Z  WARN deltallm_proxy: slow"));
        assert!(is_warning("2026-11-23T16:00:00Z ERROR deltallm_admin: no database"));
        assert!(is_warning(r#"{"timestamp":"2026","level":"ERROR","fields":{}}"#));
        assert!(is_warning("thread 'main' panicked at src/main.rs:1:1:"));
        assert!(!is_warning("2026-11-23T16:00:00Z  INFO deltallm_proxy: ERRORS_TOTAL is 0"));
        assert!(!is_warning("2026-11-23 16:00:00 UTC [1] ERROR:  duplicate key value"));
    }
}
