"""The fleet dashboard in a terminal: screens over `k3k_core.fleet`, actions over `k3k_core.lifecycle`."""
