//! Uploads that are too large for memory: a small part stays there, the rest goes into a file that has no name.
//!
//! A file of sound or a batch has hundreds of megabytes, and the gateway has to see all of it before it can send the first
//! byte on: the model may be the form's last field, and a second provider may be asked when the first one fails. The file is
//! unlinked as soon as it is open, so nothing is left of it, however the process ends. Reading and writing happen on tokio's
//! threads for blocking work; serving threads never wait for the disk.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, FileExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::{Bytes, BytesMut};
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

/// An upload up to this size stays in memory; a larger one is written in runs of it.
pub const IN_MEMORY_BYTES: usize = 256 << 10;
/// How much is read at once when a file is sent on.
const PIECE_BYTES: u64 = 64 << 10;

/// The folder of unfinished uploads.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: Arc<Path>,
    room: Arc<Room>,
}

/// How much all uploads together may still take of the disk, which calls are recorded on too.
#[derive(Debug)]
struct Room {
    left: AtomicU64,
}

/// A part of the room, given back when its upload is gone.
#[derive(Debug)]
pub struct Taken {
    room: Arc<Room>,
    bytes: u64,
}

impl Taken {
    fn more(&mut self, bytes: u64) -> io::Result<()> {
        let take = |left: u64| left.checked_sub(bytes);
        if self.room.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_err() {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "the uploads that are under way take all room"));
        }
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.room.left.fetch_add(self.bytes, Ordering::AcqRel);
    }
}

impl Spool {
    /// In `<home>/spool`, readable by nobody else. `max_bytes`: for all uploads that are under way.
    pub fn in_home(home: &Path, max_bytes: u64) -> io::Result<Self> {
        let folder: PathBuf = home.join("spool");
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        Ok(Self { folder: folder.into(), room: Arc::new(Room { left: AtomicU64::new(max_bytes) }) })
    }

    /// Begins to take an upload.
    pub fn begin(&self) -> Incoming {
        let taken = Taken { room: Arc::clone(&self.room), bytes: 0 };
        Incoming { spool: self.clone(), memory: BytesMut::new(), file: None, written: 0, taken }
    }
}

/// An upload that is still coming.
pub struct Incoming {
    spool: Spool,
    memory: BytesMut,
    file: Option<Arc<File>>,
    written: u64,
    taken: Taken,
}

impl Incoming {
    /// Takes the next bytes. An error of the disk leaves nothing behind.
    pub async fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        self.memory.extend_from_slice(piece);
        if self.memory.len() > IN_MEMORY_BYTES { self.write_out().await } else { Ok(()) }
    }

    /// How much has come.
    pub fn length(&self) -> u64 {
        self.written + self.memory.len() as u64
    }

    /// There is no more.
    pub async fn finish(mut self) -> io::Result<UploadedBody> {
        if self.file.is_some() && !self.memory.is_empty() {
            self.write_out().await?;
        }
        Ok(match self.file {
            Some(file) => UploadedBody::Spooled { file, length: self.written, taken: Arc::new(self.taken) },
            None => UploadedBody::Memory(self.memory.freeze()),
        })
    }

    async fn write_out(&mut self) -> io::Result<()> {
        self.taken.more(self.memory.len() as u64)?;
        let (run, at) = (self.memory.split().freeze(), self.written);
        self.written += run.len() as u64;
        let (file, spool) = (self.file.clone(), self.spool.clone());
        let write = move || {
            let file = match file {
                Some(file) => file,
                None => Arc::new(tempfile::tempfile_in(&spool.folder)?),
            };
            file.write_all_at(&run, at)?;
            Ok(file)
        };
        self.file = Some(blocking(spawn_blocking(write)).await?);
        Ok(())
    }
}

/// An upload that has come whole. It can be read any number of times, by several readers at once.
#[derive(Clone, Debug)]
pub enum UploadedBody {
    /// A small one.
    Memory(Bytes),
    /// A file without a name.
    Spooled {
        /// The file.
        file: Arc<File>,
        /// Its length.
        length: u64,
        /// Its part of the room.
        taken: Arc<Taken>,
    },
}

