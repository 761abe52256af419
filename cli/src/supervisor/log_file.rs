//! The services' log files.

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use crate::error::{OnPath, UpError};

/// So much of a log's end is worth showing.
const TAIL_LINES: usize = 15;
const TAIL_BYTES: u64 = 16 << 10;
/// Beyond it the file is moved aside.
const MAX_LOG_BYTES: u64 = 64 << 20;

/// Opens a log for appending, and says where it ends now.
pub fn open_log(path: &Path) -> Result<(File, u64), UpError> {
    let file = File::options().create(true).append(true).mode(0o600).open(path).on_path("open it", path)?;
    let length = file.metadata().on_path("read its size", path)?.len();
    Ok((file, length))
}

/// The last lines that were written since `start`.
pub fn tail(path: &Path, start: u64) -> String {
    let read = || {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(start.max(length.saturating_sub(TAIL_BYTES)).min(length)))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let shown = lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default();
    shown.iter().flat_map(|line| ["  ", line, "\n"]).collect()
}

/// Moves a log's contents to `….1` when it has grown large. Its writers append, so they go on at the new beginning; what they
/// write between the copy and the cut is lost, which a log of this kind can bear.
pub fn cut_if_large(path: &Path) {
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() > MAX_LOG_BYTES) {
        let mut old = path.as_os_str().to_owned();
        old.push(".1");
        let cut = fs::copy(path, &old).and_then(|_| File::options().write(true).open(path)?.set_len(0));
        if let Err(error) = cut {
            eprintln!("{} has grown large and cannot be cut: {error}", path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_what_was_written_since() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        fs::write(&path, "before\n").unwrap();
        let (_, start) = open_log(&path).unwrap();
        let lines: Vec<String> = (0..40).map(|number| format!("line {number}")).collect();
        fs::write(&path, format!("before\n{}\n", lines.join("\n"))).unwrap();
        let shown = tail(&path, start);
        assert!(shown.contains("line 39") && shown.contains("line 25") && !shown.contains("line 24"), "{shown}");
        assert!(!tail(&path, start).contains("before"));
        assert_eq!(tail(&folder.path().join("absent"), 0), "");
    }
}
