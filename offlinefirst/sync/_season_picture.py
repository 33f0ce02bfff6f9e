"""Two pictures: what happens in a season, and what strategies made of it, criterion beside criterion."""

from collections.abc import Mapping, Sequence
from typing import Any

from offlinefirst.sync._season_judge import CRITERIA, Card, dominates, total
from offlinefirst.sync._season_plan import DAY, OFFICE, Event

HEADINGS = {
    "disagree": "places\nwhere phones\ndisagree",
    "lost": "updates\nlost",
    "wrong": "facts\nwrong",
    "bags_off": "bags\nmiscounted",
    "thief": "thief's\nwords",
    "overdrawn": "seed\nover-\npromised",
    "refused": "seed\nrefused",
    "reviews": "calls to\nfarmers",
    "kilobytes": "kB\nsent",
}


def score_card(cards: Mapping[str, Card], weights: Mapping[str, float], *, title: str) -> Any:
    """Draw cards beside each other; in every column dark is worse, and the best of it stands in a frame.

    Args:
        cards: By the name that the picture shows.
        weights: Minutes that one unit of each criterion costs; they decide the bars on the right and nothing else.
        title: One message; the picture says itself that it is simulated.

    Returns:
        A matplotlib figure.
    """
    from matplotlib import pyplot
    from matplotlib.patches import Rectangle

    names = list(cards)
    size = (11, 1.9 + 0.55 * len(names))
    figure, (table, bars) = pyplot.subplots(1, 2, figsize=size, width_ratios=(4, 1.1), layout="constrained")
    for column, criterion in enumerate(CRITERIA):
        values = [getattr(cards[name], criterion) for name in names]
        worst, best = max(values), min(values)
        for row, value in enumerate(values):
            shade = 0.75 * value / worst if worst else 0.0
            table.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, color=str(1 - shade)))
            if value == best:
                frame = (column - 0.46, row - 0.44)
                table.add_patch(Rectangle(frame, 0.92, 0.88, fill=False, edgecolor="black", linewidth=1.4))
            colour = "white" if shade > 0.45 else "black"
            table.text(column, row, _figure(value), ha="center", va="center", color=colour)
    table.set(xlim=(-0.5, len(CRITERIA) - 0.5), ylim=(len(names) - 0.5, -0.5))
    table.set_xticks(range(len(CRITERIA)), [HEADINGS[name] for name in CRITERIA], fontsize=8)
    table.xaxis.tick_top()
    table.set_yticks(range(len(names)), [_label(name, cards) for name in names])
    minutes = [total(cards[name], weights) for name in names]
    bars.barh(range(len(names)), minutes, color="#666666", height=0.6)
    for row, value in enumerate(minutes):
        bars.text(value, row, f" {_figure(value)}", va="center", ha="left", fontsize=9)
    bars.set(ylim=(len(names) - 0.5, -0.5), yticks=[], xticks=[], xlim=(0, 1.35 * max([*minutes, 1])))
    bars.set_title("minutes, with the\nweights as given", fontsize=8)
    for axis in (table, bars):
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    figure.suptitle(f"{title} (simulated; less is better)")
    pyplot.close(figure)
    return figure


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == round(value) else f"{value:.1f}"


def _label(name: str, cards: Mapping[str, Card]) -> str:
    """The name, and who is as good or better in everything, so that no weights can save it."""
    above = [other for other in cards if dominates(cards[other], cards[name])]
    return f"{name}\n(never better than {above[0]})" if above else name


def timeline(events: Sequence[Event], *, days: int, title: str) -> Any:
    """Draw who wrote when, who met whom, and what befell the phones.

    Args:
        events: A season's.
        days: How long the season is.
        title: One message; the picture says itself that it is simulated.

    Returns:
        A matplotlib figure: a line for each phone while it is in its officer's hands, a tick for each edit, orange
        in a thief's hands, an upright line for each meeting.
    """
    from matplotlib import pyplot

    lanes = {phone: lane for lane, phone in enumerate(dict.fromkeys(e.phone for e in events if e.kind == "join"))}
    ends = {event.phone: event.minute for event in events if event.kind in ("lost", "stolen")}
    begins = {event.phone: event.minute for event in events if event.kind == "join"}
    figure, axis = pyplot.subplots(figsize=(11, 3.4), layout="constrained")
    for phone, lane in lanes.items():
        axis.plot([begins[phone] / DAY, ends.get(phone, days * DAY) / DAY], [lane, lane], color="#bbbbbb", zorder=0)
        written = [event.minute for event in events if event.kind == "write" and event.phone == phone != OFFICE]
        for colour, ours in (("black", True), ("#D55E00", False)):
            ticks = [minute / DAY for minute in written if (minute <= ends.get(phone, days * DAY)) == ours]
            axis.plot(ticks, [lane] * len(ticks), "|", color=colour, markersize=8, markeredgewidth=0.7)
    for event in events:
        if event.kind == "meet" and DAY / 2 < event.minute < days * DAY:
            pair = [lanes[event.phone], lanes[event.other]]
            axis.plot([event.minute / DAY] * 2, pair, color="#0072B2", linewidth=0.7, alpha=0.7, zorder=-1)
        elif event.kind in ("lost", "stolen", "revoke"):
            lane = lanes[event.other if event.kind == "revoke" else event.phone]
            axis.plot(event.minute / DAY, lane, "X" if event.kind == "lost" else "d", color="#D55E00", markersize=9)
            words = "revoked" if event.kind == "revoke" else event.kind
            axis.annotate(words, (event.minute / DAY, lane), xytext=(0, 8), textcoords="offset points", ha="center")
    axis.set_yticks(range(len(lanes)), list(lanes))
    axis.set(xlim=(-1, days + 1), ylim=(len(lanes) - 0.5, -0.7), title=f"{title} (simulated)")
    axis.set_xlabel("day; ticks: edits, upright lines: meetings")
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    pyplot.close(figure)
    return figure
