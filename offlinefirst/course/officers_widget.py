"""The live register of chapter 11: drag three officers between field and market, edit, and watch what goes over.

The widget only shows a model and passes on what was done with it (`offlinefirst.course.officers`); its script and style
lie beside this file. Under it stands the story so far as a picture, an ordinary output that a saved notebook keeps
when there is no kernel.
"""

from pathlib import Path
from typing import Any

import anywidget
import traitlets
from IPython.display import display

from offlinefirst.course.officers import FIELDS, OFFICERS, Officers, try_edit

_HERE = Path(__file__).parent


class OfficersWidget(anywidget.AnyWidget):
    """The three phones, in a browser.

    Args:
        model: Shown and changed.
    """

    _esm = _HERE / "officers_widget.js"
    _css = _HERE / "officers_widget.css"
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, model: Officers) -> None:
        super().__init__(state=model.snapshot())
        self._model = model
        self.on_msg(self._told)

    def __repr__(self) -> str:
        return "three phones, live; without a kernel, see the picture below"

    def _told(self, _widget: Any, message: Any, _buffers: Any) -> None:
        """What somebody did in the browser; a page may be old or broken, so everything is checked."""
        refused = self.do(message)
        self.state = {**self._model.snapshot(), "refused": refused}

    def do(self, message: Any) -> str:
        """Carry out one message of the page.

        Args:
            message: `{"do": "go", "officer", "place"}` or `{"do": "edit", "officer", "field", "value"}`.

        Returns:
            Why it was refused, in words; empty when it was done.
        """
        if not isinstance(message, dict) or message.get("officer") not in OFFICERS:
            return "This page does not fit this kernel: run the cell again."
        if message.get("do") == "edit" and message.get("field") in FIELDS:
            return try_edit(self._model, message["officer"], message["field"], message.get("value"))
        try:
            self._model.go(message["officer"], str(message.get("place")))
        except ValueError as error:
            return str(error)
        return ""


def officers_widget(model: Officers | None = None) -> None:
    """Show the live register, and under it the story as a picture that stays when no kernel is there.

    Args:
        model: Where to begin (None: three officers at the market who all know the same).
    """
    model = model or Officers()
    widget = OfficersWidget(model)
    display(widget)
    handle = display(model.draw(), display_id=True)
    widget.observe(lambda _: handle.update(model.draw()), names="state")
