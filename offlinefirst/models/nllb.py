"""NLLB translators: what one would cost before a byte is fetched, and loading one from here or from afar.

`plan_nllb` works from the configuration alone. `load_nllb` takes the course's toy ("teacher", "student"), a folder, or
a real checkpoint's name; it checks everything that can be checked before it begins what takes long. What was fetched
once is loaded without a link, and what the device cannot hold is refused before its weights are fetched.

>>> from offlinefirst.device.profiles import load
>>> plan_nllb("facebook/nllb-200-distilled-600M", profile=load("phone-2gb")).parameters
615073792
"""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from offlinefirst.delivery.policy import Policy
from offlinefirst.device.current import current
from offlinefirst.device.profiles import Link, Profile
from offlinefirst.models import hub
from offlinefirst.models.nllb_shape import (
    KNOWN,
    LOADED,
    PRECISIONS,
    STORED_TOKENIZER_BYTES,
    NllbError,
    Plan,
    Shape,
    plan,
)

__all__ = ["KNOWN", "NllbError", "Plan", "Shape", "load_nllb", "plan_nllb"]


def plan_nllb(name_or_path: str | Path, *, profile: Profile | None = None, link: Link | None = None) -> Plan:
    """Tell what a translator would cost, from its configuration alone: nothing is fetched or loaded.

    Args:
        name_or_path: "teacher" or "student", a folder with a config.json, or a key of `KNOWN`.
        profile: The device; the current one when None.
        link: What it would come over; the device's own when None.

    Raises:
        NllbError: No such name, or a configuration that cannot be read.
    """
    device, name = profile or current().profile, str(name_or_path)
    folder = _here(name_or_path)
    if folder is not None:
        shape = Shape.of(_read_config(folder), str(folder / "config.json"))
        download = sum(path.stat().st_size for path in _files(folder))
    elif name in KNOWN:
        shape = KNOWN[name]
        download = shape.parameters * PRECISIONS["float32"] + STORED_TOKENIZER_BYTES
    else:
        raise NllbError(f"{name!r} is no folder with a config.json here, and none of {', '.join(_names())}")
    return plan(name, shape, download, device, link)


def load_nllb(
    name_or_path: str | Path,
    *,
    source: str = "eng_Latn",
    target: str = "swh_Latn",
    folder: Path | None = None,
    profile: Profile | None = None,
    endpoint: str = hub.ENDPOINT,
    policy: Policy | None = None,
    **options: Any,
) -> tuple[Any, Any]:
    """Load a translator and its tokenizer, fetching it first when it is nowhere on this computer.

    A name is looked for in `folder`; then, unless a folder, an endpoint, a manifest or a revision is given, in the
    cache of the hub's own client. With a manifest or a revision every file is compared with it.

    Args:
        name_or_path: "teacher" or "student", a folder, or a repository's name.
        source: The language to translate from, as NLLB writes it.
        target: The language to translate into.
        folder: Where fetched files go; below the course's data folder when None.
        profile: The device that it must fit; the current one when None.
        endpoint: The hub or a mirror.
        policy: How patient to be with the link.
        options: Others of `hub.bring`, such as `manifest`.

    Returns:
        The model, in float32 and ready to translate, and the tokenizer with both languages set.

    Raises:
        NllbError: A file is missing, cut short or damaged, a language is unknown, or the device cannot hold it.
        DistillError: Weights that are no finite numbers.
        HubError: The files could not be fetched; what came is kept.
    """
    device, found = profile or current().profile, _here(name_or_path)
    if found is None:
        found = _fetched(str(name_or_path), folder, device, endpoint, {"policy": policy, **options})
    _check_files(found)
    _refuse_too_large(plan_nllb(found, profile=device), fetching=False)
    tokenizer = _tokenizer(found, source, target)  # small, and an unknown language is told before the weights are read
    return _model(found, len(tokenizer)), tokenizer


def _names() -> list[str]:
    return ["teacher", "student", *KNOWN]


def _here(name_or_path: str | Path) -> Path | None:
    if str(name_or_path) in ("teacher", "student"):
        from offlinefirst.course.lessons import course_root

        return course_root() / "datasets" / "models" / "translation" / str(name_or_path)
    path = Path(name_or_path)
    return path if path.is_dir() else None


def _fetched(name: str, folder: Path | None, device: Profile, endpoint: str, options: Mapping[str, Any]) -> Path:
    parts = name.split("/")
    if len(parts) != 2 or not all(part and part.strip(".") for part in parts) or "\\" in name:
        raise NllbError(f"{name!r} is no folder here, and no name such as {', '.join(_names())}")
    fixed = options.get("manifest") is not None or "revision" in options
    elsewhere = folder is not None or endpoint != hub.ENDPOINT
    if folder is None:
        from offlinefirst.datasets.places import data_folder

        folder = data_folder() / "models" / name.replace("/", "--")
    if not fixed and _whole(folder):
        return folder
    if not fixed and not elsewhere and (cached := _in_cache(name)) is not None:
        return cached
    if name in KNOWN:
        _refuse_too_large(plan_nllb(name, profile=device), fetching=True)

    def look(there: Path, download_bytes: int) -> None:
        shape = Shape.of(_read_config(there), name)
        _refuse_too_large(plan(name, shape, download_bytes, device), fetching=True)

    return hub.bring(name, folder, endpoint=endpoint, before_rest=look, **options)


