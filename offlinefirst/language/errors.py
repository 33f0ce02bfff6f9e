"""The error of `offlinefirst.language`."""


class LanguageError(Exception):
    """A language's text, voice or phrasebook cannot be handled; the message says what to do."""


class TableError(LanguageError):
    """A tokenizer's table is damaged, or is no table of the expected kind."""


class UnknownTokenizerError(LanguageError, LookupError):
    """No tokenizer of the course has this name."""


class TrainingError(LanguageError, ValueError):
    """A vocabulary cannot be trained from what was given."""


class PriceError(LanguageError, ValueError):
    """A price, or a number of tokens, that nothing can be computed from."""


class RouterError(LanguageError, ValueError):
    """A router that could never answer honestly: its languages, its threshold or its identifier do not fit."""


class UnknownLanguageError(LanguageError, LookupError):
    """The course, or the CLDR, knows no such language."""
