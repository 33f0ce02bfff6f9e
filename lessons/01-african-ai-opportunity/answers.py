# %% [markdown]
# Other answers to the lab's exercises. Wrong ones start with the source's own tree and with the mistakes of spreadsheets.
#
# ruff: noqa: F821

# %% exercise="journey" right="counts in seconds, with a generator for the tries"
def journey(size_bytes, profile, up, resumes):
    left, travelled_bits, arrived = 8 * size_bytes, 0, None
    for start, end in up:
        want = left if resumes else 8 * size_bytes
        got = min(want, (end - start) * 3600 * profile.link.bandwidth_bps)
        travelled_bits += got
        left = want - got
        if left < 1:
            arrived = start + got / profile.link.bandwidth_bps / 3600
            break
    usd = profile.price_usd_per_gb * travelled_bits / 8e9
    return dict(hours=arrived, bytes=travelled_bits / 8, usd=usd, work_h=usd / profile.wage_usd_per_hour)


# %% exercise="journey" right="uses whole lists and looks for the interval that finishes it"
def journey(size_bytes, profile, up, resumes):
    need_h = size_bytes / (profile.link.bandwidth_bps / 8) / 3600
    lengths = [end - start for start, end in up]
    hours, used_h = None, sum(lengths)
    for index, (start, _) in enumerate(up):
        before = sum(lengths[:index])
        missing = need_h - before if resumes else need_h
        if lengths[index] > missing - 1e-9:
            hours, used_h = start + missing, before + missing
            break
    usd = used_h / need_h * size_bytes * profile.price_usd_per_gb / 1_000_000_000
    return {
        "hours": hours,
        "bytes": used_h / need_h * size_bytes,
        "usd": usd,
        "work_h": usd / profile.wage_usd_per_hour,
    }


# %% exercise="journey" wrong="takes megabits for megabytes" says="it is there after"
def journey(size_bytes, profile, up, resumes):
    left, travelled, arrived = size_bytes, 0, None
    for start, end in up:
        want = left if resumes else size_bytes
        got = min(want, (end - start) * 3600 * profile.link.bandwidth_bps)
        travelled, left = travelled + got, want - got
        if left < 1:
            arrived = start + got / profile.link.bandwidth_bps / 3600
            break
    usd = profile.price_usd_per_gb * travelled / 1e9
    return {"hours": arrived, "bytes": travelled, "usd": usd, "work_h": usd / profile.wage_usd_per_hour}


# %% exercise="journey" wrong="buys gigabytes of 2 to the 30" says="usd should be"
def journey(size_bytes, profile, up, resumes):
    per_h = profile.link.bandwidth_bps / 8 * 3600
    left, travelled, arrived = size_bytes, 0, None
    for start, end in up:
        want = left if resumes else size_bytes
        got = min(want, (end - start) * per_h)
        travelled, left = travelled + got, want - got
        if left < 1:
            arrived = start + got / per_h
            break
    usd = profile.price_usd_per_gb * travelled / 2**30
    return {"hours": arrived, "bytes": travelled, "usd": usd, "work_h": usd / profile.wage_usd_per_hour}


# %% exercise="journey" wrong="divides by the uptime, as the naive plan does" says="it is there after"
def journey(size_bytes, profile, up, resumes):
    hours = size_bytes / (profile.link.bandwidth_bps / 8) / 3600 / profile.link.uptime
    usd = size_bytes / 1e9 * profile.price_usd_per_gb
    return {"hours": hours, "bytes": size_bytes, "usd": usd, "work_h": usd / profile.wage_usd_per_hour}


# %% exercise="journey" wrong="does not pay for what a cut made worthless" says="bytes should be"
def journey(size_bytes, profile, up, resumes):
    per_h = profile.link.bandwidth_bps / 8 * 3600
    left, arrived = size_bytes, None
    for start, end in up:
        want = left if resumes else size_bytes
        got = min(want, (end - start) * per_h)
        left = want - got
        if left < 1:
            arrived = start + got / per_h
            break
    travelled = size_bytes - left
    usd = profile.price_usd_per_gb * travelled / 1e9
    return {"hours": arrived, "bytes": travelled, "usd": usd, "work_h": usd / profile.wage_usd_per_hour}


