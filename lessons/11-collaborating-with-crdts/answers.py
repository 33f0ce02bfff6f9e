# %% [markdown]
# Other answers to the lab's exercises. Wrong ones are what people build first, and the baselines.
# ruff: noqa: F821 - an answer stands in its cell of the lab, after the lab's imports


# %% exercise="standing" right="asks of each edit whether any other knew of it"
def standing(edits):
    unique = []
    for edit in edits:
        if edit not in unique:
            unique.append(edit)
    return [a for a in unique if not any(b["knew"].get(a["phone"], -1) >= a["number"] for b in unique)]


# %% exercise="standing" right="strikes out, edit after edit, by name"
def standing(edits):
    left = {f"{edit['phone']}:{edit['number']}": edit for edit in edits}
    for edit in edits:
        for phone, number in edit["knew"].items():
            for key in [
                key for key in left if key.split(":")[0] == phone and int(key.split(":")[1]) <= number
            ]:
                del left[key]
    return sorted(left.values(), key=lambda edit: edit["phone"])


# %% exercise="standing" wrong="the latest clock wins" says="should stand, and you say"
def standing(edits):
    return [max(edits, key=lambda edit: edit["clock"])] if edits else []


# %% exercise="standing" wrong="takes edits within a day of each other for contradicting ones, by their clocks" says="should stand, and you say"
def standing(edits):
    if not edits:
        return []
    latest = max(edit["clock"] for edit in edits)
    found = {(e["phone"], e["number"]): e for e in edits if latest - e["clock"] < 1440}
    return list(found.values())


# %% exercise="standing" wrong="compares numbers of different phones, as Lamport's clock would allow" says="should stand, and you say"
def standing(edits):
    if not edits:
        return []
    top = max(edit["number"] for edit in edits)
    return list({e["phone"]: e for e in edits if e["number"] == top}.values())


# %% exercise="standing" wrong="gives every edit a count of what it knew, and keeps the highest" says="should stand, and you say"
def standing(edits):
    if not edits:
        return []
    count = max(sum(edit["knew"].values()) for edit in edits)
    return list({(e["phone"], e["number"]): e for e in edits if sum(e["knew"].values()) == count}.values())


# %% exercise="standing" wrong="strikes out only the very edit that is named" says="should stand, and you say"
def standing(edits):
    named = {item for edit in edits for item in edit["knew"].items()}
    return list(
        {(e["phone"], e["number"]): e for e in edits if (e["phone"], e["number"]) not in named}.values()
    )


# %% exercise="standing" wrong="keeps one edit for each phone" says="should stand, and you say"
def standing(edits):
    latest = {}
    for edit in edits:
        if edit["number"] >= latest.get(edit["phone"], edit)["number"]:
            latest[edit["phone"]] = edit
    return list(latest.values())


# %% exercise="standing" wrong="strikes out what was known up to, but not including, the number" says="should stand, and you say"
def standing(edits):
    seen = [edit["knew"] for edit in edits]
    left = [e for e in edits if not any(one.get(e["phone"], 0) > e["number"] for one in seen)]
    return list({(e["phone"], e["number"]): e for e in left}.values())


# %% exercise="standing" wrong="lets an edit stand twice when it was delivered twice" says="k1 was delivered twice"
def standing(edits):
    seen = [edit["knew"] for edit in edits]
    return [e for e in edits if not any(one.get(e["phone"], 0) >= e["number"] for one in seen)]


# %% exercise="standing" wrong="believes that the last in the list is the newest" says="should stand, and you say"
def standing(edits):
    left = []
    for edit in edits:
        left = [old for old in left if edit["knew"].get(old["phone"], 0) < old["number"] and old != edit]
        left.append(edit)
    return left


# %% exercise="standing" wrong="keeps one of those that say the same" says="both say the same"
def standing(edits):
    seen = [edit["knew"] for edit in edits]
    left = [e for e in edits if not any(one.get(e["phone"], 0) >= e["number"] for one in seen)]
    return list(
        {(e["value"], e["phone"] if e["value"] == "?" else "", e["number"]): e for e in left}.values()
    )


# %% exercise="tally" right="keeps two tallies, each of figures that only grow"
def note_bags(tally, phone, bags):
    new = {"in": dict(tally.get("in", {})), "out": dict(tally.get("out", {}))}
    way = "in" if bags > 0 else "out"
    new[way][phone] = new[way].get(phone, 0) + abs(bags)
    return new


def merge_tallies(one, other):
    new = {}
    for way in ("in", "out"):
        mine, theirs = one.get(way, {}), other.get(way, {})
        new[way] = {phone: max(mine.get(phone, 0), theirs.get(phone, 0)) for phone in {*mine, *theirs}}
    return new


