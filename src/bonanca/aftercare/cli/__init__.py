"""Commands of what follows an incident."""
