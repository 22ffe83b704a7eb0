//! One file a command.

pub(crate) mod brief;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod hypothesis;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod learn;
pub(crate) mod log;
pub(crate) mod mcp;
pub(crate) mod measure;
pub(crate) mod memory;
pub(crate) mod merge;
pub(crate) mod presets;
pub(crate) mod report;
pub(crate) mod resume;
pub(crate) mod run;
pub(crate) mod show;
pub(crate) mod simulate;
pub(crate) mod skill;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod trust;
pub(crate) mod verify;
