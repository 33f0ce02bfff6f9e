"""Yjs itself, in Node: takes updates, edits, and gives its own back. For tests and for `benchmarks/crdt.py`."""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PACKAGE = "yjs@13.6.33"
SCRIPT = """
import * as Y from 'yjs'
import { readFileSync } from 'fs'

const { root, map, updates, edits } = JSON.parse(readFileSync(0, 'utf8'))
const doc = new Y.Doc()
const text = doc.getText(root)
for (const update of updates) Y.applyUpdate(doc, Buffer.from(update, 'base64'))
const before = Y.encodeStateVector(doc)
for (const [at, deleted, typed] of edits) {
  doc.transact(() => {
    if (deleted) text.delete(at, deleted)
    if (typed) text.insert(at, typed)
  })
}
console.log(JSON.stringify({
  text: text.toString(),
  length: text.length,
  map: map ? doc.getMap(map).toJSON() : null,
  update: Buffer.from(Y.encodeStateAsUpdate(doc, before)).toString('base64'),
}))
"""


def install(folder: Path) -> Path:
    """Put Yjs into a folder that nobody needs afterwards.

    Raises:
        RuntimeError: There is no npm, or it could not bring Yjs.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise RuntimeError("Yjs runs in Node: install Node 20 with npm")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"type": "module", "private": true}')
    (folder / "take.js").write_text(SCRIPT)
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--omit=optional", PACKAGE]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"npm could not bring {PACKAGE}: {done.stderr[-500:]}")
    return folder


def take(
    folder: Path,
    updates: Iterable[bytes],
    *,
    root: str,
    map_root: str | None = None,
    edits: Iterable[tuple[int, int, str]] = (),
) -> dict[str, Any]:
    """Let Yjs apply updates one by one and then edit its text.

    Args:
        folder: Where it is installed.
        updates: In the order in which it gets them.
        root: The name of the text.
        map_root: The name of a map to read as well.
        edits: (place in UTF-16 units, how many to delete, what to type).

    Returns:
        `text`, its `length` as Yjs counts, `map`, and the `update` with what it edited, as bytes.
    """
    asked = {"root": root, "map": map_root, "edits": list(edits)}
    asked["updates"] = [base64.b64encode(update).decode() for update in updates]
    done = subprocess.run(
        ["node", "take.js"], cwd=folder, input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"Yjs failed: {done.stderr[-2000:]}")
    told = json.loads(done.stdout)
    return told | {"update": base64.b64decode(told["update"])}
