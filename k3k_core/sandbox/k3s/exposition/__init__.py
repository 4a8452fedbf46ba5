"""`/metrics` pages of simulated servers: recorded ones that move, with what a server adds of its own and its faults."""
