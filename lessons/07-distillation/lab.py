# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: "Lab: what the teacher says"
#     chapter: 7
#     device: laptop-4gb
#     teach_minutes: 5
#     exercise_minutes: 100
#     objectives:
#       - Write a distillation loss that padding, temperature and the length of a batch cannot fool
#       - Give a decoder what it may see, and nothing more
#       - Choose temperature and alpha without looking at the test
#       - Spend a budget of minutes on labels, on a teacher and on training
#     after: [07-distillation/01-the-loss]
# ---

# %% [markdown]
# # Lab: what the teacher says
#
# Achieng has a good teacher and little else: few labels, a laptop, and mains power that goes at four. You write what she
# needs to make a small model of it. The exercises stand on their own. Each has an answer cell and a check cell; run them as
# often as you like.

# %% [markdown] tags=["instructor"]
# **Timing.** Exercise 1 40 minutes, 2 15, 3 20, 4 25 with its discussion.
#
# **Common mistakes.** 1: averaging over padding; the direction; a softmax on shares; no T squared, or T squared on both
# halves. 2: `roll`, which carries the last token to the front. 3: looking at the test once for each setting "only to see". 4:
# all minutes into labels, or all into a teacher that is wrong.
#
# **Rubric for exercise 4** (10 points, beside its check): says what each minute buys (3); says where the plan changes sides, and
# why there (3); names what the simulation leaves out (2); has a stopping rule (2).

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown]
# ## Exercise 1: the loss (5 points, 40 minutes)

# %% answer="loss"
import torch
from torch.nn import functional


def distillation_loss(student, teacher, labels, temperature, alpha):
    """alpha T^2 KL(teacher, student) at temperature T, plus (1 - alpha) cross entropy with the labels at temperature 1.

    Args:
        student: Scores, (batch, length, vocabulary).
        teacher: Scores, the same shape. No gradient flows into it.
        labels: (batch, length); -100 where there is only padding, which counts nowhere.
        temperature: Above 0.
        alpha: Share of the soft loss, 0 to 1.

    Returns:
        A tensor with one number. Both halves are means over the places that count.

    Hint: `scores[labels != -100]` has one row for each place that counts.
    """
    ### BEGIN SOLUTION
    counted = labels != -100
    ours, theirs = student[counted], teacher.detach()[counted]
    log_q = functional.log_softmax(ours / temperature, dim=-1)
    log_p = functional.log_softmax(theirs / temperature, dim=-1)
    soft = (log_p.exp() * (log_p - log_q)).sum(dim=-1).mean()
    hard = functional.cross_entropy(ours, labels[counted])
    return alpha * temperature**2 * soft + (1 - alpha) * hard
    ### END SOLUTION


# %% [markdown]
# What it should be, place by place in plain Python, slow and without gradients:

# %% tags=["long"]
import math


def shares(scores, temperature):
    powers = [math.exp((one - max(scores)) / temperature) for one in scores]
    return [one / sum(powers) for one in powers]


def slowly(student, teacher, labels, temperature, backwards=False):
    """Means of the soft loss, without its factor, and of the hard loss."""
    soft, hard = [], []
    for row, sentence in enumerate(labels.tolist()):
        for place, label in enumerate(sentence):
            if label == -100:
                continue
            ours, theirs = student[row, place].tolist(), teacher[row, place].tolist()
            q, p = shares(ours, temperature), shares(theirs, temperature)
            p, q = (q, p) if backwards else (p, q)
            soft.append(sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)))
            hard.append(-math.log(shares(ours, 1)[label]))
    return sum(soft) / len(soft), sum(hard) / len(hard)


# %%
def draw_scores(seed, batch=3, length=5, words=7):
    """Scores of student and teacher, and labels, of which some are padding."""
    draw = torch.Generator().manual_seed(seed)
    student, teacher = (2 * torch.randn(batch, length, words, generator=draw) for _ in range(2))
    labels = torch.randint(words, (batch, length), generator=draw)
    for row in range(1, batch):
        labels[row, length - row :] = -100
    return student.double(), teacher.double(), labels


