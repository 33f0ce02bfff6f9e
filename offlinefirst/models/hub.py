"""Bring a translator's files from a hub, or a mirror of one, over a link that fails.

The hub's listing says what each file weighs and hashes to. Large files go through `offlinefirst.delivery.download`:
they are resumed, checked by SHA-256 and appear only when whole. Small ones are checked by the hash that git gives them.
A file that is there and right is not asked for again, and weights that came damaged are not fetched a second time
unasked: somebody pays for them.
"""

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from offlinefirst.delivery.download import download
from offlinefirst.delivery.errors import DamagedError, DeliveryError
from offlinefirst.delivery.policy import Policy
from offlinefirst.device.units import format_bytes
from offlinefirst.models.errors import ModelError

ENDPOINT = "https://huggingface.co"
#: Nothing else of a repository is fetched, so no name from the network becomes a path.
SMALL = ("config.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json")
TOKENIZERS = ("tokenizer.json", "sentencepiece.bpe.model")
#: The first that is there is fetched.
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_LARGEST_LISTING_BYTES = 1_048_576


class HubError(ModelError):
    """A model's files could not be brought; what came is kept, and the next try goes on from there."""


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """One file of a repository: its name, its size, and the hash that the hub gives.

    Args:
        name: A plain file name.
        size_bytes: What it weighs.
        sha256: Of its contents; None for small files.
        blob_sha1: Git's hash of it, used where there is no other.
    """

    name: str
    size_bytes: int
    sha256: str | None = None
    blob_sha1: str | None = None


