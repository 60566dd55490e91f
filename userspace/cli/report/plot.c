// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy report: plots, drawn by gnuplot out of a script with the data in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plot.h"

#define MAX_SVG_BYTES	(16 << 20)
#define PLOTTED_VERSIONS	8	/* colours that the eye tells apart */
#define MAX_SHADES	500
#define TMP_BYTES	512

static const char *const arm_names[MLPROXY_NR_ARMS] = { "baseline", "model" };
static const char *const arm_colours[MLPROXY_NR_ARMS] = { "#8a6d00", "#0060a8" };
static const char *const mode_colours[MLPROXY_NR_MODES] = {
	"#f6d5d5", "#eeeeee", "#dfeaf5", "#dcf0dc",
};

const char *report_plot_name(enum report_plot plot)
{
	static const char *const names[REPORT_NR_PLOTS] = {
		"reward", "modes", "errors", "lost", "versions",
	};

	return names[plot];
}

/* A string for gnuplot: between single quotes only these count. */
static void quote(FILE *f, const char *text)
{
	putc('\'', f);
	for (; *text; text++) {
		if (*text == '\'')
			putc('\'', f);
		putc((unsigned char)*text < ' ' ? ' ' : *text, f);
	}
	putc('\'', f);
}

static void axis_label(FILE *f, const struct report *r, const char *what)
{
	const struct mlproxy_schema *s = &r->data.schema.schema;
	char text[MLPROXY_NAME_LEN + MLPROXY_UNIT_LEN + 64];

	snprintf(text, sizeof(text), "%s%s%.*s%s%.*s%s", what, *what ? " of " : "",
		 MLPROXY_NAME_LEN, s->reward_name, *s->reward_unit ? " [" : "",
		 MLPROXY_UNIT_LEN, s->reward_unit, *s->reward_unit ? "]" : "");
	fputs("set ylabel ", f);
	quote(f, text);
	putc('\n', f);
}

static void time_axis(FILE *f, const struct report *r)
{
	size_t i;

	fprintf(f, "set xlabel 'time [s]%s'\nset xrange [0:%.9g]\n",
		r->nr_runs > 1 ? ", runs one behind the other" : "",
		r->length_s > 0 ? r->length_s : 1);
	for (i = 1; i < r->nr_runs && i < MAX_SHADES; i++)
		fprintf(f, "set arrow from %.9g, graph 0 to %.9g, graph 1 nohead lc '#444444' dt 3\n",
			r->offset_s[i], r->offset_s[i]);
}

/* The background says which mode it was. */
static void shade_modes(FILE *f, const struct report *r)
{
	uint32_t mode = r->first_mode;
	double from = 0, to;
	size_t i;

	for (i = 0; i <= r->nr_changes && i < MAX_SHADES; i++) {
		to = i < r->nr_changes ? r->change[i].time_s : r->length_s;
		if (to > from && mode < MLPROXY_NR_MODES)
			fprintf(f, "set object rectangle from %.9g, graph 0 to %.9g, graph 1 fc rgb '%s' fs solid 1 noborder behind\n",
				from, to, mode_colours[mode]);
		if (i < r->nr_changes)
			mode = r->change[i].c.to;
		from = to;
	}
}

/* Points of a figure over time; a line of its own where one is missing breaks it. */
static void put_series(FILE *f, const struct report *r, const char *name,
		       const struct report_stat *(*at)(const struct report *, const void *, size_t),
		       const void *arg)
{
	const struct report_stat *s;
	size_t i;

	fprintf(f, "$%s << EOD\n", name);
	for (i = 0; i < r->nr_bins; i++) {
		s = at(r, arg, i);
		if (isfinite(s->mean) && isfinite(s->low))
			fprintf(f, "%.9g %.9g %.9g %.9g\n", r->bin[i].time_s, s->mean, s->low,
				s->high);
		else
			putc('\n', f);
	}
	fputs("EOD\n", f);
}

static const struct report_stat *arm_at(const struct report *r, const void *arg, size_t bin)
{
	return &r->bin[bin].arm[*(const unsigned int *)arg];
}

