//! The service as a process, and what a client says to it.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::{ExitStatus, Stdio},
};

use deltallm_shared::{
    crypto::{SaltKey, SecretBox},
    secret::Secret,
};
use reqwest::{Method, header::HeaderMap};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::{cluster::Database, stream::Lines, wait_until};

pub const MASTER_KEY: &str = "sk-the-master-key-of-these-tests";
pub const SALT_KEY: &str = "the salt key of these tests only";
pub const FIRST_EMAIL: &str = "admin@deltallm.local";
pub const FIRST_PASSWORD: &str = "the first password";

/// A running service.
pub struct Admin {
    child: Child,
    pub public: SocketAddr,
    pub internal: SocketAddr,
    client: reqwest::Client,
    log: PathBuf,
    folder: tempfile::TempDir,
}

/// How to start one.
pub struct Start {
    command: Command,
    folder: tempfile::TempDir,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// Asserts the status and gives the body.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// Asserts an error in the documented shape: status, code and the field at fault.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str, param: Option<&str>) {
        assert_eq!(self.status, status, "{}", self.text);
        let error = &self.json()["error"];
        assert_eq!(error["code"], code, "{error}");
        assert_eq!(error["param"].as_str(), param, "{error}");
        assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()) && error["type"].is_string(), "{error}");
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The session cookie's value.
    #[track_caller]
    pub fn cookie(&self) -> String {
        let set = self.header("set-cookie");
        set.split(';').next().unwrap().strip_prefix("deltallm_session=").unwrap_or_else(|| panic!("{set}")).to_owned()
    }
}

impl Start {
    pub fn on(database_url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_deltallm-admin"));
        command
            .args(["--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0"])
            .current_dir(folder.path())
            .env_clear()
            .env("DATABASE_URL", database_url)
            .env("DELTALLM_MASTER_KEY", MASTER_KEY)
            .env("DELTALLM_SALT_KEY", SALT_KEY)
            .env("DELTALLM_ADMIN_PASSWORD", FIRST_PASSWORD)
            .env("DELTALLM_LOG", "debug,hyper=info,reqwest=info")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        Self { command, folder }
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Leaves the public address to the environment.
    pub fn without_listen(mut self) -> Self {
        let internal = ["--internal-listen", "127.0.0.1:0"];
        let mut command = Command::new(env!("CARGO_BIN_EXE_deltallm-admin"));
        let old = self.command.as_std();
        command.args(internal).current_dir(self.folder.path()).env_clear().stdin(Stdio::null()).stdout(Stdio::piped());
        command.envs(old.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))));
        self.command = command;
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// With a `config.yaml` in its working folder.
    pub fn config(self, yaml: &str) -> Self {
        std::fs::write(self.folder.path().join("config.yaml"), yaml).unwrap();
        self
    }

    pub async fn up(mut self) -> Admin {
        let log = self.folder.path().join("log");
        self.command.stderr(std::fs::File::create(&log).unwrap());
        let mut child = self.command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().unwrap_or_else(|| {
            panic!("the service ended before it was ready:\n{}", std::fs::read_to_string(&log).unwrap())
        });
        let address =
            |name: &str| line.split(&format!(" {name}=")).nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        assert!(line.starts_with("ready deltallm-admin "), "{line}");
        Admin {
            child,
            public: address("dashboard"),
            internal: address("internal"),
            client: reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap(),
            log,
            folder: self.folder,
        }
    }

    /// Starts one that is expected to end by itself; gives its exit status and what it said on standard error.
    pub async fn fails(mut self) -> (ExitStatus, String) {
        let output = self.command.stderr(Stdio::piped()).output().await.unwrap();
        assert!(output.stdout.is_empty(), "it said it was ready: {}", String::from_utf8_lossy(&output.stdout));
        (output.status, String::from_utf8(output.stderr).unwrap())
    }
}

impl Admin {
    /// A service on a new database.
    pub async fn start() -> (Self, Database) {
        let database = Database::create().await;
        (Start::on(&database.url()).up().await, database)
    }

    /// A request without credentials.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("http://{}{path}", self.public))
    }

    /// A request with the master key.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        let mut request = self.request(method, path).bearer_auth(MASTER_KEY);
        if let Some(body) = body {
            request = request.json(&body);
        }
        send(request).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.call("POST", path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.call("PATCH", path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.call("DELETE", path, None).await
    }

    /// A request with a session's cookie.
    pub async fn with_cookie(&self, cookie: &str, method: &str, path: &str, body: Option<Value>) -> Reply {
        let mut request = self.request(method, path).header("cookie", format!("deltallm_session={cookie}"));
        if let Some(body) = body {
            request = request.json(&body);
        }
        send(request).await
    }

    pub async fn log_in(&self, body: Value) -> Reply {
        send(self.request("POST", "/api/v1/session").json(&body)).await
    }

    /// A session of a new account of this role: its cookie.
    pub async fn session_as(&self, role: &str) -> String {
        let email = format!("{role}-{}@example.com", uuid::Uuid::new_v4().simple());
        let made = self.post("/api/v1/users", serde_json::json!({"email": email, "role": role})).await.expect(201);
        self.log_in(serde_json::json!({"email": email, "password": made["password"]})).await.cookie()
    }

    /// A post to the internal port.
    pub async fn post_internal(&self, path: &str, body: &Value) -> Reply {
        let url = format!("http://{}{path}", self.internal);
        send(self.client.post(url).bearer_auth(internal_token()).json(body)).await
    }

    /// The config stream.
    pub async fn config_stream(&self, after: i64) -> Lines {
        let url = format!("http://{}/internal/v1/config?after={after}", self.internal);
        let response = self.client.get(url).bearer_auth(internal_token()).send().await.unwrap();
        assert_eq!(response.status(), 200);
        Lines::of(response)
    }

    /// A request to the internal port with another token, or none.
    pub async fn internal_with(&self, method: Method, path: &str, token: Option<&str>) -> Reply {
        let mut request = self.client.request(method, format!("http://{}{path}", self.internal));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        send(request).await
    }

    /// Replaces the `config.yaml` in its working folder.
    pub fn rewrite_config(&self, yaml: &str) {
        std::fs::write(self.folder.path().join("config.yaml"), yaml).unwrap();
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        tokio::time::timeout(std::time::Duration::from_secs(20), self.child.wait())
            .await
            .expect("it does not end")
            .unwrap()
    }

    pub async fn wait_until_ready(&self) {
        wait_until("the service is ready", || async { self.get("/health/readiness").await.status == 200 }).await;
    }
}

pub async fn send(request: reqwest::RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Reply { status, headers, text: response.text().await.unwrap() }
}

impl Drop for Admin {
    /// A test that fails shows what the service had to complain about.
    fn drop(&mut self) {
        if std::thread::panicking() {
            for line in self.log().lines().filter(|line| line.contains(" WARN ") || line.contains(" ERROR ")) {
                eprintln!("service: {line}");
            }
        }
    }
}

fn salt() -> SaltKey {
    SaltKey::new(&Secret::from(SALT_KEY)).unwrap()
}

pub fn internal_token() -> String {
    salt().internal_token().expose().clone()
}

/// What a proxy opens provider credentials with.
pub fn secret_box() -> SecretBox {
    salt().secret_box()
}

/// What a proxy finds a key by.
pub fn key_hash(key: &str) -> deltallm_shared::crypto::KeyHash {
    salt().key_hasher().hash(key)
}
