"""The hub's rules for one connection, without a socket: messages in, actions out."""

import random

import pycrdt
import pytest

from offlinefirst.sync._hub_protocol import (
    BAD_MESSAGE,
    NOT_ALLOWED,
    NOTHING,
    Acknowledge,
    Answer,
    Ask,
    BadMessageError,
    Close,
    Give,
    Gossip,
    HubLimits,
    PassOn,
    Rights,
    Session,
    TakeIn,
    Wait,
    acknowledge,
    answer,
    ask,
    give,
    read_message,
)
from offlinefirst.sync._hub_tokens import Tokens, TokensError, grant

WRITER, READER = Rights("Mutheu", write=True), Rights("Ekai", write=False)
DOC: "pycrdt.Doc" = pycrdt.Doc(client_id=7)
DOC.get("text", type=pycrdt.Text).insert(0, "hello")
UPDATE = DOC.get_update()


def session(rights=WRITER, **limits):
    return Session(rights, HubLimits(**limits), 0.0)


def test_messages_are_those_of_yjs():
    assert ask(DOC.get_state()) == pycrdt.create_sync_message(DOC)
    assert give(UPDATE) == pycrdt.create_update_message(UPDATE)
    other = pycrdt.Doc()
    assert pycrdt.handle_sync_message(answer(UPDATE)[1:], other) is None
    assert str(other.get("text", type=pycrdt.Text)) == "hello"
    assert pycrdt.handle_sync_message(pycrdt.create_sync_message(pycrdt.Doc())[1:], DOC) == answer(UPDATE)


def test_messages_come_out_as_they_went_in():
    state = DOC.get_state()
    gossip = pycrdt.create_awareness_message(b"here")
    assert read_message(ask(state)) == Ask(state)
    assert read_message(give(UPDATE)) == Give(UPDATE)
    assert read_message(answer(UPDATE)) == Give(UPDATE, answers=True)
    assert read_message(give(UPDATE, 300)) == Give(UPDATE, 300)
    assert read_message(acknowledge(300)) == Acknowledge(300)
    assert read_message(gossip) == Gossip(gossip)
    assert read_message(b"\x03") is None


def test_no_truncation_and_no_junk_is_a_message():
    for message in (ask(DOC.get_state()), give(UPDATE), give(UPDATE, 5), answer(UPDATE), acknowledge(500)):
        for end in range(len(message)):
            with pytest.raises(BadMessageError):
                read_message(message[:end])
        with pytest.raises(BadMessageError, match="2 bytes follow"):
            read_message(message + b"xx")


@pytest.mark.parametrize("data", [b"\x00\x03\x00", b"\x02\x00", b"\x63", b"\xff" * 12, b"\x00\x00\x01\x05"])
def test_other_kinds_are_no_messages(data):
    with pytest.raises(BadMessageError):
        read_message(data)


def test_noise_never_gets_past_the_rules():
    rng = random.Random(2)
    for _ in range(2_000):
        actions = session().receive(rng.randbytes(rng.randrange(12)), 0.0)
        assert len(actions) <= 1
        assert not any(isinstance(one, TakeIn) and len(one.update) > 12 for one in actions)


@pytest.mark.parametrize(
    ("rights", "data", "expected"),
    [
        (WRITER, ask(b"\x00"), Answer(b"\x00")),
        (WRITER, give(UPDATE), TakeIn(UPDATE, None)),
        (WRITER, give(UPDATE, 1), TakeIn(UPDATE, 1)),
        (READER, ask(b"\x00"), Answer(b"\x00")),
        (READER, answer(NOTHING), TakeIn(NOTHING, None)),
        (READER, give(UPDATE), Close(NOT_ALLOWED, "Ekai's token may read this farm, not write")),
        (WRITER, acknowledge(1), Close(BAD_MESSAGE, "a hub is not acknowledged to")),
        (WRITER, "hello", Close(BAD_MESSAGE, "messages are binary")),
        (WRITER, b"\x00", Close(BAD_MESSAGE, "a message of 1 bytes breaks off or is garbled")),
        (WRITER, bytes(9_000_000), Close(1009, "a message of 8.6 MiB")),
        (WRITER, pycrdt.create_awareness_message(bytes(20_000)), Close(1009, "awareness of 19.5 KiB")),
    ],
)
def test_what_a_message_leads_to(rights, data, expected):
    one = session(rights, bytes_per_s=1e9)
    assert one.receive(data, 0.0) == [expected]
    if isinstance(expected, Close):
        assert one.closed
        assert one.receive(ask(b"\x00"), 0.0) == []


def test_gossip_is_passed_on_and_a_question_about_it_ignored():
    gossip = pycrdt.create_awareness_message(b"here")
    assert session(READER).receive(gossip, 0.0) == [PassOn(gossip)]
    assert session().receive(b"\x03", 0.0) == []


