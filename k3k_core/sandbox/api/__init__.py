"""The Kubernetes API of the sandbox: a store, what may be written to it, and HTTP over it.

One instance is the host's API, and every simulated k3s has one of its own. `server.ApiServer` is the door.
"""