def near(one, other):
    return math.isclose(float(one), float(other), rel_tol=1e-4, abs_tol=1e-6)


# %% tags=["long"]
def judge(verify, seed, temperature, sizes):
    """Both halves by themselves, with words for the usual mistakes."""
    student, teacher, labels = draw_scores(seed, **sizes)
    counted, (soft, hard) = int((labels != -100).sum()), slowly(student, teacher, labels, temperature)
    case = f"Scores {tuple(student.shape)}, {counted} places count, T = {temperature}:"
    found = distillation_loss(student, teacher, labels, temperature, 0.0)
    verify(near(found, hard), f"{case} with alpha 0 the hard half is {hard:.4f}; yours {float(found):.4f}.")
    found, wanted = distillation_loss(student, teacher, labels, temperature, 1.0), temperature**2 * soft
    other = temperature**2 * slowly(student, teacher, labels, temperature, backwards=True)[0]
    verify(
        not near(found, other),
        f"{case} that is KL(student, teacher). It charges only where the student looks.",
    )
    verify(temperature == 1 or not near(found, soft), f"{case} the factor T squared is missing.")
    verify(
        not near(found, wanted * counted / len(labels)),
        f"{case} you divided by the sentences, not the places.",
    )
    mean = wanted / student.shape[-1]
    verify(not near(found, mean), f"{case} you divided by the size of the vocabulary as well.")
    verify(
        near(found, wanted), f"{case} with alpha 1 the soft half is {wanted:.4f}; yours {float(found):.4f}."
    )
    mixed = distillation_loss(student, teacher, labels, temperature, 0.3)
    verify(near(mixed, 0.3 * wanted + 0.7 * hard), f"{case} with alpha 0.3 the halves are mixed wrongly.")


# %%
def judge_gradient(verify, student, teacher, labels):
    """Where it flows, and what it is when the soft half is alone."""
    ours, theirs = student.clone().requires_grad_(), teacher.clone().requires_grad_()
    distillation_loss(ours, theirs, labels, 3.0, 0.5).backward()
    verify(theirs.grad is None or not theirs.grad.any(), "A gradient flows into the teacher.")
    verify(ours.grad is not None and bool(ours.grad.any()), "No gradient reaches the student.")
    verify(not ours.grad[labels == -100].any(), "A gradient flows from places of padding.")
    for temperature in (1.0, 3.0):
        alone = student.clone().requires_grad_()
        distillation_loss(alone, teacher, labels, temperature, 1.0).backward()
        p, q = (torch.softmax(one / temperature, -1) for one in (teacher, student))
        by_hand = temperature * (q - p) * (labels != -100)[..., None] / (labels != -100).sum()
        verify(
            alone.grad is not None and torch.allclose(alone.grad, by_hand, rtol=1e-4, atol=1e-8),
            f"With alpha 1 and T = {temperature} the gradient is not T (q - p) over the places that count.",
        )


# %% check="loss" points=5
from offlinefirst.course.checks import check

with check("07-distillation/loss", points=5, revisit="01-the-loss.ipynb#Padding-teaches-nothing") as verify:
    student, teacher, labels = draw_scores(1)
    same = float(distillation_loss(teacher, teacher, labels, 2.0, 1.0))
    verify(
        near(same, 0), f"A student that says what its teacher says has a soft loss of 0; yours {same:.4f}."
    )
    wild = student.clone()
    wild[labels == -100] = 50 * torch.arange(7.0).double()
    before, after = (float(distillation_loss(one, teacher, labels, 2.0, 0.5)) for one in (student, wild))
    verify(
        near(before, after), f"Only scores at padding changed, and the loss went {before:.4f} to {after:.4f}."
    )
    longer = [functional.pad(one, (0, 0, 0, 6)) for one in (student, teacher)]
    after = float(distillation_loss(*longer, functional.pad(labels, (0, 6), value=-100), 2.0, 0.5))
    verify(
        near(before, after),
        f"Six places of padding were added, and the loss went {before:.4f} to {after:.4f}.",
    )
    for seed, temperature in [(2, 1.0), (3, 4.0), (4, 2.5)]:
        judge(verify, seed, temperature, {"batch": 2 + seed % 3, "length": 4 + seed, "words": 5 + seed})
    judge_gradient(verify, student, teacher, labels)

