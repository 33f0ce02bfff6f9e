"""The words of the farm-advice grammar, and the rules by which a Swahili word agrees with a noun.

A noun belongs to a class. The class decides the beginning of the adjective, the possessive, the demonstrative, the
number and the verb that go with it, in the singular and in the plural: kikapu changu kizito kimepotea (my heavy basket
has disappeared), vikapu vyangu vizito vimepotea. All forms come from the tables here; none is written by hand in a
sentence.

| class | noun | adjective | possessive | this | that | verb |
|---|---|---|---|---|---|---|
| m-wa | m-, wa- | m-, wa- | w-, w- | huyu, hawa | yule, wale | a-, wa- |
| m-mi | m-, mi- | m-, mi- | w-, y- | huu, hii | ule, ile | u-, i- |
| ji-ma | -, ma- | -, ma- | l-, y- | hili, haya | lile, yale | li-, ya- |
| ki-vi | ki-, vi- | ki-, vi- | ch-, vy- | hiki, hivi | kile, vile | ki-, vi- |
| n | -, - | n-, n- | y-, z- | hii, hizi | ile, zile | i-, zi- |

Before a vowel the adjective's prefix is another one: mwekundu, myekundu, jekundu, mekundu, chekundu, vyekundu,
nyekundu. The prefix n- is m- before b, is lost before k, f and ch, and makes nd- of r. -pya is irregular: jipya, mpya.

Source: these are the tables of every grammar of Standard Swahili; J. F. Safari, "Swahili Made Easy"; E. O. Ashton,
"Swahili Grammar".
"""

from collections.abc import Mapping
from dataclasses import dataclass

from offlinefirst.language.swahili import CLASSES

Forms = tuple[str, str]  # singular, plural

#: Before a consonant and, behind it, before a vowel.
ADJECTIVE: Mapping[str, tuple[Forms, Forms]] = {
    "m-wa": (("m", "wa"), ("mw", "w")),
    "m-mi": (("m", "mi"), ("mw", "my")),
    "ji-ma": (("", "ma"), ("j", "m")),
    "ki-vi": (("ki", "vi"), ("ch", "vy")),
    "n": (("n", "n"), ("ny", "ny")),
}
POSSESSIVE: Mapping[str, Forms] = {
    "m-wa": ("w", "w"),
    "m-mi": ("w", "y"),
    "ji-ma": ("l", "y"),
    "ki-vi": ("ch", "vy"),
    "n": ("y", "z"),
}
THIS: Mapping[str, Forms] = {
    "m-wa": ("huyu", "hawa"),
    "m-mi": ("huu", "hii"),
    "ji-ma": ("hili", "haya"),
    "ki-vi": ("hiki", "hivi"),
    "n": ("hii", "hizi"),
}
THAT: Mapping[str, Forms] = {
    "m-wa": ("yule", "wale"),
    "m-mi": ("ule", "ile"),
    "ji-ma": ("lile", "yale"),
    "ki-vi": ("kile", "vile"),
    "n": ("ile", "zile"),
}
OWNERS = {"my": "angu", "your": "ako", "her": "ake", "our": "etu", "their": "ao"}
NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5}
#: Adjectives from Arabic take no prefix.
INVARIABLE = ("safi",)


@dataclass(frozen=True)
class Noun:
    """A noun: English in the singular and plural, Swahili, its class, and what kinds of thing it is."""

    english: Forms
    swahili: Forms
    noun_class: str
    kinds: frozenset[str]


@dataclass(frozen=True)
class Verb:
    """A verb: English base, past, participle and -ing form; the Swahili stem; which kinds of noun it goes with."""

    english: tuple[str, str, str, str]
    stem: str
    kinds: frozenset[str]


def _nouns(table: str, noun_class: str) -> list[Noun]:
    found = []
    for line in table.strip().splitlines():
        one, several, singular, plural, kinds = (cell.strip() for cell in line.split("|"))
        found.append(Noun((one, several), (singular, plural), noun_class, frozenset(kinds.split())))
    return found


PEOPLE = _nouns(
    """farmer | farmers | mkulima | wakulima | person
    teacher | teachers | mwalimu | walimu | person
    worker | workers | mfanyakazi | wafanyakazi | person
    elder | elders | mzee | wazee | person
    child | children | mtoto | watoto | person
    expert | experts | mtaalamu | wataalamu | person
    guest | guests | mgeni | wageni | person
    woman | women | mwanamke | wanawake | person""",
    "m-wa",
)
THINGS = [
    *_nouns(
        """tree | trees | mti | miti | plant
        seedling | seedlings | mche | miche | plant goods
        banana plant | banana plants | mgomba | migomba | plant
        bag | bags | mfuko | mifuko | container goods
        trap | traps | mtego | mitego | tool goods
        load | loads | mzigo | mizigo | burden""",
        "m-mi",
    ),
    *_nouns(
        """hoe | hoes | jembe | majembe | tool goods long
        field | fields | shamba | mashamba | place
        leaf | leaves | jani | majani | leaf
        sack | sacks | gunia | magunia | container goods
        fruit | fruits | tunda | matunda | produce goods
        granary | granaries | ghala | maghala | place
        branch | branches | tawi | matawi | leaf long
        tin | tins | debe | madebe | container goods""",
        "ji-ma",
    ),
    *_nouns(
        """tool | tools | kifaa | vifaa | tool goods
        basket | baskets | kikapu | vikapu | container goods
        well | wells | kisima | visima | place
        knife | knives | kisu | visu | tool goods long
        potato | potatoes | kiazi | viazi | produce seed goods
        lid | lids | kifuniko | vifuniko | tool goods""",
        "ki-vi",
    ),
    *_nouns(
        """seed | seeds | mbegu | mbegu | seed goods
        bucket | buckets | ndoo | ndoo | container goods
        garden | gardens | bustani | bustani | place
        path | paths | njia | njia | way long
        banana | bananas | ndizi | ndizi | produce goods
        lamp | lamps | taa | taa | tool goods
        machine | machines | mashine | mashine | tool""",
        "n",
    ),
]
_HOLD = "tool container produce seed plant place leaf way burden"


