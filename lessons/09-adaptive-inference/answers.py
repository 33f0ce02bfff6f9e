# %% [markdown]
# Other answers to the lab's exercises. Wrong ones are the field's usual mistakes; some are the source's.
# ruff: noqa: F821 - an answer stands in its cell of the lab, after the lab's imports


# %% exercise="tier" right="sorts once and walks down"
def choose(tiers, free_bytes, saving):
    fits = sorted(
        (tier for tier in tiers if tier.memory_bytes <= free_bytes),
        key=lambda tier: (-tier.quality, tier.memory_bytes),
    )
    if not fits or not saving:
        return fits[0].name if fits else None
    chosen = fits[0]
    for tier in fits[1:]:
        cheaper = (tier.work, tier.memory_bytes) < (chosen.work, chosen.memory_bytes)
        if cheaper and fits[0].quality - 0.03 <= tier.quality:
            chosen = tier
    return chosen.name


# %% exercise="tier" right="looks at the difference"
def choose(tiers, free_bytes, saving):
    best = None
    for tier in sorted(tiers, key=lambda tier: tier.memory_bytes):
        if tier.memory_bytes <= free_bytes and (best is None or tier.quality > best.quality):
            best = tier
    if best is None or not saving:
        return best and best.name
    good = [t for t in tiers if t.memory_bytes <= free_bytes and best.quality - t.quality <= 0.03]
    return sorted(good, key=lambda t: (t.work, t.memory_bytes))[0].name


# %% exercise="tier" wrong="asks whether 200 MB are free, as the source does" says="5 MiB are free"
def choose(tiers, free_bytes, saving):
    in_order = sorted(tiers, key=lambda tier: tier.quality)
    return in_order[0].name if free_bytes < 200 * MiB else in_order[-1].name


# %% exercise="tier" wrong="takes the largest that fits for the best" says="is the best that fits"
def choose(tiers, free_bytes, saving):
    fits = [tier for tier in tiers if tier.memory_bytes <= free_bytes]
    if not fits:
        return None
    if saving:
        best = max(tier.quality for tier in fits)
        return min((t for t in fits if t.quality >= best - 0.03), key=lambda t: (t.work, t.memory_bytes)).name
    return max(fits, key=lambda tier: tier.memory_bytes).name


# %% exercise="tier" wrong="needs more than is free for an exact fit" says="of them fit"
def choose(tiers, free_bytes, saving):
    fits = [tier for tier in tiers if tier.memory_bytes < free_bytes]
    if not fits:
        return None
    best = max(tier.quality for tier in fits)
    if saving:
        return min((t for t in fits if t.quality >= best - 0.03), key=lambda t: (t.work, t.memory_bytes)).name
    return max(fits, key=lambda tier: (tier.quality, -tier.memory_bytes)).name


# %% exercise="tier" wrong="saves with the cheapest, however bad" says="is good enough and takes less work"
def choose(tiers, free_bytes, saving):
    fits = [tier for tier in tiers if tier.memory_bytes <= free_bytes]
    if not fits:
        return None
    if saving:
        return min(fits, key=lambda tier: (tier.work, tier.memory_bytes)).name
    return max(fits, key=lambda tier: (tier.quality, -tier.memory_bytes)).name


# %% exercise="tier" wrong="measures the loss against the best of all, not of those that fit" says="saving"
def choose(tiers, free_bytes, saving):
    fits = [tier for tier in tiers if tier.memory_bytes <= free_bytes]
    if not fits:
        return None
    best = max(tier.quality for tier in tiers)
    good = [tier for tier in fits if tier.quality >= best - 0.03] or [
        max(fits, key=lambda tier: tier.quality)
    ]
    if saving:
        return min(good, key=lambda tier: (tier.work, tier.memory_bytes)).name
    return max(fits, key=lambda tier: (tier.quality, -tier.memory_bytes)).name


