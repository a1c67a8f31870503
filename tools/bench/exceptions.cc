/* SPDX-License-Identifier: MIT
 *
 * Exceptions that carry a string through frames with destructors:
 *
 *     exceptions COUNT
 */
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

static unsigned long destroyed;

struct Held {
    std::unique_ptr<std::string> text;
    explicit Held(int n) : text(new std::string(40 + n % 50, 'x'))
    {
    }
    ~Held()
    {
        destroyed += text->size();
    }
};

[[gnu::noinline]] static void descend(int depth, int n)
{
    Held held(n + depth);
    if (depth == 0) {
        throw std::runtime_error("the value " + std::to_string(n) + " is not accepted here");
    }
    descend(depth - 1, n);
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? std::atoi(argv[1]) : 1000;
    unsigned long caught = 0;
    for (int n = 0; n < count; n++) {
        try {
            descend(n % 8, n);
        } catch (const std::runtime_error &error) {
            caught += std::string(error.what()).size();
        }
    }
    std::printf("%lu %lu\n", caught, destroyed);
}
