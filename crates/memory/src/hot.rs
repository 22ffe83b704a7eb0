//! The hot page of a repository: short, and read by every proposer (SPEC J1). What stands
//! above its line is a person's and stays; below it is written anew after every session.

use std::fs;

use crate::error::MemoryError;
use crate::note::{Kind, Meta, Note, slug};
use crate::vault::{Repository, Vault};

/// The line.
const LINE: &str = "<!-- above this line is yours; below it, autoresearch writes -->";

/// Bytes of what is written, and of what a person may add.
const PAGE: usize = 4 << 10;

impl Repository {
    /// The name of its hot page.
    pub fn hot_page(&self) -> String {
        format!("{}-hot", slug(&self.folder(), 100))
    }
}

impl Vault {
    /// The hot page of a repository as a proposer reads it; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn hot_page(&self, repository: &Repository) -> Result<Option<String>, MemoryError> {
        let Some(note) = self.page(repository)? else { return Ok(None) };
        let (own, written) = note.body.split_once(LINE).unwrap_or((&note.body, ""));
        let head = |text: &str| text[..text.floor_char_boundary(PAGE)].trim().to_owned();
        let page = [head(own), head(written)].join("\n\n");
        Ok(Some(page.trim().to_owned()).filter(|page| !page.is_empty()))
    }

    /// Writes the part of a hot page that is ours, from lines of which the first are the
    /// most important: as many as there is room for. `date` is when, in RFC 3339.
    ///
    /// # Errors
    /// As [`Vault::add`].
    pub fn write_hot_page(
        &self,
        repository: &Repository,
        date: Option<String>,
        lines: &[String],
    ) -> Result<(), MemoryError> {
        let before = self.page(repository)?;
        let own = match &before {
            Some(note) => note.body.split_once(LINE).map_or(note.body.as_str(), |(own, _)| own),
            None => "",
        };
        let title = format!("What is known of {}", repository.name);
        let mut written = String::new();
        for line in lines {
            if written.len() + line.len() + 1 > PAGE {
                break;
            }
            written.push_str(line);
            written.push('\n');
        }
        let own = if own.trim().is_empty() { format!("# {title}\n") } else { own.to_owned() };
        let meta = Meta {
            kind: Kind::Hot,
            title,
            date,
            repository: Some(repository.name.clone()),
            repository_id: Some(repository.id.clone()),
            tags: vec!["autoresearch/hot".to_owned()],
            ..before.map(|note| note.meta).unwrap_or_default()
        };
        let body = format!("{}\n\n{LINE}\n\n{written}", own.trim_end());
        let note = Note { name: repository.hot_page(), meta, body };
        self.replace(&repository.folder(), &note).map(drop)
    }

    /// One that a person made unreadable is as none.
    fn page(&self, repository: &Repository) -> Result<Option<Note>, MemoryError> {
        let name = repository.hot_page();
        let path = self.root().join(repository.folder()).join(format!("{name}.md"));
        match fs::read(&path) {
            Ok(bytes) => Ok(Note::parse(&name, &String::from_utf8_lossy(&bytes)).ok()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(MemoryError::io("read", &path)(e)),
        }
    }
}
