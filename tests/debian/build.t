#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# gcc and make -j2: a program of 50 files.
. "$(dirname "$0")/lib.sh"

mkdir project && cd project || exit
for i in $(seq 49); do
	# Each calls the next one.
	cat >part"$i".c <<END
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parts.h"

unsigned part$i(unsigned n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	return part$((i + 1))(n * 31 + strlen(text) + PART($i));
}
END
done
cat >main.c <<'END'
#include <stdio.h>
#include "parts.h"

unsigned part50(unsigned n)
{
	return n;
}

int main(void)
{
	printf("%u\n", part1(1));
	return 3;
}
END
{
	echo '#define PART(n) (n)'
	seq -f 'unsigned part%.0f(unsigned n);' 50
} >parts.h
cat >Makefile <<'END'
OBJECTS := $(sort $(patsubst %.c,%.o,$(wildcard *.c)))
CFLAGS := -O2 -g -Wall -Wextra -Werror
program: libparts.a main.o
	gcc -o $@ main.o -L. -lparts
libparts.a: $(filter-out main.o,$(OBJECTS))
	ar rcs $@ $^
%.o: %.c
	gcc $(CFLAGS) -MMD -c -o $@ $<
clean:
	rm -f program *.[aod]
-include *.d
END

# answer PART: what the program prints if PART(n) is n * PART
answer() {
	awk -v part="$1" 'BEGIN { n = 1; for (i = 1; i < 50; i++) n = (n * 31 + length(sprintf("%.0f", n)) + i * part) % 4294967296; printf "%.0f\n", n }'
}

passes "make -j2" make -j2
is "$(grep -c "^gcc .* -c " ../passes.out)" 50 "it compiled 50 files"
is "$(./program; echo $?)" "$(answer 1)
3" "what the program says, and its exit status"
is "$(nm program | grep -c ' T part')" 50 "its functions"
is "$(make -j2)" "make: 'program' is up to date." "nothing to do"
echo '/* changed */' >>part7.c
is "$(make -j2 | cut -d' ' -f1 | tr '\n' ' ')" "gcc ar gcc " "one file has changed"
echo '#define PART(n) ((n) * 2)' >parts.new
tail -n +2 parts.h >>parts.new
mv parts.new parts.h
is "$(make -j2 | grep -c ' -c ')" 50 "a header has changed"
is "$(./program)" "$(answer 2)" "and what the program says"

sha256sum ./*.o >../first
make clean >/dev/null
is "$(ls ./*.o program 2>/dev/null)" "" "make clean"
passes "make -j2 again" make -j2
passes "makes the same object files" sha256sum -c ../first

echo 'int broken(void) { return undeclared; }' >>part9.c
make -j2 >out 2>&1
is $? 2 "an error: make's exit status"
is "$(grep -o "part9.c:[0-9:]* error: 'undeclared' undeclared" out)" "part9.c:14:27: error: 'undeclared' undeclared" "and where it is"
done_testing
