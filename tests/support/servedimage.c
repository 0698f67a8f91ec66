/* SPDX-License-Identifier: Apache-2.0 */
/*
 * servedimage - the registry's form of made images, and the child that pulls them.
 */
#include "tests/support/servedimage.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/image/sha256.h"

#define TEXT_MAX (64U << 20)

void served_digest(const void *data, size_t len, char digest[72])
{
	struct digest d;
	char hex[65];

	sha256_of(data, len, &d);
	(void)snprintf(digest, 72, "sha256:%s", digest_hex(&d, hex));
}

const char *served_type(const struct served_image *s)
{
	return s->is_docker ? MEDIA_DOCKER_MANIFEST : MEDIA_OCI_MANIFEST;
}

/* By the first bytes, as the unpacker sees it. */
static const char *layer_type(const struct served_image *s, const struct buf *b)
{
	bool gzip = b->len > 2 && (unsigned char)b->data[0] == 0x1f;
	bool zstd = b->len > 2 && (unsigned char)b->data[0] == 0x28;

	if (s->is_docker)
		return gzip ? MEDIA_DOCKER_LAYER_GZIP : MEDIA_DOCKER_LAYER;
	return gzip ? MEDIA_OCI_LAYER_GZIP : zstd ? MEDIA_OCI_LAYER_ZSTD : MEDIA_OCI_LAYER;
}

void served_manifest(struct served_image *s)
{
	struct buf b = BUF_INIT(TEXT_MAX);

	served_digest(s->config.data, s->config.len, s->config_digest);
	buf_printf(&b,
		   "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":\"%s\","
		   "\"digest\":\"%s\",\"size\":%zu},\"layers\":[",
		   served_type(s), s->is_docker ? MEDIA_DOCKER_CONFIG : MEDIA_OCI_CONFIG,
		   s->config_digest, s->config.len);
	for (size_t i = 0; i < s->n; i++) {
		served_digest(s->layers[i].data, s->layers[i].len, s->layer_digests[i]);
		buf_printf(&b, "%s{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}",
			   i ? "," : "", layer_type(s, &s->layers[i]), s->layer_digests[i],
			   s->layers[i].len);
	}
	buf_adds(&b, "]}");
	buf_done(&s->manifest);
	s->manifest = b;
	served_digest(b.data, b.len, s->digest);
}

void served_make(struct served_image *s, const struct made_image *m)
{
	s->n = m->n;
	s->config = BUF_INIT(TEXT_MAX);
	buf_printf(&s->config,
		   "{\"created\":\"2024-02-03T04:05:06Z\",\"os\":\"%s\",\"architecture\":\"%s\","
		   "\"config\":%s,\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[",
		   s->os ? s->os : "linux", s->architecture ? s->architecture : "amd64",
		   m->config ? m->config : "{\"Cmd\":[\"sh\"]}");
	for (size_t i = 0; i < m->n; i++) {
		char diff[72];

		served_digest(m->tars[i].data, m->tars[i].len, diff);
		buf_printf(&s->config, "%s\"%s\"", i ? "," : "", diff);
		made_compress(&m->tars[i], m->compression, &s->layers[i]);
	}
	buf_adds(&s->config, "]}}");
	served_manifest(s);
}

void served_done(struct served_image *s)
{
	for (size_t i = 0; i < s->n; i++)
		buf_done(&s->layers[i]);
	buf_done(&s->config);
	buf_done(&s->manifest);
	s->n = 0;
}

void served_publish(const struct served_image *s, struct fakeregistry *f, const char *repository,
		    const char *tag)
{
	char digest[72];

	for (size_t i = 0; i < s->n; i++)
		fakeregistry_blob(f, repository, s->layers[i].data, s->layers[i].len, digest);
	fakeregistry_blob(f, repository, s->config.data, s->config.len, digest);
	fakeregistry_manifest(f, repository, tag, served_type(s), s->manifest.data, digest);
}

char *served_entry(const struct served_image *s, const char *platform_members)
{
	return xasprintf("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu,\"platform\":{%s}}",
			 served_type(s), s->digest, s->manifest.len, platform_members);
}

/* ---- the child -------------------------------------------------------------------------- */

struct seen {
	struct pulled *o;
	int die_at;
};

static void note(void *arg, const struct load_event *e)
{
	struct seen *s = arg;
	struct pulled *o = s->o;

	if (e->kind == LOAD_IMAGE) {
		o->images++;
		(void)snprintf(o->name, sizeof(o->name), "%s", e->text ? e->text : "");
		(void)snprintf(o->id, sizeof(o->id), "%s", e->id);
	} else if (e->kind == LOAD_FAILED) {
		o->failed++;
		o->code = e->code;
		(void)snprintf(o->text, sizeof(o->text), "%s", e->text);
	} else if (e->kind == LOAD_WARNING) {
		o->warnings++;
		(void)snprintf(o->text, sizeof(o->text), "%s", e->text);
	} else if (e->kind == LOAD_LAYER) {
		o->begun += is_equal(e->text, "begun");
		o->done += is_equal(e->text, "done");
		o->exists += is_equal(e->text, "exists");
	}
	if (e->kind == LOAD_LAYER && is_equal(e->text, "bytes"))
		return; /* how many there are is a matter of time */
	if (++o->events == s->die_at)
		(void)kill(getpid(), SIGKILL);
}

static void pull(const struct pull_run *run, struct pulled *o)
{
	struct pull_item items[ARRAY_SIZE(run->names)] = { { .name = NULL } };
	struct pull_options options = { .v = items, .registry = { .tls_verify = 0 } };
	cleanup_free char *runroot = xasprintf("%s-run", run->root);
	struct seen seen = { .o = o, .die_at = run->die_at };
	struct platform platform = { .os = NULL };
	struct store s;

	for (; options.n < ARRAY_SIZE(items) && run->names[options.n]; options.n++)
		items[options.n] = (struct pull_item){ .name = run->names[options.n],
						       .policy = run->policy,
						       .index = options.n };
	o->r = run->platform ? platform_parse(run->platform, &platform, &o->err) : 0;
	options.platform = run->platform ? &platform : NULL;
	if (o->r == 0)
		o->r = store_open(run->root, runroot, STORE_WRITE, &s, &o->err);
	if (o->r == 0) {
		o->r = image_pull(&s, &options, note, &seen, &o->err);
		store_close(&s);
	}
	platform_done(&platform);
}

struct pull_child served_start(const struct pull_run *run)
{
	struct pull_child c;

	c.shared = mmap(NULL, sizeof(*c.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	c.shared->died = true;
	c.pid = fork();
	if (c.pid == 0) {
		if (run->env)
			(void)putenv((char *)(uintptr_t)run->env);
		(void)umask(0077);
		pull(run, c.shared);
		c.shared->died = false;
		_exit(0);
	}
	return c;
}

struct pulled served_wait(struct pull_child *c)
{
	struct pulled o;

	(void)waitpid(c->pid, NULL, 0);
	o = *c->shared;
	(void)munmap(c->shared, sizeof(*c->shared));
	return o;
}

struct pulled served_pull(const struct pull_run *run)
{
	struct pull_child c = served_start(run);

	return served_wait(&c);
}
