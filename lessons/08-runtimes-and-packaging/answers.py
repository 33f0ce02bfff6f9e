# %% [markdown]
# Other answers to the lab's exercises. Wrong ones are the field's usual mistakes.
# ruff: noqa: F821 - an answer stands in its cell of the lab, after the lab's imports


# %% exercise="same" right="looks at photo after photo"
def same_model(ours, theirs, rounding):
    if ours.shape != theirs.shape or len(ours) == 0:
        return False, math.inf
    largest = max(abs(float(score)) for row in ours for score in row)
    if largest == 0:
        return False, math.inf
    worst = 0.0
    for one, other in zip(ours.tolist(), theirs.tolist(), strict=True):
        for a, b in zip(one, other, strict=True):
            if not (math.isfinite(a) and math.isfinite(b)):
                return False, math.inf
            worst = max(worst, abs(a - b) / largest)
    return worst <= rounding, worst


# %% exercise="same" right="lets numpy compare, with the tolerance as an absolute one, and is wary of NaN"
def same_model(ours, theirs, rounding):
    comparable = ours.shape == theirs.shape and ours.size and np.isfinite([ours, theirs]).all()
    if not comparable:
        return False, np.inf
    largest = max(ours.max(), -ours.min())
    if not largest > 0:
        return False, np.inf
    same = np.allclose(theirs.astype(float), ours.astype(float), rtol=0, atol=rounding * largest)
    return same, np.linalg.norm((theirs - ours).ravel(), np.inf) / largest


# %% exercise="same" wrong="compares the means" says="one photo of 200 is another: you let it pass"
def same_model(ours, theirs, rounding):
    if ours.shape != theirs.shape or not ours.size or not np.isfinite(ours + theirs).all():
        return False, np.inf
    largest = np.abs(ours).max()
    mean = abs(float((ours - theirs).mean())) / largest
    return mean <= rounding, float(np.abs(ours - theirs).max() / largest)


# %% exercise="same" wrong="compares the mean of the distances" says="half a per cent off: you let it pass"
def same_model(ours, theirs, rounding):
    if ours.shape != theirs.shape or not ours.size or not np.isfinite(ours + theirs).all():
        return False, np.inf
    apart = np.abs(ours - theirs) / np.abs(ours).max()
    return float(apart.mean()) <= rounding, float(apart.max())


# %% exercise="same" wrong="asks only whether the classes agree" says="off everywhere, up and down: you let it pass"
def same_model(ours, theirs, rounding):
    if ours.shape != theirs.shape or not ours.size or not np.isfinite(ours + theirs).all():
        return False, np.inf
    worst = float(np.abs(ours - theirs).max() / np.abs(ours).max())
    steady = np.sort(ours)[:, -1] - np.sort(ours)[:, -2] > 4 * rounding * np.abs(ours).max()
    return bool((ours.argmax(1) == theirs.argmax(1))[steady].all()), worst


# %% exercise="same" wrong="asks for the same class too, where two are as good as tied" says="turns a tie around: the difference is rounding"
def same_model(ours, theirs, rounding):
    if ours.shape != theirs.shape or not ours.size or not np.isfinite(ours + theirs).all():
        return False, np.inf
    worst = float(np.abs(ours - theirs).max() / np.abs(ours).max())
    return worst <= rounding and bool((ours.argmax(1) == theirs.argmax(1)).all()), worst


# %% exercise="same" wrong="chooses its tolerance after it has seen the differences" says="you let it pass"
def same_model(ours, theirs, rounding):
    if ours.shape != theirs.shape or not ours.size or not np.isfinite(ours + theirs).all():
        return False, np.inf
    apart = np.abs(ours - theirs) / np.abs(ours).max()
    return bool(apart.max() <= max(rounding, apart.mean() + 3 * apart.std())), float(apart.max())


# %% exercise="same" wrong="takes numpy's usual tolerance, which is a part of each score" says="also of a score of 0: the difference is rounding"
def same_model(ours, theirs, rounding):
    if ours.shape != theirs.shape or not ours.size or not np.isfinite(ours + theirs).all():
        return False, np.inf
    return np.allclose(theirs, ours), float(np.abs(ours - theirs).max() / np.abs(ours).max())


# %% exercise="same" wrong="takes a thousandth for everything" says="of large scores: the difference is rounding"
def same_model(ours, theirs, rounding):
    if ours.shape != theirs.shape or not ours.size or not np.isfinite(ours + theirs).all():
        return False, np.inf
    return bool(np.abs(ours - theirs).max() <= 1e-3), float(np.abs(ours - theirs).max() / np.abs(ours).max())


# %% exercise="same" wrong="takes the tolerance as it is, whatever the scores' size" says="of large scores: the difference is rounding"
def same_model(ours, theirs, rounding):
    if ours.shape != theirs.shape or not ours.size or not np.isfinite(ours + theirs).all():
        return False, np.inf
    worst = float(np.abs(ours - theirs).max())
    return worst <= 8 * rounding, worst / float(np.abs(ours).max())


# %% exercise="same" wrong="measures by the other side's largest score" says="and you say"
def same_model(ours, theirs, rounding):
    if ours.shape != theirs.shape or not ours.size or not np.isfinite(ours + theirs).all():
        return False, np.inf
    worst = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
    return worst <= rounding, worst


# %% exercise="same" wrong="never hears of NaN, which is not greater than anything" says="a NaN in theirs"
def same_model(ours, theirs, rounding):
    if ours.shape != theirs.shape or not ours.size:
        return False, np.inf
    apart = np.abs(ours - theirs) / np.abs(ours).max()
    return not (apart > rounding).any(), float(apart.max())


# %% exercise="same" wrong="takes the same NaN on both sides for agreement" says="the same NaN in both"
def same_model(ours, theirs, rounding):
    if ours.shape != theirs.shape or not ours.size:
        return False, np.inf
    if not np.array_equal(np.isfinite(ours), np.isfinite(theirs)):
        return False, np.inf
    worst = float(np.nanmax(np.abs(np.nan_to_num(ours) - np.nan_to_num(theirs))) / np.nanmax(np.abs(ours)))
    return worst <= rounding, worst


