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


class QemucortexmPlatform(PlatformBase):
    """Chooses the packages of a build and the command that runs it."""

    QEMU = "qemu-system-arm"
    INSTALL = "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm"

    @classmethod
    def qemu_command(cls, machine, elf, text_to_stdout=False):
        """Return the command line that runs an ELF file on a machine.

        Semihosting's console is QEMU's own stdin and stdout, and its text (SYS_WRITE0) goes
        to stderr. With `text_to_stdout` the text goes to stdout, and nothing can be read.
        """
        semihosting, console = "enable=on,target=native", []
        if text_to_stdout:
            semihosting += ",chardev=console"
            console = ["-chardev", "stdio,id=console,signal=off"]
        silent = "-display none -monitor none -serial null".split()
        options = [*silent, *console, "-semihosting-config", semihosting]
        return [cls.QEMU, *options, "-M", machine, "-kernel", elf]

    def configure_default_packages(self, options, targets):
        """Leave out every package that this machine already has."""
        has_compiler = shutil.which("arm-none-eabi-gcc") is not None
        self.packages[TOOLCHAIN]["optional"] = has_compiler
        if not has_compiler and self.get_package(TOOLCHAIN) is None:
            print(
                "No arm-none-eabi-gcc on PATH: asking PlatformIO's registry for one. Without a "
                f"network, install it instead: {self.INSTALL}",
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
        machine = self.board_config(self.config.get(section, "board")).get("qemu.machine")
        elf = os.path.join(self.config.get("platformio", "build_dir"), env, "firmware.elf")
        command = [*self.qemu_command(machine, elf, text_to_stdout=True), "-icount", "shift=8"]
        self.config.set(section, "test_testing_command", "\n".join(command))