# %% exercise="journey" wrong="counts the hours of link, not the hours on the clock" says="it is there after"
def journey(size_bytes, profile, up, resumes):
    per_h = profile.link.bandwidth_bps / 8 * 3600
    left, travelled, arrived = size_bytes, 0, None
    for start, end in up:
        want = left if resumes else size_bytes
        got = min(want, (end - start) * per_h)
        travelled, left = travelled + got, want - got
        if left < 1:
            arrived = travelled / per_h
            break
    usd = profile.price_usd_per_gb * travelled / 1e9
    return {"hours": arrived, "bytes": travelled, "usd": usd, "work_h": usd / profile.wage_usd_per_hour}


# %% exercise="journey" wrong="resumes always" says="resumes False"
def journey(size_bytes, profile, up, resumes):
    per_h = profile.link.bandwidth_bps / 8 * 3600
    left, travelled, arrived = size_bytes, 0, None
    for start, end in up:
        got = min(left, (end - start) * per_h)
        travelled, left = travelled + got, left - got
        if left < 1:
            arrived = start + got / per_h
            break
    usd = profile.price_usd_per_gb * travelled / 1e9
    return {"hours": arrived, "bytes": travelled, "usd": usd, "work_h": usd / profile.wage_usd_per_hour}


# %% exercise="journey" wrong="goes on paying after it has arrived" says="bytes should be"
def journey(size_bytes, profile, up, resumes):
    per_h = profile.link.bandwidth_bps / 8 * 3600
    left, travelled, arrived = size_bytes, 0, None
    for start, end in up:
        want = left if resumes else size_bytes
        travelled += (end - start) * per_h
        got = min(want, (end - start) * per_h)
        left = want - got
        if left < 1:
            arrived = start + got / per_h
            break
    usd = profile.price_usd_per_gb * travelled / 1e9
    return {"hours": arrived, "bytes": travelled, "usd": usd, "work_h": usd / profile.wage_usd_per_hour}


# %% exercise="journey" wrong="is made for one phone and a link that is always up" says="it is there after"
def journey(size_bytes, profile, up, resumes):
    usd = size_bytes / 1e9 * 3
    return {"hours": size_bytes / 62_500 / 3600, "bytes": size_bytes, "usd": usd, "work_h": usd / 0.15}


# %% exercise="journey" wrong="gives the last hour of the schedule when it never arrives" says="it never arrives"
def journey(size_bytes, profile, up, resumes):
    per_h = profile.link.bandwidth_bps / 8 * 3600
    left, travelled, arrived = size_bytes, 0, up[-1][1] if up else 0
    for start, end in up:
        want = left if resumes else size_bytes
        got = min(want, (end - start) * per_h)
        travelled, left = travelled + got, want - got
        if left < 1:
            arrived = start + got / per_h
            break
    usd = profile.price_usd_per_gb * travelled / 1e9
    return {"hours": arrived, "bytes": travelled, "usd": usd, "work_h": usd / profile.wage_usd_per_hour}


# %% exercise="journey" wrong="has the wage of the three profiles by heart" says="work_h should be"
def journey(size_bytes, profile, up, resumes):
    per_h = profile.link.bandwidth_bps / 8 * 3600
    left, travelled, arrived = size_bytes, 0, None
    for start, end in up:
        want = left if resumes else size_bytes
        got = min(want, (end - start) * per_h)
        travelled, left = travelled + got, want - got
        if left < 1:
            arrived = start + got / per_h
            break
    usd = profile.price_usd_per_gb * travelled / 1e9
    return {"hours": arrived, "bytes": travelled, "usd": usd, "work_h": usd / 0.15}


# %% exercise="updates" right="decides first and builds the stack once"
def choose_with_updates(situation, updates_per_year):
    stack = choose(situation)
    often = updates_per_year > 4
    linked = situation.connectivity in ("reliable", "intermittent")
    if often and linked and stack.delivery == "bundle":
        why = Reason(
            "delivery", f"{updates_per_year} updates a year: the first model inside, the others alone"
        )
        stack = replace(stack, delivery="bundle, then update", reasons=(why, *stack.reasons))
    return stack


