"""Signed bundles: what one officer's document has and others lack, as bytes that can be trusted anywhere.

The rules, in the order in which a bundle is looked at:

1. **Size first.** More bytes than the limit are not looked at at all.
2. **Signature before meaning.** A bundle is a fixed prefix (magic, the sender's public key, a signature) and a payload.
   Nothing of the payload is parsed before the key is known and the signature is right.
3. **One spelling.** The header is JSON in exactly one form; another spelling of the same header is refused.
4. **A promise of size is kept.** The update is unpacked no further than the header says, and what the header says is
   held to a limit: a bomb stays small.
5. **The right farm, the right time.** A bundle is for one farm, and was not made in the future.

Everything here is pure. A refusal is a `BundleError` with its reason in words; nothing was changed.

Source: Ed25519 as in RFC 8032, through the `cryptography` package.
"""

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from offlinefirst.device.units import MiB, format_bytes
from offlinefirst.sync.errors import SyncError
from offlinefirst.sync.keys import SenderKey, Trust
from offlinefirst.sync.state_vectors import decode

MAGIC = b"FARMB1\n"
FAMILY = b"FARMB"
KEY_BYTES, SIGNATURE_BYTES = 32, 64
PREFIX_BYTES = len(MAGIC) + KEY_BYTES + SIGNATURE_BYTES
HEADER_LENGTH_BYTES = 4
LONGEST_HEADER_BYTES = 65_536
LARGEST_NUMBER = 2**53
_FIELDS = {"farm": str, "made_at": int, "sender": str, "sequence": int, "since": str, "state": str, "update_bytes": int}