def bring(
    repository: str,
    to: Path,
    *,
    endpoint: str = ENDPOINT,
    revision: str = "main",
    manifest: Sequence[RemoteFile] | None = None,
    policy: Policy | None = None,
    client: httpx.Client | None = None,
    progress: bool | None = None,
    before_rest: Callable[[Path, int], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Path:
    """Bring a translator's files into a folder, going on where an earlier try had to stop.

    Args:
        repository: Such as "facebook/nllb-200-distilled-600M".
        to: The folder; made when it is missing.
        endpoint: The hub or its mirror, without a slash at the end.
        revision: A branch or a commit.
        manifest: The files, when a list is at hand; else the hub is asked.
        policy: How patient to be.
        client: For proxies, certificates and headers of your own. It stays open.
        progress: As `download`.
        before_rest: Called when config.json is here, with the folder and the bytes of all files, so that a model which
            is too large can be refused by raising.
        sleep: Waits so many seconds.

    Returns:
        The folder, in which every file is whole.

    Raises:
        HubError: The repository is not there or not whole, the link failed too often, or the weights came damaged.
    """
    patience = policy or Policy()
    with contextlib.ExitStack() as stack:
        asked = client or stack.enter_context(httpx.Client(timeout=patience.read_timeout_s, follow_redirects=True))
        listed = (
            list(manifest) if manifest is not None else listing(repository, endpoint, revision, asked, patience, sleep)
        )
        chosen = wanted(listed, repository)
        to.mkdir(parents=True, exist_ok=True)
        for file in chosen:
            url = f"{endpoint}/{repository}/resolve/{revision}/{file.name}"
            try:
                if file.sha256 is not None:
                    _large(url, file, to / file.name, policy=policy, progress=progress, client=client, sleep=sleep)
                else:
                    _small(asked, url, file, to / file.name, patience, sleep)
            except DeliveryError as error:
                raise HubError(f"{repository}: {file.name} did not come: {error}") from error
            if file.name == "config.json" and before_rest is not None:
                before_rest(to, sum(one.size_bytes for one in chosen))
    return to


def listing(
    repository: str,
    endpoint: str,
    revision: str,
    client: httpx.Client,
    policy: Policy,
    sleep: Callable[[float], None] = time.sleep,
) -> list[RemoteFile]:
    """Ask the hub what a repository holds.

    Raises:
        HubError: It has no such repository, cannot be reached, or answers what is no listing.
    """
    url = f"{endpoint}/api/models/{repository}/tree/{revision}"
    data = _get(client, url, repository, _LARGEST_LISTING_BYTES, policy, sleep)
    try:
        rows = json.loads(data)
        return [_remote(row) for row in rows if row["type"] == "file" and "/" not in row["path"]]
    except (ValueError, KeyError, TypeError) as error:
        raise HubError(f"{repository}: what {endpoint} answered is no listing ({error!r:.80})") from error


def wanted(files: Sequence[RemoteFile], repository: str = "the repository") -> list[RemoteFile]:
    """What to fetch of it: configuration and tokenizer first, the weights once and last.

    Raises:
        HubError: A part is missing without which no translator can be loaded.
    """
    there = {file.name: file for file in files}
    weights = [name for name in WEIGHTS if name in there][:1]
    vocabulary = [name for name in TOKENIZERS if name in there]
    if "config.json" not in there or not vocabulary or not weights:
        missing = [
            what
            for what, absent in (
                ("config.json", "config.json" not in there),
                (" or ".join(TOKENIZERS), not vocabulary),
                (" or ".join(WEIGHTS), not weights),
            )
            if absent
        ]
        raise HubError(f"{repository} lacks {', '.join(missing)}: it holds no translator that can be loaded")
    return [there[name] for name in (*SMALL, *vocabulary, *weights) if name in there]


def manifest_of(folder: Path) -> list[RemoteFile]:
    """List a folder's files with their hashes, for a mirror.

    Raises:
        OSError: A file cannot be read.
    """
    found = []
    for name in (*SMALL, *TOKENIZERS, *WEIGHTS):
        if (path := folder / name).is_file():
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found.append(RemoteFile(name=name, size_bytes=path.stat().st_size, sha256=digest))
    return found


def blob_sha1(data: bytes) -> str:
    """Git's hash of a file's contents.

    >>> blob_sha1(b"")
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _remote(row: dict[str, Any]) -> RemoteFile:
    large = row.get("lfs")
    return RemoteFile(
        name=str(row["path"]),
        size_bytes=int(row["size"]),
        sha256=str(large["oid"]) if large else None,
        blob_sha1=None if large else str(row["oid"]),
    )


def _large(url: str, file: RemoteFile, to: Path, **options: Any) -> None:
    assert file.sha256 is not None, "it was asked"
    aside = to.with_name(to.name + ".bad")
    aside.unlink(missing_ok=True)  # of an earlier try: another one needs its room
    try:
        download(url, sha256=file.sha256, to=to, size_bytes=file.size_bytes, **options)
    except DamagedError as error:
        raise HubError(
            f"{file.name} came damaged and lies in {aside.name}. Another try costs {format_bytes(file.size_bytes)} and "
            "is yours to decide: call once more, over another link if there is one"
        ) from error


def _small(
    client: httpx.Client, url: str, file: RemoteFile, to: Path, policy: Policy, sleep: Callable[[float], None]
) -> None:
    if to.is_file() and blob_sha1(to.read_bytes()) == file.blob_sha1:
        return
    for _ in range(policy.attempts):
        data = _get(client, url, file.name, file.size_bytes, policy, sleep)
        if len(data) == file.size_bytes and blob_sha1(data) == file.blob_sha1:
            part = to.with_name(to.name + ".part")
            part.write_bytes(data)
            part.replace(to)
            return
    raise HubError(f"{file.name} came {policy.attempts} times and was never what the listing promises; try another day")


def _get(
    client: httpx.Client, url: str, what: str, most_bytes: int, policy: Policy, sleep: Callable[[float], None]
) -> bytes:
    said = ""
    for attempt in range(policy.attempts):
        if attempt:
            sleep(min(policy.wait_max_s, policy.wait_first_s * 2.0**attempt))
        try:
            with client.stream("GET", url, follow_redirects=True) as answer:
                if answer.status_code in (401, 403, 404, 410):
                    raise HubError(f"{what}: {answer.url.host} says {answer.status_code}. Check the name: {url}")
                if answer.status_code != 200:
                    said = f"status {answer.status_code}"
                    continue
                data = b""
                for piece in answer.iter_bytes():
                    data += piece
                    if len(data) > most_bytes:
                        raise HubError(f"{what} is larger than the {most_bytes:,} bytes that it may have")
                return data
        except (httpx.TransportError, OSError) as error:
            said = str(error) or type(error).__name__
    raise HubError(f"{what} could not be asked for ({said}, {policy.attempts} times). Try again when there is a link")
