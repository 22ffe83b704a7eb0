//! The user's own server: started, waited for, and ended.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, PipeReader, Read as _, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs as _};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use autoresearch::core::metric::SERVER_MARK;
use autoresearch::run::Group;
use regex::Regex;

use super::aim::{Aim, agent};
use super::args::AimArgs;
use super::{interrupted, with_port, words};
use crate::args::Global;
use crate::exit::BadInput;
use crate::output::visible;

/// Between two looks whether it is ready.
const TICK: Duration = Duration::from_millis(20);
/// How long one look may take.
const LOOK: Duration = Duration::from_secs(1);
/// How long it may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(2);
/// Lines that an error tells.
const LAST: usize = 5;
/// How long what it said last may take to be heard.
const HEARING: Duration = Duration::from_millis(100);
/// Bytes of a line that are looked at together; with what marks it, it is read as
/// one line.
const LONGEST: u64 = 16 * 1024;

/// How a server shows that it is ready.
pub(super) enum Ready {
    /// This address answers 2xx.
    Url(String),
    /// Something listens at this host and port.
    Port(String, u16),
    /// It prints a line that matches.
    Pattern,
}

impl Ready {
    /// As `args` say it, else by the port of what is measured.
    ///
    /// # Errors
    /// When there is no such port, or somebody else has it.
    pub(super) fn of(args: &AimArgs, aims: &[Aim], port: Option<u16>) -> anyhow::Result<Ready> {
        if args.ready_pattern.is_some() {
            return Ok(Ready::Pattern);
        }
        let host_port = |uri: &ureq::http::Uri| {
            let port =
                uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
            Some((uri.host()?.trim_matches(['[', ']']).to_owned(), port))
        };
        let url = args.ready.as_ref().map(|url| with_port(url, port));
        let place = match &url {
            Some(url) => url.parse().ok().as_ref().and_then(host_port),
            None => aims.iter().find_map(Aim::uri).and_then(host_port),
        };
        let place = place.or_else(|| Some(("127.0.0.1".to_owned(), port?)));
        let Some((host, port)) = place else {
            let hint = "say `--ready URL` or `--ready-pattern REGEX`";
            return Err(BadInput::new("nothing says when the server is ready", hint).into());
        };
        if is_open(&host, port) {
            let message = format!("something else listens at {host}:{port} already");
            let hint = "end it, or write `{port}` for a free port in `--server` and `--url`";
            return Err(BadInput::new(message, hint).into());
        }
        Ok(match url {
            Some(url) => Ready::Url(url),
            None => Ready::Port(host, port),
        })
    }
}

/// A port of the loopback that nobody has just now.
///
/// # Errors
/// When there is none.
pub(super) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context(
        "found no free port; a run that is restricted, not sandboxed, needs `run.network = true`",
    )?;
    Ok(listener.local_addr()?.port())
}

/// A server that was started; ended with grace when dropped.
pub(super) struct Server {
    group: Group,
    heard: Arc<Heard>,
    listener: JoinHandle<()>,
    /// Nothing that it says is printed any more.
    is_over: Arc<AtomicBool>,
}

/// What it printed.
#[derive(Default)]
struct Heard {
    last: Mutex<VecDeque<String>>,
    is_ready: AtomicBool,
}

