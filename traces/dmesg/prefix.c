/* SPDX-License-Identifier: MIT */
/*
 * Prefix: see prefix.h.
 *
 * A line is quotes, blanks, prefixes, message.  Prefixes come in layers, outermost first, each by
 * whoever wrote the line down last: a terminal program, a log daemon, dmesg, the kernel.  So there
 * is one function a shape, each starting with the shape in a comment, and a loop that takes
 * whichever fits next.  The stamp of printk() is the innermost but for a caller, a vendor's word or
 * a second stamp.
 *
 * A function match_...() returns how many bytes it matched at its start, 0 for none.
 */
#include "traces/dmesg/prefix.h"

#include <string.h>

#define LAYERS_MAX 8
#define QUOTES_MAX 64
/* Longest host name or tag we look for, and longest bracketed date. */
#define WORD_MAX 80
#define DATE_MAX 64
/* Longest set of labels, and what a stamp inside a line may stand behind at the most. */
#define CARRIER_MAX 512

struct cursor {
	const char *p;
	const char *end;
};

static size_t left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool take(struct cursor *c, char ch)
{
	if (c->p == c->end || *c->p != ch)
		return false;
	c->p++;
	return true;
}

static bool take_text(struct cursor *c, const char *text)
{
	size_t len;

	/* Most differ at once. */
	if (c->p == c->end || *c->p != *text)
		return false;
	len = strlen(text);
	if (left(c) < len || memcmp(c->p, text, len))
		return false;
	c->p += len;
	return true;
}

static size_t take_blanks(struct cursor *c)
{
	const char *start = c->p;

	while (c->p < c->end && *c->p == ' ')
		c->p++;
	return (size_t)(c->p - start);
}

/* Takes @min to @max digits; more digits make it fail. */
static bool take_digits(struct cursor *c, unsigned int min, unsigned int max, uint64_t *ret)
{
	const char *p = c->p;
	uint64_t value = 0;
	unsigned int n = 0;

	for (; p < c->end && is_digit(*p); p++) {
		if (++n > max)
			return false;
		value = value * 10 + (uint64_t)(*p - '0');
	}
	if (n < min)
		return false;
	c->p = p;
	if (ret)
		*ret = value;
	return true;
}

static size_t matched(const struct cursor *c, const char *start)
{
	return (size_t)(c->p - start);
}

/* ---- Dates and clocks ---- */

/* 03:37:00  03:37:00.123  03:37:00,123456 */
static bool take_clock(struct cursor *c, bool *fraction_ret)
{
	uint64_t hour, minute, second;
	struct cursor rest;

	if (!take_digits(c, 1, 2, &hour) || !take(c, ':') || !take_digits(c, 2, 2, &minute) ||
	    !take(c, ':') || !take_digits(c, 2, 2, &second))
		return false;
	if (hour > 24 || minute > 59 || second > 60)
		return false;
	rest = *c;
	*fraction_ret = (take(&rest, '.') || take(&rest, ',')) && take_digits(&rest, 1, 9, NULL);
	if (*fraction_ret)
		*c = rest;
	return true;
}

static bool take_name_of(struct cursor *c, const char *names)
{
	size_t i;

	if (left(c) < 3)
		return false;
	for (i = 0; names[i]; i += 3) {
		if (!memcmp(c->p, names + i, 3)) {
			c->p += 3;
			return true;
		}
	}
	return false;
}

static bool take_month(struct cursor *c)
{
	return take_name_of(c, "JanFebMarAprMayJunJulAugSepOctNovDec");
}

static bool take_weekday(struct cursor *c)
{
	return take_name_of(c, "MonTueWedThuFriSatSun");
}

/* Nov 21 03:37:00   Nov  1 03:37:00.123456 */
static bool take_syslog_date(struct cursor *c)
{
	bool fraction;

	return take_month(c) && take_blanks(c) && take_digits(c, 1, 2, NULL) && take_blanks(c) &&
	       take_clock(c, &fraction);
}

/*
 * 2026-11-21T03:37:00  2026-11-21 03:37:00.123  2026-11-21T03:37:00,000000+00:00
 * *@exact_ret: the last, which dmesg alone writes.
 */
static bool take_iso_date(struct cursor *c, bool *exact_ret)
{
	bool fraction, zone;
	const char *start;
	struct cursor rest;

	if (!take_digits(c, 4, 4, NULL) || !take(c, '-') || !take_digits(c, 2, 2, NULL) ||
	    !take(c, '-') || !take_digits(c, 2, 2, NULL))
		return false;
	if (!take(c, 'T') && !take(c, ' ') && !take(c, '_'))
		return false;
	start = c->p;
	if (!take_clock(c, &fraction))
		return false;
	*exact_ret = fraction && memchr(start, ',', (size_t)(c->p - start));
	rest = *c;
	if (take(&rest, 'Z')) {
		zone = true;
	} else {
		zone = (take(&rest, '+') || take(&rest, '-')) && left(&rest) >= 4 &&
		       is_digit(rest.p[0]) && is_digit(rest.p[1]);
		if (zone) {
			rest.p += 2;
			take(&rest, ':');
			zone = take_digits(&rest, 2, 2, NULL);
		}
	}
	if (zone)
		*c = rest;
	*exact_ret = *exact_ret && zone;
	return true;
}