# %% exercise="tier" wrong="refuses what is just good enough" says="'just good enough' is good enough"
def choose(tiers, free_bytes, saving):
    fits = [tier for tier in tiers if tier.memory_bytes <= free_bytes]
    if not fits:
        return None
    best = max(fits, key=lambda tier: (tier.quality, -tier.memory_bytes))
    if not saving:
        return best.name
    good = [t for t in fits if t is best or t.quality > best.quality - 0.03]
    return min(good, key=lambda t: (t.work, t.memory_bytes)).name


# %% exercise="tier" wrong="takes the first of those with equal work" says="'b' is good enough"
def choose(tiers, free_bytes, saving):
    fits = [tier for tier in tiers if tier.memory_bytes <= free_bytes]
    if not fits:
        return None
    best = max(fits, key=lambda tier: (tier.quality, -tier.memory_bytes))
    good = [t for t in fits if t.quality >= best.quality - 0.03]
    return min(good, key=lambda t: t.work).name if saving else best.name


# %% exercise="tier" wrong="forgets that nothing may fit" says="ValueError"
def choose(tiers, free_bytes, saving):
    fits = [tier for tier in tiers if tier.memory_bytes <= free_bytes]
    best = max(tier.quality for tier in fits)
    if saving:
        return min((t for t in fits if t.quality >= best - 0.03), key=lambda t: (t.work, t.memory_bytes)).name
    return max(fits, key=lambda tier: (tier.quality, -tier.memory_bytes)).name


# %% exercise="steady" right="keeps the moment from which it may switch again"
class Steady:
    def __init__(self, window_s=120):
        self.window_s = window_s
        self.last = None
        self.free_from = float("-inf")

    def use(self, wanted, fits, now_s):
        if wanted is None:
            return None
        if self.last is None:
            self.last = wanted
            return wanted
        if wanted != self.last and now_s >= self.free_from:
            self.last, self.free_from = wanted, now_s + self.window_s
        return self.last if self.last in fits else None


# %% exercise="steady" wrong="gives what is wanted" says="second switch within the window"
class Steady:
    def __init__(self, window_s=120):
        self.window_s = window_s

    def use(self, wanted, fits, now_s):
        return wanted


# %% exercise="steady" wrong="keeps a model that no longer fits" says="does not fit"
class Steady:
    def __init__(self, window_s=120):
        self.window_s, self.model, self.switched = window_s, None, None

    def use(self, wanted, fits, now_s):
        if wanted is None or wanted == self.model:
            return wanted
        if self.model is None:
            self.model = wanted
        elif self.switched is None or now_s - self.switched >= self.window_s:
            self.model, self.switched = wanted, now_s
        return self.model


# %% exercise="steady" wrong="what does not fit makes room for any other at once" says="second switch within the window"
class Steady:
    def __init__(self, window_s=120):
        self.window_s, self.model, self.switched = window_s, None, None

    def use(self, wanted, fits, now_s):
        if wanted is None or wanted == self.model:
            return wanted
        if self.model is None:
            self.model = wanted
        elif self.switched is None or now_s - self.switched >= self.window_s or self.model not in fits:
            self.model, self.switched = wanted, now_s
        return self.model


# %% exercise="steady" wrong="the rule is a switch too" says="Nothing forbids what is wanted"
class Steady:
    def __init__(self, window_s=120):
        self.window_s, self.model, self.switched = window_s, "nothing yet", None

    def use(self, wanted, fits, now_s):
        if wanted != self.model:
            if self.switched is not None and now_s - self.switched < self.window_s:
                return self.model if self.model in fits else None
            self.switched = None if self.model == "nothing yet" else now_s
            self.model = wanted
        return self.model


# %% exercise="steady" wrong="forgets its model while the rule answers" says="second switch within the window"
class Steady:
    def __init__(self, window_s=120):
        self.window_s, self.model, self.switched = window_s, None, None

    def use(self, wanted, fits, now_s):
        if wanted is None:
            self.model = None
            return None
        if self.model in (None, wanted):
            self.model = wanted
            return wanted
        if self.switched is None or now_s - self.switched >= self.window_s:
            self.model, self.switched = wanted, now_s
        return self.model if self.model in fits else None


