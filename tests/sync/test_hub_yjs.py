"""Yjs and y-websocket in Node at our hub: the same text, the same maps, and no message that they do not know."""

import asyncio
import contextlib
import json
import shutil
import subprocess

import pytest

from offlinefirst.sync import _hub_protocol
from offlinefirst.sync.documents import CropRegister, SharedText
from offlinefirst.sync.hub import Hub, grant
from offlinefirst.sync.hub_client import HubClient

pytestmark = pytest.mark.slow
PACKAGES = ("yjs@13.6.33", "y-websocket@2.1.0", "ws@8.18.0")
FARM = "kitui-03"
SCRIPT = """
import * as Y from 'yjs'
import { WebsocketProvider } from 'y-websocket'
import WebSocket from 'ws'

const [url, farm, token] = process.argv.slice(2)
const doc = new Y.Doc()
const text = doc.getText(`${farm}/text`)
const plots = doc.getMap(`${farm}/plots`)
if (process.argv[5] === 'edits-first') plots.set('west/crop', 'sorghum')
const options = { WebSocketPolyfill: WebSocket, params: { token }, disableBc: true }
const provider = new WebsocketProvider(url, farm, doc, options)
if (process.argv[5] === 'edits-first') {
  provider.on('status', ({ status }) => { if (status === 'connected') plots.set('west/area_ha', 2) })
}
provider.once('synced', () => {
  text.insert(text.toString().indexOf('!'), ' \\u{1F33D}kĩvũa')
  plots.set('south/crop', 'beans')
})
const finished = () => text.toString().includes('done') && plots.has('south/crop')
const waiting = setInterval(() => {
  if (!finished()) return
  clearInterval(waiting)
  console.log(JSON.stringify({ text: text.toString(), plots: plots.toJSON() }))
  provider.destroy()
  process.exit(0)
}, 10)
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A folder with Yjs in it."""
    npm = shutil.which("npm")
    assert npm, "install Node 20 with npm; .ci/run does"
    folder = tmp_path_factory.mktemp("yjs")
    (folder / "package.json").write_text('{"type": "module", "private": true}')
    (folder / "client.js").write_text(SCRIPT)
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--omit=optional", *PACKAGES]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


async def together(folder, place, *options):
    """Mutheu with our client and a Node client in one room; what each has in the end, and what Node complained of."""
    token = grant(place / "tokens.toml", "Mutheu", write=[FARM])
    register = CropRegister(farm=FARM, officer="Mutheu")
    words = SharedText.beside(register)
    async with Hub(place / "store", place / "tokens.toml") as hub, HubClient(register, hub.url, token) as client:
        words.insert(0, "Mvua ya 😀 leo!")
        register.set("north", "crop", "maize")
        await client.settled()
        process = await asyncio.create_subprocess_exec(
            "node", "client.js", hub.url, FARM, token, *options, cwd=folder, stdout=-1, stderr=-1
        )
        while "south" not in register.plots():
            assert process.returncode is None, (await process.communicate())[1]
            await asyncio.sleep(0.01)
        register.set("north", "condition", "healthy")
        words.insert(len(words), " done")
        out, complaints = await process.communicate()
        await client.settled()
    late = CropRegister(farm=FARM, officer="Kioko")
    async with Hub(place / "store", place / "tokens.toml") as hub, HubClient(late, hub.url, token) as client:
        await client.settled()
    assert late.plots() == register.plots()
    return register, words, json.loads(out), complaints.decode()


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 60))


def test_yjs_and_we_reach_the_same_document(node, tmp_path):
    register, words, theirs, complaints = run(together(node, tmp_path))
    assert words.text() == theirs["text"] == "Mvua ya 😀 leo 🌽kĩvũa! done"
    assert len(words) == len(theirs["text"])
    assert theirs["plots"] == {"north/crop": "maize", "north/condition": "healthy", "south/crop": "beans"}
    assert register.plot("south").crop == "beans"
    assert complaints == ""


def test_what_yjs_edits_while_it_connects_is_kept(node, tmp_path):
    register, _, _, complaints = run(together(node, tmp_path, "edits-first"))
    assert (register.plot("west").crop, register.plot("west").area_ha) == ("sorghum", 2)
    assert complaints == ""


def test_a_message_that_yjs_does_not_know_would_be_ignored_with_a_complaint(node, tmp_path, monkeypatch):
    """Why only numbered updates, which Yjs never sends, are acknowledged."""
    monkeypatch.setattr("offlinefirst.sync._hub_room.give", lambda update: _hub_protocol.acknowledge(1))
    token = grant(tmp_path / "tokens.toml", "Mutheu", write=[FARM])

    async def scenario():
        register = CropRegister(farm=FARM, officer="Mutheu")
        words = SharedText.beside(register)
        async with Hub(tmp_path / "store", tmp_path / "tokens.toml") as hub, HubClient(register, hub.url, token) as one:
            words.insert(0, "hello!")
            await one.settled()
            process = await asyncio.create_subprocess_exec(
                "node", "client.js", hub.url, FARM, token, cwd=node, stdout=-1, stderr=-1
            )
            while hub.state()["connections"] < 2:
                await asyncio.sleep(0.01)
            complaint = ""
            while "Unable to compute message" not in complaint:
                words.insert(0, "again ")
                await one.settled()
                with contextlib.suppress(TimeoutError):
                    complaint += (await asyncio.wait_for(process.stderr.read(1_000), 0.2)).decode()
            assert process.returncode is None  # it goes on
            process.kill()
            await process.communicate()

    run(scenario())
