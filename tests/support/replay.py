"""Replays recorded request/response scenarios against a server and compares what it answers.

Identifiers (uids, resourceVersions, generated names, tokens, allocated addresses) and times differ between servers:
the recorded ones are translated in later requests, and set aside in comparisons.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

Json = dict[str, Any]

_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?")
_AGE = re.compile(r"<invalid>|<unknown>|(\d+[smhdy])+")
_ADDRESS = re.compile(r"\b10\.\d+\.\d+\.\d+\b")
_PLAIN = {"<uid>", "<version>"}
_VERSIONS = frozenset({"resourceVersion", "continue"})
_TIMES = re.compile(r".*(Time|Timestamp|time)$")
_ADMIN = "Bearer replay-admin"


@dataclass
class Translation:
    """What recorded identifiers are called on the server under test."""

    texts: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    token: str = ""

    def learn(self, recorded: Any, actual: Any, key: str = "") -> None:
        """Pair the identifiers of two answers of the same shape."""
        if isinstance(recorded, dict) and isinstance(actual, dict):
            generated = recorded.get("generateName") and actual.get("generateName")
            if generated and recorded.get("name") and actual.get("name"):
                self.texts[recorded["name"]] = actual["name"]
            for name in recorded.keys() & actual.keys():
                self.learn(recorded[name], actual[name], name)
        elif isinstance(recorded, list) and isinstance(actual, list):
            for one, other in zip(recorded, actual, strict=False):
                self.learn(one, other, key)
        elif isinstance(recorded, str) and isinstance(actual, str) and recorded and actual:
            if key in _VERSIONS:
                self.versions[recorded] = actual
            elif _UID.fullmatch(recorded) or (key == "clusterIP" and _ADDRESS.fullmatch(recorded)):
                self.texts[recorded] = actual

    def apply(self, value: Any, key: str = "") -> Any:
        """Translate a request."""
        if isinstance(value, dict):
            return {self.text(name): self.apply(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self.apply(item, key) for item in value]
        if isinstance(value, str):
            return self.versions.get(value, value) if key in _VERSIONS else self.text(value)
        return value

    def text(self, value: str) -> str:
        for recorded, actual in self.texts.items():
            if recorded in value:
                value = value.replace(recorded, actual)
        return value


def normal(value: Any, key: str = "") -> Any:
    """Return a value with identifiers and times set aside."""
    if isinstance(value, dict):
        result = {_text(name): normal(item, name) for name, item in value.items()}
        if value.get("generateName") and isinstance(value.get("name"), str):
            result["name"] = "<generated>"
        if key == "fieldsV1" or not isinstance(value.get("cells"), list):
            return result
        result["cells"] = [_cell(cell) for cell in value["cells"]]
        return result
    if isinstance(value, list):
        items = [normal(item, key) for item in value]
        if key == "managedFields":
            items.sort(key=lambda item: json.dumps(item, sort_keys=True))
        return items
    if isinstance(value, int) and not isinstance(value, bool) and key in {"nodePort", "healthCheckNodePort"}:
        return "<port>"
    if not isinstance(value, str):
        return value
    if key in _VERSIONS:
        return f"<{key}>" if value else value
    if _TIMES.fullmatch(key) and value:
        return "<time>"
    if key == "nodePort":
        return "<port>"
    return _text(value)


def _cell(cell: Any) -> Any:
    if isinstance(cell, str) and _AGE.fullmatch(cell):
        return "<age>"
    return _text(cell) if isinstance(cell, str) else cell


def _text(text: str) -> str:
    text = _UID.sub("<uid>", text)
    text = re.sub(r'(resourceVersion\\?": ?\\?")\d+', r"\1<version>", text)
    text = _TIME.sub("<time>", text)
    text = re.sub(r"kube-api-access-\w+", "kube-api-access-<id>", text)
    text = _ADDRESS.sub("<address>", text)
    text = re.sub(r"(resource version: )\d+( \()?\d*", r"\1<version>", text)
    text = re.sub(r"current: \d+", "current: <version>", text)
    text = re.sub(r"in record \(\d+\)", "in record (<version>)", text)
    text = re.sub(
        r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", "<certificate>", text, flags=re.DOTALL
    )
    text = re.sub(r"X509SHA256=[0-9a-f]+", "X509SHA256=<id>", text)
    text = re.sub(r"\bnodePort: \d+|:\d{5}/", "<port>", text)
    if text.count(".") == 2 and len(text) > 100:
        return "<jwt>"
    return text


@dataclass(frozen=True)
class Mismatch:
    """One step that was answered differently."""

    step: int
    note: str
    request: str
    differences: tuple[str, ...]

    def __str__(self) -> str:
        lines = "\n".join(f"      {line}" for line in self.differences[:12])
        return f"  step {self.step} [{self.note}] {self.request}\n{lines}"


def differences(expected: Any, actual: Any, path: str = "") -> list[str]:
    """Describe how two normal values differ."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        found: list[str] = []
        for key in sorted(expected.keys() | actual.keys(), key=str):
            where = f"{path}.{key}"
            if key not in actual:
                found.append(f"{where}: missing, expected {_short(expected[key])}")
            elif key not in expected:
                found.append(f"{where}: unexpected {_short(actual[key])}")
            else:
                found += differences(expected[key], actual[key], where)
        return found
    if isinstance(expected, list) and isinstance(actual, list):
        found = []
        if len(expected) != len(actual):
            found.append(f"{path}: {len(actual)} items, expected {len(expected)}")
        for position, (one, other) in enumerate(zip(expected, actual, strict=False)):
            found += differences(one, other, f"{path}[{position}]")
        return found
    if expected == actual and type(expected) is type(actual):
        return []
    return [f"{path}: {_short(actual)}, expected {_short(expected)}"]


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 400 else f"{text[:400]}..."


