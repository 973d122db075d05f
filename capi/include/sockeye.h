/* Sockeye: WebSocket (RFC 6455, RFC 7692) connections for programs in C. Written by cbindgen: edit capi/src instead.
 *
 * Bytes in, events out. The library opens no socket, reads no clock, starts no thread, has no global state and calls
 * nothing back. A program
 *
 *   1. makes tools, once for each thread, and a connection for each socket: sockeye_tools_new, sockeye_server_new or
 *      sockeye_client_new;
 *   2. feeds what it reads to sockeye_next until there is no event, and keeps what is not consumed;
 *   3. answers a request with sockeye_accept or sockeye_refuse, then sends with sockeye_send_text and the like, at any
 *      time;
 *   4. writes sockeye_output to the socket and says how much went with sockeye_written;
 *   5. once sockeye_is_over: writes what is left, shuts down the sending side, reads to the peer's end, closes;
 *   6. keeps the time: deadlines for the handshake, for a peer that does not read, and while the state is
 *      SOCKEYE_STATE_CLOSING; pings for peers that say nothing.
 *
 * examples/c/echo.c does all of it.
 *
 * Units
 *   Lengths and limits are bytes. Strings marked so end with NUL; everything else is a pointer and a length, and is not
 *   NUL-terminated. Numbers are in the machine's order.
 *
 * Ownership
 *   What sockeye_*_new gives is the program's until it frees it with the sockeye_*_free of the same name, once. Nothing
 *   else is ever given or taken: structures and buffers that a call is handed stay the caller's, and are not needed after
 *   it. Any pointer may be NULL: a call that needs it then says SOCKEYE_ERROR_NULL, or what it says of nothing, and does
 *   nothing. Other bad pointers are undefined, as everywhere in C. When memory is exhausted the library aborts.
 *
 * What is lent
 *   A step's `data` lies in the bytes that were fed, in the connection, or in the tools. It is good until the next
 *   sockeye_next or sockeye_*_free with that connection or those tools, and as long as the program leaves its bytes alone.
 *   It may be sent on, on the same connection or another, before that.
 *   Other sockeye_bytes lie in the connection, and are good until the next call that may change it: one that takes it
 *   without `const`. The output is not to be sent as a message.
 *
 * Threads and signals
 *   A handle is used by one thread at a time, and may move from thread to thread. Different handles do not know of each
 *   other. A connection is not bound to the tools it was made with: each call takes those of its thread. But where a
 *   message is sent in fragments, or arrives in parts, it stays with one. Nothing is to be called in a signal handler.
 *
 * Memory
 *   A connection takes less than 1 KB, and up to 16 KiB for output once it has sent something; sockeye_idle gives that
 *   back. While it opens, it keeps a copy of the head. Beyond that it holds what has arrived of a message in fragments,
 *   and output that was not written: stop feeding it while that is much. Nothing is allocated for what is only announced.
 *
 * Errors
 *   A call returns 0 or a sockeye_error. What the peer does wrong is not an error but an event. A bug in the library that
 *   would abort a program is caught: the call says SOCKEYE_ERROR_PANIC, and so does every later one with these handles.
 *
 * Versions
 *   Structures begin with their size where they may grow. Numbers keep their meaning.
 */


#ifndef SOCKEYE_H
#define SOCKEYE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * `flags`: permessage-deflate (RFC 7692) is neither offered nor accepted. By default it is both.
 */
#define SOCKEYE_NO_DEFLATE (1 << 0)

/**
 * `flags`: pings are not answered by the library; the program owes the pongs.
 */
#define SOCKEYE_NO_AUTO_PONG (1 << 1)

/**
 * `flags`: a server takes connections from every web page. By default a request that has an `Origin` is refused with 403
 * unless that is the host it was sent to. A request without one does not come from a web page, and is taken.
 */
#define SOCKEYE_ANY_ORIGIN (1 << 2)

