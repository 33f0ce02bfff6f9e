# %% [markdown]
# Other answers to the lab's exercises. Wrong ones are the lies of the notebook, and the slips that people make on the way.
# They stand in the lab's place, so the lab's names are there.
# ruff: noqa: F821


# %% exercise="measure" right="takes all photos first and reads the clock once between two calls"
def measure(phone, calls, warm_up):
    from itertools import pairwise

    photos = [phone.new_photo() for _ in range(1 + warm_up + calls)]
    readings = [phone.clock()]
    model = load(phone, threads=phone.cores)
    readings.append(phone.clock())
    for photo in photos:
        model(photo)
        readings.append(phone.clock())
    load_s, first_s, *rest = [after - before for before, after in pairwise(readings)]
    return {"load_s": load_s, "first_s": first_s, "steady_s": rest[warm_up:]}


# %% exercise="measure" right="has a stopwatch, and warms up in a loop of its own"
def measure(phone, calls, warm_up):
    def timed(work, *arguments):
        start = phone.clock()
        made = work(*arguments)
        return phone.clock() - start, made

    load_s, model = timed(load, phone, phone.cores)
    first_s, _ = timed(model, phone.new_photo())
    for _ in range(warm_up):
        model(phone.new_photo())
    return {
        "load_s": load_s,
        "first_s": first_s,
        "steady_s": [timed(model, phone.new_photo())[0] for _ in range(calls)],
    }


# %% exercise="measure" wrong="shows the model one photo" says="remembered a photo"
def measure(phone, calls, warm_up):
    start = phone.clock()
    model = load(phone, threads=phone.cores)
    load_s, seconds, photo = phone.clock() - start, [], phone.new_photo()
    for _ in range(1 + warm_up + calls):
        start = phone.clock()
        model(photo)
        seconds.append(phone.clock() - start)
    return {"load_s": load_s, "first_s": seconds[0], "steady_s": seconds[1 + warm_up :]}


# %% exercise="measure" wrong="warms up with the photos that it times afterwards" says="remembered a photo"
def measure(phone, calls, warm_up):
    photos = [phone.new_photo() for _ in range(calls)]
    start = phone.clock()
    model = load(phone, threads=phone.cores)
    load_s, seconds = phone.clock() - start, []
    for photo in [phone.new_photo(), *photos[:warm_up], *photos]:
        start = phone.clock()
        model(photo)
        seconds.append(phone.clock() - start)
    return {"load_s": load_s, "first_s": seconds[0], "steady_s": seconds[1 + warm_up :]}


# %% exercise="measure" wrong="uses every processor that the computer has" says="threads on a phone"
def measure(phone, calls, warm_up):
    start = phone.clock()
    model = load(phone, threads=phone.cpu_count)
    load_s, seconds = phone.clock() - start, []
    for _ in range(1 + warm_up + calls):
        photo = phone.new_photo()
        start = phone.clock()
        model(photo)
        seconds.append(phone.clock() - start)
    return {"load_s": load_s, "first_s": seconds[0], "steady_s": seconds[1 + warm_up :]}


# %% exercise="measure" wrong="uses one thread because the notebook's phone had one core" says="threads on a phone"
def measure(phone, calls, warm_up):
    start = phone.clock()
    model = load(phone, threads=1)
    load_s, seconds = phone.clock() - start, []
    for _ in range(1 + warm_up + calls):
        photo = phone.new_photo()
        start = phone.clock()
        model(photo)
        seconds.append(phone.clock() - start)
    return {"load_s": load_s, "first_s": seconds[0], "steady_s": seconds[1 + warm_up :]}


# %% exercise="measure" wrong="switches the collector off, as timeit does" says="garbage collector off"
def measure(phone, calls, warm_up):
    start = phone.clock()
    model = load(phone, threads=phone.cores)
    load_s, seconds = phone.clock() - start, []
    gc.disable()
    try:
        for _ in range(1 + warm_up + calls):
            photo = phone.new_photo()
            start = phone.clock()
            model(photo)
            seconds.append(phone.clock() - start)
    finally:
        gc.enable()
    return {"load_s": load_s, "first_s": seconds[0], "steady_s": seconds[1 + warm_up :]}


