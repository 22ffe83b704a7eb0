//! An MCP client by hand: lines of JSON-RPC, so that what the server says is
//! seen as it is.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use autoresearch_testkit::{BOUND, Place, until};
use serde_json::{Value, json};

/// A server and its client; killed when dropped.
pub(super) struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    next: u64,
    /// Everything that came and was no answer to the last question.
    pub(super) notices: Vec<Value>,
}

impl Client {
    /// A server in the place's repository, after the handshake.
    pub(super) fn start(place: &Place) -> Client {
        let mut client = Client::mute(place);
        let hello = json!({
            "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": { "name": "hand made", "version": "1" }
        });
        let told = client.ask("initialize", &hello);
        assert_eq!(told["result"]["serverInfo"]["name"], "autoresearch", "{told}");
        client.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        client
    }

    /// A server that was told nothing yet.
    pub(super) fn mute(place: &Place) -> Client {
        let mut child = place
            .command(["mcp"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        let stdin = child.stdin.take();
        Client { child, stdin, lines, next: 0, notices: Vec::new() }
    }

    pub(super) fn raw(&mut self, line: &[u8]) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(line).and_then(|()| stdin.write_all(b"\n")).unwrap();
        stdin.flush().unwrap();
    }

    pub(super) fn say(&mut self, message: &Value) {
        self.raw(message.to_string().as_bytes());
    }

    /// Asks without waiting for the answer; its number.
    pub(super) fn call_out(&mut self, method: &str, params: &Value) -> u64 {
        self.next += 1;
        let id = self.next;
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    /// The answer to a question. Every line must be JSON-RPC.
    pub(super) fn answer(&mut self, id: u64) -> Value {
        loop {
            let line = self.lines.recv_timeout(BOUND).expect("the server answers");
            let message: Value = serde_json::from_str(&line).expect(&line);
            assert_eq!(message["jsonrpc"], "2.0", "{line}");
            if message["id"] == id {
                return message;
            }
            self.notices.push(message);
        }
    }

    pub(super) fn ask(&mut self, method: &str, params: &Value) -> Value {
        let id = self.call_out(method, params);
        self.answer(id)
    }

    /// The whole result of a tool.
    pub(super) fn tool(&mut self, name: &str, arguments: &Value) -> Value {
        let params =
            json!({ "name": name, "arguments": arguments, "_meta": { "progressToken": "p" } });
        self.ask("tools/call", &params)["result"].clone()
    }

    /// What a tool answers as data; it must succeed.
    #[track_caller]
    pub(super) fn call(&mut self, name: &str, arguments: &Value) -> Value {
        let result = self.tool(name, arguments);
        assert_ne!(result["isError"], true, "{result}");
        result["structuredContent"].clone()
    }

    /// What a tool answers as text.
    #[track_caller]
    pub(super) fn text(&mut self, name: &str, arguments: &Value) -> String {
        let result = self.tool(name, arguments);
        assert_ne!(result["isError"], true, "{result}");
        result["content"][0]["text"].as_str().unwrap().to_owned()
    }

    /// What a tool that fails says.
    #[track_caller]
    pub(super) fn error(&mut self, name: &str, arguments: &Value) -> String {
        let result = self.tool(name, arguments);
        assert_eq!(result["isError"], true, "{result}");
        result["content"][0]["text"].as_str().unwrap().to_owned()
    }

    /// A proposal that replaces a line of the toy.
    pub(super) fn propose(&mut self, from: &str, to: &str) -> Value {
        let passage = json!({ "path": "train.sh", "old": from, "new": to });
        let arguments = json!({ "hypothesis": format!("{to} is better"), "replace": [passage] });
        self.call("propose", &arguments)
    }

    /// The verdict of an experiment.
    pub(super) fn verdict(&mut self, experiment: u64) -> Value {
        let waited = self.call("wait", &json!({ "experiment": experiment, "seconds": 100 }));
        assert_eq!(waited["done"], true, "{waited}");
        waited["experiment"].clone()
    }

    /// What `status` says, once it says so.
    pub(super) fn await_state(&mut self, state: &str) -> Value {
        until(&format!("the state {state}"), || {
            Some(self.call("status", &json!({}))).filter(|status| status["state"] == state)
        })
    }

    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Goes away; how the server ended.
    pub(super) fn leave(mut self) -> Option<i32> {
        drop(self.stdin.take());
        let status = until("the end of the server", || self.child.try_wait().unwrap());
        // Whatever it still said was protocol.
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(5)) {
            assert!(serde_json::from_str::<Value>(&line).is_ok(), "{line}");
        }
        status.code()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
