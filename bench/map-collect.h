/* map-collect.h: the part of the scene `map` that is about collections. */
#ifndef MAP_COLLECT_H
#define MAP_COLLECT_H

void bench_map_collections(void);

#endif
