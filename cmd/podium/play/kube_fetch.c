/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube_fetch - manifests from the network.
 *
 * Theory of operation: podium-image fetches, since it alone speaks TLS: certificates are verified,
 * at most five redirects, none from https to http. The text comes through a memfd and is then read
 * like any file; it is never written to a disk.
 */
#include "cmd/podium/play/kube_fetch.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/podium/image/imagejob.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

#define MANIFEST_BYTES_MAX (8 * 1024 * 1024)

bool is_kube_address(const char *word)
{
	return is_prefix(word, "http://") || is_prefix(word, "https://");
}

static int read_text(int fd, char **ret, struct error *err)
{
	struct stat st;
	size_t n = 0;

	if (fstat(fd, &st) < 0)
		return error_errno(err, "look at what was fetched");
	*ret = xcalloc(1, (size_t)st.st_size + 1);
	while (n < (size_t)st.st_size) {
		ssize_t r = pread(fd, *ret + n, (size_t)st.st_size - n, (off_t)n);

		if (r <= 0)
			return error_set(err, EIO, "what was fetched cannot be read");
		n += (size_t)r;
	}
	if (strlen(*ret) != n)
		return error_set(err, EBADMSG, "this is not text");
	return 0;
}

static int fetch_one(const struct store *s, const char *address, struct pairlist *ret,
		     struct error *err)
{
	cleanup_close int fd = memfd_create("manifest", MFD_CLOEXEC);
	cleanup_json json_t *request =
		json_pack("{s:s, s:i}", "address", address, "max", MANIFEST_BYTES_MAX);
	cleanup_free char *text = NULL;
	int r;

	if (fd < 0)
		return error_errno(err, "make a memory file");
	if (!request)
		return error_set(err, EINVAL, "the address is not UTF-8");
	r = imagejob_run(
		&(struct imagejob_spec){
			.verb = "fetch", .store = s, .request = request, .datafd = fd },
		err);
	if (r == 0)
		r = read_text(fd, &text, err);
	if (r == 0)
		pairlist_set(ret, address, text);
	return r < 0 ? error_wrap(err, "'%.200s'", address) : 0;
}

int kube_fetch(const struct store *s, int argc, char **argv, struct pairlist *ret,
	       struct error *err)
{
	int r = 0;

	for (int i = 0; i < argc && r == 0; i++) {
		if (!is_kube_address(argv[i]) || pairlist_get(ret, argv[i]))
			continue;
		r = s ? fetch_one(s, argv[i], ret, err)
		      : error_set(err, EINVAL, "'%.200s' is an address: fetch it first", argv[i]);
	}
	return r;
}
