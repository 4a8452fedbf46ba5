"""The verbs of the `k3k` command, one module each; `k3k_core.cli.catalog` lists them."""
