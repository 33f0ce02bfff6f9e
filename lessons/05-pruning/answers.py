# %% [markdown]
# Other answers to the lab's exercises. Wrong ones start with the mistakes of the source material and of the field.
#
# ruff: noqa: F821

# %% exercise="prune" right="with partition and a mask, and errors of its own"
def prune(weights, shares):
    class PruneError(ValueError):
        pass

    new = {name: np.array(array) for name, array in weights.items()}
    for name, share in shares.items():
        array = new.get(name)
        if array is None or array.ndim == 1 or not (0 <= share <= 1) or not np.all(np.isfinite(array)):
            raise PruneError(f"{name}: {share}")
        count = round(array.size * share)
        order = np.argpartition(np.abs(array).ravel(), max(0, count - 1))[:count] if count else []
        array.ravel()[order] = 0
        if not array.any():
            raise PruneError(f"{name} is empty")
    return new


# %% exercise="prune" right="sorts pairs in plain Python"
def prune(weights, shares):
    if not set(shares) <= {name for name, array in weights.items() if array.ndim > 1}:
        raise ValueError("not a layer")
    result = {}
    for name, array in weights.items():
        share = shares.get(name, 0)
        if name in shares and not (share >= 0 and share <= 1 and np.isfinite(array).all()):
            raise ValueError(name)
        values = array.flatten()
        gone = sorted(range(values.size), key=lambda place: abs(values[place]))[: round(share * values.size)]
        if len(gone) == values.size and values.size:
            raise ValueError("nothing left")
        values[gone] = 0
        result[name] = values.reshape(array.shape)
    return result


# %% exercise="prune" wrong="by a quantile as threshold, which takes too many of equal weights" says="were asked for"
def prune(weights, shares):
    result = {name: array.copy() for name, array in weights.items()}
    for name, share in shares.items():
        if name not in weights or weights[name].ndim < 2 or not 0 <= share <= 1:
            raise ValueError(name)
        if not np.isfinite(weights[name]).all() or round(share * weights[name].size) == weights[name].size:
            raise ValueError(name)
        if share:
            result[name][np.abs(result[name]) <= np.quantile(np.abs(result[name]), share)] = 0
    return result


# %% exercise="prune" wrong="prunes biases and normalisations with the rest" says="it is no layer"
def prune(weights, shares):
    result = {name: array.copy() for name, array in weights.items()}
    for name, array in result.items():
        share = max(shares.values(), default=0) if array.ndim == 1 else shares.get(name, 0)
        flat = array.reshape(-1)
        flat[np.argsort(np.abs(flat))[: round(share * flat.size)]] = 0
    return result


# %% exercise="prune" wrong="multiplies with a mask of float64, which doubles the bytes" says="count the bytes"
def prune(weights, shares):
    result = {name: array.copy() for name, array in weights.items()}
    for name, share in shares.items():
        if name not in weights or weights[name].ndim < 2 or not 0 <= share <= 1:
            raise ValueError(name)
        mask = np.ones(weights[name].size)
        mask[np.argsort(np.abs(weights[name]).ravel(), kind="stable")[: round(share * mask.size)]] = 0
        result[name] = weights[name] * mask.reshape(weights[name].shape)
        if not np.isfinite(weights[name]).all() or not mask.any():
            raise ValueError(name)
    return result


# %% exercise="prune" wrong="works in place" says="you changed the arrays"
def prune(weights, shares):
    for name, share in shares.items():
        flat = weights[name].reshape(-1)
        flat[np.argsort(np.abs(flat))[: round(share * flat.size)]] = 0
    return weights


# %% exercise="prune" wrong="takes the smallest numbers, not magnitudes" says="larger than one you left"
def prune(weights, shares):
    result = {name: array.copy() for name, array in weights.items()}
    for name, share in shares.items():
        flat = result[name].reshape(-1)
        flat[np.argsort(flat)[: round(share * flat.size)]] = 0
    return result


# %% exercise="prune" wrong="looks for no NaN" says="a weight that is NaN"
def prune(weights, shares):
    result = {name: array.copy() for name, array in weights.items()}
    for name, share in shares.items():
        if name not in weights or weights[name].ndim < 2 or not 0 <= share <= 1:
            raise ValueError(name)
        flat = result[name].reshape(-1)
        flat[np.argsort(np.abs(flat), kind="stable")[: round(share * flat.size)]] = 0
        if not flat.any():
            raise ValueError(name)
    return result


