"""Sending a request until it is answered: time-outs, repetition, renewed credentials, errors in words."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import aiohttp

from k3k_core.errors import K3kError, UnreachableError
from k3k_core.host.backoff import Backoff
from k3k_core.host.connection import Connection
from k3k_core.host.credentials import Credential, Credentials
from k3k_core.host.failures import never_sent, timed_out, unreachable, where, worth_repeating
from k3k_core.host.refusals import Answer, Refusal, in_words, read_refusal, retry_after
from k3k_core.host.requests import Request
from k3k_core.host.statuses import not_kubernetes, not_upgraded, to_error
from k3k_core.host.transport import CONNECT_TIMEOUT, Transport, open_transport

logger = logging.getLogger(__name__)

# Attempts at a host that does not say when to come back.
ATTEMPTS = 4
# Requests under way at once; open watches do not count.
CONCURRENCY = 32
BODY_LIMIT = 64 * 2**20
_ERROR_BODY_LIMIT = 2**20
# Refusals of an upgrade that are worth their words.
_WORDED = frozenset((400, 403, 404, 409, 422, 500, 501))


@dataclass(frozen=True, slots=True)
class _Failure:
    """An attempt without an answer, and whether another one makes sense."""

    error: UnreachableError
    repeat: bool


@dataclass(frozen=True, slots=True)
class _Opening:
    """How an answer is kept open: seconds of silence after which the connection counts as dead, if ever."""

    silence: float | None


class Exchange:
    """Sends requests to one host and returns its answers.

    Args:
        connection: the host.
        credentials: who we are.
        request_timeout: seconds one request may take, everything included.
        backoff: delays between attempts.
    """

    def __init__(
        self,
        connection: Connection,
        credentials: Credentials,
        *,
        request_timeout: float,
        backoff: Backoff,
    ) -> None:
        self._connection = connection
        self._credentials = credentials
        self._request_timeout = request_timeout
        self._backoff = backoff
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self._transports: dict[tuple[bytes, bytes], Transport] = {}
        self._opening = asyncio.Lock()

    async def call(
        self, request: Request, *, tolerate: Callable[[Answer], bool] = lambda _: False
    ) -> dict[str, Any] | None:
        """Send a request and return the decoded answer.

        Args:
            request: what to send.
            tolerate: which refusals give None instead of an error.

        Raises:
            K3kError: the host refused, or gave no usable answer in time.
        """
        answer = await self._perform(request)
        if isinstance(answer, aiohttp.ClientResponse):
            raise TypeError("an answer was left open")
        if answer.status < 300:
            return self._decode(request, answer)
        if tolerate(answer):
            return None
        raise to_error(self._connection, request, answer)

    @asynccontextmanager
    async def stream(
        self, request: Request, *, silence: float | None, patient: bool = False
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Send a request and offer the pieces of its answer as they come.

        Args:
            request: what to send.
            silence: seconds without a piece after which the connection counts as dead; None for never.
            patient: wait for the answer to begin as long as it takes: a host may send its headers only with
                the first piece.

        Raises:
            K3kError: the host refused, gave no answer in time, or broke off later.
        """
        answer = await self._perform(request, _Opening(silence), patient=patient)
        if isinstance(answer, Answer):
            raise to_error(self._connection, request, answer)
        try:
            yield self._pieces(request, answer)
        finally:
            answer.close()

    async def upgrade(
        self, request: Request, *, protocols: tuple[str, ...]
    ) -> aiohttp.ClientWebSocketResponse:
        """Turn a request into a WebSocket; the caller closes it.

        Args:
            request: what to ask for.
            protocols: WebSocket subprotocols, the best first.

        Raises:
            K3kError: the host refused, or gave no answer in time.
        """
        renewed = False
        for failures in count(1):
            credential = await self._credentials.current()
            outcome = await self._upgrade(request, credential, protocols)
            if isinstance(outcome, aiohttp.ClientWebSocketResponse):
                return outcome
            if isinstance(outcome, Answer) and outcome.status == 401 and not renewed:
                renewed = True
                if await self._credentials.renew(credential):
                    continue
            delay = self._delay(request, outcome, failures) if failures < ATTEMPTS else None
            if delay is not None:
                await asyncio.sleep(min(delay, self._request_timeout))
            elif isinstance(outcome, _Failure):
                raise outcome.error
            else:
                raise await self._refused_upgrade(request, outcome)
        raise AssertionError

    async def _upgrade(
        self, request: Request, credential: Credential, protocols: tuple[str, ...]
    ) -> aiohttp.ClientWebSocketResponse | Answer | _Failure:
        transport = await self._transport(credential)
        try:
            return await transport.upgrade(request, credential.authorization, protocols=protocols)
        except aiohttp.WSServerHandshakeError as error:
            # The library throws the answer's body away.
            wait = error.headers.get("Retry-After", "") if error.headers is not None else ""
            return Answer(status=error.status, content_type="", body=b"", retry_after=wait)
        except TimeoutError:
            return _Failure(timed_out(self._connection, request, CONNECT_TIMEOUT * 2), repeat=False)
        except (aiohttp.ClientError, OSError) as error:
            repeat = worth_repeating(error) and (request.repeatable or never_sent(error))
            return _Failure(unreachable(self._connection, request, error), repeat)

    async def _refused_upgrade(self, request: Request, outcome: Answer) -> K3kError:
        """Return the error for a refusal whose words were lost: asked again without an upgrade, they come back."""
        refusal = Refusal(known=True, message="")
        if outcome.status in _WORDED:
            with suppress(UnreachableError):
                answer = await self._perform(replace(request, repeatable=True))
                if isinstance(answer, Answer) and answer.status == outcome.status:
                    found = read_refusal(answer.body)
                    refusal = found if found.known else refusal
        return not_upgraded(self._connection, request, outcome.status, refusal)

    async def close(self) -> None:
        """Close every connection."""
        await self._credentials.close()
        for transport in self._transports.values():
            await transport.close()
        self._transports.clear()

    async def _perform(
        self, request: Request, opening: _Opening | None = None, *, patient: bool = False
    ) -> Answer | aiohttp.ClientResponse:
        """Return the last answer; with an `opening`, an accepted one is returned open."""
        try:
            async with asyncio.timeout(None if patient else self._request_timeout) as limit:
                return await self._attempts(request, opening, deadline=limit.when() or math.inf)
        except TimeoutError:
            raise timed_out(self._connection, request, self._request_timeout) from None

    async def _attempts(
        self, request: Request, opening: _Opening | None, deadline: float
    ) -> Answer | aiohttp.ClientResponse:
        renewed = False
        for failures in count(1):
            credential = await self._credentials.current()
            outcome = await self._attempt(request, credential, opening)
            if isinstance(outcome, aiohttp.ClientResponse):
                return outcome
            if isinstance(outcome, Answer):
                if outcome.status < 300:
                    return outcome
                if outcome.status == 401 and not renewed:
                    renewed = True
                    if await self._credentials.renew(credential):
                        continue
            delay = self._delay(request, outcome, failures)
            if delay is None or asyncio.get_running_loop().time() + delay >= deadline:
                if isinstance(outcome, _Failure):
                    raise outcome.error
                return outcome
            logger.debug("%s: again in %.1f s", request.doing, delay)
            await asyncio.sleep(delay)
        raise AssertionError

    def _delay(self, request: Request, outcome: Answer | _Failure, failures: int) -> float | None:
        """Return the seconds until the next attempt, None when there should be none."""
        if isinstance(outcome, _Failure):
            return self._backoff.delay(failures) if outcome.repeat and failures < ATTEMPTS else None
        asked = retry_after(outcome, request)
        if asked is None or (asked == 0 and failures >= ATTEMPTS):
            return None
        return max(asked, self._backoff.delay(failures))

    async def _attempt(
        self, request: Request, credential: Credential, opening: _Opening | None
    ) -> Answer | aiohttp.ClientResponse | _Failure:
        transport = await self._transport(credential)
        try:
            if opening is None:
                async with self._slots:
                    response = await transport.send(request, credential.authorization)
                    return await self._read(request, response)
            response = await transport.send(request, credential.authorization, silence=opening.silence)
            return response if response.status < 300 else await self._read(request, response)
        except (aiohttp.ClientError, OSError) as error:
            # Its words are kept, itself is not: it may carry the headers that were sent.
            repeat = worth_repeating(error) and (request.repeatable or never_sent(error))
            return _Failure(unreachable(self._connection, request, error), repeat)

    async def _transport(self, credential: Credential) -> Transport:
        identity = credential.certificate, credential.key
        found = self._transports.get(identity)
        if found is not None:
            return found
        async with self._opening:
            if identity not in self._transports:
                self._transports[identity] = await open_transport(
                    self._connection, credential, request_timeout=self._request_timeout
                )
            return self._transports[identity]

    async def _read(self, request: Request, response: aiohttp.ClientResponse) -> Answer:
        limit = BODY_LIMIT if response.status < 300 else _ERROR_BODY_LIMIT
        pieces: list[bytes] = []
        size = 0
        async with response:
            async for piece in response.content.iter_any():
                size += len(piece)
                if size > limit:
                    raise UnreachableError(
                        f"{where(self._connection)} sent more than {limit >> 20} MiB ({request.doing})."
                    )
                pieces.append(piece)
        headers = response.headers
        return Answer(
            status=response.status,
            content_type=headers.get("Content-Type", ""),
            body=b"".join(pieces),
            retry_after=headers.get("Retry-After", ""),
        )

    async def _pieces(self, request: Request, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        try:
            async for piece in response.content.iter_any():
                yield piece
        except (aiohttp.ClientError, OSError) as error:
            raise unreachable(self._connection, request, error) from None

    def _decode(self, request: Request, answer: Answer) -> dict[str, Any]:
        try:
            document = json.loads(answer.body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise not_kubernetes(self._connection, request, in_words(answer))
        return document
