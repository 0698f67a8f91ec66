/* SPDX-License-Identifier: Apache-2.0 */
/*
 * detachkeys - a sequence looked for in what is typed.
 *
 * Theory of operation: as long as the bytes match they are kept back. At the first that does not, as
 * few as possible are let go: the longest end of them that begins the sequence anew stays, so that
 * ctrl-p ctrl-p ctrl-q is found, too.
 */
#include "cmd/podium/base/detachkeys.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cmd/podium/base/conf.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"

/* The byte of one key; -1: it is none. */
static int read_key(const char *word, size_t len)
{
	char c;

	if (len == 1)
		return (unsigned char)word[0];
	if (len != 6 || strncmp(word, "ctrl-", 5) != 0)
		return -1;
	c = word[5];
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 1;
	if (c == '@' || (c >= '[' && c <= '_'))
		return c - '@';
	return -1;
}

int detach_keys_parse(const char *text, struct detach_keys *ret, struct error *err)
{
	const char *word = text ? text : DETACH_KEYS_DEFAULT;

	*ret = (struct detach_keys){ 0 };
	while (*word) {
		size_t len = strcspn(word, ",");
		int key = read_key(word, len);

		if (key < 0)
			return error_set(err, EINVAL,
					 "detach keys '%.100s': '%.*s' is no key: give single "
					 "characters or ctrl-X, separated by commas",
					 text, (int)(len < 50 ? len : 50), word);
		if (ret->n == DETACH_KEYS_MAX)
			return error_set(err, EINVAL, "detach keys '%.100s': more than %d keys",
					 text, DETACH_KEYS_MAX);
		ret->keys[ret->n++] = (char)key;
		word += len;
		if (*word == ',' && *++word == '\0')
			return error_set(err, EINVAL,
					 "detach keys '%.100s': nothing follows the last comma",
					 text);
	}
	return 0;
}

int detach_keys_choose(const char *asked, struct detach_keys *ret, struct error *err)
{
	cleanup_containers_conf struct conf conf = { 0 };
	int r = 0;

	/* Nobody types into a pipe: the files are not opened for it. */
	if (!asked && isatty(STDIN_FILENO))
		r = containers_conf_load(&conf, err);
	return r < 0 ? r : detach_keys_parse(asked ? asked : conf.detach_keys, ret, err);
}

/* The keys and one byte more that does not go on with them: lets go what cannot be the beginning. */
static size_t let_go(struct detach_keys *k, char c, char *out)
{
	char typed[DETACH_KEYS_MAX + 1];
	size_t n = k->matched + 1, gone = 1;

	memcpy(typed, k->keys, k->matched);
	typed[k->matched] = c;
	while (gone < n && memcmp(typed + gone, k->keys, n - gone) != 0)
		gone++;
	memcpy(out, typed, gone);
	k->matched = n - gone;
	return gone;
}

size_t detach_keys_filter(struct detach_keys *k, const char *in, size_t len, char *out,
			  bool *ret_detached)
{
	size_t n = 0;

	*ret_detached = false;
	for (size_t i = 0; i < len; i++) {
		if (k->n == 0) {
			out[n++] = in[i];
		} else if (in[i] != k->keys[k->matched]) {
			n += let_go(k, in[i], out + n);
		} else if (++k->matched == k->n) {
			k->matched = 0;
			*ret_detached = true;
			return n;
		}
	}
	return n;
}