def bags_in(tally):
    return sum(tally.get("in", {}).values()) - sum(tally.get("out", {}).values())


# %% exercise="tally" right="one signed figure for each phone, with the number of its version"
def note_bags(tally, phone, bags):
    version, total = tally.get(phone, [0, 0])
    return {**tally, phone: [version + 1, total + bags]}


def merge_tallies(one, other):
    return {phone: max(one.get(phone, [0, 0]), other.get(phone, [0, 0])) for phone in {*one, *other}}


def bags_in(tally):
    return sum(total for _, total in tally.values())


# %% exercise="tally" right="keeps every note under a name of its own"
def note_bags(tally, phone, bags):
    return {**tally, f"{phone}-{sum(key.startswith(phone) for key in tally)}": bags}


def merge_tallies(one, other):
    return {**one, **other}


def bags_in(tally):
    return sum(tally.values())


# %% exercise="tally" wrong="adds up on merging" says="bags were carried in"
def note_bags(tally, phone, bags):
    return {"bags": tally.get("bags", 0) + bags}


def merge_tallies(one, other):
    return {"bags": one.get("bags", 0) + other.get("bags", 0)}


def bags_in(tally):
    return tally.get("bags", 0)


# %% exercise="tally" wrong="adds up on merging, phone by phone" says="bags were carried in"
def note_bags(tally, phone, bags):
    return {**tally, phone: tally.get(phone, 0) + bags}


def merge_tallies(one, other):
    return {phone: one.get(phone, 0) + other.get(phone, 0) for phone in {*one, *other}}


def bags_in(tally):
    return sum(tally.values())


# %% exercise="tally" wrong="keeps the larger total" says="two notes, one meeting"
def note_bags(tally, phone, bags):
    return {"bags": tally.get("bags", 0) + bags}


def merge_tallies(one, other):
    return {"bags": max(one.get("bags", 0), other.get("bags", 0))}


def bags_in(tally):
    return tally.get("bags", 0)


# %% exercise="tally" wrong="one signed figure for each phone, and its maximum: corrections are undone" says="the slip was handed on before"
def note_bags(tally, phone, bags):
    return {**tally, phone: tally.get(phone, 0) + bags}


def merge_tallies(one, other):
    return {phone: max(one.get(phone, -99999), other.get(phone, -99999)) for phone in {*one, *other}}


def bags_in(tally):
    return sum(tally.values())


# %% exercise="tally" wrong="the newer copy of a phone's figure is the one that arrives" says="one way round it is"
def note_bags(tally, phone, bags):
    return {**tally, phone: tally.get(phone, 0) + bags}


def merge_tallies(one, other):
    return {**one, **other}


def bags_in(tally):
    return sum(tally.values())


# %% exercise="tally" wrong="a set of amounts: two notes of three bags are one" says="both note the same number"
def note_bags(tally, phone, bags):
    return {"notes": sorted({*tally.get("notes", []), bags})}


def merge_tallies(one, other):
    return {"notes": sorted({*one.get("notes", []), *other.get("notes", [])})}


def bags_in(tally):
    return sum(tally.get("notes", []))


# %% exercise="tally" wrong="forgets corrections" says="corrects a slip"
def note_bags(tally, phone, bags):
    return {**tally, phone: tally.get(phone, 0) + max(0, bags)}


def merge_tallies(one, other):
    return {phone: max(one.get(phone, 0), other.get(phone, 0)) for phone in {*one, *other}}


def bags_in(tally):
    return sum(tally.values())


# %% exercise="tally" wrong="changes the tally that it is given" says="you changed a tally that was handed to you"
def note_bags(tally, phone, bags):
    more, fewer = tally.get(phone, [0, 0])
    tally[phone] = [more + max(bags, 0), fewer + max(-bags, 0)]
    return tally


def merge_tallies(one, other):
    both = {phone: (one.get(phone, [0, 0]), other.get(phone, [0, 0])) for phone in {*one, *other}}
    return {phone: [max(a[0], b[0]), max(a[1], b[1])] for phone, (a, b) in both.items()}


def bags_in(tally):
    return sum(more - fewer for more, fewer in tally.values())


# %% exercise="tally" wrong="keeps tuples, which no message holds" says="a way through JSON"
def note_bags(tally, phone, bags):
    more, fewer = tally.get(phone, (0, 0))
    return {**tally, phone: (more + max(bags, 0), fewer + max(-bags, 0))}


def merge_tallies(one, other):
    both = {phone: (one.get(phone, (0, 0)), other.get(phone, (0, 0))) for phone in {*one, *other}}
    return {phone: (max(a[0], b[0]), max(a[1], b[1])) for phone, (a, b) in both.items()}