# %% [markdown]
# ## Exercise 2: one behind (3 points, 15 minutes)


# %% answer="shift"
def decoder_inputs(labels, start, pad):
    """What the decoder sees while it learns to say `labels`: a start token, then all labels but the last place.

    Args:
        labels: Token ids, (batch, length), -100 at padding. Not changed.
        start: The start token.
        pad: The padding token; the decoder has no word number -100.

    Returns:
        Token ids of the same shape, whole numbers as the labels.

    Hint: torch.full_like, then a slice.
    """
    ### BEGIN SOLUTION
    seen = torch.full_like(labels, start)
    seen[:, 1:] = labels[:, :-1]
    return torch.where(seen == -100, pad, seen)
    ### END SOLUTION


# %% check="shift" points=3
SENTENCES = [
    ([[11, 12, 13, 9]], 9, 1),
    ([[11, 12, 9], [14, 9, -100]], 2, 1),
    ([[5, 5, 6, 2], [7, 2, -100, -100], [8, -100, -100, -100]], 3, 0),
    ([[4]], 7, 8),
]

with check("07-distillation/shift", points=3, revisit="01-the-loss.ipynb#Shift-the-labels") as verify:
    for rows, start, pad in SENTENCES:
        labels = torch.tensor(rows)
        seen = decoder_inputs(labels, start, pad)
        case = f"Labels {rows}, start {start}, pad {pad}:"
        verify(labels.tolist() == rows, f"{case} you changed the labels themselves.")
        verify(tuple(seen.shape) == tuple(labels.shape), f"{case} the shape became {tuple(seen.shape)}.")
        verify(seen.dtype == labels.dtype, f"{case} tokens are whole numbers; yours became {seen.dtype}.")
        found = seen.tolist()
        verify(all(-100 not in row for row in found), f"{case} -100 is left, and no word has that number.")
        verify(all(row[0] == start for row in found), f"{case} it begins with {[row[0] for row in found]}.")
        wanted = [[start] + [pad if one == -100 else one for one in row[:-1]] for row in rows]
        verify(found == wanted, f"{case} you gave {found}; at each place it sees what came before it.")

# %% [markdown]
# ## Exercise 3: choose without the test (4 points, 20 minutes)
#
# Which temperature, which alpha? Every training costs Achieng minutes of power, and every look at the test makes its
# figure a little less true.


# %% answer="choose"
def choose(settings, fit, score):
    """Choose a setting by the validation plots, then measure it once on the test plots.

    Args:
        settings: Pairs (temperature, alpha), at least one. Of equally good ones the first is chosen.
        fit: `fit(setting, "train")` trains and returns a model; minutes, so once for each setting. The second
            argument names the plots: "train", "validation" or "test".
        score: `score(model, "validation")` returns the share of these plots that the model gets right.

    Returns:
        The setting, and its share right on the test plots.

    Hint: keep each model beside its setting; a model does not tell how it was made.
    """
    ### BEGIN SOLUTION
    models = {setting: fit(setting, "train") for setting in settings}
    best = max(settings, key=lambda setting: score(models[setting], "validation"))
    return best, score(models[best], "test")
    ### END SOLUTION


# %% [markdown]
# Each case: settings, with their shares right on train, validation and test. The functions note who was asked what.