# %% exercise="prune" wrong="lets a layer become all zeros" says="layer of zeros"
def prune(weights, shares):
    result = {name: array.copy() for name, array in weights.items()}
    for name, share in shares.items():
        if name not in weights or weights[name].ndim < 2 or not 0 <= share <= 1:
            raise ValueError(name)
        if not np.isfinite(weights[name]).all():
            raise ValueError(name)
        flat = result[name].reshape(-1)
        flat[np.argsort(np.abs(flat), kind="stable")[: round(share * flat.size)]] = 0
    return result


# %% exercise="prune" wrong="is made for one layer and one share" says="zeros"
def prune(weights, shares):
    result = {name: array.copy() for name, array in weights.items()}
    flat = result["conv.weight"].reshape(-1)
    flat[np.argsort(np.abs(flat), kind="stable")[:108]] = 0
    return result


# %% exercise="remove" right="with np.delete and a table of places"
def remove(net, layer, filters):
    filters = list(filters)
    stream = [("conv1.weight", 0), ("conv2.weight", 0), ("conv2.weight", 1), ("conv3.weight", 1)]
    stream += [(f"norm{n}.{part}", 0) for n in (1, 2) for part in ("scale", "shift", "mean", "var")]
    last = [("conv3.weight", 0)] + [(f"norm3.{part}", 0) for part in ("scale", "shift", "mean", "var")]
    if len(set(filters)) >= net[f"{layer}.weight"].shape[0]:
        raise ValueError("nothing left")
    new = dict(net)
    for name, axis in last if layer == "conv3" else stream:
        new[name] = np.delete(new[name], filters, axis)
    if layer == "conv3":
        columns = [16 * one + pixel for one in filters for pixel in range(16)]
        new["fc.weight"] = np.delete(new["fc.weight"], columns, axis=1)
    return new


# %% exercise="remove" right="one filter at a time, from the last to the first, with boolean masks"
def remove(net, layer, filters):
    if len(filters) == len(net[layer + ".weight"]):
        raise ValueError("all of them")
    new = {name: array.copy() for name, array in net.items()}
    for gone in sorted(filters, reverse=True):
        stay = np.arange(len(new[layer + ".weight"])) != gone
        for number in "3" if layer == "conv3" else "12":
            for name in list(new):
                if name.startswith(f"norm{number}") or name == f"conv{number}.weight":
                    new[name] = new[name][stay]
        if layer == "conv3":
            new["fc.weight"] = new["fc.weight"][:, np.repeat(stay, 16)]
        else:
            new["conv2.weight"], new["conv3.weight"] = (
                new["conv2.weight"][:, stay],
                new["conv3.weight"][:, stay],
            )
    return new


# %% exercise="remove" wrong="forgets the inputs of the next layer" says="should have"
def remove(net, layer, filters):
    new = {name: array.copy() for name, array in net.items()}
    for number in "3" if layer == "conv3" else "12":
        for name in net:
            if name.startswith((f"norm{number}", f"conv{number}")):
                new[name] = np.delete(new[name], filters, 0)
    return new


# %% exercise="remove" wrong="forgets the normalisation" says="norm3"
def remove(net, layer, filters):
    new = {name: array.copy() for name, array in net.items()}
    columns = [16 * one + pixel for one in filters for pixel in range(16)]
    if layer == "conv3":
        new["conv3.weight"] = np.delete(new["conv3.weight"], filters, 0)
        new["fc.weight"] = np.delete(new["fc.weight"], columns, 1)
        return new
    for name, axis in [("conv1", 0), ("conv2", 0), ("conv2", 1), ("conv3", 1)]:
        new[f"{name}.weight"] = np.delete(new[f"{name}.weight"], filters, axis)
    return new


# %% exercise="remove" wrong="forgets the other side of the sum" says="conv2.weight has the shape"
def remove(net, layer, filters):
    new = {name: array.copy() for name, array in net.items()}
    number = layer[-1]
    for name in net:
        if name.startswith((f"norm{number}", f"conv{number}")):
            new[name] = np.delete(new[name], filters, 0)
    if layer == "conv3":
        new["fc.weight"] = np.delete(
            new["fc.weight"], [16 * one + p for one in filters for p in range(16)], 1
        )
    else:
        following = f"conv{int(number) + 1}.weight"
        new[following] = np.delete(new[following], filters, 1)
    return new


