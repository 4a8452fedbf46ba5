"""Programs that the simulated node knows besides k3s and etcd: what tasks and backups run."""