# %% tags=["long"]
CASES = [
    {(1, 0.5): (0.90, 0.70, 0.74), (4, 0.7): (0.93, 0.72, 0.69), (8, 0.9): (0.97, 0.66, 0.71)},
    {(4, 0.7): (0.80, 0.61, 0.70), (2, 0.3): (0.78, 0.66, 0.60), (1, 0.0): (0.99, 0.60, 0.65)},
    {(3, 0.2): (0.70, 0.64, 0.61), (5, 0.2): (0.75, 0.64, 0.68), (9, 0.2): (0.90, 0.50, 0.55)},
    {(2, 1.0): (0.60, 0.58, 0.57)},
    {(6, 0.1): (0.95, 0.51, 0.80), (7, 0.8): (0.85, 0.52, 0.40), (20, 0.6): (0.75, 0.53, 0.50)},
]
PLOTS = ("train", "validation", "test")


def recorded(case):
    """`fit` and `score` for a case, and the notes they take."""
    trained, looked, made = [], [], []

    def fit(setting, plots):
        trained.append((setting, plots))
        made.append((object(), setting))  # a model; only `score` knows what it is
        return made[-1][0]

    def score(model, plots):
        setting = next((setting for one, setting in made if one is model), None)
        if setting is None:
            raise TypeError(f"score() takes a model that fit() returned, not {model!r}.")
        looked.append((setting, plots))
        return case[setting][PLOTS.index(plots)]

    return fit, score, trained, looked


# %% check="choose" points=4
with check("07-distillation/choose", points=4, revisit="01-the-loss.ipynb#Measure-it") as verify:
    for case in CASES:
        fit, score, trained, looked = recorded(case)
        setting, result = choose(list(case), fit, score)
        best = max(case, key=lambda one: case[one][1])
        on_test = [model for model, plots in looked if plots == "test"]
        verify(
            all(plots == "train" for _, plots in trained),
            "You trained on plots that shall judge the model.",
        )
        verify(
            len(on_test) <= 1, f"You looked at the test {len(on_test)} times; it is for the chosen one, once."
        )
        verify(
            sorted(one for one, _ in trained) == sorted(case),
            f"{len(trained)} trainings for {len(case)} settings.",
        )
        verify(
            setting == best,
            f"You chose {setting}; the first of the best by validation is {best} of {case}.",
        )
        verify(on_test == [best], "The test was never asked about the chosen model.")
        verify(
            result == case[best][2],
            f"You reported {result}, which is not what the test says: {case[best][2]}.",
        )

# %% [markdown]
# ## Exercise 4, open: a day of minutes (3 points, 25 minutes with the discussion)
#
# The soil of the first notebook, synthetic. A label costs two minutes of an agronomist. Asking the teacher about a plot
# costs six seconds, a training step half a second. The first `asked` plots get shares, the first `labels` a label.
#
# This teacher learnt from a sheet on which two crops had changed places. Of those two it says the wrong one, and is as sure as
# ever. Asking more often does not mend that; labels are right, and few.

# %%
from torch import nn

MINUTES = {"labels": 2.0, "asked": 0.1, "steps": 0.5 / 60}
likes = 1.3 * torch.randn(8, 2, 6, generator=torch.Generator().manual_seed(7))


def soils(count, seed):
    draw = torch.Generator().manual_seed(seed)
    crop, kind = (torch.randint(most, (count,), generator=draw) for most in (8, 2))
    return likes[crop, kind] + torch.randn(count, 6, generator=draw), crop


def teacher_scores(plots):
    scores = (-((plots[:, None, None] - likes) ** 2).sum(-1) / 2).logsumexp(2)
    return scores[:, [1, 0, 2, 3, 4, 5, 6, 7]]  # the best there can be, but for its two crops


# %% tags=["long"]
torch.set_num_threads(1)


