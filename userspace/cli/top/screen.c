// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy top on a terminal: keys, and lines cut to its size.
 *
 * Signals only set a flag, which the wait for a key sees; so the terminal is put
 * back in one place, also when it has shrunk, or gone.
 */
#include <curses.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "collect.h"
#include "screen.h"
#include "text.h"

#define KEY_ESCAPE	27

/**
 * struct screen - what the user chose
 * @top: data
 * @page: lines of this frame
 * @selected: name of the selected proxy
 * @details: it fills the screen
 * @paused: nothing new is asked for
 * @scroll: lines of the details that are above the screen
 */
struct screen {
	struct top *top;
	struct top_page page;
	char selected[MLPROXY_NAME_LEN];
	bool details;
	bool paused;
	unsigned int scroll;
};

static void set_colours(void)
{
	if (!has_colors())
		return;
	start_color();
	use_default_colors();
	init_pair(TOP_GOOD, COLOR_GREEN, -1);
	init_pair(TOP_WARN, COLOR_YELLOW, -1);
	init_pair(TOP_BAD, COLOR_RED, -1);
}

static attr_t attributes(enum top_tone tone)
{
	attr_t attr = has_colors() && tone >= TOP_GOOD ? (attr_t)COLOR_PAIR(tone) : 0;

	return tone == TOP_TITLE || tone == TOP_BAD ? attr | A_BOLD : attr;
}

static void draw_line(int y, const struct top_line *line, bool selected)
{
	attr_t attr = attributes(line->tone) | (selected ? A_REVERSE : 0);

	if (y < 0 || y >= LINES || COLS < 1)
		return;
	move(y, 0);
	attrset(attr);
	addnstr(line->text, COLS);
	attrset(A_NORMAL);
}

static int selected_index(const struct screen *sc)
{
	unsigned int i;

	for (i = 0; i < sc->top->nr; i++) {
		if (strcmp(sc->top->view[i].sample.entry.name, sc->selected) == 0)
			return i;
	}
	return -1;
}

/* The selection stays with its proxy; where that is gone, the first one is. */
static int keep_selection(struct screen *sc)
{
	int at = selected_index(sc);

	if (at < 0 && sc->top->nr) {
		at = 0;
		memcpy(sc->selected, sc->top->view[0].sample.entry.name, sizeof(sc->selected));
		sc->details = false;
	}
	return at;
}

static void draw_title(const struct screen *sc)
{
	struct top_line line = { .tone = TOP_TITLE };

	snprintf(line.text, sizeof(line.text),
		 "mlproxy top: %u prox%s, by %s%s   [arrows] select [enter] %s [s]ort [p]ause [q]uit",
		 sc->top->nr, sc->top->nr == 1 ? "y" : "ies", top_order_name(sc->top->order),
		 sc->paused ? ", PAUSED" : "", sc->details ? "back" : "details");
	draw_line(0, &line, false);
}

static void draw_list(struct screen *sc, int at)
{
	struct top_page *page = &sc->page;
	unsigned int i, nr = sc->top->nr, shown, first;
	int y = 1;

	/* The list has half of the screen, less if it needs less. */
	shown = LINES > 6 ? LINES / 2 - 1 : LINES > 2 ? LINES - 2 : 0;
	shown = nr < shown ? nr : shown;
	first = at >= (int)shown ? at - shown + 1 : 0;
	top_heading(page);
	for (i = first; i < first + shown; i++)
		top_row(page, &sc->top->view[i].sample, &sc->top->view[i].rates);
	for (i = 0; i < page->nr; i++)
		draw_line(y++, &page->line[i], i && (int)(first + i - 1) == at);
	if (at < 0)
		return;
	top_clear(page);
	top_block(page, &sc->top->view[at].sample, &sc->top->view[at].rates);
	top_log(page, &sc->top->view[at].sample, MLPROXY_MAX_TRANSITIONS);
	for (i = 0, y++; i < page->nr; i++)
		draw_line(y++, &page->line[i], false);
}

