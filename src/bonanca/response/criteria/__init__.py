"""The eight rules that decide whether a rollback is called for (requirement T4)."""
