"""The controllers of the sandbox: what kube-controller-manager does for the objects k3k makes."""
