/* SPDX-License-Identifier: MIT
 *
 * thread_locals N: N threads and the first one use an object of C++'s thread-local storage, whose
 * destructor allocates and frees while its thread ends, and makes another one, which does the same.
 * Prints how many blocks that are, all of which are freed. */
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace
{

std::atomic<long> made;

[[gnu::noinline]] void *take(size_t size)
{
    void *p = std::malloc(size);
    asm volatile("" : "+r"(p)::"memory");
    made++;
    return p;
}

/* Owns a block from its first use to the end of its thread. */
template <int Size> struct owner {
    void *block = take(Size);
    owner() = default;
    owner(const owner &) = delete;
    owner &operator=(const owner &) = delete;
    ~owner();
    void use()
    {
        asm volatile("" ::"r"(block) : "memory");
    }
};

thread_local owner<500> plain;

/* Not made with the other ones. */
void use_late()
{
    thread_local owner<501> late;
    late.use();
}

template <int Size> owner<Size>::~owner()
{
    std::free(take(33));
    std::free(block);
    if (Size == 500)
        use_late();
}

} // namespace

int main(int argc, char **argv)
{
    std::vector<std::thread> threads;
    const int n = argc > 1 ? std::atoi(argv[1]) : 1;
    for (int i = 0; i < n; i++)
        threads.emplace_back([] { plain.use(); });
    for (auto &thread : threads)
        thread.join();
    plain.use();
    const long each = 4; /* two blocks of its own, two of their destructors */
    std::printf("%ld\n", made == n * each + 1 ? (n + 1) * each : -1);
    return 0;
}
