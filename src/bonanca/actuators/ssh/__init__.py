"""Another host, over SSH: its key is known beforehand, ours is in a file, and what acts there is fenced there."""
