"""What decides how large a translator of the NLLB kind is, and what that asks of a device: arithmetic alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from offlinefirst.device.profiles import Link, Profile
from offlinefirst.device.units import format_bytes
from offlinefirst.models.errors import ModelError

#: Bytes of one weight.
PRECISIONS = {"float32": 4, "float16": 2, "int8": 1}
#: What `load_nllb` computes in, however the weights are stored.
LOADED = "float32"
#: Both tokenizer files of the real checkpoints, rounded.
STORED_TOKENIZER_BYTES = 22_000_000
_KEYS = {
    "vocabulary": "vocab_size",
    "width": "d_model",
    "encoder_layers": "encoder_layers",
    "decoder_layers": "decoder_layers",
    "encoder_inner": "encoder_ffn_dim",
    "decoder_inner": "decoder_ffn_dim",
}


class NllbError(ModelError):
    """A translator that cannot be planned or loaded; names the file and what to do."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What decides how large a translator of the NLLB kind is; each as in its config.json."""

    vocabulary: int
    width: int
    encoder_layers: int
    decoder_layers: int
    encoder_inner: int
    decoder_inner: int

    @classmethod
    def of(cls, config: Mapping[str, Any], name: str = "the configuration") -> "Shape":
        """Read a config.json.

        Raises:
            NllbError: Another kind of model, or a number is missing or impossible.
        """
        if config.get("model_type") != "m2m_100":
            raise NllbError(f"{name} describes a model of type {config.get('model_type')!r}, not 'm2m_100' as NLLB's")
        if not config.get("tie_word_embeddings", True):
            raise NllbError(f"{name}: input and output words do not share their vectors, as they do in NLLB")
        values = {ours: config.get(theirs) for ours, theirs in _KEYS.items()}
        for ours, value in values.items():
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise NllbError(f"{name}: {_KEYS[ours]} is {value!r}, not a whole number above 0")
        return cls(**values)  # type: ignore[arg-type]

    @property
    def parameters(self) -> int:
        """How many weights: exact, since positions are computed and the output shares the input's vectors."""
        width = self.width
        attention = 4 * (width * width + width)
        norm = 2 * width

        def layer(attentions: int, inner: int) -> int:
            return attentions * (attention + norm) + 2 * width * inner + inner + width + norm

        return (
            self.vocabulary * width
            + self.encoder_layers * layer(1, self.encoder_inner)
            + self.decoder_layers * layer(2, self.decoder_inner)
            + 2 * norm  # one at the end of each stack
        )

    def memory_bytes(self, precision: str, *, tokens: int = 128) -> int:
        """The least memory for one sentence: the weights, what attention remembers, one row of scores.

        Args:
            precision: A key of `PRECISIONS`, of the weights as they lie in memory.
            tokens: Of the sentence and of its translation.

        Returns:
            Bytes. The engine's own libraries come on top, so what does not fit here does not fit at all.
        """
        cache = self.decoder_layers * 4 * tokens * self.width * 4
        return self.parameters * PRECISIONS[precision] + cache + self.vocabulary * 4


_SIX_HUNDRED = Shape(
    vocabulary=256_206, width=1024, encoder_layers=12, decoder_layers=12, encoder_inner=4096, decoder_inner=4096
)
_LARGE = Shape(
    vocabulary=256_206, width=1024, encoder_layers=24, decoder_layers=24, encoder_inner=8192, decoder_inner=8192
)
#: Configurations of the real checkpoints, whose weights are stored as float32.
KNOWN: Mapping[str, Shape] = {
    "facebook/nllb-200-distilled-600M": _SIX_HUNDRED,
    "facebook/nllb-200-distilled-1.3B": _LARGE,
    "facebook/nllb-200-1.3B": _LARGE,
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a translator asks of a device; None where the device's profile does not know.

    Args:
        name: The checkpoint.
        device: The device's title.
        parameters: How many weights.
        download_bytes: To fetch, as stored.
        price_usd: Of that much data.
        work_hours: At the profile's wage, to pay for it.
        link: The link's name.
        link_hours: The transfer, with the link up and not shared.
        waiting_hours: The same with the link's outages, on average.
        memory_bytes: Least memory, by precision.
        app_memory_bytes: What an app may use.
        fits: By precision; True is "may fit", False is "cannot".
        fits_storage: Whether the file fits into the app's share of the storage.
    """

    name: str
    device: str
    parameters: int
    download_bytes: int
    price_usd: float | None
    work_hours: float | None
    link: str | None
    link_hours: float | None
    waiting_hours: float | None
    memory_bytes: Mapping[str, int]
    app_memory_bytes: int
    fits: Mapping[str, bool]
    fits_storage: bool

    def __str__(self) -> str:
        lines = [f"{self.name} on {self.device}: {self.parameters:,} weights"]
        lines.append(f"  download  {format_bytes(self.download_bytes)}")
        if self.price_usd is not None:
            hours = "" if self.work_hours is None else f", {self.work_hours:.1f} hours of work"
            lines[-1] += f", {self.price_usd:.2f} USD{hours}"
        if self.link_hours is not None:
            hours = f"{self.link_hours:.1f} hours, {self.waiting_hours:.1f} with its outages"
            lines.append(f"  link      {hours} ({self.link})")
        lines.append(f"  storage   {'fits' if self.fits_storage else 'does not fit'} into this app's share")
        for precision, needed in self.memory_bytes.items():
            verdict = "may fit" if self.fits[precision] else "cannot fit"
            lines.append(f"  {precision:9} {format_bytes(needed)} of memory at least: {verdict}")
        lines.append(f"  an app may use {format_bytes(self.app_memory_bytes)}; load_nllb uses {LOADED}")
        return "\n".join(lines)


def plan(name: str, shape: Shape, download_bytes: int, device: Profile, link: Link | None = None) -> Plan:
    """Work a plan out.

    Args:
        name: The checkpoint.
        shape: Its configuration.
        download_bytes: What would be fetched.
        device: What it is for.
        link: What it would come over; the device's own when None.
    """
    link = link or device.link
    price = device.price_usd_per_gb and device.price_usd_per_gb * download_bytes / 1e9
    link_h = link.transfer_s(download_bytes) / 3600 if link else None
    memory = {precision: shape.memory_bytes(precision) for precision in PRECISIONS}
    return Plan(
        name=name,
        device=device.title,
        parameters=shape.parameters,
        download_bytes=download_bytes,
        price_usd=price,
        work_hours=price / device.wage_usd_per_hour if price and device.wage_usd_per_hour else None,
        link=link.name if link else None,
        link_hours=link_h,
        waiting_hours=link_h / link.uptime if link_h and link else None,
        memory_bytes=memory,
        app_memory_bytes=device.app_memory_bytes,
        fits={precision: needed <= device.app_memory_bytes for precision, needed in memory.items()},
        fits_storage=download_bytes <= device.storage_quota_bytes,
    )
