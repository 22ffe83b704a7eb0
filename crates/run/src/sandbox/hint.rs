//! Why a confined command may have failed: it named something that exists, but
//! not for it.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use super::installation::Tracer;
use super::view::View;

/// Of the last lines, those nearest to the end: there the error is.
const LINES: usize = 8;

/// What the last lines of a failed command's output name that exists on the
/// machine and is not there for it, and how to give it that.
pub(crate) fn hint_for(last_lines: &str, view: &View) -> Option<String> {
    static PATH: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"(?:^|[\s'"`=(\[<:])(/[^\s'"`()\[\]<>,;]+)"#).ok());
    let path = PATH.as_ref()?;
    last_lines.lines().rev().take(LINES).find_map(|line| {
        path.captures_iter(line).find_map(|found| {
            let named = found[1].trim_end_matches(['.', ':', '/']);
            missing(Path::new(named), view, line)
        })
    })
}

fn missing(named: &Path, view: &View, line: &str) -> Option<String> {
    let real = Tracer::default().trace(named).1;
    let is_refused = ["Read-only file system", "Permission denied", "not permitted"]
        .iter()
        .any(|words| line.contains(words));
    let home = view.home.as_deref();
    let is_own = |path: &Path| {
        ["/proc", "/dev"].iter().any(|own| path.starts_with(own))
            || path == Path::new("/var/tmp")
            || home.is_some_and(|home| home == path)
    };
    if is_own(&real) {
        return None;
    }
    if view.is_seen(&real) {
        return (is_refused && !view.is_changeable(&real) && !is_part_of_system(&real))
            .then(|| format!("`{}` may only be read: name it in `run.writable`", named.display()));
    }
    // What it wanted to write does not exist; the folder does.
    let exists = [Some(real.as_path()), real.parent()]
        .into_iter()
        .flatten()
        .find(|path| path.exists() && path.components().count() > 2 && !is_own(path))?;
    let shown: PathBuf = if exists == real { named.to_owned() } else { exists.to_owned() };
    Some(format!(
        "`{}` exists, but not for a confined run: name it in `run.readable`, or in `run.writable` if runs write there",
        shown.display()
    ))
}

fn is_part_of_system(path: &Path) -> bool {
    ["/usr", "/etc", "/sys", "/opt", "/nix"].iter().any(|system| path.starts_with(system))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_exists_but_not_inside_is_named_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap();
        fs::write(at.join("x.csv"), "").unwrap();
        fs::create_dir(at.join("seen")).unwrap();
        let view = View { readable: [at.join("seen"), "/usr".into()].into(), ..View::default() };
        let of = |text: String| hint_for(&text, &view);
        let there = at.join("x.csv").display().to_string();
        let error = format!("FileNotFoundError: [Errno 2] No such file or directory: '{there}'");
        assert!(of(error).unwrap().starts_with(&format!("`{there}` exists, but not")));
        let absent = at.join("absent/x").display().to_string();
        assert_eq!(of(format!("No such file: '{absent}'")), None);
        let shown = at.join("seen/new").display().to_string();
        assert_eq!(of(format!("No such file: '{shown}'")), None);
        assert!(of(format!("Read-only file system: '{shown}'")).unwrap().contains("run.writable"));
        assert_eq!(of("File \"/usr/lib/python3/os.py\", line 1".into()), None);
        assert_eq!(of("1/2 and / and // and /tmp/no/x".into()), None);
    }
}
