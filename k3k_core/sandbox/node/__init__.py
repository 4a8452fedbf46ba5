"""The simulated node: scheduling, and a kubelet that runs pods as far as the sandbox simulates them."""
