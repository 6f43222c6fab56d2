/* SPDX-License-Identifier: MIT */
/*
 * Facts: every kernel behaviour that changed over time, by name.
 *
 * facts.def is the one list: a fact has a name, a kind, one sentence of meaning and a history, each
 * entry of which says from which version on it holds which value and cites the commit.  A kernel
 * version is nothing but a row of fact values.  Code asks for facts and never for versions, because
 * stable and distribution kernels carry facts across versions; any fact can be overridden by name.
 */
#ifndef ENGINE_FACTS_H
#define ENGINE_FACTS_H

#include <stdbool.h>
#include <stdint.h>

/* A kernel version as one ordered number: FACTS_VERSION(5, 10, 223) < FACTS_VERSION(5, 11, 0). */
#define FACTS_VERSION(major, minor, patch) \
	((uint32_t)(major) << 24 | (uint32_t)(minor) << 16 | (uint32_t)(patch))

enum fact {
#define FACT(name, kind, meaning, ...) FACT_##name,
#include "engine/facts.def"
#undef FACT
	FACT_COUNT
};

enum fact_kind {
	FACT_KIND_BOOL, /* 0 or 1; spelled off/on */
	FACT_KIND_INT, /* a plain number */
};

/* One entry of a fact's history: holds from @since on, until the next entry. */
struct fact_change {
	uint32_t since;
	int64_t value;
	const char *citation;
};

struct fact_info {
	const char *name;
	enum fact_kind kind;
	const char *meaning;
	const struct fact_change *history; /* ascending by since; [0].since == 0 */
	unsigned int history_count;
};

/* A row: the value of every fact for one machine. */
struct facts {
	int64_t v[FACT_COUNT];
};

/* The kernel series this project models in full; each names the newest version it stands for. */
struct era {
	const char *name;
	uint32_t version;
};
extern const struct era eras[];
extern const unsigned int era_count;

const struct fact_info *fact_info(enum fact f);
/* The entry of the history that decides the value in @version. */
const struct fact_change *fact_change_at(enum fact f, uint32_t version);

/* Fills @ret with the row of @version (any version, between eras too). */
void facts_init(struct facts *ret, uint32_t version);

/*
 * Parses "major.minor[.patch][anything]" as in a "Linux version" line or an era name; an era name
 * ("6.1") means the newest version of that era.  Returns false when @text does not start so.
 */
bool facts_parse_version(const char *text, uint32_t *ret);

/*
 * How the facts stand to a kernel of @version: those of the oldest era are taken for all before it, and
 * nothing is known of what came after the series of the newest.
 */
enum facts_age {
	FACTS_TOO_OLD,
	FACTS_KNOWN,
	FACTS_TOO_NEW,
};
enum facts_age facts_age_of(uint32_t version);

/*
 * Overrides one fact by "name=value" (on/off/true/false/number).  Returns NULL, or a static sentence
 * without the name that says what is wrong.
 */
const char *facts_set(struct facts *facts, const char *assignment);

static inline int64_t fact_get(const struct facts *facts, enum fact f)
{
	return facts->v[f];
}

#endif
