/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included before every source of WAMR's: leaves its words for what is wrong with
 * a file out of an image for which flash is dear (OCRE_WAMR_FEW_WORDS). The
 * readers of modules and of AOT files, which come first, say most of it; a PC says
 * all of it. What begins as "allocate memory failed" and "mmap memory failed" do
 * stays, because these are told apart.
 *
 * The macro keeps the functions' definitions and changes their calls.
 */
#if !defined(OCRE_WAMR_WORDS_H) && !defined(__ASSEMBLER__) \
    && defined(OCRE_WAMR_FEW_WORDS)
#define OCRE_WAMR_WORDS_H

#define set_error_buf(buffer, size, text) OCRE_ERROR_##buffer, size, text)
#define OCRE_ERROR_char set_error_buf(char
#define OCRE_ERROR_error_buf OCRE_FEW_WORDS(error_buf
#define OCRE_FEW_WORDS(buffer, size, text) \
    set_error_buf(buffer, size, (text)[0] == 'a' || (text)[0] == 'm' ? (text) : "")

#endif