def bags_in(tally):
    return sum(more - fewer for more, fewer in tally.values())


# %% exercise="tally" wrong="knows the first case" says="bags were carried in"
def note_bags(tally, phone, bags):
    return {phone: bags}


def merge_tallies(one, other):
    return {"m": 4, "k": 3}


def bags_in(tally):
    return sum(tally.values())


# %% exercise="believed" right="a loop that skips the thief's"
def believed(edits, revoked):
    honest = []
    for edit in edits:
        stolen = edit["phone"] in revoked
        if not stolen or edit["number"] < revoked[edit["phone"]] + 1:
            honest.append(edit)
    return standing(honest)


# %% exercise="believed" right="without the first exercise's function"
def believed(edits, revoked):
    good = {(e["phone"], e["number"]): e for e in edits if e["number"] <= revoked.get(e["phone"], 10**9)}
    seen = [e["knew"] for e in good.values()]
    return [e for key, e in good.items() if all(one.get(key[0], 0) < key[1] for one in seen)]


# %% exercise="believed" wrong="ignores the revocation" says="the thief wrote over it (revoked"
def believed(edits, revoked):
    return standing(edits)


# %% exercise="believed" wrong="drops all of the stolen phone" says="his work before the theft"
def believed(edits, revoked):
    return standing([edit for edit in edits if edit["phone"] not in revoked])


# %% exercise="believed" wrong="asks what stands, and takes the thief's out of that" says="the thief wrote over it (revoked after {'k': 1}): k1 should stand, and you say nothing"
def believed(edits, revoked):
    return [edit for edit in standing(edits) if edit["number"] <= revoked.get(edit["phone"], edit["number"])]


# %% exercise="believed" wrong="goes by the clock of the last honest edit" says="should stand, and you say"
def believed(edits, revoked):
    until = {}
    for edit in edits:
        if edit["number"] == revoked.get(edit["phone"]):
            until[edit["phone"]] = edit["clock"]
    return standing([edit for edit in edits if edit["clock"] <= until.get(edit["phone"], edit["clock"])])


# %% exercise="believed" wrong="drops edits with clocks in the future, or long ago" says="should stand, and you say"
def believed(edits, revoked):
    return standing([edit for edit in edits if edit["phone"] not in revoked or 0 <= edit["clock"] < 10**6])


# %% exercise="believed" wrong="drops the last honest edit too" says="his work before the theft"
def believed(edits, revoked):
    return standing([edit for edit in edits if edit["number"] < revoked.get(edit["phone"], 10**9)])


# %% exercise="believed" wrong="lets the first edit after the theft pass" says="the thief wrote over it"
def believed(edits, revoked):
    return standing([edit for edit in edits if edit["number"] <= revoked.get(edit["phone"], 10**9) + 1])


# %% exercise="believed" wrong="takes 0 for no revocation" says="stolen on the first day"
def believed(edits, revoked):
    return standing([e for e in edits if not revoked.get(e["phone"]) or e["number"] <= revoked[e["phone"]]])


# %% exercise="believed" wrong="drops what honest people wrote after they knew the thief's" says="Mutheu put it right (revoked"
def believed(edits, revoked):
    honest = [e for e in edits if e["number"] <= revoked.get(e["phone"], 10**9)]
    clean = [e for e in honest if all(e["knew"].get(phone, 0) <= last for phone, last in revoked.items())]
    return standing(clean)


# %% exercise="believed" wrong="looks at the first stolen phone only" says="two phones stolen"
def believed(edits, revoked):
    for phone, last in list(revoked.items())[:1]:
        edits = [e for e in edits if e["phone"] != phone or e["number"] <= last]
    return standing(edits)


# %% exercise="book" right="notes as known what the phone knew of the whole register"
class Book(EmptyBook):
    def write(self, edit):
        self.state["edits"][edit["id"]] = {**edit, "knew": self.have()}

    def merge(self, received):
        for key, edit in received["edits"].items():
            self.state["edits"].setdefault(key, edit)
        for phone, last in received["revoked"].items():
            self.state["revoked"][phone] = min(last, self.state["revoked"].get(phone, last))

    def since(self, have):
        edits = self.state["edits"]
        if have:
            edits = {key: one for key, one in edits.items() if have.get(one["phone"], -1) < one["number"]}
        return {"revoked": self.state["revoked"], "edits": edits}

    def at(self, place):
        found = []
        for edit in self.state["edits"].values():
            stolen = edit["number"] > self.state["revoked"].get(edit["phone"], 10**9)
            if edit["place"] == place and not stolen:
                found.append(edit)
        return found


