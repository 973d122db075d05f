/* An echo server in C: one thread, epoll, plain sockets. Everything is echoed, compressed where the client asks for it.
 *
 *     make -C examples/c                        builds the library and this, as target/c/echo
 *     target/c/echo 127.0.0.1:9001              then connect to ws://127.0.0.1:9001; port 0 takes a free one
 *
 * What a server owes its peers beside the protocol: it stops reading from one that does not read (OUTPUT_CAP), ends one
 * that is too slow (deadlines), and closes so that the last bytes arrive: write, half-close, drain.
 *
 * Not here: TLS, IPv6, pings for peers that say nothing, running out of descriptors, several threads. Each thread would
 * have its own epoll and tools.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sockeye.h"

enum { READ_SIZE = 64 << 10, FIRST_SIZE = 4 << 10, OUTPUT_CAP = 256 << 10 }; /* bytes */
enum { HANDSHAKE_MS = 5000, STALL_MS = 10000, CLOSE_MS = 3000, NEVER = -1 };

struct peer {
    int fd;
    sockeye_conn *conn;
    uint8_t *rest; /* received and not consumed: the beginning of a frame, or what waits for output to go */
    size_t rest_len, rest_cap;
    long long deadline; /* in milliseconds of the monotonic clock, or NEVER */
    bool is_draining;   /* everything is said, and half-closed */
    bool is_dead;
    uint32_t watched; /* what epoll looks for */
    struct peer *before, *after;
};

static sockeye_tools *tools; /* this thread's */
static struct peer *peers;
static int epoll;
static volatile sig_atomic_t stopped;

static void on_signal(int number) {
    (void)number;
    stopped = 1;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

/* The application. Returns whether to go on. */
static bool on_event(struct peer *peer, const sockeye_step *step) {
    switch (step->event) {
    case SOCKEYE_EVENT_REQUEST: /* look at sockeye_path(peer->conn) and the like, or sockeye_refuse */
        peer->deadline = NEVER;
        return sockeye_accept(peer->conn, NULL, NULL, 0) == SOCKEYE_ERROR_NONE;
    case SOCKEYE_EVENT_TEXT:
        return sockeye_send_text(peer->conn, tools, step->data, step->len) == SOCKEYE_ERROR_NONE;
    case SOCKEYE_EVENT_BINARY:
        return sockeye_send_binary(peer->conn, tools, step->data, step->len) == SOCKEYE_ERROR_NONE;
    case SOCKEYE_EVENT_VIOLATION:
        fprintf(stderr, "peer %d: %u, %.*s\n", peer->fd, step->code, (int)step->len, (const char *)step->data);
        return true;
    default:
        return true;
    }
}

/* Takes events out of these bytes while there is room for answers. Returns how many bytes are done with. */
static size_t feed(struct peer *peer, uint8_t *bytes, size_t len) {
    size_t at = 0;
    sockeye_step step;
    while (sockeye_output(peer->conn).len < OUTPUT_CAP) {
        if (sockeye_next(peer->conn, tools, bytes + at, len - at, &step) != SOCKEYE_ERROR_NONE) {
            peer->is_dead = true; /* a bug, here or there */
            break;
        }
        at += step.consumed;
        if (step.event == SOCKEYE_EVENT_NEED_MORE)
            break;
        if (!on_event(peer, &step))
            peer->is_dead = true;
        if (peer->is_dead || sockeye_is_over(peer->conn))
            break;
    }
    return at;
}

/* Makes room behind what is left. It grows with what has arrived, never with what is announced. */
static bool reserve(struct peer *peer, size_t more) {
    if (peer->rest_cap - peer->rest_len >= more)
        return true;
    uint8_t *grown = realloc(peer->rest, peer->rest_len + more);
    if (grown == NULL)
        return false;
    peer->rest = grown;
    peer->rest_cap = peer->rest_len + more;
    return true;
}

/* Drops what is consumed; an idle peer holds no buffer. */
static void keep(struct peer *peer, size_t consumed) {
    peer->rest_len -= consumed;
    if (peer->rest_len > 0) {
        memmove(peer->rest, peer->rest + consumed, peer->rest_len);
    } else {
        free(peer->rest);
        peer->rest = NULL;
        peer->rest_cap = 0;
    }
}

/* Where something is left, what follows is read right behind it. Returns what recv does. */
static ssize_t receive_more(struct peer *peer) {
    if (!reserve(peer, peer->rest_len < FIRST_SIZE ? FIRST_SIZE : peer->rest_len))
        return 0;
    ssize_t got = recv(peer->fd, peer->rest + peer->rest_len, peer->rest_cap - peer->rest_len, 0);
    if (got > 0) {
        peer->rest_len += (size_t)got;
        keep(peer, feed(peer, peer->rest, peer->rest_len));
    }
    return got;
}

/* Else it is read into a buffer that all peers share, and only what is left is copied. */
static ssize_t receive_first(struct peer *peer) {
    static uint8_t shared[READ_SIZE];
    ssize_t got = recv(peer->fd, shared, READ_SIZE, 0);
    if (got <= 0 || sockeye_is_over(peer->conn))
        return got; /* what comes after the end, nobody wants */
    size_t consumed = feed(peer, shared, (size_t)got);
    size_t left = (size_t)got - consumed;
    if (left > 0 && !reserve(peer, left))
        return 0;
    if (left > 0)
        memcpy(peer->rest, shared + consumed, left);
    peer->rest_len = left;
    return got;
}

static void receive(struct peer *peer) {
    bool has_rest = peer->rest_len > 0 && !sockeye_is_over(peer->conn);
    ssize_t got = has_rest ? receive_more(peer) : receive_first(peer);
    bool is_early = got < 0 && (errno == EAGAIN || errno == EINTR);
    if (got <= 0 && !is_early)
        peer->is_dead = true; /* the end, after a Close frame or without one */
}

/* Writes what goes, and takes up again what had to wait for that. */
static void flush(struct peer *peer) {
    bool is_stuck = false;
    while (!peer->is_dead && !is_stuck) {
        sockeye_bytes output = sockeye_output(peer->conn);
        if (output.len == 0)
            break;
        ssize_t sent = send(peer->fd, output.data, output.len, MSG_NOSIGNAL);
        if (sent < 0) {
            is_stuck = errno == EAGAIN || errno == EINTR;
            peer->is_dead = !is_stuck;
            break;
        }
        bool was_full = output.len >= OUTPUT_CAP;
        sockeye_written(peer->conn, (size_t)sent);
        if (sockeye_conn_state(peer->conn) == SOCKEYE_STATE_OPEN)
            peer->deadline = NEVER;
        if (was_full && peer->rest_len > 0 && !sockeye_is_over(peer->conn))
            keep(peer, feed(peer, peer->rest, peer->rest_len));
    }
    if (is_stuck && peer->deadline == NEVER)
        peer->deadline = now() + STALL_MS;
}

/* Once everything is said: half-closed, and drained until the peer ends, or a reset could overtake the last bytes. */
static void finish(struct peer *peer) {
    if (peer->is_draining || !sockeye_is_over(peer->conn))
        return;
    if (sockeye_output(peer->conn).len == 0) {
        shutdown(peer->fd, SHUT_WR);
        peer->is_draining = true;
        peer->deadline = now() + CLOSE_MS;
    }
}

static void watch(struct peer *peer) {
    size_t waiting = sockeye_output(peer->conn).len;
    struct epoll_event event = {.data.ptr = peer};
    event.events = (waiting < OUTPUT_CAP ? EPOLLIN : 0) | (waiting > 0 ? EPOLLOUT : 0);
    if (event.events == peer->watched)
        return;
    if (epoll_ctl(epoll, peer->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, peer->fd, &event) < 0)
        peer->is_dead = true;
    peer->watched = event.events;
}

static void end(struct peer *peer) {
    *(peer->before != NULL ? &peer->before->after : &peers) = peer->after;
    if (peer->after != NULL)
        peer->after->before = peer->before;
    close(peer->fd);
    sockeye_conn_free(peer->conn);
    free(peer->rest);
    free(peer);
}

static void serve(struct peer *peer, uint32_t ready) {
    if (ready & EPOLLOUT)
        flush(peer);
    if (!peer->is_dead && ready & (EPOLLIN | EPOLLHUP | EPOLLERR))
        receive(peer);
    if (!peer->is_dead)
        flush(peer);
    if (!peer->is_dead)
        finish(peer);
    if (!peer->is_dead)
        watch(peer);
    if (peer->is_dead)
        end(peer);
}

static void welcome(int listener) {
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct peer *peer = calloc(1, sizeof *peer);
        if (peer == NULL || sockeye_server_new(tools, &peer->conn) != SOCKEYE_ERROR_NONE) {
            free(peer);
            close(fd);
            continue;
        }
        int yes = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        peer->fd = fd;
        peer->deadline = now() + HANDSHAKE_MS;
        peer->after = peers;
        if (peers != NULL)
            peers->before = peer;
        peers = peer;
        watch(peer);
    }
}

