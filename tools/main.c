/* SPDX-License-Identifier: MIT */
#include <stdio.h>

int main(void)
{
	puts("mmreplay");
	return 0;
}