# %% exercise="book" right="another state: edits by phone and number, and names instead of numbers in what it has"
class Book(Strategy):
    def __init__(self, phone, stock, share):
        super().__init__(phone, stock, share)
        self.state = {"log": [], "stolen": []}

    def write(self, edit):
        knew = highest(other for other in self.state["log"] if other["place"] == edit["place"])
        self.state["log"].append({**edit, "knew": knew})

    def merge(self, received):
        ids = {edit["id"] for edit in self.state["log"]}
        self.state["log"] += [edit for edit in received["log"] if edit["id"] not in ids]
        self.state["stolen"] += [one for one in received["stolen"] if one not in self.state["stolen"]]

    def have(self):
        return sorted(edit["id"] for edit in self.state["log"])

    def since(self, have):
        return {**self.state, "log": [edit for edit in self.state["log"] if edit["id"] not in (have or [])]}

    def revoke(self, phone, last):
        self.state["stolen"].append([phone, last])

    def at(self, place):
        bad = [
            (e["id"])
            for e in self.state["log"]
            for p, last in self.state["stolen"]
            if e["phone"] == p and e["number"] > last
        ]
        return [e for e in self.state["log"] if e["place"] == place and e["id"] not in bad]


# %% [markdown]
# The wrong books are the lab's own with one mistake each.


# %% exercise="book" wrong="notes nothing as known" says='its "knew" at'
class Book(Book):
    def write(self, edit):
        self.state["edits"][edit["id"]] = edit | {"knew": {}}


# %% exercise="book" wrong="keeps the edit as it comes" says='without its "knew"'
class Book(Book):
    def write(self, edit):
        self.state["edits"][edit["id"]] = edit


# %% exercise="book" wrong="notes as known only what others wrote" says='its "knew" at'
class Book(Book):
    def write(self, edit):
        others = [one for one in self.state["edits"].values() if one["phone"] != self.phone]
        self.state["edits"][edit["id"]] = edit | {"knew": highest(others)}


# %% exercise="book" wrong="notes as known what it knows at the time of sending, not of writing" says='its "knew" at'
class Book(Book):
    def at(self, place):
        return [edit | {"knew": self.have()} for edit in super().at(place)]


# %% exercise="book" wrong="takes what comes last for all that there is" says="does not have"
class Book(Book):
    def merge(self, received):
        self.state = received

    def since(self, have):
        return self.state


# %% exercise="book" wrong="keeps one edit for each place, by the clock" says="does not have"
class Book(Book):
    def write(self, edit):
        self.state["edits"][edit["place"]] = edit | {"knew": self.have()}

    def merge(self, received):
        for place, edit in received["edits"].items():
            if place not in self.state["edits"] or edit["clock"] > self.state["edits"][place]["clock"]:
                self.state["edits"][place] = edit
        self.state["revoked"] |= received["revoked"]


# %% exercise="book" wrong="sends everything every time" says="Send what it lacks"
class Book(Book):
    def since(self, have):
        return self.state


# %% exercise="book" wrong="puts nothing on a stick" says='its "knew" at'
class Book(Book):
    def since(self, have):
        return super().since(self.have() if have is None else have)

    def merge(self, received):
        super().merge(received)


# %% exercise="book" wrong="sends its own edits only, so nothing is handed on by a third" says="does not have"
class Book(Book):
    def since(self, have):
        news = super().since(have)
        return news | {
            "edits": {key: one for key, one in news["edits"].items() if one["phone"] == self.phone}
        }


# %% exercise="book" wrong="counts edits where it should look at numbers" says="does not have"
class Book(Book):
    def since(self, have):
        top = sum((have or {}).values())
        return {"edits": dict(list(self.state["edits"].items())[top:]), "revoked": self.state["revoked"]}


# %% exercise="book" wrong="sends no revocation unless there is other news" says="believes what was written on a stolen phone"
class Book(Book):
    def since(self, have):
        news = super().since(have)
        return news if news["edits"] else {"edits": {}, "revoked": {}}


# %% exercise="book" wrong="forgets what was revoked when a message knows of nothing" says="believes what was written on a stolen phone"
class Book(Book):
    def merge(self, received):
        self.state = {"edits": self.state["edits"] | received["edits"], "revoked": received["revoked"]}


# %% exercise="book" wrong="takes nothing in from a stolen phone once it knows, not even its officer's work" says="does not have"
class Book(Book):
    def merge(self, received):
        good = {
            key: one for key, one in received["edits"].items() if one["phone"] not in self.state["revoked"]
        }
        super().merge(received | {"edits": good})


