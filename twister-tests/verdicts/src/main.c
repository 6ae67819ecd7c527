/* SPDX-License-Identifier: Apache-2.0 */
/* Each family of refusals, by its code and by where it is found. */
#include "layout.h"

#include <errno.h>
#include <ocre/ocre.h>
#include <stdio.h>
#include <string.h>
#include <zephyr/ztest.h>

#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define SAID_BYTES 256
#define LAYER "\"mediaType\":\"application/wasm\","

static void *setup(void)
{
	zassert_ok(ocre_init());
	return NULL;
}

static void after(void *fixture)
{
	ARG_UNUSED(fixture);
	layout_give_back();
}

ZTEST_SUITE(verdicts, NULL, setup, NULL, after, NULL);

static void accepted(const char *image)
{
	char text[OCRE_TEXT_BYTES];

	zassert_ok(ocre_image_verify(image, text), "%s: %s", image, text);
	zassert_equal(text[0], '\0');
}

static void refused_as(const char *image, const char *expected)
{
	char text[OCRE_TEXT_BYTES];
	size_t length = strlen(expected);

	zassert_equal(ocre_image_verify(image, text), -ENOEXEC, "%s: %s", image, expected);
	/* The engine's words may follow. */
	zassert_true(strncmp(text, expected, length) == 0 &&
			     (text[length] == '\0' || text[length] == ':'),
		     "\"%s\", expected \"%s\"", text, expected);
}

/* Changes the image, judges it, and changes it back. */
#define REFUSED(expected, ...)                                                                 \
	do {                                                                                   \
		layout_take("plain:latest");                                                   \
		__VA_ARGS__;                                                                   \
		refused_as("sample", expected);                                                \
		layout_give_back();                                                            \
	} while (0)

#define ACCEPTED(...)                                                                          \
	do {                                                                                   \
		layout_take("plain:latest");                                                   \
		__VA_ARGS__;                                                                   \
		accepted("sample");                                                            \
		layout_give_back();                                                            \
	} while (0)

static void marker(const char *from, const char *to)
{
	layout_edit(LAYOUT_MARKER, from, to);
}

static void list(const char *from, const char *to)
{
	layout_edit(LAYOUT_INDEX, from, to);
}

static void manifest(const char *from, const char *to)
{
	layout_edit(LAYOUT_MANIFEST, from, to);
}

static void config(const char *from, const char *to)
{
	layout_edit(LAYOUT_CONFIG, from, to);
}

/* One more member of the code's descriptor. */
static void layer(const char *members)
{
	char to[160];

	snprintf(to, sizeof(to), LAYER "%s,", members);
	manifest(LAYER, to);
}

/* One more member of the config's "config". */
static void setting(const char *member)
{
	char to[160];

	snprintf(to, sizeof(to), "\"config\":{%s},\"module\"", member);
	config("\"module\"", to);
}

static void blanks(enum layout_part part, uint32_t count)
{
	static char text[CONFIG_OCRE_DOCUMENT_SIZE + 1];

	zassert_true(count <= sizeof(text));
	memset(text, ' ', count);
	layout_replace(part, text, count);
}

/* -- accepted ------------------------------------------------------------------ */

ZTEST(verdicts, test_good_images_are_accepted)
{
	accepted("plain");
	accepted("plain:latest");
	/* Portable code, and compiled code for this board. */
	accepted("actor");
	ACCEPTED();
}

ZTEST(verdicts, test_odd_images_are_accepted)
{
	ACCEPTED(manifest("\"mediaType\":\"" MANIFEST_TYPE "\",", ""));
	ACCEPTED(manifest("vnd.wasm.config.v0", "vnd.ocre.image.config.v1"));
	ACCEPTED(manifest("{", "{\"unknown\":[1,{\"a\":null}],"));
	ACCEPTED(setting("\"Env\":[\"A=b\"]"));
}

ZTEST(verdicts, test_a_reference_finds_its_image_alone)
{
	refused_as("absent", "reference-not-found at index");
	refused_as("plain:other", "reference-not-found at index");
	refused_as("plain@sha256:0000000000000000000000000000000000000000000000000000000000000000",
		   "reference-not-found at index");
	zassert_equal(ocre_image_verify("Not A Name", NULL), -EINVAL);
	zassert_equal(ocre_image_verify("", NULL), -EINVAL);
	zassert_equal(ocre_image_verify(NULL, NULL), -EINVAL);
}

