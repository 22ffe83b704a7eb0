//! What tools an agent offers, and from what the model wants to a call of them.

use serde_json::{Value, json};

use crate::model::{Api, Turn};

/// The file under experiment.
pub(crate) const TARGET: &str = "train.sh";

/// A call of a tool.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) arguments: Value,
}

/// What a request offers.
pub(crate) struct Offer {
    tools: Vec<String>,
    text: String,
}

impl Offer {
    pub(crate) fn of(api: Api, body: &Value) -> Offer {
        let mut tools = Vec::new();
        let at = if api == Api::Gemini { "/tools/0/functionDeclarations" } else { "/tools" };
        for tool in body.pointer(at).and_then(Value::as_array).into_iter().flatten() {
            let name = tool.pointer("/function/name").or(tool.get("name"));
            tools.extend(name.and_then(Value::as_str).map(str::to_owned));
        }
        let mut text = String::new();
        for part in ["system", "instructions", "systemInstruction", "messages", "input", "contents"]
        {
            collect(&body[part], &mut text);
        }
        Offer { tools, text }
    }

    /// Whether it is about the experiment, and not a title or a suggestion.
    pub(crate) fn is_for_work(&self) -> bool {
        !self.text.contains("[SUGGESTION MODE") && (!self.tools.is_empty() || self.has_blocks())
    }

    /// aider has no tools; it reads blocks.
    fn has_blocks(&self) -> bool {
        self.text.contains("SEARCH/REPLACE")
    }

    fn has(&self, name: &str) -> bool {
        self.tools.iter().any(|tool| tool == name)
    }

    /// What the model says and calls for a turn.
    pub(crate) fn carry_out(&self, turn: &Turn) -> (String, Vec<Call>) {
        let call = match turn {
            Turn::Read => self.read(),
            Turn::Set(number) => self.edit(&self.old(), &format!("x={number}")),
            Turn::Write(file) => self.write(file),
            Turn::Shell(command) => self.shell(command),
            Turn::Tool(name, arguments) => self.our_tool(name, arguments),
            Turn::Say(_) | Turn::Fail(_) | Turn::Hang => None,
        };
        if self.has_blocks() && self.tools.is_empty() {
            return (self.blocks(turn), Vec::new());
        }
        let call = call.unwrap_or_else(|| panic!("no tool for {turn:?} among {:?}", self.tools));
        ("One moment.".to_owned(), vec![call])
    }

    /// The target's line as it was shown last.
    fn old(&self) -> String {
        let last = self.text.rfind("x=").map_or("", |at| &self.text[at + 2..]);
        let number: String = last.chars().take_while(char::is_ascii_digit).collect();
        format!("x={number}")
    }

    fn blocks(&self, turn: &Turn) -> String {
        match turn {
            Turn::Set(number) => format!(
                "HYPOTHESIS: the number {number} is lower\nCATEGORY: training\n\n{TARGET}\n```sh\n\
                 <<<<<<< SEARCH\n{}\n=======\nx={number}\n>>>>>>> REPLACE\n```\n",
                self.old()
            ),
            Turn::Write(file) => {
                format!("{file}\n```sh\n<<<<<<< SEARCH\n=======\nhello\n>>>>>>> REPLACE\n```\n")
            }
            turn => panic!("aider can only edit: {turn:?}"),
        }
    }

    fn read(&self) -> Option<Call> {
        let call = |name: &str, key: &str| {
            self.has(name)
                .then(|| Call { name: name.to_owned(), arguments: json!({ key: TARGET }) })
        };
        call("Read", "file_path")
            .or_else(|| call("read_file", "file_path"))
            .or_else(|| call("read", if self.is_pi() { "path" } else { "filePath" }))
            .or_else(|| self.shell(&format!("cat {TARGET}")))
    }

    fn edit(&self, old: &str, new: &str) -> Option<Call> {
        let arguments = |name: &str| match name {
            "Edit" => json!({ "file_path": TARGET, "old_string": old, "new_string": new }),
            "replace" => json!({
                "file_path": TARGET, "old_string": old, "new_string": new, "instruction": "set it",
            }),
            _ if self.is_pi() => {
                json!({ "path": TARGET, "edits": [{ "oldText": old, "newText": new }] })
            }
            _ => json!({ "filePath": TARGET, "oldString": old, "newString": new }),
        };
        let name = ["Edit", "replace", "edit"].into_iter().find(|name| self.has(name));
        name.map(|name| Call { name: name.to_owned(), arguments: arguments(name) })
            .or_else(|| self.shell(&format!("sed -i 's/^x=.*/{new}/' {TARGET}")))
    }

    fn write(&self, file: &str) -> Option<Call> {
        let key = |name: &str| match name {
            "Write" | "write_file" => "file_path",
            _ if self.is_pi() => "path",
            _ => "filePath",
        };
        let name = ["Write", "write_file", "write"].into_iter().find(|name| self.has(name));
        name.map(|name| Call {
            name: name.to_owned(),
            arguments: json!({ key(name): file, "content": "hello\n" }),
        })
        .or_else(|| self.shell(&format!("echo hello > {file}")))
    }

    /// Every agent puts another name before ours.
    fn our_tool(&self, name: &str, arguments: &Value) -> Option<Call> {
        let is_it = |tool: &&String| {
            tool.strip_suffix(name).is_some_and(|server| server.ends_with('_'))
                && tool.contains("autoresearch")
        };
        let name = self.tools.iter().find(is_it)?.clone();
        Some(Call { name, arguments: arguments.clone() })
    }

    fn shell(&self, command: &str) -> Option<Call> {
        let tools = ["Bash", "run_shell_command", "bash", "exec_command", "shell_command"];
        let name = tools.into_iter().find(|name| self.has(name))?;
        let key = if name == "exec_command" { "cmd" } else { "command" };
        Some(Call {
            name: name.to_owned(),
            arguments: json!({ key: command, "description": "it" }),
        })
    }

    /// pi and opencode have tools of the same names.
    fn is_pi(&self) -> bool {
        !self.has("webfetch") && !self.has("todowrite")
    }
}

fn collect(value: &Value, into: &mut String) {
    match value {
        Value::String(text) => {
            into.push_str(text);
            into.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, into)),
        _ => {}
    }
}
