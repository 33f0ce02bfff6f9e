"""The other answers to a lab: right ones that its checks must accept, wrong ones that they must reject in words.

`answers.py` beside a lab is a percent script; each cell is one whole answer to one exercise:

    # %% exercise="publish" wrong="writes in place" says="half"
    def publish(disk, name, data): ...

`right="how it differs"` or `wrong="the mistake"`; a wrong answer names, with `says`, words that the check's message
must hold, so that a check which fails for another reason does not count as a rejection.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jupyter_client.manager import start_new_kernel
from nbformat import NotebookNode

from offlinefirst.course.errors import LessonError
from offlinefirst.course.lessons import Lesson
from offlinefirst.course.notebooks import notebook_from, read_script

CELL_TIMEOUT_S = 60


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One alternative answer.

    Args:
        exercise: The exercise it answers.
        about: What distinguishes it.
        accepted: Whether the check must accept it.
        says: Words that the rejecting message must hold.
        source: The code that takes the answer cell's place.
    """

    exercise: str
    about: str
    accepted: bool
    says: str
    source: str


@dataclass(frozen=True)
class Outcome:
    """What a check made of an answer: the error's class and text, both empty when it accepted."""

    error: str
    text: str


def read_answers(lesson: Lesson) -> list[Answer]:
    """The alternatives beside a lab.

    Raises:
        LessonError: The file is missing, or a cell does not say which exercise, right or wrong, and what it says.
    """
    answers = []
    for cell in read_script(lesson.answers_path).cells:
        if cell.cell_type != "code":
            continue
        keys = cell.metadata
        if "exercise" not in keys or ("right" in keys) == ("wrong" in keys):
            raise LessonError(f'{lesson.answers_path}: each cell needs exercise="..." and either right= or wrong=')
        if "wrong" in keys and not keys.get("says"):
            raise LessonError(f"{lesson.answers_path}: {keys['wrong']!r} needs says= (words of the message it gets)")
        accepted = "right" in keys
        about = keys["right"] if accepted else keys["wrong"]
        answers.append(
            Answer(
                exercise=keys["exercise"], about=about, accepted=accepted, says=keys.get("says", ""), source=cell.source
            )
        )
    return answers


def exercises(notebook: NotebookNode) -> dict[str, tuple[int, int]]:
    """For each exercise of a lab the positions of its answer cell and its check cell.

    Raises:
        LessonError: An answer has no check after it, or a check no answer before it.
    """
    answer_at: dict[str, int] = {}
    found: dict[str, tuple[int, int]] = {}
    for position, cell in enumerate(notebook.cells):
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        kind, _, name = grade_id.partition("-")
        if kind == "answer":
            answer_at[name] = position
        elif kind == "check":
            if name not in answer_at:
                raise LessonError(f'the check of "{name}" has no answer cell before it')
            found[name] = (answer_at[name], position)
    if missing := set(answer_at) - set(found):
        raise LessonError(f"no check for {sorted(missing)}")
    return found


class LabRunner:
    """A kernel of the lab's own device that has run the lab's cells, and tries answers in the place of its own.

    Use as a context manager.

    Args:
        notebook: The solved lab.
        environment: The kernel's environment (keeps progress out of the learner's file).
    """

    def __init__(self, notebook: NotebookNode, environment: dict[str, str]) -> None:
        self.notebook = notebook
        self._environment = environment
        self.exercises = exercises(notebook)

    def __enter__(self) -> "LabRunner":
        name = self.notebook.metadata.kernelspec.name
        self._manager, self._client = start_new_kernel(kernel_name=name, env=self._environment)
        for position, cell in enumerate(self.notebook.cells, 1):
            if cell.cell_type == "code":
                outcome = self._run(cell.source)
                if outcome.error and "raises-exception" not in cell.metadata.get("tags", []):
                    self.__exit__()
                    raise LessonError(f"cell {position} of the lab failed: {outcome.text}")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    def try_answer(self, exercise: str, source: str) -> Outcome:
        """Run `source` as the answer, then the check, then the lab's own answer again."""
        answer, check = (self.notebook.cells[position].source for position in self.exercises[exercise])
        failed = self._run(source)
        outcome = failed if failed.error else self._run(check)
        self._run(answer)
        return outcome

    def _run(self, source: str) -> Outcome:
        errors: list[dict[str, Any]] = []

        def hook(message: dict[str, Any]) -> None:
            if message["msg_type"] == "error":
                errors.append(message["content"])

        self._client.execute_interactive(source, output_hook=hook, timeout=CELL_TIMEOUT_S)
        return Outcome(errors[0]["ename"], errors[0]["evalue"]) if errors else Outcome("", "")


def faults(lesson: Lesson, blank: NotebookNode, environment: dict[str, str]) -> Iterator[str]:
    """Everything that is wrong with a lab's checks; nothing when they are proved.

    Each check must refuse the blank, accept the lab's own answer and the other right ones, and refuse each wrong one
    with the words it names.

    Args:
        lesson: The lab.
        blank: The notebook that learners get.
        environment: For the kernel.
    """
    solved = notebook_from(lesson)
    answers = read_answers(lesson)
    blanks = {name: blank.cells[answer].source for name, (answer, _) in exercises(blank).items()}
    with LabRunner(solved, environment) as runner:
        for name, (position, _) in runner.exercises.items():
            own = runner.try_answer(name, solved.cells[position].source)
            if own.error:
                yield f"{name}: the check rejects the lab's own answer: {own.text}"
            nothing = runner.try_answer(name, blanks[name])
            if nothing.error != "CheckFailedError":
                yield f"{name}: the check does not refuse the blank in words ({nothing.error or 'accepts it'})"
            kinds = [answer.accepted for answer in answers if answer.exercise == name]
            if True not in kinds or False not in kinds:
                yield f"{name}: answers.py needs at least one other right answer and one wrong one"
        for answer in answers:
            if answer.exercise not in runner.exercises:
                yield f"answers.py answers {answer.exercise!r}, which the lab does not ask"
                continue
            outcome = runner.try_answer(answer.exercise, answer.source)
            if answer.accepted and outcome.error:
                yield f"{answer.exercise}: rejects a right answer ({answer.about}): {outcome.text}"
            elif not answer.accepted and not outcome.error:
                yield f"{answer.exercise}: accepts a wrong answer ({answer.about})"
            elif not answer.accepted and (outcome.error != "CheckFailedError" or answer.says not in outcome.text):
                yield (
                    f"{answer.exercise}: rejects {answer.about!r}, but not with the words {answer.says!r}: "
                    f"{outcome.error}: {outcome.text}"
                )
