/* SPDX-License-Identifier: MIT */
#include "fuzz/campaign/apart.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz/campaign/child.h"

static void leave_nothing(bool quiet)
{
	const struct rlimit none = { 0, 0 };
	int nowhere;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &none);
	if (!quiet)
		return;
	nowhere = open("/dev/null", O_WRONLY);
	if (nowhere >= 0)
		dup2(nowhere, STDERR_FILENO);
}

pid_t apart_run(struct target_runner *runner, const uint8_t *data, size_t size, bool quiet)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid)
		return pid < 0 ? 0 : pid;
	leave_nothing(quiet);
	target_run_bytes(runner, data, size);
	_exit(0);
}

bool apart_ends(struct target_runner *runner, const uint8_t *data, size_t size,
		uint64_t milliseconds, struct apart_id *id, struct target_report *ret)
{
	pid_t pid = apart_run(runner, data, size, false);
	int status = 0;

	if (!pid)
		return true;
	if (!child_wait(pid, milliseconds, NULL, NULL, &status)) {
		target_report_add(ret, APART_HANG, "it does not end within %llu ms",
				  (unsigned long long)milliseconds);
		return false;
	}
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return true;
	child_name_crash(status, id->text, sizeof(id->text));
	target_report_add(ret, id->text, "the process that ran it ended before it did");
	return false;
}
