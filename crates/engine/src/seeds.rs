//! How a run is repeated under another seed. What runs may read
//! `AUTORESEARCH_SEED`; where it does not, the seeds in the targets are varied
//! on the worktree of the run. Such an overlay is no part of the candidate: it
//! is made after the checkout, no git there knows it, and the next checkout
//! takes it away. Files that no experiment may change are never varied.

use std::fs;
use std::path::Path;

use autoresearch_config::{Config, Seeds as Means};
use autoresearch_core::protected::is_source;
use autoresearch_core::source::MAX_BYTES;
use autoresearch_core::source::seeds::{self, Seed, Seeds, VARIABLE};
use autoresearch_core::trial::Seeded;

use crate::error::EngineError;

/// A file with its seeds.
#[derive(Debug)]
struct File {
    path: String,
    text: String,
    seeds: Seeds,
}

/// Where runs of one commit take their seed from.
#[derive(Debug)]
pub(crate) struct Source {
    means: Means,
    targets: Vec<File>,
    /// What else is known to be run, and no experiment may change.
    others: Vec<File>,
    /// Who reads the variable.
    reader: Option<String>,
}

impl Source {
    /// Looks at the targets, and at the read-only files and those that the run
    /// command names, as `read` has them; `None` is one that is not there.
    pub(crate) fn of(
        config: &Config,
        mut read: impl FnMut(&str) -> Result<Option<Vec<u8>>, EngineError>,
    ) -> Result<Source, EngineError> {
        let mut look = |paths: &mut dyn Iterator<Item = String>| {
            let mut files = Vec::new();
            for path in paths {
                // Bytes that are no text must stay as they are.
                let text = read(&path)?.and_then(|bytes| String::from_utf8(bytes).ok());
                let Some(text) = text.filter(|text| text.len() <= MAX_BYTES) else { continue };
                let seeds = seeds::find(&path, &text);
                files.push(File { path, text, seeds });
            }
            Ok::<_, EngineError>(files)
        };
        let targets = look(&mut config.target.iter().cloned())?;
        let mut paths: Vec<String> = config.read_only.clone();
        paths.extend(named(&config.run.command));
        paths.retain(|path| is_source(path) && !config.target.contains(path));
        paths.sort_unstable();
        paths.dedup();
        let others = look(&mut paths.into_iter())?;
        let is_in_command = config.run.command.iter().any(|word| word.contains(VARIABLE));
        let mut files = targets.iter().chain(&others);
        let reader = files.find(|file| file.seeds.reads_variable).map(|file| file.path.clone());
        let reader = reader.or_else(|| is_in_command.then(|| "the run command".to_owned()));
        Ok(Source { means: config.run.seeds, targets, others, reader })
    }

    /// The targets with seeds to be varied.
    fn varied(&self) -> impl Iterator<Item = &File> {
        let is_wanted = self.reader.is_none() && self.means == Means::Auto;
        self.targets.iter().filter(move |file| is_wanted && !file.seeds.varied.is_empty())
    }

    /// In one sentence, for the user.
    pub(crate) fn note(&self) -> String {
        let varied = self.places(self.varied(), |seeds| &seeds.varied);
        if let Some(reader) = &self.reader {
            return format!("replicates: runs get {VARIABLE}, which {reader} reads");
        }
        if !varied.is_empty() {
            let noun = if varied.len() == 1 { "seed" } else { "seeds" };
            let verb = if varied.len() == 1 { "is" } else { "are" };
            let fixed = self.places(self.targets.iter(), |seeds| &seeds.fixed);
            let stays = if fixed.is_empty() {
                String::new()
            } else {
                format!("; what decides on the data stays: {}", list(&fixed))
            };
            return format!(
                "replicates: the target's {noun} {} {verb} varied{stays}",
                list(&varied)
            );
        }
        format!(
            "replicates only see the machine's noise: {}; read {VARIABLE} to change that",
            self.why_nothing()
        )
    }

