"""PlatformIO build platform for the Cortex-M machines of QEMU; needs no registry.

The compiler is the machine's own `arm-none-eabi-gcc` if it has one, else PlatformIO's
toolchain package. SCons is the one of this Python (PyPI `scons`), else PlatformIO's.
"""

import importlib.util
import os
import shutil
import sys

from platformio.public import PlatformBase

TOOLCHAIN = "toolchain-gccarmnoneeabi"
SCONS = "tool-scons"


def _load_qemu(folder):
    spec = importlib.util.spec_from_file_location("spikemcu_qemu", os.path.join(folder, "qemu.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class QemucortexmPlatform(PlatformBase):
    """Chooses the packages of a build and the command of a test."""

    def configure_default_packages(self, options, targets):
        """Leave out every package that this machine already has."""
        has_compiler = shutil.which("arm-none-eabi-gcc") is not None
        self.packages[TOOLCHAIN]["optional"] = has_compiler
        if not has_compiler and self.get_package(TOOLCHAIN) is None:
            print(
                "No arm-none-eabi-gcc on PATH: asking PlatformIO's registry for one. Without a "
                f"network, install it instead: {_load_qemu(self.get_dir()).INSTALL}",
                file=sys.stderr,
            )
        if importlib.util.find_spec("SCons"):
            shim = os.path.join(self.get_dir(), SCONS)
            self.packages[SCONS] = {
                "owner": "platformio",
                "optional": False,
                "version": f"symlink://{shim}",
            }
        return super().configure_default_packages(options, targets)

    def configure_project_packages(self, env, targets=None):
        """Let `pio test` run the program in QEMU, unless the project says otherwise."""
        super().configure_project_packages(env, targets)
        section = f"env:{env}"
        if self.config.get(section, "test_testing_command"):
            return
        board = self.board_config(self.config.get(section, "board"))
        elf = os.path.join(self.config.get("platformio", "build_dir"), env, "firmware.elf")
        command = _load_qemu(self.get_dir()).command(board.get("qemu.machine"), elf, True)
        command += ["-icount", "shift=8"]
        self.config.set(section, "test_testing_command", "\n".join(command))