# %% exercise="steady" wrong="the window begins anew with every job" says="Nothing forbids what is wanted"
class Steady:
    def __init__(self, window_s=120):
        self.window_s, self.model, self.before = window_s, None, None

    def use(self, wanted, fits, now_s):
        quiet = self.before is None or now_s - self.before >= self.window_s
        if wanted is None or wanted == self.model:
            return wanted
        if self.model is None:
            self.model = wanted
        else:
            if quiet:
                self.model = wanted
            self.before = now_s
        return self.model if self.model in fits else None


# %% exercise="steady" wrong="the rule answers for the whole window" says="still fits"
class Steady:
    def __init__(self, window_s=120):
        self.window_s, self.model, self.switched = window_s, None, None

    def use(self, wanted, fits, now_s):
        if wanted is None or wanted == self.model:
            return wanted
        if self.model is None:
            self.model = wanted
            return wanted
        if self.switched is None or now_s - self.switched >= self.window_s:
            self.model, self.switched = wanted, now_s
            return wanted
        return None


# %% exercise="steady" wrong="the very first model is a switch" says="Nothing forbids what is wanted"
class Steady:
    def __init__(self, window_s=120):
        self.window_s, self.model, self.switched = window_s, None, None

    def use(self, wanted, fits, now_s):
        if wanted is None or wanted == self.model:
            return wanted
        if self.switched is None or now_s - self.switched >= self.window_s:
            self.model, self.switched = wanted, now_s
        return self.model if self.model in fits else None


# %% exercise="shelf" right="an ordered dictionary"
from collections import OrderedDict


class Shelf:
    def __init__(self, tiers, budget_bytes, load):
        self.sizes, self.budget, self.loader = {t.name: t.memory_bytes for t in tiers}, budget_bytes, load
        self.here, self.used = OrderedDict(), 0

    def get(self, name):
        size = self.sizes[name]
        if name in self.here:
            self.here.move_to_end(name)
            return self.here[name]
        if size > self.budget:
            return None
        while self.used + size > self.budget:
            gone = next(iter(self.here))
            del self.here[gone]
            self.used -= self.sizes[gone]
        try:
            self.here[name] = self.loader(name)
        except Exception:
            return None
        self.used += size
        return self.here[name]


# %% exercise="shelf" wrong="a variable still holds what was evicted last" says="at one moment"
from collections import OrderedDict


class Shelf:
    def __init__(self, tiers, budget_bytes, load):
        self.sizes, self.budget, self.loader = {t.name: t.memory_bytes for t in tiers}, budget_bytes, load
        self.here, self.used = OrderedDict(), 0

    def get(self, name):
        size = self.sizes[name]
        if name in self.here:
            self.here.move_to_end(name)
            return self.here[name]
        if size > self.budget:
            return None
        while self.used + size > self.budget:
            gone, _model = self.here.popitem(last=False)
            self.used -= self.sizes[gone]
        try:
            self.here[name] = self.loader(name)
        except Exception:
            return None
        self.used += size
        return self.here[name]


# %% exercise="shelf" wrong="loads all when it starts, as the source does" says="before anybody asked"
class Shelf:
    def __init__(self, tiers, budget_bytes, load):
        self.models = {}
        for tier in tiers:
            try:
                self.models[tier.name] = load(tier.name)
            except OSError:
                self.models[tier.name] = None

    def get(self, name):
        return self.models[name]


# %% exercise="shelf" wrong="evicts after it has loaded" says="at one moment"
class Shelf:
    def __init__(self, tiers, budget_bytes, load):
        self.sizes, self.budget = {t.name: t.memory_bytes for t in tiers}, budget_bytes
        self.load, self.loaded = load, {}

    def get(self, name):
        if self.sizes[name] > self.budget:
            return None
        try:
            model = self.loaded.pop(name, None) or self.load(name)
        except Exception:
            return None
        self.loaded[name] = model
        while sum(self.sizes[one] for one in self.loaded) > self.budget:
            del self.loaded[next(iter(self.loaded))]
        return model


