/* The load generator: SMTP sessions on one epoll loop, each as fast as it is answered, for a number of seconds.
 *
 * It does not know which server answers. It takes a fraction of the CPU that smtp-source does: it is the server that is measured.
 * Usage: source PORT SESSIONS SECONDS SIZE MAILBOXES PAUSE_MS FLAGS
 *   FLAGS: m many messages a connection, p MAIL, RCPT and DATA in one piece, e EHLO, n each message from a new sender,
 *          d only replies to mail data are timed; - none
 * With m it prints "ready" when all sessions have been greeted, and begins when it gets a line. In the end it prints
 *   messages seconds cpu_seconds p50 p99 max     (the last three: seconds to a reply, commands and mail data alike)
 * and leaves when it gets another line, or the end of its input.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum step { GREETING, HELO, MAIL, RCPT, DATA, CONTENT, QUIT };
enum { EVENTS = 1024, HEARD = 4096, SLOTS = 1000 * 1000 };

static const char *const CODES[] = {"220", "250", "250", "250", "354", "250", "221"};
static const double SLOT = 2e-6; /* seconds: how fine reply times are told apart */
static const double LIMIT = 120;  /* seconds after the end that a server may take for the last replies */

struct session {
    int fd, heard, is_writing;
    enum step step;
    double sent_at, wakes_at;
    const char *out;
    size_t left;
    struct session *next; /* who sleeps after this one */
    char text[HEARD];
};

static int port, sessions, mailboxes, keeps, pipelines, is_new, only_data, poll_fd, alive, waiting, is_started;
static long messages, replies, turn, sender;
static double ends_at, pause_seconds, worst;
static unsigned slots[SLOTS];
static char *content, hello[64];
static size_t content_length;
static struct session *sleeping, **last_sleeping = &sleeping;

static double now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    exit(1);
}

static void watch(struct session *session, int operation, unsigned events)
{
    struct epoll_event event = {.events = events, .data.ptr = session};
    epoll_ctl(poll_fd, operation, session->fd, &event);
}

