"""What builds for a family of cores and emulates it: a row for each, told by its cores' names."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """The tools of a family, and its part of the startup code.

    prefix:    of the names of the compiler and its kin
    qemu:      the emulator; emulating: its options besides those that all have
    counting:  those that make counts of instructions exact
    install:   a command that installs all
    toolchain: package of the compiler in PlatformIO's registry; "" if there is none that serves
    folder:    in startup/, with the linker script of that name
    library:   folder in it that stands in for a C library; "" if the compiler comes with one
    linking:   options of the linker
    """

    prefix: str
    qemu: str
    emulating: tuple[str, ...]
    counting: tuple[str, ...]
    install: str
    toolchain: str
    folder: str
    library: str
    linking: tuple[str, ...]


ARM = Family(
    prefix="arm-none-eabi-",
    qemu="qemu-system-arm",
    emulating=(),
    counting=("-icount", "shift=8"),
    install="apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm",
    toolchain="toolchain-gccarmnoneeabi",
    folder="arm",
    library="",
    linking=("--specs=nano.specs",),
)

RISCV = Family(
    prefix="riscv64-unknown-elf-",
    qemu="qemu-system-riscv32",
    emulating=("-bios", "none"),
    counting=("-icount", "shift=0"),
    install="apt-get install gcc-riscv64-unknown-elf qemu-system-misc",
    toolchain="",
    folder="riscv",
    library="library",
    linking=("-nolibc",),
)

FAMILIES = {"cortex": ARM, "rv32": RISCV}


def family_of(core: str) -> Family:
    """Return the family of a core, such as cortex-m4 or rv32imc."""
    for start, family in FAMILIES.items():
        if core.startswith(start):
            return family
    raise ValueError(f"build.cpu: found {core!r}; must begin with {' or '.join(FAMILIES)}")


def qemu_command(family, machine, cpu, elf, text_to_stdout=False):
    """Return the command line that runs an ELF file on a machine.

    cpu: of the machine, "" for its own

    Semihosting's console is QEMU's own stdin and stdout, and its text (SYS_WRITE0) goes
    to stderr. With `text_to_stdout` the text goes to stdout, and nothing can be read.
    """
    semihosting, console = "enable=on,target=native", []
    if text_to_stdout:
        semihosting += ",chardev=console"
        console = ["-chardev", "stdio,id=console,signal=off"]
    silent = "-display none -monitor none -serial null".split()
    options = [*silent, *console, "-semihosting-config", semihosting, *family.emulating]
    return [family.qemu, *options, "-M", machine, *(("-cpu", cpu) if cpu else ()), "-kernel", elf]