/* Ends who is late. */
static void sweep(long long time) {
    for (struct peer *peer = peers, *after; peer != NULL; peer = after) {
        after = peer->after;
        if (peer->is_dead || (peer->deadline != NEVER && peer->deadline <= time))
            end(peer);
    }
}

/* Says good-bye to everybody, as far as it goes at once. */
static void leave(void) {
    while (peers != NULL) {
        sockeye_send_close(peers->conn, 1001, NULL, 0);
        flush(peers);
        end(peers);
    }
}

static int listen_on(const char *address) {
    struct sockaddr_in name = {.sin_family = AF_INET};
    socklen_t len = sizeof name;
    char host[INET_ADDRSTRLEN];
    unsigned port;
    if (sscanf(address, "%15[0-9.]:%u", host, &port) != 2 || port > 65535 || inet_pton(AF_INET, host, &name.sin_addr) != 1) {
        fprintf(stderr, "usage: echo [ADDRESS:PORT]    default: 127.0.0.1:9001\n");
        exit(2);
    }
    name.sin_port = htons((uint16_t)port);
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
        bind(fd, (struct sockaddr *)&name, sizeof name) < 0 || listen(fd, SOMAXCONN) < 0 ||
        getsockname(fd, (struct sockaddr *)&name, &len) < 0)
        die(address);
    printf("listening on ws://%s:%u\n", host, ntohs(name.sin_port));
    fflush(stdout);
    return fd;
}

int main(int count, char **arguments) {
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);

    sockeye_config config = {.size = sizeof config};
    sockeye_error error = sockeye_tools_new(&config, &tools);
    if (error != SOCKEYE_ERROR_NONE) {
        fprintf(stderr, "sockeye %s: %s\n", sockeye_version(), sockeye_error_text(error));
        return 1;
    }
    int listener = listen_on(count > 1 ? arguments[1] : "127.0.0.1:9001");
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, ready[64];
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0)
        die("epoll");
    long long swept = now();
    while (!stopped) {
        int some = epoll_wait(epoll, ready, 64, 1000);
        for (int i = 0; i < some; i++) {
            if (ready[i].data.ptr == NULL)
                welcome(listener);
            else
                serve(ready[i].data.ptr, ready[i].events);
        }
        if (now() - swept >= 1000) /* so much may a deadline be late */
            sweep(swept = now());
    }
    leave();
    sockeye_tools_free(tools);
    close(epoll);
    close(listener);
    return 0;
}