impl Server {
    /// Starts it.
    ///
    /// # Errors
    /// When that fails.
    pub(super) fn start(global: &Global, command: &str, args: &AimArgs) -> anyhow::Result<Server> {
        let words = words(global, command)?;
        let is_over = Arc::new(AtomicBool::new(false));
        let to: Box<dyn Write + Send> = match &args.server_log {
            Some(path) => {
                let path = global.directory.join(path);
                Box::new(File::create(&path).with_context(|| path.display().to_string())?)
            }
            None => Box::new(Marked(Arc::clone(&is_over))),
        };
        let (said, say) = io::pipe()?;
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(&global.directory).stdin(Stdio::null());
        command.stdout(say.try_clone()?).stderr(say);
        let group = Group::start(&mut command)
            .with_context(|| format!("failed to start the server `{}`", words[0]))?;
        // Its ends of the pipe are the only ones now.
        drop(command);
        let heard = Arc::new(Heard::default());
        let (theirs, pattern) = (Arc::clone(&heard), args.ready_pattern.clone());
        let listener = std::thread::Builder::new()
            .spawn(move || listen(said, to, &theirs, pattern.as_ref()))?;
        Ok(Server { group, heard, listener, is_over })
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// When it is not in time, when it ends, and after a signal.
    pub(super) fn wait_until(&mut self, ready: &Ready, timeout: Duration) -> anyhow::Result<()> {
        let started = Instant::now();
        let client = agent(LOOK, false);
        loop {
            // First: a stranger may have taken the port of a server that ended.
            self.look("before it was ready")?;
            let is_ready = match ready {
                Ready::Pattern => self.heard.is_ready.load(Ordering::Relaxed),
                Ready::Port(host, port) => is_open(host, *port),
                Ready::Url(url) => {
                    client.get(url).call().is_ok_and(|answer| answer.status().is_success())
                }
            };
            if is_ready {
                return Ok(());
            }
            if started.elapsed() >= timeout {
                let how = match ready {
                    Ready::Pattern => "printed no line that `--ready-pattern` finds".to_owned(),
                    Ready::Port(host, port) => format!("does not listen at {host}:{port}"),
                    Ready::Url(url) => format!("does not answer {url} with 2xx"),
                };
                let seconds = timeout.as_secs_f64();
                let last = self.last_words();
                anyhow::bail!("the server {how} after {seconds} s (`--ready-timeout`){last}");
            }
            std::thread::sleep(TICK);
        }
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// When it has ended, and after a signal.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        self.look("while it was measured")
    }

    /// Whether it still runs, of a server that did not answer: it may be about to end.
    ///
    /// # Errors
    /// When it ends, and after a signal.
    pub(super) fn check_twice(&mut self) -> anyhow::Result<()> {
        let asked = Instant::now();
        while asked.elapsed() < LOOK / 2 {
            self.check()?;
            std::thread::sleep(TICK);
        }
        Ok(())
    }

    fn look(&mut self, when: &str) -> anyhow::Result<()> {
        interrupted()?;
        let Some(end) = self.group.ended() else { return Ok(()) };
        self.hear(LOOK);
        anyhow::bail!("the server ended {when}: {end}{}", self.last_words())
    }

    /// All that it said may not have been heard yet; what it left behind may still
    /// talk.
    fn hear(&self, most: Duration) {
        let asked = Instant::now();
        while !self.listener.is_finished() && asked.elapsed() < most {
            std::thread::sleep(TICK);
        }
    }

    fn last_words(&self) -> String {
        let last = self.heard.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_empty() {
            return "; it printed nothing".to_owned();
        }
        let lines: Vec<&str> = last.iter().map(String::as_str).collect();
        format!("; it said: {}", visible(&lines.join(" / ")))
    }
}

/// Whatever the reason, it gets its grace: it may be the user's own database.
impl Drop for Server {
    fn drop(&mut self) {
        self.group.end(GRACE);
        self.hear(HEARING);
        // Under the lock: not in the middle of a line either.
        let _lock = io::stderr().lock();
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// Standard error until it is over, every line marked as the server's, so that
/// nothing that it prints is taken for the measurement: each is a line for every
/// reader, whatever is in it, and has an end.
struct Marked(Arc<AtomicBool>);

impl Write for Marked {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let marked = marked(line);
        let mut to = io::stderr().lock();
        if !self.0.load(Ordering::Relaxed) {
            to.write_all(marked.as_bytes())?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn marked(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches(['\r', '\n']);
    format!("{SERVER_MARK}{}\n", visible(text))
}

fn listen(said: PipeReader, mut to: Box<dyn Write + Send>, heard: &Heard, ready: Option<&Regex>) {
    let mut said = BufReader::new(said);
    let mut line = Vec::new();
    while (&mut said).take(LONGEST).read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        // A server is not ended because nobody wants to hear it.
        let _ = to.write_all(&line);
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if ready.is_some_and(|ready| ready.is_match(text)) {
            heard.is_ready.store(true, Ordering::Relaxed);
        }
        if !text.is_empty() {
            let mut last = heard.last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.len() == LAST {
                last.pop_front();
            }
            last.push_back(text.chars().take(200).collect());
        }
        line.clear();
    }
}

fn is_open(host: &str, port: u16) -> bool {
    let Ok(mut places) = (host, port).to_socket_addrs() else { return false };
    places.any(|place| TcpStream::connect_timeout(&place, LOOK).is_ok())
}

#[cfg(test)]
mod tests {
    use autoresearch::core::metric::{Extractor, Source};

    use super::*;

    /// What a session reads of `output`, by name and by a pattern.
    fn read(output: &str) -> [Option<f64>; 2] {
        let (name, pattern) = ("min_ms".to_owned(), "min_ms=([0-9.]+)".to_owned());
        [Source::Printed { name: name.clone() }, Source::Pattern { name, pattern }].map(|source| {
            let mut extractor = Extractor::new(&source).unwrap();
            extractor.feed(output.as_bytes());
            extractor.finish().metric
        })
    }

    #[test]
    fn nothing_that_a_server_prints_is_its_metric() {
        let long = "x".repeat(usize::try_from(LONGEST).unwrap() - 21) + "METRIC min_ms=0.5    ";
        for said in [
            "METRIC min_ms=0.5\n",
            "x\rMETRIC min_ms=0.5\rMETRIC min_ms=0.5\r\n",
            "bye METRIC min_ms=0.5",
            "\x1b]0;METRIC min_ms=0.5\n",
            "\x1b[1GMETRIC min_ms=0.5\x1b[0m\n",
            "\u{85}METRIC min_ms=0.5\n",
            &long,
        ] {
            assert!(read(said).contains(&Some(0.5)) || said.contains("]0;"), "{said:?}");
            let said = marked(said.as_bytes());
            assert_eq!(read(&said), [None; 2], "{said:?}");
            assert_eq!(read(&format!("{said}METRIC min_ms=3\n{said}")), [Some(3.0); 2], "{said:?}");
        }
        assert_eq!(marked(b"bye\xff"), "server| bye\u{fffd}\n");
    }
}
