//! A link to the database that can be cut, stalled and mended.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UnixStream},
    sync::watch,
};

use super::cluster::{CLUSTER, Database};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Whole,
    /// Bytes stay where they are.
    Stalled,
    /// Connections break, new ones are refused.
    Cut,
}

pub struct Link {
    address: std::net::SocketAddr,
    database: Database,
    state: Arc<watch::Sender<State>>,
}

impl Link {
    pub async fn to(database: &Database) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(watch::channel(State::Whole).0);
        let shared = state.clone();
        tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                if *shared.borrow() == State::Cut {
                    continue;
                }
                let mut changes = shared.subscribe();
                let carrying = shared.clone();
                tokio::spawn(async move {
                    let socket = CLUSTER.folder().join(".s.PGSQL.5432");
                    let Ok(mut far) = UnixStream::connect(socket).await else { return };
                    let (near_in, near_out) = near.split();
                    let (far_in, far_out) = far.split();
                    tokio::select! {
                        () = carry(near_in, far_out, carrying.subscribe()) => {}
                        () = carry(far_in, near_out, carrying.subscribe()) => {}
                        _ = changes.wait_for(|state| *state == State::Cut) => {}
                    }
                });
            }
        });
        Self { address, database: database.clone(), state }
    }

    /// What `DATABASE_URL` says.
    pub fn url(&self) -> String {
        format!("postgres://deltallm@{}/{}", self.address, self.database.name)
    }

    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    pub fn stall(&self) {
        self.state.send_replace(State::Stalled);
    }

    pub fn mend(&self) {
        self.state.send_replace(State::Whole);
    }
}

async fn carry(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut state: watch::Receiver<State>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
        if state.wait_for(|state| *state != State::Stalled).await.is_err()
            || to.write_all(&buffer[..read]).await.is_err()
        {
            return;
        }
    }
}
