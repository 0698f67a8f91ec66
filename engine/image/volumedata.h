/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volumedata - the content of a volume as a tar archive, and back. podium-image only.
 */
#ifndef PODIUM_IMAGE_VOLUMEDATA_H
#define PODIUM_IMAGE_VOLUMEDATA_H

#include "engine/base/error.h"

/* Unpacks the tar stream of infd (plain, gzip, zstd, and xz and bzip2 from a file or a pipe) over what is below dirfd, the volume's content
 * (O_PATH will do): by the confined processes of a layer, which have it as their root. ".wh." names
 * are files like others; device nodes are refused. What was made before a failure stays. */
int volumedata_import(int dirfd, int infd, struct error *err) must_check;
/* Writes what is below dirfd to outfd. By a confined child, which follows nothing; what a container
 * changes meanwhile is in the archive or not. */
int volumedata_export(int dirfd, int outfd, struct error *err) must_check;

#endif
