// SPDX-License-Identifier: Apache-2.0
// Runs a program once: prints its time in nanoseconds, from the fork to its end, and its peak memory
// in KiB. A small process of its own: a child that is forked by a large one counts that one's memory.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int
main(int count, char **words)
{
    struct timespec begin, end;
    struct rusage usage;
    int status = 0;

    if (count < 2)
        return 2;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    pid_t child = fork();
    if (child == 0) {
        int nothing = open("/dev/null", O_WRONLY);
        if (nothing < 0 || dup2(nothing, STDOUT_FILENO) < 0)
            _exit(126);
        execv(words[1], words + 1);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child)
        return 1;
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "%s: status %d\n", words[1], status);
        return 1;
    }
    printf("%lld %ld\n",
           (end.tv_sec - begin.tv_sec) * 1000000000LL + (end.tv_nsec - begin.tv_nsec),
           usage.ru_maxrss);
    return 0;
}
