"""Distillation: the loss against its definition, padding, pairs that do not fit, and that a student learns."""

import copy

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from offlinefirst.datasets.farm_advice import sentences  # noqa: E402
from offlinefirst.models import distill  # noqa: E402
from offlinefirst.models.nllb import load_nllb  # noqa: E402


@pytest.fixture(scope="module")
def teacher():
    return load_nllb("teacher")


@pytest.fixture
def student(teacher):
    torch.manual_seed(0)
    return distill.new_student(teacher[1], width=32, encoder_layers=1, decoder_layers=1)


def random_scores(seed, shape=(2, 3, 5)):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_loss_is_its_definition():
    ours, theirs, labels = random_scores(1), random_scores(2), torch.tensor([[1, 2, distill.IGNORE], [0, 4, 3]])
    soft = hard = 0.0
    tokens = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]
    for row, column in tokens:
        teacher = torch.softmax(theirs[row, column] / 3, dim=0)
        student = torch.softmax(ours[row, column] / 3, dim=0)
        soft += float((teacher * (teacher.log() - student.log())).sum()) / len(tokens)
        hard -= float(torch.log_softmax(ours[row, column], dim=0)[labels[row, column]]) / len(tokens)
    found = distill.word_level_loss(ours, theirs, labels, temperature=3.0, alpha=0.6)
    assert float(found) == pytest.approx(0.6 * 9 * soft + 0.4 * hard)


def test_padding_counts_nowhere():
    ours, theirs = random_scores(1), random_scores(2)
    labels = torch.tensor([[1, 2, distill.IGNORE], [0, 4, distill.IGNORE]])
    spoilt, misled = ours.clone(), theirs.clone()
    spoilt[:, 2], misled[:, 2] = 1e3, -1e3
    assert float(distill.word_level_loss(ours, theirs, labels)) == float(
        distill.word_level_loss(spoilt, misled, labels)
    )


def test_no_gradient_reaches_the_teacher():
    ours, theirs = random_scores(1).requires_grad_(), random_scores(2).requires_grad_()
    distill.word_level_loss(ours, theirs, torch.ones(2, 3, dtype=torch.long)).backward()
    assert ours.grad is not None
    assert theirs.grad is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"teacher_logits": random_scores(2, (2, 3, 6))}, "do not fit"),
        ({"labels": torch.ones(2, 4, dtype=torch.long)}, "do not fit"),
        ({"labels": torch.full((2, 3), distill.IGNORE)}, "nothing to learn"),
        ({"temperature": 0.0}, "temperature"),
        ({"alpha": 1.5}, "alpha"),
    ],
)
def test_a_loss_that_means_nothing_is_refused(change, says):
    given = {
        "student_logits": random_scores(1),
        "teacher_logits": random_scores(2),
        "labels": torch.ones(2, 3, dtype=torch.long),
    }
    with pytest.raises(distill.DistillError, match=says):
        distill.word_level_loss(**(given | change))


def test_a_pair_with_different_vocabularies_is_refused(teacher, student):
    model, tokenizer = teacher
    distill.check_pair(model, student, tokenizer, tokenizer)
    small = transformers.M2M100Config(vocab_size=77, d_model=16, encoder_layers=1, decoder_layers=1)
    small.encoder_attention_heads = small.decoder_attention_heads = 2
    with pytest.raises(distill.DistillError, match="1,000 tokens and the student 77"):
        distill.check_pair(model, transformers.M2M100ForConditionalGeneration(small))


def test_words_in_another_order_are_another_vocabulary(teacher, student):
    model, tokenizer = teacher

    class Swapped:
        def get_vocab(self):
            words = dict(tokenizer.get_vocab())
            words["▁leo"], words["▁jana"] = words["▁jana"], words["▁leo"]
            return words

    with pytest.raises(distill.DistillError, match="differ in 2 tokens"):
        distill.check_pair(model, student, tokenizer, Swapped())


def test_weights_that_are_no_numbers_are_refused(teacher, student):
    broken = copy.deepcopy(student)
    with torch.no_grad():
        broken.model.encoder.layers[0].fc1.weight[2, 3] = float("nan")
    with pytest.raises(distill.DistillError, match=r"1 of .* weights in model\.encoder\.layers\.0\.fc1\.weight"):
        distill.check_pair(teacher[0], broken)
    examples = distill.encode(teacher[1], ["check the field"], ["kagua shamba"])
    with pytest.raises(distill.DistillError, match="no finite"):
        distill.fit(broken, teacher[1], examples, steps=1)


