/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user - who a container's processes are.
 *
 * Theory of operation: a user string is parsed once, strictly, into a number or a name that cannot
 * be mistaken for each other. The image's passwd and group files are opened below its root through
 * an O_PATH descriptor, must be regular, and are read whole up to a limit; a line is taken apart in
 * place. The list for setgroups(2) is always computed and always set: an empty one means empty, not
 * inherited. runAsNonRoot is checked on the final number, at every start.
 *
 * Limits: USER_FILE_MAX bytes a file, USER_LINE_MAX bytes a line, USER_GROUPS_MAX groups. A missing
 * file is an empty one. Runs in the starter's namespaces, with the container's root as descriptor.
 */
#include "engine/security/user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"

#define USER_FILE_MAX	(1024 * 1024)
#define USER_LINE_MAX	32768
#define USER_FIELDS_MAX 7

struct passwd_entry {
	bool found;
	char *name;
	uid_t uid;
	gid_t gid;
	char *home;
};

static bool is_all_digits(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return n > 0;
}

static bool is_name(const char *s, size_t n)
{
	if (n == 0 || s[0] == '-' || s[0] == '+')
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] <= ' ' || s[i] == 0x7f || s[i] == ':')
			return false;
	return true;
}

/* One half of a user string. */
static int parse_half(const char *s, size_t n, char name[256], uint32_t *ret_id, struct error *err)
{
	uint64_t id;

	if (n == 0 || n >= 256)
		return error_set(err, EINVAL, "empty or overlong");
	memcpy(name, s, n);
	name[n] = '\0';
	if (is_all_digits(s, n)) {
		if (parse_u64(name, USER_ID_MAX, &id) < 0)
			return error_set(err, EINVAL, "'%s' is not from 0 to %u", name,
					 USER_ID_MAX);
		*ret_id = (uint32_t)id;
		return 1;
	}
	/* "0x0", "1e3": what another program may read as a number is no name here. */
	if (!is_name(s, n) || (s[0] >= '0' && s[0] <= '9'))
		return error_set(err, EINVAL, "'%s' is neither a number nor a name", name);
	return 0;
}

int user_parse(const char *text, struct user_ref *ret, struct error *err)
{
	const char *colon;
	int r;

	memset(ret, 0, sizeof(*ret));
	if (is_empty(text))
		return 0;
	colon = strchr(text, ':');
	r = parse_half(text, colon ? (size_t)(colon - text) : strlen(text), ret->user_name,
		       &ret->uid, err);
	if (r < 0)
		return error_wrap(err, "user '%.100s'", text);
	ret->has_user = true;
	ret->user_is_number = r > 0;
	if (!colon)
		return 0;
	r = parse_half(colon + 1, strlen(colon + 1), ret->group_name, &ret->gid, err);
	if (r < 0)
		return error_wrap(err, "group of user '%.100s'", text);
	ret->has_group = true;
	ret->group_is_number = r > 0;
	return 0;
}

/* ---- the image's files ------------------------------------------------------------------ */

