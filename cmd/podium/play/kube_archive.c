/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube_archive - the member kube.yaml of an archive of images.
 *
 * Theory of operation: the manifest is the first member, so that one block tells whether a file is
 * such an archive, and nothing else of the tar is parsed here: the images are loaded by the confined
 * readers of podium-image, which pass over members that they do not know; an image gets the names
 * that the manifest has for it and no other. The header is hostile
 * input like any manifest: name and checksum must be exact, the size is bounded, and no member is
 * ever written to disk.
 */
#include "cmd/podium/play/kube_archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/podium/image/imagejob.h"
#include "cmd/podium/play/kube_fetch.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/image/tarhead.h"

#define BLOCK	     512
#define SUM_AT	     148
#define SIZE_AT	     124
#define SIZE_DIGITS  11
#define TYPE_AT	     156
#define NAME_BYTES   100
#define MANIFEST_MAX (16 * 1024 * 1024)

/* Octal digits up to a blank or NUL. -1: something else. */
static int64_t read_octal(const unsigned char *p, size_t n)
{
	int64_t v = 0;

	for (size_t i = 0; i < n && p[i] != ' ' && p[i]; i++) {
		if (p[i] < '0' || p[i] > '7')
			return -1;
		v = v << 3 | (p[i] - '0');
	}
	return v;
}

static bool is_our_member(const unsigned char *b)
{
	int64_t sum = 0;

	for (int i = 0; i < BLOCK; i++)
		sum += i >= SUM_AT && i < SUM_AT + 8 ? ' ' : b[i];
	return strncmp((const char *)b, KUBE_ARCHIVE_MEMBER, NAME_BYTES) == 0 &&
	       (b[TYPE_AT] == TARHEAD_FILE || !b[TYPE_AT]) && sum == read_octal(b + SUM_AT, 8);
}

static int read_all(int fd, char *out, size_t len, off_t at)
{
	while (len) {
		ssize_t n = pread(fd, out, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		out += n;
		len -= (size_t)n;
		at += n;
	}
	return 0;
}

int kube_archive_read(const char *path, char **ret, size_t *ret_len, struct error *err)
{
	unsigned char head[BLOCK];
	cleanup_close int fd = -EBADF;
	cleanup_free char *text = NULL;
	struct stat st;
	int64_t size;

	if (is_equal(path, "-") || is_kube_address(path))
		return 0;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    read_all(fd, (char *)head, sizeof(head), 0) < 0 || !is_our_member(head))
		return 0;
	size = read_octal(head + SIZE_AT, SIZE_DIGITS);
	if (size < 0 || size > MANIFEST_MAX)
		return error_set(err, EBADMSG, "'%.300s': its " KUBE_ARCHIVE_MEMBER " is too large",
				 path);
	text = xmalloc((size_t)size + 1);
	text[size] = '\0';
	if (read_all(fd, text, (size_t)size, BLOCK) < 0)
		return error_set(err, EBADMSG, "'%.300s' ends within its " KUBE_ARCHIVE_MEMBER,
				 path);
	*ret = steal_ptr(&text);
	*ret_len = (size_t)size;
	return 1;
}

bool is_kube_archive(const char *path)
{
	cleanup_free char *text = NULL;
	struct error scratch; /* damaged: an archive all the same, and refused where it is read */
	size_t len;

	return kube_archive_read(path, &text, &len, &scratch) != 0;
}

int kube_archive_begin(int fd, const char *text, size_t len, struct error *err)
{
	if (len > MANIFEST_MAX)
		return error_set(err, E2BIG, "a manifest of more than %d bytes", MANIFEST_MAX);
	return tarhead_write_file(KUBE_ARCHIVE_MEMBER, text, len, tarhead_to_fd, &fd, err);
}

/* A name as people write it gets its tag; an id is one, too. */
static void add_wanted(json_t *only, const char *image)
{
	const char *base = strrchr(image, '/');

	(void)json_array_append_new(only, json_string(image));
	if (!strchr(base ? base : image, ':'))
		(void)json_array_append_new(only, json_sprintf("%s:latest", image));
}

int kube_archive_load(const struct store *s, const char *path, const struct kube_result *plans,
		      struct error *err)
{
	cleanup_json json_t *only = json_array();
	cleanup_json json_t *request = json_pack("{s:s, s:O}", "input", path, "only", only);
	cleanup_close int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);

	for (size_t i = 0; i < kube_plan_count(plans); i++)
		for (size_t k = 0; k < kube_plan_at(plans, i)->n_containers; k++)
			add_wanted(only, kube_plan_at(plans, i)->containers[k].image);

	if (fd < 0)
		return error_errno(err, "open '%.300s'", path);
	return imagejob_run(
		&(struct imagejob_spec){
			.verb = "load", .store = s, .request = request, .datafd = fd },
		err);
}

int kube_archive_input(int argc, char **argv, const struct kube_input *how, struct kube_result *ret,
		       bool *ret_is_archive, struct error *err)
{
	struct kube_input input = *how;
	cleanup_free char *text = NULL;
	size_t len = 0;
	int r = 0;

	*ret_is_archive = false;
	for (int i = 0; i < argc && r == 0; i++)
		r = kube_archive_read(argv[i], &text, &len, err);
	if (r < 0)
		return r;
	if (r > 0 && argc > 1)
		return error_set(err, EINVAL, "an archive of an application is played alone");
	if (r > 0) {
		*ret_is_archive = true;
		kube_load_text(&input, argv[0], text, len, ret);
		return 0;
	}
	input.files = (struct strlist){ 0 };
	for (int i = 0; i < argc; i++)
		strlist_add(&input.files, argv[i]);
	r = kube_load(&input, ret, err);
	strlist_done(&input.files);
	return r;
}
