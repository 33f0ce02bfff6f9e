"""Distillation of translators: a small student learns from a large teacher, word by word or sentence by sentence.

- Word level: the student is shown the right answer's beginning and matches the teacher's whole distribution for the
  next token, beside the right token itself. Needs labels, and a teacher at every step.
- Sequence level: the teacher translates sentences that nobody labelled, and the student learns from those
  translations as if they were labels. Needs the teacher once.

Everything here works on models of transformers' encoder-decoder kind. What would cost an afternoon (another
vocabulary, weights that are no numbers, a loss that has become none) is refused before the first step, or at it.

Source: Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network (2015), for the loss and its T squared;
Kim and Rush, Sequence-Level Knowledge Distillation (2016).
"""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from offlinefirst.models.translator import DistillError, check_weights, language_id, new_student, translate

__all__ = [
    "IGNORE",
    "DistillError",
    "Example",
    "Fitted",
    "check_pair",
    "check_weights",
    "collate",
    "encode",
    "fit",
    "groups",
    "language_id",
    "new_student",
    "teacher_scores",
    "translate",
    "word_level_loss",
]

IGNORE = -100
"""The label of a position that is padding: no loss is counted there."""

Example = tuple[list[int], list[int]]  # source ids, label ids, both as the tokenizer frames them


@dataclass(frozen=True)
class Fitted:
    """How a training went: the loss of each step, and the optimiser's steps."""

    losses: tuple[float, ...]

    @property
    def steps(self) -> int:
        return len(self.losses)


def check_pair(teacher: Any, student: Any, teacher_tokenizer: Any = None, student_tokenizer: Any = None) -> None:
    """Refuse a teacher and a student that cannot work together.

    Args:
        teacher: The large model.
        student: The small one.
        teacher_tokenizer: Its tokenizer; with both given, their words are compared, not only how many there are.
        student_tokenizer: The student's.

    Raises:
        DistillError: Different vocabularies, or weights that are no finite numbers.
    """
    ours, theirs = student.config.vocab_size, teacher.config.vocab_size
    if ours != theirs:
        raise DistillError(
            f"the teacher scores {theirs:,} tokens and the student {ours:,}: their scores cannot be compared. Give the "
            "student the teacher's tokenizer, or distil at sequence level, where only texts pass between them"
        )
    if teacher_tokenizer is not None and student_tokenizer is not None:
        first, second = teacher_tokenizer.get_vocab(), student_tokenizer.get_vocab()
        if wrong := sorted(token for token in first.keys() | second.keys() if first.get(token) != second.get(token)):
            raise DistillError(
                f"the vocabularies are of one size and differ in {len(wrong):,} tokens, the first {wrong[0]!r}: the "
                "student would learn the wrong words. Give the student the teacher's tokenizer"
            )
    check_weights(teacher, "the teacher")
    check_weights(student, "the student")


def word_level_loss(
    student_logits: Tensor, teacher_logits: Tensor, labels: Tensor, *, temperature: float = 2.0, alpha: float = 0.7
) -> Tensor:
    """Soft and hard loss for each token that is not padding.

    Args:
        student_logits: (batch, length, vocabulary).
        teacher_logits: The same shape; no gradient is taken through it.
        labels: (batch, length); `IGNORE` at padding.
        temperature: Above 0; both distributions are flattened by it, and the soft loss multiplied by its square.
        alpha: Share of the soft loss, 0 to 1.

    Returns:
        A number: alpha T^2 KL(teacher || student) + (1 - alpha) cross entropy, as means over the counted tokens.

    Raises:
        DistillError: Shapes that do not fit, no counted token, or options outside their range.
    """
    if student_logits.shape != teacher_logits.shape or student_logits.shape[:-1] != labels.shape:
        raise DistillError(
            f"student {tuple(student_logits.shape)}, teacher {tuple(teacher_logits.shape)} and labels "
            f"{tuple(labels.shape)} do not fit: scores are (batch, length, vocabulary), labels (batch, length)"
        )
    if not (temperature > 0 and 0 <= alpha <= 1):
        raise DistillError(f"temperature is above 0 and alpha from 0 to 1, not {temperature} and {alpha}")
    counted = labels != IGNORE
    if not counted.any():
        raise DistillError("every label is padding: there is nothing to learn from this batch")
    ours, theirs = student_logits[counted], teacher_logits.detach()[counted]
    soft = functional.kl_div(
        functional.log_softmax(ours / temperature, dim=-1),
        functional.log_softmax(theirs / temperature, dim=-1),
        reduction="batchmean",
        log_target=True,
    )
    hard = functional.cross_entropy(ours, labels[counted])
    return alpha * temperature**2 * soft + (1 - alpha) * hard


def encode(tokenizer: Any, sources: Sequence[str], targets: Sequence[str]) -> list[Example]:
    """Token ids of sentences and their translations.

    Raises:
        DistillError: Not as many of the one as of the other, or none.
    """
    if len(sources) != len(targets) or not sources:
        raise DistillError(f"{len(sources)} sentences and {len(targets)} translations are no pairs")
    encoded = tokenizer(list(sources), text_target=list(targets))
    return list(zip(encoded["input_ids"], encoded["labels"], strict=True))


