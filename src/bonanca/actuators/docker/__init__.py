"""Containers of a real Docker daemon: images by digest, and the container that ran before, kept to go back at once."""
