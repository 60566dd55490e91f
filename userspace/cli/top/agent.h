/* SPDX-License-Identifier: GPL-2.0-only */
/* mlproxy top: what the agent says of itself. */
#ifndef MLPROXY_TOP_AGENT_H
#define MLPROXY_TOP_AGENT_H

#include "sample.h"

/** top_agent_parse() - a status out of the text of its file */
void top_agent_parse(const char *text, struct top_agent *agent);

#endif /* MLPROXY_TOP_AGENT_H */
