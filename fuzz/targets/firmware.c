/* SPDX-License-Identifier: MIT */
/*
 * Any bytes are read as a table of the firmware, or refused: SRAT and SLIT, with sums and lengths that are
 * right or not, and device trees.
 */
#include "fuzz/targets/import_state.h"
#include "traces/firmware/fdt.h"
#include "traces/firmware/slit.h"
#include "traces/firmware/srat.h"

static void run_acpi(void *state, const uint8_t *data, size_t size, struct target_report *report)
{
	static const enum acpi_strictness strictness[] = { ACPI_STRICT, ACPI_LENIENT };
	unsigned int refused = 0;

	(void)state;
	for (unsigned int k = 0; k < 2; k++) {
		struct srat srat = { 0 };
		struct slit slit = { 0 };
		struct error *errors[] = {
			srat_parse(data, size, "input", strictness[k], &srat),
			slit_parse(data, size, "input", strictness[k], &slit),
		};

		if (!errors[1])
			target_report_feature(report, 1u << 16 | k << 8 | slit_is_valid(&slit));
		for (unsigned int i = 0; i < 2; i++) {
			target_report_feature(report,
					      2u << 16 | k << 12 | i << 8 |
						      (errors[i] ? (uint32_t)errors[i]->code : 0));
			refused += errors[i] != NULL;
			error_destroy(errors[i]);
		}
		srat_deinit(&srat);
		slit_deinit(&slit);
	}
	report->refused = refused == 4;
}

static void run_dtb(void *state, const uint8_t *data, size_t size, struct target_report *report)
{
	struct fdt fdt = { 0 };
	struct error *err = fdt_parse(data, size, "input", &fdt);

	(void)state;
	if (!err) {
		import_count(1, fdt.nmemory, report);
		import_count(2, fdt.nreserved, report);
		import_count(3, fdt.nmemreserve, report);
		import_count(4, fdt.ndistances, report);
	}
	import_refuse(err, report);
	fdt_deinit(&fdt);
}

/* Two CPUs and two ranges of memory in two domains, and how far these are apart. */
static const char *const acpi_seeds[] = {
	"53524154a000000003574d4d52504c5946555a5a53454544010000004d4d52500100000001000000000000000000"
	"00000010000001000000000000000000000000100101010000000000000000000000012800000000000000000000"
	"00000000000000800000000000000000010000000000000000000000012801000000000000000000010000000000"
	"00400000000000000000030000000000000000000000",
	"534c49543000000001c64d4d52504c5946555a5a53454544010000004d4d52500100000002000000000000000a14"
	"140a",
	NULL
};

/* Two nodes, their distance, a range of each kind of reservation: version 17, as dtc 1.6 writes it. */
static const char *const dtb_seeds[] = {
	"d00dfeed000002dd000000480000025c000000280000001100000010000000000000008100000214000000004800"
	"00000000000000010000000000000000000000000000000000000000000100000000000000030000000400000000"
	"0000000200000003000000040000000f00000002000000016d656d6f727940343030303030303000000000030000"
	"00070000001b6d656d6f727900000000000300000010000000270000000040000000000000004000000000000003"
	"000000040000002b0000000000000002000000016d656d6f72794038303030303030300000000003000000070000"
	"001b6d656d6f72790000000000030000001000000027000000008000000000000000400000000000000300000004"
	"0000002b00000001000000020000000172657365727665642d6d656d6f7279000000000300000004000000000000"
	"000200000003000000040000000f0000000200000003000000000000003800000001614034313030303030300000"
	"0000000300000010000000270000000041000000000000000010000000000003000000000000003f000000020000"
	"0001620000000000000300000010000000467368617265642d646d612d706f6f6c00000000030000000000000051"
	"00000003000000080000005a000000000100000000000003000000000000005f0000000200000002000000016469"
	"7374616e63652d6d6170000000000000000300000015000000466e756d612d64697374616e63652d6d61702d7631"
	"0000000000000003000000180000007100000000000000000000000a000000000000000100000014000000020000"
	"00020000000923616464726573732d63656c6c73002373697a652d63656c6c73006465766963655f747970650072"
	"6567006e756d612d6e6f64652d69640072616e676573006e6f2d6d617000636f6d70617469626c65007265757361"
	"626c650073697a65006c696e75782c636d612d64656661756c740064697374616e63652d6d617472697800",
	NULL
};

static const char *const acpi_words[] = { "SRAT", "SLIT", NULL };
static const char *const acpi_files[] = { "SRAT.aml", "SLIT.aml", NULL };
static const char *const dtb_words[] = { "memory@",
					 "device_type",
					 "memory",
					 "reg",
					 "reusable",
					 "no-map",
					 "linux,cma-default",
					 "reserved-memory",
					 "numa-node-id",
					 "distance-matrix",
					 "alloc-ranges",
					 "size",
					 "alignment",
					 "shared-dma-pool",
					 "#address-cells",
					 "status",
					 NULL };
static const char *const dtb_files[] = { "fdt.dtb", NULL };

const struct target target_acpi = {
	.name = "acpi",
	.property = "Any bytes are read as SRAT and as SLIT, or refused.",
	.create = import_create,
	.destroy = import_destroy,
	.run_bytes = run_acpi,
	.seeds = acpi_seeds,
	.seeds_in_hex = true,
	.words = acpi_words,
	.files = acpi_files,
	.usual_bytes_max = 2048,
};

const struct target target_dtb = {
	.name = "dtb",
	.property = "Any bytes are read as a device tree, or refused.",
	.create = import_create,
	.destroy = import_destroy,
	.run_bytes = run_dtb,
	.seeds = dtb_seeds,
	.seeds_in_hex = true,
	.words = dtb_words,
	.files = dtb_files,
	.usual_bytes_max = 2048,
};