/*
 * [Sat Nov 21 03:37:00 2026]          dmesg -T, in any language
 * [Sat Nov 21 03:37:00 2026 <    0.000000>]          dmesg -T -d
 */
static size_t match_ctime_bracket(struct cursor c)
{
	const char *start = c.p, *close, *p;

	if (!take(&c, '[') || c.p == c.end || is_digit(*c.p) || *c.p == ' ')
		return 0;
	close = memchr(c.p, ']', left(&c) < DATE_MAX ? left(&c) : DATE_MAX);
	if (!close)
		return 0;
	/* The clock and the year after it tell; names of days and months are translated. */
	for (p = c.p; p + 13 <= close; p++) {
		struct cursor at = { p, close };
		bool fraction;

		if (p[-1] != ' ' || !is_digit(*p))
			continue;
		if (!take_clock(&at, &fraction) || !take(&at, ' ') || !take_digits(&at, 4, 4, NULL))
			continue;
		if (at.p == close || take_text(&at, " <"))
			return (size_t)(close + 1 - start);
	}
	return 0;
}

/*
 * [Nov21 03:37]  [  +0.000123]          dmesg -H, dmesg -e
 * [<    0.000123>]                      dmesg --time-format delta
 */
static size_t match_relative_bracket(struct cursor c)
{
	const char *start = c.p;
	struct cursor rest;

	if (!take(&c, '['))
		return 0;
	rest = c;
	if (take_month(&rest) && take_digits(&rest, 1, 2, NULL) && take(&rest, ' ') &&
	    take_digits(&rest, 2, 2, NULL) && take(&rest, ':') && take_digits(&rest, 2, 2, NULL) &&
	    take(&rest, ']'))
		return matched(&rest, start);
	rest = c;
	take_blanks(&rest);
	if (take(&rest, '+') && take_digits(&rest, 1, 9, NULL) && take(&rest, '.') &&
	    take_digits(&rest, 6, 6, NULL) && take(&rest, ']'))
		return matched(&rest, start);
	rest = c;
	if (take(&rest, '<') && (take_blanks(&rest), take_digits(&rest, 1, 9, NULL)) &&
	    take(&rest, '.') && take_digits(&rest, 6, 6, NULL) && take(&rest, '>') &&
	    take(&rest, ']'))
		return matched(&rest, start);
	return 0;
}

/*
 * Sat Nov 21 03:37:00 2026 kern.info kernel:     logread of OpenWrt
 * Sat 2026-11-21 03:37:00 UTC host kernel:       journalctl -o short-full
 * Nov 21 03:37:00 host kernel:                   syslog, journalctl -o short, short-precise
 * 2026-11-21T03:37:00+00:00 host kernel:         rsyslog, journalctl -o short-iso
 * 2026-11-21T03:37:00,000000+00:00               dmesg --time-format iso
 * 1795232220.123456 host kernel:                 journalctl -o short-unix
 * The date alone, and the blank behind it.
 */
static size_t match_date(struct cursor c, bool *exact_ret)
{
	const char *start = c.p;
	bool iso = false;
	struct cursor rest;

	*exact_ret = false;
	if (c.p == c.end)
		return 0;
	if (is_digit(*c.p)) {
		iso = take_iso_date(&c, exact_ret);
		if (!iso) {
			c.p = start;
			if (!take_digits(&c, 9, 11, NULL) || !take(&c, '.') ||
			    !take_digits(&c, 6, 6, NULL))
				return 0;
		}
	} else if (is_alpha(*c.p)) {
		rest = c;
		if (take_weekday(&rest) && take(&rest, ' ')) {
			c = rest;
			if (is_digit(*start) || (c.p < c.end && is_digit(*c.p))) {
				if (!take_iso_date(&c, exact_ret))
					return 0;
				rest = c;
				/* The zone's name. */
				if (take(&rest, ' ')) {
					const char *zone = rest.p;

					while (rest.p < rest.end &&
					       (is_alpha(*rest.p) || is_digit(*rest.p) ||
						*rest.p == '+' || *rest.p == '-'))
						rest.p++;
					if (rest.p > zone && rest.p - zone <= 6)
						c = rest;
				}
			} else if (!take_syslog_date(&c)) {
				return 0;
			}
			rest = c;
			if (take(&rest, ' ') && take_digits(&rest, 4, 4, NULL))
				c = rest;
		} else if (!take_syslog_date(&c)) {
			return 0;
		}
	} else {
		return 0;
	}
	return take(&c, ' ') ? matched(&c, start) : 0;
}