# %% exercise="remove" wrong="takes one column for a channel after the flatten" says="fc.weight has the shape"
def remove(net, layer, filters):
    new = {name: array.copy() for name, array in net.items()}
    for number in "3" if layer == "conv3" else "12":
        for name in net:
            if name.startswith((f"norm{number}", f"conv{number}")):
                new[name] = np.delete(new[name], filters, 0)
    readers = ["fc.weight"] if layer == "conv3" else ["conv2.weight", "conv3.weight"]
    for name in readers:
        new[name] = np.delete(new[name], filters, 1)
    return new


# %% exercise="remove" wrong="takes every so many-th column, as if pixels came first" says="the scores are off"
def remove(net, layer, filters):
    new = {name: array.copy() for name, array in net.items()}
    count = len(net[f"{layer}.weight"])
    if len(filters) == count:
        raise ValueError("nothing left")
    for number in "3" if layer == "conv3" else "12":
        for name in net:
            if name.startswith((f"norm{number}", f"conv{number}")):
                new[name] = np.delete(new[name], filters, 0)
    if layer == "conv3":
        new["fc.weight"] = np.delete(
            new["fc.weight"], [count * p + one for one in filters for p in range(16)], 1
        )
    else:
        new["conv2.weight"] = np.delete(new["conv2.weight"], filters, 1)
        new["conv3.weight"] = np.delete(new["conv3.weight"], filters, 1)
    return new


# %% exercise="remove" wrong="sets them to zero and removes nothing, as a mask does" says="should have"
def remove(net, layer, filters):
    new = {name: array.copy() for name, array in net.items()}
    new[f"{layer}.weight"][filters] = 0
    return new


# %% exercise="remove" wrong="leaves a layer without filters" says="refuse"
def remove(net, layer, filters):
    new = dict(net)
    for number in "3" if layer == "conv3" else "12":
        for name in net:
            if name.startswith((f"norm{number}", f"conv{number}")):
                new[name] = np.delete(new[name], filters, 0)
    if layer == "conv3":
        new["fc.weight"] = np.delete(
            new["fc.weight"], [16 * one + p for one in filters for p in range(16)], 1
        )
    else:
        new["conv2.weight"] = np.delete(new["conv2.weight"], filters, 1)
        new["conv3.weight"] = np.delete(new["conv3.weight"], filters, 1)
    return new


# %% exercise="report" right="with numpy, and a function for each ratio"
def report(dense, pruned, timings):
    def raw(model):
        return sum(array.size * array.dtype.itemsize for array in model.values())

    def compressed(model):
        packer = zlib.compressobj(9)
        return sum(len(packer.compress(array.tobytes())) for array in model.values()) + len(packer.flush())

    def sparse(model):
        total = 0
        for array in model.values():
            masked = np.packbits((array != 0).ravel()).nbytes + np.count_nonzero(array) * array.itemsize
            total += masked if masked < array.nbytes else array.nbytes
        return total

    layers = [array for array in pruned.values() if array.ndim >= 2]
    zeros = 1 - sum(map(np.count_nonzero, layers)) / sum(array.size for array in layers)
    threads = {
        model: {row["threads"] for row in timings if row["model"] == model} for model in ("dense", "pruned")
    }
    speedup, both = None, threads["dense"] & threads["pruned"]
    if both:
        seconds = {row["model"]: np.median(row["seconds"]) for row in timings if row["threads"] == min(both)}
        speedup = float(seconds["dense"] / seconds["pruned"])
    ratios = {key: weigh(dense) / weigh(pruned) for key, weigh in [("raw", raw), ("sparse", sparse)]}
    return ratios | {
        "compressed": compressed(dense) / compressed(pruned),
        "zeros": float(zeros),
        "speedup": speedup,
    }


# %% exercise="report" wrong="takes sparsity for size" says="`raw` is"
def report(dense, pruned, timings):
    layers = [array.ravel() for array in pruned.values() if array.ndim > 1]
    zeros = float((np.concatenate(layers) == 0).mean())
    ratio = 1 / (1 - zeros)
    return {"raw": ratio, "compressed": ratio, "sparse": ratio, "zeros": zeros, "speedup": ratio}


