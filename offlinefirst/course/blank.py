"""From a solved lab to the blank one: nbgrader's own preprocessors, so that labs are nbgrader assignments."""

from copy import deepcopy

from nbformat import NotebookNode
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
)

#: What `nbgrader generate_assignment` runs, in its order, without the steps that write to its database.
PREPROCESSORS = (
    LockCells,
    ClearSolutions,
    ClearOutput,
    CheckCellMetadata,
    ComputeChecksums,
    ClearHiddenTests,
    ClearMarkScheme,
    ComputeChecksums,
    CheckCellMetadata,
)


def blanked(solved: NotebookNode) -> NotebookNode:
    """A copy of a solved lab as learners get it: answers replaced by a stub, outputs gone, checks locked."""
    notebook = deepcopy(solved)
    for preprocessor in PREPROCESSORS:
        notebook, _ = preprocessor().preprocess(notebook, {})
    return notebook
