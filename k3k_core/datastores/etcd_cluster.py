"""The dedicated etcd of a control plane, reached through its host: a tunnel to each member, TLS from its own PKI."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from k3k_core.concurrency import all_of
from k3k_core.datastores.etcd_client import EtcdClient
from k3k_core.datastores.etcd_messages import Alarm, EtcdError, Member, Status
from k3k_core.errors import ForbiddenError, K3kError, NotFoundError, NotReadyError
from k3k_core.host import HostApi, open_tunnel
from k3k_core.host.private_files import private_files
from k3k_core.manifests import secret_data
from k3k_core.manifests.config import etcd_member_names
from k3k_core.names import ETCD_CLIENT_PORT, ETCD_PEER_PORT, ControlPlaneId
from k3k_core.pki import EtcdPki
from k3k_core.resources import SECRET, STATEFUL_SET

if TYPE_CHECKING:
    import ssl

    import aiohttp

_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one member said about itself.

    Attributes:
        pod: name of its pod.
        status: what it said; None when it did not answer.
        trouble: why it did not, one sentence; empty when it did.
    """

    pod: str
    status: Status | None
    trouble: str = ""

    @property
    def healthy(self) -> bool:
        """Whether it answers, follows a leader and has a vote."""
        return self.status is not None and self.status.leader != 0 and not self.status.learner


@dataclass(frozen=True, slots=True)
class View:
    """The cluster as its members describe it at one moment.

    Attributes:
        answers: one for every member there should be, by the name of its pod.
        members: as a member of the majority lists them; empty when none could be asked.
        alarms: of all members.
    """

    answers: tuple[Answer, ...]
    members: tuple[Member, ...]
    alarms: tuple[Alarm, ...]

    @property
    def healthy(self) -> tuple[str, ...]:
        """Names of the pods whose members are healthy."""
        return tuple(answer.pod for answer in self.answers if answer.healthy)

    @property
    def quorum(self) -> int:
        """How many members have to agree."""
        voters = sum(not member.learner for member in self.members) or len(self.answers)
        return voters // 2 + 1

    @property
    def leader(self) -> str:
        """Name of the leader's pod; empty when there is none."""
        return next((each.pod for each in self.answers if each.status and each.status.leads), "")


class EtcdCluster:
    """The members of one etcd.

    Args:
        host: an open host.
        identity: the control plane.
        size: how many members there should be.
        session: an HTTP session with the certificate of a client.
        stack: closes the tunnels.
    """

    def __init__(
        self,
        host: HostApi,
        identity: ControlPlaneId,
        size: int,
        session: aiohttp.ClientSession,
        stack: AsyncExitStack,
    ) -> None:
        self._host = host
        self._session = session
        self._stack = stack
        self._clients: dict[str, EtcdClient] = {}
        self.id = identity
        self.peer_urls = {
            name.partition(".")[0]: f"https://{name}:{ETCD_PEER_PORT}"
            for name in etcd_member_names(identity, size)
        }

    @property
    def pods(self) -> tuple[str, ...]:
        """Names of the members' pods."""
        return tuple(self.peer_urls)

    async def member(self, pod: str) -> EtcdClient:
        """Return a client of one member; that it answers is not known yet."""
        if pod not in self._clients:
            way = open_tunnel(self._host, self.id.namespace, pod, ETCD_CLIENT_PORT)
            tunnel = await self._stack.enter_async_context(way)
            self._clients[pod] = EtcdClient(
                self._session, f"https://{_LOOPBACK}:{tunnel.port}", pod, why=lambda: tunnel.error
            )
        return self._clients[pod]

    async def ask(self, pod: str) -> Answer:
        """Return what a member says about itself, or why it says nothing.

        Raises:
            ForbiddenError: this user may not ask it, which tells nothing about the member.
        """
        client = await self.member(pod)
        try:
            return Answer(pod, await client.status())
        except ForbiddenError:
            raise
        except K3kError as error:
            return Answer(pod, None, error.message)

    async def look(self) -> View:
        """Return the cluster as its members describe it, those asked that answer."""
        answers = tuple(await all_of([self.ask(pod) for pod in self.pods]))
        for answer in answers:
            if not answer.healthy:
                continue
            client = await self.member(answer.pod)
            try:
                return View(answers, await client.members(), await client.alarms())
            except K3kError:
                continue
        return View(answers, (), ())

    async def working(self, *, but: str = "") -> EtcdClient:
        """Return a client of a healthy member.

        Args:
            but: name of a pod not to use.

        Raises:
            NotReadyError: no member is healthy; the message says why of each.
        """
        answers = await all_of([self.ask(pod) for pod in self.pods if pod != but])
        for answer in answers:
            if answer.healthy:
                return await self.member(answer.pod)
        reasons = "; ".join(f"{each.pod}: {each.trouble or 'it knows no leader'}" for each in answers)
        raise NotReadyError(
            f"no member of the etcd of {self.id} can be worked with ({reasons})",
            hint=f"`k3k etcd status {self.id.name} -n {self.id.namespace}` shows each member; without a quorum only "
            "a restore from a backup helps.",
        )


@asynccontextmanager
async def open_etcd(host: HostApi, identity: ControlPlaneId) -> AsyncIterator[EtcdCluster]:
    """Open the dedicated etcd of a control plane for the time of a block.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        NotFoundError: it has no etcd of its own.
    """
    import aiohttp

    try:
        workload = await host.get(STATEFUL_SET, identity.namespace, identity.etcd)
        secret = await host.get(SECRET, identity.namespace, identity.etcd_pki)
    except NotFoundError:
        raise NotFoundError(
            f"control plane {identity} has no etcd of its own on host {host.name}",
            hint="Only `datastore.kind: etcd` has; `k3k describe` shows which datastore there is.",
        ) from None
    pki = EtcdPki.from_secret_data(secret_data(secret))
    size = max(member_count(workload), 1)
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(ssl=tls_context(pki), limit=0)
        session = aiohttp.ClientSession(connector=connector, trust_env=False)
        await stack.enter_async_context(session)
        yield EtcdCluster(host, identity, size, session, stack)


def member_count(workload: Mapping[str, Any]) -> int:
    """Return how many members an etcd has by its command line; none may run at the moment.

    Args:
        workload: its StatefulSet.
    """
    spec = workload["spec"]
    words = spec["template"]["spec"]["containers"][0].get("command") or ()
    flag = "--initial-cluster="
    found = next((word.removeprefix(flag) for word in words if word.startswith(flag)), "")
    return len(found.split(",")) if found else int(spec.get("replicas") or 0)


def tls_context(pki: EtcdPki) -> ssl.SSLContext:
    """Return what a client needs to be taken for one and to know the members.

    Args:
        pki: certificates of the etcd.
    """
    import ssl

    context = ssl.create_default_context(cadata=pki.ca_pem)
    with private_files(pki.client.cert_pem.encode(), pki.client.key_pem.encode()) as (certificate, key):
        context.load_cert_chain(str(certificate), key)
    return context


__all__ = ["Answer", "EtcdCluster", "EtcdError", "View", "member_count", "open_etcd", "tls_context"]
