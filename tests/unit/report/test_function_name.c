/* SPDX-License-Identifier: MIT
 *
 * Which globs match names as they come from demanglers.
 */
#include "function_name.h"
#include "test.h"

static void check(const char *name, const char *const *globs, bool expected)
{
    for (; *globs; globs++)
        if (function_name_matches(name, *globs) != expected)
            fail_msg("'%s' %s '%s'", *globs, expected ? "does not match" : "matches", name);
}
#define MATCH(name, ...) check(name, (const char *const[]){__VA_ARGS__, NULL}, true)
#define DIFFER(name, ...) check(name, (const char *const[]){__VA_ARGS__, NULL}, false)

static void whole_names(void **state)
{
    (void)state;
    MATCH("ext_fn", "ext_fn", "ext*", "*");
    DIFFER("ext_fn", "ext", "fn", "ext_fn(*");
    MATCH("strdup+0xf", "strdup", "strdup+0xf");
    DIFFER("strdup+0xf", "strdu");
    MATCH("cold+0xzz", "cold+0xzz");
    DIFFER("cold+0xzz", "cold");
    MATCH("", "", "*");
}

static void parameters_and_return_types(void **state)
{
    (void)state;
    MATCH("ns::C::meth(int, char (*)(long)) const", "ns::C::meth", "ns::*::meth", "ns::C::meth(*");
    DIFFER("ns::C::meth(int)", "meth", "ns::C");
    MATCH("int* make<int>(int)", "make*", "make", "make<int>", "make<*>(int)",
          "int* make<int>(int)");
    DIFFER("int* make<int>(int)", "int", "int*ake");
    MATCH("std::vector<int, std::allocator<int> >::push_back(int&&)", "std::vector::push_back",
          "std::vector<int*>::push_back");
    MATCH("unsigned long a::f<char, (b)3>(char)", "a::f", "a::f<char, (b)3>");
    MATCH("decltype (1 > 2) f<int>(int)", "f", "f<int>");
    MATCH("std::function<int (char) > g<(3 > 2)>()", "g");
    MATCH("non-virtual thunk to D::run()", "D::run");
    MATCH("f(int) [clone .cold]", "f");
    MATCH("operator new(unsigned long)+0x18", "operator new");
}

static void unnamed_scopes(void **state)
{
    (void)state;
    MATCH("outer::(anonymous namespace)::D::run()", "outer::*::D::run",
          "outer::(anonymous namespace)::D::run");
    MATCH("main::{lambda(int)#1}::operator()(int) const", "main::{lambda(int)#1}::operator()");
    MATCH("a::f(int) const::{lambda()#1}::operator()() const", "a::f::{lambda()#1}::operator()",
          "a::f::*");
    MATCH("(anonymous namespace)::f(int)", "(anonymous namespace)::f");
}

static void operators(void **state)
{
    (void)state;
    MATCH("ns::operator<<(std::ostream&, int)", "ns::operator<<");
    MATCH("bool operator< <int>(A<int> const&)", "operator<", "operator<<int>");
    MATCH("A::operator->()", "A::operator->");
    MATCH("A::operator()(int)", "A::operator()");
    MATCH("A::operator[](int)", "A::operator[[]]");
    MATCH("A::operator char const*() const", "A::operator char const[*]");
    MATCH("operator new[](unsigned long)", "operator new[[]]");
    MATCH("A::operatory(int)", "A::operatory");
}

static void rust(void **state)
{
    (void)state;
    MATCH("cl::main::{{closure}}", "cl::main::*", "cl::main::{{closure}}");
    MATCH("<alloc::vec::Vec<T> as core::ops::Drop>::drop", "*::drop");
    MATCH("a::f::<u32>", "a::f");
    MATCH("a::g::<fn(u8) -> i32>", "a::g");
    MATCH("a::<impl b::B for c::C>::d", "a::d");
}

static void broken_names(void **state)
{
    (void)state;
    static const char *const names[] = {"f<", "f(",        "(",        "<",        ")",
                                        ">",  "a::<",      "operator", " ",        "f<(>",
                                        "{",  "operator ", "a (",      "decltype("};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        DIFFER(names[i], "nothing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_names),    cmocka_unit_test(parameters_and_return_types),
        cmocka_unit_test(unnamed_scopes), cmocka_unit_test(operators),
        cmocka_unit_test(rust),           cmocka_unit_test(broken_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