# %% exercise="book" wrong="drops all of a stolen phone" says="does not have"
class Book(Book):
    def at(self, place):
        return [edit for edit in super().at(place) if edit["phone"] not in self.state["revoked"]]


# %% exercise="book" wrong="learns of a theft only at the office" says="believes what was written on a stolen phone"
class Book(Book):
    def merge(self, received):
        self.state["edits"] |= received["edits"]


# %% exercise="book" wrong="keeps what it knows outside its state" says="was killed and started again"
class Book(Strategy):
    def __init__(self, phone, stock, share):
        super().__init__(phone, stock, share)
        self.edits, self.revoked = {}, {}

    def have(self):
        return highest(self.edits.values())

    def revoke(self, phone, last):
        self.revoked[phone] = last

    def write(self, edit):
        self.edits[edit["id"]] = edit | {"knew": self.have()}

    def merge(self, received):
        self.edits |= received["edits"]
        self.revoked |= received["revoked"]

    def since(self, have):
        new = {
            key: one for key, one in self.edits.items() if one["number"] > (have or {}).get(one["phone"], 0)
        }
        return {"edits": new, "revoked": self.revoked}

    def at(self, place):
        here = [edit for edit in self.edits.values() if edit["place"] == place]
        return [edit for edit in here if edit["number"] <= self.revoked.get(edit["phone"], edit["number"])]


# %% exercise="book" wrong="keeps a set of stolen phones, which JSON cannot hold" says="set is not JSON serializable"
class Book(Book):
    def revoke(self, phone, last):
        self.state["revoked"][phone] = {last}


# %% exercise="design" right="calls for every fact that is open, and shows the value of whoever knew most until then"
class Design(Book):
    def open_values(self, place):
        edits = sorted(
            standing(self.at(place)), key=lambda e: (sum(e["knew"].values()), e["phone"]), reverse=True
        )
        return list(dict.fromkeys(edit["value"] for edit in edits))

    def visible(self, place):
        field = place.split("/")[-1]
        edits = self.at(place)
        if field == "seed":
            return self.stock - sum(edit["value"] for edit in edits)
        if field == "harvest":
            return sum(edit["value"] for edit in edits)
        if field == "photos":
            removed = [edit["value"] for edit in edits if edit["kind"] == "detach"]
            return [
                edit["value"] for edit in edits if edit["kind"] == "attach" and edit["value"] not in removed
            ]
        values = self.open_values(place)
        if field == "note":
            return "; ".join(sorted(values))
        return values[0] if values else None

    def may_give(self, bags):
        given = sum(edit["value"] for edit in self.at("seed") if edit["phone"] == self.phone)
        return bags <= self.share - given

    def reviews(self):
        asked = (*MATTERS, "planted")
        return [place for place in PLACES if place.endswith(asked) and len(self.open_values(place)) > 1]


# %% exercise="design" right="from Strategy alone: a state for each kind of field, with the edits kept"
class Design(Strategy):
    def __init__(self, phone, stock, share):
        super().__init__(phone, stock, share)
        self.state = {"facts": {}, "photos": {}, "tallies": {}, "given": {}, "revoked": {}}

    def write(self, edit):
        part = {"count": "tallies", "attach": "photos", "detach": "photos", "give": "given"}.get(
            edit["kind"], "facts"
        )
        here = self.state[part].setdefault(edit["place"], {})
        here[edit["id"]] = edit | {"knew": highest(here.values())}

    def merge(self, received):
        for part, places in received.items():
            for place, edits in places.items():
                if part == "revoked":
                    self.state[part][place] = edits
                else:
                    self.state[part].setdefault(place, {}).update(edits)

    def revoke(self, phone, last):
        self.state["revoked"][phone] = last

    def _good(self, part, place):
        last = self.state["revoked"]
        here = self.state[part].get(place, {}).values()
        return [edit for edit in here if edit["number"] <= last.get(edit["phone"], edit["number"])]

    def visible(self, place):
        if place == "seed":
            return self.stock - sum(edit["value"] for edit in self._good("given", place))
        if place.endswith("harvest"):
            return sum(edit["value"] for edit in self._good("tallies", place))
        if place.endswith("photos"):
            edits = self._good("photos", place)
            gone = {edit["value"] for edit in edits if edit["kind"] == "detach"}
            return {edit["value"] for edit in edits} - gone
        values = sorted(str(edit["value"]) for edit in standing(self._good("facts", place)))
        if place.endswith("note"):
            return " | ".join(values)
        edits = sorted(standing(self._good("facts", place)), key=lambda edit: edit["id"])
        return edits[0]["value"] if edits else None

    def may_give(self, bags):
        own = [
            edit["value"]
            for edit in self.state["given"].get("seed", {}).values()
            if edit["phone"] == self.phone
        ]
        return sum(own) + bags <= self.share

    def reviews(self):
        facts = [place for place in self.state["facts"] if not place.endswith(("note", "planted"))]
        return [p for p in facts if len({str(e["value"]) for e in standing(self._good("facts", p))}) > 1]


