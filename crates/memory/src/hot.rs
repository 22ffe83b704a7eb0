//! The hot page of a repository: short, and read by every proposer (SPEC J1). What stands
//! above its line is a person's and stays to the byte, whatever it is; below it is written
//! anew after every session.

use std::path::PathBuf;

use crate::error::MemoryError;
use crate::files;
use crate::note::{self, Kind, Meta, Note, slug};
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
    /// The hot page of a repository as a proposer reads it, without its front matter;
    /// `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read, or is no text.
    pub fn hot_page(&self, repository: &Repository) -> Result<Option<String>, MemoryError> {
        let Some(text) = self.page(repository)? else { return Ok(None) };
        let text = note::plain(&text);
        // A slip in its front matter takes nothing from what stands below.
        let body = note::front(&text).map_or(text.as_str(), |(_, body)| body);
        let (own, written) = body.split_once(LINE).unwrap_or((body, ""));
        let head = |text: &str| text[..text.floor_char_boundary(PAGE)].trim().to_owned();
        let page = [head(own), head(written)].join("\n\n");
        Ok(Some(page.trim().to_owned()).filter(|page| !page.is_empty()))
    }

    /// Writes the part of a hot page that is ours, from lines of which the first are the
    /// most important: as many as there is room for. `date` is when, in RFC 3339, and
    /// counts for a page that is new.
    ///
    /// # Errors
    /// As [`Vault::add`]; when the page that is there cannot be read or is no text, and
    /// it stays as it is then.
    pub fn write_hot_page(
        &self,
        repository: &Repository,
        date: Option<String>,
        lines: &[String],
    ) -> Result<(), MemoryError> {
        let mut written = String::new();
        for line in lines.iter().map(|line| self.redact(line)) {
            if written.len() + line.len() + 1 > PAGE {
                break;
            }
            written.push_str(&line);
            written.push('\n');
        }
        let before = match self.page(repository)? {
            Some(page) => page,
            None => self.new_page(repository, date),
        };
        let own = match before.split_once(LINE) {
            Some((own, _)) => own.to_owned(),
            None => format!("{}\n\n", before.trim_end()),
        };
        let page = format!("{own}{LINE}\n\n{written}");
        files::replace(self.root(), &self.page_file(repository), &page)
    }

    /// What stands above the line before a person wrote there.
    fn new_page(&self, repository: &Repository, date: Option<String>) -> String {
        let title = format!("What is known of {}", repository.name);
        let body = format!("# {title}\n");
        let meta = Meta {
            kind: Kind::Hot,
            title,
            date,
            repository: Some(repository.name.clone()),
            repository_id: Some(repository.id.clone()),
            tags: vec!["autoresearch/hot".to_owned()],
            ..Meta::default()
        };
        self.clean(&Note { name: repository.hot_page(), meta, body }).to_markdown()
    }

    /// The page as it is on disk.
    fn page(&self, repository: &Repository) -> Result<Option<String>, MemoryError> {
        let path = self.page_file(repository);
        match files::read(&path) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(MemoryError::NoText(path)),
            },
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(MemoryError::io("read", &path)(e)),
        }
    }

    fn page_file(&self, repository: &Repository) -> PathBuf {
        self.file(&repository.folder(), &repository.hot_page())
    }
}
