/* session.h - memory and threads shared by the calls of one fit. The threads wait between calls. A
 * session serves one call at a time. */
#ifndef PYNN_SESSION_H
#define PYNN_SESSION_H

#include <stddef.h>

#include "pynn.h"
#include "team.h"

/* Allocate a block as pynn_alloc does; a session reuses the block of its last call if it is large
 * enough. NULL: no memory. */
void *pynn_session_take(pynn_session *session, size_t n, size_t size);
void pynn_session_give_back(pynn_session *session, void *block);

/* The session's team. NULL without a session: the call then creates its own team. */
pynn_team *pynn_session_team(pynn_session *session);

#endif