# %% exercise="design" right="of several notes only the latest, and of a day of planting the earliest: neither is worth a call"
class Design(Design):
    def visible(self, place):
        edits = standing(self.at(place))
        if place.endswith("/note"):
            return max(((edit["clock"], edit["id"], edit["value"]) for edit in edits), default=[None])[-1]
        if place.endswith("/planted"):
            return min((edit["value"] for edit in edits), key=str, default=None)
        return super().visible(place)


# %% [markdown]
# The baselines, then the lab's own design with one mistake each.


# %% exercise="design" wrong="whatever comes last is right" says="in another order"
class Design(NaiveLastWrite):
    def merge(self, received):
        self.state.update(received)


# %% exercise="design" wrong="the first baseline: the latest wall clock wins" says="places that show a thief's words"
class Design(NaiveLastWrite):
    pass


# %% exercise="design" wrong="the second baseline: the first write wins" says="places that show a thief's words"
class Design(FirstWrite):
    pass


# %% exercise="design" wrong="the third baseline: a person settles whatever differs" says="bags of seed were promised"
class Design(ReviewAll):
    pass


# %% exercise="design" wrong="the third baseline, with shares of the seed" says="calls are more than 60"
class Design(ReviewAll):
    def __init__(self, phone, stock, share):
        super().__init__(phone, stock, share)
        self.state["given"] = {}

    def merge(self, received):
        super().merge(received)
        for phone, bags in received["given"].items():
            self.state["given"][phone] = max(bags, self.state["given"].get(phone, 0))

    def write(self, edit):
        if edit["kind"] == "give":
            self.state["given"][self.phone] = self.state["given"].get(self.phone, 0) + edit["value"]
        else:
            super().write(edit)

    def may_give(self, bags):
        return self.state["given"].get(self.phone, 0) + bags <= self.share


# %% exercise="design" wrong="trusts wall clocks for every fact" says="went under without a word"
class Design(Design):
    def visible(self, place):
        if place.partition("/")[2] in (*MATTERS, "planted"):
            edits = sorted(self.at(place), key=lambda edit: (edit["clock"], edit["id"]))
            return edits[-1]["value"] if edits else None
        return super().visible(place)

    def reviews(self):
        return []


# %% exercise="design" wrong="trusts wall clocks, and asks when two phones wrote within a day" says="went under without a word"
class Design(Design):
    def recent(self, place):
        edits = sorted(self.at(place), key=lambda edit: (edit["clock"], edit["id"]))
        return [edit for edit in edits if edits[-1]["clock"] - edit["clock"] < 1440]

    def visible(self, place):
        if place.partition("/")[2] in (*MATTERS, "planted"):
            return self.recent(place)[-1]["value"] if self.recent(place) else None
        return super().visible(place)

    def reviews(self):
        return [p for p in PLACES if p.endswith(MATTERS) and len({e["value"] for e in self.recent(p)}) > 1]


# %% exercise="design" wrong="Lamport's clock alone: causal, and the value of whoever wrote less goes" says="went under without a word"
class Design(Design):
    def write(self, edit):
        super().write(edit)
        stamps = [one.get("stamp", 0) for one in self.state["edits"].values()]
        self.state["edits"][edit["id"]]["stamp"] = max(stamps) + 1

    def visible(self, place):
        if place.partition("/")[2] in (*MATTERS, "planted"):
            edits = sorted(self.at(place), key=lambda edit: (edit["stamp"], edit["id"]))
            return edits[-1]["value"] if edits else None
        return super().visible(place)

    def reviews(self):
        return []


# %% exercise="design" wrong="a hybrid clock alone: contradictions are settled by time" says="went under without a word"
class Design(Design):
    def write(self, edit):
        super().write(edit)
        stamps = [one.get("stamp", 0) + 1 for one in self.state["edits"].values()]
        self.state["edits"][edit["id"]]["stamp"] = max([edit["clock"], *stamps])

    def visible(self, place):
        if place.partition("/")[2] in (*MATTERS, "planted"):
            edits = sorted(self.at(place), key=lambda edit: (edit["stamp"], edit["id"]))
            return edits[-1]["value"] if edits else None
        return super().visible(place)

    def reviews(self):
        return []