# %% exercise="report" wrong="compares the dense model on one number of threads with the pruned one on another" says="speed-up"
def report(dense, pruned, timings):
    def raw(model):
        return sum(a.nbytes for a in model.values())

    def small(model):
        return len(zlib.compress(b"".join(a.tobytes() for a in model.values()), 9))

    def sparse(model):
        return sum(min(a.nbytes, -(-a.size // 8) + int((a != 0).sum()) * a.itemsize) for a in model.values())

    layers = np.concatenate([a.ravel() for a in pruned.values() if a.ndim > 1])
    seconds = {row["model"]: median(row["seconds"]) for row in timings}
    speedup = seconds["dense"] / seconds["pruned"] if len(seconds) == 2 else None
    sizes = {
        key: f(dense) / f(pruned) for key, f in [("raw", raw), ("compressed", small), ("sparse", sparse)]
    }
    return sizes | {"zeros": float((layers == 0).mean()), "speedup": speedup}


# %% exercise="report" wrong="counts zeros in biases too" says="`zeros` is"
def report(dense, pruned, timings):
    def raw(model):
        return sum(a.nbytes for a in model.values())

    def small(model):
        return len(zlib.compress(b"".join(a.tobytes() for a in model.values()), 9))

    def sparse(model):
        return sum(min(a.nbytes, -(-a.size // 8) + int((a != 0).sum()) * a.itemsize) for a in model.values())

    everything = np.concatenate([a.ravel() for a in pruned.values()])
    sizes = {
        key: f(dense) / f(pruned) for key, f in [("raw", raw), ("compressed", small), ("sparse", sparse)]
    }
    return sizes | {"zeros": float((everything == 0).mean()), "speedup": None}


# %% exercise="report" wrong="forgets the mask" says="`sparse` is"
def report(dense, pruned, timings):
    def raw(model):
        return sum(a.nbytes for a in model.values())

    def small(model):
        return len(zlib.compress(b"".join(a.tobytes() for a in model.values()), 9))

    def sparse(model):
        return sum(int((a != 0).sum()) * a.itemsize for a in model.values())

    layers = np.concatenate([a.ravel() for a in pruned.values() if a.ndim > 1])
    sizes = {
        key: f(dense) / f(pruned) for key, f in [("raw", raw), ("compressed", small), ("sparse", sparse)]
    }
    return sizes | {"zeros": float((layers == 0).mean()), "speedup": None}


# %% exercise="report" wrong="keeps a mask of one byte for each weight" says="`sparse` is"
def report(dense, pruned, timings):
    def raw(model):
        return sum(a.nbytes for a in model.values())

    def small(model):
        return len(zlib.compress(b"".join(a.tobytes() for a in model.values()), 9))

    def sparse(model):
        return sum(min(a.nbytes, (a != 0).nbytes + int((a != 0).sum()) * a.itemsize) for a in model.values())

    layers = np.concatenate([a.ravel() for a in pruned.values() if a.ndim > 1])
    sizes = {
        key: f(dense) / f(pruned) for key, f in [("raw", raw), ("compressed", small), ("sparse", sparse)]
    }
    return sizes | {"zeros": float((layers == 0).mean()), "speedup": None}


# %% exercise="plan" right="two rounds, with most of the training at the end"
def plan():
    return [
        {"shares": {"first": 0.85, "second": 0.85}, "epochs": 8},
        {"shares": {"first": 0.95, "second": 0.95}, "epochs": 12},
    ]


# %% exercise="plan" right="the same share for every layer, slowly"
def plan():
    rounds = zip((0.6, 0.82, 0.91, 0.95), np.array([3, 3, 4, 10]), strict=True)  # numpy's numbers are numbers
    return [{"shares": dict.fromkeys(LAYERS, share), "epochs": epochs} for share, epochs in rounds]


# %% exercise="plan" wrong="all at once and no training" says="It lost"
def plan():
    return [{"shares": {"first": 0.95, "second": 0.95}, "epochs": 0}]


# %% exercise="plan" wrong="all at once, and the training after it" says="It lost"
def plan():
    return [{"shares": {"first": 0.95, "second": 0.95}, "epochs": 20}]


# %% exercise="plan" wrong="trains first, and cuts at the end" says="It lost"
def plan():
    return [{"shares": {}, "epochs": 20}, {"shares": {"first": 0.95, "second": 0.95}, "epochs": 0}]


# %% exercise="plan" wrong="prunes to 80 %, as the listing does" says="are there"
def plan():
    return [{"shares": dict.fromkeys(LAYERS, share), "epochs": 5} for share in (0.3, 0.6, 0.75, 0.8)]


# %% exercise="plan" wrong="trains for as long as it takes" says="there are 20"
def plan():
    return [{"shares": {"first": share, "second": share}, "epochs": 10} for share in (0.6, 0.8, 0.9, 0.95)]
