// SPDX-License-Identifier: GPL-2.0-only
/*
 * CRC-32 of a model file (IEEE 802.3, reflected, as zlib's crc32()), the same in
 * kernel and user space. It runs once a load, so a table of 16 is enough.
 */
#include "mlp.h"

static const u32 crc_of_nibble[16] = {
	0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
	0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
	0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
	0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

u32 mlp_crc32(const void *data, size_t len)
{
	const u8 *p = data;
	u32 crc = 0xffffffff;

	while (len--) {
		crc ^= *p++;
		crc = crc >> 4 ^ crc_of_nibble[crc & 15];
		crc = crc >> 4 ^ crc_of_nibble[crc & 15];
	}
	return ~crc;
}
