"""What a request asks permission for, and how a refusal is worded."""

from __future__ import annotations

from k3k_core.resources import Resource
from k3k_core.sandbox.api.authn import User
from k3k_core.sandbox.api.rbac import Attributes
from k3k_core.sandbox.api.requests import RequestInfo
from k3k_core.sandbox.api.statuses import ApiError, forbidden, forbidden_path


def attributes_of(info: RequestInfo) -> Attributes:
    """Return what is decided about; a Namespace object counts as lying in itself."""
    if not info.is_resource:
        return Attributes(info.verb, path=info.path)
    namespace, name = info.namespace or "", info.name or info.selected_name
    if info.group == "" and info.plural == "namespaces" and info.name:
        namespace = info.name
    return Attributes(info.verb, info.group, info.plural, info.subresource, namespace, name)


def refusal(user: User, attributes: Attributes) -> ApiError:
    """Return the 403 of something a user may not do."""
    if not attributes.plural:
        return forbidden_path(f'User "{user.name}" cannot {attributes.verb} path "{attributes.path}"')
    where = f'in the namespace "{attributes.namespace}"' if attributes.namespace else "at the cluster scope"
    detail = (
        f'User "{user.name}" cannot {attributes.verb} resource "{attributes.resource_text}" '
        f'in API group "{attributes.group}" {where}'
    )
    resource = Resource(attributes.group, "", attributes.plural, attributes.plural)
    return forbidden(resource, attributes.name, detail)
