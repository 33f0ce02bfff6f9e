"""One bundle: what is right is taken whole, everything else is refused with its reason."""

import json
import zlib

import pytest
from exchange_documents import FARM, KIOKO, MUTHEU, NOW_S, STRANGER, TRUST, Plain
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offlinefirst.sync._bundles import KEY_BYTES, MAGIC, PREFIX_BYTES
from offlinefirst.sync.exchange import BundleError, Limits, SenderKey, Trust, open_bundle, pack, unpack

HOUR_S = 3600


def packed(document=None, key=MUTHEU, *, farm=FARM, made_at_s=NOW_S, **options):
    if document is None:
        document = Plain(7)
        document["crop"] = "maize"
    return pack(document, farm=farm, sender_key=key, clock=lambda: made_at_s, **options)


def refusal(data, *, trusted=TRUST, **options):
    with pytest.raises(BundleError) as caught:
        unpack(data, farm=FARM, trusted=trusted, clock=lambda: NOW_S, **options)
    return caught.value


def signed(payload, key=MUTHEU):
    return MAGIC + key.public + key.private.sign(MAGIC + key.public + payload) + payload


def forged(key=MUTHEU, *, spelling=None, update=b"", compressed=None, **changes):
    """A bundle that a trusted key signed and that `pack` would never have written."""
    data = packed(key=key)
    length = int.from_bytes(data[PREFIX_BYTES : PREFIX_BYTES + 4], "big")
    header = json.loads(data[PREFIX_BYTES + 4 : PREFIX_BYTES + 4 + length])
    header |= {"update_bytes": len(update)} | changes
    header = {name: value for name, value in header.items() if value is not None}
    spelling = spelling or (lambda one: json.dumps(one, sort_keys=True, separators=(",", ":")).encode())
    written = spelling(header)
    return signed(
        len(written).to_bytes(4, "big") + written + (zlib.compress(update) if compressed is None else compressed), key
    )


def test_a_bundle_carries_what_the_other_lacks_and_nothing_else():
    mutheu, kioko = Plain(1), Plain(2)
    mutheu["note"] = "x" * 5000
    kioko.apply(unpack(packed(mutheu), farm=FARM, trusted=TRUST, clock=lambda: NOW_S))
    mutheu["crop"] = "beans"
    small = packed(mutheu, known=kioko.state_vector())
    found = open_bundle(small, farm=FARM, trusted=TRUST, clock=lambda: NOW_S)
    assert (found.sender, found.farm, found.made_at_s, found.sequence) == ("Mutheu", FARM, NOW_S, 1)
    assert (found.since, found.state) == (kioko.state_vector(), mutheu.state_vector())
    assert len(found.update) < 100
    kioko.apply(found.update)
    kioko.apply(found.update)
    assert kioko.values() == mutheu.values()


def test_the_same_bundle_has_the_same_bytes():
    assert packed() == packed()
    assert packed() != packed(sequence=2)


@pytest.mark.parametrize("length", [0, 3, len(MAGIC), PREFIX_BYTES, PREFIX_BYTES + 4])
def test_a_beginning_is_refused_as_cut_short(length):
    assert refusal(packed()[:length]).reason == "truncated"


def test_every_cut_and_every_changed_byte_is_refused():
    whole = packed()
    for length in range(len(whole)):
        assert refusal(whole[:length]).reason in ("truncated", "signature")
    for position in range(len(whole)):
        changed = whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :]
        wanted = ("foreign", "newer") if position < len(MAGIC) else ("unknown", "signature")
        assert refusal(changed).reason in wanted
    assert refusal(whole + b"\0").reason == "signature"


def test_each_refusal_says_what_to_do():
    error = refusal(packed()[:-1])
    assert "Mutheu's signature: it was cut short, damaged or changed" in str(error)
    assert "Ask for it again" in str(error)
    error = refusal(packed(key=STRANGER))
    assert (error.reason, "face to face" in str(error)) == ("unknown", True)
    error = refusal(packed(), trusted=TRUST.without("Mutheu", "the phone was stolen on 2 June"))
    assert (error.reason, "stolen on 2 June" in str(error)) == ("revoked", True)
    error = refusal(packed(farm="kitui-east"))
    assert error.reason == "farm"
    assert "'kitui-east'" in str(error)
    assert "'kitui-west'" in str(error)
    assert refusal(b"FARMB2\n" + packed()[len(MAGIC) :]).reason == "newer"
    assert refusal(b"GIF89a").reason == "foreign"


def test_a_new_key_under_the_same_name_is_taken_while_the_old_one_is_not():
    new = SenderKey.from_seed("Mutheu", b"n" * 32)
    trusted = Trust({**TRUST.keys, "Mutheu": new.public}, {MUTHEU.public: "stolen"})
    assert unpack(packed(key=new), farm=FARM, trusted=trusted, clock=lambda: NOW_S)
    assert refusal(packed(), trusted=trusted).reason == "revoked"