# %% exercise="updates" right="looks at the storage and not at the answer"
def choose_with_updates(situation, updates_per_year):
    plan = choose(situation)
    if situation.storage_gb >= 64 or situation.connectivity == "none":
        return plan
    if updates_per_year in range(5):
        return plan
    text = f"Only the model changes ({updates_per_year} times a year); an app of many MB need not"
    return replace(plan, delivery="bundle, then update", reasons=(*plan.reasons, Reason("delivery", text)))


# %% exercise="updates" wrong="says what the source's tree says: below 64 GB bundle, whatever changes" says="delivery should be 'bundle, then update'"
def choose_with_updates(situation, updates_per_year):
    return choose(situation)


# %% exercise="updates" wrong="promises updates to people without a link" says="link none"
def choose_with_updates(situation, updates_per_year):
    stack = choose(situation)
    if stack.delivery != "bundle" or updates_per_year <= 4:
        return stack
    why = Reason("delivery", f"{updates_per_year} updates a year")
    return replace(stack, delivery="bundle, then update", reasons=(*stack.reasons, why))


# %% exercise="updates" wrong="is off by one: four a year count as often" says="4 updates a year"
def choose_with_updates(situation, updates_per_year):
    stack = choose(situation)
    if stack.delivery != "bundle" or situation.connectivity == "none" or updates_per_year < 4:
        return stack
    why = Reason("delivery", f"{updates_per_year} updates a year")
    return replace(stack, delivery="bundle, then update", reasons=(*stack.reasons, why))


# %% exercise="updates" wrong="throws the old reasons away" says="a reason that still holds is gone"
def choose_with_updates(situation, updates_per_year):
    stack = choose(situation)
    if stack.delivery != "bundle" or situation.connectivity == "none" or updates_per_year <= 4:
        return stack
    kept = tuple(reason for reason in stack.reasons if reason.about != "delivery")
    why = Reason("delivery", f"{updates_per_year} updates a year")
    return replace(stack, delivery="bundle, then update", reasons=(*kept, why))


# %% exercise="updates" wrong="only downloads, so that the first start has no model" says="you said 'download'"
def choose_with_updates(situation, updates_per_year):
    stack = choose(situation)
    if stack.delivery != "bundle" or situation.connectivity == "none" or updates_per_year <= 4:
        return stack
    why = Reason("delivery", f"{updates_per_year} updates a year")
    return replace(stack, delivery="download", reasons=(*stack.reasons, why))


# %% exercise="updates" wrong="changes downloads too" says="delivery should be 'download'"
def choose_with_updates(situation, updates_per_year):
    stack = choose(situation)
    if situation.connectivity == "none" or updates_per_year <= 4:
        return stack
    why = Reason("delivery", f"{updates_per_year} updates a year")
    return replace(stack, delivery="bundle, then update", reasons=(*stack.reasons, why))


# %% exercise="updates" wrong="knows only the phone and the week of the story" says="delivery should be 'bundle, then update'"
def choose_with_updates(situation, updates_per_year):
    stack = choose(situation)
    if situation.storage_gb != 16 or situation.connectivity != "intermittent" or updates_per_year != 52:
        return stack
    why = Reason("delivery", "52 updates a year")
    return replace(stack, delivery="bundle, then update", reasons=(*stack.reasons, why))


# %% exercise="updates" wrong="gives no reason" says="give one new reason"
def choose_with_updates(situation, updates_per_year):
    stack = choose(situation)
    if stack.delivery != "bundle" or situation.connectivity == "none" or updates_per_year <= 4:
        return stack
    return replace(stack, delivery="bundle, then update")


# %% exercise="updates" wrong="gives a reason that names nothing" says="should name the number"
def choose_with_updates(situation, updates_per_year):
    stack = choose(situation)
    if stack.delivery != "bundle" or situation.connectivity == "none" or updates_per_year <= 4:
        return stack
    why = Reason("delivery", "it changes often")
    return replace(stack, delivery="bundle, then update", reasons=(*stack.reasons, why))


