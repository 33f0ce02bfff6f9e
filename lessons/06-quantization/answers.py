# %% [markdown]
# Other answers to the lab's exercises. Wrong ones start with the mistakes of the source material and of the field.
# ruff: noqa: F821, PLW3301 - an answer stands in its cell of the lab, after the lab's imports


# %% exercise="affine" right="works with numpy, returns numpy's whole number, and clips it, which changes nothing"
def affine(low, high, bits):
    ends = np.array([low, high], dtype=float)
    if not np.isfinite(ends).all() or ends[0] > ends[1]:
        raise ValueError("no range")
    span = max(ends[1], 0) - min(ends[0], 0)
    scale = float(span / (2**bits - 1)) if span else 2.0**-10
    return scale, np.clip(np.rint(-min(ends[0], 0) / scale), 0, 2**bits - 1).astype(np.int64)


# %% exercise="affine" right="counts the zero point from the other end"
def affine(low, high, bits):
    if not all(map(math.isfinite, (low, high))) or high < low:
        raise ValueError(low, high)
    most = 2**bits - 1
    top, bottom = (high if high > 0 else 0), (low if low < 0 else 0)
    if top == bottom:
        return 1.0, most // 2
    scale = (top - bottom) / most
    return scale, most - round(top / scale)


# %% exercise="affine" wrong="takes the range as it was seen, without 0" says="is no number of"
def affine(low, high, bits):
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError("no range")
    scale = (high - low) / (2**bits - 1) or 1.0
    return scale, round(-low / scale)


# %% exercise="affine" wrong="takes a symmetric range, also for what comes out of a ReLU" says="steps are too wide"
def affine(low, high, bits):
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError("no range")
    reach = max(abs(low), abs(high))
    return 2 * reach / (2**bits - 1) or 1.0, 2 ** (bits - 1)


# %% exercise="affine" wrong="leaves the rounding of the zero point for later" says="0 falls between two"
def affine(low, high, bits):
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError("no range")
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / (2**bits - 1) or 1.0
    return scale, -low / scale


# %% exercise="affine" wrong="cuts the zero point off instead of rounding it" says="steps off"
def affine(low, high, bits):
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError("no range")
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / (2**bits - 1) or 1.0
    return scale, int(-low / scale)


# %% exercise="affine" wrong="divides by the number of values, not by the number of steps between them, and clips" says="steps off"
def affine(low, high, bits):
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError("no range")
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / 2**bits or 1.0
    return scale, round(-low / scale)


# %% exercise="affine" wrong="forgets that all values may be 0" says="ZeroDivisionError"
def affine(low, high, bits):
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError("no range")
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / (2**bits - 1)
    return scale, round(-low / scale)


# %% exercise="affine" wrong="knows 8 bits only" says="is no number of 4 bits"
def affine(low, high, bits):
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError("no range")
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / 255 or 1.0
    return scale, round(-low / scale)


# %% exercise="affine" wrong="swallows NaN" says="is no range"
def affine(low, high, bits):
    low, high = min(low, 0.0), max(high, 0.0)
    if math.isnan(low) or math.isnan(high):
        low, high = 0.0, 1.0
    scale = (high - low) / (2**bits - 1) or 1.0
    return scale, round(-low / scale) if math.isfinite(scale) and math.isfinite(low) else 0


# %% exercise="affine" wrong="is made for the one visible case" says="steps off"
def affine(low, high, bits):
    return 1.9 / 255, 81


# %% exercise="product" right="takes the four terms apart, as engines do"
def product(a, a_zero, b, b_zero, bias):
    wide_a, wide_b = a.astype(np.int64), b.astype(np.int64)
    sums = wide_a @ wide_b - b_zero * wide_a.sum(1, keepdims=True) - a_zero * wide_b.sum(0, keepdims=True)
    return (sums + a.shape[1] * a_zero * b_zero + bias).astype(np.int32)


# %% exercise="product" right="multiplies in float64, which is exact up to 2^53"
def product(a, a_zero, b, b_zero, bias):
    sums = (a.astype(np.float64) - a_zero) @ (b.astype(np.float64) - b_zero)
    return np.rint(sums + bias).astype(np.int32)


# %% exercise="product" wrong="keeps the sums in bytes" says="sums are wrong"
def product(a, a_zero, b, b_zero, bias):
    with np.errstate(all="ignore"):
        sums = (a.astype(np.int8) - np.int8(a_zero % 128)) @ (b - np.int8(b_zero))
    return sums.astype(np.int32) + bias


