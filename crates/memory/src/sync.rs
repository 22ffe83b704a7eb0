//! The index follows the notes: what is new, was changed or is gone is found by the
//! times of folders and by the sizes and times of files.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::MemoryError;
use crate::files::{self, OWN};
use crate::index::{Found, Index};
use crate::note::Note;

/// Files that are taken in at once.
const BATCH: usize = 500;

/// What changed this shortly before it was looked at may change again without its time
/// telling, and is looked at again.
const TICK: i64 = 2_000_000_000;

/// Folders within folders that are followed.
const DEPTH: usize = 16;

/// How closely the notes are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// At the folders: finds notes that came, went or were replaced; what was written in
    /// place is not seen. Costs next to nothing.
    Folders,
    /// At every file. About a microsecond each.
    Files,
}

/// How far a look at the notes has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Notes taken in.
    pub done: u64,
    /// Notes to be taken in.
    pub of: u64,
}

/// What differs between the notes and the index.
#[derive(Debug, Default)]
struct Difference {
    changed: Vec<Found>,
    gone: Vec<String>,
    gone_folders: Vec<String>,
    /// Every folder that was read, with its time.
    folders: Vec<(String, i64)>,
    /// Folders that cannot be read, and why.
    closed: Vec<(String, String)>,
}

/// Makes the index say what the notes say. `now` is a time of the disk's own clock, in
/// nanoseconds.
pub(crate) fn sync(
    index: &mut Index,
    root: &Path,
    look: Look,
    now: i64,
    tell: &mut dyn FnMut(Step),
) -> Result<(), MemoryError> {
    let difference = compare(index, root, look, now)?;
    let of = difference.changed.len() as u64;
    let mut done = 0;
    tell(Step { done, of });
    if !difference.gone.is_empty() || !difference.gone_folders.is_empty() {
        let mut change = index.change()?;
        for path in &difference.gone {
            change.remove(path)?;
        }
        for folder in &difference.gone_folders {
            change.remove_folder(folder)?;
        }
        change.commit()?;
    }
    for batch in difference.changed.chunks(BATCH) {
        // Read first: whoever else writes the index does not wait for the disk.
        let read: Vec<(&Found, String, Result<Note, String>)> = batch
            .iter()
            .filter_map(|found| Some((found, read(root, found)?)))
            .map(parsed)
            .collect();
        let mut change = index.change()?;
        for (found, text, note) in &read {
            change.put(found, text, note)?;
        }
        change.commit()?;
        done += batch.len() as u64;
        tell(Step { done, of });
    }
    if difference.folders.is_empty() && difference.closed.is_empty() {
        return Ok(());
    }
    let mut change = index.change()?;
    for (path, why) in difference.closed {
        change.put(&Found { path, size: 0, mtime: 0 }, &why, &Err(why.clone()))?;
    }
    for (path, mtime) in &difference.folders {
        change.saw_folder(path, *mtime)?;
    }
    change.commit()?;
    Ok(())
}

/// The text of a file; `None` for one that went meanwhile.
fn read(root: &Path, found: &Found) -> Option<Result<String, String>> {
    match files::read(&root.join(&found.path)) {
        Ok(bytes) => Some(String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => Some(Err(format!("it cannot be read: {e}"))),
    }
}

fn parsed(
    (found, text): (&Found, Result<String, String>),
) -> (&Found, String, Result<Note, String>) {
    let file = found.path.rsplit('/').next().unwrap_or_default();
    let name = file.strip_suffix(".md").unwrap_or(file);
    match text {
        Ok(text) => {
            let note = Note::parse(name, &text);
            (found, text, note)
        }
        Err(why) => (found, why.clone(), Err(why)),
    }
}

fn compare(index: &Index, root: &Path, look: Look, now: i64) -> Result<Difference, MemoryError> {
    let known = index.folders()?;
    let mut difference = Difference::default();
    let mut waiting: Vec<(String, usize)> = vec![(String::new(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        let path = root.join(&folder);
        // Somebody else's folder, as `lost+found`, takes nothing from the others.
        let mut closed = |e: io::Error| {
            if e.kind() == io::ErrorKind::NotFound {
                difference.gone_folders.push(folder.clone());
            } else if folder.is_empty() {
                return Err(MemoryError::io("read", &path)(e));
            } else {
                difference.closed.push((folder.clone(), format!("it cannot be read: {e}")));
            }
            Ok(())
        };
        let mtime = match fs::metadata(&path) {
            Ok(meta) => settled(nanoseconds(&meta), now),
            Err(e) => {
                closed(e)?;
                continue;
            }
        };
        if look == Look::Folders && mtime != 0 && known.get(&folder) == Some(&mtime) {
            waiting
                .extend(index.inner_folders(&folder)?.into_iter().map(|inner| (inner, depth + 1)));
            continue;
        }
        let entries = match fs::read_dir(&path).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => entries,
            Err(e) => {
                closed(e)?;
                continue;
            }
        };
        let mut files = index.files(&folder)?;
        let mut inner: HashSet<String> = index.inner_folders(&folder)?.into_iter().collect();
        for entry in entries {
            // Neither a link out of the vault nor a name that is no text is a note.
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Ok(kind) = entry.file_type() else { continue };
            if name.starts_with('.') || name == OWN {
                continue;
            }
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if kind.is_dir() && depth < DEPTH {
                inner.remove(&path);
                waiting.push((path, depth + 1));
            } else if kind.is_file() && Path::new(&path).extension().is_some_and(|end| end == "md")
            {
                let Ok(meta) = entry.metadata() else { continue };
                let size = i64::try_from(meta.len()).unwrap_or(i64::MAX);
                let mtime = settled(nanoseconds(&meta), now);
                let before = files.remove(&path);
                if mtime == 0 || before != Some((size, mtime)) {
                    difference.changed.push(Found { path, size, mtime });
                }
            }
        }
        difference.gone.extend(files.into_keys());
        difference.gone_folders.extend(inner);
        difference.folders.push((folder, mtime));
    }
    // The same order everywhere.
    difference.changed.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(difference)
}

/// A time that can be relied on, or 0.
fn settled(mtime: i64, now: i64) -> i64 {
    if mtime < now.saturating_sub(TICK) { mtime } else { 0 }
}

/// When a file was changed, since 1970.
pub(crate) fn nanoseconds(meta: &fs::Metadata) -> i64 {
    let changed = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let since: Duration = changed.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
