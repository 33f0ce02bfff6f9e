"""The officers' story as a picture: time to the right, a line for each phone, what was written, sent, and stands."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from offlinefirst.course.officers import Officers, Sent

INK, GREY, BLUE, ORANGE = "#1a1a1a", "#8a8a8a", "#0072B2", "#D55E00"
SHORT = {"condition": "cond."}
LONGEST = 22  # steps that fit; of a longer story the end is drawn


def draw_story(model: "Officers", title: str = "") -> Any:
    """Draw it.

    Args:
        model: With its events.
        title: Over the picture; what happened, in one line.

    Returns:
        A matplotlib Figure.
    """
    import matplotlib.pyplot as plt

    from offlinefirst.course.officers import OFFICERS, Edited, Sent

    steps = max(model.step, 4)
    first = max(0, steps - LONGEST)
    shown = {name: _state(model, name) for name in OFFICERS}
    height = 3.9 + 0.45 * max(0, max(map(len, shown.values())) - 6)  # inches; six lines fit between two phones
    figure, axis = plt.subplots(figsize=(11, height), layout="constrained")
    rows = {name: len(OFFICERS) - 1 - row for row, name in enumerate(OFFICERS)}
    for name, y in rows.items():
        for start, end, market in _stays(model, name, first, steps):
            style: dict[str, Any] = (
                {"color": INK, "linewidth": 3.5} if market else {"color": GREY, "linewidth": 1.2, "linestyle": ":"}
            )
            axis.plot([start, end], [y, y], **style, zorder=1)
        axis.text(first - 0.35, y, name, ha="right", va="center", fontweight="bold")
        right = steps + 0.25 + 0.035 * (steps - first)
        axis.text(right, y, "\n".join(shown[name]), va="center", fontsize=8.5)
    last: dict[str, int] = {}  # where words stand above the line
    for event in [one for one in model.events if one.step > first]:
        if isinstance(event, Edited):
            words = f"{event.value:+} bags" if event.field == "bags" else str(event.value)
            label = words if event.field in ("bags", "note") else f"{SHORT.get(event.field, event.field)} {words}"
            y = rows[event.officer]
            axis.plot(event.step, y, "o", color=BLUE, markersize=8, zorder=3)
            crowded = event.step - last.get(event.officer, -9) < 2
            last[event.officer] = -9 if crowded else event.step
            axis.annotate(
                _short(label),
                (event.step, y),
                (0, -16 if crowded else 9),
                textcoords="offset points",
                ha="center",
                fontsize=8.5,
            )
        elif isinstance(event, Sent) and event.changes:
            _arrow(axis, rows, event)
    axis.set(xlim=(first - 1.2, steps + 0.36 * (steps - first) + 1), ylim=(-0.75, len(OFFICERS) - 0.35))
    told = f"{model.bytes_sent():,} bytes between phones; all the same: {'yes' if model.agree() else 'no'}"
    axis.set_title(title or told, fontsize=10.5, loc="left")
    axis.set_xlabel(
        "step; thick line: at the market (online), dotted: in the field (offline), arrow: bytes of update", loc="left"
    )
    axis.set_xticks(range(first, steps + 1))
    axis.set_yticks([])
    axis.spines[["top", "right", "left"]].set_visible(False)
    plt.close(figure)
    return figure


def _stays(model: "Officers", name: str, first: int, steps: int) -> list[tuple[float, float, bool]]:
    """From when to when a phone was where; all begin at the market."""
    from offlinefirst.course.officers import MARKET, Moved

    moves = [(0, MARKET)] + [(m.step, m.place) for m in model.events if isinstance(m, Moved) and m.officer == name]
    ends = [step for step, _ in moves[1:]] + [steps + 0.2]
    stays = zip(moves, ends, strict=True)
    return [(max(start, first), end, place == MARKET) for (start, place), end in stays if end > first]


def _arrow(axis: Any, rows: dict[str, int], sent: "Sent") -> None:
    start, end = rows[sent.sender], rows[sent.receiver]
    bend = 0.12 if start > end else -0.12
    axis.annotate(
        "",
        (sent.step + bend, end + (0.1 if start > end else -0.1)),
        (sent.step + bend, start - (0.1 if start > end else -0.1)),
        arrowprops={"arrowstyle": "-|>", "color": ORANGE, "shrinkA": 0, "shrinkB": 0, "linewidth": 1.1},
        zorder=2,
    )
    middle = (start + end) / 2 + (0.17 if start > end else -0.17)
    axis.text(
        sent.step + bend * 1.6,
        middle,
        str(sent.update_bytes),
        fontsize=7.5,
        color=INK,
        va="center",
        ha="left" if bend > 0 else "right",
    )


def _state(model: "Officers", name: str) -> list[str]:
    """What that phone shows at the end, and its state vector, line by line."""
    lines = []
    for field in ("crop", "condition", "note", "bags"):
        value, hidden = model.value(name, field), model.hidden(name, field)
        if value in (None, 0) or (field == "crop" and not hidden):
            continue
        lines.append(f"{field}: {_short(str(value))} ({model.who(name, field)})")
        if hidden:
            others = ", ".join(f"{_short(str(one.value))} ({one.officer})" for one in hidden)
            lines.append(f"   CONFLICT, not shown: {others}")
    numbers = model.registers
    clocks = model.registers[name].clocks()
    vector = "  ".join(f"{other[0]}{clocks.get(one.client_id, 0)}" for other, one in numbers.items())
    return [*lines, f"state vector: {vector}"]


def _short(words: str) -> str:
    return words if len(words) < 19 else words[:17] + "…"
