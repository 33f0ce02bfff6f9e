"""The farm-advice grammar: agreement by hand-written examples, by the tables, and by taking sentences apart again."""

import itertools
import re

import pytest

from offlinefirst.datasets.farm_advice import conjugate, held_out, sentences
from offlinefirst.datasets.farm_words import (
    ACTIONS,
    ADJECTIVE,
    ADJECTIVES,
    EVENTS,
    OWNERS,
    PEOPLE,
    POSSESSIVE,
    THAT,
    THINGS,
    THIS,
    adjective,
    counted,
    last_vowel,
    negative,
    subject,
)

NOUNS = [*PEOPLE, *THINGS]
PINNED = ("the farmer should cut your seedling today", "mkulima anapaswa kukata mche wako leo")


@pytest.fixture(scope="module")
def made():
    return sentences(6000, seed=41), sentences(1500, seed=41, part="test")


@pytest.mark.parametrize(
    ("stem", "forms"),
    [  # m-wa, m-mi, ji-ma, ki-vi, n; singular and plural of each
        ("zuri", "mzuri wazuri mzuri mizuri zuri mazuri kizuri vizuri nzuri nzuri"),
        ("kubwa", "mkubwa wakubwa mkubwa mikubwa kubwa makubwa kikubwa vikubwa kubwa kubwa"),
        ("dogo", "mdogo wadogo mdogo midogo dogo madogo kidogo vidogo ndogo ndogo"),
        ("refu", "mrefu warefu mrefu mirefu refu marefu kirefu virefu ndefu ndefu"),
        ("fupi", "mfupi wafupi mfupi mifupi fupi mafupi kifupi vifupi fupi fupi"),
        ("pya", "mpya wapya mpya mipya jipya mapya kipya vipya mpya mpya"),
        ("zito", "mzito wazito mzito mizito zito mazito kizito vizito nzito nzito"),
        ("kavu", "mkavu wakavu mkavu mikavu kavu makavu kikavu vikavu kavu kavu"),
        ("chafu", "mchafu wachafu mchafu michafu chafu machafu kichafu vichafu chafu chafu"),
        ("bovu", "mbovu wabovu mbovu mibovu bovu mabovu kibovu vibovu mbovu mbovu"),
        ("eupe", "mweupe weupe mweupe myeupe jeupe meupe cheupe vyeupe nyeupe nyeupe"),
        ("eusi", "mweusi weusi mweusi myeusi jeusi meusi cheusi vyeusi nyeusi nyeusi"),
        ("ekundu", "mwekundu wekundu mwekundu myekundu jekundu mekundu chekundu vyekundu nyekundu nyekundu"),
        ("safi", "safi safi safi safi safi safi safi safi safi safi"),
    ],
)
def test_every_adjective_in_every_class(stem, forms):
    assert [adjective(stem, noun_class, number) for noun_class in ADJECTIVE for number in (0, 1)] == forms.split()


@pytest.mark.parametrize(
    ("noun_class", "my", "this", "those", "verb", "verbs", "two"),
    [
        ("m-wa", "wangu wangu", "huyu hawa", "yule wale", "a", "wa", "wawili"),
        ("m-mi", "wangu yangu", "huu hii", "ule ile", "u", "i", "miwili"),
        ("ji-ma", "langu yangu", "hili haya", "lile yale", "li", "ya", "mawili"),
        ("ki-vi", "changu vyangu", "hiki hivi", "kile vile", "ki", "vi", "viwili"),
        ("n", "yangu zangu", "hii hizi", "ile zile", "i", "zi", "mbili"),
    ],
)
def test_concords(noun_class, my, this, those, verb, verbs, two):
    assert " ".join(start + OWNERS["my"] for start in POSSESSIVE[noun_class]) == my
    assert " ".join(THIS[noun_class]) == this
    assert " ".join(THAT[noun_class]) == those
    assert (subject(noun_class, 0), subject(noun_class, 1), counted(2, noun_class)) == (verb, verbs, two)


@pytest.mark.parametrize(
    ("verb", "wanted"),
    [
        (("kagua", "a", "future", False), "hatakagua"),
        (("kagua", "wa", "future", False), "hawatakagua"),
        (("kagua", "ni", "future", True), "nitakagua"),
        (("kagua", "ni", "future", False), "sitakagua"),
        (("kagua", "tu", "past", True), "tulikagua"),
        (("kagua", "tu", "past", False), "hatukukagua"),
        (("kagua", "a", "past", False), "hakukagua"),
        (("panda", "wa", "present", True), "wanapanda"),
        (("panda", "wa", "present", False), "hawapandi"),
        (("hifadhi", "a", "present", False), "hahifadhi"),
        (("hesabu", "ni", "present", False), "sihesabu"),
        (("vuna", "a", "perfect", True), "amevuna"),
        (("vuna", "a", "perfect", False), "hajavuna"),
        (("oza", "ya", "future", False), "hayataoza"),
        (("potea", "li", "perfect", False), "halijapotea"),
        (("anguka", "u", "future", False), "hautaanguka"),
        (("fika", "zi", "past", False), "hazikufika"),
    ],
)
def test_verbs(verb, wanted):
    stem, prefix, tense, positive = verb
    assert conjugate(stem, prefix, tense, positive=positive) == wanted


