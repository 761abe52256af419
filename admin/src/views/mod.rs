//! What the API shows (`…View`) and takes (`…Draft`, `…Patch`). Never a row: a column added to a table is not shown, and not
//! writable, before somebody writes it down here.

pub mod credential;
pub mod deployment;
pub mod explain;
pub mod key;
pub mod organization;
pub mod request;
pub mod routing;
pub mod session;
pub mod spend;
pub mod team;
pub mod user;