def test_numbers_rise():
    one = session()
    assert one.receive(give(UPDATE, 0), 0.0) == [TakeIn(UPDATE, 0)]
    assert one.receive(give(UPDATE, 5), 0.0) == [TakeIn(UPDATE, 5)]
    assert one.receive(give(UPDATE, 5), 0.0) == [Close(BAD_MESSAGE, "update 5 after update 5")]


def test_who_sends_too_much_is_read_more_slowly_and_nothing_is_lost():
    one = session(messages_per_s=10, burst_s=2)
    done = [one.receive(give(UPDATE), 0.0) for _ in range(25)]
    assert done[:20] == [[TakeIn(UPDATE, None)]] * 20
    waits = [actions[0] for actions in done[20:]]
    assert [round(wait.seconds, 6) for wait in waits] == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert all(actions[1] == TakeIn(UPDATE, None) for actions in done[20:])
    assert one.receive(give(UPDATE), 100.0) == [TakeIn(UPDATE, None)]


def test_bytes_count_too():
    one = session(bytes_per_s=100, burst_s=1)
    assert one.receive(give(bytes(60)), 0.0)[0] == TakeIn(bytes(60), None)
    assert isinstance(one.receive(give(bytes(60)), 0.0)[0], Wait)


# Tokens


def test_a_token_opens_what_its_entry_says(tmp_path):
    path = tmp_path / "tokens.toml"
    mutheu = grant(path, "Mutheu", read=["kitui-04"], write=["kitui-03"])
    office = grant(path, "Office", read=["*"])
    admin = grant(path, "Wanza wa Kĩtui", write=["*"])
    assert mutheu.encode() not in path.read_bytes()
    tokens = Tokens(path)
    assert tokens.rights(mutheu, "kitui-03") == Rights("Mutheu", write=True)
    assert tokens.rights(mutheu, "kitui-04") == Rights("Mutheu", write=False)
    assert tokens.rights(mutheu, "kitui-05") is None
    assert tokens.rights(office, "kitui-05") == Rights("Office", write=False)
    assert tokens.rights(admin, "kitui-05") == Rights("Wanza wa Kĩtui", write=True)
    for wrong in ("", mutheu[:-1], mutheu + "x", "\udc80", mutheu.swapcase()):
        assert tokens.rights(wrong, "kitui-03") is None


def test_every_entry_is_compared_in_constant_time(tmp_path, monkeypatch):
    path = tmp_path / "tokens.toml"
    first = grant(path, "Mutheu", write=["*"])
    grant(path, "Kioko", write=["*"])
    compared = []
    monkeypatch.setattr("hmac.compare_digest", lambda one, other: compared.append(one) or one == other)
    assert Tokens(path).rights(first, "kitui-03")
    assert len(compared) == 2


def test_a_token_that_is_taken_back_is_gone_and_a_broken_file_changes_nothing(tmp_path):
    path = tmp_path / "tokens.toml"
    token = grant(path, "Mutheu", write=["kitui-03"])
    tokens = Tokens(path)
    assert not tokens.refresh()
    good = path.read_text()
    path.write_text(good + "[[tok")
    with pytest.raises(TokensError, match="no TOML"):
        tokens.refresh()
    assert tokens.rights(token, "kitui-03")
    path.unlink()
    with pytest.raises(TokensError, match="cannot be read"):
        tokens.refresh()
    path.write_text("")
    assert tokens.refresh()
    assert tokens.rights(token, "kitui-03") is None


@pytest.mark.parametrize(
    "text",
    [
        "[[token]]\nname = 'x'\n",
        "[[token]]\nname = 'x'\nsha256 = 'abc'\n",
        "[[token]]\nname = 'x'\nsha256 = '" + "0" * 64 + "'\nread = 'kitui-03'\n",
        "[[token]]\nname = 'x'\nsha256 = '" + "0" * 64 + "'\nreed = []\n",
        "[[tokens]]\nname = 'x'\n",
    ],
)
def test_a_file_that_is_none(tmp_path, text):
    (tmp_path / "tokens.toml").write_text(text)
    with pytest.raises(TokensError):
        Tokens(tmp_path / "tokens.toml")


def test_what_cannot_be_granted(tmp_path):
    for name, farm in (("", "kitui-03"), ('a"b', "kitui-03"), ("Mutheu", "../x")):
        with pytest.raises(TokensError):
            grant(tmp_path / "tokens.toml", name, write=[farm])
    with pytest.raises(TokensError, match="opens no farm"):
        grant(tmp_path / "tokens.toml", "Mutheu")
    assert not (tmp_path / "tokens.toml").exists()
    with pytest.raises(TokensError, match="cannot be written"):
        grant(tmp_path / "no" / "tokens.toml", "Mutheu", write=["*"])
