//! What the launcher reacts to.

use std::{
    io,
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::Duration,
};

use signal_hook::{
    consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

/// One thing that happened.
#[derive(Debug)]
pub enum Event {
    /// SIGINT, SIGTERM, or the terminal is gone.
    Stop,
    /// Some child ended.
    ChildChanged,
    /// A service printed its ready line.
    Ready {
        /// Which service.
        name: &'static str,
        /// The whole line.
        line: String,
    },
}

/// The channel that all events come through.
pub struct Events {
    sender: Sender<Event>,
    receiver: Receiver<Event>,
}

impl Events {
    /// Installs the signal handlers.
    pub fn listen() -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGCHLD])?;
        let to_launcher = sender.clone();
        thread::spawn(move || {
            for signal in signals.forever() {
                let event = if signal == SIGCHLD { Event::ChildChanged } else { Event::Stop };
                if to_launcher.send(event).is_err() {
                    return;
                }
            }
        });
        Ok(Self { sender, receiver })
    }

    /// For threads that report something.
    pub fn sender(&self) -> Sender<Event> {
        self.sender.clone()
    }

    /// The next event within the time.
    pub fn next(&self, wait: Duration) -> Option<Event> {
        self.receiver.recv_timeout(wait).ok()
    }
}
