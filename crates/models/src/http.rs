//! One request over HTTP, which a stop of the session reaches within a moment.

use std::io::Read as _;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use ureq::http::Uri;

/// A request, ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) url: String,
    /// Besides the type of the body.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// JSON.
    pub(crate) body: Vec<u8>,
}

/// What came back, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// How long the server asks to be left alone.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Vec<u8>,
}

/// Why nothing came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The session was told to stop.
    Stopped,
    TimedOut,
    Unreachable(String),
}

/// More than any answer.
const MOST: u64 = 16 << 20;

/// How often a waiting request looks whether it shall stop.
const LOOK: Duration = Duration::from_millis(100);

/// Sends a request and waits for the whole response, until `deadline` or until
/// `is_stopped`. A request given up ends by its own time limit or with the
/// program.
pub(crate) fn post(
    call: Call,
    deadline: Instant,
    is_stopped: &mut dyn FnMut() -> bool,
) -> Result<Response, Broken> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Broken::TimedOut);
    }
    let (sender, receiver) = channel();
    let send = move || {
        // Nobody listens any more when the session was stopped.
        let _ = sender.send(exchange(&call, left));
    };
    std::thread::Builder::new()
        .name("model".to_owned())
        .spawn(send)
        .map_err(|e| Broken::Unreachable(format!("no thread could be started: {e}")))?;
    loop {
        match receiver.recv_timeout(LOOK) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Broken::Unreachable("the request was dropped".to_owned()));
            }
            Err(RecvTimeoutError::Timeout) if is_stopped() => return Err(Broken::Stopped),
            // Looking up a name may take longer than it was given.
            Err(RecvTimeoutError::Timeout) if Instant::now() > deadline + LOOK => {
                return Err(Broken::TimedOut);
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn exchange(call: &Call, limit: Duration) -> Result<Response, Broken> {
    let mut config = ureq::Agent::config_builder()
        .timeout_global(Some(limit))
        .http_status_as_error(false)
        // A key must not follow a redirect to another host.
        .max_redirects(0)
        .user_agent(concat!("autoresearch/", env!("CARGO_PKG_VERSION")));
    if is_loopback(&call.url) {
        config = config.proxy(None);
    }
    let agent = config.build().new_agent();
    let mut request = agent.post(&call.url).content_type("application/json");
    for (name, value) in &call.headers {
        request = request.header(*name, value);
    }
    let response = request.send(&call.body[..]).map_err(broken)?;
    let retry_after = retry_after(|name| {
        response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    });
    let status = response.status().as_u16();
    let mut body = Vec::new();
    let mut reader = response.into_body().into_reader().take(MOST);
    reader.read_to_end(&mut body).map_err(|e| broken(ureq::Error::from(e)))?;
    Ok(Response { status, retry_after, body })
}

fn broken(error: ureq::Error) -> Broken {
    match error {
        ureq::Error::Timeout(_) => Broken::TimedOut,
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => Broken::TimedOut,
        error => Broken::Unreachable(error.to_string()),
    }
}

/// What a server asks for, in seconds or milliseconds; dates are not read.
fn retry_after(header: impl Fn(&str) -> Option<String>) -> Option<Duration> {
    let number = |name: &str| header(name).and_then(|text| text.trim().parse::<f64>().ok());
    let seconds = number("retry-after-ms").map(|ms| ms / 1e3).or_else(|| number("retry-after"))?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn is_loopback(url: &str) -> bool {
    let uri = url.parse::<Uri>();
    let host = uri.ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_in_seconds_or_milliseconds_when_to_come_back() {
        let after = |name: &'static str, value: &'static str| {
            retry_after(|asked| (asked == name).then(|| value.to_owned()))
        };
        assert_eq!(after("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(after("retry-after-ms", "1500"), Some(Duration::from_millis(1500)));
        for odd in ["Wed, 21 Oct 2026 07:28:00 GMT", "-3", "nan", "inf", ""] {
            assert_eq!(after("retry-after", odd), None, "{odd}");
        }
    }

    #[test]
    fn this_machine_is_reached_without_a_proxy() {
        assert!(is_loopback("http://127.0.0.1:80/v1") && is_loopback("http://localhost"));
        assert!(is_loopback("http://[::1]:8080/v1"));
        assert!(!is_loopback("http://10.0.0.1/v1") && !is_loopback("nonsense"));
    }
}
