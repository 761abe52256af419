//! One file of the journal: `<number>.journal`, a version line, then records.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use deltallm_shared::event::SpendEvent;

use super::frame::{self, Kind};

const VERSION: &[u8] = b"deltallm journal 1\n";
const EXTENSION: &str = "journal";

/// The segment that is written to.
pub struct Segment {
    file: File,
    number: u64,
    len: u64,
}

impl Segment {
    /// Makes a new file. The folder is synced, so that the file's name survives a power cut too. What a failed attempt left
    /// under the number holds no record and is taken over.
    pub fn create(folder: &Path, number: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new().append(true).create(true).open(path(folder, number))?;
        if file.metadata()?.len() > VERSION.len() as u64 {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("segment {number} holds records")));
        }
        file.set_len(0)?;
        file.write_all(VERSION)?;
        File::open(folder)?.sync_all()?;
        Ok(Self { file, number, len: VERSION.len() as u64 })
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    /// Appends a whole record with one write. After a write that stopped half way (a full disk) the file is cut back, so that
    /// the torn bytes do not hide the records that follow.
    pub fn append(&mut self, frame: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(frame) {
            let _ = self.file.set_len(self.len);
            return Err(error);
        }
        self.len += frame.len() as u64;
        Ok(())
    }

    pub fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// The file of a segment.
pub fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:020}.{EXTENSION}"))
}

pub fn remove(folder: &Path, number: u64) -> io::Result<()> {
    match fs::remove_file(path(folder, number)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The numbers and sizes of all segments in a folder, oldest first.
pub fn list(folder: &Path) -> io::Result<Vec<(u64, u64)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(number) = name.to_str().and_then(|name| name.strip_suffix(".journal")?.parse().ok()) else { continue };
        found.push((number, entry.metadata()?.len()));
    }
    found.sort_unstable();
    Ok(found)
}

/// The whole records of a segment in order; stops at the first that is torn. Returns how many bytes were whole.
pub fn for_each(folder: &Path, number: u64, mut take: impl FnMut(u64, Kind, SpendEvent)) -> io::Result<u64> {
    let bytes = fs::read(path(folder, number))?;
    let mut at = if bytes.starts_with(VERSION) { VERSION.len() } else { return Ok(0) };
    while let Some(record) = bytes.get(at..).and_then(frame::decode) {
        at += record.bytes;
        // A record whose checksum holds and whose JSON does not is of a newer version: skipped, and said so.
        match serde_json::from_slice(record.payload) {
            Ok(event) => take(at as u64, record.kind, event),
            Err(error) => tracing::error!(segment = number, %error, "a journal record cannot be read and is left out"),
        }
    }
    Ok(at as u64)
}

/// Settled events between two places, at most `max_events`, and the place after the last record that was looked at.
pub fn read_settled(
    folder: &Path,
    number: u64,
    from: u64,
    to: u64,
    max_events: usize,
) -> io::Result<(Vec<SpendEvent>, u64)> {
    let from = from.max(VERSION.len() as u64);
    if to <= from {
        return Ok((Vec::new(), from));
    }
    let mut file = match File::open(path(folder, number)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), to)),
        Err(error) => return Err(error),
    };
    file.seek(SeekFrom::Start(from))?;
    // Events are below 4 kB; this reads about what the caller can take instead of the whole segment.
    let want = (to - from).min(max_events as u64 * 4096 + (1 << 20));
    let mut bytes = Vec::with_capacity(usize::try_from(want).unwrap_or(1 << 20));
    file.take(want).read_to_end(&mut bytes)?;
    let (mut events, mut at) = (Vec::new(), 0);
    while events.len() < max_events {
        let Some(record) = bytes.get(at..).and_then(frame::decode) else { break };
        at += record.bytes;
        if record.kind == Kind::Settled {
            match serde_json::from_slice(record.payload) {
                Ok(event) => events.push(event),
                Err(error) => {
                    tracing::error!(segment = number, %error, "a journal record cannot be read and is left out");
                }
            }
        }
    }
    if at == 0 {
        // No whole record where one should begin: the torn tail of a process that was killed. Nothing readable follows it.
        tracing::warn!(
            segment = number,
            offset = from,
            bytes = to - from,
            "the end of a journal segment is torn and is left out"
        );
        return Ok((events, to));
    }
    Ok((events, from + at as u64))
}
