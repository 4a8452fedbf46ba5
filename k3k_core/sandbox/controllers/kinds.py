"""Resource types the sandbox's controllers deal with beyond those k3k itself makes."""

from __future__ import annotations

from k3k_core.resources import Resource

NODE = Resource("", "v1", "nodes", "Node", namespaced=False)
PERSISTENT_VOLUME = Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)
ENDPOINTS = Resource("", "v1", "endpoints", "Endpoints")
ENDPOINT_SLICE = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
STORAGE_CLASS = Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False)
CONTROLLER_REVISION = Resource("apps", "v1", "controllerrevisions", "ControllerRevision")
REPLICA_SET = Resource("apps", "v1", "replicasets", "ReplicaSet")
