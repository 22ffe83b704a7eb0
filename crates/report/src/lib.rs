//! What a person reads: progress, summary, tables, plots.
