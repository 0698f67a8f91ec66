/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create_plan_resources - limits, weights and devices.
 *
 * Theory of operation: words to numbers with the ranges that the kernel has; what contradicts each
 * other is refused here, before anything is made. Whether the machine has the controller, the device
 * or the CPU is asked when the container is launched, since only then it counts.
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium/container/create_options.h"
#include "engine/base/mem.h"

#define MEMORY_MIN	 (INT64_C(6) << 20) /* less starts nothing */
#define CPU_SHARES_MIN	 2
#define CPU_SHARES_MAX	 262144
#define CPU_PERIOD_MIN	 1000
#define CPU_PERIOD_MAX	 1000000
#define CPU_QUOTA_MIN	 1000
#define CPUS_MILLI_MAX	 (INT64_C(1) << 40)
#define BLKIO_WEIGHT_MIN 10
#define BLKIO_WEIGHT_MAX 1000
#define GPUS_MAX	 64

static int bad(const char *flag, const char *text, const char *wanted, struct error *err)
{
	return error_set(err, EINVAL, "--%s '%.60s' is not %s", flag, text, wanted);
}

static int get_size(const char *flag, const char *text, struct opt_i64 *ret, struct error *err)
{
	if (!text)
		return 0;
	if (words_size(text, &ret->value) < 0)
		return bad(flag, text, "a size, as 512m or 1.5g", err);
	ret->set = ret->value != 0; /* 0 is Podman's word for no limit */
	return 0;
}

static int get_range(const char *flag, const struct option_int *o, const int64_t range[2],
		     struct opt_i64 *ret, struct error *err)
{
	if (!o->set)
		return 0;
	if (o->value < range[0] || o->value > range[1])
		return error_set(err, EINVAL, "--%s %lld is not between %lld and %lld", flag,
				 (long long)o->value, (long long)range[0], (long long)range[1]);
	*ret = (struct opt_i64){ true, o->value };
	return 0;
}

/* ---- memory ----------------------------------------------------------------------------------- */

/* Podman's: as much swap as memory. */
static void assume_swap(struct resources *ret)
{
	int64_t memory = ret->memory_limit_bytes.value;

	if (!ret->memory_limit_bytes.set || memory > INT64_MAX / 2)
		return;
	ret->memory_swap_bytes = (struct opt_i64){ true, 2 * memory };
	ret->memory_swap_assumed = true;
}

static int get_swap(const struct resource_flags *w, struct resources *ret, struct error *err)
{
	int r = 0;

	if (!w->memory_swap) {
		assume_swap(ret);
		return 0;
	}
	if (is_equal(w->memory_swap, "-1"))
		ret->memory_swap_bytes = (struct opt_i64){ true, -1 };
	else
		r = get_size("memory-swap", w->memory_swap, &ret->memory_swap_bytes, err);
	if (r < 0 || !ret->memory_swap_bytes.set)
		return r;
	if (!ret->memory_limit_bytes.set)
		return error_set(err, EINVAL,
				 "--memory-swap is memory and swap together: it needs --memory");
	if (ret->memory_swap_bytes.value >= 0 &&
	    ret->memory_swap_bytes.value < ret->memory_limit_bytes.value)
		return error_set(err, EINVAL, "--memory-swap is less than --memory");
	return 0;
}

static int plan_memory(const struct resource_flags *w, struct resources *ret, struct error *err)
{
	static const int64_t swappiness[2] = { -1, 100 };
	int r = get_size("memory", w->memory, &ret->memory_limit_bytes, err);

	if (r == 0 && ret->memory_limit_bytes.set && ret->memory_limit_bytes.value < MEMORY_MIN)
		r = error_set(err, EINVAL, "--memory '%.60s': nothing runs in less than 6m",
			      w->memory);
	if (r == 0)
		r = get_size("memory-reservation", w->memory_reservation,
			     &ret->memory_request_bytes, err);
	if (r == 0 && ret->memory_limit_bytes.set && ret->memory_request_bytes.set &&
	    ret->memory_request_bytes.value > ret->memory_limit_bytes.value)
		r = error_set(err, EINVAL, "--memory-reservation is more than --memory");
	if (r == 0)
		r = get_swap(w, ret, err);
	if (r == 0)
		r = get_range("memory-swappiness", &w->memory_swappiness, swappiness,
			      &ret->memory_swappiness, err);
	if (ret->memory_swappiness.value == -1)
		ret->memory_swappiness = (struct opt_i64){ 0 };
	ret->oom_kill_disable = w->oom_kill_disable;
	return r;
}

/* ---- cpu -------------------------------------------------------------------------------------- */

