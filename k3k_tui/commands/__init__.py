"""The verbs of the `k3k` command that open the dashboard."""
