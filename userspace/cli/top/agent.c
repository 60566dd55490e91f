// SPDX-License-Identifier: GPL-2.0-only
/* mlproxy top: the agent's status out of its file; see agent.h. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "agent.h"

static int64_t get_int(const json_t *root, const char *key)
{
	const json_t *value = json_object_get(root, key);

	return json_is_integer(value) ? json_integer_value(value) : 0;
}

void top_agent_parse(const char *text, struct top_agent *agent)
{
	json_t *root = json_loads(text, 0, NULL);
	const json_t *test, *error;

	memset(agent, 0, sizeof(*agent));
	agent->error_mean = NAN;
	agent->known = json_is_object(root) && json_is_integer(json_object_get(root, "time"));
	if (agent->known) {
		agent->time_s = get_int(root, "time");
		agent->pid = get_int(root, "pid");
		agent->rows = get_int(root, "rows");
		agent->refits = get_int(root, "refits");
		agent->swaps = get_int(root, "swaps");
		agent->rollbacks = get_int(root, "rollbacks");
		agent->last_refit_s = get_int(root, "last_refit_time");
		agent->model_version = get_int(root, "model_version");
		agent->alarm = json_is_true(json_object_get(root, "alarm"));
		error = json_object_get(root, "error_mean");
		if (json_is_number(error))
			agent->error_mean = json_number_value(error);
		test = json_object_get(root, "last_test");
		agent->tested = json_is_number(json_object_get(test, "gain"));
		agent->gain = json_number_value(json_object_get(test, "gain"));
		agent->low = json_number_value(json_object_get(test, "low"));
		agent->high = json_number_value(json_object_get(test, "high"));
	}
	json_decref(root);
}
