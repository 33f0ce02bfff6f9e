"""What makes this a course: lessons, their build, checks, progress, quizzes."""
