/* SPDX-License-Identifier: MIT
 * The same for C++: names with parameters where the compiler emits them, without where it does
 * not. */
#include "probe.h"

static volatile int zero;

namespace outer
{
template <class T> struct Box {
    T value;
    NOINLINE int method(int n) const
    {
        return probe(AT("outer::Box<long>::method(int) const", nullptr)) + n;
    }
    INLINE int inlined(const struct chain *o) const
    {
        return probe(AT("outer::Box<long>::inlined(chain const*) const", o)) + zero;
    }
};

template <class T> NOINLINE int generic(T n)
{
    return probe(AT("int outer::generic<int>(int)", nullptr)) + (int)n;
}

class Base
{
  public:
    virtual ~Base() = default;
    NOINLINE virtual int run()
    {
        return probe(AT("outer::Base::run()", nullptr)) + zero;
    }
};
} // namespace outer

namespace
{
struct Hidden {
    INLINE int operator()(const struct chain *o) const
    {
        return probe(AT("(anonymous namespace)::Hidden::operator()", o)) + zero;
    }
};
NOINLINE int unnamed()
{
    return Hidden()(AT("(anonymous namespace)::unnamed", nullptr)) + zero;
}
} // namespace

static NOINLINE int local(int n)
{
    outer::Box<long> box = {n};
    n += box.inlined(AT("local", nullptr));
    return n + box.method(n);
}

int main()
{
    outer::Base base;
    int n = local(zero) + outer::generic(zero) + base.run() + unnamed();
    auto lambda = [&](const struct chain *o) __attribute__((always_inline))
    {
        return probe(AT("main::{lambda}::operator()", o)) + zero;
    };
    n += lambda(AT("main", nullptr));
    return n == 0;
}
