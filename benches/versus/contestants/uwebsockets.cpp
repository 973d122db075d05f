/* An echo as the documentation of uWebSockets writes it, without compression. */

#include "App.h"

#include <cstdio>
#include <cstdlib>

int main() {
    struct Nothing {};

    uWS::App().ws<Nothing>("/*", {
        .compression = uWS::DISABLED,
        .maxPayloadLength = 64 * 1024 * 1024,
        /* Those of the peers have no bound of their own, or one as high as this. */
        .maxBackpressure = 64 * 1024 * 1024,
        .message = [](auto *ws, std::string_view message, uWS::OpCode opCode) {
            ws->send(message, opCode);
        },
    }).listen("127.0.0.1", 0, [](auto *listenSocket) {
        if (!listenSocket) {
            std::fprintf(stderr, "uwebsockets: cannot listen on 127.0.0.1\n");
            std::exit(1);
        }
        int port = us_socket_local_port(0, reinterpret_cast<us_socket_t *>(listenSocket));
        std::printf("listening on ws://127.0.0.1:%d\n", port);
        std::fflush(stdout);
    }).run();
}
