# %% [markdown]
# Other answers to the lab's exercises. Wrong ones start with the mistakes of the source and of the field.
# ruff: noqa: F821

# %% exercise="loss" right="uses kl_div on rows of places"
def distillation_loss(student, teacher, labels, temperature, alpha):
    counted = labels != -100
    ours, theirs = student[counted], teacher.detach()[counted]
    soft = functional.kl_div(
        functional.log_softmax(ours / temperature, dim=-1),
        functional.log_softmax(theirs / temperature, dim=-1),
        reduction="batchmean",
        log_target=True,
    )
    hard = functional.cross_entropy(ours, labels[counted])
    return alpha * temperature**2 * soft + (1 - alpha) * hard


# %% exercise="loss" right="keeps three axes and multiplies by a mask"
def distillation_loss(student, teacher, labels, temperature, alpha):
    mask = (labels != -100).to(student.dtype)
    with torch.no_grad():
        p = (teacher / temperature).softmax(-1)
    log_q = (student / temperature).log_softmax(-1)
    each = (torch.special.xlogy(p, p) - p * log_q).sum(-1)
    hard = functional.cross_entropy(student.transpose(1, 2), labels, ignore_index=-100)
    return alpha * temperature**2 * (each * mask).sum() / mask.sum() + (1 - alpha) * hard


# %% exercise="loss" wrong="is the source's listing, with its rows made flat so that it runs" says="Only scores at padding changed"
def distillation_loss(student, teacher, labels, temperature, alpha):
    ours, theirs = student.flatten(0, 1), teacher.flatten(0, 1)
    soft = functional.kl_div(
        functional.log_softmax(ours / temperature, dim=-1),
        functional.softmax(theirs / temperature, dim=-1),
        reduction="batchmean",
    )
    hard = functional.cross_entropy(ours, labels.flatten())
    return alpha * temperature**2 * soft + (1 - alpha) * hard


# %% exercise="loss" wrong="is the source's listing as printed" says="Expected target size"
def distillation_loss(student, teacher, labels, temperature, alpha):
    soft = nn_kl(
        functional.log_softmax(student / temperature, dim=-1),
        functional.softmax(teacher / temperature, dim=-1),
    )
    return alpha * temperature**2 * soft + (1 - alpha) * torch.nn.CrossEntropyLoss()(student, labels)


nn_kl = torch.nn.KLDivLoss(reduction="batchmean")


# %% exercise="loss" wrong="divides by all places, padding too" says="Six places of padding were added"
def distillation_loss(student, teacher, labels, temperature, alpha):
    counted = labels != -100
    ours, theirs = student[counted], teacher.detach()[counted]
    log_q, log_p = (
        functional.log_softmax(ours / temperature, dim=-1),
        functional.log_softmax(theirs / temperature, dim=-1),
    )
    soft = (log_p.exp() * (log_p - log_q)).sum() / labels.numel()
    hard = functional.cross_entropy(ours, labels[counted])
    return alpha * temperature**2 * soft + (1 - alpha) * hard


# %% exercise="loss" wrong="takes the KL divergence in the wrong direction" says="KL(student, teacher)"
def distillation_loss(student, teacher, labels, temperature, alpha):
    counted = labels != -100
    ours, theirs = student[counted], teacher.detach()[counted]
    soft = functional.kl_div(
        functional.log_softmax(theirs / temperature, dim=-1),
        functional.log_softmax(ours / temperature, dim=-1),
        reduction="batchmean",
        log_target=True,
    )
    hard = functional.cross_entropy(ours, labels[counted])
    return alpha * temperature**2 * soft + (1 - alpha) * hard


# %% exercise="loss" wrong="forgets the factor T squared" says="T squared is missing"
def distillation_loss(student, teacher, labels, temperature, alpha):
    counted = labels != -100
    ours, theirs = student[counted], teacher.detach()[counted]
    soft = functional.kl_div(
        functional.log_softmax(ours / temperature, dim=-1),
        functional.log_softmax(theirs / temperature, dim=-1),
        reduction="batchmean",
        log_target=True,
    )
    hard = functional.cross_entropy(ours, labels[counted])
    return alpha * soft + (1 - alpha) * hard


