# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: "Lab: the right file on the right phone"
#     chapter: 8
#     device: phone-2gb
#     teach_minutes: 5
#     exercise_minutes: 120
#     objectives:
#       - Say whether two runtimes compute the same model, with a tolerance that was fixed before
#       - Compare versions as versions, and never hand a runtime what was not promised to it
#       - Refuse a package that lies, before its model is loaded
#       - Feed a model what it was trained on, and choose the smallest that is good enough, without luck
#     after:
#       - 08-runtimes-and-packaging/01-convert-once
#       - 08-runtimes-and-packaging/02-a-package-you-can-trust
#       - 08-runtimes-and-packaging/03-the-device-matrix
# ---

# %% [markdown]
# # Lab: the right file on the right phone
#
# Achieng sends models to forty phones that she cannot see. Whatever she overlooks, an officer finds out in a field, weeks
# later, and cannot say what is wrong. You write what stands between her folder and their pockets. The exercises stand on
# their own: do them in any order, over two sittings.
#
# **How this works.** Each exercise has an answer cell and a check cell. Fill in the answer, run it, run the check. A
# check attacks your function and says in words what went wrong. Read the checks, they are short. Run all cells as often
# as you like: your points are kept in a file on this computer.

# %% [markdown] tags=["instructor"]
# **Timing.** Exercise 1 20 minutes, 2 20, 3 25, 4 15, 5 25 with a discussion of 15. Two sittings.
#
# **Common mistakes.** 1: the mean, which forgives anything that is rare or cancels; the classes, which stay while the scores
# go; a tolerance made from the very differences that it should judge; `(difference > tolerance).any()`, which NaN passes. 2:
# text order; a candidate taken for a release. 3: comparing the manifest's hash with itself; loading first. 4: `reshape`, which
# a square picture forgives. 5: the share that was seen, as if it were the truth.
#
# **Early birds.** 1: change one weight of `leaf-medium.onnx` by a thousandth and look whether the tolerance sees it. 3: what does
# somebody need who changes file, hash and golden answers together, and what would stop him? (A signature: Part VI.) 5: all
# candidates met the same leaves, so their luck is shared. Does that make luck among many better or worse?
#
# **Rubric for exercise 5** (10 points, beside its check): says what the confidence is a confidence in, and why one candidate of many
# needs more of it (3); which leaves the accuracy was counted on, and whom they leave out (2); what happens when nothing
# passes: photos, another model, or a lower wish, and who may decide that (3); what the phone at hand needs beside accuracy,
# measured on it and not on Achieng's laptop (2).

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown]
# ## Exercise 1: the same model? (3 points, 20 minutes)
#
# A model was converted, and gives nearly the same scores. Nearly? Two correct runtimes add the same products in another
# order, and round differently. How much that can be was argued for before anything ran, and here is the argument of the
# [first notebook](../../chapters/08-runtimes-and-packaging/01-convert-once.ipynb): 1,531 roundings on the way to a score, some up
# and some down, each by half a step of float32 at most; and a margin of 16.

# %%
import numpy as np

ROUNDING = float(16 * np.sqrt(1531) * 2.0**-24)
print(f"apart by at most {ROUNDING:.1e} of the largest score")


# %% answer="same"
def same_model(ours, theirs, rounding):
    """Judge whether two runtimes compute the same model.

    Args:
        ours: Scores of the model as it was, float32, of shape (photos, classes).
        theirs: Scores of the converted model for the same photos.
        rounding: How far apart two correct runs may be, as a part of the largest score of `ours` (without its sign).

    Returns:
        same, a bool, and worst, a float: the largest difference of any score, as a part of the largest score of `ours`.
        Where nothing can be compared, since shapes differ, there is no photo, a score on either side is NaN or
        infinite, or every score of `ours` is 0, they are False and infinity.

    Hint: which photo would the officer complain about?
    """
    ### BEGIN SOLUTION
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    if ours.shape != theirs.shape or not ours.size:
        return False, float("inf")
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        return False, float("inf")
    if not ours.any():
        return False, float("inf")
    worst = float(np.abs(ours - theirs).max() / np.abs(ours).max())
    return worst <= rounding, worst
    ### END SOLUTION


# %% [markdown]
# First, real scores: the leaf model with ONNX Runtime's optimiser and without it, its 8-bit sister, and a smaller model.
# Compare what the mean, the classes and the worst score say of them.

# %%
import onnxruntime

from offlinefirst.course.checks import check
from offlinefirst.datasets.leaves import leaves
from offlinefirst.datasets.places import locate

photos, labels = leaves(128, seed=40)
pixels = np.ascontiguousarray(photos.transpose(0, 3, 1, 2), np.float32) / 255


def scores_of(name, given=pixels, optimised=True):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(locate(name), options).run(None, {"image": given})[0]


# %%
OURS = scores_of("leaf-medium")
REAL = {"not optimised": scores_of("leaf-medium", optimised=False), "8 bits": scores_of("leaf-medium-int8")}
REAL["another model"] = scores_of("leaf-small")
largest = np.abs(OURS).max()
print("difference     mean       worst      same class")
for name, theirs in REAL.items():
    apart, agree = (theirs - OURS) / largest, (theirs.argmax(1) == OURS.argmax(1)).mean()
    print(f"{name:14} {abs(apart.mean()):.1e}    {np.abs(apart).max():.1e}    {agree:.0%}")

