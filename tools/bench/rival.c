/* SPDX-License-Identifier: MIT */
#include "tools/bench/rival.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

/* @output: where its output goes. */
static bool start(const char *const *argv, int output, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	bool started;

	if (posix_spawn_file_actions_init(&actions))
		return false;
	started = !posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY,
						    0) &&
		  !posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO) &&
		  !posix_spawnp(pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return started;
}

static bool succeeds(pid_t pid)
{
	int status = -1;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

bool rival_run(const char *const *argv)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	bool started;
	pid_t pid;

	if (nowhere < 0)
		return false;
	started = start(argv, nowhere, &pid);
	close(nowhere);
	return started && succeeds(pid);
}

bool rival_output(const char *const *argv, char *text, size_t size)
{
	char rest[512];
	size_t len = 0;
	bool started;
	int ends[2];
	ssize_t got;
	pid_t pid;

	*text = '\0';
	if (pipe2(ends, O_CLOEXEC))
		return false;
	started = start(argv, ends[1], &pid);
	close(ends[1]);
	while (started && (got = len + 1 < size ? read(ends[0], text + len, size - 1 - len)
						: read(ends[0], rest, sizeof(rest))) > 0)
		len += len + 1 < size ? (size_t)got : 0;
	text[len] = '\0';
	close(ends[0]);
	return started && succeeds(pid);
}
