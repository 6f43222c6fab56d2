# SPDX-License-Identifier: MIT
"""What a fuzz target makes: a test over its seeds, its corpus and random inputs."""

load("//:build_defs.bzl", "mm_tap_test")

def fuzz_targets(executions, files):
    """A test NAME_test for each target NAME, which tries so many random inputs.

    Its corpus is corpus/NAME/, where findings of the past are, one a file, with the files named, and what
    the captures of the tree have for it.
    """
    for name, count in executions.items():
        corpus = native.glob(["corpus/%s/*" % name]) + files.get(name, [])
        mm_tap_test(
            name = name + "_test",
            srcs = ["run.c"],
            args = [
                "--target",
                name,
                "--executions",
                str(count),
                "--captures",
                "traces/captures",
            ] + ["$(location %s)" % file for file in corpus],
            data = corpus + ["//traces:captures"],
            deps = [
                ":corpus",
                ":driver",
                "//traces:message_text",
                "//traces:scenario_store",
            ],
        )
