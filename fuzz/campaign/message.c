/* SPDX-License-Identifier: MIT */
#include "fuzz/campaign/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As it goes over the pipe, from one process to its child or back: one machine, one program. */
struct head {
	uint32_t kind, bytes; /* of the parts, with a NUL behind each */
	uint64_t numbers[MESSAGE_NUMBERS_MAX];
	uint32_t part_bytes[MESSAGE_PARTS_MAX];
	uint32_t unused;
};

struct message_part message_part_text(const char *text)
{
	return (struct message_part){ text, strlen(text) };
}

static bool write_all(int fd, const void *data, size_t size)
{
	const char *p = data;

	while (size) {
		ssize_t done = write(fd, p, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		p += done;
		size -= (size_t)done;
	}
	return true;
}

bool message_write(int fd, const struct message *m)
{
	size_t bytes = MESSAGE_PARTS_MAX;
	struct head head = { .kind = m->kind };
	uint8_t *all, *p;
	bool ok;

	for (unsigned int i = 0; i < MESSAGE_PARTS_MAX; i++)
		bytes += m->parts[i].size;
	if (bytes > MESSAGE_BYTES_MAX)
		return false;
	all = malloc(sizeof(head) + bytes);
	if (!all)
		return false;
	head.bytes = (uint32_t)bytes;
	memcpy(head.numbers, m->numbers, sizeof(head.numbers));
	p = all + sizeof(head);
	for (unsigned int i = 0; i < MESSAGE_PARTS_MAX; i++) {
		head.part_bytes[i] = (uint32_t)m->parts[i].size;
		if (m->parts[i].size)
			memcpy(p, m->parts[i].data, m->parts[i].size);
		p += m->parts[i].size;
		*p++ = 0;
	}
	memcpy(all, &head, sizeof(head));
	ok = write_all(fd, all, sizeof(head) + bytes);
	free(all);
	return ok;
}

bool message_reader_fill(struct message_reader *r, int fd)
{
	enum { STEP = 65536 };
	ssize_t done;

	/* What was taken out makes room. */
	if (r->at) {
		memmove(r->data, r->data + r->at, r->size - r->at);
		r->size -= r->at;
		r->at = 0;
	}
	if (r->broken)
		return false;
	if (r->room - r->size < STEP) {
		size_t room = r->room * 2 + STEP;
		uint8_t *data = realloc(r->data, room);

		if (!data)
			return true;
		r->data = data;
		r->room = room;
	}
	done = read(fd, r->data + r->size, r->room - r->size);
	if (done < 0)
		return errno == EINTR || errno == EAGAIN;
	r->size += (size_t)done;
	return done > 0;
}

bool message_reader_next(struct message_reader *r, struct message *ret)
{
	struct message m = { 0 };
	size_t sum = 0;
	struct head head;
	uint8_t *p;

	if (r->broken || r->size - r->at < sizeof(head))
		return false;
	memcpy(&head, r->data + r->at, sizeof(head));
	for (unsigned int i = 0; i < MESSAGE_PARTS_MAX; i++)
		sum += (size_t)head.part_bytes[i] + 1;
	if (head.kind >= MESSAGE_KIND_COUNT || head.bytes > MESSAGE_BYTES_MAX ||
	    sum != head.bytes) {
		r->broken = true;
		return false;
	}
	if (r->size - r->at - sizeof(head) < head.bytes)
		return false;
	m.kind = (enum message_kind)head.kind;
	memcpy(m.numbers, head.numbers, sizeof(m.numbers));
	p = r->data + r->at + sizeof(head);
	for (unsigned int i = 0; i < MESSAGE_PARTS_MAX; i++) {
		m.parts[i] = (struct message_part){ p, head.part_bytes[i] };
		p += (size_t)head.part_bytes[i] + 1;
	}
	r->at += sizeof(head) + head.bytes;
	*ret = m;
	return true;
}

void message_reader_deinit(struct message_reader *r)
{
	free(r->data);
	memset(r, 0, sizeof(*r));
}