# %% exercise="measure" wrong="leaves the collector off after the last call" says="leaves the garbage collector"
def measure(phone, calls, warm_up):
    start = phone.clock()
    model = load(phone, threads=phone.cores)
    load_s, seconds = phone.clock() - start, []
    for _ in range(1 + warm_up + calls):
        photo = phone.new_photo()
        start = phone.clock()
        model(photo)
        seconds.append(phone.clock() - start)
    gc.disable()
    return {"load_s": load_s, "first_s": seconds[0], "steady_s": seconds[1 + warm_up :]}


# %% exercise="measure" wrong="reads the clock on the wall" says="and your sample says"
def measure(phone, calls, warm_up):
    start = phone.wall_clock()
    model = load(phone, threads=phone.cores)
    load_s, seconds = phone.wall_clock() - start, []
    for _ in range(1 + warm_up + calls):
        photo = phone.new_photo()
        start = phone.wall_clock()
        model(photo)
        seconds.append(phone.wall_clock() - start)
    return {"load_s": load_s, "first_s": seconds[0], "steady_s": seconds[1 + warm_up :]}


# %% exercise="measure" wrong="times the camera as well" says="and your sample says"
def measure(phone, calls, warm_up):
    start = phone.clock()
    model = load(phone, threads=phone.cores)
    load_s, seconds = phone.clock() - start, []
    for _ in range(1 + warm_up + calls):
        start = phone.clock()
        model(phone.new_photo())
        seconds.append(phone.clock() - start)
    return {"load_s": load_s, "first_s": seconds[0], "steady_s": seconds[1 + warm_up :]}


# %% exercise="measure" wrong="reads this computer's clock" says="and your sample says"
def measure(phone, calls, warm_up):
    import time

    start = time.perf_counter()
    model = load(phone, threads=phone.cores)
    load_s, seconds = time.perf_counter() - start, []
    for _ in range(1 + warm_up + calls):
        photo = phone.new_photo()
        start = time.perf_counter()
        model(photo)
        seconds.append(time.perf_counter() - start)
    return {"load_s": load_s, "first_s": seconds[0], "steady_s": seconds[1 + warm_up :]}


# %% exercise="measure" wrong="does not warm up" says="calls were to be made"
def measure(phone, calls, warm_up):
    start = phone.clock()
    model = load(phone, threads=phone.cores)
    load_s, seconds = phone.clock() - start, []
    for _ in range(1 + calls):
        photo = phone.new_photo()
        start = phone.clock()
        model(photo)
        seconds.append(phone.clock() - start)
    return {"load_s": load_s, "first_s": seconds[0], "steady_s": seconds[1:]}


# %% exercise="measure" wrong="keeps warm-up calls and drops the last ones" says="and your sample says"
def measure(phone, calls, warm_up):
    start = phone.clock()
    model = load(phone, threads=phone.cores)
    load_s, seconds = phone.clock() - start, []
    for _ in range(1 + warm_up + calls):
        photo = phone.new_photo()
        start = phone.clock()
        model(photo)
        seconds.append(phone.clock() - start)
    return {"load_s": load_s, "first_s": seconds[0], "steady_s": seconds[1 : calls + 1]}