# %% exercise="shelf" wrong="evicts what came first, not what was used longest ago" says="in the end you hold"
class Shelf:
    def __init__(self, tiers, budget_bytes, load):
        self.sizes, self.budget = {t.name: t.memory_bytes for t in tiers}, budget_bytes
        self.load, self.loaded = load, {}

    def get(self, name):
        if self.sizes[name] > self.budget:
            return None
        if name not in self.loaded:
            while sum(self.sizes[one] for one in self.loaded) + self.sizes[name] > self.budget:
                del self.loaded[next(iter(self.loaded))]
            try:
                self.loaded[name] = self.load(name)
            except Exception:
                return None
        return self.loaded[name]


# %% exercise="shelf" wrong="empties the shelf for every newcomer" says="in the end you hold"
class Shelf:
    def __init__(self, tiers, budget_bytes, load):
        self.sizes, self.budget = {t.name: t.memory_bytes for t in tiers}, budget_bytes
        self.load, self.name, self.model = load, None, None

    def get(self, name):
        if self.sizes[name] > self.budget:
            return None
        if name != self.name:
            self.name = self.model = None
            try:
                self.name, self.model = name, self.load(name)
            except Exception:
                self.name = None
        return self.model


# %% exercise="shelf" wrong="a model that can never fit evicts the others" says="in the end you hold"
class Shelf:
    def __init__(self, tiers, budget_bytes, load):
        self.sizes, self.budget = {t.name: t.memory_bytes for t in tiers}, budget_bytes
        self.load, self.loaded = load, {}

    def get(self, name):
        if name in self.loaded:
            self.loaded[name] = self.loaded.pop(name)
            return self.loaded[name]
        while self.loaded and sum(self.sizes[one] for one in self.loaded) + self.sizes[name] > self.budget:
            del self.loaded[next(iter(self.loaded))]
        if self.sizes[name] > self.budget:
            return None
        try:
            self.loaded[name] = self.load(name)
        except Exception:
            return None
        return self.loaded[name]


# %% exercise="shelf" wrong="the bytes of a failed load stay booked" says="damaged"
class Shelf:
    def __init__(self, tiers, budget_bytes, load):
        self.sizes, self.budget = {t.name: t.memory_bytes for t in tiers}, budget_bytes
        self.load, self.loaded, self.used = load, {}, 0

    def get(self, name):
        size = self.sizes[name]
        if size > self.budget:
            return None
        if name in self.loaded:
            self.loaded[name] = self.loaded.pop(name)
            return self.loaded[name]
        while self.loaded and self.used + size > self.budget:
            gone = next(iter(self.loaded))
            self.used -= self.sizes[gone]
            del self.loaded[gone]
        self.used += size
        try:
            self.loaded[name] = self.load(name)
        except Exception:
            return None
        return self.loaded[name]


# %% exercise="shelf" wrong="lets the failure of a load through" says="damaged"
class Shelf:
    def __init__(self, tiers, budget_bytes, load):
        self.sizes, self.budget = {t.name: t.memory_bytes for t in tiers}, budget_bytes
        self.load, self.loaded = load, {}

    def get(self, name):
        if self.sizes[name] > self.budget:
            return None
        model = self.loaded.pop(name, None)
        if model is None:
            while sum(self.sizes[one] for one in self.loaded) + self.sizes[name] > self.budget:
                del self.loaded[next(iter(self.loaded))]
            model = self.load(name)
        self.loaded[name] = model
        return model


