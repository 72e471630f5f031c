"""`python -m openmr`."""

import sys

from openmr.cli import main

sys.exit(main())