/*
 * 10:00:00.123   [10:00:00.123]   [2021-01-01 10:00:00]   (2021-01-01 10:00:00)
 * [1.234567 0.000123]             grabserial
 * What terminal programs put before each line; all weak.
 */
static size_t match_terminal_clock(struct cursor c)
{
	const char *start = c.p;
	char close = 0;
	bool unused;
	struct cursor rest;

	if (take(&c, '['))
		close = ']';
	else if (take(&c, '('))
		close = ')';
	rest = c;
	if (take_iso_date(&rest, &unused)) {
		c = rest;
	} else {
		rest = c;
		if (take_clock(&rest, &unused)) {
			c = rest;
		} else if (close == ']') {
			if (!take_digits(&c, 1, 9, NULL) || !take(&c, '.') ||
			    !take_digits(&c, 6, 6, NULL) || !take(&c, ' ') ||
			    !take_digits(&c, 1, 9, NULL) || !take(&c, '.') ||
			    !take_digits(&c, 6, 6, NULL))
				return 0;
		} else {
			return 0;
		}
	}
	if (close && !take(&c, close))
		return 0;
	if (!close)
		return take(&c, ' ') || take(&c, '\t') ? matched(&c, start) : 0;
	take(&c, ' ');
	return matched(&c, start);
}

static size_t word_len(const struct cursor *c)
{
	const char *p = c->p;

	while (p < c->end && *p != ' ' && *p != '\t' && p - c->p <= WORD_MAX)
		p++;
	return p - c->p <= WORD_MAX ? (size_t)(p - c->p) : 0;
}

/*
 * guest-1  | 			docker compose logs
 * stdout F 			files of a container run-time; P: a part of a long line
 * [pod/NAME/CONTAINER] 	kubectl logs --prefix
 * {app="kernel", host="x"} 	Loki
 * 01O 				GitLab: the job's stream
 * What log collectors put before each line, before or behind their date; all weak.
 */
static size_t match_carrier(struct cursor c)
{
	const char *start = c.p, *close;
	size_t len = word_len(&c);
	struct cursor rest = c;

	if (take_text(&rest, "stdout F ") || take_text(&rest, "stderr F ") ||
	    take_text(&rest, "stdout P ") || take_text(&rest, "stderr P "))
		return matched(&rest, start);
	rest = c;
	if (take(&rest, '[')) {
		close = memchr(rest.p, ']', left(&rest) < CARRIER_MAX ? left(&rest) : CARRIER_MAX);
		if (!close || !memchr(rest.p, '/', (size_t)(close - rest.p)) ||
		    memchr(rest.p, ' ', (size_t)(close - rest.p)))
			return 0;
		rest.p = close + 1;
		return take(&rest, ' ') ? matched(&rest, start) : 0;
	}
	if (take(&rest, '{')) {
		close = memchr(rest.p, '}', left(&rest) < CARRIER_MAX ? left(&rest) : CARRIER_MAX);
		if (!close || (close > rest.p && !memchr(rest.p, '=', (size_t)(close - rest.p))))
			return 0;
		rest.p = close + 1;
		return take(&rest, ' ') ? matched(&rest, start) : 0;
	}
	if (len == 3 && is_digit(c.p[0]) && is_digit(c.p[1]) && (c.p[2] == 'O' || c.p[2] == 'E')) {
		rest.p += len;
		return take(&rest, ' ') ? matched(&rest, start) : 0;
	}
	rest.p += len;
	if (!len || *start == '|' || !take_blanks(&rest) || !take(&rest, '|'))
		return 0;
	return rest.p == rest.end || take(&rest, ' ') ? matched(&rest, start) : 0;
}

/* ---- Levels and tags ---- */

/* The position of the word [@p, @p + @len) in a list of words between blanks; -1: none. */
static int16_t find_word(const char *list, const char *p, size_t len)
{
	int16_t i;

	for (i = 0; *list; i++) {
		size_t n = strcspn(list, " ");

		if (n == len && !memcmp(list, p, n))
			return i;
		list += n + (list[n] == ' ');
	}
	return -1;
}

static int16_t facility_named(const char *p, size_t len)
{
	return find_word("kern user mail daemon auth syslog lpr news uucp cron authpriv ftp", p,
			 len);
}

static int16_t level_named(const char *p, size_t len)
{
	int16_t level = !len ? -1
			     : find_word("emerg alert crit err warn notice info debug", p, len);

	if (level < 0 && len == 7 && !memcmp(p, "warning", 7))
		level = 4;
	return level;
}

/* <6>   <30> */
static size_t match_level(struct cursor c, struct prefix *ret)
{
	const char *start = c.p;
	uint64_t value;

	if (!take(&c, '<') || !take_digits(&c, 1, 3, &value) || !take(&c, '>') || value > 191)
		return 0;
	ret->level = (int16_t)(value & 7);
	ret->facility = (int16_t)(value >> 3);
	return matched(&c, start);
}