# %% [markdown]
# The check's other cases are made, each with a known difference.

# %%
rng = np.random.default_rng(8)
MADE = rng.normal(0, 2, (200, 4)).astype(np.float32)
MADE[0] = 8.0, 1.0, 0.0, -1.0  # the largest score, and a 0
MADE[1] = 2.0, 2.0 + 4e-5, 0.0, 0.0  # as good as a tie


def moved(*places, scale=1.0):
    """MADE, times `scale`, with some scores moved: (photo, class, by how much of the largest score)."""
    changed = (MADE * np.float32(scale)).astype(np.float32)
    for photo, column, part in places:
        changed[photo, column] += np.float32(part * 8 * scale)
    return changed


# %% tags=["long"]
SMALL, LARGE = moved(scale=1e-4), moved(scale=1e4)
EVERYWHERE = [(n, c, 0.02 * (-1) ** n) for n in range(200) for c in range(4)]
NOISE = [(n, c, 0.3 * ROUNDING * (-1) ** (n + c)) for n in range(200) for c in range(4)]
BELOW = MADE - np.float32(20)  # no score above 0
SAME = {  # ours, theirs, the worst difference
    "the very same": (MADE, MADE.copy(), 0.0),
    "rounding, also of a score of 0": (MADE, moved((0, 2, 0.5 * ROUNDING)), 0.5 * ROUNDING),
    "rounding that turns a tie around": (MADE, moved((1, 0, 0.6 * ROUNDING)), 0.6 * ROUNDING),
    "rounding everywhere": (MADE, moved(*NOISE), 0.3 * ROUNDING),
    "rounding, of large scores": (LARGE, moved((0, 2, 0.5 * ROUNDING), scale=1e4), 0.5 * ROUNDING),
    "one photo of 200 is another": (MADE, moved((77, 1, 0.5), (77, 2, -0.5)), 0.5),
    "one score of 800, half a per cent off": (MADE, moved((5, 3, 0.005)), 0.005),
    "off everywhere, up and down": (MADE, moved(*EVERYWHERE), 0.02),
    "all scores one and a half times": (MADE, MADE * np.float32(1.5), 0.5),
    "all scores a hundred times": (MADE, MADE * np.float32(100), 99.0),
    "all scores shifted up alike": (MADE, MADE + np.float32(0.08), 0.01),
    "all scores shifted down alike": (MADE, MADE - np.float32(0.08), 0.01),
    "one score that only fell": (MADE, moved((77, 1, -0.3)), 0.3),
    "the largest is below 0, one score is off": (-MADE, -moved((77, 1, 0.3)), 0.3),
    "no score is above 0, and one is off": (
        BELOW,
        BELOW + moved((7, 2, 0.5)) - MADE,
        4 / np.abs(BELOW).max(),
    ),
    "no score is above 0, and nothing is off": (BELOW, BELOW.copy(), 0.0),
    "small scores, one off by a tenth": (SMALL, moved((0, 1, 0.1), scale=1e-4), 0.1),
    "ten times the tolerance": (MADE, moved((9, 0, 10 * ROUNDING)), 10 * ROUNDING),
}

# %%
JUDGED = {True: "the difference is rounding, and you refused it", False: "you let it pass as the same model"}
HOLE = [np.where(np.arange(800).reshape(200, 4) == 130, value, MADE) for value in (np.nan, np.inf)]
NOTHING = {
    "a NaN in theirs": (MADE, HOLE[0]),
    "the same NaN in both": (HOLE[0], HOLE[0]),
    "an infinite score in both": (HOLE[1], HOLE[1]),
    "no photo": (MADE[:0], MADE[:0]),
    "one photo beside 200": (MADE, MADE[:1]),
    "one class beside four": (MADE, MADE[:, :1]),
    "nothing but 0 in ours": (np.zeros_like(MADE), MADE),
    "nothing but 0 in both": (np.zeros_like(MADE), np.zeros_like(MADE)),
}


# %% check="same" points=3
with check(
    "08-runtimes-and-packaging/same",
    points=3,
    revisit="01-convert-once.ipynb#Step-2:-how-near-is-near-enough?",
) as verify:
    for why, (ours, theirs, apart) in SAME.items():
        same, worst = same_model(ours, theirs, ROUNDING)
        right = apart < ROUNDING
        verify(bool(same) == right, f"{why}: {JUDGED[right]}.")
        near = abs(worst - apart) <= 0.02 * apart + 2e-7
        verify(near, f"{why}: the worst score is off by {apart:.2g} of the largest, and you say {worst:.2g}.")
    for why, (ours, theirs) in NOTHING.items():
        same, worst = same_model(ours, theirs, ROUNDING)
        verify(not same, f"{why}: nothing can be compared, and you call it the same model.")
        verify(worst == np.inf, f"{why}: nothing can be compared, so worst is infinity, not {worst}.")
    for rounding, right in [(1e-3, True), (1e-5, False)]:
        same, _ = same_model(MADE, moved((3, 1, 1e-4)), rounding)
        verify(bool(same) == right, f"1e-4 apart, {rounding} allowed: the tolerance is not yours to choose.")
    for name, right in [("not optimised", True), ("8 bits", False), ("another model", False)]:
        same, _ = same_model(OURS, REAL[name], ROUNDING)
        verify(
            bool(same) == right,
            f"the real scores, {name}: you say they are {'' if same else 'not '}the same.",
        )