/* Reads etc/passwd or etc/group. A missing one gives "". */
static int read_user_file(int rootfd, const char *path, char **ret, struct error *err)
{
	struct error scratch;
	cleanup_close int fd = fs_open_in_root(rootfd, path, O_PATH, 0, &scratch);
	cleanup_close int readable = -EBADF;
	cleanup_free char *data = xmalloc(USER_FILE_MAX + 1);
	size_t len = 0;
	struct stat st;

	if (fd == -ENOENT || fd == -ENOTDIR) {
		*ret = xstrdup("");
		return 0;
	}
	if (fd < 0)
		return error_set(err, -fd, "%s", scratch.text);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return error_set(err, EINVAL, "'/%s' in the image is not a regular file", path);
	if (st.st_size > USER_FILE_MAX)
		return error_set(err, EFBIG, "'/%s' in the image is larger than %d bytes", path,
				 USER_FILE_MAX);
	readable = fs_reopen(fd, O_RDONLY | O_NONBLOCK | O_NOCTTY, err);
	if (readable < 0)
		return readable;
	while (len < USER_FILE_MAX) {
		ssize_t n = read(readable, data + len, USER_FILE_MAX - len);

		if (n < 0 && errno != EINTR)
			return error_errno(err, "read '/%s' in the image", path);
		if (n == 0)
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	data[len] = '\0';
	*ret = steal_ptr(&data);
	return 0;
}

/* Takes the next line off *cursor (NUL-terminated, in place); NULL at the end. */
static char *next_line(char **cursor)
{
	char *line = *cursor;
	size_t n = strcspn(line, "\n");

	if (!*line)
		return NULL;
	*cursor = line + n + (line[n] == '\n');
	line[n] = '\0';
	if (n > USER_LINE_MAX)
		line[0] = '\0';
	return line;
}

/* Splits a line at ':' in place. Returns the number of fields. */
static size_t split_fields(char *line, char *fields[USER_FIELDS_MAX])
{
	size_t n = 0;

	while (n < USER_FIELDS_MAX) {
		char *colon = strchr(line, ':');

		fields[n++] = line;
		if (!colon)
			break;
		*colon = '\0';
		line = colon + 1;
	}
	return n;
}

static bool parse_id(const char *s, uint32_t *ret)
{
	uint64_t v;

	if (parse_u64(s, USER_ID_MAX, &v) < 0)
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* Finds the first entry by name (name not NULL) or by number. */
static void find_user(char *passwd, const char *name, uid_t uid, struct passwd_entry *ret)
{
	char *line;

	memset(ret, 0, sizeof(*ret));
	while ((line = next_line(&passwd))) {
		char *f[USER_FIELDS_MAX];
		struct passwd_entry e = { .found = true };

		if (split_fields(line, f) < 6 || !is_name(f[0], strlen(f[0])) ||
		    !parse_id(f[2], &e.uid) || !parse_id(f[3], &e.gid))
			continue;
		if (name ? strcmp(name, f[0]) != 0 : uid != e.uid)
			continue;
		e.name = f[0];
		e.home = f[5];
		*ret = e;
		return;
	}
}

static bool is_member(const char *members, const char *name)
{
	size_t len = strlen(name);

	while (*members) {
		size_t n = strcspn(members, ",");

		if (n == len && strncmp(members, name, n) == 0)
			return true;
		members += n + (members[n] == ',');
	}
	return false;
}

int identity_add_group(struct identity *id, gid_t gid, struct error *err)
{
	for (size_t i = 0; i < id->n_groups; i++)
		if (id->groups[i] == gid)
			return 0;
	if (id->n_groups >= USER_GROUPS_MAX)
		return error_set(err, E2BIG, "more than %d groups", USER_GROUPS_MAX);
	id->groups = xreallocarray(id->groups, id->n_groups + 1, sizeof(*id->groups));
	id->groups[id->n_groups++] = gid;
	return 0;
}

/* Adds the groups that list `member`, and finds the number of `wanted` (either may be NULL). The text
 * stays as it is. */
static int scan_groups(const char *text, const char *member, const char *wanted,
		       struct identity *id, struct error *err)
{
	cleanup_free char *copy = xstrdup(text);
	char *line, *group = copy;
	bool found = !wanted;

	while ((line = next_line(&group))) {
		char *f[USER_FIELDS_MAX];
		gid_t gid;

		if (split_fields(line, f) < 4 || !parse_id(f[2], &gid))
			continue;
		if (!found && strcmp(f[0], wanted) == 0) {
			id->gid = gid;
			found = true;
		}
		if (member && is_member(f[3], member)) {
			int r = identity_add_group(id, gid, err);

			if (r < 0)
				return r;
		}
	}
	return found ? 0 : error_set(err, ENOENT, "no group '%s' in the image", wanted);
}

/* ---- resolving -------------------------------------------------------------------------- */

/* The user's number, primary group and home. *ret_entry points into passwd. */
static int resolve_user(const struct user_request *rq, const struct user_ref *ref, char *passwd,
			struct identity *id, struct passwd_entry *ret_entry, struct error *err)
{
	bool by_name = !rq->has_uid && ref->has_user && !ref->user_is_number;

	if (rq->has_uid)
		id->uid = rq->uid;
	else if (ref->has_user)
		id->uid = ref->uid;
	find_user(passwd, by_name ? ref->user_name : NULL, id->uid, ret_entry);
	if (by_name && !ret_entry->found)
		return error_set(err, ENOENT, "no user '%s' in the image", ref->user_name);
	id->has_passwd = ret_entry->found;
	if (ret_entry->found) {
		id->uid = ret_entry->uid;
		id->gid = ret_entry->gid;
	}
	id->home = xstrdup(ret_entry->found && ret_entry->home[0] == '/' ? ret_entry->home : "/");
	return 0;
}

static bool has_group_entry(const char *text, gid_t wanted)
{
	cleanup_free char *copy = xstrdup(text);
	char *line, *group = copy;

	while ((line = next_line(&group))) {
		char *f[USER_FIELDS_MAX];
		gid_t gid;

		if (split_fields(line, f) >= 3 && parse_id(f[2], &gid) && gid == wanted)
			return true;
	}
	return false;
}

/* Those of --group-add: a number is that number, a name must be in the image. */
static int add_named_groups(const struct strlist *list, const char *group, struct identity *id,
			    struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && list && i < list->n; i++) {
		struct identity one = { 0 };
		char name[256];

		r = parse_half(list->v[i], strlen(list->v[i]), name, &one.gid, err);
		if (r == 0)
			r = scan_groups(group, NULL, name, &one, err);
		if (r < 0)
			return error_wrap(err, "group '%.100s'", list->v[i]);
		r = identity_add_group(id, one.gid, err);
	}
	return r;
}

/* The supplementary list, the primary group first. */
static int resolve_groups(const struct user_request *rq, const struct user_ref *ref,
			  const char *group, const char *member, struct identity *id, struct error *err)
{
	bool named = !rq->has_gid && ref->has_group && !ref->group_is_number;
	struct identity found = { .gid = id->gid };
	int r;

	if (rq->has_gid)
		found.gid = rq->gid;
	else if (ref->has_group && ref->group_is_number && !rq->has_uid)
		found.gid = ref->gid;
	if ((ref->has_group && !rq->has_uid) || (rq->strict && !WEAKEN("ID-4")))
		member = NULL;
	r = scan_groups(group, member, named && !rq->has_uid ? ref->group_name : NULL, &found, err);
	if (r == 0)
		r = identity_add_group(id, found.gid, err);
	id->gid = found.gid;
	for (size_t i = 0; r == 0 && i < found.n_groups; i++)
		r = identity_add_group(id, found.groups[i], err);
	free(found.groups);
	for (size_t i = 0; r == 0 && rq->extra_groups && i < rq->extra_groups->n; i++) {
		gid_t gid;

		if (!parse_id(rq->extra_groups->v[i], &gid))
			return error_set(err, EINVAL, "supplemental group '%s' is not a number",
					 rq->extra_groups->v[i]);
		r = identity_add_group(id, gid, err);
	}
	if (r == 0 && rq->has_fs_group)
		r = identity_add_group(id, rq->fs_group, err);
	if (r == 0)
		r = add_named_groups(rq->named_groups, group, id, err);
	id->has_group = has_group_entry(group, id->gid);
	return r;
}

int user_resolve(int rootfd, const struct user_request *rq, struct identity *ret, struct error *err)
{
	cleanup_free char *passwd = NULL;
	cleanup_free char *group = NULL;
	struct passwd_entry entry;
	struct user_ref ref;
	int r = user_parse(rq->image_user, &ref, err);

	memset(ret, 0, sizeof(*ret));
	if (r < 0)
		return r;
	r = read_user_file(rootfd, "etc/passwd", &passwd, err);
	if (r == 0)
		r = read_user_file(rootfd, "etc/group", &group, err);
	if (r == 0)
		r = resolve_user(rq, &ref, passwd, ret, &entry, err);
	if (r == 0)
		r = resolve_groups(rq, &ref, group, entry.found ? entry.name : NULL, ret, err);
	if (r == 0 && rq->non_root && ret->uid == 0)
		r = error_set(err, ENOKEY,
			      "must not run as root (runAsNonRoot), and its user is 0: set "
			      "runAsUser, or take an image with a user of its own");
	if (r < 0)
		identity_done(ret);
	return r;
}

void identity_done(struct identity *id)
{
	free(id->groups);
	free(id->home);
	memset(id, 0, sizeof(*id));
}

int identity_assume(const struct identity *id, struct error *err)
{
	if (!WEAKEN("ID-5") && setgroups(id->n_groups, id->groups) < 0)
		return error_errno(err, "set %zu groups", id->n_groups);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return error_errno(err, "keep capabilities");
	if (setresgid(id->gid, id->gid, id->gid) < 0)
		return error_errno(err, "set group %u", (unsigned int)id->gid);
	if (setresuid(id->uid, id->uid, id->uid) < 0)
		return error_errno(err, "set user %u", (unsigned int)id->uid);
	return 0;
}