# %% exercise="shelf" wrong="expects no failure but that of a file" says="damaged"
class Shelf:
    def __init__(self, tiers, budget_bytes, load):
        self.sizes, self.budget = {t.name: t.memory_bytes for t in tiers}, budget_bytes
        self.load, self.loaded = load, {}

    def get(self, name):
        if self.sizes[name] > self.budget:
            return None
        model = self.loaded.pop(name, None)
        if model is None:
            while sum(self.sizes[one] for one in self.loaded) + self.sizes[name] > self.budget:
                del self.loaded[next(iter(self.loaded))]
            try:
                model = self.load(name)
            except OSError:
                return None
        self.loaded[name] = model
        return model


# %% exercise="shelf" wrong="remembers what could not be loaded" says="would have been enough and needed"
class Shelf:
    def __init__(self, tiers, budget_bytes, load):
        self.sizes, self.budget = {t.name: t.memory_bytes for t in tiers}, budget_bytes
        self.load, self.loaded, self.broken = load, {}, set()

    def get(self, name):
        if self.sizes[name] > self.budget or name in self.broken:
            return None
        model = self.loaded.pop(name, None)
        if model is None:
            while sum(self.sizes[one] for one in self.loaded) + self.sizes[name] > self.budget:
                del self.loaded[next(iter(self.loaded))]
            try:
                model = self.load(name)
            except Exception:
                self.broken.add(name)
                return None
        self.loaded[name] = model
        return model


# %% exercise="threshold" right="hands over one group of equal confidences at a time"
from itertools import groupby


def threshold(confidence, phone_right, cloud_right, most_asked):
    order = sorted(range(len(confidence)), key=confidence.__getitem__)
    groups = [(value, list(some)) for value, some in groupby(order, key=confidence.__getitem__)]
    limits = [value for value, _ in groups] + [1.0]
    right, asked = sum(phone_right), 0
    best_right, best_limit = right, 0.0
    for (_, some), above in zip(groups, limits[1:], strict=True):
        asked += len(some)
        if asked > most_asked * len(confidence):
            break
        right += sum(cloud_right[i] - phone_right[i] for i in some)
        if right > best_right:
            best_right, best_limit = right, above
    return best_limit


# %% exercise="threshold" wrong="the confidence at the share's place, whatever it brings" says="would do as well"
def threshold(confidence, phone_right, cloud_right, most_asked):
    order = sorted(confidence)
    asked = int(most_asked * len(order))
    return 1.0 if asked == len(order) else order[asked]


# %% exercise="threshold" wrong="asks those at the threshold too" says="is possible"
def threshold(confidence, phone_right, cloud_right, most_asked):
    best = None
    for limit in sorted({0.0, *confidence, 1.0}):
        asks = [one <= limit for one in confidence]
        if sum(asks) > most_asked * len(confidence):
            break
        right = sum(c if a else p for a, p, c in zip(asks, phone_right, cloud_right, strict=True))
        if best is None or right > best[0]:
            best = (right, limit)
    return best[1] if best else 0.0


# %% exercise="threshold" wrong="cuts through photos of equal confidence" says="go together"
def threshold(confidence, phone_right, cloud_right, most_asked):
    order = sorted(range(len(confidence)), key=confidence.__getitem__)
    right, best, best_asked = sum(phone_right), sum(phone_right), 0
    for asked in range(1, int(most_asked * len(order)) + 1):
        i = order[asked - 1]
        right += cloud_right[i] - phone_right[i]
        if right > best:
            best, best_asked = right, asked
    return confidence[order[best_asked - 1]] + 1e-9 if best_asked else 0.0


# %% exercise="threshold" wrong="of equally good ones the one that asks the most" says="would do as well"
def threshold(confidence, phone_right, cloud_right, most_asked):
    best = None
    for limit in sorted({0.0, *confidence, 1.0}):
        asks = [one < limit for one in confidence]
        if sum(asks) > most_asked * len(confidence):
            break
        right = sum(c if a else p for a, p, c in zip(asks, phone_right, cloud_right, strict=True))
        if best is None or right >= best[0]:
            best = (right, limit)
    return best[1]