static int get_cpus(const char *text, struct opt_i64 *ret, struct error *err)
{
	const char *dot;
	int64_t milli;
	size_t n;

	if (!text)
		return 0;
	dot = strchr(text, '.');
	n = dot ? (size_t)(dot - text) : strlen(text);
	/* words_size() rounds down; a thousand times the number is what is wanted. */
	{
		cleanup_free char *whole = xstrndup(text, n);
		char digits[4] = "000";
		uint64_t a = 0, b;

		for (size_t i = 0; dot && i < 3 && dot[1 + i]; i++)
			digits[i] = dot[1 + i];
		if ((n && parse_u64(whole, CPUS_MILLI_MAX / 1000, &a) < 0) ||
		    (!n && (!dot || !dot[1])) || parse_u64(digits, 999, &b) < 0 ||
		    (dot && strspn(dot + 1, "0123456789") != strlen(dot + 1)))
			return bad("cpus", text, "a number of CPUs, as 2 or 0.5", err);
		milli = (int64_t)(a * 1000 + b);
	}
	if (milli == 0 && strpbrk(text, "123456789"))
		return bad("cpus", text, "at least 0.001", err);
	*ret = (struct opt_i64){ milli != 0, milli };
	return 0;
}

/* "0-3,5": numbers and ranges that go upwards. */
static int get_cpuset(const char *flag, const char *text, char **ret, struct error *err)
{
	const char *at = text;
	bool ok = text && *text;

	if (is_empty(text))
		return 0;
	while (ok && *at) {
		size_t n = strcspn(at, ",");
		cleanup_free char *word = xstrndup(at, n);
		char *dash = strchr(word, '-');
		uint64_t a, b;

		if (dash)
			*dash++ = '\0';
		ok = parse_u64(word, 65535, &a) == 0 &&
		     parse_u64(dash ? dash : word, 65535, &b) == 0 && a <= b &&
		     !(at[n] == ',' && !at[n + 1]);
		at += n + (at[n] == ',');
	}
	if (!ok)
		return bad(flag, text, "a list, as 0-3 or 0,2", err);
	*ret = xstrdup(text);
	return 0;
}

static int plan_cpu(const struct resource_flags *w, struct resources *ret, struct error *err)
{
	static const int64_t shares[2] = { 0, CPU_SHARES_MAX };
	static const int64_t period[2] = { CPU_PERIOD_MIN, CPU_PERIOD_MAX };
	static const int64_t quota[2] = { -1, INT64_MAX / 1000 };
	int r = get_cpus(w->cpus, &ret->cpu_limit_milli, err);

	if (r == 0 && ret->cpu_limit_milli.set && (w->cpu_period.set || w->cpu_quota.set))
		r = error_set(err, EINVAL,
			      "--cpus and --cpu-%s exclude each other: --cpus sets both",
			      w->cpu_period.set ? "period" : "quota");
	if (r == 0)
		r = get_range("cpu-shares", &w->cpu_shares, shares, &ret->cpu_shares, err);
	if (r == 0 && ret->cpu_shares.set && ret->cpu_shares.value < CPU_SHARES_MIN)
		ret->cpu_shares = (struct opt_i64){ ret->cpu_shares.value == 1, CPU_SHARES_MIN };
	if (r == 0)
		r = get_range("cpu-period", &w->cpu_period, period, &ret->cpu_period_us, err);
	if (r == 0)
		r = get_range("cpu-quota", &w->cpu_quota, quota, &ret->cpu_quota_us, err);
	if (r == 0 && ret->cpu_quota_us.value > 0 && ret->cpu_quota_us.value < CPU_QUOTA_MIN)
		r = error_set(err, EINVAL, "--cpu-quota is less than %d us", CPU_QUOTA_MIN);
	if (ret->cpu_quota_us.value == 0)
		ret->cpu_quota_us = (struct opt_i64){ 0 };
	if (r == 0)
		r = get_cpuset("cpuset-cpus", w->cpuset_cpus, &ret->cpuset_cpus, err);
	if (r == 0)
		r = get_cpuset("cpuset-mems", w->cpuset_mems, &ret->cpuset_mems, err);
	return r;
}

/* ---- block devices ---------------------------------------------------------------------------- */

struct rate_flag {
	const char *flag;
	const char *prefix;
	const struct strlist *words;
	bool is_size;
};

static int read_rate(const struct rate_flag *f, const char *text, int64_t *ret)
{
	if (f->is_size)
		return words_size(text, ret);
	return parse_i64(text, is_equal(f->prefix, "weight") ? BLKIO_WEIGHT_MIN : 1,
			 is_equal(f->prefix, "weight") ? BLKIO_WEIGHT_MAX : INT64_MAX, ret);
}

/* "/dev/sda:1mb" */
static int add_rates(const struct rate_flag *f, struct strlist *ret, struct error *err)
{
	for (size_t i = 0; i < f->words->n; i++) {
		const char *text = f->words->v[i], *colon = strrchr(text, ':');
		int64_t n;

		if (!colon || !is_prefix(text, "/dev/") || read_rate(f, colon + 1, &n) < 0)
			return bad(f->flag, text,
				   f->is_size ? "/dev/NAME:SIZE" : "/dev/NAME:NUMBER", err);
		strlist_addf(ret, "%s:%.*s:%lld", f->prefix, (int)(colon - text), text,
			     (long long)n);
	}
	return 0;
}

