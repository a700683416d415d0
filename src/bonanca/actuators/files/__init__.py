"""Files of this host: atomic writes whose previous content is kept, so that each one can be undone."""