    fn why_nothing(&self) -> String {
        let is_off = self.means == Means::Environment;
        let left = self.places(self.targets.iter(), |seeds| &seeds.varied);
        if is_off && !left.is_empty() {
            return format!("`run.seeds = \"environment\"` leaves {} as it is", list(&left));
        }
        let fixed = self.places(self.targets.iter(), |seeds| &seeds.fixed);
        if !fixed.is_empty() {
            return format!("what the target has decides on the data, and stays: {}", list(&fixed));
        }
        let mut others = self.others.iter().filter(|file| !file.seeds.varied.is_empty());
        match others.next() {
            Some(File { path, seeds, .. }) => {
                let places: Vec<String> = seeds.varied.iter().map(Seed::place).collect();
                format!("{} of {path} is in a file that no experiment changes", list(&places))
            }
            None => "the target takes no seed".to_owned(),
        }
    }

    /// Where seeds are; with the file where there are several targets.
    fn places<'a>(
        &self,
        files: impl Iterator<Item = &'a File>,
        which: impl Fn(&Seeds) -> &Vec<Seed>,
    ) -> Vec<String> {
        let of = |file: &File| {
            if self.targets.len() > 1 { format!(" of {}", file.path) } else { String::new() }
        };
        let mut places = Vec::new();
        for file in files {
            places.extend(which(&file.seeds).iter().map(|seed| seed.place() + &of(file)));
        }
        places
    }

    /// Varies the seeds of the targets in `folder` by `by`.
    fn vary(&self, folder: &Path, by: u64) -> Result<Seeded, EngineError> {
        if self.reader.is_some() {
            return Ok(Seeded::Environment);
        }
        for File { path, text, seeds } in self.varied() {
            let path = folder.join(path);
            fs::write(&path, seeds::shifted(text, &seeds.varied, by))
                .map_err(EngineError::io("write", &path))?;
        }
        let varied = self.places(self.varied(), |seeds| &seeds.varied);
        Ok(if varied.is_empty() { Seeded::Nothing } else { Seeded::Overlay(varied) })
    }
}

/// Prepares the checkout of a candidate in `folder` for a run under `seed`: how
/// it comes by it, `None` under the session's own.
pub(crate) fn overlay(
    config: &Config,
    folder: &Path,
    seed: u64,
) -> Result<Option<Seeded>, EngineError> {
    let by = seed.wrapping_sub(config.run.seed);
    if by == 0 {
        return Ok(None);
    }
    let source = Source::of(config, |path| {
        let path = folder.join(path);
        // What leads elsewhere is no part of the checkout.
        if !fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file()) {
            return Ok(None);
        }
        fs::read(&path).map(Some).map_err(EngineError::io("read", &path))
    })?;
    source.vary(folder, by).map(Some)
}

/// Paths from the root of the repository that a command may run: its words,
/// and the module after `-m`.
fn named(command: &[String]) -> Vec<String> {
    let mut paths = Vec::new();
    let mut is_module = false;
    for word in command {
        if std::mem::replace(&mut is_module, word == "-m") {
            let module = word.replace('.', "/");
            paths.extend([format!("{module}.py"), format!("{module}/__main__.py")]);
        } else {
            let path = word.strip_prefix("./").unwrap_or(word);
            let is_inside = !path.starts_with(['/', '-']) && path.split('/').all(|p| p != "..");
            paths.extend(is_inside.then(|| path.to_owned()));
        }
    }
    paths
}