# %% exercise="threshold" wrong="stops at the first photo that brings nothing" says="is possible"
def threshold(confidence, phone_right, cloud_right, most_asked):
    def outcome(limit):
        asks = [one < limit for one in confidence]
        right = sum(c if a else p for a, p, c in zip(asks, phone_right, cloud_right, strict=True))
        return right, sum(asks) <= most_asked * len(confidence)

    limits = sorted({0.0, *confidence, 1.0})
    chosen = limits[0]
    for limit in limits[1:]:
        right, allowed = outcome(limit)
        if outcome(limit)[0] < outcome(chosen)[0] or not allowed:
            break
        if right > outcome(chosen)[0]:
            chosen = limit
    return chosen


# %% exercise="threshold" wrong="does not look at what it may ask" says="photos"
def threshold(confidence, phone_right, cloud_right, most_asked):
    def right(limit):
        asks = [one < limit for one in confidence]
        return sum(c if a else p for a, p, c in zip(asks, phone_right, cloud_right, strict=True))

    return max(sorted({0.0, *confidence, 1.0}), key=right)


# %% exercise="threshold" wrong="always one half" says="asks 1 photos"
def threshold(confidence, phone_right, cloud_right, most_asked):
    return 0.5


# %% exercise="policy" right="saves by the battery, most for the archive"
def policy(state, priority, tiers):
    fits = [tier for tier in tiers if tier.memory_bytes <= state.free_memory_bytes]
    if not fits:
        return None
    if priority == "urgent":
        return fits[0].name
    if priority == "normal":
        if state.charging or len(fits) == 1:
            return fits[0].name
        return fits[1].name if fits[0].quality - fits[1].quality < 0.03 else fits[0].name
    if state.charging:
        return min((t for t in fits if t.quality > fits[0].quality - 0.03), key=lambda t: t.work).name
    return fits[-1].name


# %% exercise="policy" wrong="the source's engine" says="What is there to save"
def policy(state, priority, tiers):
    if state.battery_percent < 15 and priority == "background":
        return None
    fits = [tier for tier in tiers if tier.memory_bytes <= state.free_memory_bytes]
    if not fits:
        return None
    if state.free_memory_bytes < 200 * MiB:
        return fits[-1].name
    return fits[min(1, len(fits) - 1)].name if state.battery_percent < 30 else fits[0].name


# %% exercise="policy" wrong="does not ask whether it fits" says="does not fit"
def policy(state, priority, tiers):
    if priority == "urgent" or state.charging:
        return tiers[0].name
    return tiers[1].name


# %% exercise="policy" wrong="always the best that fits" says="you saved only"
def policy(state, priority, tiers):
    return next((tier.name for tier in tiers if tier.memory_bytes <= state.free_memory_bytes), None)


# %% exercise="policy" wrong="the rule for everything that is not urgent" says="What is there to save"
def policy(state, priority, tiers):
    fits = [tier for tier in tiers if tier.memory_bytes <= state.free_memory_bytes]
    return fits[0].name if fits and priority == "urgent" else None


# %% exercise="policy" wrong="the archive gets the rule" says="What is there to save"
def policy(state, priority, tiers):
    fits = [tier for tier in tiers if tier.memory_bytes <= state.free_memory_bytes]
    return fits[0].name if fits and priority != "background" else None


# %% exercise="policy" wrong="saves on the charger too" says="What is there to save"
def policy(state, priority, tiers):
    fits = [tier for tier in tiers if tier.memory_bytes <= state.free_memory_bytes]
    if not fits:
        return None
    return fits[0].name if priority == "urgent" else fits[-1].name


# %% exercise="policy" wrong="off the charger the rule does what nobody waits for" says="Who has to do with too little"
def policy(state, priority, tiers):
    fits = [tier for tier in tiers if tier.memory_bytes <= state.free_memory_bytes]
    if not fits:
        return None
    if priority == "background" and not state.charging:
        return None
    if priority == "urgent":
        return fits[0].name
    return min(
        (tier for tier in fits if tier.quality >= fits[0].quality - 0.03), key=lambda tier: tier.work
    ).name
