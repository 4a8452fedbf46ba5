"""How one control plane is reached: decided by trying, kept until it stops working."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from k3k_core.errors import ForbiddenError, K3kError
from k3k_core.fleet.candidates import Candidate, candidates, etcd_targets, pod_targets, serving
from k3k_core.fleet.credentials import Access, read_access
from k3k_core.fleet.experience import Experience
from k3k_core.fleet.hosts import HostFollower
from k3k_core.fleet.rows import FleetKey, Reach, Way
from k3k_core.fleet.subject import Subject
from k3k_core.fleet.trying import Attempt, choose, try_servers
from k3k_core.fleet.tunnels import Tunnels
from k3k_core.host import Backoff
from k3k_core.names import COMPONENT_ETCD, COMPONENT_SERVER, ControlPlaneId
from k3k_core.telemetry.scraper.target import ControlPlaneTarget, ServerTarget

_BACKOFF = Backoff(first=3.0, limit=300.0)
_IDLE = Reach(
    None,
    "none of its servers has an address yet",
    "Its pods show why: `k3k describe` lists them, with events.",
)
_SILENT = Attempt(works=False, trouble="silent")
# Ways that lead to the servers' own pods.
_OWN: tuple[Way, ...] = ("pods", "tunnel")
# Failures that are told of one attempt.
_TOLD = 3


class Approach:
    """Finds a way to one control plane and remembers it.

    Args:
        key: which control plane.
        host: where its objects are.
        experience: of the host.
    """

    def __init__(self, key: FleetKey, host: HostFollower, experience: Experience) -> None:
        self._key = key
        self._identity = ControlPlaneId(key.namespace, key.name)
        self._host = host
        self._experience = experience
        self._access: Access | None = None
        self._versions: tuple[str, ...] = ()
        self._candidate: Candidate | None = None
        self._etcd_answers = False
        self._tunnels: Tunnels | None = None
        self._seen: object = None
        self._failures = 0
        self._due = 0.0
        self.reach = Reach()

    def wants_attempt(self, subject: Subject, *, failing: bool, at: float) -> bool:
        """Tell whether it is time to try.

        Args:
            subject: what is known now.
            failing: whether the last round of the way that was chosen failed.
            at: seconds of the event loop's clock.
        """
        if self._seen != _sight(subject):
            return True
        if subject.idle:
            return False
        return (failing or self._candidate is None) and at >= self._due

    async def attempt(self, subject: Subject, *, failing: bool, at: float) -> None:
        """Read the credentials where that is called for, and try the ways.

        Args:
            subject: what is known now.
            failing: whether the last round of the way that was chosen failed.
            at: seconds of the event loop's clock.
        """
        sight = _sight(subject)
        if subject.idle:
            self.reach, self._seen = _IDLE, sight
            return
        renewed = self._seen is None or self._versions != subject.versions
        try:
            if self._access is None or failing or renewed:
                self._access = await self._read(subject)
            if self._candidate is None or failing or not self._still_good(subject, self._access):
                await self._try(subject, self._access)
            elif self._tunnels is not None:
                await self._tunnels.keep(subject.pods)
        except K3kError as error:
            # What was known of a control plane that has been reached stays in use.
            if self._candidate is None:
                forbidden = isinstance(error, ForbiddenError)
                self.reach = Reach(None, error.message, error.hint, forbidden)
        if self._candidate is not None:
            self.reach = Reach(self._candidate.way)
        self._seen = sight
        worked = self._candidate is not None and not failing
        self._failures = 0 if worked else self._failures + 1
        self._due = at + _BACKOFF.delay(max(self._failures, 1))

    def give_up(self, at: float) -> None:
        """Take an attempt for failed that ended in an error of ours.

        Args:
            at: seconds of the event loop's clock.
        """
        self._failures += 1
        self._due = at + _BACKOFF.delay(self._failures)
        if self._candidate is None:
            self.reach = Reach(None, "looking for a way to it failed; the log has the error")

    def target(self, subject: Subject) -> ControlPlaneTarget | None:
        """Return what a scraper has to know, as the host's objects are now; None while there is nothing to ask.

        Args:
            subject: what is known now.
        """
        access, candidate = self._access, self._candidate
        if access is None or candidate is None or subject.idle:
            return None
        servers = self._servers(candidate, subject, access)
        if not servers:
            return None
        return self._target(subject, access, servers, self._etcd(candidate.way, subject))

    async def close(self) -> None:
        """Close its tunnels."""
        if self._tunnels is not None:
            await self._tunnels.close()
            self._tunnels = None

    async def _read(self, subject: Subject) -> Access:
        row = subject.found.control_plane
        access = await read_access(self._host, self._identity, made_by=row.made_by, datastore=row.datastore)
        self._versions = subject.versions
        return access

    def _still_good(self, subject: Subject, access: Access) -> bool:
        """Whether the way that was chosen is still one of those that there are."""
        if self._candidate is None:
            return False
        if self._candidate.way in {"pods", "tunnel"}:
            return True
        return self._candidate in candidates(subject.found.front, subject.pods, access)

    async def _try(self, subject: Subject, access: Access) -> None:
        ways = candidates(subject.found.front, subject.pods, access)
        ways = tuple(sorted(ways, key=lambda way: self._experience.shut(way.way)))
        target = self._target(subject, access, ())
        troubles: list[tuple[Way, Attempt]] = []
        noted: set[Way] = set()

        async def attempt(way: Candidate) -> Attempt:
            made = await try_servers(target, way.servers)
            self._experience.note(way.way, made)
            noted.add(way.way)
            troubles.append((way.way, made))
            return made

        chosen = await choose(ways, attempt)
        if chosen is not None:
            # The better ones had their time.
            for way in ways[: ways.index(chosen)]:
                if way.way not in noted:
                    self._experience.note(way.way, _SILENT)
        if chosen is None and serving(subject.pods, COMPONENT_SERVER):
            chosen = await self._try_tunnels(subject, access, target, troubles)
        if chosen is None:
            if self._candidate is not None and self._candidate.way == "tunnel" and self._tunnels is None:
                self._candidate = None
            if self._candidate is None:
                self.reach = _not_reached(_secret(subject, self._identity), troubles)
            return
        if chosen.way != "tunnel":
            await self.close()
        self._candidate = chosen
        self._etcd_answers = await self._try_etcd(chosen.way, subject, target)

    async def _try_tunnels(
        self,
        subject: Subject,
        access: Access,
        target: ControlPlaneTarget,
        troubles: list[tuple[Way, Attempt]],
    ) -> Candidate | None:
        if self._tunnels is not None and not self._tunnels.lead_through(self._host.api):
            await self.close()
        tunnels = self._tunnels or Tunnels(self._host.api, self._key.namespace)
        try:
            await tunnels.keep(subject.pods)
            candidate = Candidate("tunnel", tunnels.servers(access))
            made = await try_servers(target, candidate.servers)
            if made.works:
                self._tunnels = tunnels
                return candidate
            # A server that answered says more than the host does of another one's tunnel.
            error = tunnels.error if made.trouble == "silent" else None
            sentence = f"through the host: {error.message if error is not None else made.sentence}"
            troubles.append(("tunnel", replace(made, sentence=sentence)))
            return None
        finally:
            if tunnels is not self._tunnels:
                await tunnels.close()

    async def _try_etcd(self, way: Way, subject: Subject, target: ControlPlaneTarget) -> bool:
        members = self._etcd_members(way, subject)
        return bool(members) and (await try_servers(target, members)).works

    def _servers(self, candidate: Candidate, subject: Subject, access: Access) -> tuple[ServerTarget, ...]:
        if candidate.way == "pods":
            return pod_targets(subject.pods, access)
        if candidate.way == "tunnel":
            return self._tunnels.servers(access) if self._tunnels is not None else ()
        return candidate.servers

    def _etcd(self, way: Way, subject: Subject) -> tuple[ServerTarget, ...]:
        # A network that keeps us from the members must not look like an etcd that is down.
        return self._etcd_members(way, subject) if self._etcd_answers else ()

    def _etcd_members(self, way: Way, subject: Subject) -> tuple[ServerTarget, ...]:
        if way == "tunnel":
            return self._tunnels.etcd() if self._tunnels is not None else ()
        return etcd_targets(subject.pods) if serving(subject.pods, COMPONENT_ETCD) else ()

    def _target(
        self,
        subject: Subject,
        access: Access,
        servers: tuple[ServerTarget, ...],
        etcd: tuple[ServerTarget, ...] = (),
    ) -> ControlPlaneTarget:
        return ControlPlaneTarget(
            id=self._key,
            servers=servers,
            ca_pem=access.ca_pem,
            token=access.token,
            client_certificate=access.client_certificate,
            client_key=access.client_key,
            etcd=etcd,
            datastore=subject.found.control_plane.datastore,
            authorities=access.authorities,
        )


def _sight(subject: Subject) -> object:
    """Return what an attempt depends on: when it changes, another one makes sense."""
    return subject.found.front, subject.pods, subject.versions


def _secret(subject: Subject, identity: ControlPlaneId) -> str:
    """Return the Secret that says by which authority its servers are known."""
    by_k3k = subject.found.control_plane.made_by == "k3k"
    return f"{identity.namespace}/{identity.pki if by_k3k else identity.kubeconfig}"


def _not_reached(secret: str, troubles: Sequence[tuple[Way, Attempt]]) -> Reach:
    """Say why, with what the hint rests on first.

    Who answers at the address of a Service or a node may be anybody from here, and says nothing of the Secret.
    """
    strangers = {way: made.sentence for way, made in troubles if made.trouble == "authority" and way in _OWN}
    others = (made.sentence for _, made in troubles)
    said = dict.fromkeys(sentence for sentence in (*strangers.values(), *others) if sentence)
    reason = f"its metrics cannot be reached ({'; '.join(list(said)[:_TOLD]) or 'it has no address'})"
    if not strangers:
        hint = "Give this machine a way to its pods or its Service, or the right to pods/portforward in its namespace."
    elif "tunnel" in strangers:
        hint = (
            f"Its servers were started with another authority than the one in Secret {secret}: "
            "restore the Secret from a backup."
        )
    else:
        hint = (
            "From here something else answers at its pods' addresses, or its servers were started with another "
            f"authority than the one in Secret {secret}: find out which before you restore the Secret from a backup."
        )
    return Reach(None, reason, hint)