def test_two_keys_under_one_name_are_not_both_trusted_by_accident():
    with pytest.raises(ValueError, match="two keys have one name"):
        Trust.of(MUTHEU, SenderKey.from_seed("Mutheu", b"n" * 32))


@pytest.mark.parametrize(("ahead_s", "taken"), [(-9 * HOUR_S, True), (HOUR_S, True), (HOUR_S + 1, False)])
def test_a_bundle_from_the_future_is_refused_past_the_tolerance(ahead_s, taken):
    data = packed(made_at_s=NOW_S + ahead_s)
    if taken:
        assert unpack(data, farm=FARM, trusted=TRUST, clock=lambda: NOW_S)
    else:
        error = refusal(data)
        assert error.reason == "future"
        assert "One of the two clocks is wrong" in str(error)


def test_an_enormous_bundle_is_refused_before_anything_is_read():
    class Untouchable(bytes):
        def startswith(self, *_):
            raise AssertionError("it was read")

    assert refusal(Untouchable(Limits().bundle_bytes + 1)).reason == "enormous"


@pytest.mark.parametrize("promised", [40_000_000, 1000])
def test_a_bomb_is_not_unpacked(promised, monkeypatch):
    unpacked = []
    real = zlib.decompressobj

    class Counting:
        def __init__(self):
            self.inner = real()

        def decompress(self, data, most):
            unpacked.append(self.inner.decompress(data, most))
            return unpacked[-1]

        eof = unused_data = None

    bomb = zlib.compress(bytes(40_000_000), 9)
    data = forged(compressed=bomb, update_bytes=promised)
    assert len(data) < Limits().bundle_bytes
    monkeypatch.setattr(zlib, "decompressobj", Counting)
    assert refusal(data).reason == "enormous"
    assert sum(map(len, unpacked)) <= 1001


def pretty(header):
    return json.dumps(header, sort_keys=True).encode()


def twice(header):
    return b'{"farm":"other",' + json.dumps(header, sort_keys=True, separators=(",", ":")).encode()[1:]


@pytest.mark.parametrize(
    "data",
    [
        forged(spelling=pretty),
        forged(spelling=twice),
        forged(spelling=lambda _: b"[" * 50_000),
        forged(spelling=lambda _: b"\xff"),
        forged(spelling=lambda _: b"9" * 5000),
        forged(spelling=lambda _: b"{}" * 40_000),
        forged(farm=None),
        forged(extra=1),
        forged(sequence=True),
        forged(sequence=-1),
        forged(made_at=10**400),
        forged(sender="Kioko"),
        forged(state="AAA"),
        forged(state="é"),
        forged(since="Ag=="),
        forged(update=b"abc", update_bytes=4),
        forged(update=b"abc", compressed=b"junk"),
        forged(update=b"abc", compressed=zlib.compress(b"abc") + b"junk"),
        forged(update=b"abc", compressed=zlib.compress(b"abc")[:-1]),
    ],
    ids=lambda data: f"{len(data)} bytes",
)
def test_what_a_trusted_key_signed_is_checked_all_the_same(data):
    error = refusal(data)
    assert error.reason == "malformed"
    assert "Mutheu signed it, but" in str(error)


def test_a_header_length_that_lies_is_refused():
    assert refusal(signed(b"\xff\xff\xff\xff{}")).reason == "malformed"
    assert refusal(signed(b"\0\0\0\x09{}")).reason == "malformed"


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=200)
@given(st.binary(max_size=300))
def test_junk_is_refused_and_nothing_else_happens(junk):
    for data in (junk, MAGIC + junk, signed(junk), signed(len(junk).to_bytes(4, "big") + junk)):
        assert refusal(data).reason in ("foreign", "newer", "truncated", "unknown", "malformed", "signature")


def test_a_signature_does_not_fit_another_key():
    data = packed(key=KIOKO)
    stolen = data[: len(MAGIC)] + MUTHEU.public + data[len(MAGIC) + KEY_BYTES :]
    assert refusal(stolen).reason == "signature"


def test_a_bundle_that_others_would_refuse_is_not_made():
    document = Plain(7)
    document["note"] = "y" * 5000
    for limits in (Limits(update_bytes=4000), Limits(bundle_bytes=200)):
        with pytest.raises(BundleError, match="Exchange more often") as caught:
            packed(document, limits=limits)
        assert caught.value.reason == "enormous"


@pytest.mark.parametrize("name", ["", "a.b", "../x", "a/b", "-x", "x" * 41, "a b"])
def test_names_that_cannot_be_a_files_are_refused(name):
    with pytest.raises(ValueError, match="cannot name a farm"):
        packed(farm=name)
    with pytest.raises(ValueError, match="cannot name an officer"):
        SenderKey.generate(name)


def test_a_key_keeps_its_secret_out_of_its_text():
    assert "private" not in repr(SenderKey.generate("Ada"))
