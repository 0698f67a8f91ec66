/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile - compiles a seccomp profile that somebody wrote.
 *
 * Theory of operation: the JSON is read whole and checked strictly: a member, an action, an
 * operator or an architecture that is not known here would mean a rule that does something else
 * than its author thinks, so each is an error with its place ("syscalls[3].args[0].op"). Members
 * known to carry no meaning ("comment") are allowed. The includes and excludes of a rule are
 * decided against the container's capabilities, this machine's architecture and the running
 * kernel's version; what is left becomes rules of libseccomp, which writes the program.
 *
 *	defaultAction, defaultErrnoRet|defaultErrno   what happens to a call without a rule
 *	architectures | archMap                       the native one, and what is listed beside it
 *	syscalls[]    names|name, action, errnoRet|errno, args[], includes, excludes, comment
 *
 * A call that this libseccomp does not know (a newer one, another architecture's) is left out, as
 * every other engine does: it then gets the default action. SCMP_ACT_NOTIFY needs a supervisor
 * that nobody provides and is refused, as are filter flags but those that are the case anyway. Two
 * conditions on one argument in one rule are refused: what they mean differs between engines.
 *
 * A call of an architecture that the profile does not list kills the process.
 *
 * Limits: PROFILE_MAX_BYTES by the caller, PROFILE_MAX_RULES rules, 4096 instructions (the
 * kernel's). Links libseccomp and jansson; no privileges.
 */
#include "cmd/podium-seccomp/profile.h"

#include <errno.h>
#include <jansson.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd/podium-seccomp/emit.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/security/caps.h"
#include "engine/security/default_profile.h"

#define PROFILE_MAX_RULES 20000
#define ERRNO_MAX	  4095
#define ERRNO_NAMES	  200
#define WHERE_MAX	  80

#if defined(__x86_64__)
#define NATIVE_GO_ARCH "amd64"
#elif defined(__aarch64__)
#define NATIVE_GO_ARCH "arm64"
#endif

struct compiler {
	const struct profile_target *target;
	scmp_filter_ctx ctx;
	uint32_t default_action;
	size_t n_rules;
};

/* ---- words ------------------------------------------------------------------------------ */

struct word {
	const char *name;
	uint32_t value;
};

static const struct word actions[] = {
	{ "SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
	{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
	{ "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0) },
	{ "SCMP_ACT_TRACE", SCMP_ACT_TRACE(0) },
	{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
	{ "SCMP_ACT_LOG", SCMP_ACT_LOG },
};
static const struct word operators[] = {
	{ "SCMP_CMP_NE", SCMP_CMP_NE },
	{ "SCMP_CMP_LT", SCMP_CMP_LT },
	{ "SCMP_CMP_LE", SCMP_CMP_LE },
	{ "SCMP_CMP_EQ", SCMP_CMP_EQ },
	{ "SCMP_CMP_GE", SCMP_CMP_GE },
	{ "SCMP_CMP_GT", SCMP_CMP_GT },
	{ "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
};
static const struct word architectures[] = {
	{ "SCMP_ARCH_NATIVE", SCMP_ARCH_NATIVE },
	{ "SCMP_ARCH_X86", SCMP_ARCH_X86 },
	{ "SCMP_ARCH_X86_64", SCMP_ARCH_X86_64 },
	{ "SCMP_ARCH_X32", SCMP_ARCH_X32 },
	{ "SCMP_ARCH_ARM", SCMP_ARCH_ARM },
	{ "SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64 },
	{ "SCMP_ARCH_MIPS", SCMP_ARCH_MIPS },
	{ "SCMP_ARCH_MIPS64", SCMP_ARCH_MIPS64 },
	{ "SCMP_ARCH_MIPS64N32", SCMP_ARCH_MIPS64N32 },
	{ "SCMP_ARCH_MIPSEL", SCMP_ARCH_MIPSEL },
	{ "SCMP_ARCH_MIPSEL64", SCMP_ARCH_MIPSEL64 },
	{ "SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32 },
	{ "SCMP_ARCH_PPC", SCMP_ARCH_PPC },
	{ "SCMP_ARCH_PPC64", SCMP_ARCH_PPC64 },
	{ "SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE },
	{ "SCMP_ARCH_S390", SCMP_ARCH_S390 },
	{ "SCMP_ARCH_S390X", SCMP_ARCH_S390X },
	{ "SCMP_ARCH_PARISC", SCMP_ARCH_PARISC },
	{ "SCMP_ARCH_PARISC64", SCMP_ARCH_PARISC64 },
	{ "SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64 },
};
/* A newer libseccomp's: nothing of theirs can run here, so a list may name them. */
static const char *const foreign_architectures[] = { "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K",
						     "SCMP_ARCH_SH", "SCMP_ARCH_SHEB" };
static const char *const go_architectures[] = {
	"386",	  "amd64",    "amd64p32",    "arm",    "arm64",	    "loong64",	 "mips",
	"mips64", "mips64le", "mipsle",	     "ppc",    "ppc64",	    "ppc64le",	 "riscv64",
	"s390",	  "s390x",    "x32",	     "x86",    "mips64n32", "mips64p32", "mips64p32le",
	"mipsel", "mipsel64", "mipsel64n32", "parisc", "parisc64",
};

static const struct word *find_word(const struct word *words, size_t n, const char *name)
{
	for (size_t i = 0; name && i < n; i++)
		if (strcmp(words[i].name, name) == 0)
			return &words[i];
	return NULL;
}

static bool is_listed(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

/* ---- shape ------------------------------------------------------------------------------ */

/* Refuses a member that is not in the list (ends with NULL). */
static int check_members(json_t *obj, const char *const *known, const char *where,
			 struct error *err)
{
	const char *key;
	json_t *value;

	if (!json_is_object(obj))
		return error_set(err, EINVAL, "%s is not an object", where);
	json_object_foreach (obj, key, value) {
		size_t i = 0;

		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (!known[i])
			return error_set(err, EINVAL, "%s: '%.60s' is not known here", where, key);
	}
	return 0;
}

/* A list of strings, absent or null: none. */
static int check_strings(json_t *list, const char *where, const char *name, struct error *err)
{
	size_t i;
	json_t *v;

	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list))
		return error_set(err, EINVAL, "%s.%s is not a list", where, name);
	json_array_foreach (list, i, v)
		if (!json_is_string(v))
			return error_set(err, EINVAL, "%s.%s[%zu] is not a string", where, name, i);
	return 0;
}

/* An error number by number or by name; -1: neither. */
static int read_errno(json_t *obj, const char *number, const char *name, const char *where,
		      int *ret, struct error *err)
{
	json_t *n = json_object_get(obj, number);
	json_t *s = json_object_get(obj, name);
	int by_name = -1;

	*ret = -1;
	if (s && !json_is_null(s)) {
		if (!json_is_string(s))
			return error_set(err, EINVAL, "%s.%s is not a string", where, name);
		for (int e = 1; e < ERRNO_NAMES && by_name < 0; e++)
			if (is_equal(strerrorname_np(e), json_string_value(s)))
				by_name = e;
		if (by_name < 0 && json_string_length(s))
			return error_set(err, EINVAL, "%s.%s: no error is called '%.40s'", where,
					 name, json_string_value(s));
		*ret = by_name;
	}
	if (!n || json_is_null(n))
		return 0;
	if (!json_is_integer(n) || json_integer_value(n) < 0 || json_integer_value(n) > ERRNO_MAX)
		return error_set(err, EINVAL, "%s.%s is no error number", where, number);
	*ret = (int)json_integer_value(n);
	if (by_name >= 0 && by_name != *ret)
		return error_set(err, EINVAL, "%s: '%s' and '%s' differ", where, number, name);
	return 0;
}

static int read_action(const char *name, int number, const char *where, uint32_t *ret,
		       struct error *err)
{
	const struct word *w = find_word(actions, ARRAY_SIZE(actions), name);

	if (is_equal(name, "SCMP_ACT_NOTIFY"))
		return error_set(err, ENOTSUP,
				 "%s: 'SCMP_ACT_NOTIFY' needs a supervisor, and there is none",
				 where);
	if (!w)
		return error_set(err, EINVAL, "%s: action '%.40s' is not known here", where,
				 name ? name : "");
	if (number < 0)
		number = EPERM;
	*ret = w->value;
	if (w->value == SCMP_ACT_ERRNO(0))
		*ret = SCMP_ACT_ERRNO((uint32_t)number);
	if (w->value == SCMP_ACT_TRACE(0))
		*ret = SCMP_ACT_TRACE((uint32_t)number);
	return 0;
}

/* ---- architectures ---------------------------------------------------------------------- */

static int find_arch(json_t *v, const char *where, uint32_t *ret, struct error *err)
{
	const char *name = json_string_value(v);
	const struct word *w = find_word(architectures, ARRAY_SIZE(architectures), name);

	*ret = UINT32_MAX;
	if (w)
		*ret = w->value;
	else if (!name ||
		 !is_listed(foreign_architectures, ARRAY_SIZE(foreign_architectures), name))
		return error_set(err, EINVAL, "%s: architecture '%.40s' is not known here", where,
				 name ? name : "");
	return 0;
}

/* True for what this kernel can execute beside its own. */
static bool is_compatible(uint32_t arch)
{
#if defined(__x86_64__)
	return arch == SCMP_ARCH_X86 || arch == SCMP_ARCH_X32;
#else
	return arch == SCMP_ARCH_ARM;
#endif
}

static int add_arch(struct compiler *c, json_t *v, const char *where, struct error *err)
{
	uint32_t arch;
	int r = find_arch(v, where, &arch, err);

	if (r < 0 || !is_compatible(arch))
		return r;
	r = seccomp_arch_add(c->ctx, arch);
	return r < 0 && r != -EEXIST ? error_set(err, -r, "%s: %s", where, strerror(-r)) : 0;
}

/* archMap: the list beside our own architecture. */
static int add_arch_map(struct compiler *c, json_t *map, struct error *err)
{
	static const char *const known[] = { "architecture", "subArchitectures", NULL };
	size_t i, k;
	json_t *entry, *sub;

	json_array_foreach (map, i, entry) {
		char where[WHERE_MAX];
		uint32_t arch;
		int r;

		(void)snprintf(where, sizeof(where), "archMap[%zu]", i);
		r = check_members(entry, known, where, err);
		if (r == 0)
			r = find_arch(json_object_get(entry, "architecture"), where, &arch, err);
		if (r == 0)
			r = check_strings(json_object_get(entry, "subArchitectures"), where,
					  "subArchitectures", err);
		if (r < 0)
			return r;
		json_array_foreach (json_object_get(entry, "subArchitectures"), k, sub) {
			uint32_t ignored;

			r = arch == seccomp_arch_native() ? add_arch(c, sub, where, err)
							  : find_arch(sub, where, &ignored, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int add_architectures(struct compiler *c, json_t *top, struct error *err)
{
	json_t *list = json_object_get(top, "architectures"), *v;
	json_t *map = json_object_get(top, "archMap");
	bool has_list = json_array_size(list) > 0, has_map = json_array_size(map) > 0;
	size_t i;
	int r = check_strings(list, "profile", "architectures", err);

	if (r < 0)
		return r;
	if (map && !json_is_null(map) && !json_is_array(map))
		return error_set(err, EINVAL, "profile.archMap is not a list");
	if (has_list && has_map)
		return error_set(err, EINVAL, "'architectures' and 'archMap' exclude each other");
	json_array_foreach (list, i, v) {
		r = add_arch(c, v, "architectures", err);
		if (r < 0)
			return r;
	}
	return has_map ? add_arch_map(c, map, err) : 0;
}

/* ---- includes and excludes -------------------------------------------------------------- */

/* How many of the listed capabilities the container has, and how many are listed. */
static int count_caps(const struct compiler *c, json_t *list, const char *where, size_t *ret_held,
		      struct error *err)
{
	size_t i;
	json_t *v;

	*ret_held = 0;
	json_array_foreach (list, i, v) {
		int cap = caps_parse_name(json_string_value(v), err);

		if (cap < 0)
			return error_wrap(err, "%s.caps", where);
		*ret_held += (c->target->caps >> cap) & 1;
	}
	return 0;
}

static int has_native_arch(json_t *list, const char *where, bool *ret, struct error *err)
{
	size_t i;
	json_t *v;

	*ret = false;
	json_array_foreach (list, i, v) {
		const char *name = json_string_value(v);

		if (!is_listed(go_architectures, ARRAY_SIZE(go_architectures), name))
			return error_set(err, EINVAL,
					 "%s.arches: architecture '%.40s' is not known here", where,
					 name);
		*ret = *ret || strcmp(name, NATIVE_GO_ARCH) == 0;
	}
	return 0;
}

/* "4.8" */
static int is_kernel_new_enough(const struct compiler *c, json_t *v, const char *where, bool *ret,
				struct error *err)
{
	unsigned int major, minor;
	char rest;

	*ret = true;
	if (!v || json_is_null(v) || (json_is_string(v) && !json_string_length(v)))
		return 0;
	if (!json_is_string(v) ||
	    sscanf(json_string_value(v), "%5u.%5u%c", &major, &minor, &rest) != 2)
		return error_set(err, EINVAL, "%s.minKernel is not like \"4.8\"", where);
	*ret = c->target->kernel[0] > major ||
	       (c->target->kernel[0] == major && c->target->kernel[1] >= minor);
	return 0;
}

/* Whether the rule is for this container on this machine. `include`: all conditions must hold;
 * else none may. */
static int check_condition(const struct compiler *c, json_t *obj, bool include, const char *where,
			   bool *ret, struct error *err)
{
	static const char *const known[] = { "caps", "arches", "minKernel", NULL };
	json_t *caps = json_object_get(obj, "caps"), *arches = json_object_get(obj, "arches");
	bool native = false, new_enough = true;
	size_t held = 0;
	int r;

	*ret = true;
	if (!obj || json_is_null(obj))
		return 0;
	r = check_members(obj, known, where, err);
	if (r == 0)
		r = check_strings(caps, where, "caps", err);
	if (r == 0)
		r = check_strings(arches, where, "arches", err);
	if (r == 0)
		r = count_caps(c, caps, where, &held, err);
	if (r == 0)
		r = has_native_arch(arches, where, &native, err);
	if (r == 0)
		r = is_kernel_new_enough(c, json_object_get(obj, "minKernel"), where, &new_enough,
					 err);
	if (r < 0)
		return r;
	if (include)
		*ret = held == json_array_size(caps) && (native || !json_array_size(arches)) &&
		       new_enough;
	else
		*ret = held == 0 && !native && (!new_enough || !json_object_get(obj, "minKernel"));
	return 0;
}

/* ---- rules ------------------------------------------------------------------------------ */

static int read_u64(json_t *obj, const char *key, const char *where, uint64_t *ret,
		    struct error *err)
{
	json_t *v = json_object_get(obj, key);

	*ret = 0;
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return error_set(err, EINVAL, "%s.%s is not a number from 0", where, key);
	*ret = (uint64_t)json_integer_value(v);
	return 0;
}

static int read_arg(json_t *obj, const char *where, struct scmp_arg_cmp *ret, struct error *err)
{
	static const char *const known[] = { "index", "value", "valueTwo", "op", NULL };
	const struct word *op;
	uint64_t index, value, second;
	int r = check_members(obj, known, where, err);

	if (r == 0)
		r = read_u64(obj, "index", where, &index, err);
	if (r == 0)
		r = read_u64(obj, "value", where, &value, err);
	if (r == 0)
		r = read_u64(obj, "valueTwo", where, &second, err);
	if (r < 0)
		return r;
	op = find_word(operators, ARRAY_SIZE(operators), jget_str(obj, "op"));
	if (!op)
		return error_set(err, EINVAL, "%s.op: '%.40s' is not known here", where,
				 jget_str(obj, "op") ? jget_str(obj, "op") : "");
	if (index > 5 || !json_object_get(obj, "index"))
		return error_set(err, EINVAL, "%s.index is not from 0 to 5", where);
	*ret = (struct scmp_arg_cmp){ .arg = (unsigned int)index,
				      .op = (enum scmp_compare)op->value,
				      .datum_a = value,
				      .datum_b = second };
	return 0;
}

static int read_args(json_t *list, const char *where, struct scmp_arg_cmp args[6],
		     unsigned int *ret_n, struct error *err)
{
	bool seen[6] = { false };
	size_t i;
	json_t *v;

	*ret_n = 0;
	if (list && !json_is_null(list) && !json_is_array(list))
		return error_set(err, EINVAL, "%s.args is not a list", where);
	json_array_foreach (list, i, v) {
		char place[WHERE_MAX + 32];
		struct scmp_arg_cmp arg;
		int r;

		(void)snprintf(place, sizeof(place), "%s.args[%zu]", where, i);
		r = read_arg(v, place, &arg, err);
		if (r < 0)
			return r;
		if (seen[arg.arg])
			return error_set(err, EINVAL,
					 "%s: a second condition on argument %u in one rule", place,
					 arg.arg);
		seen[arg.arg] = true;
		args[(*ret_n)++] = arg;
	}
	return 0;
}

struct rule {
	uint32_t action;
	struct scmp_arg_cmp args[6];
	unsigned int n_args;
};

static int add_rule(struct compiler *c, const char *name, const struct rule *rule,
		    const char *where, struct error *err)
{
	int nr = seccomp_syscall_resolve_name(name), r;

	for (size_t i = 0; nr == __NR_SCMP_ERROR && i < ARRAY_SIZE(profile_numbers); i++)
		if (strcmp(profile_numbers[i].name, name) == 0)
			nr = profile_numbers[i].number;
	if (nr == __NR_SCMP_ERROR || rule->action == c->default_action)
		return 0;
	if (++c->n_rules > PROFILE_MAX_RULES)
		return error_set(err, E2BIG, "more than %d rules", PROFILE_MAX_RULES);
	r = seccomp_rule_add_array(c->ctx, rule->action, nr, rule->n_args, rule->args);
	/* The same rule twice, or one that an earlier one holds. */
	if (r == -EEXIST)
		return 0;
	return r < 0 ? error_set(err, -r, "%s: rule for '%.60s': %s", where, name, strerror(-r))
		     : 0;
}

static int read_rule(const struct compiler *c, json_t *obj, const char *where, struct rule *ret,
		     bool *ret_applies, struct error *err)
{
	static const char *const known[] = { "names", "name",	  "action",   "errnoRet", "errno",
					     "args",  "includes", "excludes", "comment",  NULL };
	char place[WHERE_MAX + 32];
	bool included = false, excluded = false;
	int number = -1, r = check_members(obj, known, where, err);

	*ret_applies = false;
	if (r == 0)
		r = read_errno(obj, "errnoRet", "errno", where, &number, err);
	if (r == 0)
		r = read_action(jget_str(obj, "action"), number, where, &ret->action, err);
	if (r == 0)
		r = read_args(json_object_get(obj, "args"), where, ret->args, &ret->n_args, err);
	if (r == 0)
		r = check_strings(json_object_get(obj, "names"), where, "names", err);
	(void)snprintf(place, sizeof(place), "%s.includes", where);
	if (r == 0)
		r = check_condition(c, json_object_get(obj, "includes"), true, place, &included,
				    err);
	(void)snprintf(place, sizeof(place), "%s.excludes", where);
	if (r == 0)
		r = check_condition(c, json_object_get(obj, "excludes"), false, place, &excluded,
				    err);
	*ret_applies = included && excluded;
	return r;
}

static int add_entry(struct compiler *c, json_t *obj, size_t index, struct error *err)
{
	json_t *names = json_object_get(obj, "names"), *one = json_object_get(obj, "name"), *v;
	char where[WHERE_MAX];
	struct rule rule = { 0 };
	bool applies;
	size_t i;
	int r;

	(void)snprintf(where, sizeof(where), "syscalls[%zu]", index);
	r = read_rule(c, obj, where, &rule, &applies, err);
	if (r < 0)
		return r;
	if (one && !json_is_string(one))
		return error_set(err, EINVAL, "%s.name is not a string", where);
	if ((one != NULL) == (json_array_size(names) > 0))
		return error_set(err, EINVAL, "%s: one of 'names' and 'name' is needed", where);
	if (!applies)
		return 0;
	if (one)
		return add_rule(c, json_string_value(one), &rule, where, err);
	json_array_foreach (names, i, v) {
		r = add_rule(c, json_string_value(v), &rule, where, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- the whole -------------------------------------------------------------------------- */

/* Flags of seccomp(2) that say what is the case anyway. */
static int check_flags(json_t *top, struct error *err)
{
	static const char *const harmless[] = { "SECCOMP_FILTER_FLAG_TSYNC",
						"SECCOMP_FILTER_FLAG_SPEC_ALLOW" };
	json_t *list = json_object_get(top, "flags"), *v;
	size_t i;
	int r = check_strings(list, "profile", "flags", err);

	if (r < 0)
		return r;
	json_array_foreach (list, i, v)
		if (!is_listed(harmless, ARRAY_SIZE(harmless), json_string_value(v)))
			return error_set(err, ENOTSUP, "flag '%.60s' is not supported",
					 json_string_value(v));
	return 0;
}

static int begin(struct compiler *c, json_t *top, struct error *err)
{
	static const char *const known[] = { "defaultAction", "defaultErrnoRet", "defaultErrno",
					     "architectures", "archMap",	 "syscalls",
					     "flags",	      "comment",	 NULL };
	int number = -1, r;

	if (json_is_object(top) &&
	    (json_object_get(top, "listenerPath") || json_object_get(top, "listenerMetadata")))
		return error_set(err, ENOTSUP,
				 "'listenerPath' needs a supervisor, and there is "
				 "none");
	r = check_members(top, known, "profile", err);
	if (r == 0)
		r = read_errno(top, "defaultErrnoRet", "defaultErrno", "profile", &number, err);
	if (r == 0)
		r = read_action(jget_str(top, "defaultAction"), number, "defaultAction",
				&c->default_action, err);
	if (r == 0)
		r = check_flags(top, err);
	if (r < 0)
		return r;
	c->ctx = seccomp_init(c->default_action);
	if (!c->ctx)
		return error_set(err, EINVAL, "libseccomp does not take the default action");
	/* Whether no_new_privs is set is decided by who loads it. */
	(void)seccomp_attr_set(c->ctx, SCMP_FLTATR_CTL_NNP, 0);
	(void)seccomp_attr_set(c->ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	r = seccomp_attr_set(c->ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	return r < 0 ? error_set(err, -r, "set the action for other architectures") : 0;
}

static int export_program(const struct compiler *c, struct emit_program *ret, struct error *err)
{
	cleanup_close int fd = memfd_create("filter", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : seccomp_export_bpf(c->ctx, fd);
	off_t size = r < 0 ? 0 : lseek(fd, 0, SEEK_END);

	if (r < 0 || size <= 0)
		return error_set(err, r < 0 ? -r : EIO, "write the program: %s",
				 strerror(r < 0 ? -r : EIO));
	if ((size_t)size > sizeof(ret->v))
		return error_set(err, E2BIG, "the program has %zu instructions, more than %d",
				 (size_t)size / sizeof(ret->v[0]), EMIT_MAX_INSNS);
	if (pread(fd, ret->v, (size_t)size, 0) != size)
		return error_errno(err, "read the program");
	ret->n = (unsigned int)((size_t)size / sizeof(ret->v[0]));
	return 0;
}

int profile_compile(const char *text, size_t len, const struct profile_target *target,
		    struct emit_program *ret, struct error *err)
{
	struct compiler c = { .target = target };
	cleanup_json json_t *top = NULL;
	json_t *list, *v;
	size_t i;
	int r = jload_text(text, len, "seccomp profile", &top, err);

	if (r < 0)
		return r;
	r = begin(&c, top, err);
	if (r == 0)
		r = add_architectures(&c, top, err);
	list = json_object_get(top, "syscalls");
	if (r == 0 && list && !json_is_null(list) && !json_is_array(list))
		r = error_set(err, EINVAL, "profile.syscalls is not a list");
	json_array_foreach (list, i, v)
		if (r == 0)
			r = add_entry(&c, v, i, err);
	if (r == 0)
		r = export_program(&c, ret, err);
	if (c.ctx)
		seccomp_release(c.ctx);
	return r;
}
