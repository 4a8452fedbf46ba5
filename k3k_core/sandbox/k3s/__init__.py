"""Simulated k3s servers: HTTPS listeners that use the rendered objects as the real program would."""