# %% [markdown]
# ## Exercise 2: which version? (3 points, 20 minutes)
#
# The office offers several versions of a model, each with the runtime that it needs. The phone has one runtime.
#
# Semantic versions: three whole numbers without leading zeros, major.minor.patch. After a `-` a *candidate*, which comes
# before the release (`1.4.0-rc.2`, also `1.4.0-1`); after a `+` a note that does not count (`1.31.1+cpu`). A new major number
# promises nothing to what was made for the old one.

# The form is given; what is left is the order.

# %%
import re

FORM = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
print(FORM.fullmatch("1.20.0-rc.1+arm").groups(), FORM.fullmatch("1.9"))


# %% answer="newest"
def newest_for(offers, runtime):
    """Choose what to fetch.

    Args:
        offers: Dicts with "version", of the model, and "needs", the runtime's release that it was made for.
        runtime: The phone's, such as "1.9.0" or "1.20.0-rc.1+arm".

    Returns:
        The version, as it was written, of the newest release that runs there; None when none does. It runs on its own
        runtime and on later ones of the same major number. A candidate of a model is never fetched. An offer whose
        version or need is no semantic version is passed over: one slip in a list must not stop forty phones.

    Raises:
        ValueError: The runtime's version is none.
    """
    ### BEGIN SOLUTION

    def key(text):  # a candidate comes before its release
        found = FORM.fullmatch(text)
        return found and (int(found[1]), int(found[2]), int(found[3]), found[4] is None)

    here = key(runtime)
    if here is None:
        raise ValueError(f"{runtime!r} is no version of a runtime")
    offered = [(key(one["version"]), key(one["needs"]), one["version"]) for one in offers]
    whole = [row for row in offered if row[0] and row[1] and row[0][3]]
    able = [row for row in whole if row[1][0] == here[0] and row[1] <= here]
    return max(able)[2] if able else None
    ### END SOLUTION


# %%
def offer(version, needs="1.0.0"):
    return {"version": version, "needs": needs}


NINE_TEN = [offer("1.9.0"), offer("1.10.0"), offer("1.2.0")]
RELEASES = [offer("2.9.9"), offer("2.10.0-rc.3"), offer("2.10.0-1"), offer("2.8.0")]
SLIPS = [
    offer("1.2.0"),
    offer("1.9"),
    offer("v1.9.1"),
    offer("1.9.1.1"),
    offer("1.09.1"),
    offer("latest"),
    offer(""),
]
RISING = [offer("1.0.0", "1.4.0"), offer("1.1.0", "1.9.2"), offer("1.2.0", "1.10.0"), offer("2.0.0", "2.0.0")]

# %% tags=["long"]
CHOICES = [
    ("text order", NINE_TEN, "1.31.1", "1.10.0"),
    ("the patch counts too", [offer("1.9.9"), offer("1.9.10"), offer("1.9.1")], "1.31.1", "1.9.10"),
    ("no decimal fractions", [offer("1.5.0"), offer("1.12.0")], "1.31.1", "1.12.0"),
    ("minor before patch", [offer("1.2.30"), offer("1.3.0")], "1.31.1", "1.3.0"),
    ("major before minor", [offer("1.99.99"), offer("2.0.0")], "1.31.1", "2.0.0"),
    ("a candidate is no release", RELEASES, "1.31.1", "2.9.9"),
    ("only candidates", [offer("1.0.0-beta")], "1.31.1", None),
    ("a note after +", [offer("1.3.0+maize"), offer("1.2.0+z")], "1.31.1+cpu", "1.3.0+maize"),
    ("a note with a dash in it", [offer("1.3.0+for-phones"), offer("1.2.0")], "1.31.1", "1.3.0+for-phones"),
    ("slips in the list", SLIPS, "1.31.1", "1.2.0"),
    ("a slip in a need", [offer("1.1.0"), offer("1.2.0", "1.4")], "1.31.1", "1.1.0"),
    ("runtime 1.9.2", RISING, "1.9.2", "1.1.0"),
    ("runtime 1.9.1, one patch too old", RISING, "1.9.1", "1.0.0"),
    ("runtime 1.10.0", RISING, "1.10.0", "1.2.0"),
    ("runtime 1.10.0-rc.1, which is before 1.10.0", RISING, "1.10.0-rc.1", "1.1.0"),
    ("runtime 1.9.3-rc.1, which is after 1.9.2", RISING, "1.9.3-rc.1", "1.1.0"),
    ("runtime 2.1.0, which promises nothing to 1", RISING, "2.1.0", "2.0.0"),
    ("runtime 2.0.0-rc.1, which is before 2.0.0", RISING, "2.0.0-rc.1", None),
    ("runtime 3.0.0", RISING, "3.0.0", None),
    ("runtime 1.3.9", RISING, "1.3.9", None),
    ("nothing on offer", [], "1.31.1", None),
]