# %% exercise="design" wrong="never asks anybody" says="went under without a word"
class Design(Design):
    def reviews(self):
        return []


# %% exercise="design" wrong="asks about the area only" says="went under without a word"
class Design(Design):
    def reviews(self):
        return [place for place in super().reviews() if place.endswith("/area")]


# %% exercise="design" wrong="asks about every value that was ever changed" says="calls are more than 60"
class Design(Design):
    def reviews(self):
        return [p for p in PLACES if p.endswith(MATTERS) and len({e["value"] for e in self.at(p)}) > 1]


# %% exercise="design" wrong="drops all of the stolen phone's edits" says="photos that are lost, or back"
class Design(Design):
    def at(self, place):
        return [edit for edit in super().at(place) if edit["phone"] not in self.state["revoked"]]


# %% exercise="design" wrong="does not care about the theft" says="places that show a thief's words"
class Design(Design):
    def at(self, place):
        return [edit for edit in self.state["edits"].values() if edit["place"] == place]


# %% exercise="design" wrong="asks what stands before it takes the thief's words out" says="went under without a word"
class Design(Design):
    def visible(self, place):
        if place.partition("/")[2] in (*MATTERS, "planted", "note"):
            everything = [edit for edit in self.state["edits"].values() if edit["place"] == place]
            good = [edit for edit in standing(everything) if edit in self.at(place)]
            return max((str(edit["clock"]), edit["value"]) for edit in good)[1] if good else None
        return super().visible(place)


# %% exercise="design" wrong="shows for a harvest the figure that was noted last" says="harvests that are miscounted"
class Design(Design):
    def visible(self, place):
        if place.endswith("/harvest"):
            edits = sorted(self.at(place), key=lambda edit: (edit["clock"], edit["id"]))
            return edits[-1]["value"] if edits else 0
        return super().visible(place)


# %% exercise="design" wrong="shows for a harvest the largest sum of one phone" says="harvests that are miscounted"
class Design(Design):
    def visible(self, place):
        if place.endswith("/harvest"):
            sums = {}
            for edit in self.at(place):
                sums[edit["phone"]] = sums.get(edit["phone"], 0) + edit["value"]
            return max(sums.values(), default=0)
        return super().visible(place)


# %% exercise="design" wrong="takes equal loads for the same load" says="harvests that are miscounted"
class Design(Design):
    def visible(self, place):
        if place.endswith("/harvest"):
            return sum({edit["value"] for edit in self.at(place)})
        return super().visible(place)


# %% exercise="design" wrong="forgets corrections" says="harvests that are miscounted"
class Design(Design):
    def visible(self, place):
        if place.endswith("/harvest"):
            return sum(max(0, edit["value"]) for edit in self.at(place))
        return super().visible(place)


# %% exercise="design" wrong="adds tallies up whenever phones meet" says="the same three messages, two of them twice"
class Design(Design):
    def __init__(self, phone, stock, share):
        super().__init__(phone, stock, share)
        self.state["bags"] = {}

    def write(self, edit):
        super().write(edit)
        if edit["kind"] == "count":
            self.state["bags"][edit["place"]] = self.state["bags"].get(edit["place"], 0) + edit["value"]

    def merge(self, received):
        super().merge(received)
        for place, bags in received["bags"].items():
            self.state["bags"][place] = self.state["bags"].get(place, 0) + bags

    def since(self, have):
        return super().since(have) | {"bags": self.state["bags"]}

    def visible(self, place):
        return self.state["bags"].get(place, 0) if place.endswith("/harvest") else super().visible(place)


# %% exercise="design" wrong="never removes a photo" says="photos that are lost, or back"
class Design(Design):
    def visible(self, place):
        if place.endswith("/photos"):
            return sorted(edit["value"] for edit in self.at(place) if edit["kind"] == "attach")
        return super().visible(place)


# %% exercise="design" wrong="shows the photos of those edits that nobody replaced" says="photos that are lost, or back"
class Design(Design):
    def visible(self, place):
        if place.endswith("/photos"):
            return sorted(edit["value"] for edit in standing(self.at(place)) if edit["kind"] == "attach")
        return super().visible(place)


# %% exercise="design" wrong="shows whichever value this phone heard of last" says="in another order"
class Design(Design):
    def visible(self, place):
        if place.partition("/")[2] in MATTERS:
            return [None, *(edit["value"] for edit in standing(self.at(place)))][-1]
        return super().visible(place)


# %% exercise="design" wrong="shows what this phone itself wrote, before what others did" says="season 3, everybody has met"
class Design(Design):
    def visible(self, place):
        own = [edit for edit in self.at(place) if edit["phone"] == self.phone and edit["kind"] == "set"]
        return own[-1]["value"] if own else super().visible(place)