# %% exercise="updates" wrong="gives a constant reason with two numbers" says="should name the number"
def choose_with_updates(situation, updates_per_year):
    stack = choose(situation)
    if stack.delivery != "bundle" or situation.connectivity == "none" or updates_per_year <= 4:
        return stack
    why = Reason("delivery", "12 times or 52 times a year")
    return replace(stack, delivery="bundle, then update", reasons=(*stack.reasons, why))


# %% exercise="updates" wrong="names ten times the number" says="should name the number"
def choose_with_updates(situation, updates_per_year):
    stack = choose(situation)
    if stack.delivery != "bundle" or situation.connectivity == "none" or updates_per_year <= 4:
        return stack
    why = Reason("delivery", f"{updates_per_year * 10} updates in ten years")
    return replace(stack, delivery="bundle, then update", reasons=(*stack.reasons, why))


# %% exercise="updates" wrong="lists the numbers that the check asks for" says="the reason is the same as"
def choose_with_updates(situation, updates_per_year):
    stack = choose(situation)
    if stack.delivery != "bundle" or situation.connectivity == "none" or updates_per_year <= 4:
        return stack
    why = Reason("delivery", "5, 7, 12, 23, 52 or 365 updates a year")
    return replace(stack, delivery="bundle, then update", reasons=(*stack.reasons, why))


# %% exercise="updates" wrong="shrinks the model on the way" says="another part of the plan"
def choose_with_updates(situation, updates_per_year):
    stack = choose(situation)
    if stack.delivery != "bundle" or situation.connectivity == "none" or updates_per_year <= 4:
        return stack
    why = Reason("delivery", f"{updates_per_year} updates a year")
    return replace(stack, delivery="bundle, then update", max_model_mb=1.0, reasons=(*stack.reasons, why))


# %% exercise="break_even" right="bisects by recursion"
def break_even(cloud_usd, edge_usd, most):
    def pays(people):
        return edge_usd(people) <= cloud_usd(people)

    def first(low, high):
        if low == high:
            return low
        middle = (low + high) // 2
        return first(low, middle) if pays(middle) else first(middle + 1, high)

    return first(1, most) if pays(most) else None


# %% exercise="break_even" right="doubles until it pays, then bisects, with the library"
def break_even(cloud_usd, edge_usd, most):
    import bisect

    people = range(1, most + 1)
    index = bisect.bisect_left(people, True, key=lambda n: edge_usd(n) <= cloud_usd(n))
    return people[index] if index < most else None


# %% exercise="break_even" wrong="draws a line through two points" says="is not a number of people"
def break_even(cloud_usd, edge_usd, most):
    first, last = cloud_usd(1) - edge_usd(1), cloud_usd(most) - edge_usd(most)
    if last < 0:
        return None
    if first >= 0:
        return 1
    return 1 + (most - 1) * first / (first - last)


