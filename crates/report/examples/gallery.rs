//! Draws every case that a plot has to look good for, and writes the summaries:
//! `cargo run -p autoresearch-report --example gallery -- FOLDER`.

use std::path::PathBuf;

use autoresearch_report::{Size, SummaryOptions, plot_png, plot_svg, summary_markdown};

#[path = "../tests/cases/mod.rs"]
mod cases;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("name a folder to write to")?);
    std::fs::create_dir_all(&folder)?;
    for (name, history) in cases::gallery() {
        let size =
            if name == "long_name" { Size { width: 720, height: 420 } } else { Size::default() };
        let svg = plot_svg(&history, size);
        std::fs::write(folder.join(name).with_extension("png"), plot_png(&svg, 1.5)?)?;
        std::fs::write(folder.join(name).with_extension("svg"), svg)?;
        let options =
            SummaryOptions { plot: Some(format!("{name}.svg")), ..SummaryOptions::default() };
        std::fs::write(
            folder.join(name).with_extension("md"),
            summary_markdown(&history, &options),
        )?;
    }
    Ok(())
}
