"""What a control plane stores: the rows of kine, the keys of an etcd, and what they come to."""