/* "kern  :info  : "          dmesg -x */
static size_t match_decoded_level(struct cursor c, struct prefix *ret)
{
	const char *start = c.p, *facility_end, *word;
	int16_t facility, level;

	while (c.p < c.end && is_alpha(*c.p) && c.p - start < 10)
		c.p++;
	facility_end = c.p;
	take_blanks(&c);
	if (!take(&c, ':'))
		return 0;
	for (word = c.p; c.p < c.end && is_alpha(*c.p) && c.p - word < 10; c.p++)
		;
	level = level_named(word, matched(&c, word));
	take_blanks(&c);
	if (level < 0 || !take(&c, ':') || !take(&c, ' '))
		return 0;
	facility = facility_named(start, (size_t)(facility_end - start));
	if (facility < 0)
		return 0;
	ret->facility = facility;
	ret->level = level;
	return matched(&c, start);
}

/* kernel:   kernel[0]:   systemd[1]:   CRON[77]:  sudo: ; *@kernel_ret tells the first two. */
static bool is_tag(const char *p, size_t len, bool *kernel_ret)
{
	size_t name;

	if (len < 2 || p[len - 1] != ':')
		return false;
	len--;
	name = len;
	if (p[len - 1] == ']') {
		name--;
		while (name && is_digit(p[name - 1]))
			name--;
		if (!name || p[name - 1] != '[')
			return false;
		name--;
	}
	if (!name)
		return false;
	*kernel_ret = name == 6 && !memcmp(p, "kernel", 6);
	return true;
}

/*
 * After a date:
 *	kernel: 	host kernel: 		host kern.info kernel: 	kern.info kernel:
 *	host systemd[1]:
 * Up to two words and a tag.
 */
static size_t match_tag(struct cursor c, bool *kernel_ret, struct prefix *ret)
{
	const char *start = c.p;
	int words;

	for (words = 0; words < 3; words++) {
		size_t len = word_len(&c);
		const char *dot;

		if (!len)
			return 0;
		if (is_tag(c.p, len, kernel_ret)) {
			c.p += len;
			/* A message may be empty and its blank gone. */
			if (c.p < c.end && !take(&c, ' '))
				return 0;
			return matched(&c, start);
		}
		dot = memchr(c.p, '.', len);
		if (dot) {
			size_t head = (size_t)(dot - c.p);
			int16_t facility = facility_named(c.p, head);
			int16_t level = level_named(dot + 1, len - head - 1);

			if (facility >= 0 && level >= 0) {
				ret->facility = facility;
				ret->level = level;
			}
		}
		c.p += len;
		if (!take_blanks(&c))
			return 0;
	}
	return 0;
}

/* ---- The kernel's own ---- */

/* 6,339,5140900,-;   6,339,5140900,-,caller=T1;          /dev/kmsg */
static size_t match_kmsg(struct cursor c, struct prefix *ret)
{
	const char *start = c.p;
	uint64_t value, usec;

	if (!take_digits(&c, 1, 4, &value) || !take(&c, ',') || !take_digits(&c, 1, 19, NULL) ||
	    !take(&c, ',') || !take_digits(&c, 1, 16, &usec) || !take(&c, ','))
		return 0;
	if (c.p == c.end || !(*c.p == '-' || *c.p == 'c' || *c.p == '+'))
		return 0;
	c.p++;
	if (take_text(&c, ",caller=") && left(&c) > 1 && (*c.p == 'T' || *c.p == 'C')) {
		char kind = *c.p++;
		uint64_t id;

		if (take_digits(&c, 1, 9, &id)) {
			ret->caller_kind = kind;
			ret->caller = (uint32_t)id;
		}
	}
	/* Fields to come. */
	while (c.p < c.end && *c.p != ';' && *c.p != ' ' && c.p - start < (ptrdiff_t)WORD_MAX * 2)
		c.p++;
	if (!take(&c, ';'))
		return 0;
	ret->level = (int16_t)(value & 7);
	ret->facility = (int16_t)(value >> 3);
	ret->has_time = true;
	ret->time_ns = usec * 1000;
	return matched(&c, start);
}

/*
 * [    0.000000]          printk(): "[%5lu.%06lu]"
 * [    0.000000@0]        Amlogic: the CPU
 * [    0.000000s]         Huawei
 * [    0.000000 / 01-01 00:00:00.000]          LG
 * [    0.000000 <    0.000000>]                dmesg -d
 * The brackets alone.
 */