/* -- layout and list ------------------------------------------------------------ */

ZTEST(verdicts, test_layout_marker)
{
	REFUSED("layout-missing at oci-layout", layout_remove(LAYOUT_MARKER));
	REFUSED("layout-version at oci-layout/imageLayoutVersion", marker("1.0.0", "1.0.1"));
	REFUSED("field-missing at oci-layout", marker("imageLayoutVersion", "version"));
	REFUSED("document-too-large at oci-layout",
		blanks(LAYOUT_MARKER, CONFIG_OCRE_DOCUMENT_SIZE + 1));
}

ZTEST(verdicts, test_index)
{
	static const char nothing[] = "{\"schemaVersion\":2,\"manifests\":[]}";

	REFUSED("index-missing at index", layout_remove(LAYOUT_INDEX));
	REFUSED("index-empty at index",
		layout_replace(LAYOUT_INDEX, nothing, sizeof(nothing) - 1));
	REFUSED("schema-version at index/schemaVersion", list(":2,", ":1,"));
	REFUSED("document-too-large at index",
		blanks(LAYOUT_INDEX, CONFIG_OCRE_DOCUMENT_SIZE + 1));
	REFUSED("media-type-unsupported at index/manifests/0",
		list(MANIFEST_TYPE, "text/plain"));
	REFUSED("digest-unsupported at index/manifests/0", list("sha256:", "blake3:"));
	REFUSED("reference-not-found at index", list("sample:latest", "sample:other"));
}

/* -- documents ------------------------------------------------------------------ */

ZTEST(verdicts, test_json)
{
	REFUSED("json-syntax at index/schemaVersion", list(":2,", ":02,"));
	REFUSED("json-utf8 at manifest/x", manifest(",\"layers\"", ",\"x\":\"\\ud800\",\"layers\""));
	REFUSED("json-duplicate-key at manifest/schemaVersion",
		manifest(",\"layers\"", ",\"schema\\u0056ersion\":2,\"layers\""));
	REFUSED("json-trailing-data at config", config("\"}}", "\"}}{}"));
	REFUSED("document-too-deep at index/x/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0",
		list("\"manifests\"", "\"x\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]],\"manifests\""));
}

/* The layer of code has a title. */
#define TITLE "\"annotations\":{\"org.opencontainers.image.title\""

ZTEST(verdicts, test_fields)
{
	REFUSED("field-missing at manifest", manifest("\"layers\":", "\"layer\":"));
	REFUSED("field-type at manifest/config/size",
		manifest("\"size\":", "\"size\":1.0,\"x\":"));
	REFUSED("media-type-syntax at manifest/layers/0/mediaType",
		manifest("application/wasm", "application/wasm;v=1"));
	REFUSED("media-type-mismatch at manifest/mediaType",
		manifest("vnd.oci.image", "vnd.ocre.image"));
	REFUSED("url-syntax at manifest/layers/0/urls/0", layer("\"urls\":[\"x\"]"));
	REFUSED("annotation-type at manifest/layers/0/annotations/a",
		manifest(TITLE, "\"annotations\":{\"a\":1,\"org.opencontainers.image.title\""));
}

static void oversize(void)
{
	char from[32];
	uint32_t count;

	(void)layout_code(&count);
	snprintf(from, sizeof(from), "\"size\":%u,", count);
	manifest(from, "\"size\":9223372036854775808,");
}

/* -- digests and sizes ----------------------------------------------------------- */

ZTEST(verdicts, test_descriptors)
{
	REFUSED("digest-syntax at manifest/layers/0/digest",
		manifest(LAYER "\"digest\":\"sha256:", LAYER "\"digest\":\"sha256:0"));
	REFUSED("size-range at manifest/layers/0/size", oversize());
	REFUSED("data-mismatch at manifest/layers/0/data", layer("\"data\":\"AAAA\""));
}

ZTEST(verdicts, test_content_that_flash_has_changed)
{
	REFUSED("digest-mismatch at manifest", layout_garble(LAYOUT_MANIFEST));
	REFUSED("digest-mismatch at config", layout_garble(LAYOUT_CONFIG));
	REFUSED("digest-mismatch at manifest/layers/0", layout_garble(LAYOUT_CODE));
}

