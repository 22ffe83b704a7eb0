//! A model server on loopback that answers by a script: enough of `OpenAI`'s
//! chat completions and responses, Anthropic's messages and Gemini's API for a
//! real agent really to edit a file.
//!
//! Every request that offers tools, or comes from an agent without tools, takes
//! the next turn of the script; the last turn repeats. Titles and summaries
//! that agents ask for besides are answered and take none.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::answers;
use crate::tools::{Call, Offer};

/// What the model does when it is asked.
#[derive(Clone, Debug)]
pub(crate) enum Turn {
    /// Reads the target.
    Read,
    /// Sets the target's number.
    Set(u32),
    /// Writes another file.
    Write(&'static str),
    /// Runs a command.
    Shell(String),
    /// Calls one of our own tools.
    Tool(&'static str, Value),
    /// Says something, and with it ends its turn.
    Say(String),
    /// Fails with this HTTP status.
    Fail(u16),
    /// Says nothing until the agent is gone.
    Hang,
}

/// The turns of a proposal that sets the target's number.
pub(crate) fn setting(number: u32) -> Vec<Turn> {
    let said = format!("I set it.\n\nHYPOTHESIS: the number {number} is lower\nCATEGORY: training");
    vec![Turn::Read, Turn::Set(number), Turn::Say(said)]
}

/// The protocols by which it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    Chat,
    Responses,
    Messages,
    Gemini,
}

/// A running server.
pub(crate) struct Model {
    port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    turns: VecDeque<Turn>,
    /// Turns taken.
    taken: usize,
}

impl Model {
    pub(crate) fn playing(turns: impl IntoIterator<Item = Turn>) -> Model {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State { turns: turns.into_iter().collect(), taken: 0 }));
        let shared = Arc::clone(&state);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || {
                    // An agent that goes away in between is part of the tests.
                    let _ = serve(stream, &state);
                });
            }
        });
        Model { port, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many turns were taken.
    pub(crate) fn taken(&self) -> usize {
        self.state.lock().unwrap().taken
    }
}

impl State {
    fn next(&mut self) -> Turn {
        self.taken += 1;
        match self.turns.len() {
            0 => Turn::Say("done".to_owned()),
            1 => self.turns[0].clone(),
            _ => self.turns.pop_front().unwrap(),
        }
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let Some((method, path, body)) = request(&mut reader)? else { return Ok(()) };
    let path = path.split('?').next().unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let asked = match path {
        _ if method != "POST" => None,
        path if path.ends_with("/chat/completions") => Some((Api::Chat, body["stream"] == true)),
        path if path.ends_with("/responses") => Some((Api::Responses, body["stream"] == true)),
        path if path.ends_with("/messages") => Some((Api::Messages, body["stream"] == true)),
        path if path.ends_with(":generateContent") => Some((Api::Gemini, false)),
        path if path.ends_with(":streamGenerateContent") => Some((Api::Gemini, true)),
        _ => None,
    };
    let Some((api, is_stream)) = asked else {
        let counted = path.ends_with("count_tokens") || path.ends_with(":countTokens");
        let body = if counted {
            r#"{"input_tokens":1000,"totalTokens":1000}"#
        } else {
            r#"{"error":{"message":"no such path"}}"#
        };
        return answer(&mut stream, if counted { 200 } else { 404 }, "application/json", body);
    };
    let offer = Offer::of(api, &body);
    if !offer.is_for_work() {
        let (kind, text) = answers::of(api, is_stream, "A title", &[]);
        return answer(&mut stream, 200, kind, &text);
    }
    let turn = state.lock().unwrap().next();
    let (said, calls): (String, Vec<Call>) = match turn {
        Turn::Say(text) => (text, Vec::new()),
        Turn::Fail(status) => {
            let body = answers::error(status);
            return answer(&mut stream, status, "application/json", &body);
        }
        Turn::Hang => {
            // Until the agent closes its side, or the test's process ends.
            stream.set_read_timeout(Some(Duration::from_mins(10)))?;
            let _ = stream.read(&mut [0; 1]);
            return Ok(());
        }
        turn => offer.carry_out(&turn),
    };
    let (kind, text) = answers::of(api, is_stream, &said, &calls);
    answer(&mut stream, 200, kind, &text)
}

type Request = (String, String, Vec<u8>);

fn request(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (mut length, mut is_chunked) = (0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim().to_ascii_lowercase();
        match header.split_once(':') {
            Some(("content-length", value)) => length = value.trim().parse().unwrap_or(0),
            Some(("transfer-encoding", value)) => is_chunked = value.contains("chunked"),
            Some(("expect", _)) => reader.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    loop {
        if !is_chunked {
            break;
        }
        let mut size = String::new();
        reader.read_line(&mut size)?;
        let size =
            usize::from_str_radix(size.trim().split(';').next().unwrap_or("0"), 16).unwrap_or(0);
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk)?;
        if size == 0 {
            break;
        }
        body.extend_from_slice(&chunk[..size]);
    }
    Ok(Some((method, path, body)))
}

fn answer(stream: &mut TcpStream, status: u16, kind: &str, body: &str) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} Scripted\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    stream.flush()
}
