/* SPDX-License-Identifier: MIT */
#include "fuzz/campaign/child.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include "fuzz/clock.h"

/* Pauses between looks: they begin short, for children that take no time. */
#define PAUSE_MIN 200000L
#define PAUSE_MAX 50000000L

bool child_wait(pid_t pid, uint64_t milliseconds, void (*tick)(void *ctx), void *ctx, int *status)
{
	uint64_t until = clock_milliseconds() + milliseconds;
	struct timespec pause = { 0, PAUSE_MIN };
	pid_t ended;

	while (!(ended = waitpid(pid, status, WNOHANG)) && clock_milliseconds() < until) {
		if (tick)
			tick(ctx);
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < PAUSE_MAX)
			pause.tv_nsec += pause.tv_nsec / 2;
	}
	if (ended)
		return true;
	if (kill(-pid, SIGKILL))
		kill(pid, SIGKILL);
	waitpid(pid, status, 0);
	return false;
}

void child_name_crash(int status, char *ret, size_t room)
{
	snprintf(ret, room, "crash-%d",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}
