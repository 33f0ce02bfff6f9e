"""Sound as samples, as the bytes of a file, and as a player on a notebook's page."""

import base64
import html
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile  # type: ignore[import-untyped]
from numpy.typing import NDArray

from offlinefirst.language.errors import LanguageError

#: What `encode` can write: libsndfile's format and subtype, and the media type for a browser.
CODECS = {
    "wav": ("WAV", "PCM_16", "audio/wav"),
    "flac": ("FLAC", "PCM_16", "audio/flac"),
    "mp3": ("MP3", "MPEG_LAYER_III", "audio/mpeg"),
    "vorbis": ("OGG", "VORBIS", "audio/ogg"),
    "opus": ("OGG", "OPUS", "audio/ogg"),
}


@dataclass(frozen=True, eq=False)
class Clip:
    """A piece of sound.

    Args:
        samples: Shape (n,), float32, from -1 to 1.
        rate_hz: Samples a second.
    """

    samples: NDArray[np.float32]
    rate_hz: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.rate_hz

    def at(self, rate_hz: int) -> "Clip":
        """The same sound at another rate, resampled through its spectrum (what lies above half the rate is cut off)."""
        if rate_hz == self.rate_hz or not len(self.samples):
            return Clip(self.samples, rate_hz)
        count = round(len(self.samples) * rate_hz / self.rate_hz)
        spectrum = np.fft.rfft(self.samples)
        kept = np.zeros(count // 2 + 1, complex)
        shared = min(len(kept), len(spectrum))
        kept[:shared] = spectrum[:shared]
        samples = np.fft.irfft(kept, count) * (count / len(self.samples))
        return Clip(np.clip(samples, -1, 1).astype(np.float32), rate_hz)


def encode(clip: Clip, codec: str, *, compression: float | None = None) -> bytes:
    """A clip as the bytes of a file.

    Args:
        clip: At 8,000, 12,000, 16,000, 24,000 or 48,000 Hz for Opus.
        codec: One of `CODECS`.
        compression: From 0 (most bytes) to 1 (fewest), for codecs that lose something; None leaves it to the codec.

    Raises:
        LanguageError: An unknown codec, a rate that it cannot take, or an empty clip.
    """
    if codec not in CODECS:
        raise LanguageError(f"there is no codec {codec!r}; choose from {', '.join(CODECS)}")
    if not len(clip.samples):
        raise LanguageError("there is no sound in this clip to encode")
    file_format, subtype, _ = CODECS[codec]
    options: dict[str, Any] = {} if compression is None else {"compression_level": compression}
    if codec == "mp3" and compression is not None:
        options["bitrate_mode"] = "CONSTANT"
    file = io.BytesIO()
    try:
        soundfile.write(file, clip.samples, clip.rate_hz, format=file_format, subtype=subtype, **options)
    except (soundfile.SoundFileError, ValueError) as error:
        remedy = "resample it first: clip.at(16_000)"
        raise LanguageError(f"{codec} cannot take this clip of {clip.rate_hz} Hz ({error}); {remedy}") from error
    return file.getvalue()


def decode(data: bytes) -> Clip:
    """The clip in the bytes of a sound file of any codec of `CODECS`.

    Raises:
        LanguageError: The bytes are no sound file, or more than one channel.
    """
    try:
        samples, rate_hz = soundfile.read(io.BytesIO(data), dtype="float32")
    except soundfile.SoundFileError as error:
        raise LanguageError(f"these {len(data)} bytes are no sound file ({error}); fetch or record it again") from error
    if samples.ndim != 1:
        raise LanguageError("this recording has more than one channel; store it as mono")
    return Clip(samples, int(rate_hz))


def join(clips: Iterable[Clip], *, pause_s: float = 0.03, quiet: float = 0.01) -> Clip:
    """Clips one after the other, without the silence at their ends.

    Args:
        clips: At least one, all at one rate.
        pause_s: Between two of them, in seconds.
        quiet: Up to this share of a clip's own loudest sample its ends count as silence.

    Raises:
        LanguageError: No clip, or different rates.
    """
    parts = list(clips)
    if len({clip.rate_hz for clip in parts}) != 1:
        raise LanguageError("join needs at least one clip, and all at one rate; resample them: clip.at(16_000)")
    rate_hz = parts[0].rate_hz
    joined: list[NDArray[np.float32]] = []
    for clip in parts:
        loud = np.flatnonzero(np.abs(clip.samples) > quiet * np.max(np.abs(clip.samples), initial=0))
        kept = clip.samples[loud[0] : loud[-1] + 1] if len(loud) else clip.samples[:0]
        joined += [kept, np.zeros(round(pause_s * rate_hz), np.float32)]
    return Clip(np.concatenate(joined[:-1]), rate_hz)


class Player:
    """A clip as a notebook shows it: a real player, its bytes inside the page.

    Args:
        clip: What it plays; stored as MP3, which every browser plays.
        label: What is heard, for people and for screen readers.
    """

    def __init__(self, clip: Clip, label: str) -> None:
        self.data, self.label, self.seconds = encode(clip, "mp3", compression=0.85), label, clip.seconds

    def __repr__(self) -> str:
        return f"{self.label} ({self.seconds:.1f} s of sound)"

    def _repr_html_(self) -> str:
        """A figure with an audio element; IPython's own class takes every byte string for WAV."""
        source = f"data:audio/mpeg;base64,{base64.b64encode(self.data).decode()}"
        audio = f'<audio controls preload="metadata" aria-label="{html.escape(self.label)}" src="{source}"></audio>'
        return f"<figure>{audio}<figcaption>{html.escape(repr(self))}</figcaption></figure>"
