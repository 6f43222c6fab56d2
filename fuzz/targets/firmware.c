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

static const char *const no_seeds[] = { NULL };
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
	.seeds = no_seeds,
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
	.seeds = no_seeds,
	.words = dtb_words,
	.files = dtb_files,
	.usual_bytes_max = 2048,
};