# %% exercise="loss" wrong="multiplies both halves by T squared" says="with alpha 0 the hard half"
def distillation_loss(student, teacher, labels, temperature, alpha):
    counted = labels != -100
    ours, theirs = student[counted], teacher.detach()[counted]
    soft = functional.kl_div(
        functional.log_softmax(ours / temperature, dim=-1),
        functional.log_softmax(theirs / temperature, dim=-1),
        reduction="batchmean",
        log_target=True,
    )
    hard = functional.cross_entropy(ours, labels[counted])
    return temperature**2 * (alpha * soft + (1 - alpha) * hard)


# %% exercise="loss" wrong="applies the softmax twice" says="with alpha 1 the soft half"
def distillation_loss(student, teacher, labels, temperature, alpha):
    counted = labels != -100
    ours, theirs = student[counted], teacher.detach()[counted]
    soft = functional.kl_div(
        functional.log_softmax(functional.softmax(ours / temperature, dim=-1), dim=-1),
        functional.softmax(functional.softmax(theirs / temperature, dim=-1), dim=-1),
        reduction="batchmean",
    )
    hard = functional.cross_entropy(ours, labels[counted])
    return alpha * temperature**2 * soft + (1 - alpha) * hard


# %% exercise="loss" wrong="gives the teacher's shares where their logarithm is expected" says="has a soft loss of 0"
def distillation_loss(student, teacher, labels, temperature, alpha):
    counted = labels != -100
    ours, theirs = student[counted], teacher.detach()[counted]
    soft = functional.kl_div(
        functional.log_softmax(ours / temperature, dim=-1),
        functional.softmax(theirs / temperature, dim=-1),
        reduction="batchmean",
        log_target=True,
    )
    hard = functional.cross_entropy(ours, labels[counted])
    return alpha * temperature**2 * soft + (1 - alpha) * hard


# %% exercise="loss" wrong="gives the student's shares without the logarithm" says="has a soft loss of 0"
def distillation_loss(student, teacher, labels, temperature, alpha):
    counted = labels != -100
    ours, theirs = student[counted], teacher.detach()[counted]
    soft = functional.kl_div(
        functional.softmax(ours / temperature, dim=-1),
        functional.softmax(theirs / temperature, dim=-1),
        reduction="batchmean",
    )
    hard = functional.cross_entropy(ours, labels[counted])
    return alpha * temperature**2 * soft + (1 - alpha) * hard


# %% exercise="loss" wrong="takes the cross entropy with the teacher for the divergence" says="has a soft loss of 0"
def distillation_loss(student, teacher, labels, temperature, alpha):
    counted = labels != -100
    ours, theirs = student[counted], teacher.detach()[counted]
    soft = functional.cross_entropy(ours / temperature, functional.softmax(theirs / temperature, dim=-1))
    hard = functional.cross_entropy(ours, labels[counted])
    return alpha * temperature**2 * soft + (1 - alpha) * hard


# %% exercise="loss" wrong="masks, and divides by the sentences" says="divided by the sentences"
def distillation_loss(student, teacher, labels, temperature, alpha):
    counted = labels != -100
    ours, theirs = student[counted], teacher.detach()[counted]
    soft = functional.kl_div(
        functional.log_softmax(ours / temperature, dim=-1),
        functional.log_softmax(theirs / temperature, dim=-1),
        reduction="sum",
        log_target=True,
    ) / len(labels)
    hard = functional.cross_entropy(ours, labels[counted])
    return alpha * temperature**2 * soft + (1 - alpha) * hard


# %% exercise="loss" wrong="takes PyTorch's own mean, over the vocabulary too" says="size of the vocabulary"
def distillation_loss(student, teacher, labels, temperature, alpha):
    counted = labels != -100
    ours, theirs = student[counted], teacher.detach()[counted]
    soft = functional.kl_div(
        functional.log_softmax(ours / temperature, dim=-1),
        functional.log_softmax(theirs / temperature, dim=-1),
        reduction="mean",
        log_target=True,
    )
    hard = functional.cross_entropy(ours, labels[counted])
    return alpha * temperature**2 * soft + (1 - alpha) * hard


# %% exercise="loss" wrong="cools the hard half as well" says="with alpha 0 the hard half"
def distillation_loss(student, teacher, labels, temperature, alpha):
    counted = labels != -100
    ours, theirs = student[counted], teacher.detach()[counted]
    soft = functional.kl_div(
        functional.log_softmax(ours / temperature, dim=-1),
        functional.log_softmax(theirs / temperature, dim=-1),
        reduction="batchmean",
        log_target=True,
    )
    hard = functional.cross_entropy(ours / temperature, labels[counted])
    return alpha * temperature**2 * soft + (1 - alpha) * hard


