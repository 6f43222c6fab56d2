# SPDX-License-Identifier: MIT
"""clang-tidy as a Bazel aspect, so that a file is read again only when it or a header changed.

    bazel build --config=tidy //engine/...
"""

def _tidy_impl(target, ctx):
    if CcInfo not in target or not hasattr(ctx.rule.attr, "srcs"):
        return [OutputGroupInfo(tidy = depset())]

    context = target[CcInfo].compilation_context
    flags = [f for f in ctx.rule.attr.copts if f != "-Werror"]
    for deps in [context] + [dep[CcInfo].compilation_context for dep in ctx.rule.attr.deps if CcInfo in dep]:
        flags += ["-iquote" + d for d in deps.quote_includes.to_list()]
        flags += ["-isystem" + d for d in deps.system_includes.to_list()]
        flags += ["-D" + d for d in deps.defines.to_list()]

    # Following the paths of a test through cmocka takes most of the time and finds nothing.
    checks = ["--checks=-clang-analyzer-*"] if ctx.rule.kind == "cc_test" else []
    headers = depset(transitive = [context.headers] + [
        dep[CcInfo].compilation_context.headers
        for dep in ctx.rule.attr.deps
        if CcInfo in dep
    ])
    sources = [f for src in ctx.rule.attr.srcs for f in src.files.to_list()]

    stamps = []
    for source in sources:
        if source.extension != "c" or not source.is_source or source.owner.workspace_name:
            continue
        stamp = ctx.actions.declare_file("%s.%s.tidy" % (ctx.rule.attr.name, source.basename))
        stamps.append(stamp)
        ctx.actions.run_shell(
            command = 'out=$1; shift; clang-tidy --quiet "$@" 2>"$out" || { cat "$out" >&2; exit 1; }',
            arguments = [stamp.path, "--config-file=" + ctx.file._config.path] + checks +
                        [source.path, "--"] + flags,
            inputs = depset(sources + [ctx.file._config], transitive = [headers]),
            outputs = [stamp],
            mnemonic = "ClangTidy",
            progress_message = "Reading %s" % source.short_path,
            use_default_shell_env = True,
        )
    return [OutputGroupInfo(tidy = depset(stamps))]

tidy = aspect(
    implementation = _tidy_impl,
    attrs = {"_config": attr.label(default = "//:.clang-tidy", allow_single_file = True)},
)
