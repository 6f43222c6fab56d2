#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does every benchmark still run?  TAP comes from the program itself.

exec "$1" --once
