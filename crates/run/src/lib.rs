//! Executing one trial: supervisor, deadline, usage, log.