static size_t match_stamp(struct cursor c, uint64_t *time_ret)
{
	const char *start = c.p, *close;
	uint64_t sec, usec;

	if (!take(&c, '['))
		return 0;
	take_blanks(&c);
	if (!take_digits(&c, 1, 10, &sec) || !take(&c, '.') || !take_digits(&c, 6, 6, &usec))
		return 0;
	if (c.p < c.end && *c.p == '@') {
		c.p++;
		if (!take_digits(&c, 1, 4, NULL))
			return 0;
	} else if (c.p < c.end && *c.p == 's') {
		c.p++;
	} else if (take_text(&c, " / ") || take_text(&c, " <")) {
		close = memchr(c.p, ']', left(&c) < DATE_MAX ? left(&c) : DATE_MAX);
		if (!close)
			return 0;
		c.p = close;
	}
	if (!take(&c, ']'))
		return 0;
	*time_ret = (sec * 1000000 + usec) * 1000;
	return matched(&c, start);
}

/* [    T0]   [   C12]          CONFIG_PRINTK_CALLER */
static size_t match_caller(struct cursor c, struct prefix *ret)
{
	const char *start = c.p;
	uint64_t id;
	char kind;

	if (!take(&c, '['))
		return 0;
	take_blanks(&c);
	if (left(&c) < 3 || (*c.p != 'T' && *c.p != 'C'))
		return 0;
	kind = *c.p++;
	if (!take_digits(&c, 1, 9, &id))
		return 0;
	if (take(&c, '@') && !take_digits(&c, 1, 4, NULL))
		return 0;
	if (!take(&c, ']'))
		return 0;
	ret->caller_kind = kind;
	ret->caller = (uint32_t)id;
	return matched(&c, start);
}

/* comm and pid, up to the closing character: "swapper]", "      swapper:    0]" */
static bool take_task(struct cursor *c)
{
	const char *start = c->p;
	const char *close = memchr(c->p, ']', left(c) < 48 ? left(c) : 48);

	if (!close || close == start)
		return false;
	c->p = close + 1;
	return true;
}

/*
 *	(0)[0:swapper/0]	-(1)[1:swapper/1]	<0>.(0)[0:swapper]	MediaTek
 *	[0:      swapper:    0]	I[1:      swapper:    1]			Samsung
 *	[pid:1,cpu0,swapper/0]							Huawei
 *	(CPU:0-pid:0:swapper)							LG
 *	c0	c0      0							Spreadtrum
 * Written by vendors' kernels between stamp and message.  The last could be a word of a message, and
 * is only taken if most lines have it.  *@blank_ret: a blank separates the message.
 */
static size_t match_vendor(struct cursor c, const struct prefix_shape *shape, struct prefix *ret,
			   bool *blank_ret)
{
	const char *start = c.p;
	struct cursor rest;

	*blank_ret = true;
	take_blanks(&c);
	if (c.p == c.end)
		return 0;
	rest = c;
	if (take_text(&rest, "[pid:") && is_digit(rest.p < rest.end ? *rest.p : ' ') &&
	    take_task(&rest)) {
		*blank_ret = false;
		return matched(&rest, start);
	}
	if (take_text(&rest, "(CPU:") && is_digit(rest.p < rest.end ? *rest.p : ' ')) {
		const char *close = memchr(rest.p, ')', left(&rest) < 48 ? left(&rest) : 48);

		if (close) {
			rest.p = close + 1;
			return matched(&rest, start);
		}
	}
	rest = c;
	if (take(&rest, '<') && take_digits(&rest, 1, 1, NULL) && take(&rest, '>'))
		c = rest;
	rest = c;
	if (!take(&rest, '.') && !take(&rest, '-'))
		take(&rest, ' ');
	if (take(&rest, '(') && take_digits(&rest, 1, 2, NULL) && take(&rest, ')') &&
	    take(&rest, '[') && take_digits(&rest, 1, 7, NULL) && take(&rest, ':') &&
	    take_task(&rest)) {
		*blank_ret = false;
		return matched(&rest, start);
	}
	rest = c;
	if (rest.p < rest.end && *rest.p >= 'A' && *rest.p <= 'Z')
		rest.p++;
	if (take(&rest, '[') && take_digits(&rest, 1, 2, NULL) && take(&rest, ':')) {
		const char *task = rest.p, *p;

		if (take_task(&rest)) {
			/* It ends in ":    0]". */
			p = rest.p - 1;
			while (p > task && is_digit(p[-1]))
				p--;
			if (p < rest.p - 1) {
				while (p > task && p[-1] == ' ')
					p--;
				if (p > task + 1 && p[-1] == ':')
					return matched(&rest, start);
			}
		}
	}
	rest = c;
	if ((shape->permissive || shape->cpu_word) && take(&rest, 'c') &&
	    take_digits(&rest, 1, 2, NULL) && rest.p < rest.end && *rest.p == ' ') {
		struct cursor more = rest;

		/* "c0      0 ": the process too. */
		if (take_blanks(&more) > 1 && take_digits(&more, 1, 7, NULL) && more.p < more.end &&
		    *more.p == ' ')
			rest = more;
		ret->parts |= PREFIX_CPU_WORD;
		return matched(&rest, start);
	}
	return 0;
}

