/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mountwords - the option words of a mount.
 *
 * Theory of operation: every word is in one of the tables below or is refused; nothing of a word
 * becomes part of an option string of the kernel's: what is the file system's goes to it one by one
 * (mount.h). Two words that contradict each other are refused, the same one twice is not.
 */
#include "engine/rootfs/mountwords.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "engine/base/mem.h"

#define WORD_MAX 4096

static const struct {
	const char *word;
	uint64_t set, clear;
} attribute_words[] = {
	{ "ro", MOUNT_ATTR_RDONLY, 0 },
	{ "rw", 0, MOUNT_ATTR_RDONLY },
	{ "nosuid", MOUNT_ATTR_NOSUID, 0 },
	{ "suid", 0, MOUNT_ATTR_NOSUID },
	{ "nodev", MOUNT_ATTR_NODEV, 0 },
	{ "dev", 0, MOUNT_ATTR_NODEV },
	{ "noexec", MOUNT_ATTR_NOEXEC, 0 },
	{ "exec", 0, MOUNT_ATTR_NOEXEC },
};

static const struct {
	const char *word;
	uint64_t propagation;
} propagation_words[] = {
	{ "private", MS_PRIVATE }, { "rprivate", MS_PRIVATE }, { "slave", MS_SLAVE },
	{ "rslave", MS_SLAVE },	   { "shared", MS_SHARED },    { "rshared", MS_SHARED },
};

/* Keys that are the file system's own. */
static const char *const tmpfs_keys[] = { "size",      "mode",	    "uid",  "gid",
					  "nr_inodes", "nr_blocks", "huge", NULL };
static const char *const proc_keys[] = { "hidepid", "gid", "subset", NULL };

void mount_words_done(struct mount_words *w)
{
	pairlist_done(&w->fs);
	free(w->upper_dir);
	free(w->work_dir);
	free(w->uids);
	free(w->gids);
	memset(w, 0, sizeof(*w));
}

static int contradicts(const char *word, struct error *err)
{
	return error_set(err, EINVAL, "option '%.100s' contradicts another one", word);
}

/* 1 when it was one of those. */
static int add_attribute(struct mount_words *w, const char *word, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(attribute_words); i++) {
		uint64_t set = attribute_words[i].set, clear = attribute_words[i].clear;

		if (strcmp(attribute_words[i].word, word) != 0)
			continue;
		if ((w->set & clear) || (w->clear & set))
			return contradicts(word, err);
		w->set |= set;
		w->clear |= clear;
		return 1;
	}
	return 0;
}

static int add_propagation(struct mount_words *w, const char *word, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(propagation_words); i++) {
		uint64_t p = propagation_words[i].propagation;

		if (strcmp(propagation_words[i].word, word) != 0)
			continue;
		if (w->propagation && w->propagation != p)
			return contradicts(word, err);
		w->propagation = p;
		return 1;
	}
	return 0;
}

static int take(char **to, const char *key, const char *value, struct error *err)
{
	if (is_empty(value))
		return error_set(err, EINVAL, "option '%s' needs a value", key);
	if (*to && strcmp(*to, value) != 0)
		return contradicts(key, err);
	free(*to);
	*to = xstrdup(value);
	return 1;
}

/* "uids=0-1000-1;gids=0-1000-1" */
static int add_idmap(struct mount_words *w, const char *text, struct error *err)
{
	w->idmap = true;
	while (*text) {
		size_t n = strcspn(text, ";");
		cleanup_free char *part = xstrndup(text, n);
		int r;

		if (is_prefix(part, "uids="))
			r = take(&w->uids, "idmap=uids", part + strlen("uids="), err);
		else if (is_prefix(part, "gids="))
			r = take(&w->gids, "idmap=gids", part + strlen("gids="), err);
		else
			r = error_set(err, EINVAL,
				      "option 'idmap': '%.100s' is neither 'uids=...' "
				      "nor 'gids=...'",
				      part);
		if (r < 0)
			return r;
		text += n + (text[n] == ';');
	}
	return 1;
}

static int add_volume_word(struct mount_words *w, const char *word, struct error *err)
{
	const struct {
		const char *word;
		bool *flag;
	} flags[] = { { "U", &w->chown },     { "z", &w->relabel },   { "Z", &w->relabel },
		      { "O", &w->overlay },   { "idmap", &w->idmap }, { "nocopy", &w->no_copy },
		      { "bind", &w->single }, { "rbind", NULL },      { "copy", NULL } };

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (strcmp(flags[i].word, word) != 0)
			continue;
		if (flags[i].flag)
			*flags[i].flag = true;
		return 1;
	}
	if (is_prefix(word, "upperdir="))
		return take(&w->upper_dir, "upperdir", word + strlen("upperdir="), err);
	if (is_prefix(word, "workdir="))
		return take(&w->work_dir, "workdir", word + strlen("workdir="), err);
	if (is_prefix(word, "idmap="))
		return add_idmap(w, word + strlen("idmap="), err);
	return 0;
}

static int add_fs_word(struct mount_words *w, const char *const *keys, const char *word,
		       struct error *err)
{
	size_t n = strcspn(word, "=");
	cleanup_free char *key = xstrndup(word, n);

	for (; *keys; keys++) {
		if (strcmp(*keys, key) != 0)
			continue;
		if (!word[n] || !word[n + 1])
			return error_set(err, EINVAL, "option '%s' needs a value", key);
		pairlist_set(&w->fs, key, word + n + 1);
		return 1;
	}
	return 0;
}

static int add_tmpfs_word(struct mount_words *w, const char *word, struct error *err)
{
	if (strcmp(word, "tmpcopyup") == 0)
		return 1;
	if (strcmp(word, "notmpcopyup") == 0)
		w->no_copy = true;
	else if (strcmp(word, "nocopy") == 0)
		w->no_copy = true;
	else if (strcmp(word, "U") == 0)
		w->chown = true;
	else
		return add_fs_word(w, tmpfs_keys, word, err);
	return 1;
}

int mount_words_add(struct mount_words *w, enum mount_words_kind kind, const char *word,
		    struct error *err)
{
	int r;

	if (strlen(word) > WORD_MAX)
		return error_set(err, EINVAL, "an option is longer than %d bytes", WORD_MAX);
	r = add_attribute(w, word, err);
	if (r == 0 && kind != MOUNT_WORDS_PROC)
		r = add_propagation(w, word, err);
	if (r == 0 && kind == MOUNT_WORDS_VOLUME)
		r = add_volume_word(w, word, err);
	else if (r == 0 && kind == MOUNT_WORDS_TMPFS)
		r = add_tmpfs_word(w, word, err);
	else if (r == 0)
		r = add_fs_word(w, proc_keys, word, err);
	if (r == 0)
		return error_set(err, EINVAL, "there is no option '%.100s'", word);
	return r < 0 ? r : 0;
}

int mount_words_split(struct mount_words *w, enum mount_words_kind kind, const char *text,
		      struct error *err)
{
	while (text && *text) {
		size_t n = strcspn(text, ",");
		cleanup_free char *word = xstrndup(text, n);
		int r = n ? mount_words_add(w, kind, word, err) : 0;

		if (r < 0)
			return r;
		text += n + (text[n] == ',');
	}
	return 0;
}

uint64_t mount_words_attrs(const struct mount_words *w, uint64_t defaults)
{
	return (defaults & ~w->clear) | w->set;
}