# %% exercise="measure" wrong="drops the slowest as outliers" says="None may be dropped"
def measure(phone, calls, warm_up):
    start = phone.clock()
    model = load(phone, threads=phone.cores)
    load_s, seconds = phone.clock() - start, []
    for _ in range(1 + warm_up + calls):
        photo = phone.new_photo()
        start = phone.clock()
        model(photo)
        seconds.append(phone.clock() - start)
    steady = seconds[1 + warm_up :]
    usual = sorted(steady)[len(steady) // 2]
    return {"load_s": load_s, "first_s": seconds[0], "steady_s": [one for one in steady if one < 3 * usual]}


# %% exercise="measure" wrong="gives the mean" says="as a list"
def measure(phone, calls, warm_up):
    start = phone.clock()
    model = load(phone, threads=phone.cores)
    load_s, seconds = phone.clock() - start, []
    for _ in range(1 + warm_up + calls):
        photo = phone.new_photo()
        start = phone.clock()
        model(photo)
        seconds.append(phone.clock() - start)
    return {"load_s": load_s, "first_s": seconds[0], "steady_s": sum(seconds[1 + warm_up :]) / calls}


# %% exercise="measure" wrong="loads once to warm up, and reports the second load" says="loaded the model twice"
def measure(phone, calls, warm_up):
    load(phone, threads=phone.cores)
    start = phone.clock()
    model = load(phone, threads=phone.cores)
    load_s, seconds = phone.clock() - start, []
    for _ in range(1 + warm_up + calls):
        photo = phone.new_photo()
        start = phone.clock()
        model(photo)
        seconds.append(phone.clock() - start)
    return {"load_s": load_s, "first_s": seconds[0], "steady_s": seconds[1 + warm_up :]}


# %% exercise="measure" wrong="counts loading into the first call" says="`first_s` really was"
def measure(phone, calls, warm_up):
    start = phone.clock()
    model = load(phone, threads=phone.cores)
    load_s, seconds = phone.clock() - start, []
    for _ in range(1 + warm_up + calls):
        photo = phone.new_photo()
        start = phone.clock()
        model(photo)
        seconds.append(phone.clock() - start)
    return {"load_s": load_s, "first_s": load_s + seconds[0], "steady_s": seconds[1 + warm_up :]}


# %% exercise="measure" wrong="is made for the first phone of the check" says="steady calls were asked for"
def measure(phone, calls, warm_up):
    start = phone.clock()
    model = load(phone, threads=1)
    load_s, seconds = phone.clock() - start, []
    for _ in range(66):
        photo = phone.new_photo()
        start = phone.clock()
        model(photo)
        seconds.append(phone.clock() - start)
    return {"load_s": load_s, "first_s": seconds[0], "steady_s": seconds[6:]}


# %% exercise="measure" wrong="collects the garbage before each call" says="froze the collector yourself"
def measure(phone, calls, warm_up):
    start = phone.clock()
    model = load(phone, threads=phone.cores)
    load_s, seconds = phone.clock() - start, []
    for _ in range(1 + warm_up + calls):
        photo = phone.new_photo()
        gc.collect()
        start = phone.clock()
        model(photo)
        seconds.append(phone.clock() - start)
    return {"load_s": load_s, "first_s": seconds[0], "steady_s": seconds[1 + warm_up :]}


# %% exercise="measure" wrong="freezes what is alive, which the app does not" says="froze the collector yourself"
def measure(phone, calls, warm_up):
    start = phone.clock()
    model = load(phone, threads=phone.cores)
    load_s, seconds = phone.clock() - start, []
    gc.freeze()
    for _ in range(1 + warm_up + calls):
        photo = phone.new_photo()
        start = phone.clock()
        model(photo)
        seconds.append(phone.clock() - start)
    return {"load_s": load_s, "first_s": seconds[0], "steady_s": seconds[1 + warm_up :]}


# %% exercise="measure" wrong="sets the threshold to 0, so that the collector never runs" says="garbage collector off"
def measure(phone, calls, warm_up):
    start = phone.clock()
    model = load(phone, threads=phone.cores)
    load_s, seconds = phone.clock() - start, []
    threshold = gc.get_threshold()
    gc.set_threshold(0)
    for _ in range(1 + warm_up + calls):
        photo = phone.new_photo()
        start = phone.clock()
        model(photo)
        seconds.append(phone.clock() - start)
    gc.set_threshold(*threshold)
    return {"load_s": load_s, "first_s": seconds[0], "steady_s": seconds[1 + warm_up :]}


# %% exercise="interval" right="tries every pair of ranks, with sums made once"
def p95_interval(samples, confidence=0.95):
    if any(math.isnan(sample) or math.isinf(sample) for sample in samples):
        raise ValueError("not a number")
    count, below = len(samples), [0.0]
    for k in range(count + 1):
        below.append(below[-1] + math.comb(count, k) * 0.95**k * 0.05 ** (count - k))
    pairs = []
    for low in range(1, count):
        high = bisect_left(below, below[low] + confidence)
        if high <= count:
            pairs.append((high - low, low, high))
    if not pairs:
        needed = math.ceil(math.log(1 - confidence) / math.log(0.95))
        raise ValueError(f"{count} are too few: take {needed}")
    _, low, high = min(pairs)
    return sorted(samples)[low - 1], sorted(samples)[high - 1]


# %% exercise="interval" right="widens on both sides in turn, as the notebook does"
def p95_interval(samples, confidence=0.95):
    count = len(samples)
    needed = next(n for n in range(2, 10_000) if 1 - 0.95**n - 0.05**n >= confidence)
    if count < needed or not np.isfinite(samples).all():
        raise ValueError(f"take at least {needed} finite samples")

    def chance(lower, upper):
        return sum(math.comb(count, k) * 0.95**k * 0.05 ** (count - k) for k in range(lower, upper))

    lower = round(count * 0.95)
    upper = lower + 1
    while chance(lower, min(upper, count)) < confidence:
        lower, upper = max(1, lower - 1), upper + 1
    ordered = sorted(samples)
    return ordered[lower - 1], ordered[min(upper, count) - 1]


# %% exercise="interval" right="asks the package for the ranks only"
def p95_interval(samples, confidence=0.95):
    from offlinefirst.measure.stats import interval_ranks

    if not np.isfinite(samples).all():
        raise ValueError("a sample is no finite number")
    lower, upper = interval_ranks(len(samples), 95, confidence=confidence)
    ordered = np.sort(samples)
    return float(ordered[lower - 1]), float(ordered[upper - 1])


# %% exercise="interval" wrong="takes mean and standard deviation" says="not two of the samples"
def p95_interval(samples, confidence=0.95):
    if len(samples) < 59:
        raise ValueError("take at least 59")
    middle, spread = np.percentile(samples, 95), np.std(samples)
    return middle - 1.96 * spread / len(samples) ** 0.5, middle + 1.96 * spread / len(samples) ** 0.5


# %% exercise="interval" wrong="takes the interval that holds 95 % of the samples" says="ranks wider than need be"
def p95_interval(samples, confidence=0.95):
    if len(samples) < 59:
        raise ValueError("take at least 59")
    ordered = sorted(samples)
    return ordered[round(0.025 * len(ordered))], ordered[-1]


# %% exercise="interval" wrong="takes least and greatest whatever their number" says="ranks wider than need be"
def p95_interval(samples, confidence=0.95):
    return min(samples), max(samples)


# %% exercise="interval" wrong="takes the bell curve for the coin" says="hold the true p95 in"
def p95_interval(samples, confidence=0.95):
    if len(samples) < 59:
        raise ValueError("take at least 59")
    ordered, count = sorted(samples), len(samples)
    spread = 1.96 * (count * 0.95 * 0.05) ** 0.5
    return ordered[round(0.95 * count - spread) - 1], ordered[min(count, round(0.95 * count + spread)) - 1]


# %% exercise="interval" wrong="counts ranks from 0 where they are counted from 1" says="hold the true p95 in"
def p95_interval(samples, confidence=0.95):
    from offlinefirst.measure.stats import interval_ranks

    lower, upper = interval_ranks(len(samples), 95, confidence=confidence)
    ordered = sorted(samples)
    return ordered[lower - 2], ordered[upper - 2]


# %% exercise="interval" wrong="sorts the caller's list" says="changed the caller's list"
def p95_interval(samples, confidence=0.95):
    from offlinefirst.measure.stats import interval_ranks

    lower, upper = interval_ranks(len(samples), 95, confidence=confidence)
    samples.sort()
    return samples[lower - 1], samples[upper - 1]


# %% exercise="interval" wrong="knows only one confidence" says="hold the true p95 in"
def p95_interval(samples, confidence=0.95):
    from offlinefirst.measure.stats import interval_ranks

    lower, upper = interval_ranks(len(samples), 95, confidence=min(confidence, 0.95))
    ordered = sorted(samples)
    return ordered[lower - 1], ordered[upper - 1]


# %% exercise="interval" wrong="gives least and greatest when there are too few" says="there is none"
def p95_interval(samples, confidence=0.95):
    from offlinefirst.measure.stats import interval_ranks

    ordered = sorted(samples)
    try:
        lower, upper = interval_ranks(len(samples), 95, confidence=confidence)
    except ValueError:
        lower, upper = 1, len(samples)
    return ordered[lower - 1], ordered[upper - 1]


# %% exercise="interval" wrong="refuses without saying how many it takes" says="say how many it takes"
def p95_interval(samples, confidence=0.95):
    from offlinefirst.measure.stats import interval_ranks

    try:
        lower, upper = interval_ranks(len(samples), 95, confidence=confidence)
    except ValueError:
        raise ValueError("too few samples") from None
    ordered = sorted(samples)
    return ordered[lower - 1], ordered[upper - 1]


# %% exercise="interval" wrong="computes with infinite samples" says="and you computed with it"
def p95_interval(samples, confidence=0.95):
    from offlinefirst.measure.stats import interval_ranks

    lower, upper = interval_ranks(len(samples), 95, confidence=confidence)
    ordered = sorted(samples)
    return ordered[lower - 1], ordered[upper - 1]


# %% exercise="interval" wrong="knows the ranks of a hundred calls by heart" says="raised"
def p95_interval(samples, confidence=0.95):
    ordered = sorted(samples)
    return ordered[90], ordered[99]


# %% exercise="interval" wrong="counts samples that are alike once" says="they are enough, and you refuse"
def p95_interval(samples, confidence=0.95):
    from offlinefirst.measure.stats import interval_ranks

    if not np.isfinite(samples).all():
        raise ValueError("a sample is no finite number")
    ordered = sorted(set(samples))
    lower, upper = interval_ranks(len(ordered), 95, confidence=confidence)
    return ordered[lower - 1], ordered[upper - 1]


# %% exercise="interval" wrong="counts them once where enough are left" says="Each sample counts, alike or not"
def p95_interval(samples, confidence=0.95):
    from offlinefirst.measure.stats import interval_ranks

    if not np.isfinite(samples).all():
        raise ValueError("a sample is no finite number")
    ordered = sorted(set(samples))
    if len(ordered) < 59 <= len(samples):
        ordered = sorted(samples)
    lower, upper = interval_ranks(len(ordered), 95, confidence=confidence)
    return ordered[lower - 1], ordered[upper - 1]


# %% exercise="interval" wrong="takes minus infinity for a number" says="One sample is -inf"
def p95_interval(samples, confidence=0.95):
    from offlinefirst.measure.stats import interval_ranks

    if any(math.isnan(sample) or sample == math.inf for sample in samples):
        raise ValueError("a sample is no finite number")
    lower, upper = interval_ranks(len(samples), 95, confidence=confidence)
    ordered = sorted(samples)
    return ordered[lower - 1], ordered[upper - 1]


# %% exercise="interval" wrong="names every number that may be asked for" says="as well"
def p95_interval(samples, confidence=0.95):
    from offlinefirst.measure.stats import interval_ranks

    try:
        lower, upper = interval_ranks(len(samples), 95, confidence=confidence)
    except ValueError:
        raise ValueError("take 45, 59 or 90") from None
    if not np.isfinite(samples).all():
        raise ValueError("take 45, 59 or 90")
    ordered = sorted(samples)
    return ordered[lower - 1], ordered[upper - 1]


# %% exercise="decide" right="draws the pairs anew, with the package's bootstrap"
def decide(old_s, new_s):
    if len(old_s) < 6:
        return "cannot tell"
    interval = stats.ratio_interval(new_s, old_s, rounds=400)
    if interval.low <= 1 <= interval.high:
        return "cannot tell"
    return "slower" if interval.low > 1 else "faster"


# %% exercise="decide" right="counts the pairs in which the new one was slower, a sign test"
def decide(old_s, new_s):
    slower = sum(new > old for old, new in zip(old_s, new_s, strict=True))
    faster = sum(new < old for old, new in zip(old_s, new_s, strict=True))
    pairs, most = slower + faster, max(slower, faster)
    by_chance = sum(math.comb(pairs, k) for k in range(most, pairs + 1)) / 2 ** max(0, pairs - 1)
    if by_chance > 0.05:
        return "cannot tell"
    return "slower" if slower > faster else "faster"


# %% exercise="decide" wrong="compares two medians" says="whatever they look like"
def decide(old_s, new_s):
    return "slower" if np.median(new_s) > np.median(old_s) else "faster"


# %% exercise="decide" wrong="compares two medians once there are enough" says="you called"
def decide(old_s, new_s):
    if len(old_s) < 10:
        return "cannot tell"
    return "slower" if np.median(new_s) > np.median(old_s) else "faster"


# %% exercise="decide" wrong="calls 5 % noise" says="you called"
def decide(old_s, new_s):
    ratio = np.median(np.array(new_s) / np.array(old_s))
    if len(old_s) < 10 or 0.95 < ratio < 1.05:
        return "cannot tell"
    return "slower" if ratio > 1 else "faster"


# %% exercise="decide" wrong="calls 20 % noise, to be on the safe side" says="you saw it in"
def decide(old_s, new_s):
    ratio = np.median(np.array(new_s) / np.array(old_s))
    if len(old_s) < 20 or 0.8 < ratio < 1.25:
        return "cannot tell"
    return "slower" if ratio > 1 else "faster"


# %% exercise="decide" wrong="looks at each version by itself, and forgets the pairs" says="you saw it in"
def decide(old_s, new_s):
    if len(old_s) < 6:
        return "cannot tell"
    old, new = stats.percentile_interval(old_s, 50), stats.percentile_interval(new_s, 50)
    return "slower" if new.low > old.high else "faster" if new.high < old.low else "cannot tell"


# %% exercise="decide" wrong="trusts means, which one call in ten spoils" says="On a phone with other apps"
def decide(old_s, new_s):
    ratios = np.log(np.array(new_s) / np.array(old_s))
    if len(ratios) < 6:
        return "cannot tell"
    error = ratios.std(ddof=1) / len(ratios) ** 0.5
    if abs(ratios.mean()) < 2 * error:
        return "cannot tell"
    return "slower" if ratios.mean() > 0 else "faster"


# %% exercise="decide" wrong="never says anything" says="you saw it in"
def decide(old_s, new_s):
    return "cannot tell"


# %% exercise="decide" wrong="always calls it slower when there are enough pairs" says="you called"
def decide(old_s, new_s):
    return "slower" if len(old_s) > 5 else "cannot tell"


# %% exercise="decide" wrong="mixes old and new up" says="you saw it in"
def decide(old_s, new_s):
    if len(old_s) < 6:
        return "cannot tell"
    interval = stats.percentile_interval(np.array(old_s) / np.array(new_s), 50)
    return "slower" if interval.low > 1 else "faster" if interval.high < 1 else "cannot tell"


# %% exercise="decide" wrong="looks only for what got slower" says="is faster"
def decide(old_s, new_s):
    if len(old_s) < 6:
        return "cannot tell"
    interval = stats.percentile_interval(np.array(new_s) / np.array(old_s), 50)
    return "slower" if interval.low > 1 else "cannot tell"


# %% exercise="decide" wrong="is content with 60 % confidence" says="you called"
def decide(old_s, new_s):
    if len(old_s) < 6:
        return "cannot tell"
    interval = stats.percentile_interval(np.array(new_s) / np.array(old_s), 50, confidence=0.6)
    return "slower" if interval.low > 1 else "faster" if interval.high < 1 else "cannot tell"


# %% exercise="decide" wrong="is content with 90 % confidence" says="That is doubt at 95 %"
def decide(old_s, new_s):
    if len(old_s) < 6:
        return "cannot tell"
    interval = stats.percentile_interval(np.array(new_s) / np.array(old_s), 50, confidence=0.9)
    return "slower" if interval.low > 1 else "faster" if interval.high < 1 else "cannot tell"


# %% exercise="decide" wrong="wants forty pairs before it says anything" says="12 pairs, and in each"
def decide(old_s, new_s):
    if len(old_s) < 40:
        return "cannot tell"
    interval = stats.percentile_interval(np.array(new_s) / np.array(old_s), 50)
    return "slower" if interval.low > 1 else "faster" if interval.high < 1 else "cannot tell"


# %% exercise="decide" wrong="does not call half a per cent a change" says="small and sure"
def decide(old_s, new_s):
    if len(old_s) < 6:
        return "cannot tell"
    interval = stats.percentile_interval(np.array(new_s) / np.array(old_s), 50)
    return "slower" if interval.low > 1.005 else "faster" if interval.high < 0.995 else "cannot tell"


# %% exercise="decide" wrong="answers in words of its own" says="and nothing else"
def decide(old_s, new_s):
    return "cannot tell" if len(old_s) < 6 else "maybe"


# %% exercise="plan" right="the same for every device, shorter sessions"
def plan():
    runs = [
        {"device": name, "sessions": 8, "warm_up": 10, "calls": 50, "order": "in turn"} for name in DEVICES
    ]
    return {"metrics": {"p95", "peak_rss_bytes", "quality", "size_bytes"}, "runs": runs}


# %% exercise="plan" right="spends the hour where the users are"
def plan():
    numbers = {"laptop-4gb": (4, 60), "phone-4gb": (8, 60), "phone-2gb": (10, 60)}
    runs = [
        {"device": name, "sessions": sessions, "warm_up": 12, "calls": calls, "order": "in turn"}
        for name, (sessions, calls) in numbers.items()
    ]
    return {"metrics": ["p95", "p50", "quality", "peak_rss_bytes", "energy_j"], "runs": runs}


# %% exercise="plan" wrong="one long session on each device" says="the p95 is off by"
def plan():
    runs = [
        {"device": name, "sessions": 1, "warm_up": 20, "calls": 1500, "order": "in turn"} for name in DEVICES
    ]
    return {"metrics": ["p95", "peak_rss_bytes", "quality"], "runs": runs}


# %% exercise="plan" wrong="one model after the other" says="the ratio is off by"
def plan():
    runs = [
        {"device": name, "sessions": 8, "warm_up": 10, "calls": 50, "order": "blocks"} for name in DEVICES
    ]
    return {"metrics": ["p95", "peak_rss_bytes", "quality"], "runs": runs}


# %% exercise="plan" wrong="does not warm up" says="a number of their own"
def plan():
    runs = [
        {"device": name, "sessions": 8, "warm_up": 0, "calls": 50, "order": "in turn"} for name in DEVICES
    ]
    return {"metrics": ["p95", "peak_rss_bytes", "quality"], "runs": runs}


# %% exercise="plan" wrong="does not warm the laptop up, where three cold calls do not show" says="a number of their own"
def plan():
    runs = [
        {"device": name, "sessions": 8, "warm_up": 10, "calls": 50, "order": "in turn"} for name in DEVICES
    ]
    runs[-1] |= {"warm_up": 0, "calls": 300}
    return {"metrics": ["p95", "peak_rss_bytes", "quality"], "runs": runs}


# %% exercise="plan" wrong="wants more than an hour" says="The plan takes"
def plan():
    runs = [
        {"device": name, "sessions": 30, "warm_up": 10, "calls": 100, "order": "in turn"} for name in DEVICES
    ]
    return {"metrics": ["p95", "peak_rss_bytes", "quality"], "runs": runs}


# %% exercise="plan" wrong="measures on the laptop, which is at hand" says="does not travel"
def plan():
    runs = [{"device": "laptop-4gb", "sessions": 20, "warm_up": 10, "calls": 100, "order": "in turn"}]
    return {"metrics": ["p95", "peak_rss_bytes", "quality"], "runs": runs}


# %% exercise="plan" wrong="a few calls are enough" says="give a p95 no interval"
def plan():
    runs = [
        {"device": name, "sessions": 8, "warm_up": 10, "calls": 5, "order": "in turn"} for name in DEVICES
    ]
    return {"metrics": ["p95", "peak_rss_bytes", "quality"], "runs": runs}


# %% exercise="plan" wrong="reports means, and forgets what the model is for" says="what waiting is like"
def plan():
    runs = [
        {"device": name, "sessions": 8, "warm_up": 10, "calls": 50, "order": "in turn"} for name in DEVICES
    ]
    return {"metrics": ["mean", "load_s"], "runs": runs}


# %% exercise="plan" wrong="speed without quality" says="Without quality"
def plan():
    runs = [
        {"device": name, "sessions": 8, "warm_up": 10, "calls": 50, "order": "in turn"} for name in DEVICES
    ]
    return {"metrics": ["p50", "p95", "peak_rss_bytes"], "runs": runs}
