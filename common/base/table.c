// table.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/table.h"

#define GAP 2 // blanks between columns

void table_start(struct table *t, size_t columns, const char *const *heading)
{
	*t = (struct table){ .columns = columns };
	for (size_t i = 0; i < columns; i++)
		table_add(t, heading[i]);
}

void table_add(struct table *t, const char *cell)
{
	struct buf shown = { 0 };
	const char *text = cell && *cell ? cell : "-";
	msg_escape(&shown, text, strlen(text));
	texts_take(&t->cells, buf_steal(&shown));
}

// Characters, of which every one but the first byte starts with the bits 10.
static int width_of(const char *text)
{
	int width = 0;
	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

void table_write(struct table *t)
{
	mem_auto int *widths = mem_alloc(t->columns * sizeof *widths);
	for (size_t i = 0; i < t->cells.count; i++) {
		int width = width_of(t->cells.items[i]);
		if (widths[i % t->columns] < width)
			widths[i % t->columns] = width;
	}
	for (size_t i = 0; i < t->cells.count; i++) {
		bool last = (i + 1) % t->columns == 0;
		int blanks = last ? 0 : widths[i % t->columns] - width_of(t->cells.items[i]) + GAP;
		printf("%s%*s%s", t->cells.items[i], blanks, "", last ? "\n" : "");
	}
	texts_free(&t->cells);
}