def _verbs(table: str) -> list[Verb]:
    found = []
    for line in table.strip().splitlines():
        base, past, participle, ing, stem, kinds = (cell.strip() for cell in line.split("|"))
        found.append(Verb((base, past, participle, ing), stem, frozenset((kinds or _HOLD).split())))
    return found


#: What somebody does to a thing. hifadhi, hesabu and safi are Arabic: their last vowel never changes.
ACTIONS = _verbs(
    """check | checked | checked | checking | kagua |
    see | saw | seen | seeing | ona |
    choose | chose | chosen | choosing | chagua |
    count | counted | counted | counting | hesabu | tool container produce seed plant burden
    clean | cleaned | cleaned | cleaning | safisha | tool container place way
    plant | planted | planted | planting | panda | plant seed
    harvest | harvested | harvested | harvesting | vuna | produce
    sell | sold | sold | selling | uza | goods
    buy | bought | bought | buying | nunua | goods place
    bring | brought | brought | bringing | leta | goods burden
    wash | washed | washed | washing | osha | produce container tool
    cover | covered | covered | covering | funika | container produce seed burden
    carry | carried | carried | carrying | beba | goods burden
    cut | cut | cut | cutting | kata | plant leaf
    store | stored | stored | storing | hifadhi | goods burden
    use | used | used | using | tumia | tool container place way
    look for | looked for | looked for | looking for | tafuta |
    fill | filled | filled | filling | jaza | container
    weigh | weighed | weighed | weighing | pima | produce container burden
    repair | repaired | repaired | repairing | tengeneza | tool container way"""
)
#: What happens to a thing.
EVENTS = _verbs(
    """fall | fell | fallen | falling | anguka | plant leaf goods burden
    disappear | disappeared | disappeared | disappearing | potea | goods burden
    rot | rotted | rotted | rotting | oza | produce leaf seed
    dry up | dried up | dried up | drying up | kauka | plant leaf place seed
    break | broke | broken | breaking | vunjika | tool leaf
    arrive | arrived | arrived | arriving | fika | goods burden"""
)
#: English, the stem, the kinds of noun.
ADJECTIVES: tuple[tuple[str, str, str], ...] = (
    ("big", "kubwa", _HOLD),
    ("small", "dogo", _HOLD),
    ("good", "zuri", _HOLD + " person"),
    ("new", "pya", "tool container person"),
    ("heavy", "zito", "container tool burden produce"),
    ("long", "refu", "long"),
    ("tall", "refu", "plant person"),
    ("short", "fupi", "plant long person"),
    ("dry", "kavu", "leaf place plant seed"),
    ("dirty", "chafu", "tool container produce"),
    ("clean", "safi", "tool container produce place"),
    ("rotten", "bovu", "produce seed"),
    ("red", "ekundu", "container produce"),
    ("white", "eupe", "container seed"),
    ("black", "eusi", "container seed"),
)


def adjective(stem: str, noun_class: str, number: int) -> str:
    """An adjective as it follows a noun.

    Args:
        stem: Such as "zuri".
        noun_class: A key of `ADJECTIVE`.
        number: 0 for the singular, 1 for the plural.

    >>> adjective("zuri", "n", 0), adjective("refu", "n", 1), adjective("ekundu", "ji-ma", 1)
    ('nzuri', 'ndefu', 'mekundu')
    """
    if stem in INVARIABLE:
        return stem
    if stem == "pya":
        return {("ji-ma", 0): "jipya", ("n", 0): "mpya", ("n", 1): "mpya"}.get(
            (noun_class, number), ADJECTIVE[noun_class][0][number] + stem
        )
    if stem[0] in "aeiou":
        return ADJECTIVE[noun_class][1][number] + stem
    if noun_class == "n":
        return _after_nasal(stem)
    return ADJECTIVE[noun_class][0][number] + stem


def _after_nasal(stem: str) -> str:
    if stem[0] == "r":
        return "nd" + stem[1:]
    if stem[0] == "b":
        return "m" + stem
    return ("n" if stem[0] in "dgjz" else "") + stem


def subject(noun_class: str, number: int) -> str:
    """What a verb begins with when a noun of this class does something, such as "ki"."""
    agreeing = CLASSES[noun_class]
    return agreeing.subjects if number else agreeing.subject


def counted(number: int, noun_class: str) -> str:
    """The number two, three, four or five as it follows a plural, such as "viwili"."""
    return CLASSES[noun_class].units[number]


def negative(prefix: str, *, you: bool = False) -> str:
    """The negative subject prefix.

    Args:
        prefix: The positive one.
        you: Whether "u" is "you": ha- and u- become hu-. For a noun of class m-mi they stay apart: hau-.

    >>> negative("ni"), negative("a"), negative("wa"), negative("u", you=True), negative("u")
    ('si', 'ha', 'hawa', 'hu', 'hau')
    """
    if prefix == "ni":
        return "si"
    if prefix == "a" or (prefix == "u" and you):
        return "h" + prefix
    return "ha" + prefix


def last_vowel(stem: str, vowel: str) -> str:
    """The stem with another last vowel; only a stem in -a changes.

    >>> last_vowel("panda", "i"), last_vowel("hifadhi", "e")
    ('pandi', 'hifadhi')
    """
    return stem[:-1] + vowel if stem.endswith("a") else stem
