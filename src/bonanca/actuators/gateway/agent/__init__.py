"""The gateway agent: keeps one Traefik as web wants it. Runs without Django and without web."""
