"""Whose signature is whose: the key on an officer's phone, and the keys that a phone trusts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LABEL = re.compile(r"[^\W_][\w-]{0,39}")


def label(what: str, text: str) -> str:
    """Return the text if it can be part of a file's name. Raises ValueError."""
    if not LABEL.fullmatch(text):
        raise ValueError(f"{text!r} cannot name {what}: use 1 to 40 letters, digits, _ and -, a letter or digit first")
    return text


@dataclass(frozen=True)
class SenderKey:
    """The key that an officer's phone signs with. It never leaves the phone; `public` may go anywhere."""

    name: str
    private: Ed25519PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        label("an officer", self.name)

    @classmethod
    def generate(cls, name: str) -> "SenderKey":
        """A new key from the system's randomness. Raises ValueError for a name that cannot be a file's."""
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> "SenderKey":
        """The key that belongs to 32 secret bytes, as a phone stores them. Raises ValueError for another length."""
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def public(self) -> bytes:
        """32 bytes by which others know this phone."""
        return self.private.public_key().public_bytes_raw()


@dataclass(frozen=True)
class Trust:
    """Whose bundles are taken.

    Args:
        keys: Public keys by officer's name.
        revoked: Keys that were trusted once, and why they are not any more.
    """

    keys: Mapping[str, bytes]
    revoked: Mapping[bytes, str] = field(default_factory=dict)

    @classmethod
    def of(cls, *keys: SenderKey) -> "Trust":
        """Trust these. Raises ValueError when two have one name: only one of them would be trusted."""
        if len({key.name for key in keys}) < len(keys):
            raise ValueError("two keys have one name; give each officer's phone a name of its own")
        return cls({key.name: key.public for key in keys})

    def without(self, name: str, why: str) -> "Trust":
        """The same, with an officer's key revoked. Raises KeyError when there is no such officer."""
        rest = {other: key for other, key in self.keys.items() if other != name}
        return Trust(rest, {**self.revoked, self.keys[name]: why})

    def name_of(self, public: bytes) -> str | None:
        """The officer whose key this is, unless it is revoked."""
        if public in self.revoked:
            return None
        return next((name for name, key in self.keys.items() if key == public), None)
