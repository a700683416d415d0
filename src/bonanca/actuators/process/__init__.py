"""Processes of this host that outlive the worker that started them, and that any worker can take over."""