static bool has_points(const struct report *r, unsigned int arm)
{
	size_t i;

	for (i = 0; i < r->nr_bins; i++) {
		if (isfinite(r->bin[i].arm[arm].low))
			return true;
	}
	return false;
}

static bool plot_reward(FILE *f, const struct report *r)
{
	const char *comma = "plot ";
	unsigned int arm;

	time_axis(f, r);
	shade_modes(f, r);
	axis_label(f, r, "mean");
	for (arm = 0; arm < MLPROXY_NR_ARMS; arm++)
		put_series(f, r, arm_names[arm], arm_at, &arm);
	for (arm = 0; arm < MLPROXY_NR_ARMS; arm++) {
		if (!has_points(r, arm))
			continue;
		fprintf(f, "%s$%s using 1:3:4 with filledcurves fs transparent solid 0.25 noborder lc rgb '%s' notitle, \\\n"
			"$%s using 1:2 with linespoints pt 7 ps 0.35 lw 1.6 lc rgb '%s' title '%s'",
			comma, arm_names[arm], arm_colours[arm], arm_names[arm], arm_colours[arm],
			arm_names[arm]);
		comma = ", \\\n";
	}
	putc('\n', f);
	return has_points(r, 0) || has_points(r, 1);
}

static bool plot_modes(FILE *f, const struct report *r)
{
	uint32_t mode = r->first_mode;
	double last = -INFINITY;
	size_t i;

	if (!(r->length_s > 0))
		return false;
	time_axis(f, r);
	shade_modes(f, r);
	fputs("set yrange [-0.5:4.2]\nset ytics (", f);
	for (i = 0; i < MLPROXY_NR_MODES; i++)
		fprintf(f, "%s'%s' %zu", i ? ", " : "", mlproxy_mode_name(i), i);
	fputs(")\nunset key\n", f);
	for (i = 0; i < r->nr_changes; i++) {
		const struct mlds_change *c = &r->change[i].c;

		if (!c->reason || r->change[i].time_s - last < r->length_s / 40)
			continue;
		last = r->change[i].time_s;
		fprintf(f, "set label '%s' at %.9g, %.2f rotate by 35 font ',9' offset 0.4,0.3\n",
			mlproxy_mode_reason_name(c->reason), last, (double)c->to);
	}
	fprintf(f, "$modes << EOD\n0 %u\n", mode);
	for (i = 0; i < r->nr_changes; i++)
		fprintf(f, "%.9g %u\n", r->change[i].time_s, r->change[i].c.to);
	mode = r->nr_changes ? r->change[r->nr_changes - 1].c.to : mode;
	fprintf(f, "%.9g %u\nEOD\nplot $modes using 1:2 with steps lw 2 lc rgb '#333333'\n",
		r->length_s, mode);
	return true;
}

struct error_series {
	const struct report_version *v;
	bool size;
};

static const struct report_stat *error_at(const struct report *r, const void *arg, size_t bin)
{
	const struct error_series *e = arg;

	(void)r;
	return e->size ? &e->v->abs_error_bin[bin] : &e->v->error_bin[bin];
}

/* The last versions with an error at all. */
static unsigned int error_versions(const struct report *r, const struct report_version **list)
{
	unsigned int nr = 0, i;

	for (i = r->nr_versions; i-- && nr < PLOTTED_VERSIONS;) {
		if (r->version[i].error.n >= REPORT_LEAST)
			list[nr++] = &r->version[i];
	}
	return nr;
}

static bool plot_errors(FILE *f, const struct report *r)
{
	const struct report_version *list[PLOTTED_VERSIONS];
	unsigned int nr = error_versions(r, list), i;
	char name[32];

	if (!nr)
		return false;
	time_axis(f, r);
	shade_modes(f, r);
	axis_label(f, r, "outcome less prediction");
	fputs("set xzeroaxis lc rgb '#444444'\nset label 'by version: mean, and dashed the mean of its size' at graph 0, graph 1 offset 0,1\n", f);
	for (i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "mean%u", i);
		put_series(f, r, name, error_at, &(struct error_series){ list[i], false });
		snprintf(name, sizeof(name), "size%u", i);
		put_series(f, r, name, error_at, &(struct error_series){ list[i], true });
	}
	for (i = nr; i--;)
		fprintf(f, "%s$mean%u using 1:3:4 with filledcurves fs transparent solid 0.2 noborder lt %u notitle, \\\n"
			"$mean%u using 1:2 with linespoints pt 7 ps 0.35 lw 1.6 lt %u title '%u', \\\n"
			"$size%u using 1:2 with lines dt 2 lw 1.4 lt %u notitle%s\n",
			i == nr - 1 ? "plot " : "", i, i + 1, i, i + 1, list[i]->version, i, i + 1,
			i ? ", \\" : "");
	return true;
}

