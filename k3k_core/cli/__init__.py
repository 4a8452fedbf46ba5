"""The `k3k` command: thin, one module per verb; `main.main` is its entry point."""
