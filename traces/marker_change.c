/* SPDX-License-Identifier: MIT */
#include "traces/marker_change.h"

#include <string.h>

/* A word of the text. */
struct word {
	const char *at;
	size_t len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* The next word at *@text, which moves behind it; a '>' is one by itself.  Empty: there is none. */
static struct word next_word(const char **text)
{
	struct word w;

	while (is_blank(**text))
		++*text;
	w.at = *text;
	if (**text == '>')
		++*text;
	else
		while (**text && **text != '>' && !is_blank(**text))
			++*text;
	w.len = (size_t)(*text - w.at);
	return w;
}

static bool is(const struct word *w, const char *text)
{
	return w->len == strlen(text) && !memcmp(w->at, text, w->len);
}

/* Is [@at, @end) a decimal number that 32 bits hold? */
static bool read_number(const char *at, const char *end, uint64_t *ret)
{
	uint64_t n = 0;

	if (at == end)
		return false;
	for (; at < end; at++) {
		if (*at < '0' || *at > '9')
			return false;
		n = n * 10 + (uint64_t)(*at - '0');
		if (n > UINT32_MAX)
			return false;
	}
	*ret = n;
	return true;
}

/* Is @w @before, a number, and @after?  The number in *@ret. */
static bool read_numbered(const struct word *w, const char *before, const char *after,
			  uint64_t *ret)
{
	size_t first = strlen(before), last = strlen(after);

	return w->len > first + last && !memcmp(w->at, before, first) &&
	       !memcmp(w->at + w->len - last, after, last) &&
	       read_number(w->at + first, w->at + w->len - last, ret);
}

static bool read_cpu(const struct word *value, const struct word *file, struct replay_change *ret)
{
	uint64_t cpu;

	if (!read_numbered(file, "/sys/devices/system/cpu/cpu", "/online", &cpu) ||
	    (!is(value, "0") && !is(value, "1")))
		return false;
	*ret = (struct replay_change){ is(value, "1") ? REPLAY_CPU_UP : REPLAY_CPU_DOWN, cpu, 0 };
	return true;
}

static bool read_memory(const struct word *value, const struct word *file,
			struct replay_change *ret)
{
	uint64_t block;

	if (read_numbered(file, "/sys/devices/system/memory/memory", "/state", &block)) {
		if (!is(value, "offline") && !is(value, "online"))
			return false;
		*ret = (struct replay_change){ is(value, "online") ? REPLAY_MEMORY_ONLINE
								   : REPLAY_MEMORY_OFFLINE,
					       block, 0 };
		return true;
	}
	if (!read_numbered(file, "/sys/devices/system/memory/memory", "/online", &block) ||
	    (!is(value, "0") && !is(value, "1")))
		return false;
	*ret = (struct replay_change){ is(value, "1") ? REPLAY_MEMORY_ONLINE
						      : REPLAY_MEMORY_OFFLINE,
				       block, 0 };
	return true;
}

static bool read_sysctl(const struct word *value, const struct word *file,
			struct replay_change *ret)
{
	static const char dir[] = "/proc/sys/vm/";
	const size_t len = sizeof(dir) - 1;
	enum sysctl which;
	uint64_t n;

	if (file->len < len || memcmp(file->at, dir, len) != 0)
		return false;
	which = sysctl_find(file->at + len, file->len - len);
	if (which == SYSCTL_COUNT || !read_number(value->at, value->at + value->len, &n))
		return false;
	*ret = (struct replay_change){ REPLAY_SYSCTL, n, which };
	return true;
}

bool marker_change_read(const char *text, struct replay_change *ret)
{
	struct word w = next_word(&text), value, arrow, file;

	if (is(&w, "WORK"))
		w = next_word(&text);
	if (!is(&w, "echo"))
		return false;
	value = next_word(&text);
	arrow = next_word(&text);
	file = next_word(&text);
	w = next_word(&text);
	return value.len && is(&arrow, ">") && !w.len &&
	       (read_cpu(&value, &file, ret) || read_memory(&value, &file, ret) ||
		read_sysctl(&value, &file, ret));
}

void marker_change_replay(struct replay *r, const struct event *e, const char *text)
{
	struct replay_change change;

	replay_event(r, e);
	if (e->kind == EVENT_MARKER && marker_change_read(text, &change))
		replay_change(r, &change);
}
