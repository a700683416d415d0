"""From YAML (ours, and OpenSLO v1) to the typed catalog of `catalog.spec`."""
