"""`python -m offlinefirst`: the verbs that course.py hands over."""

import sys

from offlinefirst.cli import main

sys.exit(main())