def outcome(labels, asked, steps, temperature, alpha, seed):
    """Share right on 3,000 plots of a small network trained by this plan; it trains for real."""
    plots, crops = soils(max(labels, asked, 1), 100 + seed)
    theirs = teacher_scores(plots)
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 8))
    optimiser, draw = torch.optim.AdamW(network.parameters(), 5e-3), torch.Generator().manual_seed(seed)
    for _ in range(steps if labels or asked else 0):
        loss = torch.zeros(())
        for weight, count, soft in [(alpha, asked, True), (1 - alpha, labels, False)]:
            if weight and count:
                some = torch.randint(count, (64,), generator=draw)
                ours, p = network(plots[some]) / (temperature if soft else 1), theirs[some] / temperature
                wanted = p.softmax(1) if soft else crops[some]
                loss = loss + weight * (temperature**2 if soft else 1) * functional.cross_entropy(
                    ours, wanted
                )
        if not loss.requires_grad:
            break
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    tests, right = soils(3_000, 9)
    return float((network(tests).argmax(1) == right).float().mean())


# %% [markdown]
# How do you spend 60 minutes, and how 480? Try plans with `outcome` before you choose.


# %% answer="plan"
def plan(minutes):
    """Spend the minutes of a day.

    Returns:
        {"labels": plots with a label, "asked": plots with the teacher's shares, "steps": steps of training,
        "temperature": above 0, "alpha": 0 to 1}; the first three whole numbers from 0 up.

    Hint: MINUTES says what each costs. What is bought with few minutes need not be bought with many.
    """
    ### BEGIN SOLUTION
    steps = min(600, int(0.1 * minutes / MINUTES["steps"]))
    left = minutes - steps * MINUTES["steps"]
    few = minutes < 120  # below, labels are too few to learn eight crops from
    bought = {"labels": 0 if few else int(0.95 * left / MINUTES["labels"])}
    bought["asked"] = int((left - bought["labels"] * MINUTES["labels"]) / MINUTES["asked"])
    return {**bought, "steps": steps, "temperature": 1.0, "alpha": 1.0 if few else 0.2}
    ### END SOLUTION


# %%
def mean_of(bought):
    """Over two draws of plots."""
    return sum(outcome(**bought, seed=seed) for seed in range(2)) / 2


def extremes(minutes):
    """All into labels, and all into the teacher."""
    labels = {"labels": int((minutes - 2.5) / 2), "asked": 0, "steps": 300, "temperature": 1, "alpha": 0}
    asked = {"labels": 0, "asked": int((minutes - 5) / 0.1), "steps": 600, "temperature": 1, "alpha": 1}
    return mean_of(labels), mean_of(asked)


# %% check="plan" points=3
import numbers

with check("07-distillation/plan", points=3, revisit="01-the-loss.ipynb#Measure-it") as verify:
    for minutes in (60, 480, 30, 100, 900):
        ours = plan(minutes)
        verify(
            set(ours) == {*MINUTES, "temperature", "alpha"},
            f"The plan has {sorted(ours)}; see what it returns.",
        )
        whole = all(isinstance(ours[name], numbers.Integral) and ours[name] >= 0 for name in MINUTES)
        verify(whole, "Labels, asked and steps are whole numbers from 0 up.")
        verify(ours["temperature"] > 0 and 0 <= ours["alpha"] <= 1, "Temperature is above 0, alpha 0 to 1.")
        spent = 2.0 * ours["labels"] + 0.1 * ours["asked"] + 0.5 / 60 * ours["steps"]
        verify(spent <= minutes + 1e-6, f"You have {minutes} minutes and spend {spent:.0f}.")
    for minutes in (60, 480):
        (by_labels, by_teacher), found = extremes(minutes), mean_of(plan(minutes))
        line = (
            f"all into labels {by_labels:.1%}, all into the teacher {by_teacher:.1%}, your plan {found:.1%}"
        )
        print(f"{minutes} minutes: {line}")
        better = "labels" if by_labels > by_teacher else "the teacher"
        verify(
            found > max(by_labels, by_teacher) - 0.03,
            f"In {minutes} minutes {better} alone does better: {line}.",
        )

# %% [markdown]
# Now argue. Here you were told what is wrong with the teacher. How many labels would you spend to find it out, if nobody had
# told you? A few that nobody trains on are the cheapest answer.

# %% [markdown]
# ## Your score

# %%
from offlinefirst.course.checks import Score

Score("07-distillation", loss=5, shift=3, choose=4, plan=3)
