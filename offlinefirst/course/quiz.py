"""Questions asked and answered offline: feedback opens on a click, with no kernel and no script running.

A chapter's `quiz.toml` holds the questions of its notebooks:

    [[question]]
    notebook = "01-principles"
    ask = "Which step makes the new file survive a power cut?"
      [[question.option]]
      text = "fsync of the folder"
      right = true
      why = "The rename lives in the folder."
"""

import html
import tomllib
from dataclasses import dataclass
from pathlib import Path

from offlinefirst.course.errors import QuizError
from offlinefirst.course.lessons import course_root


@dataclass(frozen=True)
class Option:
    text: str
    right: bool
    why: str


@dataclass(frozen=True)
class Question:
    ask: str
    options: tuple[Option, ...]

    @property
    def letters(self) -> str:
        """The letters of the right options, like "b" or "ad"."""
        return "".join(letter for letter, option in zip("abcdefgh", self.options, strict=False) if option.right)


@dataclass(frozen=True)
class Quiz:
    """The questions of one notebook; shows itself."""

    questions: tuple[Question, ...]

    def __repr__(self) -> str:
        lines = []
        for number, question in enumerate(self.questions, 1):
            lines.append(f"{number}. {question.ask}")
            lines += [f"   {letter}) {option.text}" for letter, option in _lettered(question)]
        lines.append("Try quiz.answer(1, 'a') for feedback in plain text.")
        return "\n".join(lines)

    def answer(self, number: int, letter: str) -> str:
        """Feedback for one option.

        Args:
            number: The question, from 1.
            letter: The option, from "a".

        Raises:
            QuizError: There is no such question or option.
        """
        if not 1 <= number <= len(self.questions):
            raise QuizError(f"There is no question {number}; there are {len(self.questions)}.")
        for name, option in _lettered(self.questions[number - 1]):
            if name == letter.lower():
                return f"{'Right' if option.right else 'Not that one'}: {option.why}"
        raise QuizError(f"Question {number} has no option {letter!r}.")

    def _repr_html_(self) -> str:
        parts = []
        for number, question in enumerate(self.questions, 1):
            parts.append(f'<p style="margin:.8em 0 .2em"><b>{number}. {html.escape(question.ask)}</b></p>')
            for letter, option in _lettered(question):
                verdict = "✓ Right." if option.right else "✗ Not that one."
                parts.append(
                    '<details style="margin:.15em 0 .15em 1em"><summary style="cursor:pointer">'
                    f"{letter}) {html.escape(option.text)}</summary>"
                    f'<p style="margin:.2em 0 .6em 1.2em"><b>{verdict}</b> {html.escape(option.why)}</p></details>'
                )
        return "".join(parts)


def quiz(lesson_id: str) -> Quiz:
    """The quiz of one notebook.

    Args:
        lesson_id: "chapter-folder/notebook".

    Raises:
        QuizError: The file is missing or malformed, or has no questions for this notebook.
    """
    chapter, _, notebook = lesson_id.partition("/")
    return read_quiz(course_root() / "lessons" / chapter / "quiz.toml", notebook)


def read_quiz(path: Path, notebook: str) -> Quiz:
    """Read the questions for one notebook from a quiz.toml. Raises QuizError."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise QuizError(f"{path} is missing. Quizzes come with the course folder; open the notebook in it.") from None
    except tomllib.TOMLDecodeError as error:
        raise QuizError(f"{path}: {error}") from error
    questions = []
    for number, item in enumerate(raw.get("question", []), 1):
        try:
            options = tuple(Option(o["text"], bool(o.get("right", False)), o["why"]) for o in item["option"])
            question = Question(item["ask"], options)
            home = item["notebook"]
        except (KeyError, TypeError) as error:
            raise QuizError(f"{path}: question {number} lacks {error}") from error
        if len(question.letters) != 1 or len(options) < 2:
            raise QuizError(f"{path}: question {number} needs two or more options, exactly one of them right")
        if home == notebook:
            questions.append(question)
    if not questions:
        raise QuizError(f"{path} has no questions for {notebook}")
    return Quiz(tuple(questions))


def _lettered(question: Question) -> list[tuple[str, Option]]:
    return list(zip("abcdefgh", question.options, strict=False))
