/* SPDX-License-Identifier: MIT */
#include "tools/process.h"

#include <errno.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

struct error *process_run(const char *folder, const char *const argv[], struct sink_text *ret,
			  int *status_ret)
{
	struct sink sink = sink_to_text(ret);
	int ends[2], status;
	char buf[4096];
	ssize_t n;
	pid_t child;

	sink_text_clear(ret);
	if (pipe(ends))
		return error_create(ERROR_OS, NULL, 0, 0, "cannot run %s: %s", argv[0],
				    strerror(errno));
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		if (folder && chdir(folder))
			_exit(127);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(ends[1]);
	if (child < 0) {
		close(ends[0]);
		return error_create(ERROR_OS, NULL, 0, 0, "cannot run %s: %s", argv[0],
				    strerror(errno));
	}
	while ((n = read(ends[0], buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			sink_write(&sink, buf, (size_t)n);
	close(ends[0]);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return error_create(ERROR_OS, NULL, 0, 0, "cannot wait for %s: %s", argv[0],
					    strerror(errno));
	if (ret->out_of_memory)
		return error_no_memory();
	*status_ret = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	if (*status_ret == 127 && !ret->len)
		return error_create(ERROR_NOT_FOUND, NULL, 0, 0, "%s cannot be run here", argv[0]);
	return NULL;
}

const char *process_last_line(struct sink_text *text)
{
	size_t end = text->len;
	char *p;

	if (!text->data)
		return "";
	while (end && (text->data[end - 1] == '\n' || text->data[end - 1] == '\r'))
		end--;
	text->data[end] = '\0';
	p = strrchr(text->data, '\n');
	return p ? p + 1 : text->data;
}