static int plan_blkio(const struct resource_flags *w, struct resources *ret, struct error *err)
{
	const struct rate_flag flags[] = {
		{ "blkio-weight-device", "weight", &w->blkio_weight_device, false },
		{ "device-read-bps", "read-bps", &w->read_bps, true },
		{ "device-read-iops", "read-iops", &w->read_iops, false },
		{ "device-write-bps", "write-bps", &w->write_bps, true },
		{ "device-write-iops", "write-iops", &w->write_iops, false },
	};
	int r = 0;

	if (w->blkio_weight && !is_equal(w->blkio_weight, "0")) {
		if (parse_i64(w->blkio_weight, BLKIO_WEIGHT_MIN, BLKIO_WEIGHT_MAX,
			      &ret->blkio_weight.value) < 0)
			return bad("blkio-weight", w->blkio_weight, "between 10 and 1000", err);
		ret->blkio_weight.set = true;
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(flags); i++)
		r = add_rates(&flags[i], &ret->blkio_devices, err);
	return r;
}

/* ---- devices ---------------------------------------------------------------------------------- */

static bool is_access(const char *s)
{
	return *s && strspn(s, "rwm") == strlen(s) && strlen(s) <= 3;
}

/* "/dev/x[:/dev/y][:rwm]", or "vendor.com/class=name". */
static bool is_device(const char *text)
{
	cleanup_free char *copy = xstrdup(text);
	char *inner = strchr(copy, ':'), *access;

	if (text[0] != '/') {
		const char *slash = strchr(text, '/'), *equals = strchr(text, '=');

		return slash && slash > text && equals && equals > slash + 1 && equals[1];
	}
	if (!inner)
		return true;
	*inner++ = '\0';
	access = strchr(inner, ':');
	if (access)
		*access++ = '\0';
	if (!access && is_access(inner))
		return true;
	return inner[0] == '/' && (!access || is_access(access));
}

static bool is_device_rule(const char *text)
{
	size_t n = strlen(text);
	const char *at = text;

	if (n < 7 || !strchr("abc", *at) || at[1] != ' ')
		return false;
	for (int part = 0; part < 2; part++) {
		size_t digits;

		at += part == 0 ? 2 : 1;
		digits = *at == '*' ? 1 : strspn(at, "0123456789");
		at += digits;
		if (!digits || *at != (part == 0 ? ':' : ' '))
			return false;
	}
	return is_access(at + 1);
}

/* As Docker's: all, a number, "device=0,1". */
static int add_gpus(const char *text, struct strlist *ret, struct error *err)
{
	uint64_t n;

	if (!text)
		return 0;
	if (is_equal(text, "all") || is_equal(text, "-1")) {
		strlist_add(ret, "nvidia.com/gpu=all");
		return 0;
	}
	if (is_prefix(text, "device=") && text[7]) {
		for (const char *at = text + 7; *at;) {
			size_t len = strcspn(at, ",");

			strlist_addf(ret, "nvidia.com/gpu=%.*s", (int)len, at);
			at += len + (at[len] == ',');
		}
		return 0;
	}
	if (parse_u64(text, GPUS_MAX, &n) < 0 || n == 0)
		return bad("gpus", text, "all, a number of GPUs, or device=NAME", err);
	for (uint64_t i = 0; i < n; i++)
		strlist_addf(ret, "nvidia.com/gpu=%llu", (unsigned long long)i);
	return 0;
}

static int plan_devices(const struct resource_flags *w, struct resources *ret, struct error *err)
{
	for (size_t i = 0; i < w->devices.n; i++) {
		if (!is_device(w->devices.v[i]))
			return bad("device", w->devices.v[i],
				   "/dev/NAME[:/dev/NAME][:rwm] or a CDI name", err);
		strlist_add(&ret->devices, w->devices.v[i]);
	}
	for (size_t i = 0; i < w->device_rules.n; i++) {
		if (!is_device_rule(w->device_rules.v[i]))
			return bad("device-cgroup-rule", w->device_rules.v[i],
				   "a rule, as 'c 1:3 rwm'", err);
		strlist_add(&ret->device_cgroup_rules, w->device_rules.v[i]);
	}
	return add_gpus(w->gpus, &ret->devices, err);
}

int plan_resources(const struct resource_flags *w, struct resources *ret, struct error *err)
{
	static const int64_t pids[2] = { -1, INT32_MAX };
	int r = plan_memory(w, ret, err);

	if (r == 0)
		r = plan_cpu(w, ret, err);
	if (r == 0)
		r = get_range("pids-limit", &w->pids_limit, pids, &ret->pids_limit, err);
	if (r == 0 && ret->pids_limit.set && ret->pids_limit.value == 0)
		ret->pids_limit.value = -1; /* Podman's other word for it */
	if (r == 0)
		r = plan_blkio(w, ret, err);
	return r < 0 ? r : plan_devices(w, ret, err);
}