def test_scores_that_do_not_fit_are_refused_before_the_first_step(teacher, student):
    model, tokenizer = teacher
    examples = distill.encode(tokenizer, ["check the field", "sell it"], ["kagua shamba", "uza"])
    scores = distill.teacher_scores(model, tokenizer, examples)
    before = copy.deepcopy(student.state_dict())
    for wrong, says in (
        (scores[:1], "scored 1 sentences, and 2"),
        (scores[::-1], "sentence 0"),
        ([one[:, :900] for one in scores], "one tokenizer"),
        ([one * float("nan") for one in scores], "finite"),
    ):
        with pytest.raises(distill.DistillError, match=says):
            distill.fit(student, tokenizer, examples, steps=1, scores=wrong)
    assert all(torch.equal(values, before[name]) for name, values in student.state_dict().items())


def test_kept_scores_are_those_of_a_single_sentence(teacher):
    model, tokenizer = teacher
    examples = distill.encode(
        tokenizer, ["check the field", "sell the big hoes"], ["kagua shamba", "uza majembe makubwa"]
    )
    together = distill.teacher_scores(model, tokenizer, examples)
    alone = distill.teacher_scores(model, tokenizer, examples[:1])
    assert torch.allclose(together[0], alone[0], atol=1e-4)
    assert together[1].shape == (len(examples[1][1]), model.config.vocab_size)


def test_labels_are_framed_as_nllb_does(teacher):
    tokenizer = teacher[1]
    (source, label), *_ = distill.encode(tokenizer, ["check the field"], ["kagua shamba"])
    assert source[0] == tokenizer.convert_tokens_to_ids("eng_Latn")
    assert label[0] == tokenizer.convert_tokens_to_ids("swh_Latn")
    assert source[-1] == label[-1] == tokenizer.eos_token_id


def test_every_example_is_used_once_a_pass():
    examples = [([1] * (2 + number % 5), [2] * (1 + number % 3)) for number in range(37)]
    source = distill.groups(examples, 8, seed=1)
    for _ in range(2):
        assert sorted(number for _ in range(5) for number in next(source)) == list(range(37))


def test_a_student_learns_the_same_twice_and_from_a_teacher(teacher):
    model, tokenizer = teacher
    english, swahili = ["check the field", "sell the sack"], ["kagua shamba", "uza gunia"]
    examples = distill.encode(tokenizer, english, swahili)
    scores = distill.teacher_scores(model, tokenizer, examples)
    losses = []
    for use in (None, None, scores):
        torch.manual_seed(0)
        student = distill.new_student(tokenizer, width=32, encoder_layers=1, decoder_layers=1)
        losses.append(distill.fit(student, tokenizer, examples, steps=60, rate=1e-2, scores=use).losses)
        assert distill.translate(student, tokenizer, english) == swahili
    assert losses[0] == losses[1] != losses[2]
    assert losses[0][-1] < 0.1 * losses[0][0]


def test_a_loss_that_runs_away_stops_the_training(teacher, student):
    examples = distill.encode(teacher[1], ["check the field"], ["kagua shamba"])
    with torch.no_grad():
        student.model.shared.weight.mul_(1e30)
    with pytest.raises(distill.DistillError, match="lower the learning rate"):
        distill.fit(student, teacher[1], examples, steps=5, rate=1.0)


def test_translations_come_in_the_order_of_the_sentences(teacher):
    model, tokenizer = teacher
    texts = ["if the seeds arrive, the farmer will plant them", "check the field", "sell the two baskets"]
    together = distill.translate(model, tokenizer, texts, batch_size=2)
    assert together == [distill.translate(model, tokenizer, [text])[0] for text in texts]
    assert together[0] == "mbegu zikifika, mkulima atazipanda"


def test_the_greedy_loop_says_what_generate_says():
    model, tokenizer = load_nllb("student")
    texts = [one.english for one in sentences(60, seed=8, part="test")]
    batch = tokenizer(texts, return_tensors="pt", padding=True)
    ids = model.generate(**batch, forced_bos_token_id=distill.language_id(tokenizer, "swh_Latn"), num_beams=1)
    assert distill.translate(model, tokenizer, texts) == tokenizer.batch_decode(ids, skip_special_tokens=True)
    short = distill.translate(model, tokenizer, texts[:3], most_tokens=4)
    assert all(len(tokenizer(text)["input_ids"]) <= 2 + 2 + 1 for text in short)


def test_an_unknown_language_is_refused(teacher):
    with pytest.raises(distill.DistillError, match=r"no language 'swa_Latn'; it knows eng_Latn, swh_Latn"):
        distill.language_id(teacher[1], "swa_Latn")
    with pytest.raises(distill.DistillError, match="no language None"):
        distill.language_id(teacher[1], None)


def test_nothing_to_learn_is_refused(teacher, student):
    with pytest.raises(distill.DistillError, match="no pairs"):
        distill.encode(teacher[1], ["one"], [])
    with pytest.raises(distill.DistillError, match="train nothing"):
        distill.fit(student, teacher[1], [], steps=1)
    with pytest.raises(distill.DistillError, match="divided among"):
        distill.new_student(teacher[1], width=30, encoder_layers=1, decoder_layers=1)
