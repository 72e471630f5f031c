"""`python -m openmr`."""

import sys

from openmr.apps.cli import main

sys.exit(main())
