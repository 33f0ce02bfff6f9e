"""A picture that readers can play with, and that is still there when no kernel is.

The picture is an ordinary output with a display id: sliders redraw it in place, and a saved notebook keeps it.
"""

from collections.abc import Callable
from typing import Any

from IPython.display import display


def play(draw: Callable[..., Any], **controls: Any) -> None:
    """Show `draw(...)` with one widget for each argument.

    Args:
        draw: Takes the controls' values as keywords, returns something that can be displayed (a Figure).
        controls: ipywidgets, by argument name.
    """
    from ipywidgets import VBox

    handle = None

    def redraw(_: object = None) -> None:
        if handle is not None:
            handle.update(draw(**{name: control.value for name, control in controls.items()}))

    for control in controls.values():
        if hasattr(control, "continuous_update"):
            control.continuous_update = False  # a slow phone redraws once the reader lets go
        control.observe(redraw, names="value")
    display(VBox(list(controls.values())))
    handle = display(draw(**{name: control.value for name, control in controls.items()}), display_id=True)
