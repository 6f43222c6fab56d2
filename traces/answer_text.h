/* SPDX-License-Identifier: MIT */
/*
 * Answer text: answers in the words of the kernel that would print them, without time stamps.
 *
 * Most answers are a line of their own.  A few share one (the numbers of the Memory: line) and some
 * are no line at all (fields of /proc pictures): those have a value only.  What differs between
 * kernels comes from facts.
 *
 * Two lines do not come out as printed: a placement has neither caller nor flags, because it stands
 * for "what an allocation got" in every kernel; and lists do not end with a blank.
 */
#ifndef TRACES_ANSWER_TEXT_H
#define TRACES_ANSWER_TEXT_H

#include "engine/answer.h"
#include "engine/boot_input.h"
#include "engine/sink.h"

/* Whose words.  Borrows the input. */
struct answer_text {
	const struct boot_input *in;
	struct cmdline cmdline;
	bool has_cmdline;
	uint64_t memory_bytes; /* of the machine, for lines that tell it; 0 = unknown */
};

/* @answers tell how much memory there is; they are not kept. */
void answer_text_init(struct answer_text *t, const struct boot_input *in,
		      const struct answers *answers);

/* What is asked: "Node 0, zone DMA: managed". */
void answer_text_key(const struct answer_text *t, const struct answer *a, const struct sink *sink);
/*
 * What is answered, whatever the basis: the kernel's line (two, with a newline between, where the
 * kernel prints two), or the bare value.  No newline at the end.
 */
void answer_text_value(const struct answer_text *t, const struct answers *as,
		       const struct answer *a, const struct sink *sink);
/* The kernel prints a line for this kind of answer. */
bool answer_text_is_line(const struct answer_text *t, enum answer_kind kind);

/*
 * All lines of @as in their order, with the headings they stand under.  Lines the command line would
 * have to ask for and does not, and answers that are not known, are left out.  Of the Memory: line
 * an unknown number is a question mark, or its part is left out.
 */
void answer_text_boot(const struct answer_text *t, const struct answers *as,
		      const struct sink *sink);

#endif
