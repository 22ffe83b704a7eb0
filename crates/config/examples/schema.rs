//! Writes `schema/autoresearch.schema.json`, the published schema of
//! `autoresearch.toml`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("autoresearch.schema.json"), autoresearch_config::schema())
}
