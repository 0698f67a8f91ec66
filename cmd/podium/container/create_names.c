/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create_names - names for what nobody named.
 *
 * Theory of operation: an adjective and the surname of somebody who moved mathematics, physics,
 * engineering or computing; 96 of each. A name that is taken is not given again: a claim is a link
 * in names/, and looking for it is cheap. After NAME_TRIES the name gets a number.
 */
#include "cmd/podium/container/create_names.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "engine/base/mem.h"

#define NAME_TRIES 20

static const char *const adjectives[] = {
	"agile",   "amber",  "ample",	"apt",	    "arctic",  "autumn",  "azure",   "bold",
	"brave",   "breezy", "bright",	"brisk",    "calm",    "candid",  "careful", "cheery",
	"civil",   "clear",  "clever",	"coastal",  "copper",  "cosmic",  "crisp",   "curious",
	"daring",  "deft",   "dewy",	"direct",   "early",   "earnest", "easy",    "even",
	"exact",   "fair",   "fertile", "fleet",    "fluent",  "fond",	  "frank",   "fresh",
	"gallant", "gentle", "gilded",	"glad",	    "golden",  "grand",	  "hardy",   "hearty",
	"honest",  "humble", "ivory",	"jolly",    "keen",    "kind",	  "late",    "lively",
	"lofty",   "lucid",  "lunar",	"mellow",   "merry",   "mild",	  "modest",  "mossy",
	"neat",	   "nimble", "noble",	"northern", "open",    "patient", "placid",  "plain",
	"polite",  "prompt", "proud",	"quick",    "quiet",   "rapid",	  "ready",   "robust",
	"rural",   "sage",   "silent",	"silver",   "sincere", "smooth",  "solid",   "spry",
	"stable",  "steady", "sunny",	"swift",    "tidy",    "upright", "warm",    "wise",
};
static const char *const surnames[] = {
	"abel",	     "aiken",	  "ampere",    "archimedes", "babbage",	 "backus",    "bayes",
	"bernoulli", "bohr",	  "boltzmann", "boole",	     "brahe",	 "cantor",    "cauchy",
	"cayley",    "celsius",	  "chandra",   "church",     "clarke",	 "codd",      "copernicus",
	"coulomb",   "cray",	  "curie",     "darwin",     "dedekind", "dijkstra",  "dirac",
	"eckert",    "edison",	  "einstein",  "engelbart",  "euclid",	 "euler",     "faraday",
	"fermat",    "fermi",	  "feynman",   "fibonacci",  "fisher",	 "floyd",     "fourier",
	"franklin",  "galileo",	  "galois",    "gauss",	     "germain",	 "godel",     "hamilton",
	"hamming",   "heaviside", "hertz",     "hilbert",    "hoare",	 "hopper",    "hubble",
	"huygens",   "hypatia",	  "jacobi",    "joule",	     "kelvin",	 "kepler",    "kilby",
	"knuth",     "lagrange",  "lamarr",    "laplace",    "leibniz",	 "linnaeus",  "lovelace",
	"maxwell",   "mccarthy",  "meitner",   "mendel",     "napier",	 "newton",    "noether",
	"ohm",	     "pascal",	  "pasteur",   "planck",     "poincare", "ramanujan", "riemann",
	"ritchie",   "shannon",	  "steinmetz", "tesla",	     "thompson", "torvalds",  "turing",
	"volta",     "watt",	  "wilkes",    "wirth",	     "zuse",
};

char *create_name_of(uint64_t seed)
{
	size_t n = ARRAY_SIZE(surnames);

	return xasprintf("%s_%s", adjectives[seed / n % ARRAY_SIZE(adjectives)],
			 surnames[seed % n]);
}

static bool is_taken(const struct store *s, const char *name)
{
	cleanup_free char *path = xasprintf("names/%s", name);
	char target[8];

	return readlinkat(s->rootfd, path, target, sizeof(target)) >= 0;
}

char *create_new_name(const struct store *s)
{
	for (int i = 0;; i++) {
		uint64_t seed = 0;
		cleanup_free char *plain = NULL;
		cleanup_free char *name = NULL;

		if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
			abort();
		plain = create_name_of(seed >> 16);
		name = i < NAME_TRIES ? xstrdup(plain)
				      : xasprintf("%s%u", plain, (unsigned int)(seed & 0xffff));
		if (!is_taken(s, name))
			return steal_ptr(&name);
	}
}