# %% exercise="loss" wrong="exchanges the two weights" says="soft loss of 0"
def distillation_loss(student, teacher, labels, temperature, alpha):
    counted = labels != -100
    ours, theirs = student[counted], teacher.detach()[counted]
    soft = functional.kl_div(
        functional.log_softmax(ours / temperature, dim=-1),
        functional.log_softmax(theirs / temperature, dim=-1),
        reduction="batchmean",
        log_target=True,
    )
    hard = functional.cross_entropy(ours, labels[counted])
    return (1 - alpha) * temperature**2 * soft + alpha * hard


# %% exercise="loss" wrong="trains the teacher along with the student" says="into the teacher"
def distillation_loss(student, teacher, labels, temperature, alpha):
    counted = labels != -100
    ours, theirs = student[counted], teacher[counted]
    soft = functional.kl_div(
        functional.log_softmax(ours / temperature, dim=-1),
        functional.log_softmax(theirs / temperature, dim=-1),
        reduction="batchmean",
        log_target=True,
    )
    hard = functional.cross_entropy(ours, labels[counted])
    return alpha * temperature**2 * soft + (1 - alpha) * hard


# %% exercise="loss" wrong="cuts the student off as well" says="No gradient reaches the student"
def distillation_loss(student, teacher, labels, temperature, alpha):
    counted = labels != -100
    ours, theirs = student[counted], teacher.detach()[counted]
    soft = functional.kl_div(
        functional.log_softmax(ours / temperature, dim=-1),
        functional.log_softmax(theirs / temperature, dim=-1),
        reduction="batchmean",
        log_target=True,
    )
    hard = functional.cross_entropy(ours, labels[counted])
    return (alpha * temperature**2 * soft + (1 - alpha) * hard).detach().requires_grad_()


# %% exercise="loss" wrong="takes no gradient through the soft half" says="the gradient is not T (q - p)"
def distillation_loss(student, teacher, labels, temperature, alpha):
    counted = labels != -100
    ours, theirs = student[counted], teacher.detach()[counted]
    with torch.no_grad():
        soft = functional.kl_div(
            functional.log_softmax(ours / temperature, dim=-1),
            functional.log_softmax(theirs / temperature, dim=-1),
            reduction="batchmean",
            log_target=True,
        )
    hard = functional.cross_entropy(ours, labels[counted])
    return alpha * temperature**2 * soft + (1 - alpha) * hard


# %% exercise="loss" wrong="knows the source's temperature and alpha by heart" says="soft loss of 0"
def distillation_loss(student, teacher, labels, temperature, alpha):
    counted = labels != -100
    ours, theirs = student[counted], teacher.detach()[counted]
    temperature, alpha = 4.0, 0.7
    soft = functional.kl_div(
        functional.log_softmax(ours / temperature, dim=-1),
        functional.log_softmax(theirs / temperature, dim=-1),
        reduction="batchmean",
        log_target=True,
    )
    hard = functional.cross_entropy(ours, labels[counted])
    return alpha * temperature**2 * soft + (1 - alpha) * hard


# %% exercise="loss" wrong="knows the source's temperature by heart" says="with alpha 1 the soft half"
def distillation_loss(student, teacher, labels, temperature, alpha):
    counted = labels != -100
    ours, theirs = student[counted], teacher.detach()[counted]
    temperature = 4.0
    soft = functional.kl_div(
        functional.log_softmax(ours / temperature, dim=-1),
        functional.log_softmax(theirs / temperature, dim=-1),
        reduction="batchmean",
        log_target=True,
    )
    hard = functional.cross_entropy(ours, labels[counted])
    return alpha * temperature**2 * soft + (1 - alpha) * hard


# %% exercise="shift" right="joins a column in front"
def decoder_inputs(labels, start, pad):
    first = torch.full((len(labels), 1), start)
    return torch.cat([first, labels[:, :-1]], dim=1).masked_fill_(
        torch.cat([first, labels[:, :-1]], dim=1) == -100, pad
    )


