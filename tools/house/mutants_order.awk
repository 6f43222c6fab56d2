# SPDX-License-Identifier: MIT
# In which order tests try a mutant of @file: "KEY MILLISECONDS TEST", to be sorted by KEY, of each test of the
# last input.
#
# Inputs: "FILE TEST RUNS KILLS" of the past, to be summed; "MILLISECONDS TEST" of every test; "TEST" of those
# that reach the mutant. KEY is what a kill by that test is thought to cost: its time, and that of starting it, by
# the share of the mutants of this file that it killed; two runs of the share of all files are put to the few
# runs that there were.

NF == 4 {
	runs_all[$2] += $3
	kills_all[$2] += $4
	if ($1 == file) {
		runs[$2] += $3
		kills[$2] += $4
	}
}
NF == 2 { ms[$2] = $1 }
NF == 1 {
	share = (kills_all[$1] + 0.5) / (runs_all[$1] + 5)
	share = (kills[$1] + 2 * share) / (runs[$1] + 2)
	printf "%.0f %d %s\n", (ms[$1] + 40) / share, ms[$1], $1
}
