/* SPDX-License-Identifier: MIT */
/*
 * Where the fields of a message are, by protobuf-c's descriptors, for code that goes through messages it
 * does not know.  None of these fails; the pointers lead into the message.
 */
#ifndef TRACES_MESSAGE_FIELD_H
#define TRACES_MESSAGE_FIELD_H

#include <protobuf-c/protobuf-c.h>

/* The value, or the pointer to the array of a repeated field. */
static inline void *field_at(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return (char *)(uintptr_t)message + field->offset;
}

/* has_FIELD of an optional field that is no pointer. */
static inline protobuf_c_boolean *field_has(const ProtobufCMessage *message,
					    const ProtobufCFieldDescriptor *field)
{
	return (protobuf_c_boolean *)((char *)(uintptr_t)message + field->quantifier_offset);
}

/* n_FIELD of a repeated field. */
static inline size_t *field_count(const ProtobufCMessage *message,
				  const ProtobufCFieldDescriptor *field)
{
	return (size_t *)((char *)(uintptr_t)message + field->quantifier_offset);
}

/* Is a value of it a pointer, which is NULL when there is none? */
static inline bool field_is_pointer(const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
}

/* Bytes of one value in the struct, or in the array of a repeated field. */
static inline size_t field_value_bytes(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	default:
		return 4;
	}
}

/* How many values are there: of a field that is not repeated, 0 or 1. */
static inline size_t field_values(const ProtobufCMessage *message,
				  const ProtobufCFieldDescriptor *field)
{
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return *field_count(message, field);
	if (field_is_pointer(field)) {
		const void *value = *(const void *const *)field_at(message, field);

		return value && value != field->default_value;
	}
	return field->label == PROTOBUF_C_LABEL_REQUIRED || *field_has(message, field);
}

#endif