static bool plot_lost(FILE *f, const struct report *r)
{
	uint64_t lost = 0;
	size_t i;

	time_axis(f, r);
	fprintf(f, "set ylabel 'records lost'\nunset key\nset style fill solid 0.8\nset boxwidth %.9g\n$lost << EOD\n",
		r->length_s / r->nr_bins);
	for (i = 0; i < r->nr_bins; i++) {
		fprintf(f, "%.9g %llu\n", r->bin[i].time_s, (unsigned long long)r->bin[i].lost);
		lost += r->bin[i].lost;
	}
	fputs("EOD\nset yrange [0:*]\nplot $lost using 1:2 with boxes lc rgb '#b03030'\n", f);
	return lost && r->length_s > 0;
}

static bool put_estimates(FILE *f, const struct report *r, const char *name, double shift,
			  size_t offset)
{
	bool any = false;
	unsigned int i;

	fprintf(f, "$%s << EOD\n", name);
	for (i = 0; i < r->nr_versions; i++) {
		const struct report_stat *s = (const void *)((const char *)&r->version[i] + offset);

		if (!isfinite(s->mean) || !isfinite(s->low))
			continue;
		fprintf(f, "%.9g %.9g %.9g %.9g\n", i + shift, s->mean, s->low, s->high);
		any = true;
	}
	fputs("EOD\n", f);
	return any;
}

static bool plot_versions(FILE *f, const struct report *r)
{
	static const struct {
		const char *name;
		const char *title;
		size_t offset;
		const char *colour;
		int point;
	} series[] = {
		{ "before", "expected from records before it (doubly robust)",
		  offsetof(struct report_version, before), "#c06000", 5 },
		{ "own", "expected from all that asked it (IPS)",
		  offsetof(struct report_version, own), "#308030", 9 },
		{ "realised", "realised where it was followed",
		  offsetof(struct report_version, realised), "#0060a8", 7 },
	};
	bool any[3];
	const char *comma = "plot ";
	unsigned int i;

	axis_label(f, r, "mean");
	fprintf(f, "set xlabel 'model version'\nset xrange [-0.6:%u.6]\nset xtics (",
		r->nr_versions ? r->nr_versions - 1 : 0);
	for (i = 0; i < r->nr_versions; i++)
		fprintf(f, "%s'%u' %u", i ? ", " : "", r->version[i].version, i);
	fputs(")\n", f);
	for (i = 0; i < 3; i++)
		any[i] = put_estimates(f, r, series[i].name, (i - 1.0) * 0.15, series[i].offset);
	for (i = 0; i < 3; i++) {
		if (!any[i])
			continue;
		fprintf(f, "%s$%s using 1:2:3:4 with yerrorbars pt %d ps 0.9 lw 1.6 lc rgb '%s' title '%s'",
			comma, series[i].name, series[i].point, series[i].colour, series[i].title);
		comma = ", \\\n";
	}
	putc('\n', f);
	return any[0] || any[1] || any[2];
}

static bool write_script(FILE *f, const struct report *r, enum report_plot plot, bool png,
			 const char *out)
{
	static bool (*const draw[REPORT_NR_PLOTS])(FILE *, const struct report *) = {
		plot_reward, plot_modes, plot_errors, plot_lost, plot_versions,
	};
	unsigned int height = plot == REPORT_PLOT_MODES || plot == REPORT_PLOT_LOST ? 260 : 380;

	if (png)
		fprintf(f, "set terminal pngcairo noenhanced size 1000,%u font 'sans,11' background '#ffffff'\n",
			height);
	else
		fprintf(f, "set terminal svg noenhanced size 1000,%u dynamic font 'sans,13' name '%s' background '#ffffff'\n",
			height, report_plot_name(plot));
	fputs("set output ", f);
	quote(f, out);
	/* no settings of the user's, but for those given here */
	fputs("\nset border 3\nset tics nomirror out\nset grid ytics lt 1 lw 0.6 lc rgb '#bbbbbb'\n"
	      "set key tmargin right horizontal noenhanced\nset lmargin 17\nset rmargin 3\n", f);
	return draw[plot](f, r);
}

