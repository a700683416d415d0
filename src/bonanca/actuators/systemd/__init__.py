"""Services that systemd runs, on this host or on another over SSH: restart, stop, and how they are."""
