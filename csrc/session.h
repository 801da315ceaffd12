/* session.h - what the calls of one fit share: memory, and threads that wait between calls. It
 * serves one call at a time. */
#ifndef PYNN_SESSION_H
#define PYNN_SESSION_H

#include <stddef.h>

#include "pynn.h"
#include "team.h"

/* A block as pynn_alloc gives it, of a session the one that the last call had if it is large
 * enough. NULL: no memory. */
void *pynn_session_take(pynn_session *session, size_t n, size_t size);
void pynn_session_give_back(pynn_session *session, void *block);

/* The session's team, or NULL: a call without a session has a team of its own. */
pynn_team *pynn_session_team(pynn_session *session);

#endif
