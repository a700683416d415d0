"""Commands of response, a file for each group."""
