//! Git: research branch, candidates, worktrees, diffs, merge.
