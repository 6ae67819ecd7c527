/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCRE_CONSOLE_H
#define OCRE_CONSOLE_H

#include "port.h"

#include <stdbool.h>

struct shell;

/* Shows on that shell what attached containers write; NULL for none. */
void ocre_console_attach(const struct shell *shell);
/* Whether Ctrl+C was typed; what else was typed is kept for attached containers. */
bool ocre_console_interrupted(const struct shell *shell);

#endif
