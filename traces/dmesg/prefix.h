/* SPDX-License-Identifier: MIT */
/*
 * Prefix: what stands before a message on its line.
 *
 * The middle step of text.h, private to it.  Three kinds are kept apart:
 *   a strong prefix is the kernel's or its log daemon's beyond doubt ("[    0.000000] ",
 *     "Nov 21 03:37:00 host kernel: ") and is removed wherever it stands;
 *   a weak prefix may be part of a message ("10:00:00 ", "> ") and is removed if a strong one
 *     follows or if most lines of the file have it;
 *   another program's tag makes the line none of the kernel's, in a file with lines of both.
 */
#ifndef TRACES_DMESG_PREFIX_H
#define TRACES_DMESG_PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PREFIX_HOST_MAX 64

/* What the lines of one file have in common; see prefix_shape_init(). */
struct prefix_shape {
	/* Take every weak prefix: for counting. */
	bool permissive;
	/* Some lines have a strong prefix, or the stamp of printk() (more than two, that is). */
	bool strong;
	bool stamped;
	/* Most lines have a strong prefix. */
	bool mostly_strong;
	/* Most lines are quoted, begin with a clock, have " c0 " after the stamp. */
	bool quoted;
	bool clocked;
	bool cpu_word;
	/* Some lines are tagged "kernel:". */
	bool tagged;
	/* Some lines are records of /dev/kmsg. */
	bool kmsg;
	/* Most lines have what a container's log is carried in; a stamp that is not at their start. */
	bool carried;
	bool stamped_inside;
	/* journalctl -o short-monotonic: the host's name stands after the stamp.  Else "". */
	char host[PREFIX_HOST_MAX];
};

enum prefix_part {
	PREFIX_STRONG = 1 << 0,
	PREFIX_STAMP = 1 << 1,
	PREFIX_LEVEL = 1 << 2,
	PREFIX_TAG = 1 << 3, /* "kernel:" */
	PREFIX_KMSG = 1 << 4,
	PREFIX_QUOTE = 1 << 5,
	PREFIX_CLOCK = 1 << 6, /* a weak one: a terminal program's clock */
	PREFIX_CPU_WORD = 1 << 7,
	PREFIX_HOST = 1 << 8, /* "host kernel:" after a stamp */
	PREFIX_OTHER = 1 << 9, /* another program's line */
	PREFIX_NOTE = 1 << 10, /* no message at all: " KEY=value", "-- Journal begins ..." */
	PREFIX_REBOOT = 1 << 11, /* a note that says a new boot follows */
	PREFIX_CARRIER = 1 << 12, /* a weak one: a container's name, stream or labels */
	PREFIX_INSIDE = 1 << 13, /* for counting: no strong one, but a stamp later in the line */
};

struct prefix {
	/* Where the message starts. */
	size_t len;
	/* enum prefix_part */
	unsigned int parts;
	/* Where the text starts once mail quotes are off. */
	size_t quote_len;
	int16_t level;
	int16_t facility;
	char caller_kind;
	uint32_t caller;
	bool has_time;
	uint64_t time_ns;
	/* The word before "kernel:" after a stamp, for PREFIX_HOST; points into the line. */
	const char *host;
	size_t host_len;
};

/* Takes the prefix of one line apart.  Takes time linear in its own length. */
void prefix_parse(const char *line, size_t len, const struct prefix_shape *shape,
		  struct prefix *ret);

/*
 * Finds a stamp in the middle of a line, at @from or later: where another message cuts in.  Returns
 * its offset, with a "<6>" before it, or @len.
 */
size_t prefix_find_stamp(const char *line, size_t len, size_t from);

/* Counts over a sample of lines. */
struct prefix_census {
	size_t lines;
	size_t strong;
	size_t stamps;
	size_t tags;
	size_t kmsg;
	size_t quotes;
	size_t clocks;
	size_t cpu_words;
	size_t carriers;
	size_t inside;
	size_t hosts;
	char host[PREFIX_HOST_MAX];
};

/* Counts a line whose prefix was parsed with a permissive shape. */
void prefix_census_add(struct prefix_census *census, const struct prefix *prefix);
void prefix_shape_init(struct prefix_shape *shape, const struct prefix_census *census);

#endif
