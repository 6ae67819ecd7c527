/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included before every source of WAMR's: leaves WAMR's words out of an image for
 * which flash is dear (OCRE_WAMR_FEW_WORDS).
 *
 * Its log is off: what is worth telling comes back as a status and a text. As a
 * macro of nothing its words are not there either. CMake passes no definition of
 * a macro with parameters on, so this one stands here.
 *
 * Nor are the words for what is wrong with a file. The readers of modules and of
 * AOT files, which come first, say most of it; a PC says all of it. What begins as
 * "allocate memory failed", "mmap memory failed" and the format of "unsupported
 * opcode" do stays, because these are told apart.
 *
 * The macros keep the functions' definitions and change their calls.
 */
#if !defined(OCRE_WAMR_WORDS_H) && !defined(__ASSEMBLER__) \
    && defined(OCRE_WAMR_FEW_WORDS)
#define OCRE_WAMR_WORDS_H

#define BH_LOG(...)

#define set_error_buf(buffer, size, text) OCRE_ERROR_##buffer, size, text)
#define OCRE_ERROR_char set_error_buf(char
#define OCRE_ERROR_error_buf OCRE_FEW_WORDS(error_buf
#define OCRE_FEW_WORDS(buffer, size, text) \
    set_error_buf(buffer, size, (text)[0] == 'a' || (text)[0] == 'm' ? (text) : "")

#define set_error_buf_v(first, ...) OCRE_FORMAT_##first, __VA_ARGS__)
#define OCRE_FORMAT_char set_error_buf_v(char
#define OCRE_FORMAT_const set_error_buf_v(const
#define OCRE_FORMAT_error_buf OCRE_FEW_FORMATS(error_buf
#define OCRE_FEW_FORMATS(buffer, size, ...)                                    \
    (OCRE_IS_OPCODE(__VA_ARGS__, 0)                                            \
         ? set_error_buf_v(buffer, size, __VA_ARGS__)                          \
         : set_error_buf(buffer, size, ""))
#define OCRE_IS_OPCODE(format, ...) ((format)[0] == '%' && (format)[2] == ' ')

#endif