ZTEST(verdicts, test_content_that_is_cut)
{
	REFUSED("size-mismatch at index/manifests/0", layout_cut(LAYOUT_MANIFEST));
	REFUSED("size-mismatch at manifest/config", layout_cut(LAYOUT_CONFIG));
	REFUSED("size-mismatch at manifest/layers/0", layout_cut(LAYOUT_CODE));
}

ZTEST(verdicts, test_content_that_is_gone)
{
	REFUSED("blob-missing at index/manifests/0", layout_remove(LAYOUT_MANIFEST));
	REFUSED("blob-missing at manifest/config", layout_remove(LAYOUT_CONFIG));
	REFUSED("blob-missing at manifest/layers/0", layout_remove(LAYOUT_CODE));
}

/* -- config ---------------------------------------------------------------------- */

ZTEST(verdicts, test_config)
{
	REFUSED("config-unsupported at manifest/config",
		manifest("vnd.wasm.config.v0", "vnd.oci.image.config.v1"));
	REFUSED("config-architecture at config/architecture", config("\"wasm\"", "\"arm64\""));
	REFUSED("config-os at config/os", config("wasip1", "wasip2"));
	REFUSED("config-layer-digests at config/layerDigests",
		config("\"layerDigests\":[", "\"layerDigests\":[],\"x\":["));
	REFUSED("config-entry-point at config", config("entryPoint", "entry"));
	REFUSED("config-entry-point at config", config("_start", "main"));
	REFUSED("config-env at config/config/Env/0", setting("\"Env\":[\"=value\"]"));
	REFUSED("config-permission at config/config/Permissions/1",
		setting("\"Permissions\":[\"gpio\",\"gpoi\"]"));
	REFUSED("config-conflict at config/config/EntryPoint",
		manifest("vnd.wasm.config.v0", "vnd.ocre.image.config.v1");
		setting("\"EntryPoint\":\"main\""));
	REFUSED("document-too-large at config",
		blanks(LAYOUT_CONFIG, CONFIG_OCRE_CONFIG_SIZE + 1));
}

/* -- layers and code -------------------------------------------------------------- */

/* (module (import "env" "launch" (func)) (func (export "_start"))) */
static const uint8_t unknown_import[] =
	"\0asm\1\0\0\0"
	"\1\4\1\140\0\0"
	"\2\16\1\3env\6launch\0\0"
	"\3\2\1\0"
	"\7\12\1\6_start\0\1"
	"\12\4\1\2\0\13";

/* (module (func (export "_start") (param i32))) */
static const uint8_t entry_with_parameter[] =
	"\0asm\1\0\0\0"
	"\1\5\1\140\1\177\0"
	"\3\2\1\0"
	"\7\12\1\6_start\0\0"
	"\12\4\1\2\0\13";

/* (module (memory 4096) (func (export "_start"))) */
static const uint8_t large_memory[] =
	"\0asm\1\0\0\0"
	"\1\4\1\140\0\0"
	"\3\2\1\0"
	"\5\4\1\0\200\40"
	"\7\12\1\6_start\0\0"
	"\12\4\1\2\0\13";

static void code_cut(uint32_t left)
{
	uint32_t count;
	uint8_t *code = layout_code(&count);

	layout_replace(LAYOUT_CODE, code, left);
}

/* A component's version and layer. */
static void code_component(void)
{
	static const uint8_t preamble[] = {13, 0, 1, 0};
	uint32_t count;
	uint8_t *code = layout_code(&count);

	memcpy(code + 4, preamble, sizeof(preamble));
	layout_replace(LAYOUT_CODE, code, count);
}

/* (module (func (export "_start") (result exnref) unreachable)) */
static const uint8_t exceptions[] =
	"\0asm\1\0\0\0"
	"\1\5\1\140\0\1\151"
	"\3\2\1\0"
	"\7\12\1\6_start\0\0"
	"\12\5\1\3\0\0\13";

/* Four billion imports in 32 bytes. */
static const uint8_t claimed_imports[] =
	"\0asm\1\0\0\0"
	"\1\4\1\140\0\0"
	"\2\13\377\377\377\377\17\1a\1b\0\0";