/* ------------------------------------------------------------------ */
/* Running gnuplot                                                     */

static char *read_file(const char *path, size_t max)
{
	FILE *f = fopen(path, "re");
	char *text = malloc(max + 1);
	size_t len = 0;

	if (f && text)
		len = fread(text, 1, max, f);
	if (f)
		fclose(f);
	if (text)
		text[len] = '\0';
	return text;
}

static int report_failure(const char *errors, int status)
{
	char *text = read_file(errors, 300), *c;
	int ret;

	for (c = text; c && *c; c++) {
		if ((unsigned char)*c < ' ')
			*c = ' ';
	}
	ret = cli_error("gnuplot failed (%s %d): %s", WIFEXITED(status) ? "exit code" : "signal",
			WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
			text && *text ? text : "it did not say why");
	free(text);
	return ret;
}

static int run_gnuplot(const char *script, const char *errors)
{
	/* --default-settings: not what a user has in .gnuplot */
	char *const argv[] = { "gnuplot", "--default-settings", (char *)script, NULL };
	posix_spawn_file_actions_t actions;
	extern char **environ;
	int err, status;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors,
					 O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	err = posix_spawnp(&pid, "gnuplot", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (err == ENOENT)
		return cli_error("gnuplot, which draws the plots, is not installed: install the package gnuplot-nox, or take the figures alone with -j or --no-plots");
	if (err)
		return cli_error("cannot run gnuplot: %s", strerror(err));
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return cli_error("cannot wait for gnuplot: %s", strerror(errno));
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return CLI_OK;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return cli_error("gnuplot can't be run: install the package gnuplot-nox");
	return report_failure(errors, status);
}

/* The element alone, without what makes it a file of its own. */
static char *cut_svg(char *text)
{
	char *start = text ? strstr(text, "<svg") : NULL;

	if (!start) {
		free(text);
		return NULL;
	}
	memmove(text, start, strlen(start) + 1);
	return text;
}

static int draw_in(const struct report *r, enum report_plot plot, const char *png, char **svg,
		   const char *dir)
{
	char script[TMP_BYTES + 16], errors[TMP_BYTES + 16], out[TMP_BYTES + 16];
	FILE *f;
	bool any;
	int ret;

	snprintf(script, sizeof(script), "%s/script", dir);
	snprintf(errors, sizeof(errors), "%s/errors", dir);
	snprintf(out, sizeof(out), "%s/out", dir);
	f = fopen(script, "we");
	if (!f)
		return cli_error("cannot write %s: %s", script, strerror(errno));
	any = write_script(f, r, plot, png, png ? png : out);
	if (fclose(f))
		return cli_error("cannot write %s: %s", script, strerror(errno));
	ret = any ? run_gnuplot(script, errors) : CLI_OK;
	if (ret == CLI_OK && any && !png) {
		*svg = cut_svg(read_file(out, MAX_SVG_BYTES));
		if (!*svg)
			ret = cli_error("gnuplot wrote no SVG: it needs its terminal 'svg'");
	}
	unlink(script);
	unlink(errors);
	unlink(out);
	return ret;
}

int report_draw(const struct report *r, enum report_plot plot, const char *png, char **svg)
{
	const char *tmp = getenv("TMPDIR");
	char dir[TMP_BYTES];
	int ret;

	if (svg)
		*svg = NULL;
	if (!tmp || strlen(tmp) + 16 > sizeof(dir))
		tmp = "/tmp";
	snprintf(dir, sizeof(dir), "%s/mlproxy-XXXXXX", tmp);
	if (!mkdtemp(dir))
		return cli_error("cannot make a directory in %s: %s", tmp, strerror(errno));
	ret = draw_in(r, plot, png, svg, dir);
	rmdir(dir);
	return ret;
}