static void draw_details(struct screen *sc, int at)
{
	struct top_page *page = &sc->page;
	unsigned int i, room = LINES > 1 ? LINES - 1 : 0;

	top_details(page, &sc->top->view[at].sample, &sc->top->view[at].rates);
	if (page->nr <= room)
		sc->scroll = 0;
	else if (sc->scroll > page->nr - room)
		sc->scroll = page->nr - room;
	for (i = sc->scroll; i < page->nr; i++)
		draw_line(1 + i - sc->scroll, &page->line[i], false);
}

static void draw(struct screen *sc)
{
	int at = keep_selection(sc);
	struct top_line line = { .tone = TOP_WARN };

	top_clear(&sc->page);
	erase();
	draw_title(sc);
	if (*sc->top->problem) {
		snprintf(line.text, sizeof(line.text), "%.255s", sc->top->problem);
		draw_line(2, &line, false);
	} else if (at >= 0 && sc->details) {
		draw_details(sc, at);
	} else {
		draw_list(sc, at);
	}
	refresh();
}

static void move_selection(struct screen *sc, int step)
{
	int at = selected_index(sc) + step;

	if (sc->details) {
		if (step > 0)
			sc->scroll++;
		else if (sc->scroll)
			sc->scroll--;
		return;
	}
	if (at >= 0 && at < (int)sc->top->nr)
		memcpy(sc->selected, sc->top->view[at].sample.entry.name, sizeof(sc->selected));
}

/* Returns false to quit. */
static bool key(struct screen *sc, int ch)
{
	switch (ch) {
	case 'q':
		return false;
	case KEY_UP:
	case 'k':
		move_selection(sc, -1);
		break;
	case KEY_DOWN:
	case 'j':
		move_selection(sc, 1);
		break;
	case '\n':
	case '\r':
	case KEY_ENTER:
		sc->details = !sc->details;
		sc->scroll = 0;
		break;
	case KEY_ESCAPE:
		sc->details = false;
		break;
	case 'p':
		sc->paused = !sc->paused;
		break;
	case 's':
		sc->top->order = (sc->top->order + 1) % TOP_NR_ORDERS;
		top_sort(sc->top);
		break;
	}
	return true;
}

static int64_t now_ms(void)
{
	return clock_ns_now() / 1000000;
}

/*
 * The key that was pressed until then, ERR for none. A signal right before poll() is
 * seen late, so it waits in short pieces. A terminal that is gone ends the program.
 */
static int wait_key(int64_t left_ms)
{
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };
	int ch;

	if (poll(&fd, 1, left_ms > 250 ? 250 : (int)left_ms) < 0)
		fd.revents = 0;
	ch = getch();		/* also says that the size changed */
	if (ch == ERR && fd.revents)
		top_stopped = 1;
	return ch;
}

/* Keys until @until_ms; false to quit. */
static bool wait_keys(struct screen *sc, int64_t until_ms)
{
	int64_t left;
	int ch;

	while ((left = until_ms - now_ms()) > 0 && !top_stopped) {
		ch = wait_key(left);
		if (ch == ERR)
			continue;
		if (!key(sc, ch))
			return false;
		draw(sc);
	}
	return !top_stopped;
}

int top_screen(struct top *top)
{
	struct screen sc = { .top = top };
	int64_t interval_ms = top->interval_ns / 1000000;
	bool go_on = true, failed;
	uint64_t frame;
	SCREEN *term;

	term = newterm(NULL, stdout, stdin);
	if (!term)
		return cli_error("this terminal can't be used: set TERM to its type, or use --batch");
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	set_colours();
	for (frame = 0; go_on && (!top->frames || frame < top->frames); frame++) {
		if (!sc.paused)
			top_collect(top);
		draw(&sc);
		go_on = wait_keys(&sc, now_ms() + interval_ms);
	}
	failed = sc.page.failed;
	endwin();
	delscreen(term);
	top_page_free(&sc.page);
	return failed ? cli_error("out of memory") : CLI_OK;
}