# %% exercise="shift" right="goes through lists"
def decoder_inputs(labels, start, pad):
    rows = [[start, *(pad if one == -100 else one for one in row[:-1])] for row in labels.tolist()]
    return torch.tensor(rows)


# %% exercise="shift" wrong="shows the answer itself" says="it begins with"
def decoder_inputs(labels, start, pad):
    return labels.masked_fill(labels == -100, pad)


# %% exercise="shift" wrong="rolls, so that the last token comes to the front" says="it begins with"
def decoder_inputs(labels, start, pad):
    seen = torch.roll(labels, 1, dims=1)
    return seen.masked_fill(seen == -100, pad)


# %% exercise="shift" wrong="leaves -100 where padding was" says="-100 is left"
def decoder_inputs(labels, start, pad):
    seen = torch.full_like(labels, start)
    seen[:, 1:] = labels[:, :-1]
    return seen


# %% exercise="shift" wrong="shifts in place" says="changed the labels"
def decoder_inputs(labels, start, pad):
    labels[:, 1:] = labels[:, :-1].clone()
    labels[:, 0] = start
    return labels.masked_fill_(labels == -100, pad)


# %% exercise="shift" wrong="adds a start and cuts nothing off" says="the shape became"
def decoder_inputs(labels, start, pad):
    seen = torch.cat([torch.full((len(labels), 1), start), labels], dim=1)
    return seen.masked_fill(seen == -100, pad)


# %% exercise="shift" wrong="gives numbers with a point" says="tokens are whole numbers"
def decoder_inputs(labels, start, pad):
    seen = torch.full(labels.shape, float(start))
    seen[:, 1:] = labels[:, :-1]
    return seen.masked_fill(seen == -100, pad)


# %% exercise="shift" wrong="only replaces the first token" says="sees what came before"
def decoder_inputs(labels, start, pad):
    seen = labels.masked_fill(labels == -100, pad)
    seen[:, 0] = start
    return seen


# %% exercise="shift" wrong="knows the start and the padding of one tokenizer" says="it begins with"
def decoder_inputs(labels, start, pad):
    seen = torch.full_like(labels, 2)
    seen[:, 1:] = labels[:, :-1]
    return seen.masked_fill(seen == -100, 1)


# %% exercise="shift" wrong="fills padding with the start token" says="sees what came before"
def decoder_inputs(labels, start, pad):
    seen = torch.full_like(labels, start)
    seen[:, 1:] = labels[:, :-1]
    return seen.masked_fill(seen == -100, start)


# %% exercise="choose" right="is a loop that keeps the best so far"
def choose(settings, fit, score):
    best, model, highest = None, None, -1.0
    for setting in settings:
        candidate = fit(setting, "train")
        found = score(candidate, "validation")
        if found > highest:
            best, model, highest = setting, candidate, found
    return best, score(model, "test")


# %% exercise="choose" right="sorts, and looks at the training plots for interest"
def choose(settings, fit, score):
    models = [fit(setting, "train") for setting in settings]
    for model in models:
        score(model, "train")
    order = sorted(range(len(models)), key=lambda one: -score(models[one], "validation"))
    return settings[order[0]], score(models[order[0]], "test")


# %% exercise="choose" wrong="chooses by the test" says="looked at the test"
def choose(settings, fit, score):
    models = {setting: fit(setting, "train") for setting in settings}
    best = max(settings, key=lambda setting: score(models[setting], "test"))
    return best, score(models[best], "test")


# %% exercise="choose" wrong="chooses by the plots it was trained on" says="the first of the best by validation"
def choose(settings, fit, score):
    models = {setting: fit(setting, "train") for setting in settings}
    best = max(settings, key=lambda setting: score(models[setting], "train"))
    return best, score(models[best], "test")


# %% exercise="choose" wrong="reports the validation score" says="is not what the test says"
def choose(settings, fit, score):
    models = {setting: fit(setting, "train") for setting in settings}
    best = max(settings, key=lambda setting: score(models[setting], "validation"))
    score(models[best], "test")
    return best, score(models[best], "validation")


# %% exercise="choose" wrong="never looks at the test" says="never asked"
def choose(settings, fit, score):
    models = {setting: fit(setting, "train") for setting in settings}
    best = max(settings, key=lambda setting: score(models[setting], "validation"))
    return best, score(models[best], "validation")


