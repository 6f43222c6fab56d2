# SPDX-License-Identifier: MIT
"""What a fuzz target makes: a test over its seeds, its corpus and random inputs."""

def fuzz_targets(executions):
    """A test NAME_test for each target NAME, which tries so many random inputs."""
    for name, count in executions.items():
        corpus = native.glob(["corpus/%s/*" % name])
        native.cc_test(
            name = name + "_test",
            srcs = ["run.c"],
            args = ["--target", name, "--executions", str(count)] +
                   ["$(location %s)" % file for file in corpus],
            copts = ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-UNDEBUG", "-Wall", "-Wextra", "-Werror"],
            data = corpus,
            linkstatic = True,
            size = "medium",
            tags = ["external"],
            deps = [":corpus", ":driver"],
        )
    native.test_suite(name = "tests", visibility = ["//:__pkg__"])
