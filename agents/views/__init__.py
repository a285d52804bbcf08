"""The doors of the Agent Management page and its dialogs."""
