/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imagemaker - docker-archives and oci-archives for the load tests.
 *
 * Theory of operation: JSON is written by hand, since the tests want to write it wrong. Members
 * come in the order of docker save (layers first, manifest.json last), which is the hard one for a
 * reader.
 */
#include "tests/support/imagemaker.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <zstd.h>

#include "engine/base/fs.h"
#include "engine/image/sha256.h"
#include "tests/support/tarmaker.h"

#define MADE_MAX (256U << 20)

struct buf *made_layer(struct made_image *m)
{
	struct buf *b = &m->tars[m->n++];

	*b = BUF_INIT(MADE_MAX);
	return b;
}

void made_done(struct made_image *m)
{
	for (size_t i = 0; i < m->n; i++)
		buf_done(&m->tars[i]);
	*m = (struct made_image){ .name = NULL };
}

int made_memfd(const struct buf *b)
{
	int fd = memfd_create("archive", MFD_CLOEXEC);

	if (fd < 0 || fs_write_all(fd, b->data ? b->data : "", b->len) < 0 ||
	    lseek(fd, 0, SEEK_SET) != 0)
		abort();
	return fd;
}

static la_ssize_t to_buf(struct archive *a, void *arg, const void *data, size_t len)
{
	(void)a;
	buf_add(arg, data, len);
	return (la_ssize_t)len;
}

static void gzip(const struct buf *in, struct buf *out)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_filetype(e, AE_IFREG);
	if (archive_write_set_format_raw(a) || archive_write_add_filter_gzip(a) ||
	    archive_write_set_bytes_in_last_block(a, 1) ||
	    archive_write_open(a, out, NULL, to_buf, NULL) || archive_write_header(a, e) ||
	    archive_write_data(a, in->data, in->len) != (la_ssize_t)in->len ||
	    archive_write_close(a))
		abort();
	archive_entry_free(e);
	(void)archive_write_free(a);
}

void made_compress(const struct buf *in, enum made_compression c, struct buf *out)
{
	*out = BUF_INIT(MADE_MAX);
	if (c == MADE_PLAIN) {
		buf_add(out, in->data, in->len);
	} else if (c == MADE_GZIP) {
		gzip(in, out);
	} else {
		size_t size = ZSTD_compressBound(in->len);
		char *data = xmalloc(size);

		size = ZSTD_compress(data, size, in->data, in->len, 3);
		if (ZSTD_isError(size))
			abort();
		buf_add(out, data, size);
		free(data);
	}
}

static void hex_of(const void *data, size_t len, char hex[65])
{
	struct digest d;

	sha256_of(data, len, &d);
	(void)digest_hex(&d, hex);
}

static void member(struct buf *out, const char *name, const void *data, size_t len)
{
	tar_add(out, TAR_PAX,
		&(struct tar_entry){ .name = name, .type = '0', .data = data, .len = len });
}

static void config_text(const struct made_image *m, struct buf *b)
{
	*b = BUF_INIT(MADE_MAX);
	buf_printf(b,
		   "{\"created\":\"2024-02-03T04:05:06.7Z\",\"os\":\"linux\",\"architecture\":"
		   "\"amd64\",\"config\":%s,\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[",
		   m->config ? m->config : "{\"Cmd\":[\"sh\"]}");
	for (size_t i = 0; i < m->n; i++) {
		char hex[65];

		hex_of(m->tars[i].data, m->tars[i].len, hex);
		if (m->diff_id && i + 1 == m->n)
			buf_printf(b, "%s\"%s\"", i ? "," : "", m->diff_id);
		else
			buf_printf(b, "%s\"sha256:%s\"", i ? "," : "", hex);
	}
	buf_adds(b, "]}}");
}

void made_docker(const struct made_image *m, struct buf *out)
{
	struct buf config, manifest = BUF_INIT(MADE_MAX);
	char hex[65], name[80];

	*out = BUF_INIT(MADE_MAX);
	config_text(m, &config);
	hex_of(config.data, config.len, hex);
	buf_printf(&manifest, "[{\"Config\":\"%s.json\",\"RepoTags\":[%s%s%s],\"Layers\":[", hex,
		   m->name ? "\"" : "", m->name ? m->name : "", m->name ? "\"" : "");
	for (size_t i = 0; i < m->n; i++) {
		struct buf blob;

		made_compress(&m->tars[i], m->compression, &blob);
		(void)snprintf(name, sizeof(name), "%zu/layer.tar", i);
		buf_printf(&manifest, "%s\"%s\"", i ? "," : "", name);
		member(out, name, blob.data, blob.len);
		buf_done(&blob);
	}
	buf_adds(&manifest, "]}]");
	(void)snprintf(name, sizeof(name), "%s.json", hex);
	member(out, name, config.data, config.len);
	member(out, "manifest.json", manifest.data, manifest.len);
	tar_end(out);
	buf_done(&config);
	buf_done(&manifest);
}

static void blob_member(struct buf *out, const struct buf *blob, char hex[65])
{
	char name[100];

	hex_of(blob->data, blob->len, hex);
	(void)snprintf(name, sizeof(name), "blobs/sha256/%s", hex);
	member(out, name, blob->data, blob->len);
}

static void oci_layers(const struct made_image *m, struct buf *manifest, struct buf *out)
{
	static const char *const suffix[] = { "", "+gzip", "+zstd" };

	for (size_t i = 0; i < m->n; i++) {
		struct buf blob;
		char hex[65];
		bool last = i + 1 == m->n;

		made_compress(&m->tars[i], m->compression, &blob);
		blob_member(out, &blob, hex);
		buf_printf(manifest,
			   "%s{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar%s\","
			   "\"digest\":\"%s%s\",\"size\":%ld}",
			   i ? "," : "", suffix[m->compression],
			   last && m->layer_digest ? "" : "sha256:",
			   last && m->layer_digest ? m->layer_digest : hex,
			   (long)blob.len + (last ? m->size_off : 0));
		buf_done(&blob);
	}
}

void made_oci(const struct made_image *m, struct buf *out)
{
	struct buf config, manifest = BUF_INIT(MADE_MAX), index = BUF_INIT(MADE_MAX);
	char hex[65];

	*out = BUF_INIT(MADE_MAX);
	config_text(m, &config);
	member(out, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}", 30);
	blob_member(out, &config, hex);
	buf_printf(
		&manifest,
		"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
		"\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\","
		"\"digest\":\"sha256:%s\",\"size\":%zu}%s,\"layers\":[",
		hex, config.len, m->manifest_extra ? m->manifest_extra : "");
	oci_layers(m, &manifest, out);
	buf_adds(&manifest, "]}");
	blob_member(out, &manifest, hex);
	buf_printf(&index,
		   "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":"
		   "\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:%s\","
		   "\"size\":%zu%s%s%s}]}",
		   hex, manifest.len,
		   m->name ? ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"" : "",
		   m->name ? m->name : "", m->name ? "\"}" : "");
	member(out, "index.json", index.data, index.len);
	tar_end(out);
	buf_done(&config);
	buf_done(&manifest);
	buf_done(&index);
}
