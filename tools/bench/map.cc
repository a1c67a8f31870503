/* SPDX-License-Identifier: MIT
 *
 * A map of strings to vectors that grow:
 *
 *     map COUNT
 */
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

int main(int argc, char **argv)
{
    int count = argc > 1 ? std::atoi(argv[1]) : 1000;
    unsigned long sum = 0;
    for (int round = 0; round < 4; round++) {
        std::map<std::string, std::vector<int>> map;
        for (int i = 0; i < count; i++) {
            map["the key of number " + std::to_string(i % 30000)].push_back(i);
        }
        for (const auto &entry : map) {
            sum += entry.first.size() + entry.second.size() + unsigned(entry.second.back());
        }
    }
    std::printf("%lu\n", sum);
}
