/* SPDX-License-Identifier: Apache-2.0 */
/*
 * userline - a line for a user or a group that an image's files have not got.
 *
 * Theory of operation: a pattern is walked once and each known word is replaced by its value, which
 * is never looked at again. No line may hold a control character, so one line never becomes two; what
 * comes from the image (a working directory) may not hold a colon either, so that it is one field.
 */
#include "engine/process/userline.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"

#define LINE_MAX_BYTES 8192
#define PASSWD_PATTERN "$USERNAME:*:$UID:$GID:$NAME:$HOME:/bin/sh"
#define GROUP_PATTERN  "$GROUPNAME:x:$GID:$USERLIST"

struct word {
	const char *name; /* with its '$'; a longer one before one that it begins with */
	const char *value;
};

static bool is_clean(const char *text, bool is_field)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f || (is_field && *text == ':'))
			return false;
	return true;
}

static const struct word *word_at(const struct word *words, const char *text)
{
	for (; words->name; words++)
		if (is_prefix(text, words->name))
			return words;
	return NULL;
}

static int fill_in(const char *what, const char *pattern, const struct word *words, char **ret,
		   struct error *err)
{
	cleanup_buf struct buf out = BUF_INIT(LINE_MAX_BYTES);
	size_t n = strlen(pattern);

	for (const struct word *w = words; w->name; w++)
		if (!is_clean(w->value, true) && !WEAKEN("ID-10"))
			return error_set(err, EINVAL,
					 "%s: %s has a control character or a colon in it", what,
					 w->name + 1);
	while (n > 0 && pattern[n - 1] == '\n')
		n--;
	for (size_t i = 0; i < n;) {
		const struct word *w = word_at(words, pattern + i);

		if (w)
			buf_adds(&out, w->value);
		else
			buf_addc(&out, pattern[i]);
		i += w ? strlen(w->name) : 1;
	}
	if (out.overflow)
		return error_set(err, E2BIG, "%s is longer than %d bytes", what, LINE_MAX_BYTES);
	if (!out.data || (!is_clean(out.data, false) && !WEAKEN("ID-10")))
		return error_set(err, EINVAL, "%s is not one line of text", what);
	*ret = buf_steal(&out);
	return 0;
}

int userline_passwd(const struct identity *who, const char *pattern, const char *home, char **ret,
		    struct error *err)
{
	char uid[16], gid[16];
	const struct word words[] = { { "$USERNAME", uid }, { "$UID", uid },
				      { "$GID", gid },	    { "$NAME", "container user" },
				      { "$HOME", home },    { NULL, NULL } };

	(void)snprintf(uid, sizeof(uid), "%u", (unsigned int)who->uid);
	(void)snprintf(gid, sizeof(gid), "%u", (unsigned int)who->gid);
	return fill_in("the entry of /etc/passwd", is_empty(pattern) ? PASSWD_PATTERN : pattern,
		       words, ret, err);
}

int userline_group(const struct identity *who, const char *pattern, char **ret, struct error *err)
{
	char uid[16], gid[16];
	const struct word words[] = {
		{ "$GROUPNAME", gid }, { "$GID", gid }, { "$USERLIST", uid }, { NULL, NULL }
	};

	(void)snprintf(uid, sizeof(uid), "%u", (unsigned int)who->uid);
	(void)snprintf(gid, sizeof(gid), "%u", (unsigned int)who->gid);
	return fill_in("the entry of /etc/group", is_empty(pattern) ? GROUP_PATTERN : pattern,
		       words, ret, err);
}
