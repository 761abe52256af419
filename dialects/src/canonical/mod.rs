//! The one form between what a client says and what a vendor understands. It holds every notion that at least two dialects
//! share; what only one dialect knows travels beside it and reaches vendors of that dialect unchanged.

pub mod answer;
pub mod event;
pub mod failure;
pub mod message;
pub mod param_name;
pub mod request;
pub mod unsupported;

pub use answer::{Answer, Choice, Citation, StopReason};
pub use event::{Collector, Delta, Event, PartStart};
pub use failure::{Failure, FailureClass};
pub use message::{CacheMark, Message, Part, PartKind, Role, Source};
pub use param_name::param_name;
pub use request::{ChatRequest, Effort, OutputFormat, Reasoning, Tool, ToolChoice};
pub use unsupported::Unsupported;