/// At most three of them.
fn list(places: &[String]) -> String {
    let shown = places.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
    match places.len().saturating_sub(3) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use autoresearch_repo::Repo;

    use super::*;
    use crate::place::{Place, Setting};

    fn config(more: &str) -> Config {
        let mut layers = autoresearch_config::Layers::new();
        let text = format!(
            "target = \"train.py\"\nread_only = [\"prepare.py\"]\nbudget = \"1s\"\n[metric]\nname = \"loss\"\ndirection = \"minimize\"\n[run]\nseed = 5\n{more}\n"
        );
        layers.add_file("test", &text).unwrap();
        layers.resolve().unwrap()
    }

    fn note(more: &str, files: &[(&str, &str)]) -> String {
        let files: BTreeMap<_, _> = files.iter().copied().collect();
        let read = |path: &str| Ok(files.get(path).map(|text| text.as_bytes().to_vec()));
        Source::of(&config(more), read).unwrap().note()
    }

    const COMMAND: &str = "command = \"python3 train.py\"";

    #[test]
    fn the_user_is_told_how_replicates_are_seeded() {
        let seed = ("train.py", "import x\n\nSEED = 42\n");
        let reads = "os.environ['AUTORESEARCH_SEED']";
        assert_eq!(
            note(COMMAND, &[seed]),
            "replicates: the target's seed `SEED = 42` in line 3 is varied"
        );
        for (command, files) in [
            (COMMAND, &[("train.py", reads)][..]),
            (COMMAND, &[seed, ("prepare.py", reads)]),
            ("command = \"sh sub/run.sh\"", &[seed, ("sub/run.sh", "./t $AUTORESEARCH_SEED")]),
            ("command = \"python3 -m a.b\"", &[seed, ("a/b.py", reads)]),
            ("command = [\"sh\", \"-c\", \"./t $AUTORESEARCH_SEED\"]", &[seed]),
        ] {
            let said = note(command, files);
            assert!(said.starts_with("replicates: runs get AUTORESEARCH_SEED"), "{said}");
        }
        assert_eq!(
            note(COMMAND, &[("train.py", "LR = 1\n")]),
            "replicates only see the machine's noise: the target takes no seed; read AUTORESEARCH_SEED to change that"
        );
        let protected = note(COMMAND, &[("train.py", "LR = 1\n"), ("prepare.py", "SEED = 1\n")]);
        assert!(
            protected.contains("`SEED = 1` in line 1 of prepare.py is in a file"),
            "{protected}"
        );
        let split = note(COMMAND, &[("train.py", "a, b = train_test_split(x, random_state=0)\n")]);
        assert!(
            split.contains("decides on the data, and stays: `random_state=0` in line 1"),
            "{split}"
        );
        let off = note(&format!("{COMMAND}\nseeds = \"environment\""), &[seed]);
        assert!(
            off.contains("`run.seeds = \"environment\"` leaves `SEED = 42` in line 3"),
            "{off}"
        );
    }

    #[test]
    fn only_the_targets_are_varied_and_only_under_another_seed() {
        let temp = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| fs::write(temp.path().join(path), text).unwrap();
        let read = |path: &str| fs::read_to_string(temp.path().join(path)).unwrap();
        write("train.py", "SEED = 42\n");
        write("prepare.py", "SEED = 7\n");
        let config = config(COMMAND);
        assert_eq!(overlay(&config, temp.path(), 5).unwrap(), None);
        assert_eq!(read("train.py"), "SEED = 42\n");
        let seeded = overlay(&config, temp.path(), 7).unwrap();
        assert_eq!(seeded, Some(Seeded::Overlay(vec!["`SEED = 42` in line 1".to_owned()])));
        assert_eq!(
            (read("train.py"), read("prepare.py")),
            ("SEED = 44\n".into(), "SEED = 7\n".into())
        );
        write("train.py", "LR = 1\n");
        assert_eq!(overlay(&config, temp.path(), 4).unwrap(), Some(Seeded::Nothing));
        write("prepare.py", "os.environ['AUTORESEARCH_SEED']\n");
        assert_eq!(overlay(&config, temp.path(), 4).unwrap(), Some(Seeded::Environment));
    }
    /// Also where both texts are of one length and no clock tells them apart.
    #[test]
    fn the_next_checkout_of_the_same_commit_knows_nothing_of_an_overlay() {
        let temp = tempfile::tempdir().unwrap();
        let (user, bench) = (temp.path().join("user"), temp.path().join("bench-1"));
        fs::create_dir(&user).unwrap();
        fs::write(user.join("train.py"), "SEED = 42\n").unwrap();
        autoresearch_repo::create(&user, "start").unwrap();
        let repo = Repo::discover(&user).unwrap();
        let commit = repo.head().unwrap().commit;
        let setting = Setting { links: &[], withheld: &[], history: false };
        let mut place = Place::default();
        for seed in 0..20 {
            place.hold(&repo, &bench, &commit, setting).unwrap();
            let text = fs::read_to_string(bench.join("train.py")).unwrap();
            assert_eq!(text, "SEED = 42\n", "before seed {seed}");
            overlay(&config(COMMAND), &bench, seed).unwrap();
            // An engine that was told to stop does not release it.
            if seed % 3 > 0 {
                place.release(&[]);
            }
        }
        assert_eq!(fs::read_to_string(user.join("train.py")).unwrap(), "SEED = 42\n");
    }
}
