"""Build script of the platform: compiler, flags, startup code, linker script, targets."""

import os
import shutil
import sys

from SCons.Script import AlwaysBuild, Default, DefaultEnvironment

env = DefaultEnvironment()
platform = env.PioPlatform()
board = env.BoardConfig()

family = platform.family(board)
startup = os.path.join(platform.get_dir(), "startup")
own = os.path.join(startup, family.folder)
library = [os.path.join(own, family.library)] if family.library else []
core_flags = board.get("build.core_flags").split()
memory = {
    "FLASH_ORIGIN": board.get("build.flash_origin"),
    "FLASH_LENGTH": board.get("upload.maximum_size"),
    "RAM_ORIGIN": board.get("build.ram_origin"),
    "RAM_LENGTH": board.get("upload.maximum_ram_size"),
    "STACK_SIZE": board.get("build.stack_size", 4096),
}

env.Replace(
    AR=f"{family.prefix}gcc-ar",
    AS=f"{family.prefix}gcc",
    CC=f"{family.prefix}gcc",
    LINK=f"{family.prefix}gcc",
    RANLIB=f"{family.prefix}gcc-ranlib",
    OBJCOPY=f"{family.prefix}objcopy",
    SIZETOOL=f"{family.prefix}size",
    ARFLAGS=["rc"],
    SIZEPROGREGEXP=r"^(?:\.text|\.rodata|\.data|\.ARM\.exidx)\s+(\d+).*",
    SIZEDATAREGEXP=r"^(?:\.stack|\.data|\.bss)\s+(\d+).*",
    SIZECHECKCMD="$SIZETOOL -A -d $SOURCES",
    SIZEPRINTCMD="$SIZETOOL -B -d $SOURCES",
    PROGNAME="firmware",
    PROGSUFFIX=".elf",
)
env.Append(
    CPPPATH=[startup, own, *library],
    CPPDEFINES=[
        ("F_CPU", board.get("build.f_cpu")),
        ("FRAME_BYTES", f"{board.get('build.frame_bytes', 1024)}u"),
        "SEMIHOSTING",  # QEMU answers it
    ],
    CCFLAGS=[*core_flags, "-ffunction-sections", "-fdata-sections", "-g"],
    LINKFLAGS=[
        *core_flags,
        "-nostartfiles",
        *family.linking,
        "-Wl,--gc-sections",
        "-Wl,--no-warn-rwx-segments",
        "-T" + os.path.join(own, f"{family.folder}.ld"),
        *(f"-Wl,--defsym={name}={value}" for name, value in memory.items()),
    ],
    LIBS=["gcc"] if library else ["c", "gcc"],
)
env.BuildSources(
    os.path.join("$BUILD_DIR", "startup"), startup, f"+<*.c> +<{family.folder}/**/*.c>"
)

elf = env.BuildProgram()
image = env.Command(
    os.path.join("$BUILD_DIR", "firmware.bin"),
    elf,
    env.VerboseAction("$OBJCOPY -O binary $SOURCE $TARGET", "Building $TARGET"),
)


def run_in_qemu(target, source, env):
    """Start the firmware with an empty input: it says what it holds, then ends."""
    if shutil.which(family.qemu) is None:
        print(f"No {family.qemu} on PATH; install it with: {family.install}", file=sys.stderr)
        return 1
    command = platform.qemu(board, str(source[0]))
    return env.Execute(" ".join([*command, "< /dev/null"]))


AlwaysBuild(env.Alias("size", elf, env.VerboseAction("$SIZEPRINTCMD", "Size of $SOURCE")))
env.AddCustomTarget(
    "qemu",
    elf,
    run_in_qemu,
    title="QEMU",
    description="Start the firmware in QEMU",
)
if env.get("UPLOADCMD"):  # the option upload_command: whatever takes the firmware from here
    upload = env.VerboseAction("$UPLOADCMD", "Uploading $SOURCE")
    env.AddPlatformTarget("upload", elf, [upload], "Upload")
Default([elf, image])