/* The stamp with everything that belongs to it, and the one blank before the message. */
static size_t match_printk(struct cursor c, const struct prefix_shape *shape, struct prefix *ret)
{
	const char *start = c.p;
	uint64_t time_ns;
	struct cursor rest;
	bool blank;
	size_t n;

	n = match_stamp(c, &time_ns);
	if (!n)
		return 0;
	c.p += n;
	ret->has_time = true;
	ret->time_ns = time_ns;
	ret->parts |= PREFIX_STAMP;

	rest = c;
	n = match_caller(rest, ret);
	if (!n && take(&rest, ' '))
		n = match_caller(rest, ret);
	if (n) {
		c = rest;
		c.p += n;
	}
	n = match_vendor(c, shape, ret, &blank);
	c.p += n;
	if (blank)
		take(&c, ' ');
	return matched(&c, start);
}

/*
 * -- Journal begins at ...   -- Logs begin at ...   -- Boot 0123abcd --   -- Reboot --
 * -- No entries --
 */
static unsigned int match_journal_note(struct cursor c)
{
	const char *end = c.end;

	while (end > c.p && end[-1] == ' ')
		end--;
	if (end - c.p < 8 || memcmp(end - 3, " --", 3) || !take_text(&c, "-- "))
		return 0;
	if (take_text(&c, "Boot ") || take_text(&c, "Reboot"))
		return PREFIX_NOTE | PREFIX_REBOOT;
	if (take_text(&c, "Journal ") || take_text(&c, "Logs ") || take_text(&c, "No entries"))
		return PREFIX_NOTE;
	return 0;
}

/* " SUBSYSTEM=pci"          after a record of /dev/kmsg */
static bool is_dictionary_line(struct cursor c)
{
	const char *start;

	if (!take(&c, ' '))
		return false;
	start = c.p;
	while (c.p < c.end && ((*c.p >= 'A' && *c.p <= 'Z') || is_digit(*c.p) || *c.p == '_'))
		c.p++;
	return c.p > start && take(&c, '=');
}

/* ---- One line ---- */

/*
 * A date, and the tag that may follow it.  Says whether the line is the kernel's, and returns 0
 * if that cannot be told.
 */
static size_t match_dated(struct cursor c, const struct prefix_shape *shape, struct prefix *ret)
{
	const char *start = c.p;
	bool kernel = false, exact;
	uint64_t time_ns;
	size_t n;

	n = match_date(c, &exact);
	if (!n)
		return 0;
	c.p += n;
	if (exact) {
		ret->parts |= PREFIX_STRONG;
		return matched(&c, start);
	}
	n = match_tag(c, &kernel, ret);
	if (n) {
		c.p += n;
		if (kernel) {
			ret->parts |= PREFIX_STRONG | PREFIX_TAG;
			return matched(&c, start);
		}
		/* "logger -t boot < dmesg.txt": the tag is not "kernel", the line is. */
		if (match_stamp(c, &time_ns)) {
			ret->parts |= PREFIX_STRONG;
			return matched(&c, start);
		}
		if (shape->tagged)
			ret->parts |= PREFIX_OTHER;
	}
	return 0;
}

/* journalctl -o short-monotonic: "[    0.000000] host kernel: " */
static size_t match_host(struct cursor c, const struct prefix_shape *shape, struct prefix *ret)
{
	const char *start = c.p;
	size_t len = word_len(&c);
	bool kernel = false;
	struct cursor rest = c;

	if (!len || len >= PREFIX_HOST_MAX)
		return 0;
	if (!shape->permissive && (strlen(shape->host) != len || memcmp(shape->host, c.p, len)))
		return 0;
	rest.p += len;
	if (!take(&rest, ' '))
		return 0;
	len = word_len(&rest);
	if (!len || !is_tag(rest.p, len, &kernel))
		return 0;
	if (!kernel) {
		if (!shape->permissive)
			ret->parts |= PREFIX_OTHER;
		return 0;
	}
	ret->host = start;
	ret->host_len = (size_t)(rest.p - 1 - start);
	ret->parts |= PREFIX_HOST | PREFIX_TAG;
	rest.p += len;
	take(&rest, ' ');
	return matched(&rest, start);
}

static size_t match_layers(struct cursor c, const struct prefix_shape *shape, struct prefix *ret);

/* Is a strong prefix behind the weak one of @n bytes?  Marks it as taken: no second is sought. */
static bool strong_follows(struct cursor c, size_t n, const struct prefix_shape *shape,
			   unsigned int taken)
{
	struct prefix inner = { .parts = taken };

	c.p += n;
	take_blanks(&c);
	match_layers(c, shape, &inner);
	return inner.parts & PREFIX_STRONG;
}

