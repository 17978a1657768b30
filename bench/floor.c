/* The floor: an epoll loop that makes the calls a mail server cannot do without, and no others.
 *
 * It finds line ends and the end of mail data, and answers with canned replies. It checks nothing and keeps nothing.
 * Usage: floor PORT. It listens on 127.0.0.1.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

enum { RECEIVED = 64 * 1024, REPLIES = 32 * 1024, EVENTS = 1024, BACKLOG = 4096, TAIL = 5 };

static const char END[] = "\r\n.\r\n";

struct session {
    int fd;
    int in_data;
    char tail[TAIL]; /* the last octets of the mail data so far, since its end may be cut in two */
};

static char received[RECEIVED], replies[REPLIES];
static size_t said;

static void say(const char *text)
{
    size_t length = strlen(text);
    if (said + length <= sizeof replies) {
        memcpy(replies + said, text, length);
        said += length;
    }
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* Answers a command by its first letter; true: the session is over. */
static int answer(struct session *session, char letter)
{
    switch (letter) {
    case 'D':
        session->in_data = 1;
        memcpy(session->tail, "...\r\n", TAIL);
        say("354 Go ahead\r\n");
        return 0;
    case 'Q':
        say("221 Bye\r\n");
        return 1;
    default:
        say("250 OK\r\n");
        return 0;
    }
}

/* Takes mail data up to its end; how many octets that were. */
static size_t take_data(struct session *session, const char *data, size_t length)
{
    char seam[2 * TAIL];
    size_t head = length < TAIL ? length : TAIL;
    memcpy(seam, session->tail, TAIL);
    memcpy(seam + TAIL, data, head);
    const char *end = memmem(seam, TAIL + head, END, TAIL);
    size_t taken = length;
    if (end)
        taken = (size_t)(end - seam); /* TAIL octets of it were there before, and the end has as many */
    else if ((end = memmem(data, length, END, TAIL)))
        taken = (size_t)(end - data) + TAIL;
    if (end) {
        session->in_data = 0;
        say("250 OK\r\n");
    } else if (length >= TAIL) {
        memcpy(session->tail, data + length - TAIL, TAIL);
    } else {
        memmove(session->tail, session->tail + length, TAIL - length);
        memcpy(session->tail + TAIL - length, data, length);
    }
    return taken;
}

/* What came for a session; false: it is over. The tests send a command in one piece, and so none is put together here. */
static int serve(struct session *session)
{
    ssize_t length = recv(session->fd, received, sizeof received, 0);
    if (length <= 0)
        return length < 0 && errno == EAGAIN;
    int is_over = 0;
    said = 0;
    for (char *at = received, *stop = received + length; at < stop && !is_over;) {
        if (session->in_data) {
            at += take_data(session, at, (size_t)(stop - at));
            continue;
        }
        char *line_end = memchr(at, '\n', (size_t)(stop - at));
        is_over = line_end && answer(session, *at);
        at = line_end ? line_end + 1 : stop;
    }
    if (said && send(session->fd, replies, said, MSG_NOSIGNAL) < 0)
        return 0;
    return !is_over;
}

static void accept_all(int listener, int poll)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct session *session = calloc(1, sizeof *session);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = session};
        session->fd = fd;
        if (send(fd, "220 floor\r\n", 11, MSG_NOSIGNAL) < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) < 0)
            die("floor");
    }
}

static int listen_on(int port)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&here, sizeof here) < 0 || listen(fd, BACKLOG) < 0)
        die("floor: cannot listen");
    return fd;
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS], event = {.events = EPOLLIN, .data.ptr = NULL};
    int listener = listen_on(argc > 1 ? atoi(argv[1]) : 0), poll = epoll_create1(0);
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(poll, events, EVENTS, -1);
        for (int each = 0; each < ready; each++) {
            struct session *session = events[each].data.ptr;
            if (!session)
                accept_all(listener, poll);
            else if (!serve(session)) {
                close(session->fd);
                free(session);
            }
        }
    }
}