# %% exercise="product" wrong="keeps the sums in 16 bits, since a product of two bytes fits" says="sums are wrong"
def product(a, a_zero, b, b_zero, bias):
    sums = (a.astype(np.int16) - np.int16(a_zero)) @ (b.astype(np.int16) - np.int16(b_zero))
    return sums.astype(np.int32) + bias


# %% exercise="product" wrong="adds pairs in 16 bits that stop at their ends, as AVX2 does" says="sums are wrong"
def product(a, a_zero, b, b_zero, bias):
    made = np.zeros((a.shape[0], b.shape[1]), np.int64)
    for start in range(0, a.shape[1], 2):
        pair = slice(start, start + 2)
        made += np.clip(a[:, pair].astype(np.int64) @ b[pair].astype(np.int64), -32768, 32767)
    made -= b_zero * a.astype(np.int64).sum(1, keepdims=True) + a_zero * b.astype(np.int64).sum(
        0, keepdims=True
    )
    return (made + a.shape[1] * a_zero * b_zero + bias).astype(np.int32)


# %% exercise="product" wrong="forgets the zero points" says="a zero point of a: "
def product(a, a_zero, b, b_zero, bias):
    return a.astype(np.int32) @ b.astype(np.int32) + bias


# %% exercise="product" wrong="forgets the term that both zero points make" says="both: "
def product(a, a_zero, b, b_zero, bias):
    wide_a, wide_b = a.astype(np.int32), b.astype(np.int32)
    sums = wide_a @ wide_b - b_zero * wide_a.sum(1, keepdims=True) - a_zero * wide_b.sum(0, keepdims=True)
    return (sums + bias).astype(np.int32)


# %% exercise="product" wrong="subtracts the zero point in unsigned bytes, which wraps round" says="a zero point of a: "
def product(a, a_zero, b, b_zero, bias):
    left = (a - np.uint8(a_zero)).astype(np.int32)
    return (left @ (b.astype(np.int32) - b_zero) + bias).astype(np.int32)


# %% exercise="product" wrong="multiplies in float32, which is exact only up to 2^24" says="4,099 of the"
def product(a, a_zero, b, b_zero, bias):
    sums = (a.astype(np.float32) - a_zero) @ (b.astype(np.float32) - b_zero)
    return (sums.astype(np.float32) + bias.astype(np.float32)).astype(np.int32)


# %% exercise="product" wrong="returns int64" says="you returned int64"
def product(a, a_zero, b, b_zero, bias):
    return (a.astype(np.int64) - a_zero) @ (b.astype(np.int64) - b_zero) + bias


# %% exercise="product" wrong="forgets the bias" says="sums are wrong"
def product(a, a_zero, b, b_zero, bias):
    return (a.astype(np.int32) - a_zero) @ (b.astype(np.int32) - b_zero)


# %% exercise="calibrate" right="takes medians for what is usual, and drops photos beyond it"
def calibrate(folders):
    whole = [photo for photo in folders["calibration"] if len(photo) and not np.isnan(photo).any()]
    if not whole:
        raise ValueError("no photos")
    usual = np.median([np.quantile(np.abs(photo), 0.99) for photo in whole])
    kept = [photo for photo in whole if np.quantile(np.abs(photo), 0.99) < 10 * usual]
    lows, highs = zip(*((np.quantile(p, 0.0005), np.quantile(p, 0.9995)) for p in kept), strict=True)
    return min(0.0, min(lows)), max(0.0, max(highs))


