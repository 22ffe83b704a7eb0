//! A server on loopback that answers as a test says: what is behind an API
//! that is tested against. It speaks just enough HTTP/1.1.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use serde_json::Value;

/// A request, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// As `/v1/messages`.
    pub path: String,
    /// By name in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

impl Request {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }
}

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// Status, further headers, and the body.
    Say(u16, Vec<(&'static str, String)>, String),
    /// Nothing, until the server is dropped.
    Hang,
    /// The connection is closed.
    Close,
}

impl Response {
    /// JSON with status 200.
    pub fn json(value: &Value) -> Response {
        Response::Say(200, Vec::new(), value.to_string())
    }
}

type Answer = dyn FnMut(usize, &Request) -> Response + Send;

struct Shared {
    answer: Mutex<Box<Answer>>,
    requests: Mutex<Vec<Request>>,
    is_over: Mutex<bool>,
    over: Condvar,
}

/// A server; it ends when it is dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Server {
    /// Starts one on a free port; `answer` gets the number of the request, from
    /// 0, and the request.
    pub fn start(answer: impl FnMut(usize, &Request) -> Response + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            answer: Mutex::new(Box::new(answer)),
            requests: Mutex::default(),
            is_over: Mutex::default(),
            over: Condvar::new(),
        });
        let all = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if *all.is_over.lock().unwrap() {
                    break;
                }
                let one = Arc::clone(&all);
                // A client that goes away is none of the server's business.
                std::thread::spawn(move || serve(&stream, &one));
            }
        });
        Server { address, shared }
    }

    /// Its address, as `http://127.0.0.1:4711`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        *self.shared.is_over.lock().unwrap() = true;
        self.shared.over.notify_all();
        // Wakes whoever waits for a connection.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: &TcpStream, shared: &Shared) -> Option<()> {
    let request = read(stream)?;
    let number = {
        let mut requests = shared.requests.lock().unwrap();
        requests.push(request.clone());
        requests.len() - 1
    };
    let response = (shared.answer.lock().unwrap())(number, &request);
    let Response::Say(status, headers, body) = response else {
        if response == Response::Hang {
            let is_over = shared.is_over.lock().unwrap();
            drop(shared.over.wait_while(is_over, |is_over| !*is_over).unwrap());
        }
        return None;
    };
    let mut head = format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let mut stream = stream;
    stream.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes()).ok()
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    };
    let path = line()?.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, value)| value.parse().unwrap_or(0))];
    reader.read_exact(&mut body).ok()?;
    Some(Request { path, headers, body: String::from_utf8_lossy(&body).into_owned() })
}