def _whole(folder: Path) -> bool:
    try:
        _check_files(folder)
    except NllbError:
        return False
    return True


def _refuse_too_large(planned: Plan, *, fetching: bool) -> None:
    """Before weights are fetched or read, so that it costs no money, and no process that is killed."""
    if planned.fits[LOADED] and (planned.fits_storage or not fetching):
        return
    instead = "hub.bring fetches its files for another device" if fetching else "an engine with fewer bits may do"
    raise NllbError(f"{planned.name}: this device cannot hold it; {instead}.\n{planned}")


def _in_cache(name: str) -> Path | None:
    """Where the hub's own client keeps this repository, if it has all of it."""
    from huggingface_hub import try_to_load_from_cache

    found = [try_to_load_from_cache(name, file) for file in ("config.json", *hub.TOKENIZERS, *hub.WEIGHTS)]
    config, *vocabulary, safe, older = (Path(one) if isinstance(one, str) else None for one in found)
    return config.parent if config and any(vocabulary) and (safe or older) else None


def _files(folder: Path) -> list[Path]:
    weights = [folder / name for name in hub.WEIGHTS if (folder / name).is_file()][:1]
    others = [folder / name for name in (*hub.SMALL, *hub.TOKENIZERS) if (folder / name).is_file()]
    return [*others, *weights]


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise NllbError(f"{path} is missing: this folder holds no model. Copy or fetch it again") from error
    except (OSError, ValueError) as error:
        raise NllbError(f"{path} cannot be read ({error}). Copy or fetch it again") from error
    if not isinstance(config, dict):
        raise NllbError(f"{path} is no configuration. Copy or fetch it again")
    return config


def _check_files(folder: Path) -> None:
    Shape.of(_read_config(folder), str(folder / "config.json"))
    if not any((folder / name).is_file() for name in hub.TOKENIZERS):
        raise NllbError(f"{folder} has no {' and no '.join(hub.TOKENIZERS)}: without its words a model is of no use")
    weights = next((folder / name for name in hub.WEIGHTS if (folder / name).is_file()), None)
    if weights is None:
        part = next((path.name for path in sorted(folder.glob("*.part"))), None)
        half = f"; {part} is a download to go on with" if part else ""
        raise NllbError(f"{folder} has no {' and no '.join(hub.WEIGHTS)}{half}. Load it by its name when online")
    if weights.suffix == ".safetensors":
        _check_safetensors(weights)
    elif not zipfile.is_zipfile(weights):
        raise NllbError(f"{weights} is cut short or damaged: its table of contents is not at its end. Fetch it again")


def _check_safetensors(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        try:
            if not 2 <= length <= size - 8:
                raise ValueError
            header = json.loads(file.read(length))
            ends = [row["data_offsets"][1] for name, row in header.items() if name != "__metadata__"]
            promised = 8 + length + max(ends)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NllbError(f"{path} is no safetensors file, or its head is cut or damaged. Fetch it again") from error
    if size != promised:
        raise NllbError(f"{path} has {size:,} bytes and promises {promised:,}: it was cut short. Fetch it again")


def _tokenizer(folder: Path, source: str, target: str) -> Any:
    from transformers import AutoTokenizer

    from offlinefirst.models.translator import DistillError, language_id

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        for code in (source, target):
            language_id(tokenizer, code)
    except DistillError as error:
        raise NllbError(f"{folder.name}: {error}") from error
    except Exception as error:  # the tokenizer's library raises many kinds for a damaged file
        raise NllbError(f"the tokenizer in {folder} cannot be read ({error!r:.200}). Fetch it again") from error
    tokenizer.src_lang, tokenizer.tgt_lang = source, target
    return tokenizer


def _model(folder: Path, words: int) -> Any:
    import torch
    from transformers import AutoModelForSeq2SeqLM
    from transformers.utils import logging

    from offlinefirst.models.translator import check_weights

    watched = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # of a file that is here: it would flash by and stay in the notebook
    try:
        model, info = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    except Exception as error:  # as above
        raise NllbError(f"the weights in {folder} cannot be loaded ({error!r:.200}). Fetch them again") from error
    finally:
        if watched:
            logging.enable_progress_bar()
    if missing := sorted(info["missing_keys"]):
        raise NllbError(
            f"the weights in {folder} lack {len(missing)} tensors, the first {missing[0]}. Fetch them again"
        )
    if words > model.config.vocab_size:
        raise NllbError(
            f"the tokenizer in {folder} has {words:,} tokens and the model scores {model.config.vocab_size:,}: they do "
            "not belong together. Fetch both again"
        )
    check_weights(model, str(folder))
    return model.eval()
