/* SPDX-License-Identifier: MIT */
#include "traces/shell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static struct error *os_error(const char *what, const char *path)
{
	return error_create(ERROR_OS, path, 0, 0, "%s: %s", what, strerror(errno));
}

static struct error *write_all(int fd, const char *path, const char *data, size_t size)
{
	while (size) {
		ssize_t done = write(fd, data, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return os_error("cannot write the trace for the command", path);
		data += done;
		size -= (size_t)done;
	}
	return NULL;
}

static void become(const char *script, const char *path)
{
	/* Data is what we print; the command only speaks to the user. */
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execl("/bin/sh", "sh", "-c", script, "sh", path, (char *)NULL);
	_exit(127);
}

static struct error *run(const char *command, const char *path, int *status_ret)
{
	static const char argument[] = " \"$1\"";
	size_t size = strlen(command) + sizeof(argument);
	char *script = malloc(size);
	int status;
	pid_t child;

	if (!script)
		return error_no_memory();
	snprintf(script, size, "%s%s", command, argument);
	child = fork();
	if (child == 0)
		become(script, path);
	free(script);
	if (child < 0)
		return os_error("cannot run the command", NULL);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return os_error("cannot wait for the command", NULL);
	if (WIFSIGNALED(status))
		return error_create(ERROR_OS, NULL, 0, 0, "signal %d ended the command '%s'",
				    WTERMSIG(status), command);
	if (WEXITSTATUS(status) >= 127)
		return error_create(ERROR_OS, NULL, 0, 0,
				    "the command '%s' ended with status %d, which tells nothing",
				    command, WEXITSTATUS(status));
	*status_ret = WEXITSTATUS(status);
	return NULL;
}

struct error *shell_run_on(const char *command, const void *data, size_t size, int *status_ret)
{
	static const char suffix[] = ".mmtrace";
	const char *folder = getenv("TMPDIR");
	char path[4096];
	struct error *err;
	int fd;

	if (!folder || !*folder)
		folder = "/tmp";
	if (snprintf(path, sizeof(path), "%s/mmreplay-XXXXXX%s", folder, suffix) >=
	    (int)sizeof(path))
		return error_create(ERROR_OS, NULL, 0, 0, "the path of TMPDIR is too long");
	fd = mkstemps(path, (int)strlen(suffix));
	if (fd < 0)
		return os_error("cannot make a temporary file", folder);
	err = write_all(fd, path, data, size);
	if (close(fd) && !err)
		err = os_error("cannot write the trace for the command", path);
	if (!err)
		err = run(command, path, status_ret);
	unlink(path);
	return err;
}
