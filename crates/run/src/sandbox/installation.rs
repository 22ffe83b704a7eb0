//! Where the programs really lie that a command's `PATH` leads to: links are
//! followed to the installation (a virtual environment and the Python that it
//! was made of, a version of pyenv or uv), and no further.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// As the kernel: more links in a row are a circle.
const MOST_LINKS: usize = 40;

/// The links that a path goes through, each with its target, and where it ends.
/// The end need not exist.
pub(super) fn trace(path: &Path) -> (Vec<(PathBuf, PathBuf)>, PathBuf) {
    let mut links = Vec::new();
    let mut at = PathBuf::from("/");
    let parts = |path: &Path| -> Vec<OsString> {
        path.components().rev().map(|part| part.as_os_str().to_owned()).collect()
    };
    let mut todo = parts(path);
    while let Some(part) = todo.pop() {
        match Path::new(&part).components().next() {
            Some(Component::RootDir) => at = PathBuf::from("/"),
            Some(Component::ParentDir) => {
                at.pop();
            }
            Some(Component::Normal(name)) => {
                at.push(name);
                if let Ok(target) = fs::read_link(&at)
                    && links.len() < MOST_LINKS
                {
                    todo.extend(parts(&target));
                    links.push((at.clone(), target));
                    at.pop();
                }
            }
            _ => {}
        }
    }
    (links, at)
}

/// Folders that the programs of an environment need, its command's among them.
/// `is_broad` says which are too much to show.
pub(super) fn folders(
    program: Option<&OsStr>,
    directory: &Path,
    environment: &BTreeMap<OsString, OsString>,
    is_broad: &dyn Fn(&Path) -> bool,
) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let path = environment.get(OsStr::new("PATH"));
    let searched: Vec<PathBuf> =
        path.map(|p| std::env::split_paths(p).collect()).unwrap_or_default();
    for folder in searched.iter().filter(|folder| folder.is_absolute() && !is_broad(folder)) {
        found.push(folder.clone());
        of_folder(folder, is_broad, &mut found);
        for python in ["python3", "python"] {
            of_program(&folder.join(python), is_broad, &mut found);
        }
    }
    if let Some(program) = program {
        if program.as_encoded_bytes().contains(&b'/') {
            of_program(&directory.join(program), is_broad, &mut found);
        } else if let Some(folder) = searched.iter().find(|folder| folder.join(program).exists()) {
            of_program(&folder.join(program), is_broad, &mut found);
        }
    }
    found
}

/// What a program needs, by whatever links it is reached.
fn of_program(program: &Path, is_broad: &dyn Fn(&Path) -> bool, found: &mut Vec<PathBuf>) {
    let (links, end) = trace(program);
    if !end.is_file() {
        return;
    }
    for place in links.iter().map(|(at, _)| at).chain([&end]) {
        let Some(folder) = place.parent().filter(|_| place.is_file()) else { continue };
        if !is_broad(folder) {
            found.push(folder.to_owned());
        }
        of_folder(folder, is_broad, found);
    }
}

/// The installation that a folder of programs belongs to.
fn of_folder(folder: &Path, is_broad: &dyn Fn(&Path) -> bool, found: &mut Vec<PathBuf>) {
    let Some(prefix) = folder.parent().filter(|_| folder.ends_with("bin")) else { return };
    let venv = fs::read_to_string(prefix.join("pyvenv.cfg")).ok();
    let is_installation =
        venv.is_some() || prefix.join("conda-meta").is_dir() || prefix.join("lib").is_dir();
    if is_installation && !is_broad(prefix) {
        found.push(prefix.to_owned());
    }
    let home = venv.as_deref().and_then(home_of_venv);
    if let Some(home) = home.filter(|home| *home != folder && home.is_absolute()) {
        for python in ["python3", "python"] {
            of_program(&home.join(python), is_broad, found);
        }
    }
}

/// Where the Python lies that a virtual environment was made of (PEP 405).
fn home_of_venv(configuration: &str) -> Option<PathBuf> {
    configuration
        .lines()
        .filter_map(|line| line.split_once('='))
        .find(|(key, _)| key.trim() == "home")
        .map(|(_, value)| PathBuf::from(value.trim()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_is_traced_through_links_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap();
        fs::create_dir(at.join("real")).unwrap();
        symlink("real", at.join("one")).unwrap();
        symlink(at.join("one/../one/file"), at.join("two")).unwrap();
        let (links, end) = trace(&at.join("two"));
        assert_eq!(end, at.join("real/file"));
        assert_eq!(links[0], (at.join("two"), at.join("one/../one/file")));
        assert_eq!(links[1], (at.join("one"), "real".into()));
        symlink("circle", at.join("circle")).unwrap();
        assert_eq!(trace(&at.join("circle")).0.len(), MOST_LINKS);
    }

    #[test]
    fn a_virtual_environment_leads_to_its_python() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().canonicalize().unwrap();
        let base = home.join(".pyenv/versions/3.11.7");
        for (name, made) in [(".venv", base.clone()), ("other", home.clone())] {
            let venv = home.join(name);
            fs::create_dir_all(venv.join("bin")).unwrap();
            fs::create_dir_all(made.join("bin")).unwrap();
            fs::create_dir_all(base.join("lib")).unwrap();
            fs::write(made.join("bin/python3"), "").unwrap();
            fs::write(venv.join("pyvenv.cfg"), format!("home = {}/bin\n", made.display())).unwrap();
            symlink(made.join("bin/python3"), venv.join("bin/python")).unwrap();
        }
        let of = |program: &str| {
            let program: OsString = home.join(program).into();
            let is_broad = |path: &Path| home.starts_with(path);
            folders(Some(&program), &home, &BTreeMap::new(), &is_broad)
        };
        let found = of(".venv/bin/python");
        assert!(found.contains(&home.join(".venv")) && found.contains(&base), "{found:?}");
        // An installation right in the home folder shows its programs only.
        let found = of("other/bin/python");
        assert!(found.contains(&home.join("bin")) && !found.contains(&home), "{found:?}");
    }
}
