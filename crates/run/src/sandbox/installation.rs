//! Where the programs really lie that a command's `PATH` leads to: links are
//! followed to the installation (a virtual environment and the Python that it
//! was made of, a version of pyenv or uv), and no further.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// As the kernel: more links in a row are a circle.
const MOST_LINKS: usize = 40;

/// Follows links, and looks at each place once.
#[derive(Default)]
pub(super) struct Tracer(RefCell<HashMap<PathBuf, Option<PathBuf>>>);

impl Tracer {
    /// The links that a path goes through, each with its target, and where it
    /// ends. The end need not exist.
    pub(super) fn trace(&self, path: &Path) -> (Vec<(PathBuf, PathBuf)>, PathBuf) {
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
                    if links.len() < MOST_LINKS
                        && let Some(target) = self.target_of(&at)
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

    fn target_of(&self, path: &Path) -> Option<PathBuf> {
        if let Some(known) = self.0.borrow().get(path) {
            return known.clone();
        }
        let target = fs::read_link(path).ok();
        self.0.borrow_mut().insert(path.to_owned(), target.clone());
        target
    }
}

/// The program that a shell's `-c` begins with.
pub(super) fn in_shell(command: &[String]) -> Option<&str> {
    let [shell, option, script, ..] = command else { return None };
    let is_shell = ["sh", "bash", "dash", "zsh"].contains(&shell.rsplit('/').next()?);
    let mut words = script.split_whitespace().skip_while(|word| *word == "exec");
    words.next().filter(|_| is_shell && option == "-c")
}

/// Folders that the programs of an environment need, its command's among them.
/// `is_broad` says which are too much to show.
pub(super) fn folders(
    program: Option<&OsStr>,
    directory: &Path,
    environment: &BTreeMap<OsString, OsString>,
    tracer: &Tracer,
    is_broad: &dyn Fn(&Path) -> bool,
) -> BTreeSet<PathBuf> {
    let mut search = Search { tracer, is_broad, found: BTreeSet::new() };
    let path = environment.get(OsStr::new("PATH"));
    let searched: Vec<PathBuf> =
        path.map(|p| std::env::split_paths(p).collect()).unwrap_or_default();
    let is_system = |folder: &Path| SYSTEM.iter().any(|system| folder.starts_with(system));
    let folders: BTreeSet<&PathBuf> = searched
        .iter()
        .filter(|folder| folder.is_absolute() && !is_system(folder) && !is_broad(folder))
        .collect();
    for folder in folders {
        search.found.insert(folder.clone());
        search.of_folder(folder);
        for python in ["python3", "python"] {
            search.of_program(&folder.join(python));
        }
    }
    if let Some(program) = program {
        if program.as_encoded_bytes().contains(&b'/') {
            search.of_program(&directory.join(program));
        } else if let Some(folder) = searched.iter().find(|folder| folder.join(program).exists()) {
            search.of_program(&folder.join(program));
        }
    }
    search.found
}

/// Shown in any case.
const SYSTEM: &[&str] = &["/usr", "/bin", "/sbin"];

struct Search<'a> {
    tracer: &'a Tracer,
    is_broad: &'a dyn Fn(&Path) -> bool,
    found: BTreeSet<PathBuf>,
}

impl Search<'_> {
    /// What a program needs, by whatever links it is reached.
    fn of_program(&mut self, program: &Path) {
        let (links, end) = self.tracer.trace(program);
        if !end.is_file() {
            return;
        }
        for place in links.iter().map(|(at, _)| at).chain([&end]) {
            let Some(folder) = place.parent().filter(|_| place.is_file()) else { continue };
            if !(self.is_broad)(folder) && self.found.insert(folder.to_owned()) {
                self.of_folder(folder);
            }
        }
    }

    /// The installation that a folder of programs belongs to.
    fn of_folder(&mut self, folder: &Path) {
        let Some(prefix) = folder.parent().filter(|_| folder.ends_with("bin")) else { return };
        let venv = fs::read_to_string(prefix.join("pyvenv.cfg")).ok();
        let is_installation =
            venv.is_some() || prefix.join("conda-meta").is_dir() || prefix.join("lib").is_dir();
        if is_installation && !(self.is_broad)(prefix) {
            self.found.insert(prefix.to_owned());
        }
        let home = venv.as_deref().and_then(home_of_venv);
        if let Some(home) = home.filter(|home| *home != folder && home.is_absolute()) {
            for python in ["python3", "python"] {
                self.of_program(&home.join(python));
            }
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
        let (links, end) = Tracer::default().trace(&at.join("two"));
        assert_eq!(end, at.join("real/file"));
        assert_eq!(links[0], (at.join("two"), at.join("one/../one/file")));
        assert_eq!(links[1], (at.join("one"), "real".into()));
        symlink("circle", at.join("circle")).unwrap();
        assert_eq!(Tracer::default().trace(&at.join("circle")).0.len(), MOST_LINKS);
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
            folders(Some(&program), &home, &BTreeMap::new(), &Tracer::default(), &is_broad)
        };
        let found = of(".venv/bin/python");
        assert!(found.contains(&home.join(".venv")) && found.contains(&base), "{found:?}");
        // An installation right in the home folder shows its programs only.
        let found = of("other/bin/python");
        assert!(found.contains(&home.join("bin")) && !found.contains(&home), "{found:?}");
    }

    #[test]
    fn a_shell_is_seen_through() {
        let of = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            in_shell(&words).map(str::to_owned)
        };
        let script = " exec .venv/bin/python -m a && b";
        assert_eq!(of(&["/bin/sh", "-c", script]).as_deref(), Some(".venv/bin/python"));
        assert_eq!(of(&["sh", "a.sh"]), None);
        assert_eq!(of(&["python3", "-c", "import a"]), None);
    }
}
