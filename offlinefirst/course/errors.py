"""The errors of `offlinefirst.course`."""


class CourseError(Exception):
    """Something about the course's own files is wrong; the message names the file and the remedy."""


class LessonError(CourseError):
    """A lesson's script or front matter cannot be used."""


class BuildError(CourseError):
    """A lesson could not be turned into its notebook."""


class QuizError(CourseError):
    """A quiz file is missing or malformed."""