# %% exercise="break_even" wrong="draws a line through two points and rounds up" says="a server for each 500 people"
def break_even(cloud_usd, edge_usd, most):
    first, last = cloud_usd(1) - edge_usd(1), cloud_usd(most) - edge_usd(most)
    if last < 0:
        return None
    if first >= 0:
        return 1
    return -int(-(1 + (most - 1) * first / (first - last)) // 1)


# %% exercise="break_even" wrong="tries one number after the other" says="50 must do"
def break_even(cloud_usd, edge_usd, most):
    return next((n for n in range(1, most + 1) if edge_usd(n) <= cloud_usd(n)), None)


# %% exercise="break_even" wrong="gives the largest number when it never pays" says="so it is never"
def break_even(cloud_usd, edge_usd, most):
    low, high = 1, most
    while low < high:
        middle = (low + high) // 2
        if edge_usd(middle) <= cloud_usd(middle):
            high = middle
        else:
            low = middle + 1
    return low


# %% exercise="break_even" wrong="asks for less than the cloud, not for as much" says="one person fewer"
def break_even(cloud_usd, edge_usd, most):
    low, high = 1, most
    if edge_usd(most) > cloud_usd(most):
        return None
    while low < high:
        middle = (low + high) // 2
        if edge_usd(middle) < cloud_usd(middle):
            high = middle
        else:
            low = middle + 1
    return low


# %% exercise="break_even" wrong="never looks below two" says="one person fewer"
def break_even(cloud_usd, edge_usd, most):
    if edge_usd(most) > cloud_usd(most):
        return None
    low, high = 1, most
    while high - low > 1:
        middle = (low + high) // 2
        if edge_usd(middle) <= cloud_usd(middle):
            high = middle
        else:
            low = middle
    return high


# %% exercise="break_even" wrong="stops one too early" says="still costs more"
def break_even(cloud_usd, edge_usd, most):
    if edge_usd(most) > cloud_usd(most):
        return None
    if edge_usd(1) <= cloud_usd(1):
        return 1
    low, high = 1, most
    while high - low > 1:
        middle = (low + high) // 2
        if edge_usd(middle) <= cloud_usd(middle):
            high = middle
        else:
            low = middle
    return low


# %% exercise="break_even" wrong="says that always is never" says="you said never"
def break_even(cloud_usd, edge_usd, most):
    if edge_usd(most) > cloud_usd(most) or edge_usd(1) <= cloud_usd(1):
        return None
    low, high = 1, most
    while high - low > 1:
        middle = (low + high) // 2
        if edge_usd(middle) <= cloud_usd(middle):
            high = middle
        else:
            low = middle
    return high


# %% exercise="break_even" wrong="asks what nobody costs" says="people that there are not"
def break_even(cloud_usd, edge_usd, most):
    if edge_usd(0) <= cloud_usd(0):
        return 1
    if edge_usd(most) > cloud_usd(most):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        if edge_usd(middle) <= cloud_usd(middle):
            high = middle
        else:
            low = middle
    return high


# %% exercise="break_even" wrong="knows the first case by heart" says="a server for each 500 people"
def break_even(cloud_usd, edge_usd, most):
    return 445


# %% exercise="defend" right="chooses Naserian, trees and a card"
def defend():
    because = {
        "inference": "there is no link at all where the goats are",
        "runtime": "trees are sums of comparisons and need no runtime with drivers",
        "model_mb": "two hundred trees of depth six take well under half a megabyte",
        "delivery": "somebody brings the phone to town twice a year with a memory card",
        "first_try": "weights and dates are columns, and boosting is hard to beat on columns",
    }
    return {
        "who": "Naserian",
        "inference": "device",
        "runtime": "own code",
        "model_mb": 0.4,
        "delivery": "by hand",
        "first_try": "gradient boosting",
        "reasons": because,
        "would_change": {"data": "image"},
    }


# %% exercise="defend" right="chooses Chipo, disagrees about the size, and names two things that would change it"
def defend():
    because = {
        "inference": "the messages of patients must stay in the house, whatever the link",
        "runtime": "the house has laptops of several makes, so one file for all of them",
        "model_mb": "twenty megabytes are nothing on these laptops and leave room for more words",
        "delivery": "the link is good and a nurse can wait for a download once",
        "first_try": "urgent messages share pieces of words, so a linear model on them is quick to judge",
    }
    return {
        "who": "Chipo",
        "inference": "device",
        "runtime": "ONNX Runtime",
        "model_mb": 20,
        "delivery": "download",
        "first_try": "linear model on character n-grams",
        "reasons": because,
        "would_change": {"private": False, "connectivity": "none"},
    }


# %% exercise="defend" right="exceeds the size, and says so"
def defend():
    because = {
        "inference": "nobody waits for a link when a compressor stops at night",
        "runtime": "the phones are Android phones and so one runtime is enough",
        "model_mb": "above the 5 MB of the framework: nothing else lies on these phones",
        "delivery": "a technician comes by each month and brings it on a card",
        "first_try": "a worn bearing is louder in a few bands, which one can plot",
    }
    return {
        "who": "Baraka",
        "inference": "device",
        "runtime": "LiteRT",
        "model_mb": 12,
        "delivery": "by hand",
        "first_try": "Logistic regression on band energies",
        "reasons": because,
        "would_change": {"storage_gb": 128},
    }


# %% exercise="defend" wrong="names no runtime" says="runtime is"
def defend():
    because = {part: f"the people here need it, and {part} follows from that" for part in ANSWERED}
    return {
        "who": "Baraka",
        "inference": "device",
        "runtime": "",
        "model_mb": 2,
        "delivery": "bundle",
        "first_try": "random forest",
        "reasons": because,
        "would_change": {"storage_gb": 128},
    }


# %% exercise="defend" wrong="names no first try" says="first_try is"
def defend():
    because = {part: f"the people here need it, and {part} follows from that" for part in ANSWERED}
    return {
        "who": "Baraka",
        "inference": "device",
        "runtime": "LiteRT",
        "model_mb": 2,
        "delivery": "bundle",
        "first_try": " ",
        "reasons": because,
        "would_change": {"storage_gb": 128},
    }


# %% exercise="defend" wrong="plans a model of a hundred bytes" says="100 bytes"
def defend():
    because = {part: f"the people here need it, and {part} follows from that" for part in ANSWERED}
    return {
        "who": "Baraka",
        "inference": "device",
        "runtime": "LiteRT",
        "model_mb": 0.0001,
        "delivery": "bundle",
        "first_try": "random forest",
        "reasons": because,
        "would_change": {"storage_gb": 128},
    }


# %% exercise="defend" wrong="plans for a graphics card that a phone has not" says="no runtime here"
def defend():
    because = {part: f"the people here need it, and {part} follows from that" for part in ANSWERED}
    return {
        "who": "Baraka",
        "inference": "device",
        "runtime": "CUDA",
        "model_mb": 2,
        "delivery": "bundle",
        "first_try": "random forest",
        "reasons": because,
        "would_change": {"storage_gb": 128},
    }


# %% exercise="defend" wrong="bundles a model of 130 MB and does not say why" says="at most 5 MB"
def defend():
    because = {part: f"the people here need it, and {part} follows from that" for part in ANSWERED}
    return {
        "who": "Baraka",
        "inference": "device",
        "runtime": "LiteRT",
        "model_mb": 130,
        "delivery": "bundle",
        "first_try": "random forest",
        "reasons": because,
        "would_change": {"storage_gb": 128},
    }


# %% exercise="defend" wrong="tries the largest model first" says="no simple model"
def defend():
    because = {part: f"the people here need it, and {part} follows from that" for part in ANSWERED}
    return {
        "who": "Baraka",
        "inference": "device",
        "runtime": "LiteRT",
        "model_mb": 2,
        "delivery": "bundle",
        "first_try": "a transformer of 7B parameters",
        "reasons": because,
        "would_change": {"storage_gb": 128},
    }


# %% exercise="defend" wrong="says tree only inside of another word" says="forest or boosting"
def defend():
    because = {part: f"the people here need it, and {part} follows from that" for part in ANSWERED}
    return {
        "who": "Naserian",
        "inference": "device",
        "runtime": "LiteRT",
        "model_mb": 2,
        "delivery": "bundle",
        "first_try": "no trees, a deep network on the street",
        "reasons": because,
        "would_change": {"data": "image"},
    }


# %% exercise="defend" wrong="says what not to try" says="says what not to"
def defend():
    because = {part: f"the people here need it, and {part} follows from that" for part in ANSWERED}
    return {
        "who": "Naserian",
        "inference": "device",
        "runtime": "LiteRT",
        "model_mb": 2,
        "delivery": "bundle",
        "first_try": "anything, but no trees",
        "reasons": because,
        "would_change": {"data": "image"},
    }


# %% exercise="defend" wrong="writes the size as a text" says="give a number of MB"
def defend():
    because = {part: f"the people here need it, and {part} follows from that" for part in ANSWERED}
    return {
        "who": "Baraka",
        "inference": "device",
        "runtime": "LiteRT",
        "model_mb": "5",
        "delivery": "bundle",
        "first_try": "random forest",
        "reasons": because,
        "would_change": {"storage_gb": 128},
    }


# %% exercise="defend" wrong="follows the source's tree: reliable link, so cloud" says="must not leave the device"
def defend():
    because = {part: f"the tree says so for {part} in its first box" for part in ANSWERED}
    return {
        "who": "Chipo",
        "inference": "cloud",
        "runtime": "ONNX Runtime",
        "model_mb": 20,
        "delivery": "download",
        "first_try": "linear model",
        "reasons": because,
        "would_change": {"private": False},
    }


# %% exercise="defend" wrong="sends somebody without a link to the first Wi-Fi" says="There is no link"
def defend():
    because = {part: f"the first Wi-Fi brings what {part} needs here" for part in ANSWERED}
    return {
        "who": "Naserian",
        "inference": "device",
        "runtime": "LiteRT",
        "model_mb": 2,
        "delivery": "download",
        "first_try": "random forest",
        "reasons": because,
        "would_change": {"data": "image"},
    }


# %% exercise="defend" wrong="takes a network where the data have columns" says="forest or boosting"
def defend():
    because = {part: f"deep networks are best also in what concerns {part}" for part in ANSWERED}
    return {
        "who": "Naserian",
        "inference": "device",
        "runtime": "LiteRT",
        "model_mb": 2,
        "delivery": "bundle",
        "first_try": "a smaller network",
        "reasons": because,
        "would_change": {"data": "image"},
    }


# %% exercise="defend" wrong="plans a model that does not fit twice" says="old and new at once"
def defend():
    because = {part: f"large models are right more often, which decides {part}" for part in ANSWERED}
    return {
        "who": "Baraka",
        "inference": "device",
        "runtime": "LiteRT",
        "model_mb": 300,
        "delivery": "bundle",
        "first_try": "random forest",
        "reasons": because,
        "would_change": {"storage_gb": 128},
    }


# %% exercise="defend" wrong="lets Baraka download for hours of work" says="hours of work"
def defend():
    because = {part: f"a link comes by on most days, so {part} is no problem" for part in ANSWERED}
    return {
        "who": "Baraka",
        "inference": "device",
        "runtime": "LiteRT",
        "model_mb": 200,
        "delivery": "download",
        "first_try": "random forest",
        "reasons": because,
        "would_change": {"storage_gb": 128},
    }


# %% exercise="defend" wrong="gives words for reasons" says="say why in a sentence"
def defend():
    return {
        "who": "Baraka",
        "inference": "device",
        "runtime": "LiteRT",
        "model_mb": 2,
        "delivery": "bundle",
        "first_try": "random forest",
        "reasons": dict.fromkeys(ANSWERED, "best practice"),
        "would_change": {"storage_gb": 128},
    }


# %% exercise="defend" wrong="has one reason for everything" says="word for word"
def defend():
    return {
        "who": "Baraka",
        "inference": "device",
        "runtime": "LiteRT",
        "model_mb": 2,
        "delivery": "bundle",
        "first_try": "random forest",
        "reasons": dict.fromkeys(ANSWERED, "because the situation of the user demands it"),
        "would_change": {"storage_gb": 128},
    }


# %% exercise="defend" wrong="would not change its mind for anything that matters" says="plans the same"
def defend():
    because = {part: f"Baraka's cold rooms need it, and {part} follows from that" for part in ANSWERED}
    return {
        "who": "Baraka",
        "inference": "device",
        "runtime": "LiteRT",
        "model_mb": 2,
        "delivery": "bundle",
        "first_try": "random forest",
        "reasons": because,
        "would_change": {"private": True},
    }


# %% exercise="defend" wrong="changes its mind for nothing" says="it is no decision"
def defend():
    because = {part: f"Baraka's cold rooms need it, and {part} follows from that" for part in ANSWERED}
    return {
        "who": "Baraka",
        "inference": "device",
        "runtime": "LiteRT",
        "model_mb": 2,
        "delivery": "bundle",
        "first_try": "random forest",
        "reasons": because,
        "would_change": {},
    }


# %% exercise="defend" wrong="leaves half of it out" says="says nothing about"
def defend():
    return {"who": "Baraka", "inference": "device", "runtime": "LiteRT"}