/**
 * `flags`: what the server sends compressed may refer to earlier messages. It gets smaller; a server then holds 250 to
 * 380 KB for each connection that has sent, a client up to 32 KiB.
 */
#define SOCKEYE_SERVER_TAKEOVER (1 << 3)

/**
 * `flags`: the same for what the client sends, with the roles reversed.
 */
#define SOCKEYE_CLIENT_TAKEOVER (1 << 4)

/**
 * `delivery`: whole messages.
 */
#define SOCKEYE_DELIVER_MESSAGES 0

/**
 * `delivery`: whole frames, as parts.
 */
#define SOCKEYE_DELIVER_FRAMES 1

/**
 * `delivery`: whatever has arrived of a frame, as parts, so that a frame of any size passes through constant memory.
 * Raise `max_frame` and `max_message` for that.
 */
#define SOCKEYE_DELIVER_CHUNKS 2

/**
 * `part`: a frame begins here.
 */
#define SOCKEYE_STARTS_FRAME (1 << 0)

/**
 * `part`: a message begins here.
 */
#define SOCKEYE_STARTS_MESSAGE (1 << 1)

/**
 * `part`: the frame ends here.
 */
#define SOCKEYE_ENDS_FRAME (1 << 2)

/**
 * `part`: the message ends here.
 */
#define SOCKEYE_ENDS_MESSAGE (1 << 3)

/**
 * What a call came to. 0 is success; after anything else nothing was sent and nothing has changed, unless it says so.
 */
typedef enum {
    /**
     * Success.
     */
    SOCKEYE_ERROR_NONE = 0,
    /**
     * A pointer that must not be is NULL.
     */
    SOCKEYE_ERROR_NULL = 1,
    /**
     * A structure's `size` is not one that this library knows.
     */
    SOCKEYE_ERROR_SIZE = 2,
    /**
     * A configuration has a value out of its range, or an unknown flag.
     */
    SOCKEYE_ERROR_CONFIG = 3,
    /**
     * The connection is not where this can be done: sending before it is open, accepting twice.
     */
    SOCKEYE_ERROR_STATE = 4,
    /**
     * The connection is closing or closed, and nothing more can be sent. The peer may do that at any moment, so this
     * is an ordinary result.
     */
    SOCKEYE_ERROR_CLOSED = 5,
    /**
     * Text, or a string of the caller's, is not UTF-8.
     */
    SOCKEYE_ERROR_UTF8 = 6,
    /**
     * Neither SOCKEYE_EVENT_TEXT nor SOCKEYE_EVENT_BINARY.
     */
    SOCKEYE_ERROR_KIND = 7,
    /**
     * A ping or pong has more than 125 bytes.
     */
    SOCKEYE_ERROR_CONTROL_TOO_LONG = 8,
    /**
     * The reason of a close has more than 123 bytes.
     */
    SOCKEYE_ERROR_REASON_TOO_LONG = 9,
    /**
     * A close code that must not be sent: not 1000 to 1003, 1007 to 1014, 3000 to 4999.
     */
    SOCKEYE_ERROR_CLOSE_CODE = 10,
    /**
     * Another message is being sent in fragments.
     */
    SOCKEYE_ERROR_MESSAGE_IN_PROGRESS = 11,
    /**
     * A message that was begun compressed has to go on with tools.
     */
    SOCKEYE_ERROR_NO_TOOLS = 12,
    /**
     * More was written than there is.
     */
    SOCKEYE_ERROR_WRITTEN = 13,
    /**
     * A header has a malformed name or value, or is one that the handshake writes itself.
     */
    SOCKEYE_ERROR_HEADER = 14,
    /**
     * A host that is not a name or an address with an optional port.
     */
    SOCKEYE_ERROR_HOST = 15,
    /**
     * A target that is not a path with an optional query.
     */
    SOCKEYE_ERROR_TARGET = 16,
    /**
     * An origin that is not `scheme://host` with an optional port, nor `null`.
     */
    SOCKEYE_ERROR_ORIGIN = 17,
    /**
     * Subprotocols that are not different tokens, or more than 64.
     */
    SOCKEYE_ERROR_PROTOCOLS = 18,
    /**
     * A refusal's status is not 300 to 599, or is 304.
     */
    SOCKEYE_ERROR_STATUS = 19,
    /**
     * A refusal's sentence is empty, or more than one line.
     */
    SOCKEYE_ERROR_SENTENCE = 20,
    /**
     * The operating system gives no random numbers. A client cannot go on.
     */
    SOCKEYE_ERROR_NO_RANDOMNESS = 21,
    /**
     * A bug in this library, which was caught. The handles of the call do nothing any more but to be freed: every
     * later call says this again.
     */
    SOCKEYE_ERROR_PANIC = 22,
    /**
     * A reason that has no number yet.
     */
    SOCKEYE_ERROR_OTHER = 23,
} sockeye_error;

