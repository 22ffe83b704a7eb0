//! macOS: the profile (SBPL) by which `sandbox-exec` confines a command. It
//! keeps files and network; there are no namespaces. Source: the profiles in
//! `/System/Library/Sandbox/Profiles`, and Chromium's.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::view::View;

/// What a Mac has of the system beside what every system has.
const SYSTEM: &[&str] = &[
    "/System",
    "/Library",
    "/Applications/Xcode.app",
    "/private/etc",
    "/private/var/db",
    "/private/var/select",
    "/opt/homebrew",
    "/usr",
    "/bin",
    "/sbin",
    "/dev",
];

/// The profile for what a job may see. Later rules win over earlier ones.
pub(crate) fn profile(view: &View, private: Option<&Path>, network: bool) -> String {
    let mut text = String::from(
        "(version 1)\n(deny default)\n(import \"system.sb\")\n\
         (allow process-fork process-exec process-info* sysctl-read)\n\
         (allow signal (target same-sandbox))\n\
         (allow ipc-posix-shm* ipc-posix-sem* mach-lookup iokit-open)\n\
         (allow file-read-metadata)\n\
         (allow file-ioctl (subpath \"/dev\"))\n\
         (allow file-write* (literal \"/dev/null\") (literal \"/dev/tty\"))\n",
    );
    let own = private.map(|private| private.join("tmp"));
    let own: Vec<PathBuf> = own.into_iter().collect();
    let system = SYSTEM.iter().map(Path::new);
    let readable = view.readable.iter().map(PathBuf::as_path);
    rule(&mut text, "allow file-read*", system.chain(readable));
    let writable = view.writable.iter().chain(&own).map(PathBuf::as_path);
    rule(&mut text, "allow file-read* file-write*", writable);
    // Nor may the folders that they lie in be moved.
    let anchors = view
        .protected
        .iter()
        .flat_map(|path| path.ancestors().skip(1).take_while(|folder| view.is_changeable(folder)));
    for folder in anchors {
        let _ = writeln!(text, "(deny file-write-unlink (literal {}))", quoted(folder));
    }
    rule(&mut text, "deny file-write*", view.protected.iter().map(PathBuf::as_path));
    rule(&mut text, "deny file-read* file-write*", view.hidden.iter().map(PathBuf::as_path));
    if network {
        text.push_str("(allow network* system-socket)\n");
    } else {
        text.push_str("(deny network*)\n");
        for path in &own {
            let _ = writeln!(text, "(allow network* (subpath {}))", quoted(path));
        }
    }
    text
}

fn rule<'a>(text: &mut String, what: &str, paths: impl Iterator<Item = &'a Path>) {
    let mut paths = paths.peekable();
    if paths.peek().is_none() {
        return;
    }
    let _ = write!(text, "({what}");
    for path in paths {
        let _ = write!(text, " (subpath {})", quoted(path));
    }
    text.push_str(")\n");
}

/// As a string of SBPL. A path that is no UTF-8 comes out as one that does not
/// exist, and so is not allowed.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_protected_or_hidden_is_denied_after_what_is_allowed() {
        let view = View {
            readable: ["/data".into()].into(),
            writable: ["/w \"q\"".into()].into(),
            protected: ["/w \"q\"/a/eval.py".into()].into(),
            hidden: ["/w \"q\"/.git".into()].into(),
            ..View::default()
        };
        let text = profile(&view, Some(Path::new("/private/job")), false);
        let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words} in {text}"));
        let order = [
            "(deny default)",
            "(subpath \"/data\")",
            "(allow file-read* file-write* (subpath \"/w \\\"q\\\"\") (subpath \"/private/job/tmp\")",
            "(deny file-write-unlink (literal \"/w \\\"q\\\"/a\"))",
            "(deny file-write* (subpath \"/w \\\"q\\\"/a/eval.py\"))",
            "(deny file-read* file-write* (subpath \"/w \\\"q\\\"/.git\"))",
            "(deny network*)",
        ];
        assert!(order.map(at).is_sorted(), "{text}");
        assert!(profile(&view, None, true).contains("(allow network*"));
    }
}