/* All prefixes at @c but quotes. */
static size_t match_layers(struct cursor c, const struct prefix_shape *shape, struct prefix *ret)
{
	const char *start = c.p;
	int layer;

	for (layer = 0; layer < LAYERS_MAX && c.p < c.end; layer++) {
		bool stamped = ret->parts & PREFIX_STAMP;
		struct cursor rest;
		size_t n = 0;

		switch (*c.p) {
		case '<':
			n = match_level(c, ret);
			if (n)
				ret->parts |= PREFIX_STRONG | PREFIX_LEVEL;
			break;
		case '[':
			n = match_printk(c, shape, ret);
			if (!n && !stamped) {
				n = match_ctime_bracket(c);
				if (!n)
					n = match_relative_bracket(c);
				if (n && c.p + n < c.end && c.p[n] == ' ')
					n++;
			}
			if (n) {
				ret->parts |= PREFIX_STRONG;
				/* A caller can follow every kind of stamp. */
				rest = c;
				rest.p += n;
				if (!ret->caller_kind) {
					size_t more = match_caller(rest, ret);

					rest.p += more;
					if (more)
						take(&rest, ' ');
					n = matched(&rest, c.p);
				}
			}
			break;
		default:
			if (stamped)
				break;
			if (is_digit(*c.p))
				n = match_kmsg(c, ret);
			if (n) {
				ret->parts |= PREFIX_STRONG | PREFIX_KMSG;
				break;
			}
			n = match_dated(c, shape, ret);
			if (ret->parts & PREFIX_OTHER)
				return 0;
			if (!n && is_alpha(*c.p)) {
				n = match_decoded_level(c, ret);
				if (n)
					ret->parts |= PREFIX_STRONG | PREFIX_LEVEL;
			}
		}
		if (!n && stamped && (shape->permissive || shape->host[0])) {
			n = match_host(c, shape, ret);
			if (ret->parts & PREFIX_OTHER)
				return 0;
		}
		if (!n && !(ret->parts & (PREFIX_STRONG | PREFIX_CLOCK))) {
			n = match_terminal_clock(c);
			if (n && !shape->permissive && !shape->clocked &&
			    !strong_follows(c, n, shape, ret->parts | PREFIX_CLOCK))
				n = 0;
			if (n)
				ret->parts |= PREFIX_CLOCK;
		}
		if (!n && !(ret->parts & (PREFIX_STRONG | PREFIX_CARRIER))) {
			n = match_carrier(c);
			if (n && !shape->permissive && !shape->carried &&
			    !strong_follows(c, n, shape, ret->parts | PREFIX_CARRIER))
				n = 0;
			if (n)
				ret->parts |= PREFIX_CARRIER;
		}
		if (!n)
			break;
		c.p += n;
		/* Indented stamps: "10:00:00.123   [    0.000000] ". */
		if (ret->parts & PREFIX_CLOCK && !(ret->parts & PREFIX_STRONG)) {
			rest = c;
			if (take_blanks(&rest) && rest.p < rest.end && *rest.p == '[')
				c = rest;
		}
		/* After a record's header comes the message and nothing else. */
		if (ret->parts & PREFIX_KMSG)
			break;
	}
	return matched(&c, start);
}

/* "> "  ">> "  "> > "  "| "  "> | "          Returns how much of the line is marks. */
static size_t match_quotes(struct cursor c)
{
	const char *start = c.p;
	int n = 0;

	for (;;) {
		struct cursor rest = c;

		/* Some mail programs indent a quote. */
		if (!n)
			take_blanks(&rest);
		if (n++ == QUOTES_MAX || (!take(&rest, '>') && !take(&rest, '|')))
			break;
		take(&rest, ' ');
		c = rest;
	}
	return matched(&c, start);
}

static void skip_blanks_before_prefix(struct cursor *c, const struct prefix_shape *shape,
				      struct prefix *ret)
{
	struct cursor rest = *c;
	struct prefix inner = *ret;
	size_t n;

	while (rest.p < rest.end && (*rest.p == ' ' || *rest.p == '\t'))
		rest.p++;
	if (rest.p == c->p || rest.p == rest.end)
		return;
	n = match_layers(rest, shape, &inner);
	if (!(inner.parts & PREFIX_STRONG))
		return;
	*ret = inner;
	c->p = rest.p + n;
}

/* Words before a stamp that we do not know, in a file where most lines have some. */
static void skip_to_stamp(struct cursor *c, const char *line, const struct prefix_shape *shape,
			  struct prefix *ret)
{
	size_t len = (size_t)(c->end - line), most = len < CARRIER_MAX ? len : CARRIER_MAX;
	size_t at = prefix_find_stamp(line, most, matched(c, line));
	struct cursor stamp = { line + at, c->end };

