"""The command that runs an ELF file on a board's machine in QEMU."""

QEMU = "qemu-system-arm"
INSTALL = "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm"

_FLAGS = "-display none -monitor none -serial null".split()


def command(machine, elf, text_to_stdout=False):
    """Return QEMU's command line.

    Semihosting's console is QEMU's own stdin and stdout, and its text (SYS_WRITE0) goes to
    stderr. With `text_to_stdout` the text goes to stdout, and nothing can be read.
    """
    semihosting = "enable=on,target=native"
    console = []
    if text_to_stdout:
        console = ["-chardev", "stdio,id=console,signal=off"]
        semihosting += ",chardev=console"
    return [QEMU, *_FLAGS, *console, "-semihosting-config", semihosting,
            "-M", machine, "-kernel", elf]  # fmt: skip
