/* An echo as the documentation of uWebSockets writes it, without compression; with the argument `broadcast`, what its
 * examples do for everybody: all subscribe to one topic, and every message is published to it. */

#include "App.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

struct Nothing {};

static uWS::App::WebSocketBehavior<Nothing> behavior() {
    return {
        .compression = uWS::DISABLED,
        .maxPayloadLength = 64 * 1024 * 1024,
        /* Those of the peers have no bound of their own, or one as high as this. */
        .maxBackpressure = 64 * 1024 * 1024,
    };
}

int main(int argc, char **argv) {
    uWS::App app;
    auto doing = behavior();
    if (argc > 1 && std::string_view(argv[1]) == "broadcast") {
        doing.open = [](auto *ws) {
            ws->subscribe("room");
        };
        /* The app publishes to all; `ws->publish` would leave out the sender. */
        doing.message = [&app](auto *, std::string_view message, uWS::OpCode opCode) {
            app.publish("room", message, opCode);
        };
    } else {
        doing.message = [](auto *ws, std::string_view message, uWS::OpCode opCode) {
            ws->send(message, opCode);
        };
    }
    app.ws<Nothing>("/*", std::move(doing)).listen("127.0.0.1", 0, [](auto *listenSocket) {
        if (!listenSocket) {
            std::fprintf(stderr, "uwebsockets: cannot listen on 127.0.0.1\n");
            std::exit(1);
        }
        int port = us_socket_local_port(0, reinterpret_cast<us_socket_t *>(listenSocket));
        std::printf("listening on ws://127.0.0.1:%d\n", port);
        std::fflush(stdout);
    }).run();
}
