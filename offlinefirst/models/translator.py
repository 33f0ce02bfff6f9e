"""Small translators of the NLLB kind: made anew, checked, and put to work one batch at a time."""

from collections.abc import Sequence
from typing import Any

import torch

from offlinefirst.models.errors import ModelError


class DistillError(ModelError):
    """A distillation that cannot work; the text says why, before work is lost."""


def new_student(
    tokenizer: Any, *, width: int, encoder_layers: int, decoder_layers: int, heads: int = 4, feed_forward: int = 0
) -> Any:
    """A translator of the NLLB kind with random weights; seed torch before.

    Args:
        tokenizer: Its tokenizer; the vocabulary is the tokenizer's.
        width: Size of a token's vector, a multiple of `heads`.
        encoder_layers: How many.
        decoder_layers: How many.
        heads: Attention heads.
        feed_forward: Width of the inner layers; four times `width` when 0.

    Returns:
        A `M2M100ForConditionalGeneration`.

    Raises:
        DistillError: The width cannot be divided among the heads.
    """
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    if width % heads:
        raise DistillError(f"a width of {width} cannot be divided among {heads} heads; choose a multiple of {heads}")
    inner = feed_forward or 4 * width
    config = M2M100Config(
        vocab_size=len(tokenizer),
        d_model=width,
        encoder_layers=encoder_layers,
        decoder_layers=decoder_layers,
        encoder_attention_heads=heads,
        decoder_attention_heads=heads,
        encoder_ffn_dim=inner,
        decoder_ffn_dim=inner,
        max_position_embeddings=128,
        dropout=0.0,
        attention_dropout=0.0,
        activation_dropout=0.0,
        encoder_layerdrop=0.0,
        decoder_layerdrop=0.0,
        scale_embedding=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.eos_token_id,
    )
    model = M2M100ForConditionalGeneration(config)
    model.generation_config.max_length = 64
    return model.eval()


def check_weights(model: Any, name: str = "the model") -> None:
    """Refuse weights that are no numbers.

    Raises:
        DistillError: Names the first parameter with NaN or infinity, and how many of its values are bad.
    """
    for parameter, values in model.named_parameters():
        if not torch.isfinite(values).all():
            bad = int((~torch.isfinite(values)).sum())
            raise DistillError(
                f"{name}: {bad:,} of {values.numel():,} weights in {parameter} are no finite numbers. The file is "
                "damaged, or the training that wrote it diverged; take an earlier checkpoint"
            )


def translate(
    model: Any, tokenizer: Any, texts: Sequence[str], *, batch_size: int = 100, most_tokens: int = 64
) -> list[str]:
    """Translate into the tokenizer's `tgt_lang`, greedily, sentences of like length together.

    Raises:
        DistillError: The tokenizer has no such language, or none is set.
    """
    language = language_id(tokenizer, tokenizer.tgt_lang)
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    said = [""] * len(texts)
    for start in range(0, len(order), batch_size):
        some = order[start : start + batch_size]
        batch = tokenizer([texts[number] for number in some], return_tensors="pt", padding=True)
        ids = _greedy(model, batch, language, most_tokens)
        for number, text in zip(some, tokenizer.batch_decode(ids, skip_special_tokens=True), strict=True):
            said[number] = text
    return said


def _greedy(model: Any, batch: Any, language: int, most_tokens: int) -> Any:
    """What `generate` does when it is greedy, without the bookkeeping that takes most of its time on small models."""
    start, end, pad = (getattr(model.config, f"{name}_token_id") for name in ("decoder_start", "eos", "pad"))
    count = len(batch["input_ids"])
    with torch.inference_mode():
        read = model.model.encoder(**batch).last_hidden_state
        said = torch.tensor([[start, language]]).repeat(count, 1)
        latest, cache, done = said, None, torch.zeros(count, dtype=torch.bool)
        while said.shape[1] < most_tokens and not done.all():
            answer = model.model.decoder(
                input_ids=latest,
                encoder_hidden_states=read,
                encoder_attention_mask=batch["attention_mask"],
                past_key_values=cache,
                use_cache=True,
            )
            cache = answer.past_key_values
            word = model.lm_head(answer.last_hidden_state[:, -1]).argmax(dim=-1).masked_fill(done, pad)
            done = done | (word == end)
            latest = word[:, None]
            said = torch.cat([said, latest], dim=1)
    return said


def language_id(tokenizer: Any, code: str | None) -> int:
    """The token that asks for a language.

    Raises:
        DistillError: The tokenizer does not know the code; lists those that it knows, or the first of them.
    """
    known = sorted(token for token in tokenizer.get_added_vocab() if len(token) == 8 and token[3] == "_")
    if code not in known:
        few = ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
        raise DistillError(f"the tokenizer has no language {code!r}; it knows {few or 'none'}")
    return int(tokenizer.convert_tokens_to_ids(code))
