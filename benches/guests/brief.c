/* SPDX-License-Identifier: Apache-2.0 */
/* Ends at once. */
__attribute__((export_name("_start"))) void
start(void)
{
}
