"""PlatformIO build platform for machines of QEMU; needs no registry.

The compiler is the machine's own if it has one, else PlatformIO's toolchain package. SCons is the
one of this Python (PyPI `scons`), else PlatformIO's.
"""

import importlib.util
import os
import shutil
import sys

from platformio.public import PlatformBase

SCONS = "tool-scons"


def _families():
    """Return the module families, which stands beside this file and not on Python's path."""
    path = os.path.join(os.path.dirname(os.path.realpath(__file__)), "families.py")
    spec = importlib.util.spec_from_file_location("spikemcu_families", path)
    module = sys.modules.setdefault(spec.name, importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


families = _families()


class QemuPlatform(PlatformBase):
    """Chooses the packages of a build and the command that runs it."""

    families = families

    def family(self, board):
        """Return what builds for a board, told by its configuration."""
        return families.family_of(board.get("build.cpu"))

    def qemu(self, board, elf, text_to_stdout=False):
        """Return the command line that runs an ELF file on a board's machine."""
        machine, cpu = board.get("qemu.machine"), board.get("qemu.cpu", "")
        return families.qemu_command(self.family(board), machine, cpu, elf, text_to_stdout)

    def configure_default_packages(self, options, targets):
        """Leave out every package that this machine already has, or the board has no use for."""
        family = self.family(self.board_config(options["board"]))
        compiler = f"{family.prefix}gcc"
        has_compiler = shutil.which(compiler) is not None
        for other in families.FAMILIES.values():
            if other.toolchain:
                unused = has_compiler or other is not family
                self.packages[other.toolchain]["optional"] = unused
        if not has_compiler and not (family.toolchain and self.get_package(family.toolchain)):
            asking = "asking PlatformIO's registry for one. Without a network, install it instead"
            print(
                f"No {compiler} on PATH: {asking if family.toolchain else 'install it with'}: "
                f"{family.install}",
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
        command = [*self.qemu(board, elf, text_to_stdout=True), *self.family(board).counting]
        self.config.set(section, "test_testing_command", "\n".join(command))
