#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# gcc's ThreadSanitizer and AddressSanitizer with their libraries, at addresses that are fixed and
# that are not: made and run. tests/host/sanitizers.t has the static ones, and other compilers' too.
. "$(dirname "$0")/lib.sh"

cat >race.c <<'END'
#include <pthread.h>
#include <stdio.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int shared;
static void *work(void *locked)
{
	for (int i = 0; i < 1000; i++) {
		if (locked)
			pthread_mutex_lock(&lock);
		shared++;
		if (locked)
			pthread_mutex_unlock(&lock);
	}
	return NULL;
}
int main(int argc, char **argv)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, work, argc > 1 ? NULL : argv);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	printf("%d\n", argc > 1 ? 0 : shared);
	return 0;
}
END
for how in '' '-no-pie'; do
	passes "gcc -fsanitize=thread $how" gcc -O1 -g -pthread -fsanitize=thread $how race.c -o race
	is "$(./race 2>&1; echo $?)" "4000
0" "no race $how"
	is "$(setarch -R ./race; echo $?)" "4000
0" "without randomization $how"
done
like "$(./race without 2>&1; echo $?)" "*WARNING: ThreadSanitizer: data race*race.c:10*66" "a race is found, and where"
passes "gcc -fsanitize=address -no-pie" gcc -O1 -g -pthread -fsanitize=address -no-pie race.c -o race
is "$(./race 2>&1; echo $?)" "4000
0" "AddressSanitizer"
done_testing
