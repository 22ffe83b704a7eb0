//! What a client may read as a document.

use rmcp::model::{Resource, ResourceTemplate};

use crate::answers::told;
use crate::driver::Driver;
use crate::looking::{LONGEST, report, tail};

const RESULTS: &str = "autoresearch://results.tsv";
const SUMMARY: &str = "autoresearch://summary.md";
const BRIEF: &str = "autoresearch://brief.md";
const LOG: &str = "autoresearch://log/";

pub(crate) fn list() -> Vec<Resource> {
    [
        (
            RESULTS,
            "results.tsv",
            "The results table: one row an experiment",
            "text/tab-separated-values",
        ),
        (SUMMARY, "summary.md", "What the session found so far", "text/markdown"),
        (
            BRIEF,
            "brief.md",
            "All that a proposer needs to know for the next experiment",
            "text/markdown",
        ),
    ]
    .map(|(uri, name, about, kind)| {
        Resource::new(uri, name).with_description(about).with_mime_type(kind)
    })
    .to_vec()
}

pub(crate) fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new(format!("{LOG}{{experiment}}/{{run}}"), "log")
            .with_description(
                "The end of what a run printed, as autoresearch://log/3/1 for the first run of experiment 3; run 0 is its checks",
            )
            .with_mime_type("text/plain"),
    ]
}

/// A document with its type; `None` where there is none of this name.
pub(crate) fn read(driver: &Driver, uri: &str) -> Result<Option<(String, &'static str)>, String> {
    if let Some(rest) = uri.strip_prefix(LOG) {
        let numbers = rest.split_once('/').and_then(|(experiment, run)| {
            Some((experiment.parse::<u64>().ok()?, run.parse::<u64>().ok()?))
        });
        let Some((experiment, run)) = numbers else { return Ok(None) };
        let path = driver.session()?.places().log(experiment, run);
        return match std::fs::read(&path) {
            Ok(bytes) => Ok(Some((tail(&String::from_utf8_lossy(&bytes), LONGEST), "text/plain"))),
            Err(_) => Ok(None),
        };
    }
    Ok(match uri {
        RESULTS => {
            let view = driver.session()?;
            let path = view.repo().root().join(&view.config().results);
            let bytes = std::fs::read(&path)
                .map_err(|error| format!("failed to read {}: {error}", path.display()))?;
            let text = tail(&String::from_utf8_lossy(&bytes), LONGEST);
            Some((text, "text/tab-separated-values"))
        }
        SUMMARY => Some((report(&driver.session()?)?, "text/markdown")),
        BRIEF => Some((brief(driver)?, "text/markdown")),
        _ => None,
    })
}

/// Before the page that every proposer gets.
const PREFACE: &str = "\
Answer with the tool `propose`: what this page says to edit or to print goes into its arguments.\n\n";

/// The page that a proposer gets.
pub(crate) fn brief(driver: &Driver) -> Result<String, String> {
    let brief = driver.session()?.brief().map_err(|error| told(&error))?;
    Ok(format!("{PREFACE}{}", brief.to_markdown()))
}