/**
 * How far a connection has come.
 */
typedef enum {
    /**
     * The opening handshake is not over.
     */
    SOCKEYE_STATE_HANDSHAKE = 0,
    /**
     * Messages may be sent.
     */
    SOCKEYE_STATE_OPEN = 1,
    /**
     * We sent a Close frame and wait for the peer's: have a deadline running. What else it sends is discarded.
     */
    SOCKEYE_STATE_CLOSING = 2,
    /**
     * Both have closed: the clean end.
     */
    SOCKEYE_STATE_CLOSED = 3,
    /**
     * The peer broke the rules, was refused or has refused, or the handle is dead.
     */
    SOCKEYE_STATE_FAILED = 4,
} sockeye_state;

/**
 * What was found.
 */
typedef enum {
    /**
     * Nothing more in these bytes: drop what was consumed, keep the rest, and come again with more behind it. `need` is
     * how many more would help, as far as is known; it is a hint, and the peer says it, so allocate as bytes arrive.
     */
    SOCKEYE_EVENT_NEED_MORE = 0,
    /**
     * A server's peer asks for a connection, and its handshake is right. Look at it with sockeye_path and the like, then
     * call sockeye_accept or sockeye_refuse, now or later, and feed what is left: the first frames may be there already.
     * Until then nothing more is consumed: do not read meanwhile.
     */
    SOCKEYE_EVENT_REQUEST = 1,
    /**
     * A client's server has accepted. Sending may begin; sockeye_protocol and sockeye_header say more.
     */
    SOCKEYE_EVENT_OPEN = 2,
    /**
     * A whole text message: valid UTF-8, not NUL-terminated.
     */
    SOCKEYE_EVENT_TEXT = 3,
    /**
     * A whole binary message.
     */
    SOCKEYE_EVENT_BINARY = 4,
    /**
     * A part of a message, where the configuration asks for frames or chunks. See `message`, `part` and `frame_len`.
     * Of a text message, all parts so far together are the beginning of valid UTF-8.
     */
    SOCKEYE_EVENT_PART = 5,
    /**
     * A ping, answered unless SOCKEYE_NO_AUTO_PONG is set.
     */
    SOCKEYE_EVENT_PING = 6,
    /**
     * A pong.
     */
    SOCKEYE_EVENT_PONG = 7,
    /**
     * The peer's Close frame, answered unless it is the answer to ours. `code` is its code, or 1005 where it has none;
     * `data` its reason, which is UTF-8.
     */
    SOCKEYE_EVENT_CLOSE = 8,
    /**
     * The peer broke the rules. What has to be said is in the output; the connection is over. `data` says what is
     * wrong, for a log. `code` is the close code, or in the handshake the HTTP status: of our refusal, of the server's,
     * or 0 where a server's answer is no WebSocket handshake.
     */
    SOCKEYE_EVENT_VIOLATION = 9,
} sockeye_event;

/**
 * A connection, from its handshake to its end.
 */
typedef struct sockeye_conn sockeye_conn;

/**
 * What the connections of one thread share: limits, the inflater and the compressor.
 */
typedef struct sockeye_tools sockeye_tools;

