//! The same engine for an agent in the driving seat: an MCP server.
//!
//! The server owns no truth. It reads sessions as everybody does, and speaks to
//! whoever runs one through the journal's inbox; so a session of the command
//! line can be driven by it, and several clients at once do no harm. A session
//! that it starts runs on a thread of its own and ends with the client.
//!
//! Nothing but protocol goes to standard output.

mod answers;
mod driver;
mod looking;
mod resources;
mod tools;
mod waiting;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use autoresearch::config::Config;
use autoresearch::core::units::Timestamp;
use autoresearch::{Stop, Urgency};
use rmcp::transport::async_rw::AsyncRwTransport;

use crate::driver::Driver;
use crate::tools::Tools;

/// What a client may set otherwise than `autoresearch.toml` does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Name of the session.
    pub tag: Option<String>,
    /// How many experiments at most.
    pub iterations: Option<u64>,
}

/// From a client's wishes to the configuration of a new session: file and
/// environment are the business of whoever has them. The error says the remedy.
pub type Configure = Box<dyn Fn(&Overrides) -> Result<Config, String> + Send + Sync>;

/// What the server is told by the program around it.
pub struct Options {
    /// A folder of the repository.
    pub folder: PathBuf,
    /// How a new session is configured.
    pub configure: Configure,
    /// Where the user's notes of sessions are; nothing outlives a session without.
    pub vault: Option<PathBuf>,
    /// Asks the server itself to end, as on Ctrl-C.
    pub stop: Stop,
    /// The time of day.
    pub now: fn() -> Timestamp,
}

/// Why the server ended otherwise than by its client going away.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The system gives it no timer or no thread.
    #[error("failed to start the server: {0}")]
    Runtime(#[from] std::io::Error),
    /// The client does not begin as MCP wants it.
    #[error(
        "failed to begin: {0}; an MCP client starts this program and speaks to its standard input"
    )]
    Handshake(#[from] Box<rmcp::service::ServerInitializeError>),
}

/// How often the server looks whether it was told to stop.
const LOOK: Duration = Duration::from_millis(50);

/// Serves one client over standard input and output until it goes away or
/// `options.stop` says so. A session that runs in this process then stops as by
/// Ctrl-C: what was measured is recorded, and `resume` goes on.
///
/// # Errors
/// When the client does not speak MCP.
pub fn serve(options: Options) -> Result<(), ServerError> {
    let stop = options.stop.clone();
    let driver = Arc::new(Driver::new(options));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let ended = runtime.block_on(talk(Arc::clone(&driver), &stop));
    driver.end(&stop);
    // A read of standard input may never return.
    runtime.shutdown_background();
    ended
}

async fn talk(driver: Arc<Driver>, stop: &Stop) -> Result<(), ServerError> {
    let told_to_stop = async {
        while stop.urgency() == Urgency::None {
            tokio::time::sleep(LOOK).await;
        }
    };
    let conversation = async {
        let transport = AsyncRwTransport::new_server(tokio::io::stdin(), tokio::io::stdout());
        let begun = rmcp::serve_server(Tools::new(driver), transport).await;
        let service = match begun {
            Ok(service) => service,
            // A client that goes away before it said anything is no error.
            Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
            Err(error) => return Err(ServerError::Handshake(Box::new(error))),
        };
        // How it ended matters to nobody who is still there.
        let _ = service.waiting().await;
        Ok(())
    };
    tokio::select! {
        ended = conversation => ended,
        () = told_to_stop => Ok(()),
    }
}
