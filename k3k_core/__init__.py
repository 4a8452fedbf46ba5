"""Agent-less k3s control planes inside Kubernetes: provision, list, describe, diff and delete them."""

__version__ = "0.1.0"
