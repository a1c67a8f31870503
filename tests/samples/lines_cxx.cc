/* SPDX-License-Identifier: MIT
 *
 * lines_cxx: the sample `lines` in C++: what the lines of templates, members, constructors,
 * lambdas, virtual functions and callbacks of the standard library are charged, what the library's
 * inlined headers allocate on their behalf included. Keeps the same ledger. */
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

extern "C" {
#include "ledger.h"
}

#define NOINLINE [[gnu::noinline]]

namespace
{

/* A growing array of its own, for two types. */
template <typename T> class stack
{
  public:
    NOINLINE void push(T value)
    {
        if (size_ == capacity_)
            RUN(grow());
        items_[size_++] = value;
    }
    NOINLINE ~stack()
    {
        RUN(delete[] items_);
    }
    stack() = default;
    stack(const stack &) = delete;
    stack &operator=(const stack &) = delete;

  private:
    NOINLINE void grow()
    {
        capacity_ = capacity_ ? capacity_ * 2 : 4;
        T *items = AT(new T[capacity_]);
        std::copy(items_, items_ + size_, items);
        RUN(delete[] items_);
        items_ = items;
    }
    T *items_ = nullptr;
    size_t size_ = 0, capacity_ = 0;
};

struct base {
    virtual ~base() = default;
    virtual char *make(size_t size) = 0;
};

struct once : base {
    NOINLINE char *make(size_t size) override
    {
        return AT(new char[size]);
    }
};

/* Allocates in its constructor, and calls another's. */
struct twice : base {
    NOINLINE explicit twice(size_t size)
    {
        first_ = AT(new char[size]);
        RUN(name_.assign(size, 'n'));
    }
    NOINLINE char *make(size_t size) override
    {
        char *other = AT(inner_.make(size));
        USE(other);
        return AT(inner_.make(size + 1));
    }
    char *first_;
    std::string name_;
    once inner_;
};

NOINLINE void templates()
{
    auto *numbers = AT(new stack<int>);
    auto *pairs = AT(new stack<std::pair<long, long>>);
    for (int i = 0; i < 100; i++) {
        RUN(numbers->push(i));
        RUN(pairs->push({i, i}));
    }
    USE(pairs);
    RUN(delete numbers);
}

NOINLINE void containers()
{
    auto *names = AT(new std::vector<std::string>);
    auto *map = AT(new std::map<int, std::string>);
    auto *hashed = AT(new std::unordered_map<int, int>);
    for (int i = 0; i < 200; i++) {
        RUN(names->push_back(std::string(static_cast<size_t>(i % 60), 'x')));
        RUN((*map)[i % 50] += "some text that is appended");
        RUN((*hashed)[i] = i);
    }
    RUN(names->resize(10); names->shrink_to_fit());
    USE(names);
    USE(hashed);
    RUN(delete map);
}

NOINLINE void calls()
{
    auto *object = AT(new twice(500));
    auto *lone = AT(std::make_unique<once>().release());
    for (base *b : {static_cast<base *>(object), static_cast<base *>(lone)})
        for (size_t i = 1; i < 5; i++)
            USE(AT(b->make(i * 10)));
    long kept[8] = {1, 2, 3};
    std::function<char *(size_t)> function;
    auto maker = [kept](size_t n) { return AT(new char[n + static_cast<size_t>(kept[1])]); };
    RUN(function = maker);
    USE(AT(function(70)));
    RUN(delete object);
}

NOINLINE void callbacks()
{
    static int values[300];
    int number = 1;
    for (int &value : values)
        value = number = number * 31 % 1009;
    auto less = [](int a, int b) {
        static int compared;
        if (compared++ % 100 == 0) {
            char *p = AT(new char[static_cast<size_t>(compared % 90 + 1)]);
            USE(p);
        }
        return a < b;
    };
    RUN(std::sort(values, values + 300, less));
}

} // namespace

int main()
{
    RUN(templates());
    RUN(containers());
    RUN(calls());
    RUN(callbacks());
    ledger_print();
    return 0;
}