/**
 * What is told once. Set `size` and leave all else 0 for the defaults:
 *
 *     sockeye_config config = {.size = sizeof config};
 *
 * Later versions may have more fields at the end; `size` says which of them the program knows.
 */
typedef struct {
    /**
     * sizeof(sockeye_config)
     */
    size_t size;
    /**
     * Payload bytes of one message; of a compressed one, those that come out. 0: 1 MiB.
     */
    uint64_t max_message;
    /**
     * Payload bytes of one frame, as they are sent. 0: as `max_message`.
     */
    uint64_t max_frame;
    /**
     * Fragments of one message, beyond one for every 32 payload bytes. 0: 1024.
     */
    uint32_t max_fragments;
    /**
     * Bytes of the peer's handshake. 0: 8192.
     */
    uint32_t max_head;
    /**
     * One of SOCKEYE_DELIVER_*.
     */
    uint32_t delivery;
    /**
     * Any of SOCKEYE_NO_DEFLATE, SOCKEYE_NO_AUTO_PONG, SOCKEYE_ANY_ORIGIN, SOCKEYE_SERVER_TAKEOVER,
     * SOCKEYE_CLIENT_TAKEOVER.
     */
    uint32_t flags;
    /**
     * How hard to compress: 1 (fast) to 9 (small). 0: 3.
     */
    uint32_t deflate_level;
    /**
     * A message of fewer bytes is sent as it is. 0: 256.
     */
    uint32_t deflate_threshold;
    /**
     * The base-2 logarithm of the largest window that the server compresses with, 9 to 15. 0: 15.
     */
    uint32_t server_window_bits;
    /**
     * The same of the client. 0: 15.
     */
    uint32_t client_window_bits;
    /**
     * How many connections of the same tools may be in the middle of a compressed message that is delivered in parts.
     * Each holds about 110 KB then. The next one is closed with 1013. 0: 64.
     */
    uint32_t max_streams;
} sockeye_config;

/**
 * Bytes that are lent, or none.
 */
typedef struct {
    /**
     * Where they are; NULL where there is no such thing. Not NUL-terminated.
     */
    const uint8_t *data;
    /**
     * How many there are.
     */
    size_t len;
} sockeye_bytes;

/**
 * A header field to send.
 */
typedef struct {
    /**
     * The name. The handshake's own headers, and those of a body, are refused.
     */
    const char *name;
    /**
     * The value, without control bytes.
     */
    const char *value;
} sockeye_field;

/**
 * What a client asks for. Set `size`, `host` and `target`, and leave the rest 0 unless it is wanted. Nothing of it is
 * needed after the call. All strings are NUL-terminated.
 */
typedef struct {
    /**
     * sizeof(sockeye_request)
     */
    size_t size;
    /**
     * The name or address, with `:port` unless that is the default one: what the `Host` header says.
     */
    const char *host;
    /**
     * The path and query: `/chat?room=1`.
     */
    const char *target;
    /**
     * The `Origin`, for a program that acts for a web page. NULL: none.
     */
    const char *origin;
    /**
     * The subprotocols to offer, with commas between them, the favourite first. NULL: none.
     */
    const char *protocols;
    /**
     * Further headers, such as `Authorization`. NULL: none.
     */
    const sockeye_field *headers;
    /**
     * How many there are.
     */
    size_t header_count;
    /**
     * 16 random bytes that nobody can guess and that are used once. NULL: the operating system's.
     */
    const uint8_t *nonce;
} sockeye_request;

/**
 * What sockeye_next came to. What does not belong to the event is 0.
 */
