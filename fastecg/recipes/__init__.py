"""The built-in recipes (TOML files), and what recipes are made of: distributions, slots, framing, and upper limits."""