impl UploadedBody {
    /// How long it is.
    pub fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Spooled { length, .. } => *length,
        }
    }

    /// Reads into a buffer from `at` on; fewer bytes at the end. Blocks.
    pub fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        match self {
            Self::Memory(bytes) => bytes.get(index(at)..).unwrap_or_default().read(buffer),
            Self::Spooled { file, .. } => file.read_at(buffer, at),
        }
    }

    /// A piece that begins at `at` and does not reach beyond `end`; empty when there is none.
    pub async fn piece(&self, at: u64, end: u64) -> io::Result<Bytes> {
        blocking(self.begin_piece(at, end)).await
    }

    /// All of it, where the caller knows that it is not too much.
    pub async fn all(&self) -> io::Result<Bytes> {
        if let Self::Memory(bytes) = self {
            return Ok(bytes.clone());
        }
        let mut all = BytesMut::new();
        while (all.len() as u64) < self.length() {
            all.extend_from_slice(&self.piece(all.len() as u64, u64::MAX).await?);
        }
        Ok(all.freeze())
    }

    /// Begins to read a piece, so that whoever waits for it may go away and come back.
    pub fn begin_piece(&self, at: u64, end: u64) -> JoinHandle<io::Result<Bytes>> {
        let end = end.min(self.length());
        match self {
            Self::Memory(bytes) => {
                let (at, end) = (index(at.min(end)), index(end));
                let piece = bytes.slice(at..end);
                tokio::spawn(async move { Ok(piece) })
            }
            Self::Spooled { file, .. } => {
                let file = Arc::clone(file);
                let length = end.saturating_sub(at).min(PIECE_BYTES);
                spawn_blocking(move || {
                    let mut piece = BytesMut::zeroed(index(length));
                    file.read_exact_at(&mut piece, at)?;
                    Ok(piece.freeze())
                })
            }
        }
    }
}

/// The result of a blocking piece of work, whose panic or end with the process is an error of the disk too.
pub(super) async fn blocking<T>(work: impl Future<Output = Result<io::Result<T>, JoinError>>) -> io::Result<T> {
    work.await.map_err(io::Error::other)?
}

fn index(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn take(spool: &Spool, body: &[u8], size: usize) -> UploadedBody {
        let mut incoming = spool.begin();
        for piece in body.chunks(size) {
            incoming.push(piece).await.unwrap();
        }
        assert_eq!(incoming.length(), body.len() as u64);
        incoming.finish().await.unwrap()
    }

    async fn read(body: &UploadedBody) -> Vec<u8> {
        let mut all = Vec::new();
        while (all.len() as u64) < body.length() {
            let piece = body.piece(all.len() as u64, u64::MAX).await.unwrap();
            assert!(
                !piece.is_empty() && (piece.len() as u64 <= PIECE_BYTES || matches!(body, UploadedBody::Memory(_)))
            );
            all.extend_from_slice(&piece);
        }
        all
    }

    #[tokio::test]
    async fn a_small_upload_stays_in_memory_and_a_large_one_does_not() {
        let home = tempfile::tempdir().unwrap();
        let spool = Spool::in_home(home.path(), 64 << 20).unwrap();
        for (length, spooled) in
            [(0, false), (1000, false), (IN_MEMORY_BYTES, false), (IN_MEMORY_BYTES + 1, true), (3_000_001, true)]
        {
            let body: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let taken = take(&spool, &body, 40_000).await;
            assert_eq!(matches!(taken, UploadedBody::Spooled { .. }), spooled, "{length}");
            assert_eq!(read(&taken).await, body);
            assert_eq!(read(&taken).await, body, "a second time");
        }
    }

    #[tokio::test]
    async fn nothing_has_a_name_in_the_folder() {
        let home = tempfile::tempdir().unwrap();
        let spool = Spool::in_home(home.path(), 64 << 20).unwrap();
        let mut incoming = spool.begin();
        incoming.push(&vec![1; 1_000_000]).await.unwrap();
        assert_eq!(std::fs::read_dir(home.path().join("spool")).unwrap().count(), 0, "while it comes");
        let taken = incoming.finish().await.unwrap();
        assert_eq!(std::fs::read_dir(home.path().join("spool")).unwrap().count(), 0, "when it is here");
        assert_eq!(taken.length(), 1_000_000);
    }

    #[tokio::test]
    async fn a_disk_that_takes_nothing_is_an_error() {
        let home = tempfile::tempdir().unwrap();
        let spool = Spool::in_home(home.path(), 64 << 20).unwrap();
        std::fs::remove_dir_all(home.path().join("spool")).unwrap();
        let mut incoming = spool.begin();
        incoming.push(&[1; 1000]).await.unwrap();
        assert!(incoming.push(&vec![1; IN_MEMORY_BYTES]).await.is_err());
    }

    #[tokio::test]
    async fn uploads_together_have_a_limit_and_give_their_room_back() {
        let home = tempfile::tempdir().unwrap();
        let spool = Spool::in_home(home.path(), 1 << 20).unwrap();
        let first = take(&spool, &vec![1; 800_000], 50_000).await;
        let mut second = spool.begin();
        let refused = second.push(&vec![2; 800_000]).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
        drop(second);
        assert_eq!(take(&spool, &[3; 1000], 1000).await.length(), 1000, "a small one needs no disk");
        let again = first.clone();
        drop(first);
        assert!(spool.begin().push(&vec![4; 800_000]).await.is_err(), "it is still read");
        drop(again);
        assert_eq!(take(&spool, &vec![5; 800_000], 50_000).await.length(), 800_000);
    }
}
