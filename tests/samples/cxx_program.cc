/* SPDX-License-Identifier: MIT
 *
 * cxx_program: containers, strings, virtual calls, exceptions through many frames, aligned and
 * nothrow operator new, a new_handler. Its globals own memory that only their destructors give
 * back, so it leaks nothing but what it says. Prints what it computed. */
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{

/* Freed by static destructors, after main. */
std::vector<std::string> global_names;
std::map<int, std::unique_ptr<std::string>> global_map;

struct shape {
    virtual ~shape() = default;
    virtual long area() const = 0;
};

template <int Side> struct square : shape {
    std::vector<int> cells = std::vector<int>(Side * Side, 1);
    long area() const override
    {
        long sum = 0;
        for (int cell : cells)
            sum += cell;
        return sum;
    }
};

struct alignas(256) wide {
    char bytes[512];
};

[[gnu::noinline]] long descend(int depth)
{
    std::string local(static_cast<size_t>(depth) * 10, 'x');
    if (depth == 0)
        throw std::runtime_error("the bottom, with a text that does not fit into the object");
    return descend(depth - 1) + static_cast<long>(local.size());
}

long catch_many(int times)
{
    long caught = 0;
    for (int i = 0; i < times; i++) {
        try {
            caught += descend(i % 30);
        } catch (const std::exception &error) {
            caught += static_cast<long>(std::string(error.what()).size());
        }
    }
    return caught;
}

int handled;

void handler()
{
    if (++handled == 2)
        std::set_new_handler(nullptr);
}

int fail_to_allocate()
{
    volatile size_t huge = SIZE_MAX / 4;
    int failures = 0;
    std::set_new_handler(handler);
    try {
        char *p = new char[huge];
        asm volatile("" : "+r"(p)); // or the pair may be left out
        delete[] p;
    } catch (const std::bad_alloc &) {
        failures++;
    }
    char *none = new (std::nothrow) char[huge];
    asm volatile("" : "+r"(none));
    if (!none)
        failures++;
    return failures;
}

} // namespace

int main(int argc, char **)
{
    std::vector<std::unique_ptr<shape>> shapes;
    for (int i = 0; i < 50; i++) {
        shapes.push_back(std::make_unique<square<3>>());
        shapes.push_back(std::make_unique<square<8>>());
        global_names.push_back("a name that is too long to be kept inside " + std::to_string(i));
        global_map[i] = std::make_unique<std::string>(global_names.back() + "!");
    }
    long area = 0;
    for (const auto &s : shapes)
        area += s->area();
    auto aligned = std::make_unique<wide>();
    int misaligned = reinterpret_cast<uintptr_t>(aligned.get()) % 256 != 0;
    long caught = catch_many(500);
    int failures = argc > 1 ? fail_to_allocate() : 0; /* valgrind cannot throw bad_alloc */
    std::printf("area %ld, caught %ld, misaligned %d, failures %d, handled %d\n", area, caught,
                misaligned, failures, handled);
    return 0;
}
