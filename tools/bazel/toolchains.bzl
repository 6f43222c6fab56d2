# SPDX-License-Identifier: MIT
"""The compilers we build with, as one Bazel toolchain suite: @toolchains//:all, chosen by --cpu.

The system's own compilers need nothing but their package. The cross compilers take headers and
libraries from a folder of unpacked Debian packages (a sysroot), made by tools/sysroot; programs are
linked to load their libraries from that folder, so that a 32-bit one runs as it is and a big-endian
one under qemu-user.
"""

_LLVM = "/usr/lib/llvm-22"

# cpu: compiler, prefix of the binary utilities, its own header folders, and for a cross compiler
# the multiarch name and the dynamic loader.
_COMPILERS = {
    "k8": struct(
        cc = "/usr/bin/gcc",
        binutils = "/usr/bin/",
        includes = ["/usr/lib/gcc/x86_64-linux-gnu", "/usr/include"],
        multiarch = None,
    ),
    "clang": struct(
        cc = _LLVM + "/bin/clang",
        binutils = "/usr/bin/",
        includes = [_LLVM + "/lib/clang", "/usr/include"],
        multiarch = None,
    ),
    "i386": struct(
        cc = "/usr/bin/i686-linux-gnu-gcc",
        binutils = "/usr/bin/i686-linux-gnu-",
        includes = ["/usr/lib/gcc-cross/i686-linux-gnu", "/usr/i686-linux-gnu/include"],
        multiarch = "i386-linux-gnu",
        loader = "lib/ld-linux.so.2",
    ),
    "s390x": struct(
        cc = "/usr/bin/s390x-linux-gnu-gcc",
        binutils = "/usr/bin/s390x-linux-gnu-",
        includes = ["/usr/lib/gcc-cross/s390x-linux-gnu", "/usr/s390x-linux-gnu/include"],
        multiarch = "s390x-linux-gnu",
        loader = "lib/ld64.so.1",
    ),
}

_TOOLS = ["ar", "cpp", "dwp", "gcov", "ld", "llvm-cov", "nm", "objcopy", "objdump", "strip"]

_HEAD = """# Written by tools/bazel/toolchains.bzl.
load("@bazel_tools//tools/cpp:unix_cc_toolchain_config.bzl", "cc_toolchain_config")

package(default_visibility = ["//visibility:public"])

filegroup(name = "empty")

cc_toolchain_suite(
    name = "all",
    toolchains = %s,
)
"""

_TOOLCHAIN = """
cc_toolchain(
    name = "{cpu}",
    all_files = ":empty",
    ar_files = ":empty",
    as_files = ":empty",
    compiler_files = ":empty",
    dwp_files = ":empty",
    linker_files = ":empty",
    objcopy_files = ":empty",
    strip_files = ":empty",
    supports_param_files = 1,
    toolchain_config = ":{cpu}_config",
    toolchain_identifier = "{cpu}",
)

cc_toolchain_config(
    name = "{cpu}_config",
    abi_libc_version = "local",
    abi_version = "local",
    builtin_sysroot = {sysroot},
    compile_flags = ["-fno-omit-frame-pointer"],
    compiler = "{compiler}",
    coverage_compile_flags = ["--coverage"],
    coverage_link_flags = ["--coverage"],
    cpu = "{cpu}",
    cxx_builtin_include_directories = {includes},
    dbg_compile_flags = ["-g"],
    host_system_name = "local",
    link_flags = {link_flags},
    link_libs = ["-lm"],
    opt_compile_flags = ["-O2"],
    supports_start_end_lib = False,
    target_libc = "local",
    target_system_name = "local",
    tool_paths = {tools},
    toolchain_identifier = "{cpu}",
    unfiltered_compile_flags = [
        "-Wno-builtin-macro-redefined",
        "-D__DATE__=\\"redacted\\"",
        "-D__TIME__=\\"redacted\\"",
        "-D__TIMESTAMP__=\\"redacted\\"",
    ],
)
"""

def _toolchains_impl(ctx):
    sysroots = ctx.os.environ.get("MMREPLAY_SYSROOTS") or (
        ctx.os.environ.get("HOME", "") + "/.cache/mmreplay/sysroots"
    )
    build = _HEAD % repr({cpu: ":" + cpu for cpu in _COMPILERS})
    for cpu, row in _COMPILERS.items():
        includes, sysroot, link_flags = row.includes, "", []
        if row.multiarch:
            sysroot = "%s/%s" % (sysroots, cpu)
            includes = includes + [sysroot + "/usr/include"]
            link_flags = [
                "-Wl,--dynamic-linker=%s/%s" % (sysroot, row.loader),
                "-Wl,-rpath,%s/lib/%s:%s/usr/lib/%s" % (
                    sysroot,
                    row.multiarch,
                    sysroot,
                    row.multiarch,
                ),
            ]
        tools = {tool: row.binutils + tool for tool in _TOOLS}
        tools["gcc"] = row.cc
        build += _TOOLCHAIN.format(
            cpu = cpu,
            compiler = "clang" if cpu == "clang" else "gcc",
            sysroot = repr(sysroot),
            includes = repr(includes),
            link_flags = repr(link_flags),
            tools = repr(tools),
        )
    ctx.file("BUILD", build)

toolchains = repository_rule(
    implementation = _toolchains_impl,
    environ = ["HOME", "MMREPLAY_SYSROOTS"],
)