# %% exercise="same" wrong="lets numpy stretch one photo over all" says="so worst is infinity"
def same_model(ours, theirs, rounding):
    if not ours.size or not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        return False, np.inf
    worst = float(np.abs(ours - theirs).max() / np.abs(ours).max())
    return worst <= rounding, worst


# %% exercise="same" wrong="forgets the sign of what is taken away" says="all scores shifted down alike: you let it pass"
def same_model(ours, theirs, rounding):
    if ours.shape != theirs.shape or not ours.any() or not np.isfinite(ours + theirs).all():
        return False, np.inf
    worst = float((theirs - ours).max() / np.abs(ours).max())
    return worst <= rounding, worst


# %% exercise="same" wrong="takes the highest score for the largest" says="and you say"
def same_model(ours, theirs, rounding):
    if ours.shape != theirs.shape or not ours.any() or not np.isfinite(ours + theirs).all():
        return False, np.inf
    worst = float(np.abs(theirs - ours).max() / ours.max())
    return worst <= rounding, worst


# %% exercise="same" wrong="divides by a largest score of 0" says="so worst is infinity, not nan"
def same_model(ours, theirs, rounding):
    if ours.shape != theirs.shape or not ours.size or not np.isfinite(ours + theirs).all():
        return False, np.inf
    with np.errstate(all="ignore"):
        worst = float(np.abs(ours - theirs).max() / np.abs(ours).max())
    return worst <= rounding, worst


# %% exercise="same" wrong="knows a tolerance of its own" says="is not yours to choose"
def same_model(ours, theirs, rounding):
    if not ours.any() or ours.shape != theirs.shape or not ours.size or not np.isfinite(ours + theirs).all():
        return False, np.inf
    worst = float(np.abs(ours - theirs).max() / np.abs(ours).max())
    return worst <= 3.7e-5, worst


# %% exercise="same" wrong="is made for the first case" says="and you say"
def same_model(ours, theirs, rounding):
    return True, 0.0


# %% exercise="newest" right="splits the text by hand"
def newest_for(offers, runtime):
    def read(text):
        release, _, _ = text.partition("+")
        numbers, dash, _ = release.partition("-")
        parts = numbers.split(".")
        plain = all(part.isdecimal() and part.isascii() and str(int(part)) == part for part in parts)
        return ([int(part) for part in parts], not dash) if len(parts) == 3 and plain else None

    here = read(runtime)
    if not here:
        raise ValueError(runtime)
    best, chosen = None, None
    for one in offers:
        version, needs = read(one["version"]), read(one["needs"])
        if not version or not needs or not version[1]:
            continue
        if needs[0][0] == here[0][0] and (here > needs or here == needs) and (best is None or version > best):
            best, chosen = version, one["version"]
    return chosen


# %% exercise="newest" right="sorts what is left, with the next major number as an upper end"
def newest_for(offers, runtime):
    known = re.compile(r"(?P<n>(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*)){2})(?P<pre>-[^+]+)?(?:\+.+)?\Z")
    numbers = lambda found: tuple(int(part) for part in found["n"].split("."))  # noqa: E731
    found = known.match(runtime)
    if found is None:
        raise ValueError("no version")
    here, early = numbers(found), bool(found["pre"])
    left = []
    for one in offers:
        version, needs = known.match(one["version"]), known.match(one["needs"])
        if version is None or needs is None or version["pre"]:
            continue
        least = numbers(needs)
        if least <= here < (least[0] + 1, 0, 0) and not (early and least == here):
            left.append(one["version"])
    return sorted(left, key=lambda text: numbers(known.match(text)))[-1] if left else None


# %% exercise="newest" wrong="compares texts, in which 1.10.0 is before 1.9.0" says="text order"
def newest_for(offers, runtime):
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}([-+].*)?", runtime):
        raise ValueError(runtime)
    able = [one["version"] for one in offers if one["needs"] <= runtime and "-" not in one["version"]]
    return max(able, default=None)


# %% exercise="newest" wrong="reads major.minor as a decimal fraction" says="right is 1.10.0"
def newest_for(offers, runtime):
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}([-+].*)?", runtime):
        raise ValueError(runtime)
    able = [one["version"] for one in offers if re.fullmatch(r"\d+\.\d+\.\d+(\+.*)?", one["version"])]
    return max(able, key=lambda text: float(text.rpartition(".")[0]), default=None)


# %% exercise="newest" wrong="counts only major and minor" says="the patch counts too"
def newest_for(offers, runtime):
    def read(text):
        found = re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[^+]+)?(\+.*)?", text)
        return found and (int(found[1]), int(found[2]))

    here = read(runtime)
    if not here:
        raise ValueError(runtime)
    able = [one for one in offers if read(one["version"]) and "-" not in one["version"].partition("+")[0]]
    able = [one for one in able if read(one["needs"]) and read(one["needs"]) <= here]
    return max(able, key=lambda one: read(one["version"]))["version"] if able else None


# %% exercise="newest" wrong="fetches candidates" says="a candidate is no release"
def newest_for(offers, runtime):
    def read(text):
        found = re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[^+]+)?(\+.*)?", text)
        return found and (*map(int, found.groups()[:3]), not found[4])

    here = read(runtime)
    if not here:
        raise ValueError(runtime)
    able = [one for one in offers if read(one["version"]) and read(one["needs"])]
    able = [one for one in able if read(one["needs"]) <= here and read(one["needs"])[0] == here[0]]
    return max(able, key=lambda one: read(one["version"]))["version"] if able else None


