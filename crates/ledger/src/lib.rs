//! What happened: the journal, results.tsv.