class BundleError(SyncError):
    """A bundle was refused, or could not be made; nothing was changed.

    Args:
        reason: One word for programs: "truncated", "foreign", "newer", "enormous", "unknown", "revoked", "signature",
            "malformed", "farm", "future" or "gap".
        message: What happened and what to do.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Document(Protocol):
    """What a bundle can be made of; `CropRegister` and the other documents are such."""

    def state_vector(self) -> bytes: ...
    def update_since(self, state_vector: bytes | None) -> bytes: ...
    def apply(self, update: bytes) -> None: ...


@dataclass(frozen=True)
class Limits:
    """What is taken from others.

    Args:
        bundle_bytes: The most that a bundle may have as it lies on the stick.
        update_bytes: The most that its update may have when it is unpacked.
        ahead_s: How far in the future a bundle may have been made, in seconds: phones' clocks differ.
    """

    bundle_bytes: int = MiB
    update_bytes: int = 8 * MiB
    ahead_s: float = 3600.0


@dataclass(frozen=True)
class Bundle:
    """A bundle that was found to be right.

    Args:
        farm: The farm whose register it belongs to.
        sender: The officer.
        sequence: Counts this sender's bundles at one place.
        made_at_s: The sender's clock, in seconds since 1970.
        since: The state that a reader must have already.
        state: The sender's state.
        update: What lies between the two, and every deletion.
    """

    farm: str
    sender: str
    sequence: int
    made_at_s: int
    since: bytes
    state: bytes
    update: bytes = field(repr=False)


def seal(bundle: Bundle, key: SenderKey, limits: Limits) -> bytes:
    """Write and sign a bundle.

    Args:
        bundle: Its `sender` must be the key's name.
        key: The sender's.
        limits: What others will take.

    Returns:
        The same bytes for the same bundle and key.

    Raises:
        BundleError: Others would refuse it for its size ("enormous").
    """
    header = {
        "farm": bundle.farm,
        "made_at": bundle.made_at_s,
        "sender": bundle.sender,
        "sequence": bundle.sequence,
        "since": base64.b64encode(bundle.since).decode(),
        "state": base64.b64encode(bundle.state).decode(),
        "update_bytes": len(bundle.update),
    }
    written = _canonical(header)
    payload = len(written).to_bytes(HEADER_LENGTH_BYTES, "big") + written + zlib.compress(bundle.update, 9)
    made = MAGIC + key.public + key.private.sign(_signed(key.public, payload)) + payload
    if len(made) > limits.bundle_bytes or len(bundle.update) > limits.update_bytes:
        raise BundleError(
            "enormous",
            f"the bundle would have {format_bytes(len(made))}, {format_bytes(len(bundle.update))} unpacked, and others "
            f"take {format_bytes(limits.bundle_bytes)}, {format_bytes(limits.update_bytes)} unpacked; nothing was "
            "written. Exchange more often, or raise the limit on every phone.",
        )
    return made


def opened(data: bytes, *, farm: str, trusted: Trust, limits: Limits, now_s: float) -> Bundle:
    """Check a bundle and take it apart.

    Args:
        data: As it was found.
        farm: The farm whose register it is to go into.
        trusted: Whose bundles are taken.
        limits: How large and how far in the future.
        now_s: This device's clock, in seconds since 1970.

    Returns:
        What is in it.

    Raises:
        BundleError: It is refused; its `reason` and its words say why.
    """
    if len(data) > limits.bundle_bytes:
        raise too_large(len(data), limits)
    if not data.startswith(MAGIC):
        raise _not_ours(data)
    if len(data) <= PREFIX_BYTES + HEADER_LENGTH_BYTES:
        raise BundleError("truncated", f"the bundle ends after {len(data)} bytes. Ask for it again.")
    public, payload = data[len(MAGIC) : len(MAGIC) + KEY_BYTES], data[PREFIX_BYTES:]
    if public in trusted.revoked:
        raise BundleError("revoked", f"its key is revoked: {trusted.revoked[public]}. Nothing that it signs is taken.")
    sender = trusted.name_of(public)
    if sender is None:
        raise BundleError(
            "unknown",
            f"it is signed with a key that this phone does not know ({public.hex()[:12]}…). If it is a colleague's new "
            "phone, add its key face to face.",
        )
    try:
        signature = data[len(MAGIC) + KEY_BYTES : PREFIX_BYTES]
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _signed(public, payload))
    except InvalidSignature:
        raise BundleError(
            "signature",
            f"it carries {sender}'s key and not {sender}'s signature: it was cut short, damaged or changed on its way. "
            "Ask for it again.",
        ) from None
    return _read(payload, farm=farm, sender=sender, limits=limits, now_s=now_s)


def too_large(size_bytes: int, limits: Limits) -> BundleError:
    """The refusal of a bundle that is not even read."""
    return BundleError(
        "enormous",
        f"it has {format_bytes(size_bytes)}, and {format_bytes(limits.bundle_bytes)} is the most that is taken; "
        "it was not opened.",
    )


def _read(payload: bytes, *, farm: str, sender: str, limits: Limits, now_s: float) -> Bundle:
    """What a trusted key signed: still checked, since a phone may be stolen or its program wrong."""
    length = int.from_bytes(payload[:HEADER_LENGTH_BYTES], "big")
    written = payload[HEADER_LENGTH_BYTES : HEADER_LENGTH_BYTES + length]
    if length > LONGEST_HEADER_BYTES or len(written) != length:
        raise _malformed(sender, "its header is longer than it can be")
    try:
        header = json.loads(written)
    except (ValueError, RecursionError):
        raise _malformed(sender, "its header cannot be read") from None
    if not isinstance(header, dict) or {name: type(value) for name, value in header.items()} != _FIELDS:
        raise _malformed(sender, "its header does not have the fields of a bundle")
    if not all(0 <= header[name] < LARGEST_NUMBER for name in ("made_at", "sequence", "update_bytes")):
        raise _malformed(sender, "its header holds a number that cannot be")
    if _canonical(header) != written:
        raise _malformed(sender, "its header is not spelled as a bundle's")
    if header["sender"] != sender:
        raise _malformed(sender, f"it says that it comes from {header['sender']!r}")
    if header["farm"] != farm:
        raise BundleError("farm", f"it belongs to the farm {header['farm']!r}, and this is the register of {farm!r}.")
    if header["made_at"] > now_s + limits.ahead_s:
        raise BundleError(
            "future",
            f"it was made at {_time(header['made_at'])} by {sender}'s clock, and here it is {_time(now_s)}. One of the "
            "two clocks is wrong: set it right, then exchange again.",
        )
    try:
        since, state = (base64.b64decode(header[name], validate=True) for name in ("since", "state"))
        decode(since), decode(state)
    except ValueError:  # no base64, not even ASCII, or no state vector
        raise _malformed(sender, "its state vectors cannot be read") from None
    update = _unpacked(payload[HEADER_LENGTH_BYTES + length :], header["update_bytes"], sender, limits)
    return Bundle(farm, sender, header["sequence"], header["made_at"], since, state, update)


def _unpacked(packed: bytes, size_bytes: int, sender: str, limits: Limits) -> bytes:
    if size_bytes > limits.update_bytes:
        raise BundleError(
            "enormous",
            f"its update has {format_bytes(size_bytes)} unpacked, and {format_bytes(limits.update_bytes)} is the most "
            "that is taken; it was not unpacked.",
        )
    unpacker = zlib.decompressobj()
    try:
        update = unpacker.decompress(packed, size_bytes + 1)  # never more than one byte past its promise
    except zlib.error:
        raise _malformed(sender, "its update cannot be unpacked") from None
    if len(update) > size_bytes:
        raise BundleError("enormous", f"its update is larger than the {format_bytes(size_bytes)} that it promised.")
    if len(update) < size_bytes or not unpacker.eof or unpacker.unused_data:
        raise _malformed(sender, "its update does not have the size that it promised")
    return update


def _not_ours(data: bytes) -> BundleError:
    if MAGIC.startswith(data):
        return BundleError("truncated", f"the bundle ends after {len(data)} bytes. Ask for it again.")
    if data.startswith(FAMILY):
        return BundleError("newer", "it is of another version than this program reads. Bring the program up to date.")
    return BundleError("foreign", "it is no bundle.")


def _malformed(sender: str, what: str) -> BundleError:
    return BundleError("malformed", f"{sender} signed it, but {what}. Their program or their phone needs a look.")


def _signed(public: bytes, payload: bytes) -> bytes:
    """What a signature is over: the version and the key too, so that neither can be exchanged."""
    return MAGIC + public + payload


def _canonical(header: Mapping[str, object]) -> bytes:
    return json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _time(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, ValueError, OSError):
        return f"{seconds:.0f} s after 1970"