# %% check="newest" points=3
with check(
    "08-runtimes-and-packaging/newest",
    points=3,
    revisit="02-a-package-you-can-trust.ipynb#What-should-have-been-on-the-card",
) as verify:
    for why, offers, runtime, right in CHOICES:
        for given in (offers, offers[::-1]):
            found = newest_for([dict(one) for one in given], runtime)
            listed = (
                ", ".join(f"{one['version'] or '(empty)'} for {one['needs']}" for one in given) or "nothing"
            )
            verify(found == right, f"{why}: of {listed}, on {runtime}, you chose {found}; right is {right}.")
    for runtime in ("1.9", "v1.9.0", "newest", "1.09.0"):
        refused = False
        try:
            newest_for(NINE_TEN, runtime)
        except ValueError:
            refused = True
        verify(
            refused, f"The runtime says {runtime!r}. That is no semantic version; say so with a ValueError."
        )

# %% [markdown]
# ## Exercise 3: open it, or refuse it (4 points, 25 minutes)
#
# A package is a folder with three files: `manifest.json`, the model, and `golden.npz` with some photos (`photos`) and the
# scores that the packer's computer found for them (`scores`).
#
# The packer below makes an honest one. What a manifest holds: `file`, `bytes`, `sha256`, and `input` with `name` and `shape`,
# as a session tells them.

# %%
import hashlib
import json
from pathlib import Path

GOLDEN = pixels[:4]
NCHW = {"name": "image", "shape": ["batch", 3, 48, 48]}