# %% exercise="design" wrong="gives seed while the screen shows some" says="bags of seed were promised"
class Design(Design):
    def may_give(self, bags):
        return self.visible("seed") >= bags


# %% exercise="design" wrong="gives whatever is asked" says="bags of seed were promised"
class Design(Design):
    def may_give(self, bags):
        return True


# %% exercise="design" wrong="gives nothing: the safest" says="of 60 bags are left over"
class Design(Design):
    def may_give(self, bags):
        return False


# %% exercise="design" wrong="counts its share anew after every message" says="bags of seed were promised"
class Design(Design):
    def may_give(self, bags):
        return bags <= self.share


# %% exercise="design" wrong="knows the four seasons by heart" says="season"
class Design(Design):
    def visible(self, place):
        days = [self.state["edits"].get(f"office:{number}", {}).get("value") for number in (2, 7, 12, 17)]
        known = [[edit["value"] for edit in one.edits[:20]][1:20:5] for one in SEASONS]
        if days in known:
            return super().visible(place)
        return [] if place.endswith("/photos") else None


# %% exercise="worth" right="compares designs one by one; has a donor's weights"
def beaten(cards):
    found = []
    for name, card in cards.items():
        for other, theirs in cards.items():
            if other == name:
                continue
            worse = [criterion for criterion in card if theirs[criterion] > card[criterion]]
            better = [criterion for criterion in card if theirs[criterion] < card[criterion]]
            if better and not worse:
                found.append(name)
                break
    return found


def my_weights():
    return {name: float(weight) for name, weight in WEIGHTS.items()}


def other_weights():
    return {**WEIGHTS, "reviews": 100_000, "refused": 100_000}


# %% exercise="worth" wrong="asks for worse in everything" says="is beaten, and you say"
def beaten(cards):
    return {a for a in cards for b in cards if all(cards[b][name] < cards[a][name] for name in cards[a])}


def my_weights():
    return dict(WEIGHTS)


def other_weights():
    return dict.fromkeys(WEIGHTS, 0.1) | {"reviews": 300}


# %% exercise="worth" wrong="equal designs beat each other" says="nobody is beaten, and you say"
def beaten(cards):
    pairs = [(a, b) for a in cards for b in cards if a != b]
    return {a for a, b in pairs if all(cards[b][name] <= cards[a][name] for name in cards[a])}


def my_weights():
    return dict(WEIGHTS)


def other_weights():
    return dict.fromkeys(WEIGHTS, 0.1) | {"reviews": 300}


# %% exercise="worth" wrong="takes all but the one with the lowest sum" says="is beaten, and you say"
def beaten(cards):
    best = min(cards, key=lambda name: sum(cards[name].values()))
    return set(cards) - {best}


def my_weights():
    return dict(WEIGHTS)


def other_weights():
    return dict.fromkeys(WEIGHTS, 0.1) | {"reviews": 300}


# %% exercise="worth" wrong="more is better" says="is beaten, and you say"
def beaten(cards):
    def beats(one, other):
        return one != other and all(one[name] >= other[name] for name in one)

    return {name for name, card in cards.items() if any(beats(other, card) for other in cards.values())}


def my_weights():
    return dict(WEIGHTS)


def other_weights():
    return dict.fromkeys(WEIGHTS, 0.1) | {"reviews": 300}


# %% exercise="worth" wrong="the same weights twice" says="Both put"
def beaten(cards):
    def beats(one, other):
        return one != other and all(one[name] <= other[name] for name in one)

    return {name for name, card in cards.items() if any(beats(other, card) for other in cards.values())}


def my_weights():
    return dict(WEIGHTS)


def other_weights():
    return {name: 2 * weight for name, weight in WEIGHTS.items()}


# %% exercise="worth" wrong="calls are free" says="nothing is free"
def beaten(cards):
    def beats(one, other):
        return one != other and all(one[name] <= other[name] for name in one)

    return {name for name, card in cards.items() if any(beats(other, card) for other in cards.values())}


def my_weights():
    return WEIGHTS | {"reviews": 0}


def other_weights():
    return dict.fromkeys(WEIGHTS, 0.1) | {"reviews": 300}


# %% exercise="worth" wrong="leaves criteria out" says="is missing, or no criterion"
def beaten(cards):
    def beats(one, other):
        return one != other and all(one[name] <= other[name] for name in one)

    return {name for name, card in cards.items() if any(beats(other, card) for other in cards.values())}


def my_weights():
    return {"lost": 20, "reviews": 10}


def other_weights():
    return dict.fromkeys(WEIGHTS, 0.1) | {"reviews": 300}