static void send_out(struct session *session)
{
    ssize_t sent = send(session->fd, session->out, session->left, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        die("the connection broke: %s", strerror(errno));
    if (sent > 0) {
        session->out += sent;
        session->left -= (size_t)sent;
    }
    session->sent_at = now(CLOCK_MONOTONIC);
    if (session->is_writing != (session->left > 0)) {
        session->is_writing = session->left > 0;
        watch(session, EPOLL_CTL_MOD, session->is_writing ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
}

/* MAIL, RCPT and DATA for the recipient whose turn it is. */
static const char *envelope(enum step step)
{
    static char text[256];
    char rcpt[80], from[32] = "a";
    if (mailboxes > 1)
        snprintf(rcpt, sizeof rcpt, "RCPT TO:<user%ld@b.c>\r\n", turn++ % mailboxes);
    else
        strcpy(rcpt, "RCPT TO:<johndoe@b.c>\r\n");
    if (is_new && step == MAIL)
        snprintf(from, sizeof from, "a%ld", sender++);
    if (step == MAIL)
        snprintf(text, sizeof text, "MAIL FROM:<%s@b.c>\r\n%s%s", from, pipelines ? rcpt : "", pipelines ? "DATA\r\n" : "");
    else
        strcpy(text, step == RCPT ? rcpt : "DATA\r\n");
    return text;
}

static void say(struct session *session, enum step step)
{
    static char kept[256]; /* commands fit into the buffer of the socket: what is unsent of them would be lost */
    session->step = step;
    if (pipelines && (step == RCPT || step == DATA))
        return;
    if (step == CONTENT) {
        session->out = content;
        session->left = content_length;
    } else {
        strcpy(kept, step == HELO ? hello : step == QUIT ? "QUIT\r\n" : envelope(step));
        session->out = kept;
        session->left = strlen(kept);
    }
    send_out(session);
    if (session->left && step != CONTENT)
        die("a command did not fit into a socket's buffer");
}

static void connect_one(struct session *session)
{
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    int yes = 1;
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    memset(session, 0, sizeof *session);
    session->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(session->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connect(session->fd, (struct sockaddr *)&there, sizeof there) < 0 && errno != EINPROGRESS)
        die("cannot connect: %s", strerror(errno));
    session->sent_at = now(CLOCK_MONOTONIC);
    watch(session, EPOLL_CTL_ADD, EPOLLIN);
}

static void rest(struct session *session)
{
    session->wakes_at = now(CLOCK_MONOTONIC) + pause_seconds;
    session->next = NULL;
    *last_sleeping = session;
    last_sleeping = &session->next;
}

static void next_message(struct session *session)
{
    if (now(CLOCK_MONOTONIC) >= ends_at)
        alive--;
    else if (pause_seconds > 0)
        rest(session);
    else
        say(session, MAIL);
}

static void wake_up(void)
{
    while (sleeping && sleeping->wakes_at <= now(CLOCK_MONOTONIC)) {
        struct session *session = sleeping;
        sleeping = session->next;
        if (!sleeping)
            last_sleeping = &sleeping;
        if (now(CLOCK_MONOTONIC) >= ends_at)
            alive--;
        else
            say(session, MAIL);
    }
}

/* A complete reply has come. */
static void go_on(struct session *session)
{
    switch (session->step) {
    case GREETING: say(session, HELO); break;
    case HELO: keeps ? (void)waiting++ : say(session, MAIL); break;
    case CONTENT:
        messages++;
        keeps ? next_message(session) : say(session, QUIT);
        break;
    case QUIT:
        close(session->fd);
        if (now(CLOCK_MONOTONIC) < ends_at)
            connect_one(session);
        else
            alive--;
        break;
    default: say(session, session->step + 1);
    }
}

static void note(double seconds)
{
    long slot = (long)(seconds / SLOT);
    slots[slot < SLOTS ? slot : SLOTS - 1]++;
    replies++;
    if (seconds > worst)
        worst = seconds;
}

static void receive(struct session *session)
{
    ssize_t length = recv(session->fd, session->text + session->heard, sizeof session->text - (size_t)session->heard, 0);
    if (length < 0 && errno == EAGAIN)
        return;
    if (length <= 0)
        die("the connection broke: %s", length ? strerror(errno) : "the server closed it");
    double came_at = now(CLOCK_MONOTONIC);
    char *at = session->text, *stop = at + session->heard + length, *end;
    while ((end = memchr(at, '\n', (size_t)(stop - at)))) {
        if (strncmp(at, CODES[session->step], 3))
            die("step %d was answered with %.*s", session->step, (int)(end - at), at);
        int is_last = at[3] == ' ';
        at = end + 1;
        if (!is_last)
            continue;
        if (is_started && (!only_data || session->step == CONTENT))
            note(came_at - session->sent_at);
        int fd = session->fd, was_quit = session->step == QUIT;
        go_on(session);
        if (was_quit || fd != session->fd)
            return;
    }
    session->heard = (int)(stop - at);
    memmove(session->text, at, (size_t)session->heard);
}

static void one_turn(void)
{
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(poll_fd, events, EVENTS, sleeping ? 1 : 1000);
    for (int each = 0; each < ready; each++) {
        struct session *session = events[each].data.ptr;
        if (events[each].events & EPOLLOUT && session->left)
            send_out(session);
        if (events[each].events & ~(unsigned)EPOLLOUT)
            receive(session);
    }
    wake_up();
}

static double quantile(double part)
{
    long seen = 0;
    for (int slot = 0; slot < SLOTS; slot++)
        if ((double)(seen += slots[slot]) > part * (double)replies)
            return (slot + 0.5) * SLOT;
    return worst;
}

static void make_content(size_t size)
{
    static const char header[] = "From: <a@b.c>\r\nTo: <johndoe@b.c>\r\nSubject: load\r\n\r\n";
    content_length = sizeof header - 1 + size + 3;
    content = malloc(content_length + 1);
    memset(content, 'X', content_length);
    memcpy(content, header, sizeof header - 1);
    for (size_t at = sizeof header - 1 + 78; at + 2 < content_length - 3; at += 80)
        memcpy(content + at, "\r\n", 2);
    memcpy(content + content_length - 5, "\r\n.\r\n", 5);
}

static void wait_for_line(void)
{
    char line[16];
    if (read(0, line, sizeof line) < 0)
        die("no input");
}

int main(int argc, char **argv)
{
    if (argc != 8)
        die("usage: source PORT SESSIONS SECONDS SIZE MAILBOXES PAUSE_MS FLAGS");
    port = atoi(argv[1]), alive = sessions = atoi(argv[2]), mailboxes = atoi(argv[5]);
    pause_seconds = atof(argv[6]) / 1000;
    make_content((size_t)atol(argv[4]));
    keeps = strchr(argv[7], 'm') != NULL, pipelines = strchr(argv[7], 'p') != NULL;
    is_new = strchr(argv[7], 'n') != NULL, only_data = strchr(argv[7], 'd') != NULL;
    snprintf(hello, sizeof hello, "%s client.example\r\n", strchr(argv[7], 'e') ? "EHLO" : "HELO");
    struct session *all = calloc((size_t)sessions, sizeof *all);
    double limit = now(CLOCK_MONOTONIC) + LIMIT;
    poll_fd = epoll_create1(0);
    is_started = !keeps;
    double began = now(CLOCK_MONOTONIC), used = now(CLOCK_PROCESS_CPUTIME_ID);
    ends_at = began + atof(argv[3]);
    for (int each = 0; each < sessions; each++)
        connect_one(&all[each]);
    while (keeps && waiting < sessions && now(CLOCK_MONOTONIC) < limit)
        one_turn();
    if (keeps) {
        if (waiting < sessions)
            die("%d of %d sessions were greeted in %g s", waiting, sessions, LIMIT);
        puts("ready");
        fflush(stdout);
        wait_for_line();
        began = now(CLOCK_MONOTONIC), used = now(CLOCK_PROCESS_CPUTIME_ID), ends_at = began + atof(argv[3]);
        is_started = 1;
        for (int each = 0; each < sessions; each++)
            pause_seconds > 0 ? rest(&all[each]) : say(&all[each], MAIL);
        for (struct session *each = sleeping; each; each = each->next) /* not all at the same moment */
            each->wakes_at = began + pause_seconds * (double)(each - all) / sessions;
    }
    limit = ends_at + LIMIT;
    while (alive > 0) {
        one_turn();
        if (now(CLOCK_MONOTONIC) > limit)
            die("the last replies took more than %g s", LIMIT);
    }
    double seconds = now(CLOCK_MONOTONIC) - began;
    printf("%ld %.6f %.6f %.6f %.6f %.6f\n", messages, seconds, now(CLOCK_PROCESS_CPUTIME_ID) - used, quantile(0.5),
           quantile(0.99), worst);
    fflush(stdout);
    wait_for_line();
    return 0;
}