def pack(folder, name="leaf-medium"):
    folder.mkdir(parents=True)
    data = locate(name).read_bytes()
    (folder / f"{name}.onnx").write_bytes(data)
    about = {"file": f"{name}.onnx", "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(about | {"input": NCHW}), "utf-8")
    np.savez(folder / "golden.npz", photos=GOLDEN, scores=scores_of(name, GOLDEN))
    return folder


# %% [markdown]
# Two tools for you: `require(condition, why)` refuses where the condition is false, and inside `with refusing():` every error
# becomes a refusal, also those of json, numpy and the runtime.

# %%
from contextlib import contextmanager


class PackageRefusedError(Exception):
    """Says why a package was not opened."""


def require(condition, why):
    if not condition:
        raise PackageRefusedError(why)


@contextmanager
def refusing():
    try:
        yield
    except PackageRefusedError:
        raise
    except Exception as error:
        raise PackageRefusedError(f"this is no whole package: {error}") from error


# %% answer="admit"
def admit(folder):
    """Open a package, which is a Path, and return an onnxruntime.InferenceSession of its model.

    Raises:
        PackageRefusedError: Something is missing, damaged, or not as the manifest says; or the golden photos do not
            give the golden scores, up to ROUNDING of the largest of them. Nothing else is ever raised.

    The manifest comes from outside too: its `file` is a plain name in this very folder. And nobody parses bytes with
    a runtime before it is known whose bytes they are.
    """
    ### BEGIN SOLUTION
    with refusing():
        about = json.loads((folder / "manifest.json").read_text("utf-8"))
        require(Path(about["file"]).name == about["file"], "the model lies outside of the package")
        data = (folder / about["file"]).read_bytes()
        true = len(data), hashlib.sha256(data).hexdigest()
        require(true == (about["bytes"], about["sha256"]), "the model is not what was packed; fetch it again")
        session = onnxruntime.InferenceSession(data)
        taken = [{"name": one.name, "shape": one.shape} for one in session.get_inputs()]
        require(taken == [about["input"]], "the model takes another input than its manifest says")
        with np.load(folder / "golden.npz") as golden:
            given, wanted = golden["photos"], golden["scores"]
        found = session.run(None, {about["input"]["name"]: given})[0]
        require(found.shape == wanted.shape, "there are not as many golden scores as photos")
        near = np.abs(found - wanted).max() <= ROUNDING * np.abs(wanted).max()  # False for NaN
        require(near, "the golden photos give other scores here")
        return session
    ### END SOLUTION


# %% [markdown]
# The attacks. Each takes an honest package and spoils it in one way.


# %%
def edit(folder, **changes):
    """Change the manifest, and nothing else."""
    about = json.loads((folder / "manifest.json").read_text("utf-8")) | changes
    (folder / "manifest.json").write_text(json.dumps(about), "utf-8")


def regild(folder, **arrays):
    """Change the golden photos or scores, and nothing else."""
    with np.load(folder / "golden.npz") as golden:
        kept = {name: golden[name] for name in golden.files}
    np.savez(folder / "golden.npz", **(kept | arrays))


def swap(folder, data, honest_manifest=False):
    """Put other bytes in the model's place, and say so in the manifest or not."""
    (folder / "leaf-medium.onnx").write_bytes(data)
    if honest_manifest:
        edit(folder, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


# %% tags=["long"]
MEDIUM, SMALLER = locate("leaf-medium").read_bytes(), locate("leaf-small").read_bytes()
INT8 = locate("leaf-medium-int8").read_bytes()
FLIPPED = MEDIUM[:200_000] + bytes([MEDIUM[200_000] ^ 64]) + MEDIUM[200_001:]
OUTSIDE = device.current().scratch / "outside.onnx"
_ = OUTSIDE.write_bytes(MEDIUM)
FIRST = "hash it first"  # the runtime must not have been asked
SPOILED = {
    "one bit of the model is another": (lambda f: swap(f, FLIPPED), FIRST),
    "the model was cut off": (lambda f: swap(f, MEDIUM[:-1]), FIRST),
    "the model is another, the manifest as before": (lambda f: swap(f, SMALLER), FIRST),
    "the manifest's length lies": (lambda f: edit(f, bytes=len(MEDIUM) + 1), FIRST),
    "the manifest's hash lies": (lambda f: edit(f, sha256="0" * 64), FIRST),
    "the model lies in the folder above": (lambda f: edit(f, file="../outside.onnx"), FIRST),
    "the model lies anywhere on this computer": (lambda f: edit(f, file=str(OUTSIDE)), FIRST),
    "the model is missing": (lambda f: (f / "leaf-medium.onnx").unlink(), FIRST),
    "the manifest is missing": (lambda f: (f / "manifest.json").unlink(), FIRST),
    "the manifest was cut off": (lambda f: (f / "manifest.json").write_text('{"file": "leaf'), FIRST),
    "the manifest says no hash": (lambda f: (f / "manifest.json").write_text('{"file": "x.onnx"}'), FIRST),
}

# %% [markdown]
# And what only the runtime can find out, once it is known whose bytes they are.

# %%
NO_NUMBERS = MEDIUM[:1900] + b"\xff" * 900 + MEDIUM[2800:]  # the last layer's weights: every score is NaN
LAST_BITS = 0.5 * ROUNDING * np.abs(OURS[:4]).max() * np.float32([1, -1, 1, -1])
NAN = np.full((4, 4), np.nan, np.float32)


def both_nan(folder):
    swap(folder, NO_NUMBERS, True)
    regild(folder, scores=NAN)


# %% tags=["long"]
SPOILED |= {
    "well hashed bytes that are no model": (lambda f: swap(f, bytes(5000), True), ""),
    "a smaller model, honestly hashed, with the old golden scores": (lambda f: swap(f, SMALLER, True), ""),
    "its own 8-bit sister, honestly hashed, with the old golden scores": (lambda f: swap(f, INT8, True), ""),
    "the manifest says NHWC": (lambda f: edit(f, input={"name": "image", "shape": ["batch", 48, 48, 3]}), ""),
    "the manifest has another name for the input": (lambda f: edit(f, input=NCHW | {"name": "photo"}), ""),
    "golden scores are missing": (lambda f: (f / "golden.npz").unlink(), ""),
    "golden scores full of NaN": (lambda f: regild(f, scores=NAN), ""),
    "golden scores ten times the rounding off": (lambda f: regild(f, scores=OURS[:4] + 20 * LAST_BITS), ""),
    "a model of NaN, honestly hashed, with NaN in its golden scores": (both_nan, ""),
    "golden scores for no photo": (lambda f: regild(f, photos=GOLDEN[:0], scores=OURS[:0]), ""),
    "golden scores of another photo": (lambda f: regild(f, photos=pixels[4:8]), ""),
    "golden photos in another layout": (lambda f: regild(f, photos=GOLDEN.transpose(0, 2, 3, 1)), ""),
}


# %%
from unittest.mock import patch


def try_to_open(folder):
    """What admit gave or raised, and how often a runtime was asked."""
    asked, really = [], onnxruntime.InferenceSession.__init__

    def watched(session, *given, **options):
        asked.append(given)
        really(session, *given, **options)

    with patch.object(onnxruntime.InferenceSession, "__init__", watched):  # by whatever name it was imported
        try:
            return admit(folder), len(asked)
        except NotImplementedError:
            raise  # the answer is still blank
        except Exception as error:
            return error, len(asked)


# %%
import tempfile


def try_honest(verify, name, folder):
    """Packed with care, on this computer or on another."""
    opened, _ = try_to_open(folder)
    verify(not isinstance(opened, Exception), f"{name}, honestly packed, was refused: {opened}")
    able = isinstance(opened, onnxruntime.InferenceSession)
    verify(able, f"{name}: you returned {type(opened).__name__}, and an InferenceSession was asked for.")
    found = opened.run(None, {"image": GOLDEN})[0]
    verify(np.allclose(found, scores_of(name, GOLDEN)), f"{name}: what you opened is another model.")


# %% check="admit" points=4
with check(
    "08-runtimes-and-packaging/admit",
    points=4,
    revisit="02-a-package-you-can-trust.ipynb#Measure-it:-what-each-check-is-worth",
) as verify:
    base = Path(tempfile.mkdtemp(dir=device.current().scratch))
    _ = (base / "outside.onnx").write_bytes(MEDIUM)
    for name in ("leaf-medium", "leaf-small", "leaf-large"):
        try_honest(verify, name, pack(base / name, name))
    honest = pack(base / "packed elsewhere")
    regild(honest, scores=OURS[:4] + LAST_BITS)
    refused = isinstance(try_to_open(honest)[0], Exception)
    verify(not refused, "golden scores of another processor, half the rounding off: you refused the package.")
    for number, (why, (spoil, order)) in enumerate(SPOILED.items()):
        folder = pack(base / str(number))
        spoil(folder)
        found, asked = try_to_open(folder)
        verify(isinstance(found, Exception), f"{why}: and you opened it.")
        kind = type(found).__name__
        verify(kind == "PackageRefusedError", f"{why}: {kind} instead of PackageRefusedError: {found}")
        early = order and asked
        verify(not early, f"{why}: you refused it, but had a runtime read the bytes before. {order}.")

# %% [markdown]
# ## Exercise 4: what goes in (3 points, 15 minutes)
#
# A model takes numbers and asks no questions. Four ways to be wrong, and none raises an error:

# %%
SLIPS_OF_INPUT = {
    "as it was trained": pixels,
    "not divided by 255": pixels * 255,
    "divided twice": pixels / 255,
    "blue first": np.ascontiguousarray(pixels[:, ::-1]),
    "reshaped, not transposed": photos.reshape(-1, 3, 48, 48).astype(np.float32) / 255,
}
for name, given in SLIPS_OF_INPUT.items():
    print(
        f"{name:26}{(scores_of('leaf-medium', given).argmax(1) == labels).mean():.0%} of {len(labels)} right"
    )


# %% answer="feed"
def feed(photos, about):
    """Turn photos into what a model takes.

    Args:
        photos: uint8, of shape (photos, size, size, 3), red first. They stay as they are.
        about: "size"; "layout", "NCHW" or "NHWC"; "channels", "RGB" or "BGR"; "dtype", "float32" or "uint8"; and for
            float32 "scale", "mean" and "std", the last two with a number for each channel *of the model*, in its order.

    Returns:
        An array of the kind that is asked for. In float32, a channel holds (pixel * scale - mean) / std; in uint8 the
        pixels as they are.

    Raises:
        ValueError: The photos are not uint8, or not of that shape; or layout, channels or dtype is none of these.
    """
    ### BEGIN SOLUTION
    wanted = (about["size"], about["size"], 3)
    if photos.dtype != np.uint8 or photos.ndim != 4 or photos.shape[1:] != wanted:
        raise ValueError(
            f"photos are uint8 of shape (photos, {wanted}), not {photos.dtype} of {photos.shape}"
        )
    known = about["layout"] in ("NCHW", "NHWC") and about["channels"] in ("RGB", "BGR")
    if not known or about["dtype"] not in ("float32", "uint8"):
        raise ValueError(f"nothing is known about how to feed {about}")
    made = photos if about["channels"] == "RGB" else photos[..., ::-1]
    if about["dtype"] == "float32":
        mean, std = np.float32(about["mean"]), np.float32(about["std"])
        made = (made * np.float32(about["scale"]) - mean) / std
    return np.ascontiguousarray(made.transpose(0, 3, 1, 2) if about["layout"] == "NCHW" else made)
    ### END SOLUTION


# %%
PLAIN = {"size": 48, "layout": "NCHW", "channels": "RGB", "dtype": "float32"}
PLAIN |= {"scale": 1 / 255, "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
STANDARD = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
WHOLE = {"size": 48, "layout": "NHWC", "channels": "RGB", "dtype": "uint8"}
FEEDS = {
    "the leaf models": PLAIN,
    "NHWC": PLAIN | {"layout": "NHWC"},
    "a mean and a deviation for each channel": PLAIN | STANDARD,
    "the same in NHWC": PLAIN | STANDARD | {"layout": "NHWC"},
    "from -1 to 1": PLAIN | {"scale": 1 / 127.5, "mean": (1.0, 1.0, 1.0)},
    "blue first, means of 0 to 255": PLAIN | {"channels": "BGR", "scale": 1.0, "mean": (104.0, 117.0, 123.0)},
    "blue first, deviations too": PLAIN | STANDARD | {"channels": "BGR", "layout": "NHWC"},
    "of 32 pixels": PLAIN | {"size": 32},
    "whole numbers": WHOLE,
    "whole numbers, blue first, NCHW": WHOLE | {"layout": "NCHW", "channels": "BGR"},
}


# %%
def pixel_of(photos, about, photo, channel, row, column):
    """One number of the result, from the definition."""
    value = int(photos[photo, row, column, channel if about["channels"] == "RGB" else 2 - channel])
    if about["dtype"] == "uint8":
        return value
    return (value * about["scale"] - about["mean"][channel]) / about["std"][channel]


UNFIT = {
    "floats, divided already": photos[:2] / 255,
    "one photo without a first axis": photos[0],
    "a photo with a fourth channel": np.zeros((2, 48, 48, 4), np.uint8),
    "grey": np.zeros((2, 48, 48, 1), np.uint8),
    "of another size": np.zeros((2, 64, 64, 3), np.uint8),
    "channels first already": np.ascontiguousarray(photos[:2].transpose(0, 3, 1, 2)),
}


# %%
def refuses(given, about):
    try:
        feed(given, about)
    except ValueError:
        return True
    return False


# %%
def fed(verify, why, about):
    """Feed three photos, see to kind, shape and the photos themselves; returns channels first."""
    size = about["size"]
    given = photos[:3, :size, :size].copy()
    refused = refuses(given.copy(), dict(about))
    verify(not refused, f"{why}: you refused photos that are as they should be.")
    made = feed(given, dict(about))
    shape = (3, 3, size, size) if about["layout"] == "NCHW" else (3, size, size, 3)
    kind = str(made.dtype), made.shape
    verify(kind == (about["dtype"], shape), f"{why}: {kind}, and the model takes {about['dtype']} {shape}.")
    unchanged = np.array_equal(given, photos[:3, :size, :size])
    verify(unchanged, f"{why}: you changed the photos that you were given.")
    return made if about["layout"] == "NCHW" else made.transpose(0, 3, 1, 2)


# %% check="feed" points=3
with check("08-runtimes-and-packaging/feed", points=3, revisit="01-convert-once.ipynb#It-fails") as verify:
    for why, about in FEEDS.items():
        made, size = fed(verify, why, about), about["size"]
        for place in np.random.default_rng(4).integers((3, 3, size, size), size=(60, 4)).tolist():
            found, right = float(made[tuple(place)]), pixel_of(photos, about, *place)
            where = "photo {}, channel {}, row {}, column {}".format(*place)
            near = abs(found - right) < 1e-4 + 1e-5 * abs(right)
            verify(near, f"{why}: {where} is {found}, not {right:.4f}.")
    for why, given in UNFIT.items():
        verify(refuses(given, PLAIN), f"photos: {why}. Nobody would notice; say so with a ValueError.")
    verify(refuses(photos[:2], PLAIN | {"size": 32}), "photos of 48 pixels for a model of 32 were taken.")
    for name, value in {"layout": "CHWN", "channels": "HSV", "dtype": "float64"}.items():
        verify(refuses(photos[:2], PLAIN | {name: value}), f"{name} {value!r}: you did not ask what that is.")

# %% [markdown]
# ## Exercise 5, open: the smallest that is good enough (4 points, 25 minutes and a discussion)
#
# Several models were tried on labelled leaves and measured on the device. Which one goes out? The smallest download that is good
# enough and fits. But good enough is not what was counted: it is what the next thousand leaves will show. There is no single
# right rule. The check looks at yours in a simulation, in which the truth is known.

# %%
import math
import statistics


# %% answer="choose"
def choose(candidates, wanted, limits):
    """Choose the smallest model that is good enough, and sure to be.

    Args:
        candidates: Dicts. Each has name; right, of so many leaves tested; file_bytes; peak_bytes; and
            p95_s, seconds by number of threads, such as {1: 0.02, 2: 0.012}.
        wanted: The share of leaves that it must sort right, such as 0.9.
        limits: "memory_bytes", "cores" and "p95_s" of the device.

    Returns:
        A name; or None where nobody can say of any that it is good enough and fits.

    Sending out one that is not good enough shall happen in at most one case of twenty, with up to twenty candidates.
    Hint: of twenty bad models, tried on few leaves, how many look good?
    """
    ### BEGIN SOLUTION
    z = statistics.NormalDist().inv_cdf(1 - 0.05 / max(1, len(candidates)))

    def surely(one):  # the lower end of Wilson's interval
        n, share = max(1, one["tested"]), one["right"] / max(1, one["tested"])
        spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        return (share + z * z / (2 * n) - spread) / (1 + z * z / n) >= wanted

    def fits(one):
        seconds = one["p95_s"].get(limits["cores"], math.inf)
        return one["peak_bytes"] <= limits["memory_bytes"] and seconds <= limits["p95_s"]

    good = [one for one in candidates if surely(one) and fits(one)]
    return min(good, key=lambda one: one["file_bytes"])["name"] if good else None
    ### END SOLUTION


# %%
def model(name, right, tested, mb, peak_mb=90, **p95_ms):
    """A candidate; p95 by threads as one=..., two=..., in milliseconds."""
    threads = {"one": 1, "two": 2}
    times = {threads[word]: ms / 1000 for word, ms in (p95_ms or {"one": 20, "two": 12}).items()}
    one = {"name": name, "right": right, "tested": tested, "file_bytes": round(mb * 1e6)}
    return one | {"peak_bytes": round(peak_mb * 1e6), "p95_s": times}


PHONE = {"memory_bytes": 200_000_000, "cores": 1, "p95_s": 0.05}
TWO_CORES = PHONE | {"cores": 2}
GOOD = model("good", 1940, 2000, 3.0)
PAIR = model("pair", 1950, 2000, 0.5, one=80, two=30)

# %% tags=["long"]
CLEAR = [
    ("two good ones: the smaller", [GOOD, model("small", 1930, 2000, 0.6)], PHONE, "small"),
    ("a small one that is clearly bad", [model("bad", 1500, 2000, 0.1), GOOD], PHONE, "good"),
    ("19 of 20 right", [model("lucky", 19, 20, 0.1), GOOD], PHONE, "good"),
    ("19 of 20 right, and nothing else", [model("lucky", 19, 20, 0.1)], PHONE, None),
    ("20 of 20 right", [model("lucky", 20, 20, 0.1), GOOD], PHONE, "good"),
    ("1,802 of 2,000: above 90 %, and who knows", [model("near", 1802, 2000, 0.5), GOOD], PHONE, "good"),
    ("never tested", [model("new", 0, 0, 0.1), GOOD], PHONE, "good"),
    ("a small file that holds 400 MB", [model("wide", 1950, 2000, 0.4, 400), GOOD], PHONE, "good"),
    ("a large file that holds little", [model("file", 1950, 2000, 300.0, 150)], PHONE, "file"),
    ("quick with two threads, on one core", [PAIR, GOOD], PHONE, "good"),
    ("measured with two threads only", [model("pair", 1950, 2000, 0.5, two=30), GOOD], PHONE, "good"),
    ("the same on two cores", [PAIR, GOOD], TWO_CORES, "pair"),
    ("slow on any", [model("slow", 1950, 2000, 0.5, one=400, two=250), GOOD], TWO_CORES, "good"),
    ("quicker and better, and larger", [model("quick", 1999, 2000, 9.0, one=2, two=1), GOOD], PHONE, "good"),
    ("nothing is good enough", [model("a", 1700, 2000, 0.1), model("b", 1750, 2000, 0.4)], PHONE, None),
    ("nothing fits", [model("a", 1990, 2000, 0.1, 900), model("b", 1990, 2000, 0.4, one=90)], PHONE, None),
    ("no candidates", [], PHONE, None),
]

# %%
FAIR, SURE = model("fair", 1700, 2000, 0.2), model("sure", 1990, 2000, 6.0)
WISHES = [
    ("85, 97 and 99.5 % right", [FAIR, GOOD, SURE], 0.8, "fair"),
    ("85, 97 and 99.5 % right", [FAIR, GOOD, SURE], 0.9, "good"),
    ("85, 95.3 and 99.5 % right", [FAIR, model("close", 1906, 2000, 1.0), SURE], 0.95, "sure"),
    ("85 and 97 % right", [FAIR, GOOD], 0.99, None),
]

# %%
MANY = [(0.1 * n, 0.895, 300) for n in range(1, 13)]
WORLDS = {  # megabytes, what is true, and how many leaves were tried
    "twelve that are all just below 90 %, 300 leaves each": (MANY, None),
    "four of 80 %, 30 leaves each": ([(0.1 * n, 0.80, 30) for n in range(1, 5)], None),
    "one of 89 %, 2,000 leaves": ([(0.3, 0.89, 2000)], None),
    "85, 96 and 97 %, 2,000 leaves each": ([(0.3, 0.85, 2000), (0.9, 0.96, 2000), (4.0, 0.97, 2000)], 0.9),
    "97 and 98 %, 800 leaves each": ([(0.9, 0.97, 800), (4.0, 0.98, 800)], 0.9),
}


# %%
def simulate(world, seed):
    """Try the world's models on leaves once, in some order; returns the candidates and which are good, by name."""
    rng = np.random.default_rng((8, seed))
    made = [
        model(f"m{n}", int(rng.binomial(tested, truth)), tested, mb)
        for n, (mb, truth, tested) in enumerate(world)
    ]
    good = [f"m{n}" for n, (_, truth, _) in enumerate(world) if truth >= 0.9]
    return [made[place] for place in rng.permutation(len(made))], good


def shares(world, cases=400):
    """In what share of cases a bad one is sent out, and the smallest good one; None where there is no good one."""
    bad = best = 0
    for seed in range(cases):
        candidates, good = simulate(world, seed)
        chosen = choose(candidates, 0.9, PHONE)
        bad += chosen is not None and chosen not in good
        best += bool(good) and chosen == good[0]
    return bad / cases, best / cases if good else None


# %% check="choose" points=4
with check(
    "08-runtimes-and-packaging/choose",
    points=4,
    revisit="02-a-package-you-can-trust.ipynb#The-smallest-that-is-good-enough",
) as verify:
    for why, candidates, limits, right in CLEAR:
        for given in (candidates, candidates[::-1]):
            found = choose([dict(one) for one in given], 0.9, dict(limits))
            verify(found == right, f"{why}: you chose {found}; right is {right}.")
    for why, candidates, wanted, right in WISHES:
        found = choose([dict(one) for one in candidates], wanted, dict(PHONE))
        verify(found == right, f"{why}, and {wanted:.0%} are wanted: you chose {found}; right is {right}.")
    for why, (world, found_at_least) in WORLDS.items():
        bad, best = shares(world)
        print(
            f"{why}: {bad:.1%} bad ones sent out" + ("" if best is None else f", best chosen in {best:.0%}")
        )
        verify(bad <= 0.07, f"{why}: in {bad:.0%} of 400 cases you sent out a model that is not good enough.")
        enough = best is None or best >= found_at_least
        verify(
            enough,
            f"{why}: only in {best or 0:.0%} you found the smallest good one. Too careful is wrong too.",
        )

# %% [markdown]
# Now argue. In the simulation each model met its own leaves; on Achieng's table all met the same ones. Does your rule still hold?
# What do you tell the office when nothing passes? And who decides that 90 % is enough for a farmer who sprays, or does not,
# because of the answer?

# %% [markdown]
# ## Your score

# %%
from offlinefirst.course.checks import Score

Score("08-runtimes-and-packaging", same=3, newest=3, admit=4, feed=3, choose=4)
