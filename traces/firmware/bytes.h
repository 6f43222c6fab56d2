/* SPDX-License-Identifier: MIT */
/*
 * Bytes: numbers out of raw tables, little endian as ACPI, big endian as device trees.
 */
#ifndef TRACES_FIRMWARE_BYTES_H
#define TRACES_FIRMWARE_BYTES_H

#include <stdint.h>

static inline uint16_t read_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t read_le32(const uint8_t *p)
{
	return read_le16(p) | (uint32_t)read_le16(p + 2) << 16;
}

static inline uint64_t read_le64(const uint8_t *p)
{
	return read_le32(p) | (uint64_t)read_le32(p + 4) << 32;
}

static inline uint32_t read_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

#endif
