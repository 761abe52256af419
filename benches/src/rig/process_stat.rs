//! CPU time and memory of a process and its children, from `/proc`.

use std::fs;

/// Processor time used so far, in microseconds: user and system, all threads, and the same of
/// every child process that still runs.
pub fn cpu_us(pid: u32) -> Result<u64, String> {
    let ticks_per_second = rustix::param::clock_ticks_per_second();
    let ticks: u64 = family(pid)?.into_iter().map(|pid| cpu_ticks(pid).unwrap_or(0)).sum();
    Ok(ticks.saturating_mul(1_000_000 / ticks_per_second.max(1)))
}

/// Memory in kilobytes, shared pages counted in proportion; of the process and its children.
pub fn memory_kb(pid: u32) -> Result<u64, String> {
    Ok(family(pid)?.into_iter().map(|pid| proportional_kb(pid).unwrap_or(0)).sum())
}

/// The process and its direct children (nginx: master and workers).
fn family(pid: u32) -> Result<Vec<u32>, String> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let children = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let children = children.split_whitespace().filter_map(|text| text.parse().ok());
    Ok(std::iter::once(pid).chain(children).collect())
}

fn cpu_ticks(pid: u32) -> Option<u64> {
    parse_ticks(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Fields 14 (utime) and 15 (stime). The name in field 2 may hold blanks, so count after it.
fn parse_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn proportional_kb(pid: u32) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_blanks_and_brackets_do_not_shift_the_fields() {
        let stat = "12 (a (b) c) S 1 12 12 0 -1 4194560 500 0 0 0 70 30 0 0 20 0 1 0 100 1 1";
        assert_eq!(parse_ticks(stat), Some(100));
    }

    #[test]
    fn our_own_memory_is_known() {
        assert!(memory_kb(std::process::id()).is_ok_and(|kb| kb > 100));
    }
}
