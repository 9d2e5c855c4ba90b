"""The built-in recipes, TOML files, and what recipes are made of: distributions, and upper limits."""