# %% exercise="newest" wrong="takes Python's own rules for versions, where 1.4.0-1 comes after 1.4.0 and 1.9 is one" says="you chose"
def newest_for(offers, runtime):
    from packaging.version import InvalidVersion, Version

    def read(text):
        try:
            return Version(text)
        except InvalidVersion:
            return None

    here = read(runtime)
    if here is None or not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}([-+].*)?", runtime):
        raise ValueError(runtime)
    able = [one for one in offers if read(one["version"]) and read(one["needs"])]
    able = [one for one in able if not read(one["version"]).is_prerelease]
    able = [one for one in able if read(one["needs"]) <= here and read(one["needs"]).major == here.major]
    return max(able, key=lambda one: read(one["version"]))["version"] if able else None


# %% exercise="newest" wrong="hands a new major runtime what was made for the old one" says="on 2.0.0-rc.1, you chose 1.2.0"
def newest_for(offers, runtime):
    def read(text):
        found = re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[^+]+)?(\+.*)?", text)
        return found and (*map(int, found.groups()[:3]), not found[4])

    here = read(runtime)
    if not here:
        raise ValueError(runtime)
    rows = [(read(one["version"]), read(one["needs"]), one["version"]) for one in offers]
    able = [(row[0], row[2]) for row in rows if row[0] and row[1] and row[0][3] and row[1] <= here]
    return max(able)[1] if able else None


# %% exercise="newest" wrong="takes the newest and never asks what it needs" says="runtime 1.9.2"
def newest_for(offers, runtime):
    def read(text):
        found = re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[^+]+)?(\+.*)?", text)
        return found and (*map(int, found.groups()[:3]), not found[4])

    if not read(runtime):
        raise ValueError(runtime)
    rows = [(read(one["version"]), one["version"]) for one in offers if read(one["needs"])]
    able = [row for row in rows if row[0] and row[0][3]]
    return max(able)[1] if able else None


# %% exercise="newest" wrong="takes a runtime's candidate for the release" says="which is before 1.10.0"
def newest_for(offers, runtime):
    def read(text):
        found = re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[^+]+)?(\+.*)?", text)
        return found and (*map(int, found.groups()[:3]), not found[4])

    here = read(runtime)
    if not here:
        raise ValueError(runtime)
    rows = [(read(one["version"]), read(one["needs"]), one["version"]) for one in offers]
    able = [(row[0], row[2]) for row in rows if row[0] and row[1] and row[0][3]]
    needs = {row[2]: row[1][:3] for row in rows if row[0] and row[1]}
    able = [one for one in able if needs[one[1]] <= here[:3] and needs[one[1]][0] == here[0]]
    return max(able)[1] if able else None


# %% exercise="newest" wrong="stops at the first slip in the list" says="ValueError"
def newest_for(offers, runtime):
    def read(text):
        found = re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[^+]+)?(\+.*)?", text)
        if not found:
            raise ValueError(f"{text!r} is no version")
        return (*map(int, found.groups()[:3]), not found[4])

    here = read(runtime)
    rows = [(read(one["version"]), read(one["needs"]), one["version"]) for one in offers]
    able = [(r[0], r[2]) for r in rows if r[0][3] and r[1] <= here and r[1][0] == here[0]]
    return max(able)[1] if able else None


# %% exercise="newest" wrong="mends slips: what follows a v, what is missing at the end" says="slips in the list"
def newest_for(offers, runtime):
    def read(text):
        found = re.fullmatch(r"v?(\d+)\.(\d+)(?:\.(\d+))?(-[^+]+)?(\+.*)?", text)
        return found and (*(int(part or 0) for part in found.groups()[:3]), not found[4])

    here = read(runtime)
    if not here:
        raise ValueError(runtime)
    rows = [(read(one["version"]), read(one["needs"]), one["version"]) for one in offers]
    able = [(r[0], r[2]) for r in rows if r[0] and r[1] and r[0][3] and r[1] <= here and r[1][0] == here[0]]
    return max(able)[1] if able else None


# %% exercise="newest" wrong="takes any runtime for the newest when it cannot read it" says="say so with a ValueError"
def newest_for(offers, runtime):
    def read(text):
        found = re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[^+]+)?(\+.*)?", text)
        return found and (*map(int, found.groups()[:3]), not found[4])

    here = read(runtime) or (1, 999, 0, True)
    rows = [(read(one["version"]), read(one["needs"]), one["version"]) for one in offers]
    able = [(r[0], r[2]) for r in rows if r[0] and r[1] and r[0][3] and r[1] <= here and r[1][0] == here[0]]
    return max(able)[1] if able else None


# %% exercise="newest" wrong="is made for the first list" says="right is 1.9.10"
def newest_for(offers, runtime):
    return "1.10.0"


