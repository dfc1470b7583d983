"""PlatformIO starts `python tool-scons/scons.py`: hand over to the SCons of that Python."""

import sys

try:
    from SCons.Script.Main import main
except ImportError:
    sys.exit(f"SCons is missing; install it with: {sys.executable} -m pip install scons==4.11.1")

if __name__ == "__main__":
    main()