# %% exercise="choose" wrong="asks about a setting, not about its model" says="takes a model that fit() returned"
def choose(settings, fit, score):
    for setting in settings:
        fit(setting, "train")
    best = max(settings, key=lambda setting: score(setting, "validation"))
    return best, score(best, "test")


# %% exercise="choose" wrong="looks at the test for every setting, only to see" says="looked at the test"
def choose(settings, fit, score):
    models = {setting: fit(setting, "train") for setting in settings}
    seen = {setting: (score(model, "validation"), score(model, "test")) for setting, model in models.items()}
    best = max(settings, key=lambda setting: seen[setting][0])
    return best, seen[best][1]


# %% exercise="choose" wrong="trains the chosen one again, on the validation plots" says="plots that shall judge"
def choose(settings, fit, score):
    models = {setting: fit(setting, "train") for setting in settings}
    best = max(settings, key=lambda setting: score(models[setting], "validation"))
    return best, score(fit(best, "validation"), "test")


# %% exercise="choose" wrong="takes the last of equally good ones" says="the first of the best by validation"
def choose(settings, fit, score):
    models = {setting: fit(setting, "train") for setting in settings}
    best = max(reversed(settings), key=lambda setting: score(models[setting], "validation"))
    return best, score(models[best], "test")


# %% exercise="choose" wrong="takes the source's temperature and alpha where they are offered" says="the first of the best by validation"
def choose(settings, fit, score):
    best = (4, 0.7) if (4, 0.7) in settings else settings[0]
    models = {setting: fit(setting, "train") for setting in settings}
    return best, score(models[best], "test")


# %% exercise="plan" right="buys both when there are many minutes, and counts with torch"
def plan(minutes):
    labels = torch.tensor(0 if minutes < 100 else 0.8 * minutes / 2).int().item()
    asked = int((minutes - 2 * labels) * 0.8 / 0.1)
    steps = min(800, int((minutes - 2 * labels - 0.1 * asked) * 120))
    alpha = 1 if minutes < 100 else 0.1
    return {"labels": labels, "asked": asked, "steps": steps, "temperature": 2, "alpha": alpha}


# %% exercise="plan" wrong="puts everything into labels" says="In 60 minutes the teacher alone does better"
def plan(minutes):
    return {"labels": int(0.9 * minutes / 2), "asked": 0, "steps": 300, "temperature": 4.0, "alpha": 0.0}


# %% exercise="plan" wrong="puts everything into the teacher" says="In 480 minutes labels alone does better"
def plan(minutes):
    return {"labels": 0, "asked": int(0.8 * minutes / 0.1), "steps": 600, "temperature": 1.0, "alpha": 1.0}


# %% exercise="plan" wrong="takes the source's alpha and temperature, and asks about the labelled plots alone" says="alone does better"
def plan(minutes):
    count = int(0.85 * minutes / 2.1)
    return {"labels": count, "asked": count, "steps": 300, "temperature": 4.0, "alpha": 0.7}


# %% exercise="plan" wrong="takes the teacher for free" says="minutes and spend"
def plan(minutes):
    labels = 0 if minutes < 100 else int(0.8 * minutes / 2)
    return {"labels": labels, "asked": 2000, "steps": 600, "temperature": 2.0, "alpha": 0.8}


# %% exercise="plan" wrong="takes costs to be what it says they are" says="minutes and spend"
MINUTES = {"labels": 0.0, "asked": 0.0, "steps": 0.0}


def plan(minutes):
    return {"labels": 4000, "asked": 0, "steps": 1000, "temperature": 1.0, "alpha": 0.0}


# %% exercise="plan" wrong="is made for the two days of the question alone" says="30 minutes and spend"
def plan(minutes):
    if minutes == 480:
        return {"labels": 230, "asked": 0, "steps": 600, "temperature": 1.0, "alpha": 0.0}
    return {"labels": 0, "asked": 500, "steps": 600, "temperature": 1.0, "alpha": 1.0}


# %% exercise="plan" wrong="leaves no minute for training" says="alone does better"
def plan(minutes):
    return {"labels": 0, "asked": int(minutes / 0.1), "steps": 0, "temperature": 1.0, "alpha": 1.0}


# %% exercise="plan" wrong="asks for a share of a plot" says="whole numbers"
def plan(minutes):
    return {"labels": 0, "asked": minutes / 0.2, "steps": 600, "temperature": 1.0, "alpha": 1.0}
