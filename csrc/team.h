/* team.h - what the core knows of threads. */
#ifndef PYNN_TEAM_H
#define PYNN_TEAM_H

/* One thread at a time between begin and end, in the whole process. Safe across fork. */
void pynn_exclusive_begin(void);
void pynn_exclusive_end(void);

#endif