# %% exercise="admit" right="goes step by step, each with its own reason"
def admit(folder):
    def stop(why):
        raise PackageRefusedError(why)

    try:
        about = json.loads((folder / "manifest.json").read_bytes())
        name, size, said = str(about["file"]), about["bytes"], about["sha256"]
        taken = about["input"]["name"], list(about["input"]["shape"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PackageRefusedError("the manifest cannot be read") from error
    if name not in [path.name for path in folder.iterdir() if path.is_file()]:
        stop("there is no such model in the package")
    path = folder / name
    with path.open("rb") as file:
        true = hashlib.file_digest(file, "sha256").hexdigest()
    if path.stat().st_size != size or true != said:
        stop("the model is not the one that was packed")
    try:
        session = onnxruntime.InferenceSession(str(path))
        with np.load(folder / "golden.npz") as golden:
            wanted, found = golden["scores"], session.run(None, {taken[0]: golden["photos"]})[0]
    except Exception as error:
        raise PackageRefusedError("the model cannot be run on its golden photos") from error
    if [(one.name, list(one.shape)) for one in session.get_inputs()] != [taken]:
        stop("the input is another")
    if not wanted.size or wanted.shape != found.shape or not np.isfinite(wanted).all():
        stop("the golden scores are none")
    if np.abs(wanted - found).max() > ROUNDING * np.abs(wanted).max():
        stop("the golden scores are others")
    return session


# %% exercise="admit" right="is one large try, with asserts of its own kind"
def admit(folder):
    def need(true, why):
        if not true:
            raise PackageRefusedError(why)

    try:
        about = json.loads((folder / "manifest.json").read_text())
        path = (folder / about["file"]).resolve()
        need(path.parent == folder.resolve(), "outside")
        data = path.read_bytes()
        need(hashlib.sha256(data).hexdigest() == about["sha256"].lower(), "hash")
        need(len(data) == about["bytes"], "length")
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        inputs = [{"name": one.name, "shape": one.shape} for one in session.get_inputs()]
        need(inputs == [about["input"]], "input")
        golden = dict(np.load(folder / "golden.npz"))
        scores = session.run(None, {about["input"]["name"]: golden["photos"]})[0]
        need(golden["scores"].shape == scores.shape and len(scores) > 0, "golden shape")
        atol = ROUNDING * float(np.abs(scores).max())
        need(np.allclose(scores, golden["scores"], rtol=0, atol=atol), "golden scores")
        return session
    except PackageRefusedError:
        raise
    except Exception as error:
        raise PackageRefusedError(str(error)) from None


# %% exercise="admit" wrong="believes the hash that the manifest says, since it is there" says="and you opened it"
def admit(folder):
    try:
        about = json.loads((folder / "manifest.json").read_text("utf-8"))
        path = folder / about["file"]
        if path.parent != folder or len(about["sha256"]) != 64 or path.stat().st_size != about["bytes"]:
            raise PackageRefusedError("no")
        session = onnxruntime.InferenceSession(path)
        (taken,) = session.get_inputs()
        if {"name": taken.name, "shape": taken.shape} != about["input"]:
            raise PackageRefusedError("no")
        return session
    except Exception as error:
        raise PackageRefusedError(str(error)) from error


# %% exercise="admit" wrong="compares only the length" says="one bit of the model is another: and you opened it"
def admit(folder):
    try:
        about = json.loads((folder / "manifest.json").read_text("utf-8"))
        if Path(about["file"]).name != about["file"]:
            raise PackageRefusedError("no")
        data = (folder / about["file"]).read_bytes()
        if len(data) != about["bytes"]:
            raise PackageRefusedError("no")
        return onnxruntime.InferenceSession(data)
    except Exception as error:
        raise PackageRefusedError(str(error)) from error


# %% exercise="admit" wrong="loads first and hashes afterwards" says="had a runtime read the bytes before"
def admit(folder):
    try:
        about = json.loads((folder / "manifest.json").read_text("utf-8"))
        if Path(about["file"]).name != about["file"]:
            raise PackageRefusedError("no")
        session = onnxruntime.InferenceSession(folder / about["file"])
        data = (folder / about["file"]).read_bytes()
        if hashlib.sha256(data).hexdigest() != about["sha256"] or len(data) != about["bytes"]:
            raise PackageRefusedError("no")
        return session
    except Exception as error:
        raise PackageRefusedError(str(error)) from error


# %% exercise="admit" wrong="hashes, and then loads whatever path it was given" says="and you opened it"
def admit(folder):
    try:
        about = json.loads((folder / "manifest.json").read_text("utf-8"))
        data = (folder / about["file"]).read_bytes()
        if hashlib.sha256(data).hexdigest() != about["sha256"] or len(data) != about["bytes"]:
            raise PackageRefusedError("no")
        return onnxruntime.InferenceSession(data)
    except Exception as error:
        raise PackageRefusedError(str(error)) from error


# %% exercise="admit" wrong="hashes and goes no further: the manifest may lie about what the model is" says="with the old golden scores: and you opened it"
def admit(folder):
    try:
        about = json.loads((folder / "manifest.json").read_text("utf-8"))
        if Path(about["file"]).name != about["file"]:
            raise PackageRefusedError("no")
        data = (folder / about["file"]).read_bytes()
        if hashlib.sha256(data).hexdigest() != about["sha256"] or len(data) != about["bytes"]:
            raise PackageRefusedError("no")
        session = onnxruntime.InferenceSession(data)
        (taken,) = session.get_inputs()
        if {"name": taken.name, "shape": taken.shape} != about["input"]:
            raise PackageRefusedError("no")
        return session
    except Exception as error:
        raise PackageRefusedError(str(error)) from error


# %% exercise="admit" wrong="passes golden scores of NaN, from which nothing is far" says="golden scores full of NaN: and you opened it"
def admit(folder):
    try:
        about = json.loads((folder / "manifest.json").read_text("utf-8"))
        if Path(about["file"]).name != about["file"]:
            raise PackageRefusedError("no")
        data = (folder / about["file"]).read_bytes()
        if hashlib.sha256(data).hexdigest() != about["sha256"] or len(data) != about["bytes"]:
            raise PackageRefusedError("no")
        session = onnxruntime.InferenceSession(data)
        (taken,) = session.get_inputs()
        if {"name": taken.name, "shape": taken.shape} != about["input"]:
            raise PackageRefusedError("no")
        golden = np.load(folder / "golden.npz")
        found = session.run(None, {taken.name: golden["photos"]})[0]
        if (np.abs(found - golden["scores"]) > ROUNDING * np.abs(found).max()).any():
            raise PackageRefusedError("no")
        return session
    except Exception as error:
        raise PackageRefusedError(str(error)) from error


# %% exercise="admit" wrong="compares the golden classes only, which two models may share" says="and you opened it"
def admit(folder):
    try:
        about = json.loads((folder / "manifest.json").read_text("utf-8"))
        if Path(about["file"]).name != about["file"]:
            raise PackageRefusedError("no")
        data = (folder / about["file"]).read_bytes()
        if hashlib.sha256(data).hexdigest() != about["sha256"] or len(data) != about["bytes"]:
            raise PackageRefusedError("no")
        session = onnxruntime.InferenceSession(data)
        golden = np.load(folder / "golden.npz")
        found = session.run(None, {session.get_inputs()[0].name: golden["photos"]})[0]
        if not np.array_equal(found.argmax(1), golden["scores"].argmax(1)):
            raise PackageRefusedError("no")
        return session
    except Exception as error:
        raise PackageRefusedError(str(error)) from error


# %% exercise="admit" wrong="wants the golden scores to the last bit" says="golden scores of another processor"
def admit(folder):
    try:
        about = json.loads((folder / "manifest.json").read_text("utf-8"))
        require(Path(about["file"]).name == about["file"], "outside")
        data = (folder / about["file"]).read_bytes()
        require(hashlib.sha256(data).hexdigest() == about["sha256"] and len(data) == about["bytes"], "hash")
        session = onnxruntime.InferenceSession(data)
        (taken,) = session.get_inputs()
        require({"name": taken.name, "shape": taken.shape} == about["input"], "input")
        golden = np.load(folder / "golden.npz")
        found = session.run(None, {taken.name: golden["photos"]})[0]
        require(len(found) and np.array_equal(found, golden["scores"]), "golden")
        return session
    except Exception as error:
        raise PackageRefusedError(str(error)) from error


# %% exercise="admit" wrong="allows a twentieth, which an 8-bit model needs" says="its own 8-bit sister"
def admit(folder):
    with refusing():
        about = json.loads((folder / "manifest.json").read_text("utf-8"))
        require(Path(about["file"]).name == about["file"], "outside")
        data = (folder / about["file"]).read_bytes()
        require(hashlib.sha256(data).hexdigest() == about["sha256"] and len(data) == about["bytes"], "hash")
        session = onnxruntime.InferenceSession(data)
        (taken,) = session.get_inputs()
        require({"name": taken.name, "shape": taken.shape} == about["input"], "input")
        golden = np.load(folder / "golden.npz")
        found = session.run(None, {taken.name: golden["photos"]})[0]
        near = np.abs(found - golden["scores"]).max() <= 0.05 * np.abs(golden["scores"]).max()
        require(near and found.shape == golden["scores"].shape, "golden")
        return session


# %% exercise="admit" wrong="allows a thousandth" says="ten times the rounding off"
def admit(folder):
    with refusing():
        about = json.loads((folder / "manifest.json").read_text("utf-8"))
        require(Path(about["file"]).name == about["file"], "outside")
        data = (folder / about["file"]).read_bytes()
        require(hashlib.sha256(data).hexdigest() == about["sha256"] and len(data) == about["bytes"], "hash")
        session = onnxruntime.InferenceSession(data)
        (taken,) = session.get_inputs()
        require({"name": taken.name, "shape": taken.shape} == about["input"], "input")
        golden = np.load(folder / "golden.npz")
        found = session.run(None, {taken.name: golden["photos"]})[0]
        near = np.abs(found - golden["scores"]).max() <= 1e-3 * np.abs(golden["scores"]).max()
        require(near and found.shape == golden["scores"].shape, "golden")
        return session


# %% exercise="admit" wrong="lets numpy's testing compare, to which NaN is like NaN" says="a model of NaN, honestly hashed"
def admit(folder):
    try:
        about = json.loads((folder / "manifest.json").read_text("utf-8"))
        require(Path(about["file"]).name == about["file"], "outside")
        data = (folder / about["file"]).read_bytes()
        require(hashlib.sha256(data).hexdigest() == about["sha256"] and len(data) == about["bytes"], "hash")
        session = onnxruntime.InferenceSession(data)
        (taken,) = session.get_inputs()
        require({"name": taken.name, "shape": taken.shape} == about["input"], "input")
        golden = np.load(folder / "golden.npz")
        found, wanted = session.run(None, {taken.name: golden["photos"]})[0], golden["scores"]
        require(found.shape == wanted.shape and len(found), "golden")
        np.testing.assert_allclose(found, wanted, rtol=0, atol=ROUNDING * np.nan_to_num(np.abs(found)).max())
        return session
    except Exception as error:
        raise PackageRefusedError(str(error)) from error


# %% exercise="admit" wrong="loads first, with a class that it imported under another name" says="had a runtime read the bytes before"
from onnxruntime import InferenceSession as Session


def admit(folder):
    with refusing():
        about = json.loads((folder / "manifest.json").read_text("utf-8"))
        require(Path(about["file"]).name == about["file"], "outside")
        data = (folder / about["file"]).read_bytes()
        session = Session(data)
        require(hashlib.sha256(data).hexdigest() == about["sha256"] and len(data) == about["bytes"], "hash")
        (taken,) = session.get_inputs()
        require({"name": taken.name, "shape": taken.shape} == about["input"], "input")
        golden = np.load(folder / "golden.npz")
        found, wanted = session.run(None, {taken.name: golden["photos"]})[0], golden["scores"]
        require(np.abs(found - wanted).max() <= ROUNDING * np.abs(wanted).max(), "golden")
        return session


# %% exercise="admit" wrong="lets errors of others through" says="instead of PackageRefusedError"
def admit(folder):
    about = json.loads((folder / "manifest.json").read_text("utf-8"))
    if Path(about["file"]).name != about["file"]:
        raise PackageRefusedError("no")
    data = (folder / about["file"]).read_bytes()
    if hashlib.sha256(data).hexdigest() != about["sha256"] or len(data) != about["bytes"]:
        raise PackageRefusedError("no")
    return onnxruntime.InferenceSession(data)


# %% exercise="admit" wrong="refuses what has another name than the first model" says="leaf-small, honestly packed, was refused"
def admit(folder):
    data = (folder / "leaf-medium.onnx").read_bytes()
    return onnxruntime.InferenceSession(data)


# %% exercise="admit" wrong="refuses everything" says="leaf-medium, honestly packed, was refused"
def admit(folder):
    raise PackageRefusedError("one never knows")


# %% exercise="feed" right="works in float64 first, channels first"
def feed(photos, about):
    size = about["size"]
    if str(photos.dtype) != "uint8" or photos.ndim != 4 or tuple(photos.shape[1:]) != (size, size, 3):
        raise ValueError("photos")
    if about["layout"] not in {"NCHW", "NHWC"} or about["channels"] not in {"RGB", "BGR"}:
        raise ValueError("layout or channels")
    order = [0, 1, 2] if about["channels"] == "RGB" else [2, 1, 0]
    planes = np.stack([photos[:, :, :, channel] for channel in order], axis=1)
    if about["dtype"] == "float32":
        mean, std = (np.reshape(about[key], (1, 3, 1, 1)) for key in ("mean", "std"))
        planes = ((planes * float(about["scale"]) - mean) / std).astype("float32")
    elif about["dtype"] != "uint8":
        raise ValueError("dtype")
    return planes if about["layout"] == "NCHW" else np.moveaxis(planes, 1, -1)


# %% exercise="feed" right="fills an empty array channel by channel"
def feed(photos, about):
    if not isinstance(photos, np.ndarray) or photos.dtype != "uint8" or photos.ndim != 4:
        raise ValueError("uint8 photos, please")
    count, height, width, channels = photos.shape
    if (height, width, channels) != (about["size"], about["size"], 3):
        raise ValueError("shape")
    try:
        kind = {"float32": np.float32, "uint8": np.uint8}[about["dtype"]]
        first = {"NCHW": True, "NHWC": False}[about["layout"]]
        order = {"RGB": (0, 1, 2), "BGR": (2, 1, 0)}[about["channels"]]
    except KeyError as error:
        raise ValueError(f"unknown: {error}") from error
    made = np.empty((count, 3, height, width) if first else photos.shape, kind)
    for place, source in enumerate(order):
        plane = photos[..., source]
        if kind is np.float32:
            plane = (plane.astype(float) * about["scale"] - about["mean"][place]) / about["std"][place]
        made[(slice(None), place) if first else (Ellipsis, place)] = plane
    return made


# %% exercise="feed" wrong="reshapes, which a square picture forgives" says="channel"
def feed(photos, about):
    size = about["size"]
    if photos.dtype != np.uint8 or photos.shape[1:] != (size, size, 3):
        raise ValueError("photos")
    made = photos if about["channels"] == "RGB" else photos[..., ::-1]
    if about["dtype"] == "float32":
        made = ((made * about["scale"] - np.array(about["mean"])) / np.array(about["std"])).astype(np.float32)
    return made.reshape(-1, 3, size, size) if about["layout"] == "NCHW" else made


# %% exercise="feed" wrong="does not divide by 255" says="the leaf models: photo"
def feed(photos, about):
    size = about["size"]
    if photos.dtype != np.uint8 or photos.shape[1:] != (size, size, 3):
        raise ValueError("photos")
    made = photos if about["channels"] == "RGB" else photos[..., ::-1]
    made = made.astype(about["dtype"])
    return made.transpose(0, 3, 1, 2) if about["layout"] == "NCHW" else made


# %% exercise="feed" wrong="divides by 255 whatever is asked for" says="from -1 to 1"
def feed(photos, about):
    size = about["size"]
    if photos.dtype != np.uint8 or photos.shape[1:] != (size, size, 3):
        raise ValueError("photos")
    made = photos if about["channels"] == "RGB" else photos[..., ::-1]
    if about["dtype"] == "float32":
        made = ((made / 255 - np.array(about["mean"])) / np.array(about["std"])).astype(np.float32)
    return made.transpose(0, 3, 1, 2) if about["layout"] == "NCHW" else made


# %% exercise="feed" wrong="feeds red first always" says="blue first"
def feed(photos, about):
    size = about["size"]
    if photos.dtype != np.uint8 or photos.shape[1:] != (size, size, 3):
        raise ValueError("photos")
    made = photos
    if about["dtype"] == "float32":
        made = ((made * about["scale"] - np.array(about["mean"])) / np.array(about["std"])).astype(np.float32)
    return made.transpose(0, 3, 1, 2) if about["layout"] == "NCHW" else made


# %% exercise="feed" wrong="subtracts red's mean from blue" says="blue first, means of 0 to 255"
def feed(photos, about):
    size = about["size"]
    if photos.dtype != np.uint8 or photos.shape[1:] != (size, size, 3):
        raise ValueError("photos")
    made = photos
    if about["dtype"] == "float32":
        made = ((made * about["scale"] - np.array(about["mean"])) / np.array(about["std"])).astype(np.float32)
    made = made if about["channels"] == "RGB" else made[..., ::-1]
    return made.transpose(0, 3, 1, 2) if about["layout"] == "NCHW" else made


# %% exercise="feed" wrong="gives float64, which ONNX Runtime refuses" says="('float64'"
def feed(photos, about):
    size = about["size"]
    if photos.dtype != np.uint8 or photos.shape[1:] != (size, size, 3):
        raise ValueError("photos")
    made = photos if about["channels"] == "RGB" else photos[..., ::-1]
    if about["dtype"] == "float32":
        made = (made * about["scale"] - np.array(about["mean"])) / np.array(about["std"])
    return made.transpose(0, 3, 1, 2) if about["layout"] == "NCHW" else made


# %% exercise="feed" wrong="always puts channels first" says="NHWC: ('float32'"
def feed(photos, about):
    size = about["size"]
    if photos.dtype != np.uint8 or photos.shape[1:] != (size, size, 3):
        raise ValueError("photos")
    made = photos if about["channels"] == "RGB" else photos[..., ::-1]
    if about["dtype"] == "float32":
        made = ((made * about["scale"] - np.array(about["mean"])) / np.array(about["std"])).astype(np.float32)
    return made.transpose(0, 3, 1, 2)


# %% exercise="feed" wrong="turns the caller's own photos around" says="you changed the photos"
def feed(photos, about):
    size = about["size"]
    if photos.dtype != np.uint8 or photos.shape[1:] != (size, size, 3):
        raise ValueError("photos")
    if about["channels"] == "BGR":
        photos[:] = photos[..., ::-1].copy()
    made = photos
    if about["dtype"] == "float32":
        made = ((made * about["scale"] - np.array(about["mean"])) / np.array(about["std"])).astype(np.float32)
    return made.transpose(0, 3, 1, 2) if about["layout"] == "NCHW" else made


# %% exercise="feed" wrong="takes photos that were divided already" says="floats, divided already"
def feed(photos, about):
    size = about["size"]
    if photos.shape[1:] != (size, size, 3) or about["layout"] not in ("NCHW", "NHWC"):
        raise ValueError("photos")
    made = photos if about["channels"] == "RGB" else photos[..., ::-1]
    if about["dtype"] == "float32":
        made = ((made * about["scale"] - np.array(about["mean"])) / np.array(about["std"])).astype(np.float32)
    return made.transpose(0, 3, 1, 2) if about["layout"] == "NCHW" else made


# %% exercise="feed" wrong="takes any picture that has the right number of numbers" says="channels first already"
def feed(photos, about):
    size = about["size"]
    if photos.dtype != np.uint8 or photos.ndim != 4 or photos[0].size != size * size * 3:
        raise ValueError("photos")
    made = photos if about["channels"] == "RGB" else photos[..., ::-1]
    if about["dtype"] == "float32" and photos.shape[-1] == 3:
        made = ((made * about["scale"] - np.array(about["mean"])) / np.array(about["std"])).astype(np.float32)
    return made.transpose(0, 3, 1, 2) if about["layout"] == "NCHW" else made


# %% exercise="feed" wrong="takes every unknown layout for NHWC" says="you did not ask what that is"
def feed(photos, about):
    size = about["size"]
    if photos.dtype != np.uint8 or photos.ndim != 4 or photos.shape[1:] != (size, size, 3):
        raise ValueError("photos")
    made = photos if about["channels"] == "RGB" else photos[..., ::-1]
    if about["dtype"] == "float32":
        made = ((made * about["scale"] - np.array(about["mean"])) / np.array(about["std"])).astype(np.float32)
    return made.transpose(0, 3, 1, 2) if about["layout"] == "NCHW" else made


# %% exercise="feed" wrong="knows one size only" says="of 32 pixels"
def feed(photos, about):
    if photos.dtype != np.uint8 or photos.ndim != 4 or photos.shape[1:] != (48, 48, 3):
        raise ValueError("photos")
    made = photos if about["channels"] == "RGB" else photos[..., ::-1]
    if about["dtype"] == "float32":
        made = ((made * about["scale"] - np.array(about["mean"])) / np.array(about["std"])).astype(np.float32)
    return made.transpose(0, 3, 1, 2) if about["layout"] == "NCHW" else made


# %% exercise="feed" wrong="is made for the leaf models" says="NHWC: ('float32'"
def feed(photos, about):
    return np.ascontiguousarray(photos.transpose(0, 3, 1, 2), np.float32) / 255


# %% exercise="choose" right="counts exactly: how often would a model that just misses do as well?"
def choose(candidates, wanted, limits):
    def chance(right, tested):
        """That a model whose true share is `wanted` has so many right or more, of so many."""
        terms = (
            math.lgamma(tested + 1)
            - math.lgamma(k + 1)
            - math.lgamma(tested - k + 1)
            + k * math.log(wanted)
            + (tested - k) * math.log(1 - wanted)
            for k in range(right, tested + 1)
        )
        return sum(map(math.exp, terms))

    best = None
    for one in sorted(candidates, key=lambda one: one["file_bytes"]):
        fits = one["peak_bytes"] <= limits["memory_bytes"]
        quick = (
            one["p95_s"].get(limits["cores"]) is not None and one["p95_s"][limits["cores"]] <= limits["p95_s"]
        )
        if fits and quick and chance(one["right"], one["tested"]) <= 0.05 / len(candidates) and best is None:
            best = one["name"]
    return best


# %% exercise="choose" right="takes Hoeffding's bound, which is wider and assumes less"
def choose(candidates, wanted, limits):
    for one in sorted(candidates, key=lambda one: one["file_bytes"]):
        margin = math.sqrt(math.log(len(candidates) / 0.05) / (2 * max(1, one["tested"])))
        sure = one["tested"] > 0 and one["right"] / one["tested"] - margin >= wanted
        seconds = one["p95_s"].get(limits["cores"], math.inf)
        if sure and seconds <= limits["p95_s"] and one["peak_bytes"] <= limits["memory_bytes"]:
            return one["name"]
    return None


# %% exercise="choose" right="asks for 99.9 % whatever the number of candidates"
def choose(candidates, wanted, limits):
    names = [None]
    for one in sorted(candidates, key=lambda one: -one["file_bytes"]):
        n, p = one["tested"], wanted
        sure = n > 0 and one["right"] >= n * p + 3.1 * math.sqrt(n * p * (1 - p)) + 0.5
        quick = one["p95_s"].get(limits["cores"], 1e9) <= limits["p95_s"]
        if sure and quick and one["peak_bytes"] <= limits["memory_bytes"]:
            names.append(one["name"])
    return names[-1]


# %% exercise="choose" wrong="takes the smallest file" says="a small one that is clearly bad"
def choose(candidates, wanted, limits):
    fit = [
        one
        for one in candidates
        if one["peak_bytes"] <= limits["memory_bytes"]
        and one["p95_s"].get(limits["cores"], math.inf) <= limits["p95_s"]
    ]
    return min(fit, key=lambda one: one["file_bytes"])["name"] if fit else None


# %% exercise="choose" wrong="takes the share that was seen for the truth" says="19 of 20 right"
def choose(candidates, wanted, limits):
    fit = [
        one
        for one in candidates
        if one["tested"]
        and one["right"] / one["tested"] >= wanted
        and one["peak_bytes"] <= limits["memory_bytes"]
        and one["p95_s"].get(limits["cores"], math.inf) <= limits["p95_s"]
    ]
    return min(fit, key=lambda one: one["file_bytes"])["name"] if fit else None


# %% exercise="choose" wrong="asks for two points more than is wanted, however few the leaves" says="19 of 20 right"
def choose(candidates, wanted, limits):
    fit = [
        one
        for one in candidates
        if one["tested"]
        and one["right"] / one["tested"] >= wanted + 0.02
        and one["peak_bytes"] <= limits["memory_bytes"]
        and one["p95_s"].get(limits["cores"], math.inf) <= limits["p95_s"]
    ]
    return min(fit, key=lambda one: one["file_bytes"])["name"] if fit else None


# %% exercise="choose" wrong="takes an ordinary interval for each, and forgets that they are many" says="you sent out a model that is not good enough"
def choose(candidates, wanted, limits):
    def at_least(right, tested, z=1.645):
        share, turn = right / max(1, tested), z * z / max(1, tested)
        spread = math.sqrt(share * (1 - share) / max(1, tested) + turn / (4 * max(1, tested)))
        return (share + turn / 2 - z * spread) / (1 + turn)

    fit = [
        one
        for one in candidates
        if at_least(one["right"], one["tested"]) >= wanted
        and one["peak_bytes"] <= limits["memory_bytes"]
        and one["p95_s"].get(limits["cores"], math.inf) <= limits["p95_s"]
    ]
    return min(fit, key=lambda one: one["file_bytes"])["name"] if fit else None


# %% exercise="choose" wrong="believes in an error of nought where all leaves were right" says="20 of 20 right"
def choose(candidates, wanted, limits):
    fit = []
    for one in candidates:
        n = one["tested"]
        share = one["right"] / n if n else 0
        error = math.sqrt(share * (1 - share) / n) if n else 1
        seconds = one["p95_s"].get(limits["cores"], math.inf)
        if (
            share - 3 * error >= wanted
            and seconds <= limits["p95_s"]
            and one["peak_bytes"] <= limits["memory_bytes"]
        ):
            fit.append(one)
    return min(fit, key=lambda one: one["file_bytes"])["name"] if fit else None


# %% exercise="choose" wrong="takes the file's size for the memory that it needs" says="a small file that holds 400 MB"
def choose(candidates, wanted, limits):
    for one in sorted(candidates, key=lambda one: one["file_bytes"]):
        margin = math.sqrt(math.log(len(candidates) / 0.05) / (2 * max(1, one["tested"])))
        sure = one["tested"] > 0 and one["right"] / one["tested"] - margin >= wanted
        seconds = one["p95_s"].get(limits["cores"], math.inf)
        if sure and seconds <= limits["p95_s"] and one["file_bytes"] <= limits["memory_bytes"]:
            return one["name"]
    return None


# %% exercise="choose" wrong="takes the best time that it finds, whatever the threads" says="quick with two threads, on one core"
def choose(candidates, wanted, limits):
    for one in sorted(candidates, key=lambda one: one["file_bytes"]):
        margin = math.sqrt(math.log(len(candidates) / 0.05) / (2 * max(1, one["tested"])))
        sure = one["tested"] > 0 and one["right"] / one["tested"] - margin >= wanted
        if (
            sure
            and min(one["p95_s"].values()) <= limits["p95_s"]
            and one["peak_bytes"] <= limits["memory_bytes"]
        ):
            return one["name"]
    return None


# %% exercise="choose" wrong="guesses one thread's time from two" says="measured with two threads only"
def choose(candidates, wanted, limits):
    for one in sorted(candidates, key=lambda one: one["file_bytes"]):
        margin = math.sqrt(math.log(len(candidates) / 0.05) / (2 * max(1, one["tested"])))
        sure = one["tested"] > 0 and one["right"] / one["tested"] - margin >= wanted
        threads = min(one["p95_s"], key=lambda count: abs(count - limits["cores"]))
        seconds = one["p95_s"][threads] * min(threads / limits["cores"], 1.4)
        if sure and seconds <= limits["p95_s"] and one["peak_bytes"] <= limits["memory_bytes"]:
            return one["name"]
    return None


# %% exercise="choose" wrong="takes the best, not the smallest that is good enough" says="two good ones: the smaller"
def choose(candidates, wanted, limits):
    fit = [
        one
        for one in candidates
        if one["tested"] > 100
        and one["right"] / one["tested"] >= wanted + 0.03
        and one["peak_bytes"] <= limits["memory_bytes"]
        and one["p95_s"].get(limits["cores"], math.inf) <= limits["p95_s"]
    ]
    return max(fit, key=lambda one: one["right"] / one["tested"])["name"] if fit else None


# %% exercise="choose" wrong="dares to send nothing out but what never errs" says="right is small"
def choose(candidates, wanted, limits):
    fit = [one for one in candidates if one["tested"] >= 2000 and one["right"] >= one["tested"] - 1]
    return min(fit, key=lambda one: one["file_bytes"])["name"] if fit else None


# %% exercise="choose" wrong="wants so many leaves that it finds too little" says="Too careful is wrong too"
def choose(candidates, wanted, limits):
    for one in sorted(candidates, key=lambda one: one["file_bytes"]):
        sure = one["tested"] >= 1000 and one["right"] / one["tested"] >= wanted + 0.03
        seconds = one["p95_s"].get(limits["cores"], math.inf)
        if sure and seconds <= limits["p95_s"] and one["peak_bytes"] <= limits["memory_bytes"]:
            return one["name"]
    return None


# %% exercise="choose" wrong="wants 90 %, whatever is wanted" says="and 80% are wanted"
def choose(candidates, wanted, limits):
    for one in sorted(candidates, key=lambda one: one["file_bytes"]):
        margin = math.sqrt(math.log(len(candidates) / 0.05) / (2 * max(1, one["tested"])))
        sure = one["tested"] > 0 and one["right"] / one["tested"] - margin >= 0.9
        seconds = one["p95_s"].get(limits["cores"], math.inf)
        if sure and seconds <= limits["p95_s"] and one["peak_bytes"] <= limits["memory_bytes"]:
            return one["name"]
    return None


# %% exercise="choose" wrong="is made for the first case" says="you chose"
def choose(candidates, wanted, limits):
    return "small"
