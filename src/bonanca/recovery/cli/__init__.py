"""Commands of recovery, a file for each group."""
