//! The loop of AutoResearch: a program owns it, whoever proposes only proposes.