# %% exercise="calibrate" right="sorts each photo and leaves its last few values away"
def calibrate(folders):
    ends = []
    for photo in folders["calibration"]:
        if photo.size and np.all(np.isfinite(photo)):
            ordered = np.sort(photo.ravel())
            away = max(1, ordered.size // 1500)
            ends.append((ordered[away - 1 if ordered.size == 1 else away], ordered[-1 - away]))
    if not ends:
        raise ValueError("nothing to calibrate with")
    middle = np.median([high - low for low, high in ends])
    ends = [(low, high) for low, high in ends if high - low < 6 * middle]
    return float(min(0, min(low for low, _ in ends))), float(max(0, max(high for _, high in ends)))


# %% exercise="calibrate" wrong="keeps everything that it saw" says="as wide as what good photos hold"
def calibrate(folders):
    photos = [photo for photo in folders["calibration"] if np.isfinite(photo).all()]
    if not photos:
        raise ValueError("no photos")
    values = np.concatenate(photos)
    return min(0.0, values.min()), max(0.0, values.max())


# %% exercise="calibrate" wrong="keeps 99.99 % of all values" says="as wide as what good photos hold"
def calibrate(folders):
    photos = [photo for photo in folders["calibration"] if np.isfinite(photo).all()]
    if not photos:
        raise ValueError("no photos")
    low, high = np.percentile(np.concatenate(photos), (0.005, 99.995))
    return min(0.0, low), max(0.0, high)


# %% exercise="calibrate" wrong="cuts two per cent, and the brightest photos with them" says="is cut off"
def calibrate(folders):
    photos = [photo for photo in folders["calibration"] if np.isfinite(photo).all()]
    if not photos:
        raise ValueError("no photos")
    low, high = np.percentile(np.concatenate(photos), (1, 99))
    return min(0.0, low), max(0.0, high)


# %% exercise="calibrate" wrong="calibrates on the test set" says="you looked at the test set"
def calibrate(folders):
    photos = [photo for photo in folders["test"] if np.isfinite(photo).all()]
    if not photos:
        raise ValueError("no photos")
    values = np.concatenate(photos) / 3
    return min(0.0, values.min()), max(0.0, values.max())


# %% exercise="calibrate" wrong="takes all folders together" says="you looked at the test set"
def calibrate(folders):
    photos = [photo for each in folders.values() for photo in each if np.isfinite(photo).all()]
    reach = np.median([photo.max() for photo in photos])
    return 0.0, 2 * reach


# %% exercise="calibrate" wrong="is symmetric, also after a ReLU" says="as wide as what good photos hold"
def calibrate(folders):
    photos = [photo for photo in folders["calibration"] if photo.size and np.isfinite(photo).all()]
    if not photos:
        raise ValueError("no photos")
    ends = np.array([np.percentile(np.abs(photo), 99.9) for photo in photos])
    reach = float(ends[ends < 8 * np.median(ends)].max())
    return -reach, reach


# %% exercise="calibrate" wrong="takes the usual photo for all, and cuts the bright ones" says="is cut off"
def calibrate(folders):
    photos = [photo for photo in folders["calibration"] if photo.size and np.isfinite(photo).all()]
    if not photos:
        raise ValueError("no photos")
    low, high = np.median([np.percentile(photo, (0.1, 99.9)) for photo in photos], axis=0)
    return min(0.0, low), max(0.0, high)


# %% exercise="calibrate" wrong="forgets NaN, which then is in every number" says="is no range around 0"
def calibrate(folders):
    photos = folders["calibration"]
    if not photos:
        raise ValueError("no photos")
    ends = np.array([np.percentile(photo, (0.1, 99.9)) for photo in photos])
    reach = np.abs(ends).max(axis=1)
    good = ends[~(reach > 8 * np.median(reach))]
    return min(0.0, good[:, 0].min()), np.maximum(0.0, good[:, 1].max())


# %% exercise="calibrate" wrong="gives a range when there is nothing to calibrate with" says="no photo to calibrate with"
def calibrate(folders):
    photos = [photo for photo in folders["calibration"] if photo.size and np.isfinite(photo).all()]
    if not photos:
        return 0.0, 6.0
    ends = np.array([np.percentile(photo, (0.1, 99.9)) for photo in photos])
    reach = np.abs(ends).max(axis=1)
    good = ends[reach <= 8 * np.median(reach)]
    return min(0.0, good[:, 0].min()), max(0.0, good[:, 1].max())


# %% exercise="calibrate" wrong="is made for the visible case" says="all smaller by a thousand"
def calibrate(folders):
    photos = [photo for photo in folders["calibration"] if np.isfinite(photo).all()]
    if not photos:
        raise ValueError("no photos")
    return (-0.9 if min(photo.min() for photo in photos) < -0.1 else 0.0), 6.4


# %% exercise="speedup" right="looks for pairs first, then for the fewest threads"
def speedup(runs):
    pairs = [
        (one["threads"], [a / b for a, b in zip(one["seconds"], two["seconds"], strict=True)])
        for one in runs
        for two in runs
        if (one["model"], two["model"]) == ("float", "int8")
        and one["threads"] == two["threads"]
        and len(one["seconds"]) == len(two["seconds"]) > 0
    ]
    if not pairs:
        raise ValueError("nothing to compare")
    return float(np.median(min(pairs)[1]))


# %% exercise="speedup" right="groups by threads with dictionaries"
def speedup(runs):
    by_threads = {}
    for one in runs:
        by_threads.setdefault(one["threads"], {})[one["model"]] = np.array(one["seconds"])
    for threads in sorted(by_threads):
        found = by_threads[threads]
        if {"float", "int8"} <= set(found) and found["float"].shape == found["int8"].shape:
            return np.median(found["float"] / found["int8"]).item()
    raise ValueError("no number of threads has both")


# %% exercise="speedup" wrong="compares float on two threads with int8 on one" says="Nothing here can be compared"
def speedup(runs):
    float_s = [second for one in runs if one["model"] == "float" for second in one["seconds"]]
    int8_s = [second for one in runs if one["model"] == "int8" for second in one["seconds"]]
    if not float_s or not int8_s:
        raise ValueError("one is missing")
    return float(np.median(float_s) / np.median(int8_s))


# %% exercise="speedup" wrong="doubles the time of one thread to get that of two" says="Nothing here can be compared"
def speedup(runs):
    best = {one["model"]: np.median(one["seconds"]) * one["threads"] for one in runs}
    if len(best) < 2:
        raise ValueError("one is missing")
    return float(best["float"] / best["int8"])


# %% exercise="speedup" wrong="returns None where it should refuse" says="raise a ValueError"
def speedup(runs):
    for threads in sorted({one["threads"] for one in runs}):
        found = {one["model"]: one["seconds"] for one in runs if one["threads"] == threads}
        if len(found) == 2 and len(found["float"]) == len(found["int8"]):
            return float(np.median(np.divide(found["float"], found["int8"])))
    return None


# %% exercise="speedup" wrong="divides medians, not pairs" says="it is 2.927"
def speedup(runs):
    for threads in sorted({one["threads"] for one in runs}):
        found = {one["model"]: one["seconds"] for one in runs if one["threads"] == threads}
        if len(found) == 2 and len(found["float"]) == len(found["int8"]):
            return float(np.median(found["float"]) / np.median(found["int8"]))
    raise ValueError("nothing to compare")


# %% exercise="speedup" wrong="takes the mean of the ratios" says="all four"
def speedup(runs):
    for threads in sorted({one["threads"] for one in runs}):
        found = {one["model"]: one["seconds"] for one in runs if one["threads"] == threads}
        if len(found) == 2 and len(found["float"]) == len(found["int8"]):
            return float(np.mean(np.divide(found["float"], found["int8"])))
    raise ValueError("nothing to compare")


# %% exercise="speedup" wrong="takes the most threads, which look best" says="all four"
def speedup(runs):
    for threads in sorted({one["threads"] for one in runs}, reverse=True):
        found = {one["model"]: one["seconds"] for one in runs if one["threads"] == threads}
        if len(found) == 2 and len(found["float"]) == len(found["int8"]):
            return float(np.median(np.divide(found["float"], found["int8"])))
    raise ValueError("nothing to compare")


# %% exercise="speedup" wrong="pairs a run with the beginning of another" says="a run that was cut short"
def speedup(runs):
    for threads in sorted({one["threads"] for one in runs}):
        found = {one["model"]: one["seconds"] for one in runs if one["threads"] == threads}
        if len(found) == 2:
            return float(np.median([a / b for a, b in zip(found["float"], found["int8"], strict=False)]))
    raise ValueError("nothing to compare")


# %% exercise="speedup" wrong="is made for the one visible case" says="Nothing here can be compared"
def speedup(runs):
    return 12.0 / 4.1


# %% exercise="widths" right="tries everything"
def choose_widths(layers, budget_bytes):
    best = None
    for widths in every((4, 8, 16), repeat=len(layers)):
        size = sum(n["weights"] * w / 8 + 4 * n["channels"] for n, w in zip(layers, widths, strict=True))
        loss = sum(n["loss"][w] for n, w in zip(layers, widths, strict=True))
        if size <= budget_bytes and (best is None or (loss, size) < best[:2]):
            best = loss, size, {n["name"]: w for n, w in zip(layers, widths, strict=True)}
    if best is None:
        raise ValueError("the budget is too small")
    return best[2]


# %% exercise="widths" right="starts wide and narrows where a byte saved costs least"
def choose_widths(layers, budget_bytes):
    bits = {layer["name"]: 16 for layer in layers}

    def size():
        return sum(layer["weights"] * bits[layer["name"]] // 8 + 4 * layer["channels"] for layer in layers)

    while size() > budget_bytes:
        steps = [
            (
                (layer["loss"][bits[layer["name"]] // 2] - layer["loss"][bits[layer["name"]]])
                / layer["weights"]
                / bits[layer["name"]],
                layer["name"],
            )
            for layer in layers
            if bits[layer["name"]] > 4
        ]
        if not steps:
            raise ValueError("too small")
        bits[min(steps)[1]] //= 2
    for layer in sorted(
        layers, key=lambda layer: -layer["loss"][bits[layer["name"]]]
    ):  # use what is left over
        for wider in (16, 8):
            before = bits[layer["name"]]
            if wider > before:
                bits[layer["name"]] = wider
                if size() > budget_bytes:
                    bits[layer["name"]] = before
    return bits


# %% exercise="widths" wrong="takes the widest width that fits for all" says="is possible"
def choose_widths(layers, budget_bytes):
    for width in (16, 8, 4):
        if sum(layer["weights"] * width // 8 + 4 * layer["channels"] for layer in layers) <= budget_bytes:
            return {layer["name"]: width for layer in layers}
    raise ValueError("too small")


# %% exercise="widths" wrong="widens what loses most, whatever it weighs, and gives it all" says="points"
def choose_widths(layers, budget_bytes):
    bits = {layer["name"]: 4 for layer in layers}
    left = budget_bytes - sum(layer["weights"] // 2 + 4 * layer["channels"] for layer in layers)
    if left < 0:
        raise ValueError("too small")
    for layer in sorted(layers, key=lambda layer: -layer["loss"][4]):
        for wider in (16, 8):
            extra = layer["weights"] * (wider - 4) // 8
            if extra <= left and bits[layer["name"]] == 4:
                bits[layer["name"]] = wider
                left -= extra
    return bits


# %% exercise="widths" wrong="forgets the scales" says="Did you count the scales"
def choose_widths(layers, budget_bytes):
    if sum(layer["weights"] // 2 + 4 * layer["channels"] for layer in layers) > budget_bytes:
        raise ValueError("too small")
    best = None
    for widths in every((4, 8, 16), repeat=len(layers)):
        size = sum(n["weights"] * w / 8 for n, w in zip(layers, widths, strict=True))
        loss = sum(n["loss"][w] for n, w in zip(layers, widths, strict=True))
        if size <= budget_bytes and (best is None or (loss, -size) < best[:2]):
            best = loss, -size, {n["name"]: w for n, w in zip(layers, widths, strict=True)}
    return best[2]


# %% exercise="widths" wrong="gives 4 bits to all and is on the safe side" says="points"
def choose_widths(layers, budget_bytes):
    if sum(layer["weights"] // 2 + 4 * layer["channels"] for layer in layers) > budget_bytes:
        raise ValueError("too small")
    return {layer["name"]: 4 for layer in layers}


# %% exercise="widths" wrong="gives 8 bits to all, whatever the budget" says="Did you count the scales"
def choose_widths(layers, budget_bytes):
    return {layer["name"]: 8 for layer in layers}


# %% exercise="widths" wrong="gives something when nothing fits" says="even 4 bits do not fit"
def choose_widths(layers, budget_bytes):
    best = (math.inf, {layer["name"]: 4 for layer in layers})
    for widths in every((4, 8, 16), repeat=len(layers)):
        size = sum(n["weights"] * w / 8 + 4 * n["channels"] for n, w in zip(layers, widths, strict=True))
        loss = sum(n["loss"][w] for n, w in zip(layers, widths, strict=True))
        if size <= budget_bytes and loss < best[0]:
            best = loss, {n["name"]: w for n, w in zip(layers, widths, strict=True)}
    return best[1]


# %% exercise="widths" wrong="is made for the one visible network" says="no width of"
def choose_widths(layers, budget_bytes):
    if budget_bytes < 37_000 and len(layers) == 7:
        raise ValueError("too small")
    if len(layers) == 7:
        best = None
        for widths in every((4, 8, 16), repeat=7):
            size = sum(n["weights"] * w / 8 + 4 * n["channels"] for n, w in zip(layers, widths, strict=True))
            loss = sum(n["loss"][w] for n, w in zip(layers, widths, strict=True))
            if size <= budget_bytes and (best is None or loss < best[0]):
                best = loss, {n["name"]: w for n, w in zip(layers, widths, strict=True)}
        return best[1]
    return {f"layer {n}": 8 for n in range(7)}
