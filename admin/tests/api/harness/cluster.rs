//! One PostgreSQL cluster per test run, in a temporary folder, reachable over a socket in it.
//!
//! A small shell process looks after it: it holds a pipe from this process and, when that closes in whatever way, stops the
//! database and removes the folder.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use tokio_postgres::NoTls;

const USER: &str = "deltallm";

/// The cluster of this run.
pub static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);

static DATABASES: AtomicU32 = AtomicU32::new(0);

pub struct Cluster {
    folder: PathBuf,
    /// Holds the pipe whose end the keeper waits for.
    _keeper: Child,
}

/// A database of its own for one test.
#[derive(Clone)]
pub struct Database {
    pub name: String,
}

const KEEPER: &str = r#"
set -e
cd /
"$BIN/initdb" -D "$FOLDER/data" -U "$DBUSER" --auth-local=trust -E UTF8 --locale=C --no-sync >"$FOLDER/initdb.log" 2>&1
"$BIN/postgres" -D "$FOLDER/data" -c listen_addresses= -c unix_socket_directories="$FOLDER" -c fsync=off \
    -c max_connections=400 -c shared_buffers=64MB >"$FOLDER/postgres.log" 2>&1 </dev/null &
pid=$!
i=0
until [ "$(sed -n 8p "$FOLDER/data/postmaster.pid" 2>/dev/null | tr -d ' ')" = ready ]; do
    i=$((i + 1)); [ $i -lt 600 ] && kill -0 $pid || { cat "$FOLDER/postgres.log"; exit 1; }
    sleep 0.1
done
echo ready
exec >/dev/null 2>&1
cat >/dev/null || true
kill -INT $pid
wait $pid || true
rm -rf "$FOLDER"
"#;

impl Cluster {
    fn start() -> Self {
        let bin = binaries();
        let folder = tempfile::Builder::new().prefix("deltallm-pg").tempdir().unwrap().keep();
        let is_root = fs::metadata("/proc/self").is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0);
        let mut command = if is_root {
            // PostgreSQL refuses to run as root.
            let status = Command::new("chown").arg("postgres").arg(&folder).status().unwrap();
            assert!(status.success(), "the folder cannot be given to the user postgres");
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh", "-c", KEEPER]);
            command
        } else {
            let mut command = Command::new("sh");
            command.args(["-c", KEEPER]);
            command
        };
        let mut child = command
            .env("BIN", bin)
            .env("FOLDER", &folder)
            .env("DBUSER", USER)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready", "PostgreSQL did not start");
        Self { folder, _keeper: child }
    }

    /// The folder of the socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// `DELTALLM_POSTGRES_BIN`, or the newest that Debian's packages or the path have.
fn binaries() -> PathBuf {
    if let Some(named) = env::var_os("DELTALLM_POSTGRES_BIN") {
        return named.into();
    }
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect())
        .unwrap_or_default();
    found.sort();
    let on_path = env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let mut candidates = found.into_iter().rev().chain(on_path);
    candidates
        .find(|folder| folder.join("postgres").exists() && folder.join("initdb").exists())
        .expect("no PostgreSQL found; install it or name its folder with DELTALLM_POSTGRES_BIN")
}

impl Database {
    /// A new, empty one.
    pub async fn create() -> Self {
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        connect("postgres").await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        Self { name }
    }

    /// What `DATABASE_URL` says.
    pub fn url(&self) -> String {
        format!("host={} user={USER} dbname={}", CLUSTER.folder().display(), self.name)
    }

    /// A connection behind the service's back.
    pub async fn connect(&self) -> tokio_postgres::Client {
        connect(&self.name).await
    }

    /// One number.
    pub async fn number(&self, sql: &str) -> i64 {
        self.connect().await.query_one(sql, &[]).await.unwrap().get(0)
    }
}

async fn connect(name: &str) -> tokio_postgres::Client {
    let config = format!("host={} user={USER} dbname={name}", CLUSTER.folder().display());
    let (client, driver) = tokio_postgres::connect(&config, NoTls).await.unwrap();
    tokio::spawn(driver);
    client
}
