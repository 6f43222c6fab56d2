# SPDX-License-Identifier: MIT
"""The one list of compiler flags, and the macros every BUILD file uses."""

_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wmissing-prototypes",
    "-Wpointer-arith",
    "-Wshadow",
    "-Wstrict-prototypes",
    "-Wundef",
    "-Wvla",
    "-Wwrite-strings",
]

_LANGUAGE = [
    "-std=c11",
    # Assertions stay on in every build, -c opt included.
    "-UNDEBUG",
    "-fno-common",
]

# The engine is ISO C alone. Whatever is outside may use POSIX, with 64-bit file offsets everywhere.
_POSIX = [
    "-D_POSIX_C_SOURCE=200809L",
    "-D_FILE_OFFSET_BITS=64",
]
_GNU = [
    "-D_GNU_SOURCE",
    "-D_FILE_OFFSET_BITS=64",
]

def _copts(gnu):
    package = native.package_name()
    if package == "engine" or package.startswith("engine/"):
        if gnu:
            fail("the engine is ISO C: no gnu = True under engine/")
        return _LANGUAGE + _WARNINGS
    return _LANGUAGE + _WARNINGS + (_GNU if gnu else _POSIX)

def _suite():
    """Each package with tests has a suite `tests` of them all, for //:full to name."""
    if not native.existing_rule("tests"):
        native.test_suite(name = "tests", visibility = ["//:__pkg__"])

def mm_library(name, gnu = False, copts = [], **kwargs):
    """A C library. gnu = True asks for _GNU_SOURCE instead of plain POSIX (not in the engine)."""
    native.cc_library(
        name = name,
        copts = _copts(gnu) + copts,
        linkstatic = True,
        **kwargs
    )

def mm_libraries():
    """The labels of the libraries that the calling BUILD file has defined so far."""
    return [":" + name for name, rule in native.existing_rules().items() if rule["kind"] == "cc_library"]

def mm_binary(name, gnu = False, copts = [], **kwargs):
    """A program."""
    native.cc_binary(
        name = name,
        copts = _copts(gnu) + copts,
        **kwargs
    )

def mm_test(
        name,
        gnu = False,
        captures = False,
        copts = [],
        deps = [],
        env = {},
        size = "small",
        tags = [],
        **kwargs):
    """A unit test: a C file with a cmocka main, whose cases are counted one by one from its TAP lines.

    captures = True marks a test that reads the folder MMREPLAY_CAPTURES names; what it read is no
    input Bazel knows of, so such a test always runs again.
    """
    _suite()
    native.cc_test(
        name = name,
        copts = _copts(gnu) + copts,
        deps = deps + ["@system//:cmocka"],
        env = dict({"CMOCKA_MESSAGE_OUTPUT": "TAP"}, **env),
        linkstatic = True,
        size = size,
        tags = tags + (["external"] if captures else []),
        **kwargs
    )

def mm_tap_test(name, copts = [], size = "medium", tags = [], **kwargs):
    """A program that prints TAP lines of its own."""
    _suite()
    native.cc_test(
        name = name,
        copts = _copts(False) + copts,
        linkstatic = True,
        size = size,
        tags = tags,
        **kwargs
    )

def mm_sh_test(name, srcs, captures = False, size = "small", tags = [], **kwargs):
    """A test written in shell, which prints TAP lines of its own ("ok 1 - ...", last "1..N")."""
    _suite()
    native.sh_test(
        name = name,
        srcs = srcs,
        size = size,
        tags = tags + (["external"] if captures else []),
        **kwargs
    )

def mm_proto(name, src, **kwargs):
    """A cc_library `name` from one .proto file; include it as "package/base.pb-c.h"."""
    if not src.endswith(".proto"):
        fail("mm_proto: src is a .proto file of this package")
    base = src[:-len(".proto")]
    native.genrule(
        name = name + "_gen",
        srcs = [src],
        outs = [
            base + ".pb-c.c",
            base + ".pb-c.h",
        ],
        cmd = "protoc-c --proto_path=. --c_out=$(BINDIR) $(location %s)" % src,
        message = "Generating C from",
    )
    native.cc_library(
        name = name,
        srcs = [base + ".pb-c.c"],
        hdrs = [base + ".pb-c.h"],
        copts = _LANGUAGE + ["-w"],  # generated: its warnings are not ours to mend
        linkstatic = True,
        deps = ["@system//:protobuf_c"],
        **kwargs
    )
