# SPDX-License-Identifier: MIT
# complete_line WORD...: prints what bash offers for the last of the words, one a line.
source <(mmreplay help --bash)
complete_line()
{
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_mmreplay
	# The blank that ends a completed word is shown as a dot.
	printf '%s\n' "${COMPREPLY[@]/% /.}"
}