class Replayer:
    """Runs the steps of scenarios one after another against one server.

    Args:
        session: sends the requests.
        url: the server.
        settle: waits until the server's controllers have done what they can.
        translation: what recorded identifiers are called here.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        settle: Callable[[], Awaitable[None]],
        translation: Translation,
    ) -> None:
        self._session = session
        self._url = url
        self._settle = settle
        self.translation = translation

    async def run(
        self, scenario: Json, writers: Mapping[int, Sequence[Json]] | None = None
    ) -> list[Mismatch]:
        """Run a scenario.

        Args:
            scenario: its content.
            writers: requests that somebody else made while a watch ran, by step.

        Returns:
            The steps that were answered differently.
        """
        found: list[Mismatch] = []
        for position, step in enumerate(scenario["steps"]):
            problems = await self._step(step, (writers or {}).get(position, ()))
            if problems:
                request = step["request"]
                shown = f"{request['method']} {request['path']} {request.get('query') or ''}"
                found.append(Mismatch(position, step.get("note", ""), shown, tuple(problems)))
        return found

    async def _step(self, step: Json, writes: Sequence[Json]) -> list[str]:
        response = step["response"]
        await self._settle()
        if "events" in response:
            return await self._watch(step, writes)
        status, headers, body = await self._request(step["request"], step.get("note", ""))
        self.translation.learn(response["body"], body)
        if isinstance(body, dict) and body.get("kind") == "TokenRequest":
            self.translation.token = (body.get("status") or {}).get("token", "")
        problems = []
        if status != response["status"]:
            problems.append(f"status {status}, expected {response['status']}")
        for name, value in response.get("headers", {}).items():
            if _header(headers, name) != value:
                problems.append(f"header {name}: {_header(headers, name)!r}, expected {value!r}")
        if "warning" in headers and "warning" not in response.get("headers", {}):
            problems.append(f"header warning: unexpected {_header(headers, 'warning')!r}")
        return problems + differences(normal(response["body"]), normal(body))

    def _prepare(self, request: Json, note: str) -> tuple[str, Json, dict[str, str], str | None]:
        headers = {key: str(value) for key, value in (request.get("headers") or {}).items()}
        if headers.get("authorization") == "Bearer <jwt>":
            headers["authorization"] = f"Bearer {self.translation.token}"
        elif "authorization" not in headers and not note.startswith("anonymous"):
            headers["authorization"] = _ADMIN
        headers.setdefault("user-agent", "python-httpx/0.28.1")
        body = request.get("body")
        if isinstance(body, str) and (big := _BIG.fullmatch(body)):
            body = _big_object(*big.groups())
        text: str | None = None
        if body is not None:
            text = (
                self.translation.text(body)
                if isinstance(body, str)
                else json.dumps(self.translation.apply(body))
            )
        query = self.translation.apply(request.get("query") or {})
        return self.translation.text(request["path"]), query, headers, text

    async def _request(self, request: Json, note: str) -> tuple[int, Any, Any]:
        path, query, headers, body = self._prepare(request, note)
        async with self._session.request(
            request["method"],
            self._url + path,
            params=query,
            headers=headers,
            data=io.BytesIO(body.encode()) if body is not None else None,
        ) as answer:
            text = await answer.text()
            try:
                return answer.status, answer.headers, json.loads(text)
            except ValueError:
                return answer.status, answer.headers, text

    async def _watch(self, step: Json, writes: Sequence[Json]) -> list[str]:
        expected = step["response"]["events"]
        path, query, headers, _ = self._prepare(step["request"], step.get("note", ""))
        headers.setdefault("accept", "application/json")
        events: list[Json] = []
        async with self._session.get(self._url + path, params=query, headers=headers) as answer:
            if answer.status != step["response"]["status"]:
                return [
                    f"status {answer.status}, expected {step['response']['status']}: {await answer.text()}"
                ]
            for write in writes:
                await self._request(write, "")
            try:
                # Whatever the recording saw lies in the past and comes at once; what more comes is wrong.
                while True:
                    patience = 1.5 if len(events) < len(expected) else 0.02
                    async with asyncio.timeout(patience):
                        line = await answer.content.readline()
                    if not line:
                        break
                    events.append(json.loads(line))
            except TimeoutError:
                pass
        self.translation.learn(expected, events)
        return differences(normal(expected), normal(events))


# A body that was too large to record, e.g. "<a Secret whose stringData.k is 1,100,000 characters>".
_BIG = re.compile(r"<a (\w+) whose (annotation|data|stringData)[. ](\w+) is ([\d,]+) characters>")


def _big_object(kind: str, part: str, key: str, size: str) -> Json:
    text = "x" * int(size.replace(",", ""))
    name = "anno" if part == "annotation" else "big"
    obj: Json = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}
    if part == "annotation":
        obj["metadata"]["annotations"] = {key: text}
    else:
        obj[part] = {key: text}
    return obj


def _header(headers: Any, name: str) -> str:
    return ", ".join(headers.getall(name, ())) if name == "warning" else headers.get(name, "")


@asynccontextmanager
async def replay_session() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that sends nothing by itself."""
    async with aiohttp.ClientSession(skip_auto_headers=["Content-Type", "Accept", "User-Agent"]) as session:
        yield session
