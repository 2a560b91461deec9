"""Our times beside plain ones, and values inside their balls on random instances."""