typedef struct {
    /**
     * What was found.
     */
    sockeye_event event;
    /**
     * Of a part: SOCKEYE_EVENT_TEXT or SOCKEYE_EVENT_BINARY.
     */
    sockeye_event message;
    /**
     * Of a part: which ends it has, as SOCKEYE_STARTS_FRAME and the like.
     */
    uint32_t part;
    /**
     * Of a close or a violation: see there.
     */
    uint32_t code;
    /**
     * Of a part that starts a frame: the payload bytes of the whole frame, as they are sent.
     */
    uint64_t frame_len;
    /**
     * The payload, lent: see "What is lent" above. Not NUL-terminated. NULL where there is none.
     */
    const uint8_t *data;
    /**
     * Bytes at `data`.
     */
    size_t len;
    /**
     * Bytes at the front of the input that are done with, whatever was found. Begin the next call behind them.
     */
    size_t consumed;
    /**
     * Where more is needed: how many bytes, as far as is known.
     */
    size_t need;
} sockeye_step;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Makes tools: limits, an inflater and a compressor, shared by all connections of one thread. `config` may be NULL for
 * the defaults; it is not needed after the call. `*tools` is NULL on an error.
 *
 * They hold a few hundred bytes until something is compressed; then up to 700 KB, and for a moment the largest message.
 */
sockeye_error sockeye_tools_new(const sockeye_config *config,
                                sockeye_tools **tools);

/**
 * Frees tools. NULL does nothing. Connections that were made with them live on, with the tools of another thread.
 */
void sockeye_tools_free(sockeye_tools *tools);

/**
 * Makes a server's side of a connection, to which nothing has come yet, with the limits that `tools` have. `*conn` is
 * NULL on an error.
 */
sockeye_error sockeye_server_new(const sockeye_tools *tools,
                                 sockeye_conn **conn);

/**
 * Frees a connection, and what it has lent. NULL does nothing.
 */
void sockeye_conn_free(sockeye_conn *conn);

/**
 * What is to be written to the peer next, in order. It is lent until the next call with this connection. After any
 * other call there may be more: it is never too early to write.
 */
sockeye_bytes sockeye_output(const sockeye_conn *conn);

/**
 * Says that the first `count` bytes of the output are written, and frees them.
 */
sockeye_error sockeye_written(sockeye_conn *conn, size_t count);

/**
 * How far the connection has come. NULL and a dead handle are SOCKEYE_STATE_FAILED.
 */
sockeye_state sockeye_conn_state(const sockeye_conn *conn);

/**
 * Whether nothing more will come of the connection, after a clean end or a violation. Then write what is in the output,
 * shut down the sending side, read and discard what still arrives until the peer ends or a deadline is up, and close
 * the socket. A server does so at once, a client when the server has (RFC 6455 section 7.1.1).
 */
bool sockeye_is_over(const sockeye_conn *conn);

/**
 * Gives back what an idle connection can do without: room for output, and a compressor of its own where it has one.
 */
sockeye_error sockeye_idle(sockeye_conn *conn);

/**
 * The library's version, such as "0.1.0". It is static.
 */
const char *sockeye_version(void);

/**
 * What an error says, in a few words of English. It is static, and there is one for every number.
 */
const char *sockeye_error_text(int error);

/**
 * Makes a client's side of a connection, with its request in the output. `*conn` is NULL on an error. Nothing may be
 * sent until sockeye_next says SOCKEYE_EVENT_OPEN.
 */
sockeye_error sockeye_client_new(const sockeye_tools *tools,
                                 const sockeye_request *request,
                                 sockeye_conn **conn);

/**
 * The path that was asked for, which begins with `/`; not decoded. There is one between SOCKEYE_EVENT_REQUEST and
 * the answer to it; so it is with the next three.
 */
sockeye_bytes sockeye_path(const sockeye_conn *conn);

/**
 * What follows the first `?` of what was asked for, not decoded.
 */
sockeye_bytes sockeye_query(const sockeye_conn *conn);

/**
 * The value of `Host`: a host with an optional port.
 */
sockeye_bytes sockeye_host(const sockeye_conn *conn);

/**
 * The value of `Origin` as it was sent; none where the client is not a browser.
 */
sockeye_bytes sockeye_origin(const sockeye_conn *conn);

