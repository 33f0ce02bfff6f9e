"""A verdict as people and programs read it: text, HTML, JSON, and back out of a stored notebook."""

import html
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from offlinefirst.measure.errors import LedgerError
from offlinefirst.measure.rules import ALONE, OUTCOMES, Outcome, number

#: The display bundle carries the verdict as data under this type, so that a notebook's stored outputs hold it.
MIME = "application/vnd.offlinefirst.verdict+json"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One claim beside what was measured, and what follows.

    Args:
        id: The claim's id.
        claim: The claim, in our words.
        figures: Its numbers, written out with units.
        source: The document that makes it.
        chapter: The chapter that decides it.
        outcome: One of `OUTCOMES`.
        condition: Under which it holds, or why it cannot be tested here; else empty.
        measured: Numbers by name; a single one is called "measured".
        unit: Their unit; may be empty.
        rule: What was asked of them, in words.
    """

    id: str
    claim: str
    figures: tuple[str, ...]
    source: str
    chapter: int
    outcome: Outcome
    condition: str
    measured: Mapping[str, float]
    unit: str
    rule: str

    def as_dict(self) -> dict[str, Any]:
        """The verdict as JSON-able values; `from_dict` takes it back."""
        return {**asdict(self), "figures": list(self.figures), "measured": dict(self.measured)}

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> "Verdict":
        """Take back what `as_dict` gave.

        Raises:
            LedgerError: It is not a verdict: keys, types, outcome or numbers are wrong.
        """
        wanted = {"chapter": int, "figures": list, "measured": dict}
        for key in cls.__dataclass_fields__:
            if not isinstance(table.get(key), wanted.get(key, str)):
                raise LedgerError(f"a stored verdict is damaged: {key} is {table.get(key)!r}. Build the notebook again")
        if unknown := set(table) - set(cls.__dataclass_fields__):
            raise LedgerError(f"a stored verdict has unknown keys: {', '.join(sorted(unknown))}")
        if table["outcome"] not in OUTCOMES:
            raise LedgerError(f"the stored verdict {table['id']} has the outcome {table['outcome']!r}, which is none")
        numbers = table["measured"].values()
        if not all(type(value) in (int, float) and math.isfinite(value) for value in numbers):
            raise LedgerError(f"the stored verdict {table['id']} has a measurement that is no number")
        return cls(**{**table, "figures": tuple(table["figures"])})

    @property
    def measurement(self) -> str:
        """What was measured, with its unit."""
        if not self.measured:
            return "nothing"
        unit = f" {self.unit}" if self.unit else ""
        return "; ".join(
            f"{'' if name == ALONE else name + ' '}{number(value)}{unit}" for name, value in self.measured.items()
        )

    @property
    def conclusion(self) -> str:
        """The outcome, with its condition or reason if there is one."""
        return f"{self.outcome}: {self.condition}" if self.condition else self.outcome

    def __str__(self) -> str:
        lines = [f"{self.id}: {self.conclusion}", f"  claimed   {self.claim}"]
        if self.figures:
            lines.append(f"            {'; '.join(self.figures)}")
        return "\n".join([*lines, f"  measured  {self.measurement}", f"  asked     {self.rule}"])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        # currentColor and no background: it reads in a light theme, in a dark one and in print.
        figures = f"<br><small>{html.escape('; '.join(self.figures))}</small>" if self.figures else ""
        rows = [
            ("claimed", f"{html.escape(self.claim)}{figures}<br><small>{html.escape(self.source)}</small>"),
            ("measured", f"{html.escape(self.measurement)}<br><small>asked: {html.escape(self.rule)}</small>"),
            ("verdict", f"<strong>{html.escape(self.conclusion)}</strong>"),
        ]
        cell = "text-align:left;vertical-align:top;padding:.2em .8em;border-top:1px solid currentColor"
        body = "".join(
            f'<tr><th scope="row" style="{cell}">{name}</th><td style="{cell}">{text}</td></tr>' for name, text in rows
        )
        return (
            f'<table><caption style="text-align:left">Claim <code>{html.escape(self.id)}</code></caption>{body}</table>'
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        return {"text/plain": str(self), "text/html": self._repr_html_(), MIME: self.as_dict()}


def gather(notebook: Path) -> list[Verdict]:
    """Read the verdicts that a stored notebook shows, in its order.

    Args:
        notebook: An executed .ipynb file.

    Raises:
        LedgerError: It is no notebook, or a verdict in it is damaged.

    Note:
        What is read is what was stored. Whether the claim has since been reworded is for the reader to compare.
    """
    try:
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        found = [data[MIME] for output in outputs if MIME in (data := output.get("data", {}))]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LedgerError(f"{notebook.name} cannot be read as a notebook: {type(error).__name__}: {error}") from error
    verdicts = []
    for table in found:
        if not isinstance(table, dict):
            raise LedgerError(f"{notebook.name}: a stored verdict is {table!r}. Build the notebook again")
        try:
            verdicts.append(Verdict.from_dict(table))
        except LedgerError as error:
            raise LedgerError(f"{notebook.name}: {error}") from None
    return verdicts