def test_you_is_not_a_tree():
    assert conjugate("kagua", "u", "future", positive=False, you=True) == "hutakagua"
    assert conjugate("kauka", "u", "future", positive=False) == "hautakauka"
    assert negative("ki") == "haki"


def test_only_a_last_vowel_changes():
    for verb in (*ACTIONS, *EVENTS):
        changed = last_vowel(verb.stem, "e")
        assert changed == (verb.stem[:-1] + "e" if verb.stem[-1] == "a" else verb.stem)


def test_the_same_everywhere_and_a_longer_list_begins_as_a_shorter():
    assert sentences(50, seed=3) == sentences(80, seed=3)[:50]
    assert sentences(50, seed=3) != sentences(50, seed=4)
    one = sentences(1, seed=5)[0]
    assert (one.english, one.swahili) == PINNED


def test_held_out_pairs_are_kept_apart(made):
    train, test = made
    seen = {pair for one in train for pair in one.pairs}
    assert not any(map(held_out, seen))
    assert all(any(map(held_out, one.pairs)) for one in test)
    assert not {one.english for one in train} & {one.english for one in test}
    words = {word for one in train for word in one.swahili.split()}
    strange = [word for one in test for word in one.swahili.split() if word not in words]
    assert len(strange) < 0.05 * sum(len(one.swahili.split()) for one in test)


def test_no_english_sentence_has_two_translations(made):
    found = {}
    for one in (*made[0], *made[1], *sentences(3000, seed=9)):
        assert found.setdefault(one.english, one.swahili) == one.swahili


def test_every_word_can_be_taken_apart_again(made):
    """An independent reader: it knows stems and concords, not how sentences are put together."""
    prefixes = ["ni", "u", "a", "tu", "wa", "i", "li", "ya", "ki", "vi", "zi"]
    stems = [re.escape(verb.stem) for verb in (*ACTIONS, *EVENTS)]
    changed = [re.escape(last_vowel(verb.stem, "i")) for verb in (*ACTIONS, *EVENTS)]
    start, stem = "|".join(prefixes), "|".join(stems)
    verbs = [
        rf"({start})(ta|li|na|me)({stem})",
        rf"(si|hu|ha|ha({start}))(ta|ku|ja)({stem})",
        rf"(si|hu|ha|ha({start}))({'|'.join(changed)})",
        rf"({start})ki({stem}),",
        rf"(({start})|si|hu|ha|ha({start}))ta(u|i|li|ya|ki|vi|zi)({stem})",
        rf"({start})napaswa|(si|hu|ha|ha({start}))paswi",
        rf"ku({stem})|{stem}",
        rf"usi({'|'.join(last_vowel(verb.stem, 'e') for verb in ACTIONS)})",
    ]
    verb = re.compile("|".join(f"(?:{one})" for one in verbs))
    others = {"ni", "si", "kesho", "wiki", "ijayo", "jioni", "jana", "iliyopita", "sasa", "leo", "kila", "siku"}
    others |= {form for noun in NOUNS for form in noun.swahili}
    others |= {form for table in (THIS, THAT) for forms in table.values() for form in forms}
    others |= {begin + owner for forms in POSSESSIVE.values() for begin in forms for owner in OWNERS.values()}
    others |= {
        adjective(stem, noun.noun_class, number) for _, stem, _ in ADJECTIVES for noun in NOUNS for number in (0, 1)
    }
    others |= {counted(number, noun_class) for number in (2, 3, 4, 5) for noun_class in POSSESSIVE}
    for one in (*made[0], *made[1]):
        for word in one.swahili.split():
            assert word in others or verb.fullmatch(word), (word, one)


def test_agreement_within_sentences(made):
    """The noun's class, found in a dictionary, decides every concord that follows it."""
    classes = {form: (noun.noun_class, number) for noun in NOUNS for number, form in enumerate(noun.swahili)}
    twice = {noun.swahili[0] for noun in NOUNS if noun.swahili[0] == noun.swahili[1]}
    owners = {begin + owner: begin for forms in POSSESSIVE.values() for begin in forms for owner in OWNERS.values()}
    seen = 0
    for one in made[0]:
        words = one.swahili.split()
        for word, following in itertools.pairwise(words):
            if word in classes and following in owners:
                noun_class, number = classes[word]
                right = {POSSESSIVE[noun_class][number]} | (set(POSSESSIVE[noun_class]) if word in twice else set())
                assert owners[following] in right, one
                seen += 1
    assert seen > 500


def test_refuses_what_it_cannot_make():
    with pytest.raises(ValueError, match="0 to 200,000"):
        sentences(-1, seed=1)
    with pytest.raises(ValueError, match="train or test"):
        sentences(1, seed=1, part="dev")
