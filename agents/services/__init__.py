"""The only writers of what this app stores."""
