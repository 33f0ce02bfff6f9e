"""State vectors: what pycrdt writes is read and written back; anything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, Map

from offlinefirst.sync.state_vectors import StateVectorError, decode, encode, lacking, meet

CLOCKS = st.dictionaries(st.integers(0, 2**53), st.integers(1, 2**53), max_size=6)


@given(CLOCKS)
def test_what_is_written_is_read(clocks):
    assert decode(encode(clocks)) == clocks


@given(CLOCKS)
def test_every_prefix_is_refused(clocks):
    whole = encode(clocks)
    for length in range(1, len(whole)):
        with pytest.raises(StateVectorError):
            decode(whole[:length])


@given(st.lists(CLOCKS, min_size=1, max_size=4))
def test_everybody_has_what_the_meet_says_and_no_more(states):
    common = decode(meet([encode(one) for one in states]))
    for writer in {writer for one in states for writer in one}:
        assert common.get(writer, 0) == min(one.get(writer, 0) for one in states)


def test_pycrdt_takes_what_is_written_here():
    doc = Doc(client_id=300)
    notes = doc.get("notes", type=Map)
    notes["a"] = 1
    state = doc.get_state()
    notes["b"] = 2
    assert decode(state) == {300: 1}
    assert encode(decode(state)) == state
    assert doc.get_update(encode({300: 1})) == doc.get_update(state)
    assert lacking(state, doc.get_state()) == {300: 1}
    assert lacking(doc.get_state(), state) == {}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (bytes([2, 7, 3, 7, 4]), "twice"),
        (bytes([1, 7, 3, 0]), "1 bytes follow"),
        (b"\xff" * 12, "without an end"),
        (b"\xff\xff\xff\x7f", "breaks off"),
        (b"\x80", "breaks off"),
        (bytes([1, 7]) + b"\xff" * 8 + b"\x01", "larger than any"),
    ],
)
def test_other_bytes_are_refused_in_words(data, words):
    with pytest.raises(StateVectorError, match=words):
        decode(data)


def test_nothing_is_the_state_of_an_empty_document():
    assert decode(b"") == decode(Doc().get_state()) == {}
    assert meet([]) == Doc().get_state()
