"""What people type in, before a service hears of it."""