	if (at == most)
		return;
	if (shape->permissive) {
		ret->parts |= PREFIX_INSIDE;
		return;
	}
	stamp.p += match_layers(stamp, shape, ret);
	*c = stamp;
}

void prefix_parse(const char *line, size_t len, const struct prefix_shape *shape,
		  struct prefix *ret)
{
	struct cursor c = { line, line + len };
	size_t quotes;

	*ret = (struct prefix){ .level = -1, .facility = -1 };
	if (!len)
		return;
	if (shape->kmsg && is_dictionary_line(c)) {
		ret->parts = PREFIX_NOTE;
		return;
	}
	if (*line == '-') {
		ret->parts = match_journal_note(c);
		if (ret->parts)
			return;
	}

	c.p += match_layers(c, shape, ret);
	if (c.p == line && !(ret->parts & PREFIX_OTHER)) {
		quotes = match_quotes(c);
		if (quotes) {
			struct cursor inside = { line + quotes, line + len };
			struct prefix inner = *ret;

			inside.p += match_layers(inside, shape, &inner);
			if (!(inner.parts & PREFIX_STRONG))
				skip_blanks_before_prefix(&inside, shape, &inner);
			/* "|" alone may be a table the kernel draws. */
			if (inner.parts & PREFIX_STRONG ||
			    (memchr(line, '>', quotes) && (shape->quoted || shape->permissive))) {
				inner.parts |= PREFIX_QUOTE;
				inner.quote_len = quotes;
				*ret = inner;
				c = inside;
			}
		} else if (*line == ' ' || *line == '\t') {
			skip_blanks_before_prefix(&c, shape, ret);
		}
	}
	if (!(ret->parts & (PREFIX_STRONG | PREFIX_OTHER)) &&
	    (shape->permissive || shape->stamped_inside))
		skip_to_stamp(&c, line, shape, ret);
	ret->len = matched(&c, line);
}

size_t prefix_find_stamp(const char *line, size_t len, size_t from)
{
	const char *end = line + len, *p = line + from;

	while (end - p >= 14 && (p = memchr(p, '[', (size_t)(end - p - 13)))) {
		struct cursor c = { p, end };
		const char *dot = p + 1;
		uint64_t time_ns;
		size_t n;

		/* As printk() writes it: five places or more before the point. */
		while (dot < end && (*dot == ' ' || is_digit(*dot)))
			dot++;
		n = dot - p >= 6 ? match_stamp(c, &time_ns) : 0;
		if (n && (p + n == end || p[n] == ' ' || p[n] == '[')) {
			/* The level belongs to it. */
			if (p - line >= (ptrdiff_t)from + 3 && p[-1] == '>' && is_digit(p[-2]) &&
			    p[-3] == '<')
				p -= 3;
			return (size_t)(p - line);
		}
		p++;
	}
	return len;
}

/* ---- Many lines ---- */

void prefix_census_add(struct prefix_census *census, const struct prefix *prefix)
{
	census->lines++;
	census->strong += (prefix->parts & PREFIX_STRONG) != 0;
	census->stamps += (prefix->parts & PREFIX_STAMP) != 0;
	census->tags += (prefix->parts & PREFIX_TAG) && !(prefix->parts & PREFIX_HOST);
	census->kmsg += (prefix->parts & PREFIX_KMSG) != 0;
	census->quotes += (prefix->parts & PREFIX_QUOTE) != 0;
	census->clocks += (prefix->parts & PREFIX_CLOCK) != 0;
	census->carriers += (prefix->parts & PREFIX_CARRIER) != 0;
	census->inside += (prefix->parts & PREFIX_INSIDE) != 0;
	census->cpu_words += (prefix->parts & PREFIX_CPU_WORD) != 0;
	if (prefix->parts & PREFIX_HOST) {
		/* The first host counts; a later line with another may be a message. */
		if (!census->hosts) {
			memcpy(census->host, prefix->host, prefix->host_len);
			census->host[prefix->host_len] = '\0';
		}
		census->hosts += strlen(census->host) == prefix->host_len &&
				 !memcmp(census->host, prefix->host, prefix->host_len);
	}
}

void prefix_shape_init(struct prefix_shape *shape, const struct prefix_census *census)
{
	*shape = (struct prefix_shape){
		.strong = census->strong > 2,
		.stamped = census->stamps > 2,
		.mostly_strong = census->strong * 2 > census->lines,
		.quoted = census->quotes * 2 > census->lines,
		.clocked = census->clocks * 2 > census->lines,
		.cpu_word = census->cpu_words * 2 > census->stamps,
		.tagged = census->tags > 0,
		.kmsg = census->kmsg > 0,
		.carried = census->carriers * 2 > census->lines,
		.stamped_inside = census->inside * 2 > census->lines,
	};
	/* Lines of other programs are stamped as well. */
	if (census->hosts > 2 && census->hosts * 4 > census->stamps)
		memcpy(shape->host, census->host, sizeof(shape->host));
}