static uint8_t *put_number(uint8_t *at, uint32_t number)
{
	for (int i = 0; i < 4; i++, number >>= 7) {
		*at++ = (number & 0x7f) | 0x80;
	}
	*at++ = number;
	return at;
}

/* An entry point with so many i64.const, of which 16,384 fill the loader's table. */
static void code_constants(uint32_t count)
{
	static const uint8_t head[] =
		"\0asm\1\0\0\0"
		"\1\4\1\140\0\0"
		"\3\2\1\0"
		"\7\12\1\6_start\0\0"
		"\12";
	const uint32_t per_group = 4000;
	uint32_t body = 3 + 2 * count + count / per_group;
	uint32_t room;
	uint8_t *code = layout_code(&room);
	uint8_t *at = code + sizeof(head) - 1;

	memcpy(code, head, sizeof(head) - 1);
	at = put_number(at, body + 6);
	*at++ = 1;
	at = put_number(at, body);
	*at++ = 0;
	for (uint32_t i = 1; i <= count; i++) {
		*at++ = 0x42;
		*at++ = i & 0x3f;
		if (i % per_group == 0) {
			*at++ = 0;
		}
	}
	*at++ = 0;
	*at++ = 0x0b;
	layout_replace(LAYOUT_CODE, code, at - code);
}

#define CODE(bytes) layout_replace(LAYOUT_CODE, bytes, sizeof(bytes) - 1)

ZTEST(verdicts, test_layers)
{
	REFUSED("layer-none at manifest/layers", manifest("application/wasm", "text/plain"));
	REFUSED("layer-magic at manifest/layers/0",
		manifest("application/wasm", "application/vnd.ocre.image.layer.v1.wasm+aot"));
	REFUSED("layer-magic at manifest/layers/0", code_cut(3));
	REFUSED("layer-component at manifest/layers/0", code_component());
}

ZTEST(verdicts, test_code)
{
	REFUSED("wasm-invalid at manifest/layers/0", code_cut(9));
	REFUSED("wasm-import at manifest/layers/0", CODE(unknown_import));
	REFUSED("wasm-entry-signature at manifest/layers/0", CODE(entry_with_parameter));
	REFUSED("limit-memory at manifest/layers/0", CODE(large_memory));
}

ZTEST(verdicts, test_code_is_read_before_the_engine_loads_it)
{
	REFUSED("wasm-feature at manifest/layers/0", CODE(exceptions));
	REFUSED("wasm-invalid at manifest/layers/0", CODE(claimed_imports));
	/* CVE-2026-54912: constants beyond the loader's table. */
	REFUSED("wasm-limit at manifest/layers/0", code_constants(20000));
	REFUSED("wasm-limit at manifest/layers/0", code_constants(16001));
	ACCEPTED(code_constants(1000));
	/* The engine's heap is whole. */
	accepted("plain");
}

ZTEST(verdicts, test_limits)
{
	static char name[700];

	memset(name, 'a', sizeof(name) - 1);
	REFUSED("limit-capacity at config", {
		static char to[sizeof(name) + 40];

		snprintf(to, sizeof(to), "\"config\":{\"Env\":[\"A=%s\"]},\"module\"", name);
		config("\"module\"", to);
	});
	/* All layers of an image together. */
	refused_as("large", "limit-image at manifest/layers/1");
}

static void take(void *context, int error, const char *text, uint32_t bytes)
{
	char *said = context;
	size_t used = strlen(said);

	ARG_UNUSED(error);
	zassert_true(used + bytes < SAID_BYTES);
	memcpy(said + used, text, bytes);
	said[used + bytes] = '\0';
}

ZTEST(verdicts, test_the_shell_and_the_api_say_the_same)
{
	static char said[SAID_BYTES];
	static const char *const words[] = {"image", "verify", "--format", "json", "sample"};

	layout_take("plain:latest");
	config("wasip1", "wasip2");
	said[0] = '\0';
	zassert_equal(ocre_command(words, ARRAY_SIZE(words), take, NULL, said), 1);
	zassert_equal(strcmp(said, "{\"verdict\":\"rejected\",\"code\":\"config-os\","
				   "\"at\":\"config/os\",\"warnings\":[]}\n"),
		      0, "%s", said);
}
