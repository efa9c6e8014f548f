/* scenes.h: what can be measured.  Each runs its races and prints its
 * tables. */
#ifndef SCENES_H
#define SCENES_H

void bench_read(void);
void bench_proxy(void);
void bench_create(void);
void bench_method(void);
void bench_collect(void);
void bench_notice(void);
void bench_deaths(void);
void bench_exit(void);
void bench_emit(void);
void bench_connect(void);
void bench_memory(void);
void bench_map(void);
void bench_cpp(void);

#endif
