/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recordcheck - the records of volumes, secrets and networks, and what of the networks nobody uses.
 *
 * Theory of operation: every record is read. One that cannot be read is damage that nobody here can mend
 * without the user's data: it is named and left, whatever was asked. A folder without a record is what a
 * killed command has left: it holds nothing that anybody can name, and goes with --repair, but for a
 * volume's that has content. Of networks, podium-net looks at what runs (netcheck.h).
 */
#include "cmd/podium/system/recordcheck.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/podium/base/format.h"
#include "cmd/podium/network/nethelper.h"
#include "engine/base/fs.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/data/secret.h"
#include "engine/net/netconf.h"
#include "engine/volumes/named.h"

#define LOCK_MS 30000

struct check {
	const struct store *s;
	bool repair;
	struct recordcheck *found;
};

static void print(const char *word, const char *kind, const char *name, const char *text)
{
	cleanup_free char *line =
		xasprintf("%s: %s %s%s%s", word, kind, name, text ? ": " : "", text ? text : "");

	format_print_line(line);
}

static void tell_damage(struct check *c, const char *kind, const char *name, const char *text)
{
	c->found->damaged++;
	print("Damaged", kind, name, text);
}

/* ---- folders with a record -------------------------------------------------------------- */

struct kind {
	const char *name;   /* "volume" */
	const char *folder; /* below ROOT */
	const char *record;
	const char *lock;    /* of who makes or removes one */
	const char *content; /* a folder that is not thrown away unless it is empty; NULL: none */
};

static bool is_empty_folder(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			return false;
	return d || errno == ENOENT;
}

static int check_folder(struct check *c, const struct kind *k, int parent, const char *name,
			struct error *err)
{
	cleanup_close int fd =
		openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int r;

	if (fd < 0 || faccessat(fd, k->record, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (k->content && !is_empty_folder(fd, k->content)) {
		tell_damage(c, k->name, name, "it has content and no record");
		return 0;
	}
	if (!c->repair) {
		c->found->incomplete++;
		print("Incomplete", k->name, name, NULL);
		return 0;
	}
	r = fs_remove_tree(parent, name, err);
	if (r == 0)
		print("Removed", k->name, name, NULL);
	return r;
}

static int check_folders(struct check *c, const struct kind *k, struct error *err)
{
	cleanup_close int lock = lock_take(c->s->rootfd, k->lock, LOCK_EXCLUSIVE, LOCK_MS, err);
	int fd = openat(c->s->rootfd, k->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	int r = lock < 0 ? lock : 0;

	while (d && r == 0 && (e = readdir(d)))
		if (*e->d_name != '.')
			r = check_folder(c, k, fd, e->d_name, err);
	return r;
}

/* ---- records ---------------------------------------------------------------------------- */

static int check_volumes(struct check *c, struct error *err)
{
	static const struct kind kind = { "volume", "volumes", "volume.json", "locks/volumes",
					  "_data" };
	cleanup_strlist struct strlist names = { 0 };
	int r;

	if (c->repair)
		named_volume_sweep(c->s);
	r = check_folders(c, &kind, err);
	if (r == 0)
		r = named_volume_list(c->s, &names, err);
	for (size_t i = 0; i < names.n && r == 0; i++) {
		cleanup_named_volume struct named_volume v = { 0 };
		struct error why = { 0 };

		if (named_volume_read(c->s, names.v[i], &v, &why) < 0)
			tell_damage(c, "volume", names.v[i], why.text);
	}
	return r;
}

static int check_secrets(struct check *c, struct error *err)
{
	static const struct kind kind = { "secret", "secrets/.made", "secret.json", "locks/secrets",
					  NULL };
	cleanup_secret_list struct secret_list all = { 0 };
	int r = check_folders(c, &kind, err);

	if (r == 0)
		r = secret_list(c->s, &all, err);
	for (size_t i = 0; i < all.n && r == 0; i++) {
		const struct secret_record *rec = &all.v[i];
		struct error why = { 0 };
		char *bytes = NULL;
		size_t len = 0;

		if (rec->namespace_)
			continue; /* read as a whole when it is listed */
		if (is_empty(rec->id))
			tell_damage(c, "secret", rec->name, "its record cannot be read");
		else if (secret_read(c->s, rec->name, &bytes, &len, &why) < 0)
			tell_damage(c, "secret", rec->name, why.text);
		else
			secret_bytes_free(bytes, len);
	}
	return r;
}

static int check_networks(struct check *c, struct error *err)
{
	cleanup_strlist struct strlist names = { 0 }, unused = { 0 };
	int r = network_conf_list(c->s, &names, err);

	for (size_t i = 0; i < names.n && r == 0; i++) {
		cleanup_network_conf struct network_conf conf = { 0 };
		struct error why = { 0 };

		if (network_conf_read(c->s, names.v[i], &conf, &why) < 0)
			tell_damage(c, "network", names.v[i], why.text);
	}
	if (r == 0)
		r = nethelper_check(c->s, c->repair, &unused, err);
	for (size_t i = 0; i < unused.n && r == 0; i++) {
		cleanup_free char *line =
			xasprintf("%s: %s", c->repair ? "Removed" : "Unused", unused.v[i]);

		c->found->incomplete += !c->repair;
		format_print_line(line);
	}
	return r;
}

int recordcheck(const struct store *s, bool repair, struct recordcheck *ret, struct error *err)
{
	struct check c = { .s = s, .repair = repair, .found = ret };
	int r = check_volumes(&c, err);

	if (r == 0)
		r = check_secrets(&c, err);
	return r < 0 ? r : check_networks(&c, err);
}
