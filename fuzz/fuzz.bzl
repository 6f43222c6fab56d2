# SPDX-License-Identifier: MIT
"""What a fuzz target makes: a test over its seeds, its corpus and random inputs."""

load("//:build_defs.bzl", "mm_binary", "mm_sh_test", "mm_tap_test")

def fuzz_targets(executions, files):
    """A test NAME_test for each target NAME, which tries so many random inputs.

    Its corpus is corpus/NAME/, where findings of the past are, one a file, with the files named, and what
    the captures of the tree have for it.
    """
    for name, count in executions.items():
        corpus = native.glob(["corpus/%s/*" % name]) + files.get(name, [])
        mm_tap_test(
            name = name + "_test",
            srcs = [
                "asan_options.c",
                "run.c",
            ],
            args = [
                "--target",
                name,
                "--executions",
                str(count),
                "--captures",
                "traces/captures",
            ] + ["$(location %s)" % file for file in corpus],
            data = corpus + ["//traces:seed_captures"],
            deps = [
                ":corpus",
                ":driver",
                ":settings",
                "//traces:message_text",
                "//traces:scenario_store",
            ],
        )
        _engines(name, corpus)

    # What `mmreplay fuzz --engine ENGINE --engines bazel-bin/fuzz` runs.
    native.filegroup(
        name = "libfuzzer",
        srcs = [name + "_libfuzzer" for name in executions],
        tags = ["manual"],
    )
    native.filegroup(
        name = "afl",
        srcs = [name + "_afl" for name in executions] + ["afl_mutator.so"],
        tags = ["manual"],
    )

    # The program that runs engines as users build it, whatever they are built for.
    native.genrule(
        name = "users_mmreplay",
        outs = ["users/mmreplay"],
        cmd = "cp $(location //tools:mmreplay) $@",
        message = "Copying",
        tags = ["manual"],
        tools = ["//tools:mmreplay"],
    )
    native.test_suite(
        name = "libfuzzer_smoke",
        tags = ["manual"],
        tests = [name + "_libfuzzer_test" for name in executions],
    )
    native.test_suite(
        name = "libfuzzer_msan_smoke",
        tags = ["manual"],
        tests = [name + "_libfuzzer_test" for name in [
            "memblock",
            "topology",
        ]],
    )
    native.test_suite(
        name = "afl_smoke",
        tags = ["manual"],
        tests = [name + "_afl_test" for name in executions],
    )

# What links an engine to LLVMFuzzerTestOneInput(): part of clang, and part of the package afl++.
_ENGINES = {
    "afl": [
        "/usr/lib/afl/libAFLDriver.a",
        "/usr/lib/afl/afl-compiler-rt.o",
    ],
    "libfuzzer": ["-fsanitize=fuzzer"],
}

def _engines(name, corpus):
    """NAME_ENGINE, for --config=ENGINE alone, and a smoke test of a few seconds for each."""
    for engine, linkopts in _ENGINES.items():
        binary = "%s_%s" % (name, engine)
        mm_binary(
            name = binary,
            srcs = [
                "asan_options.c",
                "engine.c",
            ],
            linkopts = linkopts,
            local_defines = ['FUZZ_TARGET=\\"%s\\"' % name],
            tags = ["manual"],
            deps = [
                ":settings",
                ":target",
                "//engine:error",
                "//fuzz/mutate",
            ],
        )
        mm_sh_test(
            name = binary + "_test",
            srcs = ["engine_test.sh"],
            args = [
                engine,
                name,
                "$(location :%s)" % binary,
                "$(location :users_mmreplay)",
            ] + ["$(location %s)" % file for file in corpus],
            data = corpus + [
                ":" + binary,
                ":afl_mutator.so",
                ":users_mmreplay",
                "//traces:seed_captures",
            ],
            size = "medium",
            tags = ["manual"],
        )