def groups(examples: Sequence[Example], size: int, seed: int) -> Iterator[list[int]]:
    """Numbers of examples for batches without end: each pass in a new order, sentences of like length together."""
    draw = random.Random(seed)
    while True:
        order = list(range(len(examples)))
        draw.shuffle(order)
        near = 16 * size  # within so many, by length: little padding, and still mixed
        order = [
            number
            for start in range(0, len(order), near)
            for number in sorted(order[start : start + near], key=lambda n: len(examples[n][0]) + len(examples[n][1]))
        ]
        found = [order[start : start + size] for start in range(0, len(order), size)]
        draw.shuffle(found)
        yield from found


def collate(examples: Sequence[Example], pad: int) -> dict[str, Tensor]:
    """Make one batch.

    Args:
        examples: At least one.
        pad: The padding token.

    Returns:
        input_ids, attention_mask and labels, each (batch, length), labels padded with `IGNORE`.
    """
    widest, longest = (max(len(one[side]) for one in examples) for side in (0, 1))
    sources = torch.tensor([source + [pad] * (widest - len(source)) for source, _ in examples])
    labels = torch.tensor([label + [IGNORE] * (longest - len(label)) for _, label in examples])
    return {"input_ids": sources, "attention_mask": (sources != pad).long(), "labels": labels}


def teacher_scores(teacher: Any, tokenizer: Any, examples: Sequence[Example], *, batch_size: int = 50) -> list[Tensor]:
    """Ask the teacher once and keep its scores, instead of asking it again at every step.

    Args:
        teacher: The large model.
        tokenizer: Its tokenizer.
        examples: What `encode` returned.
        batch_size: How many at a time.

    Returns:
        For each example (label length, vocabulary). With a vocabulary of 256,000 that is a megabyte a token: there,
        keep the few highest scores of each, or ask again.
    """
    kept: list[Tensor] = []
    for start in range(0, len(examples), batch_size):
        some = examples[start : start + batch_size]
        with torch.no_grad():
            logits = teacher(**collate(some, tokenizer.pad_token_id), use_cache=False).logits
        kept += [scores[: len(label)].clone() for scores, (_, label) in zip(logits, some, strict=True)]
    return kept


def fit(
    student: Any,
    tokenizer: Any,
    examples: Sequence[Example],
    *,
    steps: int,
    rate: float = 3e-3,
    batch_size: int = 64,
    seed: int = 0,
    scores: Sequence[Tensor] | None = None,
    temperature: float = 2.0,
    alpha: float = 0.7,
    told: Callable[[int, float], None] | None = None,
) -> Fitted:
    """Train a student, from labels alone or, with a teacher's scores, at word level. It is changed in place.

    Args:
        student: What is trained.
        tokenizer: Its tokenizer.
        examples: What `encode` returned.
        steps: Optimiser steps; equal steps make students comparable.
        rate: The highest learning rate: it rises over a tenth of the steps, then falls as a cosine to 0.
        batch_size: Sentences a step.
        seed: Of the order.
        scores: What `teacher_scores` returned for these examples, for word-level distillation.
        temperature: See `word_level_loss`.
        alpha: See `word_level_loss`.
        told: Called after each step with its number and loss.

    Raises:
        DistillError: The scores do not fit, a weight or the loss is no number, or there is nothing to learn from.
    """
    if steps < 1 or not examples:
        raise DistillError(f"{steps} steps over {len(examples)} examples train nothing")
    check_weights(student, "the student")
    _check_scores(scores, examples, student.config.vocab_size)
    warm = max(1, steps // 10)
    optimiser = torch.optim.AdamW(student.parameters(), lr=rate, weight_decay=0.01, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: min((step + 1) / warm, 0.5 * (1 + math.cos(math.pi * max(0, step - warm) / max(1, steps - warm)))),
    )
    student.train()
    losses = []
    for step, numbers in zip(range(steps), groups(examples, batch_size, seed), strict=False):
        batch = collate([examples[number] for number in numbers], tokenizer.pad_token_id)
        answer = student(**batch, use_cache=False)
        loss = answer.loss
        if scores is not None:
            theirs = pad_sequence([scores[number] for number in numbers], batch_first=True)
            loss = word_level_loss(answer.logits, theirs, batch["labels"], temperature=temperature, alpha=alpha)
        if not torch.isfinite(loss):
            raise DistillError(f"the loss became {loss.item()} at step {step}; lower the learning rate from {rate:g}")
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if told is not None:
            told(step, losses[-1])
    student.eval()
    return Fitted(tuple(losses))


def _check_scores(scores: Sequence[Tensor] | None, examples: Sequence[Example], words: int) -> None:
    if scores is None:
        return
    if len(scores) != len(examples):
        raise DistillError(f"the teacher scored {len(scores)} sentences, and {len(examples)} are to be learnt")
    for number, (one, (_, label)) in enumerate(zip(scores, examples, strict=True)):
        if tuple(one.shape) != (len(label), words):
            raise DistillError(
                f"sentence {number}: the teacher's scores are {tuple(one.shape)}, the student's {(len(label), words)}. "
                "Both need one tokenizer; where they have two, distil at sequence level"
            )
        if not torch.isfinite(one).all():
            raise DistillError(f"sentence {number}: the teacher's scores are no finite numbers; look at its weights")
