//! What an agent may do that asks first.

use std::collections::HashMap;
use std::path::PathBuf;

use agent_client_protocol_schema::v1::{
    PermissionOptionId, PermissionOptionKind, RequestPermissionOutcome, RequestPermissionRequest,
    SelectedPermissionOutcome, ToolCallContent, ToolCallUpdateFields, ToolKind,
};

use super::files::Files;

/// Calls of a session that are remembered at most.
const MOST: usize = 1000;

/// What was said of calls of tools: a question may leave out what was said
/// before.
#[derive(Debug, Default)]
pub(super) struct Calls(HashMap<String, Call>);

#[derive(Clone, Debug, Default)]
struct Call {
    kind: ToolKind,
    paths: Vec<PathBuf>,
}

impl Calls {
    /// Takes what is said now of a call.
    pub(super) fn note(&mut self, id: &str, fields: &ToolCallUpdateFields) {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        let call = self.0.entry(id.to_owned()).or_default();
        call.kind = fields.kind.unwrap_or(call.kind);
        let mut paths = Vec::new();
        for location in fields.locations.iter().flatten() {
            paths.push(location.path.clone());
        }
        for content in fields.content.iter().flatten() {
            if let ToolCallContent::Diff(diff) = content {
                paths.push(diff.path.clone());
            }
        }
        if !paths.is_empty() {
            call.paths = paths;
        }
    }

    /// The answer to a question: to look and to think is allowed, to change
    /// targets too, and nothing else: least of all to run something.
    pub(super) fn decide(
        &mut self,
        request: &RequestPermissionRequest,
        files: &Files,
    ) -> RequestPermissionOutcome {
        use PermissionOptionKind::{AllowAlways, AllowOnce, RejectAlways, RejectOnce};
        let id = request.tool_call.tool_call_id.0.to_string();
        self.note(&id, &request.tool_call.fields);
        let call = self.0.get(&id).cloned().unwrap_or_default();
        let wanted = if is_allowed(&call, files) {
            [AllowOnce, AllowAlways]
        } else {
            [RejectOnce, RejectAlways]
        };
        let choose = |kind| request.options.iter().find(|option| option.kind == kind);
        match wanted.into_iter().find_map(choose) {
            Some(option) => {
                let id: PermissionOptionId = option.option_id.clone();
                RequestPermissionOutcome::Selected(SelectedPermissionOutcome::new(id))
            }
            None => RequestPermissionOutcome::Cancelled,
        }
    }
}

fn is_allowed(call: &Call, files: &Files) -> bool {
    match call.kind {
        ToolKind::Read | ToolKind::Search | ToolKind::Think => true,
        ToolKind::Edit | ToolKind::Delete | ToolKind::Move => {
            !call.paths.is_empty() && call.paths.iter().all(|path| files.is_target(path))
        }
        _ => false,
    }
}
