/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCRE_CONSOLE_H
#define OCRE_CONSOLE_H

#include "port.h"

#include <stdbool.h>

struct shell;

/* Shows the output of attached containers on a shell; NULL for none. */
void ocre_console_attach(const struct shell *shell);
/* True where Ctrl+C was typed; other input is kept for attached containers. */
bool ocre_console_interrupted(const struct shell *shell);

#endif