/**
 * The value of the peer's header of this name, in any case; `index` is 0 for the first of several. A server has them
 * between SOCKEYE_EVENT_REQUEST and its answer; a client after SOCKEYE_EVENT_OPEN until it receives more, and
 * when the server has refused. Each call reads the head again.
 */
sockeye_bytes sockeye_header(const sockeye_conn *conn,
                             const char *name,
                             size_t index);

/**
 * The subprotocol in use, on a connection that is or was open.
 */
sockeye_bytes sockeye_protocol(const sockeye_conn *conn);

/**
 * Accepts the request: the answer is in the output, and sending may begin. `protocols` are the subprotocols that the
 * program speaks, with commas between them, its favourite first: the first of them that the client offers is chosen, if
 * there is one; sockeye_protocol tells. NULL: none. `headers` may be NULL.
 *
 * Compression is agreed on by itself. After an error the request still waits for an answer.
 */
sockeye_error sockeye_accept(sockeye_conn *conn,
                             const char *protocols,
                             const sockeye_field *headers,
                             size_t header_count);

/**
 * Refuses the request, also one that has not come in time: the answer is in the output, and the connection is over.
 * `status` is 300 to 599 but 304; `sentence` the body, one line, or NULL for the usual one.
 */
sockeye_error sockeye_refuse(sockeye_conn *conn,
                             uint16_t status,
                             const char *sentence,
                             const sockeye_field *headers,
                             size_t header_count);

/**
 * Looks for the next event in `bytes`, which hold everything received and not consumed yet. They are unmasked in place:
 * what is left of them is fed again as it is then, with more behind it. Call again behind what was consumed, until the
 * step says SOCKEYE_EVENT_NEED_MORE.
 *
 * On an error nothing was consumed, and the step says SOCKEYE_EVENT_NEED_MORE. What the peer does wrong is no error
 * but an event.
 */
sockeye_error sockeye_next(sockeye_conn *conn,
                           sockeye_tools *tools,
                           uint8_t *bytes,
                           size_t len,
                           sockeye_step *step);

/**
 * Sends a text message. With `tools` it is compressed where that was agreed on and pays; with NULL it is sent as it is,
 * as it should be where it holds a secret beside what a stranger chose (RFC 7692 section 8).
 */
sockeye_error sockeye_send_text(sockeye_conn *conn,
                                sockeye_tools *tools,
                                const void *text,
                                size_t len);

/**
 * Sends a binary message. `tools` are as for sockeye_send_text.
 */
sockeye_error sockeye_send_binary(sockeye_conn *conn,
                                  sockeye_tools *tools,
                                  const void *data,
                                  size_t len);

/**
 * Sends the next fragment of a message; `last`, if it is not 0, ends it. `kind` is SOCKEYE_EVENT_TEXT or
 * SOCKEYE_EVENT_BINARY, the same for all fragments of a message. Pings, pongs and a close may go between them;
 * other messages may not. A character of a text may stand across fragments. A message that was begun with `tools` goes
 * on with tools.
 */
sockeye_error sockeye_send_fragment(sockeye_conn *conn,
                                    sockeye_tools *tools,
                                    int kind,
                                    const void *data,
                                    size_t len,
                                    int last);

/**
 * Sends a ping with up to 125 bytes.
 */
sockeye_error sockeye_send_ping(sockeye_conn *conn, const void *data, size_t len);

/**
 * Sends a pong with up to 125 bytes. Pings are answered without it, unless SOCKEYE_NO_AUTO_PONG is set.
 */
sockeye_error sockeye_send_pong(sockeye_conn *conn,
                                const void *data,
                                size_t len);

/**
 * Begins to close, with 1000 to 1003, 1007 to 1014 or 3000 to 4999, and a reason of up to 123 bytes of UTF-8. What the
 * peer sends from now on is discarded until its Close frame. Have a deadline running: it may never come.
 */
sockeye_error sockeye_send_close(sockeye_conn *conn,
                                 uint16_t code,
                                 const void *reason,
                                 size_t len);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SOCKEYE_H */
