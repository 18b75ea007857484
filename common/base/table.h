// A table for people on stdout: a heading and rows, each column as wide as its widest cell. Hostile bytes are escaped (rkt:W-05).
// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "base/texts.h"

struct table {
	size_t columns;
	struct texts cells; // escaped, row by row; the first row is the heading
};

void table_start(struct table *t, size_t columns, const char *const *heading);
void table_add(struct table *t, const char *cell); // the next cell of the current row; NULL shows as `-`
void table_write(struct table *t);                 // all rows, to stdout's buffer; frees t

#endif
