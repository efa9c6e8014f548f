/* by-marks.h: holding targets weakly by marks.  See by-marks.c. */
#ifndef GCW__BY_MARKS_H
#define GCW__BY_MARKS_H

/* Has the engine call the pass; once, when the library starts. */
void gcw__by_marks_install(void);

#endif
